package pattern_test

import (
	"math"
	"testing"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// TestOnset: when a step began is known to two frames, and its interval of 80 % holds in
// 75 % of runs or more; also where the control begins to fail too, a tenth as much,
// which makes neighbouring values so alike that no stretch is long enough to be tested.
func TestOnset(t *testing.T) {
	const runs, at = 200, 35
	for _, tt := range []struct {
		name    string
		by      float64 // of the canary from frame 35 on, in standard deviations
		control float64 // of the control
		near    float64 // least share of runs that are within two frames
	}{
		{"three", 3, 0, 0.9}, {"six", 6, 0, 0.99}, {"a hundred", 100, 0, 1}, {"a hundred, and the control by ten", 100, 10, 1},
	} {
		near, inside := 0.0, 0.0
		for seed := range runs {
			rng := seeded(seed)
			before := track(0, noisy(rng, began, 5, flat(100)))
			control := track(began, noisy(rng, 60, 5, stepAt(at, 5*tt.control)))
			canary := track(began, noisy(rng, 60, 5, stepAt(at, 5*tt.by)))
			c, ok := pattern.Compare(canary, control, before, signal.Up, tenth)
			if !ok {
				t.Fatal("nothing to compare")
			}
			if math.Abs(c.Onset.P50-(began+at)) <= 2 {
				near++
			}
			if c.Onset.P10 <= began+at && began+at <= c.Onset.P90 {
				inside++
			}
		}
		t.Logf("%s: within two frames in %.0f %%, in its interval in %.0f %%", tt.name, 100*near/runs, 100*inside/runs)
		if near/runs < tt.near || inside/runs < 0.75 {
			t.Errorf("%s: within two frames in %.0f %%, in its interval in %.0f %%; want %.0f and 75", tt.name, 100*near/runs, 100*inside/runs, 100*tt.near)
		}
	}
}

// TestOnsetWithoutNoise: what never wavers is dated as well.
func TestOnsetWithoutNoise(t *testing.T) {
	level := func(n, at int) []float64 {
		out := make([]float64, n)
		for i := range out {
			if i >= at {
				out[i] = 5
			}
		}
		return out
	}
	before, control, canary := track(0, level(began, began)), track(began, level(60, 60)), track(began, level(60, 35))
	c, ok := pattern.Compare(canary, control, before, signal.Up, pattern.Size{Absolute: 1})
	if want := (pattern.Onset{P10: began + 35, P50: began + 35, P90: began + 35}); !ok || c.Onset != want {
		t.Errorf("onset %+v, want %+v", c.Onset, want)
	}
}
