package stats

import "math"

// MaxTerms is how many terms a [Regression] has at most.
const MaxTerms = 4

// Terms are the terms of one row of a regression; those not used are 0.
type Terms [MaxTerms]float64

// A Regression is a weighted least-squares fit y ≈ Σ Beta·terms.
type Regression struct {
	Beta    Terms
	Inverse [MaxTerms]Terms // (XᵀWX)⁻¹; times the residual variance it is the covariance of Beta
	RSS     float64         // Σ weight·residual², ≥ 0
	Rows    int
}

// Regress fits y on the first n terms of the rows x, each with its weight
// > 0. ok is false when there are fewer rows than terms, or when terms depend
// on each other. It takes O(rows·n²).
//
//	β = (XᵀWX)⁻¹·XᵀWy    RSS = Σ w·(y − x·β)²
//
// The normal equations are solved by Cholesky's decomposition, which is exact
// enough for few terms of like size.
//
// Source: G. A. F. Seber, A. J. Lee, Linear Regression Analysis (2003), §3.10
// and §11.2.
func Regress(n int, x []Terms, y, weight []float64) (r Regression, ok bool) {
	if n < 1 || n > MaxTerms || len(x) < n {
		return Regression{}, false
	}
	var a [MaxTerms]Terms
	var b Terms
	for k, row := range x {
		for i := range n {
			wx := weight[k] * row[i]
			b[i] += wx * y[k]
			for j := range i + 1 {
				a[i][j] += wx * row[j]
			}
		}
	}
	if r.Inverse, ok = invert(n, a); !ok {
		return Regression{}, false
	}
	for i := range n {
		for j := range n {
			r.Beta[i] += r.Inverse[i][j] * b[j]
		}
	}
	r.Rows = len(x)
	for k, row := range x {
		d := y[k] - r.At(row)
		r.RSS += weight[k] * d * d
	}
	return r, true
}

// At returns the fitted value of a row of terms.
func (r *Regression) At(x Terms) float64 {
	var sum float64
	for i, v := range x {
		sum += r.Beta[i] * v
	}
	return sum
}

// Leverage returns xᵀ(XᵀWX)⁻¹x: the variance of the fitted value at x in
// units of the residual variance.
func (r *Regression) Leverage(x Terms) float64 {
	var sum float64
	for i, v := range x {
		for j, u := range x {
			sum += v * r.Inverse[i][j] * u
		}
	}
	return math.Max(0, sum)
}

// invert returns the inverse of a symmetric positive definite matrix of which
// the lower triangle is given. ok is false when it is singular, to within
// 1e-10 of its diagonal.
func invert(n int, a [MaxTerms]Terms) (inv [MaxTerms]Terms, ok bool) {
	l, ok := cholesky(n, a)
	if !ok {
		return inv, false
	}
	var m [MaxTerms]Terms // l⁻¹
	for i := range n {
		m[i][i] = 1 / l[i][i]
		for j := range i {
			for k := j; k < i; k++ {
				m[i][j] -= l[i][k] * m[k][j] / l[i][i]
			}
		}
	}
	for i := range n {
		for j := range n {
			for k := max(i, j); k < n; k++ {
				inv[i][j] += m[k][i] * m[k][j]
			}
		}
	}
	return inv, true
}

// cholesky returns the lower triangle l with a = l·lᵀ.
func cholesky(n int, a [MaxTerms]Terms) (l [MaxTerms]Terms, ok bool) {
	for i := range n {
		for j := range i + 1 {
			sum := a[i][j]
			for k := range j {
				sum -= l[i][k] * l[j][k]
			}
			if i != j {
				l[i][j] = sum / l[j][j]
				continue
			}
			if !(sum > 1e-10*a[i][i]) {
				return l, false
			}
			l[i][i] = math.Sqrt(sum)
		}
	}
	return l, true
}
