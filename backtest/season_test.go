package backtest_test

import (
	"fmt"
	"iter"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/foreshock/foreshock/baseline"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
)

// A season is a service whose load follows the day and the week, in frames of
// a minute.
var seasonStart = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // a Monday

// seasonLoad is 1 on the average of a weekday: it peaks at 14:00 and is at a
// third of that at 02:00; weekends have three quarters of it.
func seasonLoad(at time.Time) float64 {
	h := math.Mod(at.Sub(seasonStart).Hours(), 168)
	weekend := 1 / (1 + math.Exp(-(h-120)/2)) / (1 + math.Exp((h-168)/2))
	return (1 + 0.5*math.Cos(2*math.Pi*(h-14)/24)) * (1 - 0.25*weekend)
}

// seasonal multiplies a value by 1 + share·(load − 1), as of a frame 0 at from.
func seasonal(from time.Time, interval time.Duration, share float64) simulate.Effect {
	return func(m simulate.Moment, v float64) float64 {
		return v * (1 + share*(seasonLoad(from.Add(time.Duration(m.Frame)*interval))-1))
	}
}

// seasonSignals are those of the service, in the order of their series.
var seasonSignals = []signal.Signal{
	{Name: "latency", Family: "latency", Kind: signal.Latency, Unit: signal.ParseUnit("s")},
	{Name: "errors", Family: "errors", Kind: signal.Errors, Unit: signal.ParseUnit("ratio"), Window: 4},
	{Name: "cpu", Family: "cpu", Kind: signal.CPU, Unit: signal.ParseUnit("cores")},
	{Name: "memory", Family: "memory", Kind: signal.Memory, Unit: signal.ParseUnit("MB")},
	{Name: "traffic", Family: "traffic", Kind: signal.Traffic, Unit: signal.ParseUnit("requests/s")},
}

var seasonNames = baseline.Names{Services: []string{"shop"}, Signals: seasonSignals}

// seasonModel plays the whole service from an instant on. Drift is that of
// hours, as a share of the level: the same hour differs so much from day to day.
func seasonModel(from time.Time, frames int, drift float64, latency ...simulate.Effect) simulate.System {
	whole := func(id int, level, share float64, effects ...simulate.Effect) simulate.Series {
		return simulate.Series{
			Signal: id, Release: -1, Cohort: signal.Whole, Level: level, SD: drift * level, Rho: math.Exp(-1.0 / 120), Jitter: 0.03 * level,
			Effects: append([]simulate.Effect{seasonal(from, time.Minute, share)}, effects...),
		}
	}
	return simulate.System{
		Start: from, Interval: time.Minute, Frames: frames,
		Series: []simulate.Series{
			whole(0, 0.1, 0.6, latency...),
			{Signal: 1, Release: -1, Cohort: signal.Whole, Level: 0.001, Rate: 50, Window: 4, Load: seasonal(from, time.Minute, 1)},
			whole(2, 4, 0.9), whole(3, 500e6, 0.05), whole(4, 50, 1),
		},
	}
}

// learnedWeek is what is normal after the week before seasonStart.
func learnedWeek(seed uint64, drift float64) *baseline.Memory {
	m := baseline.New(baseline.Options{})
	l := baseline.NewLearner(m, seasonNames, time.Minute)
	from := seasonStart.Add(-7 * 24 * time.Hour)
	for f := range seasonModel(from, 7*24*60+76, drift).Play(seed) {
		l.Add(f, true)
	}
	return m
}

// recreate plays a release without a control: all of the service is the new
// version from the first step on, after so many frames of the old one.
func recreate(model simulate.System, before int, seed uint64) (release.System, iter.Seq[signal.Frame]) {
	at := model.Start.Add(time.Duration(before) * time.Minute)
	sys := release.System{
		Interval: time.Minute, Signals: seasonSignals, Services: []release.Service{{Name: "shop", Selector: "x", Criticality: 1}},
		Releases: []release.Release{{
			ID: "shop", From: "1", To: "2", Strategy: release.Recreate, Rollback: release.Safe, Canary: `version="2"`,
			Steps: []release.Step{{At: at, CompletedAt: at, Weight: 1}},
		}},
	}
	return sys, func(yield func(signal.Frame) bool) {
		frame := -before
		for f := range model.Play(seed) {
			f.Exposure = []signal.Exposure{{}}
			if frame >= 0 {
				f.Exposure[0] = signal.Exposure{Weight: 1, Step: 1}
				for _, c := range f.Cells {
					c.Release, c.Cohort = 0, signal.Canary
					c.Readings = append([]signal.Reading{}, c.Readings...)
					c.Readings[0].Age = time.Duration(frame) * time.Minute
					f.Cells = append(f.Cells, c)
				}
			}
			if frame++; !yield(f) {
				return
			}
		}
	}
}

