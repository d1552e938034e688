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

// counted plays forty frames of a release at a tenth of 100 requests a second:
// of those to the canary a share arrives, the rest fails, and each that arrives
// makes so many calls. Its own metrics come so many frames late, and the weight
// is half of the traffic by then.
func counted(arrive, calls, latency float64, late int) release.Assessment {
	sys := smallSystem(release.Safe)
	per := func(name string, kind signal.Kind, unit string) signal.Signal {
		return signal.Signal{Name: name, Family: name, Kind: kind, Unit: signal.ParseUnit(unit), Scope: signal.PerCohort}
	}
	sys.Signals = append(sys.Signals, per("callers errors", signal.Errors, "ratio"), per("errors", signal.Errors, "ratio"), per("call errors", signal.Dependency, "ratio"))
	sys.Releases[0].Canary = `version="2"`
	state, rng := release.New(sys, prevention.DefaultPolicy()), rand.New(rand.NewPCG(31, 32))
	var last release.Assessment
	for k := -foldBegins; k < 40; k++ {
		f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
		add := func(c signal.Cohort, rate, arrive, calls, latency float64) {
			sent := math.Round(15 * rate)
			got := math.Round(sent * arrive)
			for id, n := range []float64{0, sent, got, got * calls} {
				r := signal.Missing(signal.Empty, "")
				r.Presence, r.Age = signal.Present, time.Hour
				switch id {
				case 0:
					r.Value = latency * (1 + 0.02*rng.NormFloat64())
				case 1:
					r.N, r.Events, r.Value = n, sent-got, (sent-got)/n
				default:
					r.N, r.Events, r.Value = n, 0, 0
				}
				f.Cells = append(f.Cells, signal.Cell{Signal: id, Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{r}})
			}
		}
		if k < 0 {
			add(signal.Control, 100, 1, 2, 0.1)
		} else {
			rate := 10.0
			if late > 0 && k >= late {
				rate = 50
			}
			f.Exposure[0] = signal.Exposure{Weight: rate / 100, Step: 1}
			add(signal.Control, 100-rate, 1, 2, 0.1)
			add(signal.Canary, rate, arrive, calls, latency)
			if own := &f.Cells[len(f.Cells)-2]; k < late {
				own.Readings = []signal.Reading{signal.Missing(signal.Empty, "")}
			}
		}
		if as := state.Step(f); len(as) > 0 {
			last = as[0]
		}
	}
	return last
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
