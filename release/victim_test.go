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

// TestVictims: what is slower as a service that it calls is slower comes after that in
// the ranking, whichever of them reacted more.
func TestVictims(t *testing.T) {
	ranked := func(edges []topology.Edge) string {
		rng := rand.New(rand.NewPCG(91, 92))
		sys := release.System{
			Interval: 15 * time.Second, Graph: topology.New(6, edges),
			Services: []release.Service{{Name: "front", Criticality: 1}, {Name: "pay", Criticality: 1}, {Name: "ship", Criticality: 1}, {Name: "mail"}, {Name: "user"}, {Name: "cart"}},
			Signals:  []signal.Signal{perCohort("latency", signal.Latency, "s")},
			Changes:  []release.Change{{ID: "change", At: foldStart.Add(foldBegins * 15 * time.Second)}},
		}
		s := release.New(sys, prevention.DefaultPolicy())
		for k := range foldBegins + 20 {
			f := signal.Frame{At: foldStart.Add(time.Duration(k) * 15 * time.Second)}
			for j, usual := range []float64{0.05, 0.08, 0.06, 0.1, 0.09, 0.07} {
				if k >= foldBegins+5 && j < 2 {
					usual += 0.25
				}
				f.Cells = append(f.Cells, signal.Cell{Service: j, Release: -1, Cohort: signal.Whole, Limit: math.NaN(), Readings: []signal.Reading{present(usual * (1 + 0.02*rng.NormFloat64()))}})
			}
			s.Step(f)
		}
		return s.Subsystems()[0].Service
	}
	if got := ranked([]topology.Edge{{From: 0, To: 1}}); got != "pay" {
		t.Errorf("front calls pay: %s is first", got)
	}
	if got := ranked([]topology.Edge{{From: 1, To: 0}}); got != "front" {
		t.Errorf("pay calls front: %s is first", got)
	}
}
