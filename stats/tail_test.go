package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// TestTailTestHoldsAtEveryLook: of cohorts that are alike, at most one in a
// hundred is ever called worse at the level of the policy, 1/0.002, whatever the share over the
// bound and of the traffic, and with bursts of five at a time.
func TestTailTestHoldsAtEveryLook(t *testing.T) {
	tests := []struct {
		share, canary, control, burst float64
	}{
		{0.01, 10, 90, 1},
		{0.01, 100, 900, 1},
		{0.35, 10, 90, 1},
		{0.1, 200, 200, 1},
		{0.02, 50, 450, 5},
	}
	const runs, frames = 1000, 200
	for _, tt := range tests {
		rng := rand.New(rand.NewPCG(1, 2))
		var worse float64
		for range runs {
			x := TailTest{}
			for range 10 {
				x.Add(0, 0, bursts(rng, tt.control, tt.share, tt.burst), tt.control)
			}
			for range frames {
				x.Add(bursts(rng, tt.canary, tt.share, tt.burst), tt.canary, bursts(rng, tt.control, tt.share, tt.burst), tt.control)
				if x.LogEValue() >= math.Log(500) {
					worse++
					break
				}
			}
		}
		if worse > 0.01*runs+3*math.Sqrt(0.01*runs) {
			t.Errorf("%+v: %v of %d called worse, want ≤ 1 %%", tt, worse, runs)
		}
	}
}

// bursts draws how many of n are over the bound, so many at a time.
func bursts(rng *rand.Rand, n, share, size float64) float64 {
	return math.Min(n, size*distuv.Binomial{N: math.Round(n / size), P: share, Src: rng}.Rand())
}

// TestTailTestFinds: a hundred requests tell that a fifth is over what a
// hundredth of the control's is, early or late, and no longer when it is over.
func TestTailTestFinds(t *testing.T) {
	for _, quiet := range []int{0, 20, 60} {
		x := TailTest{}
		for range quiet {
			x.Add(0, 10, 1, 90)
		}
		for range 10 {
			x.Add(2, 10, 1, 90)
		}
		if got := x.LogEValue(); got < 5.9 {
			t.Errorf("after %d quiet frames: ln E = %.1f, want ≥ 5.9", quiet, got)
		}
		for range 150 {
			x.Add(0, 10, 1, 90)
		}
		if got := x.LogEValue(); got > 1 {
			t.Errorf("after %d quiet frames and an episode that is long over: ln E = %.1f, want ≤ 1", quiet, got)
		}
	}
}

// TestTailTestStall: one stall, however many requests it slows, is no proof, and
// reason enough to wait; what is there in every frame is a proof.
func TestTailTestStall(t *testing.T) {
	x := TailTest{}
	for range 20 {
		x.Add(0, 100, 1, 900)
	}
	x.Add(90, 100, 1, 900)
	if proof, waits := x.LogEValue(), x.Suspicion(); proof > 1 || waits < 10 {
		t.Errorf("after one stall: ln E = %.1f, suspicion %.1f; want no proof, and a suspicion", proof, waits)
	}
	x = TailTest{}
	for range 2 {
		x.Add(60, 100, 1, 900)
	}
	if proof := x.LogEValue(); proof < 20 {
		t.Errorf("in both of two frames: ln E = %.1f, want a proof", proof)
	}
}

// TestTailTestIgnores holds that nonsense and one-sided frames are no evidence.
func TestTailTestIgnores(t *testing.T) {
	x := TailTest{}
	for _, f := range [][4]float64{{2, 1, 0, 5}, {math.NaN(), 1, 0, 1}, {3, 5, 0, 0}, {0, 0, 3, 5}, {-1, 5, 0, 5}} {
		x.Add(f[0], f[1], f[2], f[3])
	}
	if got := x.LogEValue(); got != 0 {
		t.Errorf("ln E = %v, want 0", got)
	}
}

// TestTailTestKnowsSteps: what gets worse with every step of the release is no
// burst. In each step of twelve frames its evidence grows, and at the last it is
// far stronger than where the steps are not known.
func TestTailTestKnowsSteps(t *testing.T) {
	told, untold := TailTest{}, TailTest{}
	before := 0.0
	for _, step := range []struct{ n, over, m float64 }{{10, 0, 90}, {25, 1, 75}, {50, 3, 50}, {75, 12, 25}} {
		told.Stepped()
		for range 12 {
			told.Add(step.over, step.n, 0, step.m)
			untold.Add(step.over, step.n, 0, step.m)
		}
		if got := told.LogEValue(); step.over > 1 && got <= before {
			t.Errorf("at %v %%: ln E = %.1f, want more than the %.1f of the step before", step.n, got, before)
		}
		before = told.LogEValue()
	}
	if got := untold.LogEValue(); before < got+5 {
		t.Errorf("ln E = %.1f with the steps told, %.1f without", before, got)
	}
}

