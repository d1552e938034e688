package release_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/topology"
)

// swapped plays a release of cart without a control that gets all of the traffic
// in frame 0. Of cart, and of db which it calls, errors are counted: by the
// share of the requests that fails, or, as good shares, that does not.
func swapped(frames int, good bool, cart, db func(k int) float64) []release.Assessment {
	rng := rand.New(rand.NewPCG(51, 52))
	sys := smallSystem(release.Safe)
	sys.Services = append(sys.Services, release.Service{Name: "db", Criticality: 1})
	sys.Graph = topology.New(2, []topology.Edge{{From: 0, To: 1}})
	errors := perCohort("errors", signal.Errors, "ratio")
	if good {
		errors.Worse = signal.Down
	}
	errors.Window = 4 // so that its values say little, and its counts all
	sys.Signals = append(sys.Signals, errors)
	r := &sys.Releases[0]
	r.Control, r.Canary, r.Strategy, r.Steps[0].Weight = "", `version="2"`, release.BlueGreen, 1
	s := release.New(sys, prevention.DefaultPolicy())
	var out []release.Assessment
	for k := -foldBegins; k < frames; k++ {
		f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
		add := func(service, of int, c signal.Cohort, latency, failing float64) {
			if good {
				failing = 1 - failing
			}
			slow, errors := present(latency), present(failing)
			errors.N, errors.Events = 1500, math.Round(1500*failing)
			for id, r := range []signal.Reading{slow, errors} {
				f.Cells = append(f.Cells, signal.Cell{Service: service, Signal: id, Release: of, Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{r}})
			}
		}
		wavers := func(x float64) float64 { return math.Max(0, x*(1+0.1*rng.NormFloat64())) }
		latency, failing := 0.1+0.003*rng.NormFloat64(), wavers(cart(k))
		if k >= 0 {
			f.Exposure[0] = signal.Exposure{Weight: 1, Step: 1}
			add(0, 0, signal.Canary, latency, failing)
		}
		add(0, -1, signal.Whole, latency, failing)
		add(1, -1, signal.Whole, 0.02+0.001*rng.NormFloat64(), wavers(db(k)))
		out = append(out, s.Step(f)...)
	}
	return out
}

// TestUncontrolled: without a control counted failures are tested against the
// time before, and an incident of its own service that begins with a release is
// its own; not what began before it, or first where it calls.
func TestUncontrolled(t *testing.T) {
	few := func(int) float64 { return 0.002 }
	failing := func(from int) func(int) float64 {
		return func(k int) float64 {
			if k >= from {
				return 0.3
			}
			return 0.002
		}
	}
	tests := []struct {
		name     string
		cart, db func(int) float64
		by       int    // the frame in which it is rolled back at the latest; −1 where it is not
		ends     string // the last word without the latch
		reason   string
	}{
		{"well", few, few, -1, "promote", "none"},
		{"it fails at once", failing(0), few, 5, "rollback", "suspect"},
		{"it fails later", failing(20), few, 24, "rollback", "suspect"},
		{"it failed before", failing(-3), few, -1, "hold", "elsewhere"},
		{"what it calls failed first", failing(20), failing(17), -1, "hold", "elsewhere"},
		{"what it calls fails with it", failing(0), failing(0), 5, "rollback", "suspect"},
		{"a swap cuts connections", func(k int) float64 {
			if k == 0 || k == 1 {
				return 0.3
			}
			return 0.002
		}, few, -1, "promote", "none"},
		{"failures come in bursts, and did before", func(k int) float64 {
			if (k+foldBegins)%8 == 0 {
				return 0.04
			}
			return 0.002
		}, few, -1, "promote", "none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			as := swapped(40, false, tt.cart, tt.db)
			r, last := first(as, prevention.Rollback), as[39]
			if r >= 0 != (tt.by >= 0) || r > tt.by || last.Shadow != tt.ends || r < 0 && last.Reason != tt.reason {
				t.Errorf("rollback in frame %d, in the end %s, %s: %s; want by %d, %s, %s", r, last.Shadow, last.Reason, last.Sentence, tt.by, tt.ends, tt.reason)
			}
		})
	}
}

// TestUncontrolledGood: the same holds of a share of what goes well, whose counts speak
// while its values, which look back, say little yet; and more of it is better.
func TestUncontrolledGood(t *testing.T) {
	few := func(int) float64 { return 0.002 }
	for _, tt := range []struct {
		name          string
		before, since float64 // what fails
		by            int     // the frame in which it is rolled back at the latest; −1 where it is not
	}{{"it fails", 0.002, 0.3, 5}, {"it is better", 0.3, 0.002, -1}} {
		as := swapped(40, true, func(k int) float64 {
			if k < 0 {
				return tt.before
			}
			return tt.since
		}, few)
		if r := first(as, prevention.Rollback); r >= 0 != (tt.by >= 0) || r > tt.by {
			t.Errorf("%s: rollback in frame %d, in the end %s: %s; want by %d", tt.name, r, as[39].Verdict, as[39].Sentence, tt.by)
		}
	}
}