// A seasonCase is a release without a control at an hour of a Tuesday.
type seasonCase struct {
	name          string
	hour          float64
	before, after int
	latency       float64 // the new version's, of what it should be
	must          []must  // with memory
}

func (c seasonCase) run(seed uint64, drift float64, m *baseline.Memory) outcome {
	from := seasonStart.Add(24*time.Hour + time.Duration(c.hour*float64(time.Hour)) - time.Duration(c.before)*time.Minute)
	sys, frames := recreate(seasonModel(from, c.before+c.after, drift, simulate.Burst(c.before, simulate.Forever, c.latency)), c.before, seed)
	state, o, frame := release.New(sys, prevention.DefaultPolicy()), outcome{}, 0
	for f := range frames {
		if m != nil {
			f = baseline.Fill(f, m, seasonNames)
		}
		for _, a := range state.Step(f) {
			o.observe(frame, a)
			frame++
		}
	}
	return o
}

// seasonCases are releases on a Tuesday: what must be said with memory, and
// what is measured without.
func seasonCases() []seasonCase {
	healthy := []must{atMost(0.01, "warned", warned), atLeast(0.95, "promoted", ends("promote"))}
	harmful := []must{atLeast(0.9, "warned", warned)}
	return []seasonCase{
		{"healthy, in the morning's rise", 8, 60, 120, 1, healthy},
		{"healthy, at the peak", 13.5, 60, 60, 1, healthy},
		{"healthy, at night", 2, 60, 60, 1, healthy},
		{"healthy, in the rise, three minutes before", 8, 3, 60, 1, healthy},
		{"latency +20 %, in the rise", 8, 60, 120, 1.2, harmful},
		{"latency +20 %, in the evening's fall", 19, 60, 120, 1.2, harmful},
		{"latency +20 %, at night", 2, 60, 60, 1.2, harmful},
		{"latency +20 %, at night, three minutes before", 2, 3, 60, 1.2, nil},
	}
}

// TestSeason plays releases without a control, with the memory of one week
// and without any: the morning's rise is no news to who remembers, and what is
// as large at another hour is. The rates in docs/method/baseline.md are those
// of -truth 400.
func TestSeason(t *testing.T) {
	n, drifts := *truthN, []float64{0.01, 0.03}
	if n == 0 {
		n, drifts = 10, drifts[1:]
	}
	for _, drift := range drifts {
		cases := seasonCases()
		outcomes := make([][2][]outcome, len(cases)) // by case, without memory and with it
		for i := range outcomes {
			outcomes[i] = [2][]outcome{make([]outcome, n), make([]outcome, n)}
		}
		var next atomic.Int64
		var wg sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			wg.Go(func() {
				for k := int(next.Add(1)) - 1; k < n; k = int(next.Add(1)) - 1 {
					m := learnedWeek(uint64(k)+1, drift)
					for i, c := range cases {
						outcomes[i][0][k] = c.run(uint64(1000+k), drift, nil)
						outcomes[i][1][k] = c.run(uint64(1000+k), drift, m)
					}
				}
			})
		}
		wg.Wait()
		for i, c := range cases {
			text := fmt.Sprintf("drift %.0f %%, %-46s", 100*drift, c.name)
			for with, os := range outcomes[i] {
				_, w := rate(os, warned)
				_, r := rate(os, rolledBack)
				_, p := rate(os, ends("promote"))
				text += fmt.Sprintf(" %s: warned %d, rolled back %d, promoted %d of %d;", []string{"without", "with"}[with], w, r, p, n)
			}
			t.Log(text)
			for _, m := range c.must {
				if _, k := rate(outcomes[i][1], m.of); m.broken(k, n, 0.023) {
					t.Errorf("%s, drift %v: %s in %d of %d with memory; want %v to %v", c.name, drift, m.what, k, n, m.min, m.max)
				}
			}
		}
		if _, k := rate(outcomes[0][0], warned); 10*k < n {
			t.Errorf("%s, without memory: warned in %d of %d; the test shows nothing", cases[0].name, k, n)
		}
	}
}
