package peer

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

var errTied = errors.New("all observations are tied: there is no confidence interval")

// A location is how far one sample lies above another: the ends of a
// confidence interval, and the estimate.
type location struct{ low, high, estimate float64 }

// A shift compares two samples by the Mann-Whitney test, moved against each
// other by a number.
type shift struct {
	x, y []float64 // experiment and control
}

// mannWhitney returns the confidence interval of how far x lies above y, and
// the point estimate, as Kayenta has them.
//
//	x, y        samples, not empty, without NaN
//	confidence  of the interval, in (0, 1)
//
// It inverts the test with continuity correction and normal approximation:
// with W(u) = R(x−u) − m(m+1)/2 − mn/2, where R is the sum of the ranks of x−u
// in x−u and y together (ties share their mean rank), and
//
//	σ²(u)  = mn/12 · ((m+n+1) − Σ(t³−t) / ((m+n)(m+n−1)))   over ties of t values
//	d(u,q) = (W − ½·sign W) / σ − q
//
// the ends are the roots of d(u, z) and d(u, −z) in u, with z the quantile of
// the normal distribution at 1 − (1−confidence)/2, and the estimate that of
// d(u, 0). d is a step function: the last digits depend on the root finder and
// its tolerance of 1e-4, which is therefore a part of the definition. The
// error says that all values are tied for some shift that was looked at.
//
// Source: M. Hollander, D. A. Wolfe, Nonparametric Statistical Methods (1999),
// §4.1 to §4.3; the tolerance and the ends as in R's wilcox.test, which
// Kayenta follows.
func mannWhitney(x, y []float64, confidence float64) (location, error) {
	s := &shift{x: x, y: y}
	low, high := slices.Min(x)-slices.Max(y), slices.Max(x)-slices.Min(y)
	z := distuv.UnitNormal.Quantile(1 - (1-confidence)/2)
	var out location
	var err error
	if out.low, err = s.root(low, high, z, true); err != nil {
		return out, err
	}
	if out.high, err = s.root(low, high, -z, true); err != nil {
		return out, err
	}
	out.estimate, err = s.root(low, high, 0, false)
	return out, err
}

// root returns where d(u, q) passes zero between low and high. With ends set,
// an end of the range is the answer where d does not pass.
func (s *shift) root(low, high, q float64, ends bool) (float64, error) {
	atLow, err := s.d(low, q)
	if err != nil {
		return 0, err
	}
	if ends && atLow <= 0 {
		return low, nil
	}
	atHigh, err := s.d(high, q)
	if err != nil {
		return 0, err
	}
	if ends && atHigh >= 0 {
		return high, nil
	}
	return zero(low, high, atLow, atHigh, func(u float64) (float64, error) { return s.d(u, q) })
}

// d is the test statistic of x moved down by u, less q.
func (s *shift) d(u, q float64) (float64, error) {
	m, n := float64(len(s.x)), float64(len(s.y))
	moved := make([]float64, len(s.x))
	for i, v := range s.x {
		moved[i] = v - u
	}
	ranks, ties := rankSum(moved, s.y)
	w := ranks - float64(m*(m+1)/2) - float64(m*n/2)
	sigma := math.Sqrt(m * n / 12 * ((m + n + 1) - ties/((m+n)*(m+n-1))))
	if sigma == 0 || math.IsNaN(sigma) {
		return 0, errTied
	}
	return (w-float64(0.5*sign(w)))/sigma - q, nil
}

// rankSum returns the sum of the ranks of x in x and y together, where ties
// share their mean rank, and Σ(t³−t) over the ties.
func rankSum(x, y []float64) (ranks, ties float64) {
	type value struct {
		v   float64
		ofX bool
	}
	all := make([]value, 0, len(x)+len(y))
	for _, v := range x {
		all = append(all, value{v, true})
	}
	for _, v := range y {
		all = append(all, value{v, false})
	}
	slices.SortFunc(all, func(a, b value) int { return cmp.Compare(a.v, b.v) })
	for i := 0; i < len(all); {
		j, ofX := i, 0.0
		for j < len(all) && all[j].v == all[i].v {
			if all[j].ofX {
				ofX++
			}
			j++
		}
		t := float64(j - i)
		ranks += float64(ofX * (float64(i+j+1) / 2))
		ties += float64(t*t*t) - t
		i = j
	}
	return ranks, ties
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	default:
		return 0
	}
}

// The root finder's numbers.
const (
	zeroTolerance = 1e-4
	zeroSteps     = 1000
	epsilon       = 0x1p-52
)

// zero returns a root of f between a and b to within a tolerance of 1e-4, by
// Brent's method: inverse quadratic interpolation or the secant where they
// promise enough, bisection where they do not. fa and fb are f at the ends,
// which need not differ in sign: then the last place looked at is returned.
//
// Source: R. P. Brent, Algorithms for Minimization without Derivatives (1973),
// ch. 4.
func zero(a, b, fa, fb float64, f func(float64) (float64, error)) (float64, error) {
	if fa == 0 {
		return a, nil
	}
	if fb == 0 {
		return b, nil
	}
	// b is the best place so far, a the one before, and the root lies between
	// b and c.
	c, fc := a, fa
	for range zeroSteps {
		before := b - a
		if math.Abs(fc) < math.Abs(fb) {
			a, b, c = b, c, b
			fa, fb, fc = fb, fc, fb
		}
		tolerance := float64(2*epsilon*math.Abs(b)) + zeroTolerance/2
		half := (c - b) / 2
		if math.Abs(half) <= tolerance || fb == 0 {
			return b, nil
		}
		step := half
		if math.Abs(before) >= tolerance && math.Abs(fa) > math.Abs(fb) {
			step = interpolate(a, b, c, fa, fb, fc, before, tolerance)
		}
		if math.Abs(step) < tolerance {
			step = math.Copysign(tolerance, step)
		}
		a, fa = b, fb
		b += step
		var err error
		if fb, err = f(b); err != nil {
			return 0, err
		}
		if fb > 0 && fc > 0 || fb < 0 && fc < 0 {
			c, fc = a, fa
		}
	}
	return b, nil
}

// interpolate returns the next step from b: that of the interpolation p/q if
// it falls well inside and shrinks fast enough, else half of the way to c.
func interpolate(a, b, c, fa, fb, fc, before, tolerance float64) float64 {
	width := c - b
	var p, q float64
	if a == c { // two places are known: the secant
		t := fb / fa
		p, q = width*t, 1-t
	} else {
		r, s, t := fa/fc, fb/fc, fb/fa
		p = t * (float64(width*r*(r-s)) - float64((b-a)*(s-1)))
		q = (r - 1) * (s - 1) * (t - 1)
	}
	if p > 0 {
		q = -q
	} else {
		p = -p
	}
	if p < float64(0.75*width*q)-float64(math.Abs(tolerance*q)/2) && p < math.Abs(before*q/2) {
		return p / q
	}
	return width / 2
}
