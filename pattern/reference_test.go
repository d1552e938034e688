package pattern

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/signal"
)

// TestLongPast holds that a past which is kept in longer blocks than the
// release's own is not taken for a quieter one.
func TestLongPast(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	cell := func() signal.Cell {
		nan := math.NaN()
		return signal.Cell{Limit: nan, Readings: []signal.Reading{
			{Value: 100 + 5*r.NormFloat64(), N: nan, Events: nan, Presence: signal.Present, Age: 1 << 40},
		}}
	}
	before, canary := NewTrack(0), NewTrack(1000)
	for f := range 1000 {
		before.Add(f, cell(), 60)
	}
	for f := 1000; f < 1012; f++ {
		canary.Add(f, cell(), 60)
	}
	c, ok := Compare(canary, nil, before, signal.Up, Size{Relative: 0.1})
	if before.Values.Size != 16 || !ok || c.ControlSD < 4 || c.ControlSD > 7 {
		t.Errorf("a past of 1,000 frames in blocks of %d has a spread of %v, want about 5", before.Values.Size, c.ControlSD)
	}
}

// TestStill holds that where growth is not looked for none is found, and nothing
// else changes.
func TestStill(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 9))
	tracks := [3]*Track{NewTrack(0), NewTrack(60), NewTrack(60)}
	for k, t := range tracks {
		for i := range 60 {
			x := 100 + r.NormFloat64()
			if k == 2 {
				x += float64(i) / 2
			}
			t.Values.Add(t.Values.Origin+i, x)
		}
	}
	size := Size{Relative: 0.1}
	grows, ok := Compare(tracks[2], tracks[1], tracks[0], signal.Up, size)
	size.Still = true
	still, okStill := Compare(tracks[2], tracks[1], tracks[0], signal.Up, size)
	if !ok || !okStill || grows.SlopeLogE < 5 || still.SlopeLogE != 0 || still.Slope != 0 {
		t.Errorf("growth %.1f, and %.1f where it is not looked for; want plenty and none", grows.SlopeLogE, still.SlopeLogE)
	}
	if grows.LogE != still.LogE || grows.Whole != still.Whole || grows.SE != still.SE || grows.Onset != still.Onset {
		t.Errorf("the rest differs: %v and %v", grows.LogE, still.LogE)
	}
}

// TestEqualMeansCountTogether: two stretches of one constant have one level, however
// the sums of it are rounded.
func TestEqualMeansCountTogether(t *testing.T) {
	for frames := 1; frames < 200; frames++ {
		before, during := NewTrack(0), NewTrack(60)
		for i := range 60 {
			before.Values.Add(i, 0.1)
		}
		for i := range frames {
			during.Values.Add(60+i, 0.1)
		}
		if got := (reference{before: before, during: during}).counts(1, noise{}); got != [2]float64{60, float64(frames)} {
			t.Fatalf("%d frames: counted %v, want all", frames, got)
		}
	}
}

// TestWaveringIsRemembered: a track that wavers on is measured again, and one that
// does not is what it was.
func TestWaveringIsRemembered(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	track := NewTrack(0)
	ref := reference{before: track}
	for i := range 100 {
		track.Values.Add(i, r.NormFloat64())
		fresh := NewTrack(0)
		fresh.Values = track.Values
		for range 2 {
			if got, want := ref.noise(1, 1), (reference{before: fresh}).noise(1, 1); got != want {
				t.Fatalf("frame %d: %+v, want %+v", i, got, want)
			}
		}
	}
}

// TestLineToTheLastDigit: what grows along a line without any residual is growth where
// it is steep against how the reference wavers, and none where it is not.
func TestLineToTheLastDigit(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 9))
	before := NewTrack(0)
	for i := range 60 {
		before.Values.Add(i, 100+r.NormFloat64())
	}
	for _, tt := range []struct {
		slope float64
		grows bool
	}{{0.5, true}, {0.25, true}, {0.002, false}} {
		for frames := 10; frames <= 60; frames++ {
			now := NewTrack(60)
			for i := range frames {
				now.Values.Add(60+i, 100+tt.slope*float64(i))
			}
			c, ok := Compare(now, nil, before, signal.Up, Size{Relative: 0.1})
			if got := c.SlopeLogE > 2; !ok || got != tt.grows && (frames > 30 || !tt.grows) {
				t.Errorf("%v a frame, %d frames: ln E %.1f, want growth: %v", tt.slope, frames, c.SlopeLogE, tt.grows)
			}
		}
	}
}
