package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// near says whether two numbers agree to a relative 1e-9, or are both NaN.
func near(a, b, tolerance float64) bool {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.IsNaN(a) && math.IsNaN(b)
	}
	return math.Abs(a-b) <= tolerance*math.Max(1, math.Abs(b))
}

func TestMedianAndMAD(t *testing.T) {
	tests := []struct {
		xs          []float64
		median, mad float64
	}{
		{xs: nil, median: math.NaN(), mad: math.NaN()},
		{xs: []float64{5}, median: 5, mad: 0},
		{xs: []float64{4, 1}, median: 2.5, mad: 1.5 * madFactor},
		// scipy 1.10: numpy.median, stats.median_abs_deviation(scale='normal')
		{xs: []float64{3.1, 2.7, 8.9, 4.4, 5.0, 1.2, 7.7}, median: 4.4, mad: 2.5204237714595235},
	}
	for _, tt := range tests {
		if got := Median(tt.xs); !near(got, tt.median, 1e-12) {
			t.Errorf("Median(%v) = %v, want %v", tt.xs, got, tt.median)
		}
		if got := MAD(tt.xs); !near(got, tt.mad, 1e-9) {
			t.Errorf("MAD(%v) = %v, want %v", tt.xs, got, tt.mad)
		}
	}
}

func TestQuantile(t *testing.T) {
	xs := []float64{3.1, 2.7, 8.9, 4.4, 5.0, 1.2, 7.7}
	before := slices.Clone(xs)
	for p, want := range map[float64]float64{0: 1.2, 0.1: 2.1, 0.25: 2.9, 0.9: 8.18, 1: 8.9} { // numpy.quantile
		if got := Quantile(xs, p); !near(got, want, 1e-12) {
			t.Errorf("Quantile(xs, %v) = %v, want %v", p, got, want)
		}
	}
	if got := Quantile(xs, 1.1); !math.IsNaN(got) {
		t.Errorf("Quantile(xs, 1.1) = %v, want NaN", got)
	}
	if !slices.Equal(xs, before) {
		t.Errorf("Quantile changed its argument: %v", xs)
	}
}

// FuzzMedian holds that a median by selection is the one by sorting, and that
// it leaves its argument alone.
func FuzzMedian(f *testing.F) {
	f.Add(uint64(1), 10)
	f.Add(uint64(2), 129)
	f.Fuzz(func(t *testing.T, seed uint64, n int) {
		if n < 0 || n > 400 {
			return
		}
		r := rand.New(rand.NewPCG(seed, 0))
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = float64(r.IntN(20)) // many ties
		}
		before := slices.Clone(xs)
		if got, want := Median(xs), Quantile(xs, 0.5); !near(got, want, 1e-12) {
			t.Fatalf("Median(%v) = %v, want %v", xs, got, want)
		}
		if !slices.Equal(xs, before) {
			t.Fatalf("Median changed its argument")
		}
	})
}

// TestSelectRank: every rank is found where many values are equal or infinite, with
// none larger before it.
func TestSelectRank(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	for range 3000 {
		v := make([]float64, 1+r.IntN(70))
		for i := range v {
			switch r.IntN(20) {
			case 0:
				v[i] = math.Inf(1 - 2*r.IntN(2))
			case 1, 2, 3:
				v[i] = r.NormFloat64()
			default:
				v[i] = float64(r.IntN(12))
			}
		}
		k := r.IntN(len(v))
		want := slices.Sorted(slices.Values(v))[k]
		if got := selectRank(v, k); got != want || v[k] != want || slices.Max(append(v[:k:k], want)) > want {
			t.Fatalf("rank %d is %v, want %v: %v", k, got, want, v)
		}
	}
	nan := math.NaN()
	if got := selectRank([]float64{nan, nan, nan, nan}, 2); !math.IsNaN(got) {
		t.Errorf("of no numbers: %v, want none, and an end", got)
	}
}

