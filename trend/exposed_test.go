package trend

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestExposed: a broken line is given back at every frame, from its corners
// alone.
func TestExposed(t *testing.T) {
	weight := func(f int) float64 {
		switch {
		case f < 20:
			return 0.1
		case f < 30:
			return 0.1 + 0.015*float64(f-19) // a ramp to 25 %
		case f < 50:
			return 0.25
		default:
			return 0.4
		}
	}
	var e Exposed
	for f := 5; f < 90; f++ {
		e.Add(f, weight(f))
	}
	for f := 5; f < 90; f++ {
		if got := e.At(f); math.Abs(got-weight(f)) > 1e-9 {
			t.Errorf("At(%d) = %v, want %v", f, got, weight(f))
		}
	}
	if len(e.Knots) != 6 { // begin, corner, corner, end of 25 %, begin of 40 %, now
		t.Errorf("%d corners are kept, want 6: %v", len(e.Knots), e.Knots)
	}
	if e.At(4) != 0 || e.At(1000) != 0.4 || e.Most() != 0.4 || e.First() != 5 {
		t.Errorf("At(4) = %v, At(1000) = %v, Most %v, First %d, want 0, 0.4, 0.4, 5", e.At(4), e.At(1000), e.Most(), e.First())
	}
	var none Exposed
	if none.At(3) != 0 || none.Most() != 0 || none.First() != 0 {
		t.Errorf("the zero value has %v, %v, %d, want nothing", none.At(3), none.Most(), none.First())
	}
}

// TestExposedAround: by hand, of a step from 0 to 0.4 in frame 10.
func TestExposedAround(t *testing.T) {
	var e Exposed
	for f := 10; f < 20; f++ {
		e.Add(f, 0.4)
	}
	tests := []struct {
		from, to    int
		mean, apart float64
	}{
		{8, 9, 0, 0},
		{9, 10, 0.2, 0.2},
		{8, 11, 0.2, 0.2},
		{9, 12, 0.3, 0.15},
		{12, 12, 0.4, 0},
		{-1000, -500, 0, 0},
	}
	for _, tt := range tests {
		if mean, apart := e.around(tt.from, tt.to); math.Abs(mean-tt.mean)+math.Abs(apart-tt.apart) > 1e-12 {
			t.Errorf("around(%d, %d) = %v, %v, want %v, %v", tt.from, tt.to, mean, apart, tt.mean, tt.apart)
		}
	}
}

// TestExposedLaw: sixteen steps or fewer are kept exactly; of more, what is
// still known is right, what is forgotten is NaN, and the memory is bounded.
func TestExposedLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var e Exposed
		var ws []float64
		steps := rapid.IntRange(1, 40).Draw(t, "steps")
		for range steps {
			w := rapid.Float64Range(0, 1).Draw(t, "weight")
			for range rapid.IntRange(1, 9).Draw(t, "frames") {
				e.Add(len(ws), w)
				ws = append(ws, w)
			}
		}
		if len(e.Knots) > maxKnots || steps <= 16 && e.Forgotten {
			t.Fatalf("%d corners of %d steps, forgotten %v; want at most %d, and sixteen steps kept", len(e.Knots), steps, e.Forgotten, maxKnots)
		}
		for f, w := range ws {
			got := e.At(f)
			forgotten := e.Forgotten && f < e.First()
			if math.IsNaN(got) != forgotten || !forgotten && math.Abs(got-w) > 1e-8 {
				t.Fatalf("At(%d) = %v, want %v (forgotten: %v)", f, got, w, forgotten)
			}
		}
	})
}
