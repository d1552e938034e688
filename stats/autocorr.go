package stats

import "math"

// An Autocorrelation tells how much less a series says than as many
// independent values.
type Autocorrelation struct {
	Rho float64 // lag-1 correlation, corrected for its small-sample bias, 0..0.99
	Tau float64 // (1+Rho)/(1−Rho), ≥ 1: how many values say as much as one independent one
	N   int     // pairs of neighbours used
}

// Effective returns the number of independent values that n correlated ones
// are worth, n/τ.
func (a Autocorrelation) Effective(n float64) float64 { return n / a.Tau }

// Autocorr estimates the lag-1 autocorrelation of one or several stretches of
// the same process, each about its own mean. NaN breaks a stretch. Negative
// correlation counts as none: it would only make the tests bolder.
//
// It leans upwards by one standard error, √((1−ρ²)/n): tests should err on the
// side of caution. n is the number of values less one for each stretch's mean.
//
// The estimate of an AR(1) process is biased by −(1+3ρ)/n; solving for ρ gives
// (n·r+1)/(n−3), which is used with n the number of values, and held within
// [0, 0.99]. With fewer than 8 values it is not identified and Rho is the
// middle of what is seen in practice, 0.5.
//
// Source of the bias: M. G. Kendall, Note on bias in the estimation of
// autocorrelation, Biometrika 41 (1954), eq. 22.
func Autocorr(stretches ...[]float64) Autocorrelation {
	var c0, c1, n, pairs float64
	for _, s := range stretches {
		m, k := finiteMean(s)
		if k < 3 {
			continue
		}
		n += k - 1 // each stretch spends one on its mean
		prev := math.NaN()
		for _, x := range s {
			d := x - m
			if math.IsNaN(d) {
				prev = d
				continue
			}
			c0 += d * d
			if !math.IsNaN(prev) {
				c1 += prev * d
				pairs++
			}
			prev = d
		}
	}
	if pairs < 7 {
		return newAutocorrelation(0.5, int(pairs))
	}
	if c0 == 0 {
		return newAutocorrelation(0, int(pairs))
	}
	r := (c1 / pairs) / (c0 / (n + 1))
	rho := (n*r + 1) / math.Max(n-3, 4)
	return newAutocorrelation(rho+math.Sqrt(math.Max(0, 1-rho*rho)/n), int(pairs))
}

// AutocorrDetrended is [Autocorr] of the residuals about a straight line, whose
// estimate is biased by −(2+4ρ)/n.
func AutocorrDetrended(residuals []float64) Autocorrelation {
	a := Autocorr(residuals)
	if a.N < 7 || a.Rho == 0 {
		return a
	}
	// Undo Kendall's correction for a mean, and make the one for a line.
	n := float64(a.N)
	return newAutocorrelation(a.Rho+(1+a.Rho)/n, a.N)
}

func newAutocorrelation(rho float64, pairs int) Autocorrelation {
	rho = math.Max(0, math.Min(0.99, rho))
	return Autocorrelation{Rho: rho, Tau: (1 + rho) / (1 - rho), N: pairs}
}

func finiteMean(s []float64) (mean, n float64) {
	for _, x := range s {
		if !math.IsNaN(x) {
			n++
			mean += (x - mean) / n
		}
	}
	return mean, n
}
