package trend

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/stats"
)

// unmeasuredServers are the servers that a station of which nothing is measured
// may have.
var unmeasuredServers = [...]float64{1, 2, 3, 4, 6, 8, 12, 16, 24, 32}

// What is believed of a station before its waits are looked at.
const (
	leastBusy, mostBusy = 0.03, 0.95 // utilisation at weight 0, evenly
	busyStep            = 0.02
	// What is full is felt before, give or take. These three and the two below are
	// chosen on two kinds of simulated services, each of draws of their own: on
	// the queues of the test here intervals of 80 % hold 72 to 82 in 100, on whole
	// systems 92. What narrows those more makes these too narrow.
	feltAt, feltBy = 0.9, 0.01
	// scarce is the power of the servers, and of the instances, that it is less
	// likely by: many are rarer than few.
	scarce = 0.5
	// busyUnsure is the standard deviation of the logarithm of how many servers
	// are busy by Little's law, as service times are not exponential; and an
	// instance that is known to be there must be at least leastInstance of one.
	busyUnsure, leastInstance = 0.2, 0.9
	// risesUnsure is the standard deviation of a rise of the median, as a share
	// of its logarithm, for the same reason.
	risesUnsure = 0.03
	// tells is how wide an 80 % interval may be, as a share of what it would be
	// were every weight from here to all the traffic as likely.
	tells = 0.9
)

// ownShares are the shares of its time that a service may spend at itself,
// where it calls others: evenly.
var ownShares = [...]float64{0.15, 0.25, 0.4, 0.6, 0.8, 1}

// An Unmeasured is a station of which no use is measured: what arrives there,
// and how long it takes, in the frames of a release.
type Unmeasured struct {
	// Before and Since are the median wait before the first step and since, in
	// seconds: of the station, or of the stable version where both share it.
	Before, Since *stats.History
	// Beside is that of the new version, where both share the station; else nil.
	Beside                   *stats.History
	ArrivalsBefore, Arrivals *stats.History // at the station, per second; of one instance, where these are told apart
	LoadBefore, Load         *stats.History // at the released service, per second; nil when not known
	Exposed                  *Exposed       // the release's weight
	One                      bool           // whether Arrivals are those of one instance
	Calls                    bool           // whether it calls others, and waits for them
	Window                   int            // frames that one wait looks back over; 0 counts as 1
}

// FailsAt returns at which weight the station is full: where callers feel it,
// at 90 % give or take 5.
//
// How the load grows with the weight is measured: by what arrives for each
// request to the released service, or by how much longer the new version is at
// work. How full the station is now is not. It is laid over a grid of servers c
// and utilisation ρ₀ at weight 0, and each point counts by how well the medians
// at the loads seen fit it, in all units of time alike, and by Little's law: of
// arrivals λ and the service time s, λ·s servers are busy, so that there are
// λ·s/(c·ρ₀) instances, and no fewer than one. What cannot be told stays in the
// width.
//
// P10, P50 and P90 are of the weights up to all the traffic, given that it is
// full by then; Breach has the rest. It is [Weak] where these are hardly
// narrower than if nothing were known, and Evidence is that of the growth.
func (u Unmeasured) FailsAt() Failure {
	nan := math.NaN()
	f := Failure{Why: OneExposure, P10: nan, P50: nan, P90: nan, Needs: nan}
	if u.Since == nil || u.Since.N == 0 || u.Arrivals == nil || u.Arrivals.N == 0 {
		return f
	}
	r := Response{
		Before: u.Before, Since: u.Since, Exposed: u.Exposed, LoadBefore: u.ArrivalsBefore, Load: u.Arrivals,
		Wait: true, Window: u.Window, Limit: nan,
	}
	var x rows
	x.lay(&r)
	if !x.loads || !x.positive() {
		return f
	}
	seen := r.waits(&x, r.apart(&x))
	if len(seen) < 2 || seen[0].weight > 0.005 {
		return f
	}
	b := busy{Unmeasured: u, seen: seen, loads: x.loadsAt(seen), now: u.Exposed.At(u.Since.Newest)}
	b.arrivals, _ = present(u.Arrivals)
	f.Why = Flat
	if u.Beside != nil {
		f.Evidence = b.slower(&r, &x)
	} else {
		f.Evidence = b.grows()
	}
	if f.Evidence < oddsOfAnswer || !(b.arrivals > 0) {
		return f
	}
	b.medians.fill()
	b.lay(&f)
	return f
}

