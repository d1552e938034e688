package trend

import (
	"math"
	"slices"
)

// leastHinged is how many weights beside 0 it takes to tell a hinge from a line: one
// up to which nothing answers, and two beyond it. With one beyond it a jump in time at
// that step is as good an explanation.
const leastHinged = 3

// hinged fits lines that begin at some weight: something that is not there, or not
// in use, under less of the traffic. A feature that is switched on for a part of the
// users, a cache that is large enough, a queue that is empty.
//
//	y = a + b·max(0, w − h)
//
// with h at each weight beside 0 that has two beyond it, at the quarters of the way
// from there to the next one, and a quarter below the first, all as likely
// beforehand; without time and with a straight line in it.
func (r *Response) hinged(x *rows) []rival {
	var weights []float64
	for _, e := range x.exposures(r.Since.Size) {
		if e.weight >= 0.005 {
			weights = append(weights, e.weight)
		}
	}
	slices.Sort(weights)
	if len(weights) < leastHinged {
		return nil
	}
	hinges := []float64{0.75 * weights[0]}
	for k := range len(weights) - leastHinged + 1 {
		for q := range 4 {
			hinges = append(hinges, weights[k]+float64(q)/4*(weights[k+1]-weights[k]))
		}
	}
	var out []rival
	var d design
	for _, h := range hinges {
		s := rival{shape: Linear, dropped: 1, hinge: h, scaled: !r.Wait && x.loads, unsure: math.Log(float64(len(hinges)))}
		for _, c := range []course{still, straight} {
			d.fill(x, s, c)
			if m, ok := r.fit(x, &d, s, c.terms()); ok {
				out = append(out, m)
			}
		}
	}
	return out
}

// unhinged leaves out the rivals with a hinge, for those who ask how much more there
// is at each weight than at 0: through a hinge no line goes back there.
func unhinged(rs []rival) []rival {
	return slices.DeleteFunc(rs, func(m rival) bool { return m.hinge > 0 })
}
