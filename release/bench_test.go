package release

import (
	"slices"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
	"github.com/foreshock/foreshock/topology"
)

// benchSignals is how many signals the release of the benchmarks has, on two
// cohorts each.
const benchSignals = 50

// benchWorld returns a release of 50 gauges, some of them counted ratios, in
// its given age, and the frames that follow. Ten of them may have a limit, and
// may be moved towards it by the new version.
func benchWorld(tb testing.TB, age int, limit signal.Limit, effects ...simulate.Effect) (*State, []signal.Frame) {
	tb.Helper()
	const before, after = 60, 512
	start := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	sys := System{
		Interval: time.Minute, Services: []Service{{Name: "cart", Criticality: 1}}, Graph: topology.New(1, nil),
		Releases: []Release{{ID: "cart", Strategy: CanaryRelease, Canary: "x", Control: "y", Steps: []Step{{At: start.Add(before * time.Minute), Weight: 0.2}}}},
	}
	model := simulate.System{
		Start: start, Interval: time.Minute, Frames: before + age + after,
		Rollouts: []simulate.Rollout{{Steps: []simulate.Step{{Frame: before, Weight: 0.2}}}},
	}
	kinds := []signal.Kind{signal.Latency, signal.CPU, signal.Memory, signal.Errors, signal.Saturation}
	for i := range benchSignals {
		k := kinds[i%len(kinds)]
		sys.Signals = append(sys.Signals, signal.Signal{Name: k.String(), Kind: k, Unit: signal.ParseUnit(""), Scope: signal.PerCohort})
		x := simulate.Series{Signal: i, Level: 100, SD: 5}
		if k == signal.Errors {
			x = simulate.Series{Signal: i, Level: 0.001, Rate: 50, Window: 4}
		}
		if k == signal.Saturation {
			x.Limit = limit
			x.Effects = effects
		}
		model.Series = append(model.Series, x.Between()...)
	}
	frames := slices.Collect(model.Play(1))
	s := New(sys, prevention.DefaultPolicy())
	for _, f := range frames[:before+age] {
		// Only its memory is wanted: judging every frame on the way would take
		// a minute.
		s.observe(f)
		s.mem.Frame++
	}
	return s, frames[before+age:]
}

// BenchmarkStep is one frame of one release with 50 signals on two cohorts,
// young and old: the work must not grow with age. p50 and p99 are of single
// steps.
func BenchmarkStep(b *testing.B) {
	limit := signal.Limit{Set: true, Value: 400}
	for _, bm := range []struct {
		name    string
		age     int
		limit   signal.Limit
		effects []simulate.Effect
	}{
		{name: "age=100", age: 100},
		{name: "age=10000", age: 10_000},
		{name: "limits=20", age: 100, limit: limit},
		{name: "limits=20,met", age: 100, limit: limit, effects: []simulate.Effect{simulate.Shift(100)}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			s, frames := benchWorld(b, bm.age, bm.limit, bm.effects...)
			var times []time.Duration
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f := later(frames, i)
				began := time.Now()
				s.Step(f)
				times = append(times, time.Since(began))
				i++
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2]), "p50-ns")
			b.ReportMetric(float64(times[len(times)*99/100]), "p99-ns")
		})
	}
}

// later returns frame i of frames played over and over.
func later(frames []signal.Frame, i int) signal.Frame {
	f := frames[i%len(frames)]
	f.At = f.At.Add(time.Duration(i/len(frames)*len(frames)) * time.Minute)
	return f
}

// BenchmarkObserve is the accumulators alone: what one frame costs where
// nothing is judged.
func BenchmarkObserve(b *testing.B) {
	s, frames := benchWorld(b, 100, signal.Limit{})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.observe(later(frames, i))
		s.mem.Frame++
		i++
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/(2*benchSignals), "ns/series")
}

// BenchmarkState is saving and loading, with the size of a series.
func BenchmarkState(b *testing.B) {
	s, _ := benchWorld(b, 10_000, signal.Limit{})
	var data []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if data, err = s.MarshalBinary(); err != nil {
			b.Fatal(err)
		}
		if _, err = Load(s.sys, s.policy, data); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(data))/(2*benchSignals), "B/series")
}
