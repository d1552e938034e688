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

// TestRatedFailures: failures that come as a rate are counted against the requests
// beside them: 15 of a hundred of the new version's are proven in a minute and a
// half, also where a request that failed is no request, and where the first traffic
// signal counts none; an equal share never is.
func TestRatedFailures(t *testing.T) {
	for _, tt := range []struct {
		name     string
		share    float64 // of the new version's requests that fail
		apart    bool    // whether what fails is counted as a request
		rollback bool
	}{
		{"15 % fail", 0.15, false, true}, {"all fail, and nothing is counted as served", 1, true, true}, {"1 % as ever", 0.01, false, false},
	} {
		rng := rand.New(rand.NewPCG(41, 42))
		signals := []signal.Signal{perCohort("failed", signal.Errors, "events/s"), perCohort("throughput", signal.Traffic, "requests/s"), perCohort("requests", signal.Traffic, "requests/s")}
		first := -1
		for k, a := range play(signals, 30, atATenth, func(_ int, c signal.Cohort) []signal.Reading {
			n, share := 180.0, 0.01
			if c == signal.Canary {
				n, share = 20, tt.share
			}
			var failed float64
			for range int(n) {
				if rng.Float64() < share {
					failed++
				}
			}
			events, requests := present(failed/15), present(n/15)
			events.N, events.Events = failed, failed
			if requests.N = n; tt.apart {
				requests.N -= failed
			}
			return []signal.Reading{present(0.1 * (1 + 0.02*rng.NormFloat64())), events, present(n / 15), requests}
		}) {
			if a.Verdict == "rollback" && first < 0 {
				first = k
			}
			if strings.Contains(a.Sentence, "events/s of ") {
				t.Errorf("%s: a rate is told as a share: %s", tt.name, a.Sentence)
			}
		}
		if rolled := first >= 0; rolled != tt.rollback || first > 6 {
			t.Errorf("%s: rolled back in frame %d, want it %v, within 6 frames", tt.name, first, tt.rollback)
		}
	}
}
