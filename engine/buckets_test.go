package engine_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/foreshock/foreshock/signal"
)

// TestBuckets holds that observations come once each, by their size, of all
// pods together and in base units: 1, then 3 and 2 of them up to 50, 100 ms
// and beyond.
func TestBuckets(t *testing.T) {
	bucket := func(pod, le string, upTo ...float64) string {
		return points(fmt.Sprintf(`h_bucket{service="cart",pod=%q,le=%q}`, pod, le), upTo...)
	}
	text := bucket("a", "50", 5, 6, 6) + bucket("a", "100", 7, 10, 10) + bucket("a", "+Inf", 9, 13, 13) +
		bucket("b", "50", 0, 0, 0) + bucket("b", "100", 0, 1, 1) + bucket("b", "+Inf", 0, 2, 2)
	q := gauge("histogram_quantile(0.9, sum by (le) (rate(h_bucket{$sel}[$window])))")
	q.Kind, q.Unit = signal.Latency, signal.ParseUnit("ms")
	frames, _ := take(t, text, cart(q, gauge("h_bucket{$sel}")), 3)
	inf := math.Inf(1)
	want := [][]signal.Bucket{nil, {{Bound: 0.05, N: 1}, {Bound: 0.1, N: 3}, {Bound: inf, N: 2}}, nil}
	for k, f := range frames {
		for _, c := range f.Cells {
			if c.Signal == 0 && !slices.Equal(c.Buckets, want[k]) {
				t.Errorf("frame %d: buckets %v, want %v", k, c.Buckets, want[k])
			}
			if c.Signal == 0 && k == 1 && c.Readings[0].N != 6 {
				t.Errorf("frame %d: %v observations, want 6", k, c.Readings[0].N)
			}
			if c.Signal != 0 && c.Buckets != nil {
				t.Errorf("frame %d: a gauge has buckets %v", k, c.Buckets)
			}
		}
	}
}