// TestSuspicion: before bursts could be seen a suspicion asks for a third of what a
// proof does; where they were seen it allows for them as a proof does.
func TestSuspicion(t *testing.T) {
	x := TailTest{}
	for range 10 {
		x.Add(2, 50, 0, 50) // as many in each: no bursts, and too few to tell
	}
	if proof, waits := x.LogEValue(), x.Suspicion(); waits < 1.5*proof || waits > 3*proof+1e-9 {
		t.Errorf("without bursts: ln E = %.1f, suspicion %.1f; want up to three times as much", proof, waits)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	x = TailTest{}
	for range 400 {
		x.Add(bursts(rng, 100, 0.2, 10), 100, bursts(rng, 100, 0.1, 10), 100)
	}
	if proof, waits := x.LogEValue(), x.Suspicion(); proof < 1 || waits > 1.15*proof {
		t.Errorf("in bursts of ten: ln E = %.1f, suspicion %.1f; want about the same", proof, waits)
	}
}

// far returns a test that saw so many frames of what is over its far bound.
func far(seed uint64, frames int, canary, control func(*rand.Rand) (over, n float64)) *TailTest {
	rng, x := rand.New(rand.NewPCG(seed, 6)), &TailTest{Far: 0.25}
	for range frames {
		y, n := canary(rng)
		z, m := control(rng)
		x.AddFar(y, n, z, m)
	}
	return x
}

// rate draws n observations a frame of which a share is over the bound, so many
// at a time.
func rate(n, share, burst float64) func(*rand.Rand) (float64, float64) {
	return func(rng *rand.Rand) (float64, float64) { return bursts(rng, n, share, burst), n }
}

// TestFarProbability: that more than a hundredth more of the canary's observations
// than of the control's are far out is likely where it is so, unlikely where both
// are alike, however many there are, and says less where they come in bursts.
func TestFarProbability(t *testing.T) {
	for _, tt := range []struct {
		name            string
		canary, control func(*rand.Rand) (float64, float64)
		atLeast, atMost float64
	}{
		{"a few of both", rate(30, 0.002, 1), rate(270, 0.002, 1), 0, 0.05},
		{"many of both", rate(30, 0.05, 1), rate(270, 0.05, 1), 0, 0.4},
		{"a twentieth against a few", rate(30, 0.05, 1), rate(270, 0.002, 1), 0.95, 1.001},
		{"of the canary alone", rate(30, 0.05, 1), rate(0, 0, 1), 0.95, 1.001},
		{"none of the canary alone", rate(30, 0, 1), rate(0, 0, 1), 0, 0.05},
	} {
		var sum float64
		for seed := range uint64(20) {
			sum += far(seed, 60, tt.canary, tt.control).FarProbability(0.01) / 20
		}
		if !(sum >= tt.atLeast && sum <= tt.atMost) {
			t.Errorf("%s: %.3f on average, want %v to %v", tt.name, sum, tt.atLeast, tt.atMost)
		}
	}
	if p := (&TailTest{Far: 0.25}).FarProbability(0.01); !math.IsNaN(p) {
		t.Errorf("of nothing: %v, want none", p)
	}
	if p := (&TailTest{FarCanary: Tail{N: 5}}).FarProbability(0.01); !math.IsNaN(p) {
		t.Errorf("without a bound: %v, want none", p)
	}
}

// TestGather: of what is rarer than once a frame, frames put together tell
// bursts from what comes alone.
func TestGather(t *testing.T) {
	mean := func(burst float64) float64 {
		var sum float64
		for seed := range uint64(40) {
			x := far(seed, 400, rate(20, 0.01, burst), rate(20, 0.01, burst))
			if x.FarCanary.Frames < 20 || x.FarCanary.Frames > 160 {
				t.Fatalf("%v terms of 80 expected events, want some tens", x.FarCanary.Frames)
			}
			sum += x.FarCanary.dispersion(believedDispersion) / 40
		}
		return sum
	}
	if alone, five := mean(1), mean(5); alone > 1.6 || five < 3 {
		t.Errorf("dispersion %.1f of single ones, %.1f of fives; want about 1.2 and 4", alone, five)
	}
	held := far(1, 7, rate(20, 0, 1), rate(20, 0, 1)).FarCanary
	if over, n := held.counts(); over != 0 || n != 140./believedDispersion {
		t.Errorf("counts %v of %v, want none of 140/3: what is held counts", over, n)
	}
}
