package stats

import (
	"math"
	"slices"
)

// A Slope is a fitted straight line's steepness with its uncertainty.
type Slope struct {
	Slope     float64 // in units of y per unit of x
	Intercept float64 // y at x = 0
	SE        float64 // standard error of Slope, of independent residuals
	Residual  float64 // standard deviation of the residuals, ≥ 0
	N         int     // points used
}

// OLS fits y = a + b·x by least squares, leaving out pairs with a NaN. All
// fields but N are NaN with fewer than 3 points or without spread in x. It
// takes O(n).
//
//	b = Σ(x−x̄)(y−ȳ) / Σ(x−x̄)²    SE(b) = s/√Σ(x−x̄)²    s² = Σr²/(n−2)
func OLS(x, y []float64) Slope {
	var n, mx, my float64
	for i := range x {
		if !math.IsNaN(y[i]) {
			n++
			mx += (x[i] - mx) / n
			my += (y[i] - my) / n
		}
	}
	nan := math.NaN()
	out := Slope{Slope: nan, Intercept: nan, SE: nan, Residual: nan, N: int(n)}
	var sxx, sxy, syy float64
	for i := range x {
		if !math.IsNaN(y[i]) {
			dx, dy := x[i]-mx, y[i]-my
			sxx += dx * dx
			sxy += dx * dy
			syy += dy * dy
		}
	}
	if n < 3 || sxx == 0 {
		return out
	}
	out.Slope = sxy / sxx
	out.Intercept = my - out.Slope*mx
	out.Residual = math.Sqrt(math.Max(0, syy-out.Slope*sxy) / (n - 2))
	out.SE = out.Residual / math.Sqrt(sxx)
	return out
}

// TheilSen returns the median of the slopes of all pairs of points, with the
// limits of its two-sided confidence interval at level conf (such as 0.8),
// leaving out pairs with a NaN. It is NaN with fewer than 3 points. It takes
// O(n² log n): 2 ms at n = 200.
//
// The limits are order statistics of the pair slopes at (M ∓ C)/2, with M
// pairs and C = Φ⁻¹((1+conf)/2)·√(n(n−1)(2n+5)/18).
//
// Source: P. K. Sen, Estimates of the regression coefficient based on
// Kendall's tau, JASA 63 (1968), §4.
func TheilSen(x, y []float64, conf float64) (slope, lo, hi float64) {
	var s []float64
	n := 0
	for i := range x {
		if math.IsNaN(y[i]) {
			continue
		}
		n++
		for j := range i {
			if !math.IsNaN(y[j]) && x[i] != x[j] {
				s = append(s, (y[i]-y[j])/(x[i]-x[j]))
			}
		}
	}
	if n < 3 || len(s) == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	slices.Sort(s)
	m, f := float64(len(s)), float64(n)
	c := NormalQuantile((1+conf)/2) * math.Sqrt(f*(f-1)*(2*f+5)/18)
	at := func(k float64) float64 {
		return s[max(0, min(len(s)-1, int(math.Round(k))))]
	}
	return SortedQuantile(s, 0.5), at((m - c) / 2), at((m+c)/2 - 1)
}

// MannKendall returns Kendall's S of ys against their order and its z-score
// with continuity correction, for independent values; ties are allowed for.
// NaN values are left out. z is 0 when nothing varies. It takes O(n²).
//
// Source: R. O. Gilbert, Statistical Methods for Environmental Pollution
// Monitoring (1987), §16.4.
func MannKendall(ys []float64) (s int, z float64) {
	v := Finite(ys)
	for i := range v {
		for j := range i {
			switch {
			case v[i] > v[j]:
				s++
			case v[i] < v[j]:
				s--
			}
		}
	}
	n := float64(len(v))
	variance := n * (n - 1) * (2*n + 5)
	slices.Sort(v)
	for i := 0; i < len(v); {
		j := i
		for j < len(v) && v[j] == v[i] {
			j++
		}
		t := float64(j - i)
		variance -= t * (t - 1) * (2*t + 5)
		i = j
	}
	if variance <= 0 || s == 0 {
		return s, 0
	}
	sign := 1.0
	if s < 0 {
		sign = -1
	}
	return s, (float64(s) - sign) / math.Sqrt(variance/18)
}
