package stats

import "math"

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
