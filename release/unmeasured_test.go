package release

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/foreshock/foreshock/baseline"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
	"github.com/foreshock/foreshock/topology"
	"github.com/foreshock/foreshock/trend"
)

// A database is what is known of the database under the shop of a test.
type database struct {
	more     float64                                 // queries of the new version for each one of the old one, less 1
	use      bool                                    // its use is measured
	unit     string                                  // of its use; "" means a ratio
	kind     signal.Kind                             // the same; 0 means CPU
	limit    signal.Limit                            // the same
	requests bool                                    // what arrives is
	usual    func(time.Time) (level, spread float64) // of its median, from memory; nil for none
}

// Level makes it a memory of its median.
func (d database) Level(service, sig string, at time.Time) (level, spread float64) {
	if service != "db" || sig != "latency:p50" {
		return math.NaN(), math.NaN()
	}
	return d.usual(at)
}

// play plays a shop whose new version makes 1 + more queries to its database
// for each one of the old version, in steps to 10, 25 and 40 %, and returns
// what is said in the end. The database is one server, busy to 45 % by the old
// version, so that it is at 90 % by 1/more of the traffic; its median is that
// of M/M/1, ln 2·s/(1−ρ).
func (d database) play(t *testing.T) Assessment {
	t.Helper()
	const service, busy = 0.01, 0.45
	start := time.Date(2026, 4, 6, 9, 0, 0, 0, time.UTC)
	at := func(f int) time.Time { return start.Add(time.Duration(f) * time.Minute) }
	sig := func(name string, k signal.Kind, unit string) signal.Signal {
		return signal.Signal{Name: name, Kind: k, Unit: signal.ParseUnit(unit), Scope: signal.PerCohort}
	}
	sys := System{
		Interval: time.Minute, Services: []Service{{Name: "shop"}, {Name: "db"}}, Graph: topology.New(2, []topology.Edge{{From: 0, To: 1}}),
		Signals:  []signal.Signal{sig("requests", signal.Traffic, "requests/s"), sig("latency:p50", signal.Latency, "s"), sig("cpu", cmp.Or(d.kind, signal.CPU), cmp.Or(d.unit, "ratio"))},
		Releases: []Release{{ID: "r", Canary: "x", Control: "y", Rollback: Safe}},
	}
	sys.Signals[1].Quantile = 0.5
	model := simulate.System{Start: start, Interval: time.Minute, Frames: 90}
	var ro simulate.Rollout
	for k, f := range []int{30, 50, 70, 90} {
		w := []float64{0.1, 0.25, 0.4, 0.7}[k]
		ro.Steps = append(ro.Steps, simulate.Step{Frame: f, Weight: w})
		sys.Releases[0].Steps = append(sys.Releases[0].Steps, Step{At: at(f), CompletedAt: at(f), Weight: w})
	}
	model.Rollouts = []simulate.Rollout{ro}
	load := func(m simulate.Moment) float64 { return busy * (1 + d.more*ro.At(m.Frame+ro.Begin()).Weight) }
	whole := simulate.Series{Service: 1, Release: -1, Cohort: signal.Whole, Limit: signal.Limit{}}
	requests, median, use := whole, whole, whole
	requests.SD, requests.Effects = 0.01, []simulate.Effect{func(m simulate.Moment, v float64) float64 { return load(m) / service * (1 + v) }}
	median.Signal, median.SD = 1, 0.02
	median.Effects = []simulate.Effect{func(m simulate.Moment, v float64) float64 { return service * math.Ln2 / (1 - load(m)) * (1 + v) }}
	use.Signal, use.SD, use.Limit, use.Effects = 2, 0.01, d.limit, []simulate.Effect{func(m simulate.Moment, v float64) float64 { return load(m) + v }}
	model.Series = append(model.Series, simulate.Series{Signal: 0, Level: 40, SD: 0.3, Shared: true}.Between()...)
	model.Series = append(model.Series, simulate.Series{Signal: 1, Level: 0.1, SD: 0.001}.Between()...)
	model.Series = append(model.Series, median)
	if d.requests {
		model.Series = append(model.Series, requests)
	}
	if d.use {
		model.Series = append(model.Series, use)
	}
	s := New(sys, prevention.DefaultPolicy())
	var last []Assessment
	for f := range model.Play(3) {
		if d.usual != nil {
			f = baseline.Fill(f, d, baseline.Names{Services: []string{"shop", "db"}, Signals: sys.Signals})
		}
		last = s.Step(f)
	}
	if last == nil {
		t.Fatal("nothing was said")
	}
	return last[0]
}

func failsAt(a Assessment) []Prediction {
	var out []Prediction
	for _, p := range a.Predictions {
		if p.Kind == "fails-at" {
			out = append(out, p)
		}
	}
	return out
}