func TestDistributions(t *testing.T) {
	tests := []struct {
		name      string
		got, want float64 // scipy 1.10: stats.t.cdf, stats.norm.cdf, stats.norm.ppf, stats.f.sf
	}{
		{"StudentCDF(2.1, 7)", StudentCDF(2.1, 7), 0.9630644018935387},
		{"StudentCDF(-1.3, 3.5)", StudentCDF(-1.3, 3.5), 0.13629770790218498},
		{"StudentCDF(1.96, 1e6)", StudentCDF(1.96, 1e6), 0.9750021048517795},
		{"NormalCDF(1.96)", NormalCDF(1.96), 0.9750021048517795},
		{"NormalQuantile(0.9)", NormalQuantile(0.9), 1.2815515655446004},
		{"fSurvival(4.2, 9, 14)", fSurvival(4.2, 9, 14), 0.00837257404833417},
	}
	for _, tt := range tests {
		if !near(tt.got, tt.want, 1e-8) {
			t.Errorf("%s = %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestOLS(t *testing.T) {
	x := []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	y := []float64{2.1, 2.9, 3.2, 4.8, 5.1, 5.7, 7.3, 7.9, 8.8, 10.2, math.NaN()}
	got := OLS(x, y)
	// scipy 1.10: stats.linregress on the ten pairs
	want := Slope{Slope: 0.8836363636363638, Intercept: 1.8236363636363628, SE: 0.038196245470517996, Residual: 0.34693462837202665, N: 10}
	if !near(got.Slope, want.Slope, 1e-9) || !near(got.Intercept, want.Intercept, 1e-9) || !near(got.SE, want.SE, 1e-9) ||
		!near(got.Residual, want.Residual, 1e-9) || got.N != want.N {
		t.Errorf("OLS = %+v, want %+v", got, want)
	}
	for name, short := range map[string]Slope{"two points": OLS(x[:2], y[:2]), "no spread": OLS([]float64{1, 1, 1}, y[:3])} {
		if !math.IsNaN(short.Slope) || !math.IsNaN(short.SE) {
			t.Errorf("%s: OLS = %+v, want NaN", name, short)
		}
	}
}

func TestTheilSen(t *testing.T) {
	x := []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	y := []float64{2.1, 2.9, 3.2, 4.8, 5.1, 5.7, 7.3, 7.9, 8.8, 40, math.NaN()}
	if got, want := TheilSen(x, y), 0.8999999999999999; !near(got, want, 1e-9) { // scipy 1.10: stats.theilslopes on the ten pairs
		t.Errorf("TheilSen = %v, want %v", got, want)
	}
	if got := TheilSen(x[:2], y[:2]); !math.IsNaN(got) {
		t.Errorf("TheilSen of two points = %v, want NaN", got)
	}
}

func TestVarianceRatio(t *testing.T) {
	a := []float64{1, 5, 2, 8, 3, 9, 1, 7, 4, 6}
	b := []float64{4, 5, 5, 6, 4, 5, 6, 5, 4, 5, 5, 6, 4, 5, 5, math.NaN()}
	f := VarianceRatio(a, b, 1)
	ratio, p := f.Ratio, f.P()
	if !near(ratio, 16.692307692307697, 1e-9) || !near(p, 5.0644503630486e-06, 1e-6) { // scipy: numpy.var(ddof=1), stats.f.sf
		t.Errorf("VarianceRatio = %v, %v, want 16.6923 and 5.06445e-06", ratio, p)
	}
	if slow := VarianceRatio(a, b, 3).P(); !(slow > p) {
		t.Errorf("with τ = 3 the probability is %v, want it larger than %v", slow, p)
	}
}

// TestAutocorr compares with the lag-1 correlation of statsmodels 0.13
// (tsa.acf), corrected as the comment says, and with what was put in.
func TestAutocorr(t *testing.T) {
	y := []float64{1.2, 1.9, 2.4, 2.2, 1.1, .3, -.4, -.2, .7, 1.5, 2.2, 2.6, 1.8, .9, .1, -.6, -.1, .8, 1.4, 2.0}
	r := 0.7211802964068663 * 20 / 19 // acf divides 19 products by 20
	n := 19.0
	want := (n*r + 1) / (n - 3)
	want = math.Min(0.99, want+math.Sqrt(math.Max(0, 1-want*want)/n))
	if got := Autocorr(1, y); !near(got.Rho, want, 1e-9) || got.N != 19 {
		t.Errorf("Autocorr = %+v, want ρ = %v from 19 pairs", got, want)
	}
	if got := Autocorr(1, y[:5]); got.Rho != 0.5 {
		t.Errorf("Autocorr of 5 values has ρ = %v, want 0.5: not identified", got.Rho)
	}
	if got := Autocorr(1, make([]float64, 30)); got.Rho != 0 || got.Tau != 1 {
		t.Errorf("Autocorr of a constant = %+v, want none", got)
	}
	for _, rho := range []float64{0, 0.5, 0.8, 0.95} {
		var below int
		const runs = 400
		for seed := range uint64(runs) {
			if Autocorr(1, process(seed, rho, 120)).Rho >= rho-1e-9 {
				below++
			}
		}
		// The estimate leans up by one standard error, so that tests lean to
		// caution: about five in six lie at or above the truth.
		if share := float64(below) / runs; share < 0.7 {
			t.Errorf("ρ = %v: %.2f of the estimates are at or above it, want most", rho, share)
		}
	}
}

// process returns n values of a stationary AR(1) process of unit variance.
func process(seed uint64, rho float64, n int) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]float64, n)
	x := r.NormFloat64()
	for i := range out {
		out[i] = x
		x = rho*x + math.Sqrt(1-rho*rho)*r.NormFloat64()
	}
	return out
}

