package trend

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

// leastScaled is how many weights beside 0 it takes to tell a cost of
// agreement from a queue: the law has three coefficients.
const leastScaled = 3

// scalings fits Gunther's law to a wait of which the load goes with the weight,
// without time and with a straight line in it.
func (r *Response) scalings(x *rows) []rival {
	if !r.Own || r.Falls || len(x.exposures(r.Since.Size)) < leastScaled {
		return nil
	}
	var out []rival
	var d design
	for _, drift := range []int{0, 1} {
		// Where contention is not more than agreement costs, the least that it
		// can add is nothing.
		for _, answer := range []int{2, 1} {
			d.scale(x, r, answer)
			if m, ok := r.fit(x, &d, rival{shape: Scaling, dropped: answer}, 1+answer+drift); ok {
				out = append(out, m)
				break
			}
		}
	}
	return out
}

// scaling are the terms of Gunther's law at a load and a wait, all of them or
// the cost of agreement alone.
func scaling(load, wait float64, answer int) stats.Terms {
	if answer == 1 {
		return stats.Terms{1, load * load * wait}
	}
	return stats.Terms{1, load, load * load * wait}
}

// scale lays out the terms of Gunther's law, solved for the inverse of the
// wait. With X the throughput, N = X·y of them inside by Little's law,
//
//	X = λ·N/(1 + σ(N−1) + κN(N−1))   ⟺   −1/y = −a + b·X + c·X²·y
//	a = λ/(1−σ)    b = (σ−κ)/(1−σ)    c = κ/(1−σ)
//
// so that c = 0 is the queue of one server, and what comes on top is the cost
// of keeping each pair in agreement. X is the weight, times the traffic where
// that is measured. The y on the right is the mean of all that was seen at that
// weight, as its noise would hide the term.
//
// Source: N. Gunther, Guerrilla Capacity Planning (2007), §4.4 and §6.
func (d *design) scale(x *rows, r *Response, answer int) {
	d.fill(x, rival{shape: Queue}, straight)
	es := x.exposures(r.Since.Size)
	for i := range x.n {
		load, y := x.weight[i], x.value[i]
		for _, e := range es {
			if math.Abs(e.weight-load) < 0.005 {
				y = e.sum / e.frames
			}
		}
		if x.loads {
			load *= x.load[i]
		}
		d.terms[i] = scaling(load, y, answer)
		d.terms[i][1+answer] = x.time[i] / math.Max(1, x.span)
	}
}

// scales says whether the coefficients are ones that the law can have: more
// load never shortens a wait, and agreement costs. Without a cost it is a
// queue, which is a rival by itself.
func scales(g *stats.Regression, answer int) bool {
	return g.Beta[0] < 0 && g.Beta[1] >= 0 && g.Beta[answer] > 0
}

// meetsScaled reads where a wait by Gunther's law meets its limit off a regression:
// the probability by each weight that −a + b·w + c·w²·y ≥ −1/y, where y is the
// limit, or the wait at the most throughput there is, whichever is less:
//
//	most = a/(b + 2√c)    y = 1/(√c·most)
//
// From there on more load brings less through. The sum is linear in the
// coefficients, so that its distribution is Student's at each weight.
func (m *rival) meetsScaled(g *stats.Regression, variance, level float64, r *Response) {
	a, c, b := -g.Beta[0], g.Beta[m.dropped], 0.0
	if m.dropped == 2 {
		b = g.Beta[1]
	}
	y := math.Min(r.Limit, (b+2*math.Sqrt(c))/(math.Sqrt(c)*a))
	m.station, m.gridded = &station{}, true
	for k := range m.station.next {
		v := value(k, r.Limit)
		row := scaling(r.Next, v, m.dropped)
		m.station.next[k] = stats.StudentCDF((g.At(row)+1/v)/math.Sqrt(math.Max(variance*g.Leverage(row), 1e-12*a*a)), m.nu)
	}
	var was float64
	for k := range m.station.by {
		row := scaling(stationReach*float64(k)/(stationGrid-1), y, m.dropped)
		t := (g.At(row) + 1/y) / math.Sqrt(math.Max(variance*g.Leverage(row), 1e-12*a*a))
		was = math.Max(was, stats.StudentCDF(t, m.nu))
		m.station.by[k] = was
	}
	most := r.Exposed.Most()
	up, down := scaling(1.01*most, y, m.dropped), scaling(0.99*most, y, m.dropped)
	var steep stats.Terms
	for k := range steep {
		steep[k] = up[k] - down[k]
	}
	m.b, m.bb = g.At(steep), variance*g.Leverage(steep)
	// Dropping terms adds βᵀC⁻¹β to what is left, C their part of (XᵀWX)⁻¹.
	if m.dropped == 2 {
		ib, ic, bc := g.Inverse[1][1], g.Inverse[2][2], g.Inverse[1][2]
		m.none = m.rss + (b*b*ic-2*b*c*bc+c*c*ib)/(ib*ic-bc*bc)/(level*level)
	}
}
