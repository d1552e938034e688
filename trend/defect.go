package trend

import "math"

// A Defect is work that fails by the version that does it, and not by how much
// there is of it: E0 of the stable version's, E1 of the new one's, with their
// standard errors; in the unit of Limit.
type Defect struct {
	E0, SE0, E1, SE1 float64
	NU               float64 // degrees of freedom behind them
	Limit            float64 // of the work of both together
	Next             float64 // the weight of which it is asked what the share comes to; 0 for none
	Falls            bool    // whether worse is down, as of a share that succeeds
	Evidence         float64 // log odds that the new version is worse
}

// FailsAt returns where the work of both versions together meets the limit, as
// more of it is done by the new one:
//
//	e(w) = E0 + (E1 − E0)·w   meets it at   w* = (Limit − E0)/(E1 − E0)
//
// with Fieller's interval. One weight tells: both versions are measured apart.
// A limit that the stable version meets by itself is not the release's.
func (d Defect) FailsAt() Failure {
	sign := 1.0
	if d.Falls {
		sign = -1
	}
	nan := math.NaN()
	f := Failure{Why: Flat, P10: nan, P50: nan, P90: nan, Needs: nan, next: d.Next, limit: sign * d.Limit}
	a, b, limit := sign*d.E0, sign*(d.E1-d.E0), sign*d.Limit
	if !(a < limit) || !(b > 0) || !(d.SE1 > 0) || !(d.SE0 >= 0) {
		return f
	}
	own := d.SE0 * d.SE0
	f.rivals = []rival{{
		shape: Linear, share: 1, terms: 2, nu: math.Max(2, d.NU), limit: limit,
		a: a, b: b, aa: own, ab: -own, bb: own + d.SE1*d.SE1, priced: true,
	}}
	f.full, f.Evidence, f.Shape = math.Inf(1), d.Evidence, Linear
	f.answer(1, 1)
	return f
}
