package pattern_test

import (
	"math"
	"testing"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// The releases of these tests begin in frame 60: 60 frames of the service
// before, then 40 of both versions. Level 100, noise 5, and 10 matter.
const began, lasts = 60, 40

var tenth = pattern.Size{Relative: 0.1}

// sure is the log e-value of one false alarm in 500.
var sure = math.Log(500)

// trial compares one seeded release whose canary follows a course.
func trial(seed int, worse signal.Direction, course func(int) float64) pattern.Comparison {
	rng := seeded(seed)
	before := track(0, noisy(rng, began, 5, flat(100)))
	control := track(began, noisy(rng, lasts, 5, flat(100)))
	canary := track(began, noisy(rng, lasts, 5, course))
	c, ok := pattern.Compare(canary, control, before, worse, tenth)
	if !ok {
		panic("nothing to compare")
	}
	return c
}

func stepAt(from int, by float64) func(int) float64 {
	return func(i int) float64 {
		if i >= from {
			return 100 + by
		}
		return 100
	}
}

// TestCompareShift: a shift of six standard deviations is seen for sure in
// each of 40 runs, its size is right within a third, and its onset within two
// frames, whichever way is worse.
func TestCompareShift(t *testing.T) {
	tests := []struct {
		name  string
		worse signal.Direction
		by    float64
	}{
		{"up", signal.Up, 30},
		{"down", signal.Down, -30},
		{"both, and it rose", signal.Both, 30},
		{"both, and it fell", signal.Both, -30},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range 40 {
				c := trial(seed, tt.worse, stepAt(20, tt.by))
				if c.LogE < sure {
					t.Errorf("seed %d: LogE = %v, want over %v", seed, c.LogE, sure)
				}
				if math.Abs(c.Effect-30) > 10 {
					t.Errorf("seed %d: Effect = %v, want about 30: positive is worse", seed, c.Effect)
				}
				if c.Typical < c.Size || c.Typical > 1.1*c.Effect { // it is clipped at four standard deviations
					t.Errorf("seed %d: Typical = %v, want between the size %v and the effect %v", seed, c.Typical, c.Size, c.Effect)
				}
				if math.Abs(c.Onset.P50-(began+20)) > 2 || !(c.Onset.P10 <= c.Onset.P50 && c.Onset.P50 <= c.Onset.P90) {
					t.Errorf("seed %d: Onset = %+v, want about %d", seed, c.Onset, began+20)
				}
				if math.Abs(c.Now-(100+tt.by)) > 10 || math.Abs(c.Level-100) > 5 || c.Falls != (tt.by < 0) {
					t.Errorf("seed %d: Now = %v, Level = %v, Falls = %v, want about %v, 100", seed, c.Now, c.Level, c.Falls, 100+tt.by)
				}
				if !c.Stands(c.Size) || math.Abs(c.Away()-30) > 15 {
					t.Errorf("seed %d: Stands = false or Away = %v, want about 30", seed, c.Away())
				}
			}
		})
	}
}

// TestCompareNoise: noise alone is called sure in none of 300 runs (what is
// claimed is at most one in 500), and a change to the better neither.
func TestCompareNoise(t *testing.T) {
	tests := []struct {
		name   string
		worse  signal.Direction
		course func(int) float64
	}{
		{"noise, up", signal.Up, flat(100)},
		{"noise, both", signal.Both, flat(100)},
		{"better, up", signal.Up, stepAt(20, -30)},
		{"better, down", signal.Down, stepAt(20, 30)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range 300 {
				if c := trial(seed, tt.worse, tt.course); c.LogE >= sure {
					t.Errorf("seed %d: LogE = %v, want under %v", seed, c.LogE, sure)
				}
			}
		})
	}
}

