package backtest_test

import (
	"flag"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/foreshock/foreshock/baseline"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
)

var longDays = flag.Int("days", 1, "days that TestLongRun plays")

const longInterval = 15 * time.Second

// longSignals are ten signals of a service, in the order of their series.
var longSignals = []signal.Signal{
	{Name: "latency:p50", Kind: signal.Latency, Unit: signal.ParseUnit("s")},
	{Name: "latency:p99", Kind: signal.Latency, Unit: signal.ParseUnit("s")},
	{Name: "errors", Kind: signal.Errors, Unit: signal.ParseUnit("ratio"), Window: 4},
	{Name: "traffic", Kind: signal.Traffic, Unit: signal.ParseUnit("requests/s")},
	{Name: "cpu", Kind: signal.CPU, Unit: signal.ParseUnit("cores")},
	{Name: "memory", Kind: signal.Memory, Unit: signal.ParseUnit("MB")},
	{Name: "connections", Kind: signal.Database, Unit: signal.ParseUnit("connections")},
	{Name: "network", Kind: signal.Network, Unit: signal.ParseUnit("B/s")},
	{Name: "cache", Kind: signal.Cache, Unit: signal.ParseUnit("ratio"), Worse: signal.Down},
	{Name: "saturation", Kind: signal.Saturation, Unit: signal.ParseUnit("ratio")},
}

// longHour is when the release of a day begins: never twice in a row at the
// same hour.
func longHour(day int) float64 { return 9 + float64(day*3%8) }

// longDay is one day of a service with a healthy canary release: 10, 25, 50
// and 100 % of the traffic, half an hour each. Where pods start cold
// their latency is up to twice as long, which halves every two minutes. When
// all traffic has gone over, the old pods stop.
func longDay(day int, cold bool) (release.System, simulate.System) {
	from := seasonStart.Add(time.Duration(day) * 24 * time.Hour)
	at := func(h float64) time.Time { return from.Add(time.Duration(h * float64(time.Hour))) }
	frame := func(h float64) int { return int(at(h).Sub(from) / longInterval) }
	sys := release.System{
		Interval: longInterval, Signals: longSignals, Services: []release.Service{{Name: "shop", Selector: "x", Criticality: 1}},
		Releases: []release.Release{{
			ID: fmt.Sprintf("day-%d", day+1), From: "1", To: "2", Strategy: release.CanaryRelease, Rollback: release.Safe,
			Canary: `version="2"`, Control: `version="1"`,
		}},
	}
	var rollout simulate.Rollout
	for i, weight := range []float64{0.1, 0.25, 0.5, 1} {
		h := longHour(day) + float64(i)/2
		sys.Releases[0].Steps = append(sys.Releases[0].Steps, release.Step{At: at(h), CompletedAt: at(h + 1.0/60), Weight: weight})
		rollout.Steps = append(rollout.Steps, simulate.Step{Frame: frame(h), Frames: 4, Weight: weight})
	}
	begin, frames, warmth := frame(longHour(day)), int(24*time.Hour/longInterval), 0.0
	if cold {
		warmth = 1
	}
	season := func(share float64) simulate.Effect {
		return seasonal(from.Add(time.Duration(begin)*longInterval), longInterval, share)
	}
	stops := func(m simulate.Moment, v float64) float64 {
		if m.Frame >= frame(longHour(day)+1.5)+8-begin {
			return math.Inf(-1)
		}
		return v
	}
	model := simulate.System{Start: from, Interval: longInterval, Frames: frames, Rollouts: []simulate.Rollout{rollout}}
	add := func(id int, x simulate.Series, share, extra float64) {
		x.Signal, x.Effects = id, []simulate.Effect{season(share)}
		pair := x.Between(simulate.Warmup(warmth*extra, 8))
		pair[0].Effects = append(pair[0].Effects, stops)
		model.Series = append(model.Series, pair...)
	}
	// Half of the noise of gauges wavers over minutes, half from frame to frame.
	gauge := func(level, noise float64, pods int) simulate.Series {
		return simulate.Series{Level: level, SD: noise * level, Rho: 0.9, Jitter: noise * level, Instances: pods, Apart: 0.02 * level}
	}
	add(0, gauge(0.05, 0.02, 3), 0.4, 0.5)
	add(1, gauge(0.4, 0.05, 3), 0.6, 1)
	add(2, simulate.Series{Level: 0.001, Rate: 60, Window: 4, Load: season(1)}, 0, 0)
	traffic := gauge(60, 0.02, 0)
	traffic.Shared = true
	add(3, traffic, 1, 0)
	cpu := gauge(6, 0.02, 0)
	cpu.Shared = true
	add(4, cpu, 0.9, 0.3)
	add(5, gauge(500e6, 0.01, 3), 0.05, 0)
	add(6, gauge(20, 0.03, 3), 0.7, 0)
	network := gauge(5e6, 0.03, 0)
	network.Shared = true
	add(7, network, 1, 0)
	add(8, gauge(0.9, 0.01, 3), 0, -0.2)
	add(9, gauge(0.4, 0.02, 3), 0.9, 0.2)
	return sys, model
}

