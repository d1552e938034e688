package release_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestStartedAgain: two starts of the new version's processes while none of the
// control's hold a release that shows nothing else, and blame nobody; one does
// not, nor do two long ago, nor as many on both sides.
func TestStartedAgain(t *testing.T) {
	const window = 4
	restarts := perCohort("restarts", signal.Crashes, "restarts")
	restarts.Window = window
	started := func(canary, control []int) []release.Assessment {
		rng := rand.New(rand.NewPCG(41, 42))
		return play([]signal.Signal{restarts}, 50, atATenth, func(k int, c signal.Cohort) []signal.Reading {
			starts := control
			if c == signal.Canary {
				starts = canary
			}
			var lately float64
			for _, at := range starts {
				if k >= at && k < at+window {
					lately++
				}
			}
			return []signal.Reading{present(0.1 + 0.003*rng.NormFloat64()), present(lately)}
		})
	}
	for _, tt := range []struct {
		name            string
		canary, control []int
		held            bool
	}{
		{"two", []int{20, 26}, nil, true},
		{"one", []int{20}, nil, false},
		{"two, and one of the control", []int{20, 26}, []int{10}, false},
		{"none", nil, nil, false},
	} {
		as := started(tt.canary, tt.control)
		held := 0
		for _, a := range as[20:] {
			if a.Verdict == "hold" && strings.Contains(a.Sentence, "its processes started again 2 times") {
				held++
			}
			if a.Warns() || a.Verdict == "rollback" {
				t.Fatalf("%s: %s: %s", tt.name, a.Verdict, a.Sentence)
			}
		}
		if (held > 0) != tt.held {
			t.Errorf("%s: held in %d frames, want held %v", tt.name, held, tt.held)
		}
		if last := as[len(as)-1]; last.Verdict != "promote" {
			t.Errorf("%s: %s in the end, long after: %s", tt.name, last.Verdict, last.Sentence)
		}
	}
}

// TestCrashLoop: a version that starts again and again is rolled back.
func TestCrashLoop(t *testing.T) {
	restarts := perCohort("restarts", signal.Crashes, "restarts")
	restarts.Window = 1
	rng := rand.New(rand.NewPCG(53, 54))
	as := play([]signal.Signal{restarts}, 50, atATenth, func(k int, c signal.Cohort) []signal.Reading {
		started := 0.0
		if c == signal.Canary && k >= 10 && k%4 == 0 {
			started = 1
		}
		return []signal.Reading{present(0.1 + 0.003*rng.NormFloat64()), present(started)}
	})
	r := first(as, prevention.Rollback)
	if r < 16 || r > 30 || !strings.Contains(as[r].Sentence, "it does not stay up") {
		t.Errorf("rolled back in frame %d: %s", r, as[max(0, r)].Sentence)
	}
}
