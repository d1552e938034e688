package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Finite returns the values of xs that are neither NaN nor infinite, in a new
// slice.
func Finite(xs []float64) []float64 { return FiniteInto(make([]float64, 0, len(xs)), xs) }

// FiniteInto is [Finite], appended to out.
func FiniteInto(out, xs []float64) []float64 {
	for _, x := range xs {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			out = append(out, x)
		}
	}
	return out
}

// Mean returns the arithmetic mean of xs, NaN when xs is empty.
func Mean(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	var sum float64
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// Quantile returns the p-quantile (0 ≤ p ≤ 1) of xs by linear interpolation
// between order statistics, type 7 of R. It is NaN when xs is empty. xs is
// not changed. It takes O(n log n).
//
// Source: R. J. Hyndman, Y. Fan, Sample quantiles in statistical packages,
// The American Statistician 50 (1996), definition 7.
func Quantile(xs []float64, p float64) float64 {
	s := slices.Clone(xs)
	slices.Sort(s)
	return SortedQuantile(s, p)
}

// SortedQuantile is [Quantile] of values that are sorted already.
func SortedQuantile(s []float64, p float64) float64 {
	if len(s) == 0 || !(p >= 0 && p <= 1) {
		return math.NaN()
	}
	h := p * float64(len(s)-1)
	lo := int(math.Floor(h))
	if lo+1 >= len(s) {
		return s[len(s)-1]
	}
	return s[lo] + (h-float64(lo))*(s[lo+1]-s[lo])
}

// Median returns the median of xs, NaN when xs is empty. It takes O(n).
func Median(xs []float64) float64 {
	var buf [128]float64
	return selectMedian(append(buf[:0], xs...))
}

// selectMedian returns the median of v, whose order it changes.
func selectMedian(v []float64) float64 {
	n := len(v)
	if n == 0 {
		return math.NaN()
	}
	upper := selectRank(v, n/2)
	if n%2 == 1 {
		return upper
	}
	lower := v[0]
	for _, x := range v[1 : n/2] {
		lower = max(lower, x)
	}
	return lower + (upper-lower)/2
}

// selectRank puts the k-th smallest value (from 0) of v at place k, smaller
// ones before it, and returns it: C. A. R. Hoare's Find (CACM 4, 1961) with
// the middle one of three as the pivot, and N. Lomuto's partition, by the signs of
// differences: a processor guesses every other branch on noise wrong.
func selectRank(v []float64, k int) float64 {
	for len(v) > 1 {
		pivot := middleOf(v[0], v[len(v)/2], v[len(v)-1])
		under := 0
		for i, x := range v {
			v[i], v[under] = v[under], x
			under += negative(x - pivot)
		}
		if k < under && under < len(v) {
			v = v[:under]
			continue
		}
		if under == 0 { // the pivot is the least: those that equal it go first
			for i, x := range v {
				v[i], v[under] = v[under], x
				under += 1 - negative(pivot-x)
			}
			if k < under {
				return pivot
			}
		}
		if under == 0 || k < under { // differences of infinities and NaN have no sign
			slices.Sort(v)
			break
		}
		v, k = v[under:], k-under
	}
	return v[k]
}

// negative is 1 for a number under 0, else 0.
func negative(x float64) int { return int(math.Float64bits(x) >> 63) }

func middleOf(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }

// madFactor makes the median absolute deviation of Gaussian values their
// standard deviation: 1/Φ⁻¹(3/4).
const madFactor = 1.4826022185056018

// MAD returns the median absolute deviation from the median times 1.4826, a
// robust estimate of the standard deviation, ≥ 0; NaN when xs is empty.
func MAD(xs []float64) float64 { return MADOver(xs, math.Inf(-1)) }

// MADOver is [MAD] where that is over a bound; where it is certainly not, it is
// 0 and takes half the time.
func MADOver(xs []float64, bound float64) float64 {
	m, within := Median(xs), 0
	var buf [128]float64
	d := buf[:0]
	for _, x := range xs {
		apart := math.Abs(x - m)
		if d = append(d, apart); madFactor*apart <= bound {
			within++
		}
	}
	if within > len(xs)/2 {
		return 0
	}
	return madFactor * selectMedian(d)
}

// SortedMedian is [Median] of values that are sorted already.
func SortedMedian(s []float64) float64 {
	n := len(s)
	switch {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return s[n/2]
	}
	return s[n/2-1] + (s[n/2]-s[n/2-1])/2
}

// SortedMAD is [MAD] of values that are sorted already. Their deviations are
// two sorted runs from the middle outwards, so that it takes one walk and no
// selection.
func SortedMAD(s []float64) float64 {
	n := len(s)
	if n == 0 {
		return math.NaN()
	}
	m := SortedMedian(s)
	below, above := n/2-1, n/2 // the next deviation is of one of these
	var last, before float64
	for range n/2 + 1 {
		before = last
		if above == n || below >= 0 && m-s[below] < s[above]-m {
			last = m - s[below]
			below--
		} else {
			last = s[above] - m
			above++
		}
	}
	if n%2 == 1 {
		return madFactor * last
	}
	return madFactor * (before + (last-before)/2)
}

// Clip returns x held within ±limit.
func Clip(x, limit float64) float64 {
	switch {
	case x > limit:
		return limit
	case x < -limit:
		return -limit
	default:
		return x
	}
}

// NormalCDF returns Φ(z), the standard normal distribution function.
func NormalCDF(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }

// NormalQuantile returns Φ⁻¹(p) for p in (0, 1).
func NormalQuantile(p float64) float64 { return distuv.UnitNormal.Quantile(p) }

// StudentCDF returns the distribution function of Student's t with nu > 0
// degrees of freedom at t. For nu over 200 it is the normal one, which is
// within 1e-3 of it there.
func StudentCDF(t, nu float64) float64 {
	if nu > 200 {
		return NormalCDF(t)
	}
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: nu}.CDF(t)
}

// fSurvival returns P(F ≥ f) of the F-distribution with d1 and d2 degrees of
// freedom.
func fSurvival(f, d1, d2 float64) float64 {
	return distuv.F{D1: d1, D2: d2}.Survival(f)
}