// TestCompareMissing: what is compared with what, when a side is missing or
// has gaps. The canary is always 30 over.
func TestCompareMissing(t *testing.T) {
	rng := seeded(1)
	before := track(0, noisy(rng, began, 5, flat(100)))
	control := track(began, noisy(rng, lasts, 5, flat(100)))
	values := noisy(rng, lasts, 5, flat(130))
	gaps := make([]float64, lasts)
	for i, v := range values {
		gaps[i] = v
		if i%4 == 1 {
			gaps[i] = nan
		}
	}
	gone := track(began, noisy(rng, 5, 5, flat(100)))
	for i := 5; i < lasts; i++ {
		gone.Add(began+i, cell(reading(nan, "")), frame)
	}
	never := track(began, []float64{nan, nan, nan})
	tests := []struct {
		name                    string
		canary, control, before *pattern.Track
		ok                      bool
		frames                  float64
	}{
		{"both references", track(began, values), control, before, true, lasts},
		{"gaps", track(began, gaps), control, before, true, 30},
		{"before only", track(began, values), nil, before, true, lasts},
		{"control only", track(began, values), control, nil, true, lasts},
		{"the control is gone", track(began, values), gone, before, true, lasts},
		{"the control never came", track(began, values), never, before, true, lasts},
		{"no reference", track(began, values), nil, nil, false, 0},
		{"a reference without values", track(began, values), never, nil, false, 0},
		{"a canary without values", never, control, before, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, ok := pattern.Compare(tt.canary, tt.control, tt.before, signal.Up, tenth)
			if ok != tt.ok {
				t.Fatalf("Compare(%s) is ok = %v, want %v", tt.name, ok, tt.ok)
			}
			if c.Frames != tt.frames {
				t.Errorf("Compare(%s).Frames = %v, want %v", tt.name, c.Frames, tt.frames)
			}
			if ok && (c.LogE < sure || math.Abs(c.Effect-30) > 8) {
				t.Errorf("Compare(%s) = LogE %v, Effect %v, want over %v and about 30", tt.name, c.LogE, c.Effect, sure)
			}
			if ok && math.IsNaN(c.Before) != (tt.before == nil) {
				t.Errorf("Compare(%s).Before = %v", tt.name, c.Before)
			}
		})
	}
}

// TestCompareControlMoves: what the control does at the same moment is not
// the canary's doing, although it was not so before.
func TestCompareControlMoves(t *testing.T) {
	for seed := range 40 {
		rng := seeded(seed)
		before := track(0, noisy(rng, began, 5, flat(100)))
		control := track(began, noisy(rng, lasts, 5, flat(140)))
		canary := track(began, noisy(rng, lasts, 5, flat(140)))
		if c, _ := pattern.Compare(canary, control, before, signal.Up, tenth); c.LogE >= sure || math.Abs(c.Level-140) > 5 {
			t.Errorf("seed %d: LogE = %v, Level = %v, want under %v, about 140", seed, c.LogE, c.Level, sure)
		}
		if c, _ := pattern.Compare(canary, nil, before, signal.Up, tenth); c.LogE < sure {
			t.Errorf("seed %d: LogE = %v against the time before alone, want over %v", seed, c.LogE, sure)
		}
	}
}

// TestSizeOf: the change of consequence at a level, by hand.
func TestSizeOf(t *testing.T) {
	tests := []struct {
		size        pattern.Size
		level, want float64
	}{
		{pattern.Size{Relative: 0.1}, 200, 20},
		{pattern.Size{Relative: 0.1}, -200, 20},
		{pattern.Size{Relative: 0.1}, 0, 0},
		{pattern.Size{Relative: 0.1, Absolute: 5}, 200, 20},
		{pattern.Size{Relative: 0.1, Absolute: 5}, 10, 5},
		{pattern.Size{Relative: 0.1, Absolute: 5}, 0, 5},
		{pattern.Size{Relative: 0.1, Absolute: 5, Most: 2}, 10, 5},
		{pattern.Size{Relative: 0.1, Absolute: 5, Most: 2}, 1, 2}, // twice the level at most
		{pattern.Size{Relative: 0.1, Absolute: 5, Most: 2}, -1, 2},
		{pattern.Size{Relative: 0.1, Absolute: 5, Most: 2}, 0, 0},
	}
	for _, tt := range tests {
		if got := tt.size.Of(tt.level); !same(got, tt.want) {
			t.Errorf("%+v.Of(%v) = %v, want %v", tt.size, tt.level, got, tt.want)
		}
	}
}