// A busy is an Unmeasured being looked at.
type busy struct {
	Unmeasured
	seen     []observed // medians by weight, that of weight 0 first
	loads    []float64  // what arrived meanwhile, over what arrives now
	now      float64    // the weight
	arrivals float64    // now, per second
	medians  medians
	k, se    float64 // by how much the load grows to all the traffic, as a share of it; of a callee
	longer   float64 // by how much the new version's median is longer, over the stable one's at weight 0; of a shared station
}

// apart returns how many rows say as much as one independent one, from how
// they lie about their weights' means.
func (r *Response) apart(x *rows) float64 {
	es := x.exposures(r.Since.Size)
	rest := make([]float64, 0, x.n)
	for i := range x.n {
		for _, e := range es {
			if math.Abs(x.weight[i]-e.weight) < 0.005 && x.frames[i] <= 1.5 {
				rest = append(rest, x.value[i]*e.frames/e.sum-1)
			}
		}
	}
	return stats.Autocorr(float64(r.Window)/float64(r.Since.Size), rest).Tau
}

// loadsAt returns the mean load at each weight seen.
func (x *rows) loadsAt(seen []observed) []float64 {
	out := make([]float64, len(seen))
	for k, o := range seen {
		var n float64
		for i := range x.n {
			if math.Abs(x.weight[i]-o.weight) < 0.005 {
				out[k], n = out[k]+x.frames[i]*x.load[i], n+x.frames[i]
			}
		}
		out[k] /= n
	}
	return out
}

// grows reads how the arrivals for each request to the released service answer
// to the weight, and returns the log odds that they do.
func (b *busy) grows() (evidence float64) {
	r := Response{Before: b.ArrivalsBefore, Since: b.Arrivals, Exposed: b.Exposed, LoadBefore: b.LoadBefore, Load: b.Load, Window: b.Window, Limit: math.NaN()}
	var x rows
	x.lay(&r)
	if x.loads {
		for i := range x.n {
			x.value[i] /= x.load[i]
		}
		x.loads = false
	}
	if !r.glance(&x) { // as most do not
		return math.Inf(-1)
	}
	rs := unhinged(r.rivals(&x))
	if len(rs) == 0 {
		return math.Inf(-1)
	}
	evidence = weigh(rs)
	var rises float64
	for _, m := range rs {
		b.k += m.share * m.b / m.a
		rises += m.share * m.rises()
	}
	for _, m := range rs {
		d := m.b/m.a - b.k
		b.se += m.share * (m.bb/(m.a*m.a) + d*d)
	}
	b.se = math.Sqrt(b.se)
	if !(rises >= surely && b.k > 0) {
		return math.Inf(-1)
	}
	return evidence
}

// slower reads by how much the new version's median is longer in the same
// frames, and returns the log odds that the stable one's answers to the weight:
// both wait in one line only if it does.
func (b *busy) slower(r *Response, x *rows) (evidence float64) {
	var d, dd, n float64
	for i := range b.Since.Blocks {
		from := b.Since.Origin + i*b.Since.Size
		to := min(from+b.Since.Size-1, b.Since.Newest)
		v := (b.Beside.Over(from, to) - b.Since.Over(from, to)) / b.seen[0].mean
		if !math.IsNaN(v) {
			d, dd, n = d+v, dd+v*v, n+1
		}
	}
	b.longer = d / n
	if spread := math.Sqrt(math.Max(0, dd/n-b.longer*b.longer) / n); !(n >= leastFrames && b.longer > 3*spread) {
		return math.Inf(-1)
	}
	r.Limit = 10 * b.seen[0].mean
	was := x.loads
	x.loads = false
	rs := unhinged(r.rivals(x))
	x.loads = was
	if len(rs) == 0 {
		return math.Inf(-1)
	}
	evidence = weigh(rs)
	var rises float64
	for _, m := range rs {
		rises += m.share * m.rises()
	}
	if rises < surely {
		return math.Inf(-1)
	}
	return evidence
}

// A busyPoint is one point of the grid.
type busyPoint struct {
	servers           int // index of unmeasuredServers
	rho, own, k, like float64
}

