package pattern

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/signal"
)

// TestJump: a lasting jump by ten standard deviations of what drifts (ρ = 0.95) is known
// within five frames, and stays known; the same difference that came little by little is not,
// nor is a jump that went back.
func TestJump(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 1))
	reference, subject := drifting(r, 120, 0.95, r.NormFloat64), drifting(r, 60, 0.95, r.NormFloat64)
	slow := append([]float64(nil), subject...)
	back := append([]float64(nil), subject...)
	for i := 30; i < 60; i++ {
		subject[i] += 20
		slow[i] += 20 * float64(i-29) / 30
		if i < 55 {
			back[i] += 20
		}
	}
	at := func(subject []float64) Comparison {
		n := len(subject)
		c, ok := Compare(fill(60, subject), fill(60, reference[60:60+n]), fill(0, reference[:60]), signal.Up, Size{Relative: 0.05})
		if !ok {
			t.Fatal("nothing to compare")
		}
		return c
	}
	for n := 35; n <= 60; n += 5 {
		if c := at(subject[:n]); !c.Told() || c.away < leaped || c.Onset.P50 < 88 || c.Onset.P50 > 92 {
			t.Errorf("%d frames after a jump: told %v, %v times as far, onset %v; want it known since frame 90", n-30, c.Told(), c.away, c.Onset)
		}
	}
	if c := at(subject[:30]); c.Beyond {
		t.Error("beyond before the jump")
	}
	if c := at(slow); c.Beyond {
		t.Errorf("what came little by little is said to be beyond, %v times as far", c.away)
	}
	if c := at(back); c.Beyond {
		t.Error("a jump that went back is said to be beyond")
	}
}

// TestJumpAlone: of what the reference was itself the time before is the reference, and the
// last frames of it are where a jump comes from.
func TestJumpAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	all := drifting(r, 100, 0.95, r.NormFloat64)
	for i := 62; i < 100; i++ {
		all[i] += 30
	}
	for _, alone := range []bool{true, false} {
		c, ok := Compare(fill(60, all[60:70]), nil, fill(0, all[:60]), signal.Up, Size{Relative: 0.05, Alone: alone})
		if !ok || c.Beyond != alone {
			t.Errorf("alone %v: beyond %v, %v times as far", alone, c.Beyond, c.away)
		}
	}
}

// TestJumpHeld: of a gauge that changes with each run of a job one run says nothing yet, however
// often it is repeated; three do.
func TestJumpHeld(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 1))
	runs := func(n int, level float64) []float64 {
		var out []float64
		for range n {
			x := level + 2*r.NormFloat64()
			for range 6 {
				out = append(out, x)
			}
		}
		return out
	}
	before, after := runs(9, 100), runs(4, 250)
	for _, tt := range []struct {
		frames int
		want   bool
	}{{6, false}, {12, false}, {24, true}} {
		c, ok := Compare(fill(54, after[:tt.frames]), nil, fill(0, before), signal.Up, Size{Relative: 0.05, Alone: true})
		if !ok || c.Beyond != tt.want {
			t.Errorf("%d frames of runs of 6: beyond %v, want %v", tt.frames, c.Beyond, tt.want)
		}
	}
}

// TestKept: for how long a gauge keeps its values is read off single blocks and off longer
// ones; what never does keeps none, in blocks of any length.
func TestKept(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	for _, tt := range []struct {
		run, long      int
		least, highest float64
	}{{1, 1, 0, 0}, {1, 4, 0, 0}, {3, 1, 2.9, 3.2}, {10, 1, 9, 12}, {10, 4, 8, 14}, {21, 4, 17, 25}} {
		var means []float64
		x, left := 0.0, 0
		for range 60 {
			sum := 0.0
			for range tt.long {
				if left == 0 {
					x, left = r.NormFloat64(), tt.run
				}
				sum, left = sum+x, left-1
			}
			means = append(means, sum/float64(tt.long))
		}
		if got := kept(means, float64(tt.long)); got < tt.least || got > tt.highest {
			t.Errorf("runs of %d in blocks of %d: kept for %v, want %v to %v", tt.run, tt.long, got, tt.least, tt.highest)
		}
	}
}

// TestKeptWhole: a gauge of whole numbers that wavers a little repeats itself, and keeps nothing.
func TestKeptWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 1))
	var means []float64
	for range 60 {
		means = append(means, math.Round(7+0.4*r.NormFloat64()))
	}
	if got := kept(means, 1); got != 0 {
		t.Errorf("whole numbers about 7 are kept for %v, want 0", got)
	}
}

// TestJumpGone: where the control has gone, what both versions would do then is not known.
func TestJumpGone(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 1))
	reference, subject := drifting(r, 120, 0.95, r.NormFloat64), drifting(r, 60, 0.95, r.NormFloat64)
	for i := 54; i < 60; i++ {
		subject[i] += 40
	}
	for _, missing := range []int{0, 1} {
		c, ok := Compare(fill(60, subject), fill(60, reference[60:120-missing]), fill(0, reference[:60]), signal.Up, Size{Relative: 0.05})
		if !ok || c.Beyond != (missing == 0) {
			t.Errorf("a control without a value for %d frames: beyond %v", missing, c.Beyond)
		}
	}
}
