package pattern

import (
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/signal"
)

// TestGrowsFromBelow: what begins low and comes up to where its reference is does not
// grow; what goes on beyond it does.
func TestGrowsFromBelow(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 52))
	reference, before := make([]float64, 60), make([]float64, 60)
	for i := range reference {
		reference[i], before[i] = 33+0.1*r.NormFloat64(), 33+0.1*r.NormFloat64()
	}
	for _, tt := range []struct {
		to   float64
		want bool
	}{{35.5, false}, {60, true}} {
		subject := make([]float64, 60)
		for i := range subject {
			subject[i] = 20 + (tt.to-20)*float64(i)/59 + 0.1*r.NormFloat64()
		}
		c, ok := Compare(fill(60, subject), fill(60, reference), fill(0, before), signal.Up, Size{Relative: 0.1})
		if !ok || c.Growing() != tt.want {
			t.Errorf("from 20 to %v beside 33 it grows: %v, want %v", tt.to, c.Growing(), tt.want)
		}
	}
}
