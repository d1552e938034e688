package queueing_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/queueing"
)

// The data sets are those of the usl package for R (CRAN, N. Gunther and
// S. Möding): specsdm91 is SPEC SDM91 on a SPARCcenter 2000, raytracer is from
// Gunther, Guerrilla Capacity Planning (2007), table 5.1.
var (
	specLoad  = []float64{1, 18, 36, 72, 108, 144, 216}
	specRate  = []float64{64.9, 996, 1652, 1853, 1829, 1775, 1702}
	rayCPUs   = []float64{1, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64}
	rayRate   = []float64{20, 78, 130, 170, 190, 200, 210, 230, 260, 280, 310}
	gentleN   = []float64{1, 2, 4, 6, 8, 10}
	gentleTPS = []float64{1, 1.8868, 3.0769, 3.5294, 3.5398, 3.3557} // coef.R of the same package
)

// TestFitUSL against what that package prints: its README for specsdm91
// (α 0.0277285 ± 0.0091, β 0.0001044 ± 0.00002, γ 89.995), its test
// peak-scalability for the peak of 97, its test coef for the small set, and
// its test confint for raytracer (α 0.0578, β 0, γ 21.8488).
func TestFitUSL(t *testing.T) {
	tests := []struct {
		name    string
		n, x    []float64
		want    queueing.USL
		peak    float64
		within  float64
		atLeast float64 // of coherency, for the comparison
	}{
		{"specsdm91", specLoad, specRate, queueing.USL{Rate: 89.995, Contention: 0.0277285, Coherency: 0.0001044}, 96.5, 0.01, 0},
		{"raytracer", rayCPUs, rayRate, queueing.USL{Rate: 21.8488, Contention: 0.0578, Coherency: 0}, math.Inf(1), 0.01, 1e-6},
		{"small", gentleN, gentleTPS, queueing.USL{Rate: 1, Contention: 0.02, Coherency: 0.02}, 7, 0.01, 0},
	}
	for _, tt := range tests {
		got, err := queueing.FitUSL(tt.n, tt.x, 1)
		if err != nil {
			t.Fatalf("FitUSL(%s): %v", tt.name, err)
		}
		if !near(got.Rate, tt.want.Rate, tt.within) || !near(got.Contention, tt.want.Contention, tt.within) ||
			math.Abs(got.Coherency-tt.want.Coherency) > tt.within*tt.want.Coherency+tt.atLeast {
			t.Errorf("FitUSL(%s) = %+v, want %+v", tt.name, got.USL, tt.want)
		}
		if p := got.Peak(); !math.IsInf(tt.peak, 1) && !near(p, tt.peak, 0.01) {
			t.Errorf("FitUSL(%s) peaks at %v, want %v", tt.name, p, tt.peak)
		}
		for name, in := range map[string]queueing.Interval{"rate": got.RateIn, "contention": got.ContentionIn, "coherency": got.CoherencyIn} {
			if !(in.Low <= in.High) {
				t.Errorf("FitUSL(%s): interval of %s is %+v", tt.name, name, in)
			}
		}
	}
}

// TestFitUSLCoverage: over 30 data sets with 4 % noise and ten sizes, the 80 %
// interval of the contention has the truth in it about as often as it says.
func TestFitUSLCoverage(t *testing.T) {
	truth := queueing.USL{Rate: 90, Contention: 0.03, Coherency: 1e-4}
	rng := rand.New(rand.NewPCG(5, 6))
	n := []float64{1, 4, 10, 18, 27, 36, 72, 108, 144, 216}
	hits, sets := 0, 30
	for range sets {
		x := make([]float64, len(n))
		for i := range n {
			x[i] = truth.Throughput(n[i]) + 60*rng.NormFloat64()
			x[i] = math.Max(1, x[i])
		}
		fit, err := queueing.FitUSL(n, x, 7)
		if err != nil {
			t.Fatal(err)
		}
		if fit.ContentionIn.Low <= truth.Contention && truth.Contention <= fit.ContentionIn.High {
			hits++
		}
	}
	t.Logf("the truth lies in the interval %d times of %d", hits, sets)
	if hits < 18 || hits > 29 {
		t.Errorf("the truth lies in the 80 %% interval %d times of %d", hits, sets)
	}
}

func TestFitUSLRefuses(t *testing.T) {
	tests := []struct {
		n, x []float64
		want string
	}{
		{[]float64{1, 2, 3}, []float64{1, 2, 3}, "usl: 3 measurements at 3 sizes; want at least 4 at 3 different sizes"},
		{[]float64{1, 1, 2, 2}, []float64{1, 1, 2, 2}, "usl: 4 measurements at 2 sizes; want at least 4 at 3 different sizes"},
		{[]float64{1, 2, 3, 4}, []float64{1, 2, math.NaN(), 4}, "usl: measurement 2 is NaN at size 3; want a throughput > 0 at a size ≥ 1"},
		{[]float64{0, 2, 3, 4}, []float64{1, 2, 3, 4}, "usl: measurement 0 is 1 at size 0; want a throughput > 0 at a size ≥ 1"},
	}
	for _, tt := range tests {
		if _, err := queueing.FitUSL(tt.n, tt.x, 1); err == nil || err.Error() != tt.want {
			t.Errorf("FitUSL(%v, %v) says %v, want %s", tt.n, tt.x, err, tt.want)
		}
	}
}

// TestLawUSL: throughput peaks where Peak says, and latency is Little's.
func TestLawUSL(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		u := queueing.USL{Rate: 1 + 100*rng.Float64(), Contention: 0.5 * rng.Float64(), Coherency: 1e-6 + 1e-2*rng.Float64()}
		n := u.Peak()
		if best := u.Throughput(n); best < u.Throughput(0.99*n) || best < u.Throughput(1.01*n) {
			t.Errorf("%+v peaks not at %v", u, n)
		}
		if x := u.Throughput(n); !near(queueing.Little(x, u.Latency(n)), n, 1e-9) {
			t.Errorf("%+v: X·R = %v at N = %v", u, x*u.Latency(n), n)
		}
	}
	if !math.IsInf(queueing.USL{Rate: 1}.Peak(), 1) {
		t.Error("a law without coherency cost has a peak")
	}
}