// said is what was said of releases in some frames.
type said struct{ Frames, Warned, RolledBack, Held, Unknown, Promoted int }

func (x *said) add(a release.Assessment) {
	x.Frames++
	if a.Warns() {
		x.Warned++
	}
	switch a.Verdict {
	case "rollback":
		x.RolledBack++
	case "hold", "escalate":
		x.Held++
	case "unknown":
		x.Unknown++
	default:
		x.Promoted++
	}
}

// A longFold is one way to fold the days: a state a day, that saw so much of
// it before the release.
type longFold struct {
	name           string
	before         time.Duration // 0 means from midnight on
	cold, remember bool
	during         said // until all traffic has gone over, and half an hour more
	after          said // until midnight
}

func (x *longFold) day(t *testing.T, day int, memory *baseline.Memory, learner *baseline.Learner) {
	sys, model := longDay(day, x.cold)
	names := baseline.Names{Services: []string{"shop"}, Signals: longSignals}
	s, steps, last := release.New(sys, prevention.DefaultPolicy()), sys.Releases[0].Steps, ""
	for f := range model.Play(uint64(day) + 1) {
		calm := true
		if x.before == 0 || !f.At.Before(steps[0].At.Add(-x.before)) {
			if x.remember {
				f = baseline.Fill(f, memory, names)
			}
			for _, a := range s.Step(f) {
				calm = calm && a.Calm()
				if f.At.Before(steps[3].At.Add(30 * time.Minute)) {
					x.during.add(a)
				} else {
					x.after.add(a)
				}
				if a.Warns() && a.Verdict+a.Reason != last {
					t.Logf("%s, %s: %s", x.name, f.At.Format("Mon 02 15:04:05"), a.Sentence)
				}
				last = a.Verdict + a.Reason
			}
		}
		if learner != nil {
			learner.Add(f, calm)
		}
	}
}

// TestLongRun plays healthy days with a healthy release each. Warm releases
// must not be rolled back, and hardly ever warned of. Cold ones are measured;
// what is said of them is in docs/method/baseline.md.
func TestLongRun(t *testing.T) {
	folds := []*longFold{
		{name: "warm, an hour before", before: time.Hour},
		{name: "warm, an hour before, memory", before: time.Hour, remember: true},
		{name: "warm, from midnight"},
		{name: "warm, from midnight, memory", remember: true},
		{name: "cold, an hour before", before: time.Hour, cold: true},
	}
	memory := baseline.New(baseline.Options{})
	learner := baseline.NewLearner(memory, baseline.Names{Services: []string{"shop"}, Signals: longSignals}, longInterval)
	for day := range *longDays {
		for i, x := range folds {
			l := learner
			if i > 0 {
				l = nil
			}
			x.day(t, day, memory, l)
		}
	}
	frames := *longDays * int(24*time.Hour/longInterval)
	for _, x := range folds {
		t.Logf("%-28s of %d frames: during %+v, after %+v", x.name, frames, x.during, x.after)
		if warned := x.during.Warned + x.after.Warned; !x.cold && (x.during.RolledBack+x.after.RolledBack > 0 || 1000*warned > frames) {
			t.Errorf("%s: %d of %d frames warn, %d roll back; want at most one in a thousand, and none", x.name, warned, frames, x.during.RolledBack+x.after.RolledBack)
		}
	}
	t.Logf("learned %.0f hours", learner.Hours())
}
