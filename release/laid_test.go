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

// queueing plays a release at a tenth of the traffic, with the latency of both
// versions as usual, and of the service as a whole how many messages wait.
// Another release of a service beside it may begin in frame other.
func queueing(other int, waiting func(k int) float64) []release.Assessment {
	rng := rand.New(rand.NewPCG(61, 62))
	sys := smallSystem(release.Safe)
	lag := perCohort("lag", signal.Saturation, "messages")
	lag.Scope = signal.PerService
	sys.Signals = append(sys.Signals, lag)
	if other < math.MaxInt {
		sys.Services = append(sys.Services, release.Service{Name: "front", Criticality: 1})
		also := sys.Releases[0]
		also.ID, also.Service = "r2", 1
		sys.Releases = append(sys.Releases, also)
	}
	s := release.New(sys, prevention.DefaultPolicy())
	var out []release.Assessment
	for k := -foldBegins; k < 80; k++ {
		f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: make([]signal.Exposure, len(sys.Releases))}
		for i, r := range sys.Releases {
			add := func(c signal.Cohort) {
				f.Cells = append(f.Cells, signal.Cell{Service: r.Service, Release: i, Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{present(0.1 + 0.003*rng.NormFloat64())}})
			}
			add(signal.Control)
			if begun := i == 0 && k >= 0 || i == 1 && k >= other; begun {
				f.Exposure[i] = signal.Exposure{Weight: 0.1, Step: 1}
				add(signal.Canary)
			}
		}
		f.Cells = append(f.Cells, signal.Cell{Signal: 1, Release: -1, Cohort: signal.Whole, Limit: math.NaN(), Readings: []signal.Reading{present(math.Round(waiting(k) * (1 + 0.05*rng.NormFloat64())))}})
		for _, a := range s.Step(f) {
			if a.ID == "r1" {
				out = append(out, a)
			}
		}
	}
	return out
}

// TestLaid: what is known of the whole service alone cannot tell its versions
// apart; but where it began with a release and nothing else did, that waits.
func TestLaid(t *testing.T) {
	const never = math.MaxInt
	piles := func(from int) func(int) float64 {
		return func(k int) float64 { return 200 + 400*math.Max(0, float64(k-from)) }
	}
	tests := []struct {
		name    string
		other   int
		waiting func(int) float64
		held    bool
	}{
		{"it piles up since the release", never, piles(2), true},
		{"it piles up since before", never, piles(-12), false},
		{"it piles up, and another release began", 1, piles(2), false},
		{"it piles up long after", never, piles(50), false},
		{"a little more", never, func(k int) float64 {
			if k >= 0 {
				return 260
			}
			return 200
		}, false},
		{"it wavers as it did before", never, func(k int) float64 { return 200 + 2000*math.Max(0, math.Sin(float64(k)/2)) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			as := queueing(tt.other, tt.waiting)
			h, e := first(as, prevention.Hold), first(as, prevention.Escalate)
			if h >= 0 != tt.held || first(as, prevention.Rollback) >= 0 {
				t.Fatalf("hold in frame %d, want one: %v; rollback in frame %d", h, tt.held, first(as, prevention.Rollback))
			}
			if !tt.held {
				return
			}
			if h > 20 || e != h+40 || as[h].Reason != "suspect" || as[h].Blames {
				t.Errorf("hold in frame %d, %s, blames %v, escalate in %d; want a person after ten minutes", h, as[h].Reason, as[h].Blames, e)
			}
			if got := as[h].Sentence; !strings.HasPrefix(got, "Hold r1 before closing the release: lag of all of cart is ") || !strings.Contains(got, "and nothing else began then") {
				t.Errorf("sentence: %s", got)
			}
		})
	}
}