// TestAutocorrTau: τ of values that look back over a window, and of slow drift under
// fast noise, where lag 1 says many times too much and too little. The truth is
// 1 + 2Σρ_k of the process.
func TestAutocorrTau(t *testing.T) {
	for _, tt := range []struct {
		window     int
		rho, noise float64
		want       float64
	}{
		{1, 0, 0, 1},
		{1, 0.5, 0, 3},
		{1, 0.8, 0, 9}, // the processes of lag 1 stay as they were
		{2, 0, 0, 2},
		{2, 0.5, 0, 4},
		{4, 0, 0, 4},
		{4, 0.5, 0, 5.8},
		{4, 0.8, 0, 11.6},
		{12, 0, 0, 12},
		{1, 0.95, 0.5, 20},
		{1, 0.8, 0.5, 5},
	} {
		var taus []float64
		for seed := range uint64(200) {
			var stretches [][]float64
			for k := range uint64(2) {
				stretches = append(stretches, averaged(process(2*seed+k, tt.rho, 60+tt.window-1), tt.window))
				rng := rand.New(rand.NewPCG(seed, k+7))
				for i := range stretches[k] {
					stretches[k][i] = math.Sqrt(1-tt.noise)*stretches[k][i] + math.Sqrt(tt.noise)*rng.NormFloat64()
				}
			}
			taus = append(taus, Autocorr(float64(tt.window), stretches...).Tau)
		}
		// The lean to caution, and half as much where drift is found in 120 values.
		least, most := 0.95*tt.want, 2*tt.want
		if tt.noise > 0 {
			least = 0.3 * tt.want
		}
		if got := Median(taus); got < least || got > most {
			t.Errorf("window %d, ρ = %v, a share of %v noise: median τ = %.1f, want %.1f to %.1f", tt.window, tt.rho, tt.noise, got, least, most)
		}
	}
}

// averaged returns the means over so many neighbours.
func averaged(xs []float64, window int) []float64 {
	var out []float64
	for i := range len(xs) - window + 1 {
		out = append(out, Mean(xs[i:i+window]))
	}
	return out
}

func TestAutocorrDetrendedCorrectsMore(t *testing.T) {
	for seed := range uint64(50) {
		y := process(seed, 0.6, 60)
		if a, b := Autocorr(1, y), AutocorrDetrended(y, 1); b.Rho < a.Rho {
			t.Fatalf("seed %d: detrended ρ = %v, want at least %v", seed, b.Rho, a.Rho)
		}
	}
}

// TestSortedMAD: it is MAD of sorted values, to the last bit.
func TestSortedMAD(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	for n := range 200 {
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = rng.NormFloat64()
			if n%3 == 0 {
				xs[i] = math.Round(3 * xs[i]) // many alike
			}
		}
		want := MAD(xs)
		slices.Sort(xs)
		if got := SortedMAD(xs); got != want && !(n == 0 && math.IsNaN(got)) {
			t.Fatalf("SortedMAD of %v = %v, and MAD is %v", xs, got, want)
		}
	}
}
