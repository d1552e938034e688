package stats

import "math"

// A Change is where the mean of a series moved, with its uncertainty, in
// places of the series.
type Change struct {
	P10, P50, P90 float64 // quantiles of the first changed place
	Before, After float64 // means on the two sides of P50
}

// FindChange locates one change of the mean in ys, whose noise has the
// standard deviation sd, when there is one. NaN values are left out. ok is
// false with fewer than 4 values.
//
// With every place as likely beforehand and flat priors on both means, the
// posterior of a change before place k is
//
//	P(k) ∝ exp(−RSS(k)/2s²)/√(n₁·n₂)
//
// where RSS(k) are the squared residuals about the two means. s² is sd², or
// the residual variance of the best split where that is larger. It takes
// O(n).
//
// Source: D. V. Hinkley, Inference about the change-point in a sequence of
// random variables, Biometrika 57 (1970), with the means integrated out.
func FindChange(ys []float64, sd float64) (c Change, ok bool) {
	var n, total, squares float64
	for _, y := range ys {
		if !math.IsNaN(y) {
			n++
			total += y
			squares += y * y
		}
	}
	if n < 4 {
		return Change{}, false
	}
	rss, weight := make([]float64, len(ys)), make([]float64, len(ys))
	best := math.Inf(1)
	var n1, sum float64
	for k, y := range ys {
		rss[k] = math.Inf(1)
		if n1 > 0 && n1 < n && !math.IsNaN(y) {
			rss[k] = math.Max(0, squares-sum*sum/n1-(total-sum)*(total-sum)/(n-n1))
			weight[k] = -0.5 * math.Log(n1*(n-n1))
			best = math.Min(best, rss[k])
		}
		if !math.IsNaN(y) {
			n1++
			sum += y
		}
	}
	s2 := math.Max(math.Max(sd*sd, best/math.Max(n-2, 1)), 1e-300)
	var mass float64
	for k := range ys {
		if math.IsInf(rss[k], 1) {
			weight[k] = 0
			continue
		}
		weight[k] = math.Exp(weight[k] - (rss[k]-best)/(2*s2))
		mass += weight[k]
	}
	q := func(p float64) int {
		var cum float64
		for k, w := range weight {
			if cum += w; cum >= p*mass && w > 0 {
				return k
			}
		}
		return len(ys) - 1
	}
	k := q(0.5)
	before, _ := finiteMean(ys[:k])
	after, _ := finiteMean(ys[k:])
	return Change{P10: float64(q(0.1)), P50: float64(k), P90: float64(q(0.9)), Before: before, After: after}, true
}

// VarianceRatio returns the F-statistic of two series' variances and the
// probability of one at least as large when they are equal, with n/τ degrees
// of freedom a side. NaN values are left out.
//
// Source: G. W. Snedecor, W. G. Cochran, Statistical Methods (1989), §6.12.
func VarianceRatio(a, b []float64, tau float64) (ratio, p float64) {
	va, na := variance(a)
	vb, nb := variance(b)
	da, db := na/tau-1, nb/tau-1
	if !(da >= 1 && db >= 1) || vb == 0 {
		return math.NaN(), math.NaN()
	}
	ratio = va / vb
	return ratio, fSurvival(ratio, da, db)
}

func variance(xs []float64) (v, n float64) {
	m, n := finiteMean(xs)
	if n < 2 {
		return math.NaN(), n
	}
	for _, x := range xs {
		if !math.IsNaN(x) {
			v += (x - m) * (x - m)
		}
	}
	return v / (n - 1), n
}