// TestCompareFloor: a reference that does not waver at all does not make a
// wiggle certain: its spread is believed to be the floor, or a hundredth of
// the level.
func TestCompareFloor(t *testing.T) {
	before, control := track(0, noisy(seeded(1), began, 0, flat(100))), track(began, noisy(seeded(1), lasts, 0, flat(100)))
	canary := track(began, noisy(seeded(1), lasts, 0, flat(100.05)))
	if c, _ := pattern.Compare(canary, control, before, signal.Up, tenth); c.LogE >= sure {
		t.Errorf("100.05 against 100: LogE = %v, want under %v", c.LogE, sure)
	}
	canary = track(began, noisy(seeded(1), lasts, 0, flat(112)))
	if c, _ := pattern.Compare(canary, control, before, signal.Up, tenth); c.LogE < sure {
		t.Errorf("112 against 100: LogE = %v, want over %v", c.LogE, sure)
	}
	wide := pattern.Size{Relative: 0.1, Noise: 50}
	if c, _ := pattern.Compare(canary, control, before, signal.Up, wide); c.LogE >= sure || c.SD < 40 {
		t.Errorf("112 against 100, noise of 50 believed: LogE = %v, SD = %v, want under %v, about 50", c.LogE, c.SD, sure)
	}
}

// TestCompareOutlier: one outlier is not a change.
func TestCompareOutlier(t *testing.T) {
	for seed := range 40 {
		c := trial(seed, signal.Up, func(i int) float64 {
			if i == 25 {
				return 1000
			}
			return 100
		})
		if c.LogE >= sure && c.Typical >= c.Size {
			t.Errorf("seed %d: LogE = %v, Typical = %v of size %v: one outlier is taken for a change", seed, c.LogE, c.Typical, c.Size)
		}
	}
}

// TestHarmProbability: small beside what the reference does by itself, near 1
// far beyond it, never outside 0..1.
func TestHarmProbability(t *testing.T) {
	for seed := range 40 {
		well, ill := trial(seed, signal.Up, flat(100)), trial(seed, signal.Up, flat(140))
		if p := well.HarmProbability(); !(p >= 0 && p < 0.05) {
			t.Errorf("seed %d: HarmProbability() of noise = %v, want under 0.05", seed, p)
		}
		if p := ill.HarmProbability(); !(p > 0.95 && p <= 1) {
			t.Errorf("seed %d: HarmProbability() of 140 against 100 = %v, want over 0.95", seed, p)
		}
	}
}

// TestOnsetFrom: nothing that a release does begins before it.
func TestOnsetFrom(t *testing.T) {
	o := pattern.Onset{P10: 3, P50: 6, P90: 9}
	if got, want := o.From(5), (pattern.Onset{P10: 5, P50: 6, P90: 9}); got != want {
		t.Errorf("%+v.From(5) = %+v, want %+v", o, got, want)
	}
}

// TestCompareDoesNotWrite: the tracks are as they were afterwards.
func TestCompareDoesNotWrite(t *testing.T) {
	rng := seeded(1)
	before, control := track(0, noisy(rng, began, 5, flat(100))), track(began, noisy(rng, lasts, 5, flat(100)))
	canary := track(began, noisy(rng, lasts, 5, flat(70)))
	x, y, z := canary.Values, control.Values, before.Values
	first, _ := pattern.Compare(canary, control, before, signal.Down, tenth)
	if canary.Values != x || control.Values != y || before.Values != z {
		t.Error("Compare wrote into a track")
	}
	if again, _ := pattern.Compare(canary, control, before, signal.Down, tenth); again.LogE != first.LogE || again.Onset != first.Onset {
		t.Errorf("Compare again = LogE %v, onset %+v, want %v, %+v", again.LogE, again.Onset, first.LogE, first.Onset)
	}
}
