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
