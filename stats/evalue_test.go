package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSafeT(t *testing.T) {
	tests := []struct{ t, n, nu, g, want float64 }{
		// scipy 1.10, numerically: ∫ nct.pdf(t, ν, √n·δ)·norm.pdf(δ, 0, 1/√g) dδ / t.pdf(t, ν)
		{t: 2, n: 10, nu: 9, g: 1, want: 0.44163057375217146},
		// and of the normal limit: ∫ norm.pdf(x̄, μ, 1/√n)·norm.pdf(μ, 0, 1/√g) dμ / norm.pdf(x̄, 0, 1/√n)
		{t: 2, n: 10, nu: 1e9, g: 1, want: 0.6192341817826335},
		{t: 3.5, n: 60, nu: 1e9, g: 1, want: 3.9691532318477702},
		{t: math.NaN(), n: 10, nu: 9, g: 1, want: 0},
		{t: 2, n: 0, nu: 9, g: 1, want: 0},
	}
	for _, tt := range tests {
		if got := SafeT(tt.t, tt.n, tt.nu, tt.g); !near(got, tt.want, 1e-6) {
			t.Errorf("SafeT(%v, %v, %v, %v) = %v, want %v", tt.t, tt.n, tt.nu, tt.g, got, tt.want)
		}
	}
	if got := SafeTOneSided(-5, 10, 9, 1); got != 0 {
		t.Errorf("SafeTOneSided(-5) = %v, want 0: no evidence for above", got)
	}
}

// FuzzSafeT holds that more of a deviation is more evidence, and that the
// sign of t does not matter.
func FuzzSafeT(f *testing.F) {
	f.Add(2.0, 10.0, 9.0)
	f.Fuzz(func(t *testing.T, x, n, nu float64) {
		if !(x >= 0 && x < 1e6 && n > 0 && n < 1e9 && nu > 0 && nu < 1e9) {
			return
		}
		a, b := SafeT(x, n, nu, 1), SafeT(x*1.5+0.01, n, nu, 1)
		if !(b >= a-1e-9) {
			t.Fatalf("SafeT falls from %v to %v as t grows from %v (n %v, ν %v)", a, b, x, n, nu)
		}
		if c := SafeT(-x, n, nu, 1); !near(a, c, 1e-12) {
			t.Fatalf("SafeT(%v) = %v but SafeT(%v) = %v", x, a, -x, c)
		}
	})
}

// TestSafeTHoldsAtEveryLook is Ville's inequality: however often one looks,
// independent Gaussian values raise a false alarm in at most α of the runs.
func TestSafeTHoldsAtEveryLook(t *testing.T) {
	const runs, alpha = 2000, 0.05
	alarms := 0
	for seed := range uint64(runs) {
		r := rand.New(rand.NewPCG(seed, 2))
		var n, mean, m2 float64
		for range 200 {
			x := r.NormFloat64()
			n++
			d := x - mean
			mean += d / n
			m2 += d * (x - mean)
			if n >= 3 && SafeT(mean/math.Sqrt(m2/(n-1)/n), n, n-1, 1) >= math.Log(1/alpha) {
				alarms++
				break
			}
		}
	}
	if share := float64(alarms) / runs; share > alpha+2*math.Sqrt(alpha*(1-alpha)/runs) {
		t.Errorf("%.4f of the runs raised an alarm, want at most %v", share, alpha)
	}
}

func TestCountTest(t *testing.T) {
	var c CountTest
	c.Add(5, 100, 3, 400)
	c.Add(6, 120, 2, 380)
	// scipy 1.10: ratios of stats.binom.pmf, special.logsumexp
	if got, want := c.LogEValue(), 6.545160939040249; !near(got, want, 1e-9) {
		t.Errorf("LogEValue = %v, want %v", got, want)
	}
	before := c
	c.Add(math.NaN(), 100, 3, 400)
	c.Add(5, -1, 3, 400)
	if c != before {
		t.Errorf("impossible counts changed the test: %+v", c)
	}
}

