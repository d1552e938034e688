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
	var l Lags
	for _, s := range stretches {
		l = l.Plus(LagsOf(s))
	}
	return l.Autocorrelation()
}

// Lags are the sums that an autocorrelation is made of, over one or several
// stretches.
type Lags struct {
	squares, products float64 // about each stretch's mean; of neighbours
	n, pairs          float64 // values, less one for each stretch; pairs of neighbours
}

// LagsOf returns the sums of one stretch; those of fewer than 3 values are 0.
func LagsOf(s []float64) Lags {
	m, k := finiteMean(s)
	if k < 3 {
		return Lags{}
	}
	l := Lags{n: k - 1} // the mean spends one
	prev := math.NaN()
	for _, x := range s {
		d := x - m
		if math.IsNaN(d) {
			prev = d
			continue
		}
		l.squares += d * d
		if !math.IsNaN(prev) {
			l.products += prev * d
			l.pairs++
		}
		prev = d
	}
	return l
}

// Plus returns the sums of the stretches of both.
func (l Lags) Plus(o Lags) Lags {
	return Lags{squares: l.squares + o.squares, products: l.products + o.products, n: l.n + o.n, pairs: l.pairs + o.pairs}
}

// Autocorrelation is [Autocorr] of the stretches.
func (l Lags) Autocorrelation() Autocorrelation {
	if l.pairs < 7 {
		return newAutocorrelation(0.5, int(l.pairs))
	}
	if l.squares == 0 {
		return newAutocorrelation(0, int(l.pairs))
	}
	r := (l.products / l.pairs) / (l.squares / (l.n + 1))
	rho := (l.n*r + 1) / math.Max(l.n-3, 4)
	return newAutocorrelation(rho+math.Sqrt(math.Max(0, 1-rho*rho)/l.n), int(l.pairs))
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
			mean += x
		}
	}
	if n > 0 {
		mean /= n
	}
	return mean, n
}
