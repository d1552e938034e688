package release_test

import (
	"strings"
	"testing"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestFailsBeyond: of a release that is said to do well where it is, and to fail at
// some larger share of the traffic, no part of the interval lies where it does well.
func TestFailsBeyond(t *testing.T) {
	said := 0
	for seed := range uint64(20) {
		p := pool{kind: signal.Saturation, fails: 0.44, idle: 0.3, sd: 0.04, rho: 0.3, before: 60, next: 0.75}
		p.play(seed, func(frame int, a release.Assessment) {
			if x, ok := failsAt(a); ok && x.Weight != nil && strings.Contains(a.Sentence, "it does well at") && frame%poolStep > 6 {
				said++
				if x.Weight.P10 < a.Weight {
					t.Errorf("seed %d, frame %d: %.1f (%.1f to %.1f): %s", seed, frame, float64(x.Weight.P50), float64(x.Weight.P10), float64(x.Weight.P90), a.Sentence)
				}
			}
		})
	}
	if said < 20 {
		t.Errorf("said %d times; the test shows nothing", said)
	}
}