// TestCountTestPower compares with a simulation of the same test in numpy:
// with a fifth of the traffic, a lift of the odds by 3 takes a median of 42
// events of both arms to show at 1 % (400 runs).
func TestCountTestPower(t *testing.T) {
	var needed []float64
	for seed := range uint64(401) {
		r := rand.New(rand.NewPCG(seed, 3))
		var c CountTest
		const rho, lift = 0.2, 3.0
		p := rho * lift / (rho*lift + 1 - rho)
		n := 0.0
		for c.LogEValue() < math.Log(1/0.01) && n < 2000 {
			n++
			if r.Float64() < p {
				c.Add(1, 20, 0, 80)
			} else {
				c.Add(0, 20, 1, 80)
			}
		}
		needed = append(needed, n)
	}
	if got := Median(needed); got < 37 || got > 48 {
		t.Errorf("a lift of 3 took a median of %v events, want about 42", got)
	}
}

func TestCountTestHoldsAtEveryLook(t *testing.T) {
	const runs, alpha = 2000, 0.05
	alarms := 0
	for seed := range uint64(runs) {
		r := rand.New(rand.NewPCG(seed, 4))
		var c CountTest
		for range 300 {
			y, z := 0.0, 0.0
			for range 3 {
				if r.Float64() < 0.2 {
					y++
				} else {
					z++
				}
			}
			c.Add(y, 200, z, 800)
			if c.LogEValue() >= math.Log(1/alpha) {
				alarms++
				break
			}
		}
	}
	if share := float64(alarms) / runs; share > alpha+2*math.Sqrt(alpha*(1-alpha)/runs) {
		t.Errorf("%.4f of the runs raised an alarm, want at most %v", share, alpha)
	}
}

func TestDispersion(t *testing.T) {
	var calm, wild CountTest
	for i := range 40 {
		calm.Add(0, 100, 10, 1000)
		wild.Add(0, 100, float64(20*(i%2)), 1000)
	}
	if got := calm.Dispersion(); got != 1 {
		t.Errorf("Dispersion of even counts = %v, want 1", got)
	}
	if got := wild.Dispersion(); got < 5 || got > 15 { // (20−10)²/10 = 10
		t.Errorf("Dispersion of 0 and 20 in turn = %v, want about 10", got)
	}
}

func TestLimitTest(t *testing.T) {
	var l LimitTest
	l.Add(4, 100, 0.01)
	l.Add(3, 80, 0.01)
	l.Add(3, 0, 0.01)
	l.Add(3, 80, 0)
	if got, want := l.LogEValue(), 3.1300525198142557; !near(got, want, 1e-9) { // scipy 1.10: ratios of stats.binom.pmf
		t.Errorf("LogEValue = %v, want %v", got, want)
	}
}