// TestUnmeasuredService: of a database that fills up and of which nothing tells
// how full it is, it is said where it does, by 1/1.5 = 67 % here, and nothing is
// held for it; where its use is measured, that is what is gone by; and a version
// that asks as much as the old one fills nothing up.
func TestUnmeasuredService(t *testing.T) {
	a := database{more: 1.5, requests: true}.play(t)
	ps := failsAt(a)
	if len(ps) != 1 || ps[0].Service != "db" || ps[0].Weight == nil || ps[0].Limit != nil || a.Verdict != "promote" {
		t.Fatalf("verdict %s, predictions %+v, want promote and one of db with a weight and no limit", a.Verdict, ps)
	}
	if w, want := ps[0].Weight, 100/1.5; float64(w.P10) > want || float64(w.P90) < want || math.Abs(float64(w.P50)-want) > 15 {
		t.Errorf("fails at %v (%v to %v), want %.0f", w.P50, w.P10, w.P90, want)
	}
	if want := regexp.MustCompile(`^db full at about \d+ % \(\d+ to \d+( %)?\) of the traffic, [>0-9]+ % likely by 100 %; by its requests and how long they take, as nothing measures how full it is$`); !want.MatchString(ps[0].Text) {
		t.Errorf("text %q, want %s", ps[0].Text, want)
	}
	for _, p := range failsAt(database{more: 1.5, requests: true, use: true}.play(t)) {
		if p.Signal != "cpu" || p.Limit == nil {
			t.Errorf("with its use measured: %+v, want what cpu says alone", p)
		}
	}
	one := signal.Limit{Set: true, Value: 1}
	for name, tt := range map[string]struct {
		use      database
		measured bool
	}{
		"processor time with a limit":    {database{unit: "cores", limit: one}, true},
		"connections with a limit":       {database{unit: "connections", kind: signal.Database, limit: one}, true},
		"a queue with a limit":           {database{unit: "items", kind: signal.Saturation, limit: one}, true},
		"processor time without a limit": {database{unit: "cores"}, false},
		"memory":                         {database{unit: "bytes", kind: signal.Memory, limit: one}, false},
	} {
		d := tt.use
		d.more, d.requests, d.use = 1.5, true, true
		ps := failsAt(d.play(t))
		if inferred := slices.ContainsFunc(ps, func(p Prediction) bool { return p.Inferred() }); inferred == tt.measured || len(ps) == 0 {
			t.Errorf("%s: %+v, want an inferred one: %v", name, ps, !tt.measured)
		}
	}
	if ps := failsAt(database{requests: true}.play(t)); len(ps) != 0 {
		t.Errorf("of a healthy version: %+v, want nothing", ps)
	}
}

// TestUnusual: of a wait without a limit it is said where it comes to three
// times what memory says is usual at this hour, and nothing is held for it. By
// hand: 1 − 0.45·(1 + 1.5·w) = 0.55/3 at w = 0.543. What differs from day to day
// by more than that has no such limit, nor has one of which memory knows nothing.
func TestUnusual(t *testing.T) {
	level := 0.01 * math.Ln2 / 0.55
	usual := func(spread float64) func(time.Time) (float64, float64) {
		return func(time.Time) (float64, float64) { return level, spread * level }
	}
	a := database{more: 1.5, usual: usual(0.1)}.play(t)
	ps := failsAt(a)
	if len(ps) != 1 || ps[0].Weight == nil || ps[0].Limit == nil || a.Verdict != "promote" {
		t.Fatalf("verdict %s, predictions %+v, want promote and one with a weight", a.Verdict, ps)
	}
	if w := ps[0].Weight; float64(w.P10) > 54.3 || float64(w.P90) < 54.3 || math.Abs(float64(*ps[0].Limit)-3*level) > 1e-9 {
		t.Errorf("fails at %v (%v to %v), limit %v, want 54.3 and %v", w.P50, w.P10, w.P90, *ps[0].Limit, 3*level)
	}
	if want := regexp.MustCompile(`^db latency p50 at its limit of 37.8 ms at about \d+ % .* likely by 100 %; nobody set that limit: it is 3 times the 12.6 ms that is usual at this hour, from memory$`); !want.MatchString(ps[0].Text) {
		t.Errorf("text %q, want %s", ps[0].Text, want)
	}
	for name, spread := range map[string]float64{"a level that differs much": 0.4, "nothing in memory": math.NaN()} {
		d := database{more: 1.5, usual: usual(spread)}
		if math.IsNaN(spread) {
			d.usual = nil
		}
		if ps := failsAt(d.play(t)); len(ps) != 0 {
			t.Errorf("%s: %+v, want nothing", name, ps)
		}
	}
}

// TestByWeight: a wait comes after what fills up at the same service where the
// two are one event, and by its median else; what is not known comes last.
func TestByWeight(t *testing.T) {
	s := New(System{
		Services: []Service{{Name: "shop"}, {Name: "db"}}, Graph: topology.New(2, nil),
		Signals: []signal.Signal{{Name: "cpu", Kind: signal.CPU, Unit: signal.ParseUnit("ratio")}, {Name: "p99", Kind: signal.Latency, Unit: signal.ParseUnit("s")}},
	}, prevention.DefaultPolicy())
	known := func(service, sig int, p10, p50, p90 float64) failure {
		return failure{service: service, signal: sig, Failure: trend.Failure{Why: trend.Known, P10: p10, P50: p50, P90: p90}}
	}
	unknown := failure{service: 1, signal: 1, Failure: trend.Failure{Why: trend.Weak, P50: math.NaN()}}
	cpu, early, strict, db := known(0, 0, 0.6, 0.7, 0.8), known(0, 1, 0.4, 0.5, 0.65), known(0, 1, 0.2, 0.3, 0.4), known(1, 0, 0.5, 0.55, 0.6)
	for name, tt := range map[string]struct{ in, want []failure }{
		"one event":          {[]failure{unknown, early, cpu}, []failure{cpu, early, unknown}},
		"a strict objective": {[]failure{cpu, strict}, []failure{strict, cpu}},
		"another service's":  {[]failure{early, db}, []failure{early, db}},
	} {
		got := append([]failure{}, tt.in...)
		s.byWeight(got)
		for k := range got {
			if got[k].service != tt.want[k].service || got[k].signal != tt.want[k].signal || got[k].Why != tt.want[k].Why {
				t.Errorf("%s: place %d has signal %d of service %d", name, k, got[k].signal, got[k].service)
			}
		}
	}
}
