package release_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/foreshock/foreshock/baseline"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/topology"
)

// everyDay remembers a processor that is busiest at noon, at three times of
// what it is at midnight.
type everyDay struct{}

func (everyDay) Level(_, _ string, at time.Time) (level, spread float64) {
	hour := at.UTC().Sub(at.UTC().Truncate(24 * time.Hour)).Hours()
	return 0.4 - 0.2*math.Cos(2*math.Pi*hour/24), 0.01
}

// nightShift plays a release at night, under whose new version a processor is
// so many times as busy, with what is remembered, and returns the last word.
func nightShift(normal baseline.Normal, times float64) release.Assessment {
	const before, after = 60, 60
	start := time.Date(2026, 6, 1, 1, 0, 0, 0, time.UTC)
	began := start.Add(before * time.Minute)
	sys := release.System{
		Interval: time.Minute, Services: []release.Service{{Name: "shop", Criticality: 1}}, Graph: topology.New(1, nil),
		Signals: []signal.Signal{perCohort("cpu", signal.CPU, "ratio"), perCohort("errors", signal.Errors, "ratio")},
		Releases: []release.Release{{
			ID: "shop", Canary: "a", Control: "b", Rollback: release.Safe,
			Steps: []release.Step{{At: began, CompletedAt: began, Weight: 0.5}, {At: began.Add(12 * time.Hour), Weight: 1}},
		}},
	}
	names := baseline.Names{Services: []string{"shop"}, Signals: sys.Signals}
	state := release.New(sys, prevention.DefaultPolicy())
	rng := rand.New(rand.NewPCG(4, 5))
	var last release.Assessment
	for k := range before + after {
		f := signal.Frame{At: start.Add(time.Duration(k) * time.Minute), Exposure: []signal.Exposure{{}}}
		usual, _ := everyDay{}.Level("", "", f.At)
		for _, c := range []signal.Cohort{signal.Control, signal.Canary} {
			of := 1.0
			if c == signal.Canary {
				if k < before {
					continue
				}
				f.Exposure[0], of = signal.Exposure{Weight: 0.5, Step: 1}, times
			}
			cpu := present(of*usual + 0.005*rng.NormFloat64())
			cpu.Instance = c.String()
			f.Cells = append(f.Cells,
				signal.Cell{Signal: 0, Cohort: c, Limit: 1, Readings: []signal.Reading{cpu}},
				signal.Cell{Signal: 1, Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{present(0.001)}})
		}
		if normal != nil {
			f = baseline.Fill(f, normal, names)
		}
		for _, a := range state.Step(f) {
			last = a
		}
	}
	return last
}

// TestDailyPeak: a processor that is twice as busy at night will not do at the
// hour at which it is three times as busy as at night. Memory of normal says
// when, within half an hour, and without it is an hour off; one and a half times as busy never meets it.
func TestDailyPeak(t *testing.T) {
	exhausts := func(a release.Assessment) *release.Prediction {
		for _, p := range a.Predictions {
			if p.Kind == "exhausts" || p.Kind == "daily-peak" {
				return &p
			}
		}
		return nil
	}
	p := exhausts(nightShift(everyDay{}, 2))
	if p == nil {
		t.Fatal("with memory: nothing is said to run out")
	}
	// Half of the limit is normal for the processor at 8 o'clock.
	want := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	if p.At.P10.After(want) || p.At.P90.Before(want) || p.At.P50.Sub(want).Abs() > 30*time.Minute || p.Probability < 0.5 {
		t.Errorf("with memory: at %v (%v to %v), probability %v; want 08:00", p.At.P50, p.At.P10, p.At.P90, p.Probability)
	}
	if p := exhausts(nightShift(nil, 2)); p != nil && p.At.P50.Sub(want).Abs() < time.Hour {
		t.Errorf("without memory: at %v; want it off by an hour, or nothing, else the test shows nothing", p.At.P50)
	}
	if p := exhausts(nightShift(everyDay{}, 1.5)); p != nil {
		t.Errorf("at most nine tenths of the limit at noon: %+v, want nothing", p)
	}
}

// flat remembers the same of every hour.
type flat struct{}

func (flat) Level(_, _ string, _ time.Time) (level, spread float64) { return 4, 0.1 }

// TestFlatDay: a day that never changes changes nothing, of a whole cohort's
// cores neither, which are put on their share of the traffic.
func TestFlatDay(t *testing.T) {
	play := func(normal baseline.Normal) *release.Prediction {
		sys := smallSystem(release.Safe)
		sys.Signals = []signal.Signal{perCohort("cpu", signal.CPU, "cores")}
		sys.Releases[0].Steps[0].Weight = 0.5
		names := baseline.Names{Services: []string{"cart"}, Signals: sys.Signals}
		state := release.New(sys, prevention.DefaultPolicy())
		rng := rand.New(rand.NewPCG(6, 7))
		var out *release.Prediction
		for k := -foldBegins; k < 60; k++ {
			f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
			cell := func(c signal.Cohort, v float64) {
				f.Cells = append(f.Cells, signal.Cell{Cohort: c, Limit: 10, Readings: []signal.Reading{present(v + 0.02*rng.NormFloat64())}})
			}
			if k < 0 {
				cell(signal.Control, 4)
			} else {
				f.Exposure[0] = signal.Exposure{Weight: 0.5, Step: 1}
				cell(signal.Control, 2)
				cell(signal.Canary, 2+0.02*float64(k))
			}
			if normal != nil {
				f = baseline.Fill(f, normal, names)
			}
			for _, a := range state.Step(f) {
				for _, p := range a.Predictions {
					if p.Kind == "exhausts" {
						out = &p
					}
				}
			}
		}
		return out
	}
	without, with := play(nil), play(flat{})
	if without == nil || with == nil || !without.At.P50.Equal(with.At.P50) || !without.At.P90.Equal(with.At.P90) {
		t.Errorf("with a memory in which every hour is alike: %+v, without one: %+v; want the same", with, without)
	}
}