func TestEBH(t *testing.T) {
	ln := math.Log
	tests := []struct {
		name string
		logE []float64
		want []int
	}{
		{"none", nil, nil},
		{"one of four needs 4/α", []float64{ln(79), 0, 0, 0}, nil},
		{"one of four has 4/α", []float64{0, 0, ln(80.1), 0}, []int{2}},
		{"two with 2/α each carry each other", []float64{ln(40.1), 0, ln(40.1), 0}, []int{0, 2}},
		{"all", []float64{ln(20.1), ln(20.1), ln(20.1), ln(20.1)}, []int{0, 1, 2, 3}},
	}
	for _, tt := range tests {
		if got := EBH(tt.logE, 0.05); !slices.Equal(got, tt.want) {
			t.Errorf("%s: EBH = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestExcessProbability(t *testing.T) {
	tests := []struct{ y, n, z, m, delta, want float64 }{
		// scipy 1.10: integrate.quad over stats.beta
		{y: 0, n: 1440, z: 0, m: 5760, delta: 0.0005, want: 0.1986657948568431},
		{y: 10, n: 1000, z: 20, m: 4000, delta: 0.002, want: 0.8425418368314842},
		{y: 3, n: 200, z: 30, m: 1000, delta: 0.01, want: 0.02858974241259055},
		{y: 190, n: 200, z: 30, m: 1000, delta: 0.01, want: 1},
		{y: 0, n: 5, z: 0, m: 20, delta: 0.0005, want: 0.6898104227762119},
		{y: 200, n: 200, z: 198, m: 200, delta: 0.0, want: 0.9249440291756685},
	}
	for _, tt := range tests {
		if got := ExcessProbability(tt.y, tt.n, tt.z, tt.m, tt.delta); math.Abs(got-tt.want) > 1e-3 {
			t.Errorf("ExcessProbability(%v, %v, %v, %v, %v) = %v, want %v", tt.y, tt.n, tt.z, tt.m, tt.delta, got, tt.want)
		}
	}
	if got := ExcessProbability(5, 3, 0, 10, 0); !math.IsNaN(got) {
		t.Errorf("more events than observations: %v, want NaN", got)
	}
}

func TestRateQuantile(t *testing.T) {
	if got, want := RateQuantile(3, 200, 0.99), 0.04541677116664401; !near(got, want, 1e-6) { // scipy 1.10: stats.beta.ppf(0.99, 3.5, 197.5)
		t.Errorf("RateQuantile(3, 200, 0.99) = %v, want %v", got, want)
	}
	if got := RateQuantile(4, 3, 0.5); !math.IsNaN(got) {
		t.Errorf("more events than observations: %v, want NaN", got)
	}
}

func TestRequestsNeeded(t *testing.T) {
	if got := RequestsNeeded(0, 0.001, 0.95); got < 2995 || got > 2997 { // the rule of three: ln 20 = 2.996
		t.Errorf("RequestsNeeded(0, 0.001, 0.95) = %v, want about 2,996", got)
	}
	if a, b := RequestsNeeded(0.01, 0.002, 0.9), RequestsNeeded(0.01, 0.004, 0.9); !(a > b) {
		t.Errorf("a smaller excess needs %v requests, want more than %v", a, b)
	}
}

// TestHistory holds the law of a history: whatever was offered, it keeps the
// mean of all values and the last ones, in bounded memory.
// TestLogRatio holds the series, and where it ends, against the logarithm.
func TestLogRatio(t *testing.T) {
	for _, q := range []float64{1e-6, 0.02, 0.5, 0.99} {
		for x := 1e-9; x < 1e9; x *= 1.1 {
			if got, want := logRatio(x, q), math.Log1p(x)-math.Log1p(q*x); !near(got, want, 1e-11) {
				t.Fatalf("x %v, q %v: %v, want %v", x, q, got, want)
			}
		}
	}
	if got := logRatio(0, 0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestHistory(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 5))
		origin, n := r.IntN(50), 1+r.IntN(3000)
		h := NewHistory(origin)
		var sum, count float64
		var all []float64
		for f := origin; f < origin+n; f++ {
			x := r.NormFloat64()
			if r.Float64() < 0.2 {
				x = math.NaN()
			} else {
				sum, count = sum+x, count+1
			}
			all = append(all, x)
			h.Add(f, x)
		}
		if h.N != count || (count > 0 && !near(h.Mean(), sum/count, 1e-9)) {
			t.Fatalf("seed %d: mean %v of %v values, want %v of %v", seed, h.Mean(), h.N, sum/count, count)
		}
		var blocks float64
		for _, x := range h.Sum {
			blocks += x
		}
		if !near(h.Total, blocks, 1e-9) {
			t.Fatalf("seed %d: total %v, of its blocks %v", seed, h.Total, blocks)
		}
		if h.Blocks > Width || h.Blocks*h.Size < n {
			t.Fatalf("seed %d: %d blocks of %d frames for %d frames", seed, h.Blocks, h.Size, n)
		}
		tail := h.Tail(16)
		want := all[max(0, n-16):]
		if len(tail) != len(want) {
			t.Fatalf("seed %d: tail of %d values, want %d", seed, len(tail), len(want))
		}
		for i := range want {
			if !near(tail[i], want[i], 0) {
				t.Fatalf("seed %d: tail %v, want %v", seed, tail, want)
			}
		}
		coarse := h.MeansBy(4 * h.Size)
		if len(coarse) != (h.Blocks+3)/4 {
			t.Fatalf("seed %d: %d coarse blocks of %d", seed, len(coarse), h.Blocks)
		}
	}
}

func TestHistorySkippedFrames(t *testing.T) {
	h := NewHistory(10)
	h.Add(10, 1)
	h.Add(13, 4)
	got := h.Tail(16)
	want := []float64{1, math.NaN(), math.NaN(), 4}
	for i := range want {
		if len(got) != len(want) || !near(got[i], want[i], 0) {
			t.Fatalf("Tail = %v, want %v", got, want)
		}
	}
	if m := h.Means(); len(m) != 4 || !math.IsNaN(m[1]) || m[3] != 4 {
		t.Errorf("Means = %v, want a gap of two", m)
	}
}
