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
	"github.com/foreshock/foreshock/topology"
)

// calling plays a release that goes to a half of the traffic in frame 20 and is well
// itself, of a service that calls stock; of that the share is known which fails.
func calling(failing func(k int) float64) ([]release.Assessment, release.Explanation) {
	rng := rand.New(rand.NewPCG(71, 72))
	sys := smallSystem(release.Safe)
	sys.Services = append(sys.Services, release.Service{Name: "stock", Criticality: 1})
	sys.Graph = topology.New(2, []topology.Edge{{From: 0, To: 1}})
	sys.Signals = append(sys.Signals, perCohort("errors", signal.Errors, "ratio"))
	sys.Releases[0].Canary = `version="2"`
	sys.Releases[0].Steps = []release.Step{{Weight: 0.1}, {Weight: 0.5}, {Weight: 1}}
	s, c, tally := release.New(sys, prevention.DefaultPolicy()), release.NewChronicle(sys), release.NewTally()
	var out []release.Assessment
	for k := -foldBegins; k < 40; k++ {
		f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
		add := func(service, id, of int, c signal.Cohort, r signal.Reading) {
			f.Cells = append(f.Cells, signal.Cell{Service: service, Signal: id, Release: of, Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{r}})
		}
		version := func(service, of int, c signal.Cohort, failing, n float64) {
			add(service, 0, of, c, present(0.1+0.003*rng.NormFloat64()))
			r := present(failing)
			r.N, r.Events = n, math.Round(failing*n)
			add(service, 1, of, c, r)
		}
		version(0, 0, signal.Control, 0.001, 1000)
		if k >= 0 {
			f.Exposure[0] = signal.Exposure{Weight: 0.1, Step: 1}
			if k >= 20 {
				f.Exposure[0] = signal.Exposure{Weight: 0.5, Step: 2}
			}
			version(0, 0, signal.Canary, 0.001, 1000)
		}
		version(1, -1, signal.Whole, failing(k), 1000)
		c.Saw(f)
		for _, a := range s.Step(f) {
			c.Heard(a)
			tally.Add(a)
			out = append(out, a)
		}
	}
	e, _ := c.Explain("r1", tally.Summary("calls", s, nil))
	return out, e
}

// TestBurden: a service that is called and gets worse with a step of the release holds
// it, and is told of; one that does so between two steps is somebody else's.
func TestBurden(t *testing.T) {
	from := func(frame int) func(int) float64 {
		return func(k int) float64 {
			if k >= frame {
				return 0.03
			}
			return 0.001
		}
	}
	for _, tt := range []struct {
		name string
		from int
		want bool
	}{
		{"with its second step", 20, true}, {"with its first one", 0, true}, {"between them", 9, false}, {"never", 1000, false},
	} {
		as, page := calling(from(tt.from))
		last := as[len(as)-1]
		said := strings.Contains(last.Sentence, "errors of stock, which it calls, is")
		if held := last.Verdict == "hold" && last.Reason == prevention.Suspect.String(); held != tt.want || said != tt.want {
			t.Errorf("%s: %s, %s: %s", tt.name, last.Verdict, last.Reason, last.Sentence)
		}
		if first := page.Charts[0]; (first.Service == "stock" && first.Signal == "errors") != tt.want {
			t.Errorf("%s: the first chart of why is %s of %s", tt.name, first.Signal, first.Service)
		}
	}
}

// TestHitRatio: what is measured by what is missing to all of it may get five times
// worse and more, however little it wavers.
func TestHitRatio(t *testing.T) {
	for _, tt := range []struct{ hits, wavers float64 }{{0.5, 0.001}, {0.5, 0.02}, {0.92, 0.001}} {
		rng := rand.New(rand.NewPCG(73, 74))
		as := play([]signal.Signal{perCohort("hits", signal.Cache, "ratio")}, 40, atATenth, func(_ int, c signal.Cohort) []signal.Reading {
			hits := 0.93
			if c == signal.Canary {
				hits = tt.hits
			}
			return []signal.Reading{present(0.1 + 0.003*rng.NormFloat64()), present(hits + tt.wavers*rng.NormFloat64())}
		})
		want := "rollback"
		if tt.hits > 0.9 {
			want = "promote"
		}
		if last := as[len(as)-1]; last.Verdict != want {
			t.Errorf("hits %v ± %v: %s: %s; want %s", tt.hits, tt.wavers, last.Verdict, last.Sentence, want)
		}
	}
}
