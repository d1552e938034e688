package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// RateQuantile returns the p-quantile of the posterior of a share after y of
// n observations were events, with Jeffreys' prior Beta(½, ½); NaN for
// impossible counts.
//
// Source: L. D. Brown, T. T. Cai, A. DasGupta, Interval estimation for a
// binomial proportion, Statistical Science 16 (2001), §4.1.
func RateQuantile(y, n, p float64) float64 {
	if !(y >= 0 && n >= y && p > 0 && p < 1) {
		return math.NaN()
	}
	return mathext.InvRegIncBeta(y+0.5, n-y+0.5, p)
}

// ExcessProbability returns the posterior probability that the share of
// events of the first group (y of n) exceeds that of the second (z of m) by
// more than delta, each with Jeffreys' prior Beta(½, ½). It integrates the
// second group's distribution function over 32 slices of equal posterior mass
// of the first, so it is exact to about 1/64. NaN for impossible counts.
func ExcessProbability(y, n, z, m, delta float64) float64 {
	if !(n >= y && m >= z && y >= 0 && z >= 0) {
		return math.NaN()
	}
	const steps = 32 // mid-points of equal posterior mass of the first group
	var p float64
	for i := range steps {
		a := mathext.InvRegIncBeta(y+0.5, n-y+0.5, (float64(i)+0.5)/steps)
		switch b := a - delta; {
		case b <= 0:
		case b >= 1:
			p++
		default:
			p += mathext.RegIncBeta(z+0.5, m-z+0.5, b)
		}
	}
	return p / steps
}

// RequestsNeeded returns how many observations rule out, with probability
// conf, that the share of events exceeds base by delta when it does not:
// by the normal approximation for base > 0, and at least the rule of n with
// no event, ln(1/(1−conf))/delta.
func RequestsNeeded(base, delta, conf float64) float64 {
	z := NormalQuantile(conf)
	return math.Ceil(math.Max(z*z*(base+delta)/(delta*delta), math.Log(1/(1-conf))/delta))
}
