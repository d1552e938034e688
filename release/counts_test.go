package release_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// counted plays forty frames of a release at a tenth of 100 requests a second:
// of those to the canary a share arrives, the rest fails, and each that arrives
// makes so many calls. Its own metrics come so many frames late, and the weight
// is half of the traffic by then.
func counted(arrive, calls, latency float64, late int) release.Assessment {
	rng := rand.New(rand.NewPCG(31, 32))
	signals := []signal.Signal{
		perCohort("callers errors", signal.Errors, "ratio"), perCohort("errors", signal.Errors, "ratio"), perCohort("call errors", signal.Dependency, "ratio"),
	}
	exposure := func(k int) signal.Exposure {
		if late > 0 && k >= late {
			return signal.Exposure{Weight: 0.5, Step: 1}
		}
		return atATenth(k)
	}
	cohort := func(rate, arrive, calls, latency float64) []signal.Reading {
		sent := math.Round(15 * rate)
		got := math.Round(sent * arrive)
		of := func(n, events float64) signal.Reading {
			r := present(events / n)
			r.N, r.Events = n, events
			return r
		}
		return []signal.Reading{present(latency * (1 + 0.02*rng.NormFloat64())), of(sent, sent-got), of(got, 0), of(got*calls, 0)}
	}
	as := play(signals, 40, exposure, func(k int, c signal.Cohort) []signal.Reading {
		w := 0.0
		if k >= 0 {
			w = exposure(k).Weight
		}
		if c == signal.Control {
			return cohort(100*(1-w), 1, 2, 0.1)
		}
		out := cohort(100*w, arrive, calls, latency)
		if k < late {
			out[2] = signal.Missing(signal.Empty, "")
		}
		return out
	})
	return as[len(as)-1]
}

// TestCounts: the class of a cause from how much was counted: work that never
// arrives is routing; more calls for the same work are code or config.
func TestCounts(t *testing.T) {
	const lost, more = "a part of what its callers send never reaches it", "it makes more calls for the same work"
	for _, tt := range []struct {
		name                   string
		arrive, calls, latency float64
		late                   int
		class, sign, no        string
	}{
		{"a third is lost", 0.67, 2, 0.1, 0, "routing", lost, more},
		{"five in a hundred fail on the way", 0.95, 2, 0.1, 0, "code", "", lost},
		{"three calls for two", 1, 3, 0.2, 0, "code", more, lost},
		{"slower, and as many calls", 1, 2, 0.2, 0, "code", "", more},
		{"its own metrics are late", 0.95, 2, 0.1, 4, "code", "", lost},
	} {
		a := counted(tt.arrive, tt.calls, tt.latency, tt.late)
		if len(a.Cause) == 0 || a.Cause[0].Class != tt.class {
			t.Errorf("%s: %s, cause %+v, want %s", tt.name, a.Verdict, a.Cause, tt.class)
			continue
		}
		all := strings.Join(a.Cause[0].For, "; ")
		if !strings.Contains(all, tt.sign) || strings.Contains(all, tt.no) {
			t.Errorf("%s: for %q, want %q and not %q", tt.name, all, tt.sign, tt.no)
		}
	}
}
