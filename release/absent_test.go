package release_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/signal"
)

// neverFailed plays a release whose new version fails in a share of its work
// from a frame on, and whose control never failed, so that there is no series
// of its failures; with serves, its traffic is there. It returns the last verdict
// and its evidence.
func neverFailed(unit string, share float64, from int, serves bool) (verdict, evidence string) {
	rng := rand.New(rand.NewPCG(11, 12))
	as := play([]signal.Signal{perCohort("requests", signal.Traffic, "requests/s"), perCohort("errors", signal.Errors, unit)}, 40, atATenth,
		func(k int, c signal.Cohort) []signal.Reading {
			rate := 90.0
			if c == signal.Canary {
				rate = 10
			}
			n := 15 * rate
			traffic, latency, errors := present(rate), present(0.1*(1+0.02*rng.NormFloat64())), signal.Missing(signal.NeverSeen, "")
			traffic.N, traffic.Events = n, n
			if c == signal.Control && !serves {
				traffic, latency = signal.Missing(signal.Stopped, ""), signal.Missing(signal.Stopped, "")
			}
			if c == signal.Canary && k >= from {
				failed := float64(int(share*n + 0.5))
				if errors = present(share); unit != "ratio" {
					errors = present(share * rate)
					n = failed
				}
				errors.N, errors.Events = n, failed
			}
			return []signal.Reading{latency, traffic, errors}
		})
	a := as[len(as)-1]
	var all []string
	for _, e := range a.Evidence {
		all = append(all, e.Signal)
	}
	return a.Verdict, strings.Join(all, " ")
}

// TestNeverFailed: a control that has never failed has no series of failures,
// and no number to compare with; it failed in nothing.
func TestNeverFailed(t *testing.T) {
	for _, tt := range []struct {
		name, unit string
		share      float64
		from       int
		want       string
	}{
		{"from the first request", "ratio", 0.2, 0, "rollback"},
		{"later", "ratio", 0.2, 12, "rollback"},
		{"a rate of failures", "errors/s", 0.2, 12, "rollback"},
		{"never", "ratio", 0.2, 100, "promote"},
		{"one in a hundred thousand", "ratio", 0.00001, 0, "promote"},
	} {
		verdict, evidence := neverFailed(tt.unit, tt.share, tt.from, true)
		if verdict != tt.want || (verdict == "rollback") != strings.Contains(evidence, "errors") {
			t.Errorf("%s: %s by %q, want %s", tt.name, verdict, evidence, tt.want)
		}
	}
	if verdict, evidence := neverFailed("ratio", 0.2, 0, false); strings.Contains(evidence, "errors") {
		t.Errorf("a control that serves nothing: %s by %q; whether it failed is not known", verdict, evidence)
	}
}
