package release

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
	"github.com/foreshock/foreshock/topology"
	"github.com/foreshock/foreshock/trend"
)

// TestLoads: the traffic at a release is that of both versions together, or of
// its service, or of the nearest caller; and not known where a part is
// missing.
func TestLoads(t *testing.T) {
	nan := math.NaN()
	rate := signal.Signal{Name: "traffic", Kind: signal.Traffic, Unit: signal.ParseUnit("requests/s")}
	s := New(System{
		Interval: time.Second, Services: []Service{{Name: "web"}, {Name: "edge"}, {Name: "cart"}, {Name: "far"}},
		Graph:    topology.New(4, []topology.Edge{{From: 1, To: 0}, {From: 0, To: 2}}),
		Signals:  []signal.Signal{rate, {Name: "pods", Kind: signal.Traffic, Unit: signal.ParseUnit("pods")}},
		Releases: []Release{{ID: "cart", Service: 2}},
	}, prevention.DefaultPolicy())
	cell := func(service, release int, c signal.Cohort, id int, values ...float64) signal.Cell {
		out := signal.Cell{Service: service, Release: release, Cohort: c, Signal: id}
		for i, v := range values {
			r := signal.Missing(signal.Stopped, fmt.Sprint(i))
			if !math.IsNaN(v) {
				r.Presence, r.Value = signal.Present, v
			}
			out.Readings = append(out.Readings, r)
		}
		return out
	}
	canary, control := cell(2, 0, signal.Canary, 0, 10), cell(2, 0, signal.Control, 0, 40, 50)
	tests := []struct {
		name   string
		weight float64
		cells  []signal.Cell
		want   float64
	}{
		{"nothing measured", 0.1, nil, nan},
		{"both versions", 0.1, []signal.Cell{canary, control}, 100},
		{"before it begins the new version need not report", 0, []signal.Cell{cell(2, 0, signal.Canary, 0, nan), control}, 90},
		{"nor the old one when it has gone", 1, []signal.Cell{canary, cell(2, 0, signal.Control, 0, nan)}, 10},
		{"a version that should report and does not", 0.1, []signal.Cell{canary, cell(2, 0, signal.Control, 0, nan, nan)}, nan},
		{"the whole service", 0.1, []signal.Cell{cell(2, -1, signal.Whole, 0, 120)}, 120},
		{"the nearest caller", 0.1, []signal.Cell{cell(0, -1, signal.Whole, 0, 300), cell(1, -1, signal.Whole, 0, 900), cell(3, -1, signal.Whole, 0, 1)}, 300},
		{"one that is no caller", 0.1, []signal.Cell{cell(3, -1, signal.Whole, 0, 1)}, nan},
		{"a number of pods is no traffic", 0.1, []signal.Cell{cell(2, -1, signal.Whole, 1, 4)}, nan},
	}
	for _, tt := range tests {
		got, _ := s.loads(signal.Frame{Exposure: []signal.Exposure{{Weight: tt.weight}}, Cells: tt.cells})
		if len(got) != 1 || got[0].rate != tt.want && !(math.IsNaN(got[0].rate) && math.IsNaN(tt.want)) {
			t.Errorf("%s: loads = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestRivalry: what speaks for one release speaks against the others, by
// e^x/(1 + Σ e^y), by hand; other signals and single cohorts stand alone.
func TestRivalry(t *testing.T) {
	of := func(service int, c signal.Cohort, evidence float64) failure {
		return failure{service: service, cohort: c, Failure: trend.Failure{Evidence: evidence}}
	}
	fs := [][]failure{
		{of(1, signal.Whole, 500), of(2, signal.Whole, 3), of(1, signal.Canary, 500)},
		{of(1, signal.Whole, 500)},
		{of(1, signal.Whole, 490)},
	}
	rivalry(fs)
	share := func(f failure) float64 { return 1 / (1 + math.Exp(-f.Evidence)) }
	small := math.Exp(-10)
	for _, tt := range []struct {
		f    failure
		want float64
	}{
		{fs[0][0], 1 / (2 + small)},
		{fs[1][0], 1 / (2 + small)},
		{fs[2][0], small / (2 + small)},
		{fs[0][1], 0.952574}, // 1/(1 + e⁻³)
		{fs[0][2], 1},
	} {
		if got := share(tt.f); math.Abs(got-tt.want) > 1e-6 {
			t.Errorf("share of service %d, %v = %v, want %v", tt.f.service, tt.f.cohort, got, tt.want)
		}
	}
}

// TestSteady: the same instances all the time, or nothing is said.
func TestSteady(t *testing.T) {
	tracked := func(pods ...int) *pattern.Track {
		tr := pattern.NewTrack(0)
		for f, n := range pods {
			c := signal.Cell{Limit: math.NaN()}
			for i := range n {
				r := signal.Missing(signal.Present, fmt.Sprint(i))
				r.Value, r.Age = 1, time.Hour
				c.Readings = append(c.Readings, r)
			}
			tr.Add(f, c, 1)
		}
		return tr
	}
	three, grown := slices.Repeat([]int{3}, 40), append(slices.Repeat([]int{2}, 20), slices.Repeat([]int{4}, 15)...)
	late := append([]int{2}, three...)
	tests := []struct {
		name          string
		before, since *pattern.Track
		want          bool
	}{
		{"three", nil, tracked(three...), true},
		{"three before, and since", tracked(three...), tracked(three...), true},
		{"one came a frame late", tracked(three...), tracked(late...), true},
		{"two, then four", nil, tracked(grown...), false},
		{"two before, three since", tracked(2, 2, 2), tracked(three...), false},
		{"none", nil, pattern.NewTrack(0), false},
	}
	for _, tt := range tests {
		if got := steady(tt.before, tt.since); got != tt.want {
			t.Errorf("%s: steady = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A quota is a system of one shop whose cores are limited, with one or two
// releases that step by frames of a minute.
type quota struct {
	steps  [][]int // frames of the steps of each release, to 10, 25 and 40 %, and then all
	use    func(weights []float64) float64
	cost   float64 // of a request on the new version; 0 when cores are not measured by version
	frames int
}

// play returns the assessments of the last frame.
func (q quota) play(t *testing.T) []Assessment {
	t.Helper()
	start := time.Date(2026, 4, 6, 9, 0, 0, 0, time.UTC)
	at := func(f int) time.Time { return start.Add(time.Duration(f) * time.Minute) }
	sys := System{
		Interval: time.Minute, Services: []Service{{Name: "shop"}}, Graph: topology.New(1, nil),
		Signals: []signal.Signal{{Name: "quota", Kind: signal.CPU, Unit: signal.ParseUnit("cores"), Scope: signal.PerService}, {Name: "cpu", Kind: signal.CPU, Unit: signal.ParseUnit("cores"), Scope: signal.PerCohort}, {Name: "latency", Kind: signal.Latency, Scope: signal.PerCohort, Unit: signal.ParseUnit("s")}},
	}
	model := simulate.System{Start: start, Interval: time.Minute, Frames: q.frames}
	for i, frames := range q.steps {
		r, ro := Release{ID: fmt.Sprint("r", i), Canary: "x", Control: "y", Rollback: Safe}, simulate.Rollout{}
		for k, f := range frames {
			w := []float64{0.1, 0.25, 0.4, 1}[k]
			r.Steps = append(r.Steps, Step{At: at(f), CompletedAt: at(f), Weight: w})
			ro.Steps = append(ro.Steps, simulate.Step{Frame: f, Weight: w})
		}
		sys.Releases, model.Rollouts = append(sys.Releases, r), append(model.Rollouts, ro)
		model.Series = append(model.Series, simulate.Series{Release: i, Signal: 2, Level: 0.1, SD: 0.001}.Between()...)
		if q.cost > 0 {
			x := simulate.Series{Release: i, Signal: 1, Level: 4, SD: 0.1, Shared: true}
			model.Series = append(model.Series, x.Between(simulate.Scale(q.cost))...)
		}
	}
	first := model.Rollouts[0].Begin()
	uses := func(m simulate.Moment, v float64) float64 {
		var ws []float64
		for _, ro := range model.Rollouts {
			ws = append(ws, ro.At(m.Frame+first).Weight)
		}
		return v + q.use(ws)
	}
	model.Series = append(model.Series, simulate.Series{
		Release: -1, Cohort: signal.Whole, SD: 0.1, Limit: signal.Limit{Set: true, Value: 8}, Effects: []simulate.Effect{uses},
	})
	s := New(sys, prevention.DefaultPolicy())
	var last []Assessment
	for f := range model.Play(2) {
		last = s.Step(f)
	}
	return last
}

// where returns the prediction of where the quota is met.
func where(a Assessment) *Quantiles {
	for _, p := range a.Predictions {
		if p.Kind == "fails-at" && p.Signal == "quota" {
			return p.Weight
		}
	}
	return nil
}

// TestCost: what a request costs by version tells at 10 % where the cores of
// the service run out. By hand: 4·(1 + 1.5·w) = 8 at w = 2/3.
func TestCost(t *testing.T) {
	q := quota{steps: [][]int{{60, 75, 90, 105}}, use: func(ws []float64) float64 { return 4 * (1 + 1.5*ws[0]) }, frames: 75}
	if w := where(q.play(t)[0]); w != nil {
		t.Errorf("without the cost the quota is met at %+v, want nothing said at 10 %%", *w)
	}
	q.cost = 2.5
	a := q.play(t)[0]
	if w := where(a); w == nil || !(w.P10 <= 66.7 && w.P90 >= 66.7) || w.P90-w.P10 > 25 {
		t.Errorf("the quota is met at %+v, want 66.7 within 25 points: %+v", w, a.Predictions)
	}
}

// TestRivalReleases: of two releases that step apart, the one is told that
// drives the use; of two that step together, neither is let off.
func TestRivalReleases(t *testing.T) {
	apart := quota{
		steps: [][]int{{60, 85, 110, 150}, {70, 95, 120, 150}}, frames: 140,
		use: func(ws []float64) float64 { return 3 + 7*ws[0] },
	}
	as := apart.play(t)
	if w := where(as[0]); w == nil || !(w.P10 <= 71.5 && w.P90 >= 71.3) || as[0].Verdict != "hold" || as[0].Reason != "suspect" {
		t.Errorf("the one that drives it: %s, met at %+v, want hold and 71.4 in the interval", as[0].Verdict, w)
	}
	if w := where(as[1]); w != nil {
		t.Errorf("the other: met at %+v, want nothing", *w)
	}
	together := apart
	together.steps = [][]int{{60, 85, 110, 150}, {60, 85, 110, 150}}
	for i, a := range together.play(t) {
		p := a.Predictions
		if len(p) != 1 || p[0].Kind != "fails-at" || p[0].NextStep == nil || math.Abs(float64(*p[0].NextStep)-0.5) > 0.05 || a.Verdict != "hold" {
			t.Errorf("release %d of two alike: %s, %+v, want hold, with half of the blame for the next step", i, a.Verdict, p)
		}
	}
}
