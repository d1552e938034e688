package stats

import "math"

// An Autocorrelation tells how much less a series says than as many
// independent values.
type Autocorrelation struct {
	Rho float64 // lag-1 correlation, corrected for its small-sample bias, 0..0.99
	Tau float64 // ≥ 1: how many values say as much as one independent one
	N   int     // pairs of neighbours used
}

// Effective returns the number of independent values that n correlated ones
// are worth, n/τ.
func (a Autocorrelation) Effective(n float64) float64 { return n / a.Tau }

// Autocorr estimates how alike the values of one or several stretches of the
// same process are, each about its own mean. NaN breaks a stretch. A value that
// looks back over window values (1 or less: over itself) is like the next by
// construction. Negative correlation counts as none: it would only make the
// tests bolder.
//
// τ is at least the window, and by the window
//
//	w·(1 + ρ_w)/(1 − ρ_w)  of 2 to 24, from 20 pairs of values w apart on: they share nothing
//	(1 + ρ₁)/(1 − ρ₁)      of 1, and else: an AR(1) process
//	1 + 2sφ/(1 − φ)        of at most 4, where that is more: ρ_k = s·φᵏ for k = 1..8, slow
//	                       drift under fast noise, of which lag 1 tells too little. Where
//	                       neighbours are hardly alike it is not looked for
//
// ρ₁ leans upwards by one standard error, √((1−ρ²)/n), ρ_w by half of one: tests
// should err on the side of caution. n is the number of values less one for
// each stretch's mean.
//
// The estimate of an AR(1) process is biased by −(1+3ρ)/n; solving for ρ gives
// (n·r+1)/(n−3), which is used with n the number of values, and held within
// [0, 0.99]. For the other two the variance of the mean, σ²τ/m for stretches of
// m values, is given back to the autocovariances, as often as τ changes by it.
// With fewer than 8 values nothing is identified and Rho is the
// middle of what is seen in practice, 0.5.
//
// Source of the bias: M. G. Kendall, Note on bias in the estimation of
// autocorrelation, Biometrika 41 (1954), eq. 22. Of the standard error of ρ_w:
// M. S. Bartlett, On the theoretical specification of sampling properties of
// autocorrelated time series, JRSS Supplement 8 (1946), for a mean of w values.
func Autocorr(window float64, stretches ...[]float64) Autocorrelation {
	var l Lags
	for _, s := range stretches {
		l = l.Plus(LagsOf(s, window))
	}
	return l.Autocorrelation(window)
}

const (
	farthest = 24 // the longest lag that is looked at
	slowest  = 8  // the same for drift under noise
	// leastCouples is how many pairs of values that are a window apart it takes to tell
	// how alike they are.
	leastCouples = 20
	shortest     = 4 // the longest window under which such drift is looked for
)

// Lags are the sums that an autocorrelation is made of, over one or several
// stretches.
type Lags struct {
	products, pairs [slowest + 1]float64 // about each stretch's mean, by lag
	apart, couples  float64              // the same a window apart
	n, stretches    float64              // values, less one for each stretch
}

// LagsOf returns the sums of one stretch, as far as a window asks for them; those
// of fewer than 3 values are 0. Where neighbours are hardly alike there is no drift
// to look for, and lags beyond the first are left out.
func LagsOf(s []float64, window float64) Lags {
	m, k := finiteMean(s)
	if k < 3 {
		return Lags{}
	}
	l := Lags{n: k - 1, stretches: 1} // the mean spends one
	var buf [4 * Width]float64
	d := append(buf[:0], s...)
	for i := range d {
		d[i] -= m
	}
	whole := int(k) == len(s)
	for lag := range min(len(d)-1, slowest) + 1 {
		l.products[lag], l.pairs[lag] = lagged(d, lag, whole)
		if lag == 1 && l.products[1] < hardly*l.products[0] {
			break
		}
	}
	if w := windowLag(window); w > 1 && w < len(d) {
		l.apart, l.couples = lagged(d, w, whole)
	}
	return l
}

// hardly is how alike neighbours are at least where there may be drift.
const hardly = 0.1

// windowLag returns how many values a window spans; 1 where it is too long to be looked at.
func windowLag(window float64) int {
	if w := int(math.Ceil(window)); w <= farthest {
		return w
	}
	return 1
}

// lagged returns the sum of the products of values that are lag apart, and how many
// there are.
func lagged(d []float64, lag int, whole bool) (sum, pairs float64) {
	head := d[:len(d)-lag]
	if whole {
		for i, x := range d[lag:] {
			sum += x * head[i]
		}
		return sum, float64(len(head))
	}
	for i, x := range d[lag:] {
		if p := x * head[i]; !math.IsNaN(p) {
			sum += p
			pairs++
		}
	}
	return sum, pairs
}

