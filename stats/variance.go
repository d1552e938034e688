package stats

import "math"

// Variances is the F-statistic of two series' variances.
type Variances struct {
	Ratio  float64 // NaN when it is not known
	da, db float64 // degrees of freedom
}

// P returns the probability of a ratio at least as large when the variances
// are equal; NaN when the ratio is not known.
func (v Variances) P() float64 {
	if math.IsNaN(v.Ratio) {
		return math.NaN()
	}
	return fSurvival(v.Ratio, v.da, v.db)
}

// VarianceRatio compares two series' variances, with n/τ degrees of freedom a
// side. NaN values are left out.
//
// Source: G. W. Snedecor, W. G. Cochran, Statistical Methods (1989), §6.12.
func VarianceRatio(a, b []float64, tau float64) Variances {
	va, na := variance(a)
	vb, nb := variance(b)
	da, db := na/tau-1, nb/tau-1
	if !(da >= 1 && db >= 1) || vb == 0 {
		return Variances{Ratio: math.NaN()}
	}
	return Variances{Ratio: va / vb, da: da, db: db}
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
