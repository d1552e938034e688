package release_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestStartedAgain: two starts of the new version's processes while none of the
// control's hold a release that shows nothing else, and blame nobody; one does
// not, nor do two long ago, nor as many on both sides.
func TestStartedAgain(t *testing.T) {
	const window = 4
	play := func(canary, control []int) []release.Assessment {
		sys := smallSystem(release.Safe)
		sys.Signals = append(sys.Signals, signal.Signal{
			Name: "restarts", Family: "restarts", Kind: signal.Crashes, Unit: signal.ParseUnit("restarts"), Scope: signal.PerCohort, Window: window,
		})
		state, rng := release.New(sys, prevention.DefaultPolicy()), rand.New(rand.NewPCG(41, 42))
		var out []release.Assessment
		for k := -foldBegins; k < 50; k++ {
			f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
			add := func(c signal.Cohort, starts []int) {
				var lately float64
				for _, at := range starts {
					if k >= at && k < at+window {
						lately++
					}
				}
				for id, x := range []float64{0.1 + 0.003*rng.NormFloat64(), lately} {
					r := signal.Missing(signal.Empty, "")
					r.Presence, r.Value, r.Age = signal.Present, x, time.Hour
					f.Cells = append(f.Cells, signal.Cell{Signal: id, Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{r}})
				}
			}
			add(signal.Control, control)
			if k >= 0 {
				f.Exposure[0] = signal.Exposure{Weight: 0.1, Step: 1}
				add(signal.Canary, canary)
			}
			out = append(out, state.Step(f)...)
		}
		return out
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
		as := play(tt.canary, tt.control)
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