// Plus returns the sums of the stretches of both.
func (l Lags) Plus(o Lags) Lags {
	for k := range l.products {
		l.products[k] += o.products[k]
		l.pairs[k] += o.pairs[k]
	}
	l.apart += o.apart
	l.couples += o.couples
	l.n += o.n
	l.stretches += o.stretches
	return l
}

// Autocorrelation is [Autocorr] of the stretches.
func (l Lags) Autocorrelation(window float64) Autocorrelation { return l.about(1, window) }

// AutocorrDetrended is [Autocorr] of the residuals about a straight line, whose
// estimate is biased by −(2+4ρ)/n.
func AutocorrDetrended(residuals []float64, window float64) Autocorrelation {
	l := LagsOf(residuals, window)
	return l.about(2, window)
}

// about returns the autocorrelation about a mean (terms 1) or a line (2).
func (l *Lags) about(terms, window float64) Autocorrelation {
	a := Autocorrelation{Rho: 0.5, N: int(l.pairs[1])}
	switch {
	case l.pairs[1] < 7:
		a.Tau = math.Max(ar1(a.Rho), window)
		return a
	case l.products[0] == 0:
		a.Rho, a.Tau = 0, math.Max(1, window)
		return a
	}
	r := (l.products[1] / l.pairs[1]) / (l.products[0] / (l.n + 1))
	rho := (l.n*r + 1) / math.Max(l.n-3, 4)
	rho += math.Sqrt(math.Max(0, 1-rho*rho) / l.n)
	if rho > 0 && terms > 1 { // undo the correction for a mean, and make the one for a line
		rho += (1 + rho) / l.pairs[1]
	}
	a.Rho = math.Max(0, math.Min(0.99, rho))
	w := windowLag(window)
	if w > 1 && l.couples >= leastCouples {
		a.Tau = l.distant(w, terms)
	} else {
		a.Tau = ar1(a.Rho)
	}
	if window <= shortest && l.pairs[slowest] >= 7 {
		a.Tau = math.Max(a.Tau, l.drift(terms))
	}
	a.Tau = math.Max(a.Tau, window)
	return a
}

// ar1 returns τ of an AR(1) process.
func ar1(rho float64) float64 { return (1 + rho) / (1 - rho) }

// most is the largest τ that is told apart, that of ρ = 0.99.
const most = 199

// distant returns τ from values that are w apart.
func (l *Lags) distant(w int, terms float64) float64 {
	tau, wide := float64(w), float64(w)
	se := 0.5 * math.Sqrt((2*wide/3+1./3)/l.n)
	for range 4 {
		g0, back := l.restored(tau, terms)
		r := (l.apart/l.couples + back) / g0
		r += se * math.Sqrt(math.Max(0, 1-r*r))
		tau = wide * ar1(math.Max(0, math.Min(0.95, r)))
	}
	return math.Min(most, tau)
}

// drift returns τ of slow drift under fast noise; 1 where none is to be seen, or
// no more of it than 1.5 standard errors.
func (l *Lags) drift(terms float64) float64 {
	tau := 1.0
	for range 4 {
		g0, back := l.restored(tau, terms)
		var r [slowest + 1]float64
		var next, same float64
		for k := 1; k <= slowest; k++ {
			r[k] = (l.products[k]/l.pairs[k] + back) / g0
			if k > 1 {
				next += r[k] * r[k-1]
				same += r[k-1] * r[k-1]
			}
		}
		if !(next > 0) {
			return 1
		}
		phi := math.Min(0.98, next/same)
		var share, norm float64
		for k, p := 1, phi; k <= slowest; k, p = k+1, p*phi {
			share += r[k] * p
			norm += p * p
		}
		s := math.Min(1, share/norm)
		if !(s*math.Sqrt(norm) > 1.5/math.Sqrt(l.n)) {
			return 1
		}
		tau = 1 + 2*s*phi/(1-phi)
	}
	return math.Min(most, tau)
}

// restored returns the variance of the process, of which each stretch about its own
// mean (or line) shows too little, and what to add to every autocovariance.
func (l *Lags) restored(tau, terms float64) (variance, back float64) {
	seen := l.products[0] / (l.n + l.stretches)
	lost := math.Min(0.6, terms*tau*l.stretches/(l.n+l.stretches))
	back = seen * lost / (1 - lost)
	return seen + back, back
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
