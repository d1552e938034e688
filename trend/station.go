package trend

import "math"

// The grid on which a station of servers is looked for.
const (
	stationLeast, stationMost = 0.1, 0.9  // utilisation at weight 0
	stationSteps              = 17        // between them
	stationCosts              = 24        // of how much the load grows by all the traffic, as a share of it
	costLeast, costMost       = 0.1, 10.0 // from a tenth to ten times, evenly in the logarithm
	stationFull               = 0.98      // utilisation at which everything waits
	stationGrid               = 101       // weights at which the answer is kept
	stationReach              = 2.0       // up to twice all the traffic
	// stationSpread is how far the logarithm of W·c/b is believed to lie from that of
	// M/M/c, where it is 1: bursts and long work wait more, what is spent elsewhere less.
	stationSpread = 2.0
	stationOff    = 4.0 // spreads at which nothing lies further off
)

var stationServers = [...]float64{1, 2, 4, 8, 16, 32}

// A station is the posterior of where a wait meets its limit, when it is that
// of a station of several servers whose load grows with the weight.
type station struct {
	by   [stationGrid]float64 // probability that it is met by each weight
	next [stationGrid]float64 // probability that the value at the next weight is this of its grid or more
}

// met returns the probability that the limit is met at weight w or before.
func (s *station) met(w float64) float64 {
	x := math.Min(math.Max(0, w)/stationReach*(stationGrid-1), stationGrid-1)
	k := min(int(x), stationGrid-2)
	return s.by[k] + (x-float64(k))*(s.by[k+1]-s.by[k])
}

// An observed wait is its mean at one weight with its relative variance.
type observed struct{ weight, mean, variance float64 }

// waits gathers the means of a wait by weight, with how sure each is: its
// rows' spread as a share of the mean, pooled over the weights, τ rows saying
// as much as one.
func (r *Response) waits(x *rows, tau float64) []observed {
	es := x.exposures(r.Since.Size)
	var ss, n float64
	for i := range x.n {
		for _, e := range es {
			if mean := e.sum / e.frames; math.Abs(x.weight[i]-e.weight) < 0.005 && mean > 0 {
				d := (x.value[i] - mean) / mean
				ss, n = ss+x.frames[i]*d*d, n+1
			}
		}
	}
	free := n - float64(len(es))
	if free < 3 {
		return nil
	}
	relative := ss/free + least*least/float64(r.Since.Size)
	var out []observed
	for _, e := range es {
		rows := e.frames / float64(r.Since.Size)
		out = append(out, observed{e.weight, e.sum / e.frames, relative * tau / math.Max(1, rows)})
	}
	return out
}

// fitStation returns where a wait meets its limit, as a station of c servers
// at utilisation ρ = ρ₀·(1 + k·w) would have it:
//
//	wait(w) = b + W·ρ^(√(2(c+1))−1)/(1 − ρ)
//
// Nothing but the waits is measured, so that c, ρ₀ and k are laid over a grid
// (servers 1 to 32 evenly in the logarithm, ρ₀ evenly, k evenly in the
// logarithm), b and W ≥ 0 are fitted at each point, and each counts by its
// likelihood and by how far W is from the b/c of M/M/c. What cannot be told stays in the width of the answer. The limit
// counts as met at a utilisation of 98 % at the latest. nil with fewer than
// three weights. It takes 2,448 points of O(weights).
//
// Source of the law: H. Sakasegawa, An approximation formula
// Lq ≈ α·ρ^β/(1−ρ), Annals of the Institute of Statistical Mathematics 29 (1977).
func (r *Response) fitStation(x *rows, tau float64) *station {
	if r.Falls {
		return nil
	}
	seen := r.waits(x, tau)
	if len(seen) < 3 {
		return nil
	}
	d, next := density{best: math.Inf(-1)}, density{best: math.Inf(-1)}
	for _, c := range stationServers {
		power := math.Sqrt(2*(c+1)) - 1
		for i := range stationSteps {
			rho := stationLeast + (stationMost-stationLeast)*float64(i)/(stationSteps-1)
			for j := range stationCosts {
				k := costLeast * math.Pow(costMost/costLeast, float64(j)/(stationCosts-1))
				p := stationPoint{rho: rho, cost: k, power: power, servers: c}
				if log, ok := p.fit(seen); ok {
					d.add(p.meets(r.Limit), log)
					next.add(rung(p.base+p.wait*p.queue(r.Next), r.Limit), log)
				}
			}
		}
	}
	out := d.station()
	if ahead := next.station(); ahead != nil {
		out.next = ahead.by
	}
	return out
}

// A density is how much speaks for each weight of the grid, in units of the
// best point; the last one is that of no weight within reach.
type density struct {
	at   [stationGrid + 1]float64
	best float64
}

// add lets one point count by its log likelihood.
func (d *density) add(at int, log float64) {
	if log > d.best {
		scale := math.Exp(d.best - log) // 0 at first
		for k := range d.at {
			d.at[k] *= scale
		}
		d.best = log
	}
	d.at[at] += math.Exp(log - d.best)
}

// station adds it up; nil when nothing was added.
func (d *density) station() *station {
	var all, sum float64
	for _, x := range d.at {
		all += x
	}
	if !(all > 0) {
		return nil
	}
	var s station
	for k := range s.by {
		sum += d.at[k] / all
		s.by[k] = sum
	}
	return &s
}

// A stationPoint is one point of the grid, fitted.
type stationPoint struct{ servers, rho, cost, power, base, wait float64 }

// queue returns the part of the wait that grows, at a weight; NaN where the
// station is full.
func (p *stationPoint) queue(w float64) float64 {
	rho := p.rho * (1 + p.cost*w)
	if rho >= stationFull {
		return math.NaN()
	}
	return math.Pow(rho, p.power) / (1 - rho)
}

// fit finds base and wait, both at least 0, and returns the log likelihood.
func (p *stationPoint) fit(seen []observed) (log float64, ok bool) {
	var sw, sg, sgg, sy, sgy float64
	var gs [maxKnots + 1]float64
	for i, o := range seen {
		if i >= len(gs) {
			return 0, false
		}
		g := p.queue(o.weight)
		if math.IsNaN(g) {
			return 0, false
		}
		gs[i] = g
		w := 1 / (o.variance * o.mean * o.mean)
		sw, sg, sgg, sy, sgy = sw+w, sg+w*g, sgg+w*g*g, sy+w*o.mean, sgy+w*g*o.mean
	}
	det := sw*sgg - sg*sg
	if !(det > 1e-12*sw*sgg) {
		return 0, false
	}
	p.wait = (sw*sgy - sg*sy) / det
	p.base = (sy - p.wait*sg) / sw
	if p.base < 0 {
		p.base, p.wait = 0, sgy/sgg
	}
	if !(p.wait > 0) {
		return 0, false
	}
	for i, o := range seen {
		d := (o.mean - p.base - p.wait*gs[i]) / o.mean
		log -= d * d / o.variance / 2
	}
	off := stationOff
	if p.base > 0 {
		off = math.Min(off, math.Abs(math.Log(p.wait*p.servers/p.base))/stationSpread)
	}
	return log - off*off/2, true
}

// meets returns the first weight of the answer's grid at which the limit is
// met; stationGrid when it is at none.
func (p *stationPoint) meets(limit float64) int {
	need := (limit - p.base) / p.wait
	lo, hi := 0, stationGrid
	for lo < hi {
		mid := (lo + hi) / 2
		g := p.queue(stationReach * float64(mid) / (stationGrid - 1))
		if math.IsNaN(g) || g >= need {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}
