package pattern

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/foreshock/foreshock/stats"
)

// TestMost: the lower quartile of a stretch is told wherever it is over the mean
// and over 0, and only there must it be.
func TestMost(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	over := 0
	for run := range 300 {
		var all []float64
		var sum float64
		above := 0
		for range 40 {
			x := rng.NormFloat64() + float64(run%5) // stretches over 0 and about it
			if run%3 == 0 && rng.IntN(8) == 0 {
				x -= 20 // a tail to the left lifts the quartile over the mean
			}
			all, sum = append(all, x), sum+x
			if x > 0 {
				above++
			}
			mean := sum / float64(len(all))
			want := stats.SortedQuantile(slices.Sorted(slices.Values(all)), 0.25)
			got := most(all, mean, above)
			switch {
			case want > max(mean, 0):
				over++
				if got != want {
					t.Fatalf("of %d values: %v, want their quartile %v, over their mean %v", len(all), got, want, mean)
				}
			case got > max(mean, 0):
				t.Fatalf("of %d values: %v, over their mean %v; their quartile is %v", len(all), got, mean, want)
			}
		}
	}
	if over < 100 {
		t.Errorf("the quartile was over the mean %d times; want 100 at least, else the test shows nothing", over)
	}
}

// TestOrderFollows: an order that is brought up to date is that of the values,
// whether the last one changed, some came, or all are others.
func TestOrderFollows(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var o order
	var values []float64
	for range 500 {
		switch rng.IntN(5) {
		case 0:
			values = append(values, math.Round(10*rng.Float64()))
		case 1:
			if n := len(values); n > 0 {
				values[n-1] = math.Round(10 * rng.Float64())
			}
		case 2:
			values = append(values, rng.Float64(), rng.Float64(), rng.Float64())
		case 3:
			values = values[:len(values)/2] // blocks that were joined
			for i := range values {
				values[i] += rng.Float64()
			}
		}
		o.update(values)
		if want := slices.Sorted(slices.Values(values)); !slices.Equal(o.sorted, want) {
			t.Fatalf("sorted %v, want %v", o.sorted, want)
		}
	}
}

// TestFaded: what began high with the subject and came down by half has faded
// when it is under a size; what never came down only under half of one.
func TestFaded(t *testing.T) {
	course := func(early, late float64) *Comparison {
		c := &Comparison{Onset: Onset{P50: 1}}
		for k := range 40 {
			d := early
			if k >= 20 {
				d = late
			}
			c.Difference, c.frames = append(c.Difference, d), append(c.frames, float64(k))
		}
		return c
	}
	for _, tt := range []struct {
		early, late float64
		want        bool
	}{{5, 0.8, true}, {5, 1.2, false}, {1, 0.8, false}, {0.7, 0.4, true}, {5, 3, false}} {
		if got := course(tt.early, tt.late).Faded(1); got != tt.want {
			t.Errorf("from %v to %v sizes: faded %v, want %v", tt.early, tt.late, got, tt.want)
		}
	}
}