// lay goes over the grid and answers.
func (b *busy) lay(f *Failure) {
	var s station
	var all, past float64
	growths := fifths[:]
	if b.se == 0 {
		growths = fifths[2:3]
	}
	for _, p := range b.points() {
		for _, z := range fifths {
			for _, v := range growths {
				at := (math.Min(stationFull, feltAt+feltBy*z)/p.rho - 1) / math.Max(p.k+b.se*v, 1e-6)
				if at <= b.now { // it does well here
					past += p.like
					continue
				}
				all += p.like
				if x := at / stationReach * (stationGrid - 1); x < stationGrid-1 {
					s.by[int(math.Ceil(x))] += p.like
				}
			}
		}
	}
	if f.Why = Weak; all <= past/100 {
		return
	}
	for k := range s.by {
		if s.by[k] /= all; k > 0 {
			s.by[k] += s.by[k-1]
		}
	}
	b.answer(f, &s)
}

// points are those of the grid that anything speaks for, with how much, in units
// of the best.
func (b *busy) points() []busyPoint {
	shares := ownShares[:]
	if !b.Calls {
		shares = shares[len(shares)-1:]
	}
	out := make([]busyPoint, 0, len(unmeasuredServers)*len(shares)*50)
	best := math.Inf(-1)
	for c := range unmeasuredServers {
		for rho := leastBusy; rho < mostBusy; rho += busyStep {
			for _, own := range shares {
				p := busyPoint{servers: c, rho: rho, own: own, k: b.k}
				if b.weigh(&p) {
					out, best = append(out, p), math.Max(best, p.like)
				}
			}
		}
	}
	out = slices.DeleteFunc(out, func(p busyPoint) bool { return p.like < best-20 })
	for i := range out {
		out[i].like = math.Exp(out[i].like - best)
	}
	return out
}

// fifths are the 10, 30, 50, 70 and 90 % points of a normal distribution, for
// sums over it.
var fifths = [...]float64{-1.2816, -0.5244, 0, 0.5244, 1.2816}

// answer takes the points off the distribution.
func (b *busy) answer(f *Failure, s *station) {
	f.rivals = []rival{{shape: Queue, share: 1, station: s, gridded: true}}
	f.Shape, f.full = Queue, math.Inf(1)
	end := s.met(1)
	if end < 1-perhaps {
		f.Why = Beyond
		return
	}
	p10, p50, p90 := f.quantile(0.1, end), f.quantile(0.5, end), f.quantile(0.9, end)
	if f.Why = Weak; p90-p10 <= tells*0.8*(1-b.now) {
		f.Why, f.P10, f.P50, f.P90 = Known, p10, p50, p90
	}
}

// weigh fits the level of the medians at one point and fills in the logarithm
// of what speaks for it; false where the station would be full at what was
// seen.
//
// Of a station that both versions share, the new one's work is longer by
// k = longer/(own·ln 2/m(ρ₀)), m the median there in units of the service time.
func (b *busy) weigh(p *busyPoint) bool {
	c := unmeasuredServers[p.servers]
	level := b.medians.at(p.servers, p.rho)
	service := p.own * math.Exp(-level) // of the median at weight 0
	if b.Beside != nil {
		p.k = b.longer / (service * math.Ln2)
	}
	var sw, sd, sdd float64
	for i, o := range b.seen {
		more := 1 + p.k*o.weight
		rho := p.rho * b.loads[i] * (1 + p.k*b.now)
		if b.Beside != nil {
			rho = p.rho * b.loads[i] * more
		} else {
			more = 1
		}
		m := b.medians.at(p.servers, rho)
		if math.IsInf(m, 1) {
			return false
		}
		stay := math.Ln2 + (math.Exp(m)-math.Ln2)*more // the stable version's work and the wait behind both
		rise := math.Log(1 - p.own + service*stay)
		v := o.variance + risesUnsure*risesUnsure*rise*rise
		e := math.Log(o.mean) - rise
		sw, sd, sdd = sw+1/v, sd+e/v, sdd+e*e/v
		p.like -= math.Log(v/o.variance) / 2
	}
	p.like -= (sdd - sd*sd/sw) / 2
	arrivals := b.arrivals
	if b.Beside == nil {
		arrivals /= 1 + p.k*b.now
	}
	instances := math.Log(arrivals * b.seen[0].mean * service / (c * p.rho))
	p.like -= scarce * math.Log(c)
	if b.One {
		p.like -= instances * instances / (busyUnsure * busyUnsure) / 2
	} else {
		least := (instances - math.Log(leastInstance)) / busyUnsure
		p.like += math.Log(stats.NormalCDF(least)+1e-9) - scarce*math.Max(0, instances)
	}
	return true
}
