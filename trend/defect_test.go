package trend

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// TestDefect: where both versions together come to a limit, from what each of them
// fails at a tenth of the traffic. The truth is the mixture's.
func TestDefect(t *testing.T) {
	const e0, e1, limit, n = 0.001, 0.012, 0.005, 4000.0
	want := (limit - e0) / (e1 - e0)
	var in, known int
	const runs = 400
	for seed := range uint64(runs) {
		rng := rand.New(rand.NewPCG(seed, 5))
		y := distuv.Poisson{Lambda: e1 * n, Src: rng}.Rand()
		z := distuv.Poisson{Lambda: e0 * 9 * n, Src: rng}.Rand()
		f := Defect{
			E0: z / (9 * n), SE0: math.Sqrt(z) / (9 * n), E1: y / n, SE1: math.Sqrt(y) / n,
			NU: y, Limit: limit, Evidence: 10,
		}.FailsAt()
		if f.Why != Known {
			continue
		}
		known++
		if f.P10 <= want && want <= f.P90 {
			in++
		}
		up := Defect{
			E0: 1 - z/(9*n), SE0: math.Sqrt(z) / (9 * n), E1: 1 - y/n, SE1: math.Sqrt(y) / n,
			NU: y, Limit: 1 - limit, Falls: true, Evidence: 10,
		}.FailsAt()
		if math.Abs(up.P50-f.P50) > 1e-3 {
			t.Fatalf("a share that succeeds meets its limit at %.3f, what is left of it at %.3f", up.P50, f.P50)
		}
	}
	if share := float64(in) / float64(known); known < runs*9/10 || share < 0.75 || share > 0.86 {
		t.Errorf("known of %d of %d, %.0f %% of the intervals hold %.3f; want nearly all, and 80 %%", known, runs, 100*share, want)
	}
}

// TestDefectOfNoRelease: a limit that is met without the release, one that it does not
// come to, and a version that is better, are told apart from one that fails.
func TestDefectOfNoRelease(t *testing.T) {
	for _, tt := range []struct {
		name   string
		e0, e1 float64
		want   Why
	}{
		{"met without it", 0.006, 0.02, Flat},
		{"not by all the traffic", 0.001, 0.003, Beyond},
		{"better", 0.002, 0.001, Flat},
		{"worse", 0.001, 0.02, Known},
	} {
		f := Defect{E0: tt.e0, SE0: 1e-4, E1: tt.e1, SE1: 3e-4, NU: 50, Limit: 0.005, Evidence: 10}.FailsAt()
		if f.Why != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, f.Why, tt.want)
		}
	}
}
