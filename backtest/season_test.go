package backtest_test

import (
	"fmt"
	"iter"
	"math"
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

// seasonModel plays the whole service from an instant on. Slow is the drift of
// hours as a share of the level: the same hour differs so much from day to day.
func seasonModel(from time.Time, frames int, slow float64, latency ...simulate.Effect) simulate.System {
	whole := func(id int, level, share float64, effects ...simulate.Effect) simulate.Series {
		return simulate.Series{
			Signal: id, Release: -1, Cohort: signal.Whole, Level: level, SD: slow * level, Rho: math.Exp(-1.0 / 120), Jitter: 0.03 * level,
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
func learnedWeek(seed uint64, slow float64) *baseline.Memory {
	m := baseline.New(baseline.Options{})
	l := baseline.NewLearner(m, seasonNames, time.Minute)
	from := seasonStart.Add(-7 * 24 * time.Hour)
	for f := range seasonModel(from, 7*24*60+76, slow).Play(seed) {
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
}

func (c seasonCase) run(seed uint64, slow float64, m *baseline.Memory) outcome {
	from := seasonStart.Add(24*time.Hour + time.Duration(c.hour*float64(time.Hour)) - time.Duration(c.before)*time.Minute)
	sys, frames := recreate(seasonModel(from, c.before+c.after, slow, simulate.Burst(c.before, simulate.Forever, c.latency)), c.before, seed)
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

func TestSeason(t *testing.T) {
	const n = 100
	cases := []seasonCase{
		{"healthy, at the morning's rise", 8, 60, 120, 1},
		{"healthy, at night", 2, 60, 60, 1},
		{"healthy, at the peak", 13.5, 60, 60, 1},
		{"healthy, little seen before", 8, 3, 60, 1},
		{"latency +20 % at night", 2, 60, 60, 1.2},
		{"latency +20 % at night, little seen before", 2, 3, 60, 1.2},
		{"latency +20 % at the rise", 8, 60, 120, 1.2},
		{"latency +20 % in the evening's fall", 19, 60, 120, 1.2},
		{"latency +50 % at night", 2, 60, 60, 1.5},
	}
	for _, slow := range []float64{0.01, 0.03} {
		text := ""
		for _, c := range cases {
			var k [2][3]int
			for seed := range uint64(n) {
				for with, m := range []*baseline.Memory{nil, learnedWeek(seed+1, slow)} {
					o := c.run(1000+seed, slow, m)
					for i, yes := range []bool{o.warned, o.rolledBack, o.verdict == "promote"} {
						if yes {
							k[with][i]++
						}
					}
				}
			}
			text += fmt.Sprintf("%-45s without: warned %3d rolled back %3d promoted %3d; with: %3d %3d %3d\n", c.name, k[0][0], k[0][1], k[0][2], k[1][0], k[1][1], k[1][2])
		}
		t.Logf("slow %v, of %d\n%s", slow, n, text)
	}
}
