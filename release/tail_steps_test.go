package release

import (
	"math"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/topology"
)

// TestTailsKnowEveryStep: observations are missing in the first frame of every
// step, as after a scrape that failed. The tests on them hear of the steps all
// the same: what each brings is no burst.
func TestTailsKnowEveryStep(t *testing.T) {
	start := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	steps := []struct{ weight, slow float64 }{{0.1, 0}, {0.25, 4}, {0.5, 10}, {0.75, 30}}
	sys := System{
		Interval: 15 * time.Second, Services: []Service{{Name: "cart", Criticality: 1}}, Graph: topology.New(1, nil),
		Signals:  []signal.Signal{{Name: "latency", Kind: signal.Latency, Unit: signal.ParseUnit("s"), Scope: signal.PerCohort, Quantile: 0.99}},
		Releases: []Release{{ID: "cart", Strategy: CanaryRelease, Canary: "x", Control: "y", Steps: []Step{{At: start, Weight: 0.1}}}},
	}
	s := New(sys, prevention.DefaultPolicy())
	for k := range 10 + 12*len(steps) {
		f := signal.Frame{At: start.Add(time.Duration(k) * sys.Interval), Exposure: []signal.Exposure{{}}}
		cell := func(c signal.Cohort, slow float64, sizes bool) {
			r := signal.Missing(signal.Present, "")
			r.Value, r.Age = 0.1+slow/1000, time.Hour
			x := signal.Cell{Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{r}}
			if sizes {
				x.Buckets = []signal.Bucket{{Bound: 0.1, N: 100 - slow}, {Bound: 0.2, N: slow}, {Bound: math.Inf(1)}}
			}
			f.Cells = append(f.Cells, x)
		}
		step := (k - 10) / 12
		first := k < 10 || (k-10)%12 > 0
		cell(signal.Control, 0, first)
		if k >= 10 {
			f.Exposure[0] = signal.Exposure{Weight: steps[step].weight, Step: step + 1}
			cell(signal.Canary, steps[step].slow, first)
		}
		s.Step(f)
	}
	x := s.mem.Subjects[0].Tails[0]
	if x == nil {
		t.Fatal("the observations are not tested")
	}
	if d := x.Dispersion(); d > 3.5 || x.LogEValue() < 50 {
		t.Errorf("dispersion %.1f, ln E = %.1f; want at most 3.5, and 50 or more", d, x.LogEValue())
	}
}
