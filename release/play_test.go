package release_test

import (
	"math"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/topology"
)

// perCohort is a signal of both versions of the small system.
func perCohort(name string, kind signal.Kind, unit string) signal.Signal {
	return signal.Signal{Name: name, Family: name, Kind: kind, Unit: signal.ParseUnit(unit), Scope: signal.PerCohort}
}

// A reading of a cohort in one frame that is there.
func present(value float64) signal.Reading {
	r := signal.Missing(signal.Empty, "")
	r.Presence, r.Value, r.Age = signal.Present, value, time.Hour
	return r
}

// play takes the small system with more signals through foldBegins frames and
// then so many of a release, and returns its assessments. The readings of a
// cohort in frame k, which is below 0 before the release, are by signal, the
// latency first; of one without a presence there is no cell.
func play(more []signal.Signal, frames int, exposure func(k int) signal.Exposure, readings func(k int, c signal.Cohort) []signal.Reading) []release.Assessment {
	sys := smallSystem(release.Safe)
	sys.Signals = append(sys.Signals, more...)
	sys.Releases[0].Canary = `version="2"`
	state := release.New(sys, prevention.DefaultPolicy())
	var out []release.Assessment
	for k := -foldBegins; k < frames; k++ {
		f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
		cohorts := []signal.Cohort{signal.Control}
		if k >= 0 {
			f.Exposure[0] = exposure(k)
			cohorts = append(cohorts, signal.Canary)
		}
		for _, c := range cohorts {
			for id, r := range readings(k, c) {
				if r.Presence == 0 { // nobody has ever told of it
					continue
				}
				limit := math.NaN()
				if sys.Signals[id].Limit.Set {
					limit = sys.Signals[id].Limit.Value
				}
				f.Cells = append(f.Cells, signal.Cell{Signal: id, Cohort: c, Limit: limit, Readings: []signal.Reading{r}})
			}
		}
		out = append(out, state.Step(f)...)
	}
	return out
}

// atATenth is a release that stands at a tenth of the traffic.
func atATenth(int) signal.Exposure { return signal.Exposure{Weight: 0.1, Step: 1} }

// playChange takes a system of so many services through an hour of minutes and then so
// many under a change that has no service. The readings of a service in frame k, which is
// below 0 before the change, are by signal. It returns the first assessment that rolls
// back, or else the last one.
func playChange(services int, signals []signal.Signal, after int, readings func(service, k int) []signal.Reading) release.Assessment {
	const before = 60
	sys := release.System{
		Interval: time.Minute, Graph: topology.New(services, nil), Services: make([]release.Service, services), Signals: signals,
		Changes: []release.Change{{ID: "push", At: foldStart.Add(before * time.Minute)}},
	}
	for j := range sys.Services {
		sys.Services[j] = release.Service{Name: string(rune('a' + j)), Criticality: 1}
	}
	s := release.New(sys, prevention.DefaultPolicy())
	var last release.Assessment
	for k := -before; k < after; k++ {
		f := signal.Frame{At: foldStart.Add(time.Duration(k+before) * time.Minute)}
		for j := range services {
			for id, r := range readings(j, k) {
				f.Cells = append(f.Cells, signal.Cell{Service: j, Signal: id, Release: -1, Cohort: signal.Whole, Limit: math.NaN(), Readings: []signal.Reading{r}})
			}
		}
		for _, a := range s.Step(f) {
			if last = a; a.Verdict == "rollback" {
				return a
			}
		}
	}
	return last
}
