package trend

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// grown returns the comparison of a value that grows by slope a frame with a
// control that stands at 100.
func grown(t *testing.T, slope float64) pattern.Comparison {
	t.Helper()
	cell := func(v float64) signal.Cell {
		nan := math.NaN()
		return signal.Cell{Limit: nan, Readings: []signal.Reading{{Value: v, N: nan, Events: nan, Presence: signal.Present, Age: 1 << 40}}}
	}
	before, control, canary := pattern.NewTrack(0), pattern.NewTrack(30), pattern.NewTrack(30)
	for f := range 30 {
		before.Add(f, cell(100+float64(f%2)), 60)
	}
	for f := 30; f < 70; f++ {
		control.Add(f, cell(100+float64(f%2)), 60)
		canary.Add(f, cell(100+float64(f%2)+slope*float64(f-29)), 60)
	}
	c, ok := pattern.Compare(canary, control, before, signal.Up, pattern.Size{Relative: 0.15})
	if !ok {
		t.Fatal("nothing to compare")
	}
	return c
}

func TestExhausts(t *testing.T) {
	c := grown(t, 1)
	h := stats.NewHistory(30)
	for f := 30; f < 70; f++ {
		h.Add(f, 100+float64(f%2)+float64(f-29))
	}
	r := Growing{Values: h, Limit: 200}
	got, ok := Exhausts(&c, 140, r)
	// By hand: 60 to go at 1 a frame.
	if !ok || math.Abs(got.P50-60) > 6 || !(got.P10 < got.P50 && got.P50 < got.P90) {
		t.Errorf("Exhausts(140 of 200 at 1 a frame) = %+v, %v, want about 60 frames", got, ok)
	}
	if _, ok := Exhausts(&c, 200, r); ok {
		t.Error("Exhausts at the limit says when it will be reached")
	}
	if _, ok := Exhausts(&c, 140, Growing{Values: h, Limit: math.NaN()}); ok {
		t.Error("Exhausts without a limit says when it will be reached")
	}
	flat := grown(t, 0)
	if got, ok := Exhausts(&flat, 100, r); ok {
		t.Errorf("Exhausts of what does not grow = %+v", got)
	}
}

func TestNextRung(t *testing.T) {
	climb := func(frames ...float64) []pattern.Climb {
		var out []pattern.Climb
		for i, f := range frames {
			out = append(out, pattern.Climb{Rung: pattern.RungLatency + pattern.Rung(i), Onset: pattern.Onset{P10: f, P50: f, P90: f}})
		}
		return out
	}
	// Two gaps in 8 frames, and no rung in the 4 frames since.
	got, ok := NextRung(climb(10, 14, 18), 22)
	if want := (Ahead{P10: 12 * (math.Pow(0.9, -0.5) - 1), P50: 12 * (math.Pow(0.5, -0.5) - 1), P90: 12 * (math.Pow(0.1, -0.5) - 1)}); !ok ||
		math.Abs(got.P10-want.P10)+math.Abs(got.P50-want.P50)+math.Abs(got.P90-want.P90) > 1e-9 {
		t.Errorf("NextRung(10, 14, 18) at 22 = %+v, %v, want %+v", got, ok, want)
	}
	for _, short := range [][]pattern.Climb{nil, climb(10), climb(10, 10.5)} {
		if got, ok := NextRung(short, 30); ok {
			t.Errorf("NextRung(%v) = %+v, want nothing: no pace", short, got)
		}
	}
}

// TestNextRungHolds: of ladders whose gaps are exponential, and which are looked
// at some time after the second to fourth rung, eight intervals in ten hold.
func TestNextRungHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const runs = 4000
	var held, n float64
	for range runs {
		pace := math.Exp(4 * rng.Float64())
		climbed := []pattern.Climb{{Onset: pattern.Onset{P50: 0}}}
		at := 0.0
		for range 1 + rng.IntN(3) {
			at += pace * rng.ExpFloat64()
			climbed = append(climbed, pattern.Climb{Onset: pattern.Onset{P50: at}})
		}
		next := pace * rng.ExpFloat64()
		looked := rng.Float64() * pace
		if looked > next {
			continue
		}
		a, ok := NextRung(climbed, at+looked)
		if !ok {
			continue
		}
		n++
		if a.P10 <= next-looked && next-looked <= a.P90 {
			held++
		}
	}
	if share := held / n; share < 0.75 || share > 0.9 {
		t.Errorf("%.0f %% of %.0f intervals hold, want 75 to 90", 100*share, n)
	}
}
