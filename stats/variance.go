package stats

import "math"

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
