package backtest

import (
	"math"
	"testing"
	"time"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// mark is an instant of a made recording, in minutes since its start.
func mark(m float64) time.Time { return begin.Add(time.Duration(m * float64(time.Minute))) }

// rollout is a system with a release in steps of some weights, one every ten
// minutes from minute 10 on.
func rollout(weights ...float64) release.System {
	var steps []release.Step
	for k, w := range weights {
		steps = append(steps, release.Step{At: mark(10 * float64(k+1)), CompletedAt: mark(10 * float64(k+1)), Weight: w})
	}
	limited := signal.Signal{Name: "memory", Kind: signal.Memory}
	return release.System{
		Interval: time.Minute, Services: []release.Service{{Name: "cart"}}, Signals: []signal.Signal{limited, {Name: "errors", Kind: signal.Errors}},
		Releases: []release.Release{{ID: "cart", Steps: steps}},
	}
}

func nan() release.Number { return release.Number(math.NaN()) }

// said is an assessment of cart at a minute.
func said(m float64, p ...release.Prediction) release.Assessment {
	return release.Assessment{ID: "cart", At: mark(m), Harm: nan(), NextStep: &release.NextStep{}, Predictions: p}
}

func failsAt(probability, p10, p50, p90 release.Number) release.Prediction {
	return release.Prediction{Kind: FailsAt, Probability: probability, Weight: &release.Quantiles{P10: p10, P50: p50, P90: p90}}
}

func byKind(s Score, kind string) *Kept {
	for i, k := range s.Predictions {
		if k.Kind == kind {
			return &s.Predictions[i]
		}
	}
	return nil
}

// is writes a truth value that may be missing.
func is(b *bool) string {
	if b == nil {
		return "unknown"
	}
	return map[bool]string{true: "yes", false: "no"}[*b]
}

func TestFailsBetween(t *testing.T) {
	tests := []struct {
		weights  []float64
		failsAt  float64
		from, to float64
	}{
		{[]float64{0.1, 0.25, 0.5, 0.75}, 0.75, 50, 75},
		{[]float64{0.1, 0.25, 0.5, 0.75}, 0.1, 0, 10},
		{[]float64{0.25, 0.5}, 0.6, 60, 60}, // known by other means
		{[]float64{0.25, 0.5}, 0.3, 30, 30},
	}
	for _, tt := range tests {
		from, to := failsBetween(rollout(tt.weights...).Releases[0].Steps, tt.failsAt)
		if math.Abs(from-tt.from)+math.Abs(to-tt.to) > 1e-9 {
			t.Errorf("failsBetween(%v, %v) = %v, %v, want %v, %v", tt.weights, tt.failsAt, from, to, tt.from, tt.to)
		}
	}
}

// TestRecordFailsAt holds what counts as right of where a release fails.
func TestRecordFailsAt(t *testing.T) {
	counted := &Requests{Start: begin, Interval: time.Minute}
	bad := Truth{Faulty: []string{"cart"}, FailsAt: 0.75, Requests: counted}
	never := Truth{Faulty: []string{"cart"}, FailsAt: math.NaN(), Requests: counted}
	healthy := Truth{FailsAt: math.NaN()}
	tests := []struct {
		name        string
		truth       Truth
		weights     []float64
		p           release.Prediction
		came, right string
		miss        float64 // NaN when there is none to tell
	}{
		{"said 54.5, held at 50 and failed at 75", bad, []float64{0.25, 0.5, 0.75}, failsAt(0.9, 43.5, 54.5, 66.2), "yes", "yes", 0},
		{"said too early", bad, []float64{0.25, 0.5, 0.75}, failsAt(0.9, 20, 30, 50), "yes", "no", 20},
		{"said too late", bad, []float64{0.25, 0.5, 0.75}, failsAt(0.9, 76, 90, 120), "yes", "no", 15},
		{"a healthy one, said to fail at 60", healthy, []float64{0.25, 1}, failsAt(0.3, 40, 60, 110), "no", "no", math.NaN()},
		{"a healthy one, said to fail beyond all of the traffic", healthy, []float64{0.25, 1}, failsAt(0.3, 90, 120, 180), "no", "yes", math.NaN()},
		{"a healthy one that went to a half, said to fail above", healthy, []float64{0.25, 0.5}, failsAt(0.3, 40, 60, 80), "unknown", "unknown", math.NaN()},
		{"a healthy one that went to a half, said to fail below", healthy, []float64{0.25, 0.5}, failsAt(0.3, 20, 30, 40), "no", "no", math.NaN()},
		{"a faulty one that never failed", never, []float64{0.25, 1}, failsAt(0.6, 40, 60, 80), "no", "no", math.NaN()},
		{"nobody says", Truth{Faulty: []string{"cart"}, FailsAt: math.NaN()}, []float64{0.25, 1}, failsAt(0.6, 40, 60, 80), "unknown", "unknown", math.NaN()},
	}
	for _, tt := range tests {
		j := NewJudge("r", rollout(tt.weights...), tt.truth)
		j.Add(said(15, tt.p))
		j.Add(said(60))
		s := j.Score(release.Summary{})
		for _, kind := range []string{FailsAt, FailsAtFirst} {
			k := byKind(s, kind)
			if k == nil {
				t.Fatalf("%s: no %s is kept", tt.name, kind)
			}
			if is(k.Came) != tt.came || is(k.Right) != tt.right {
				t.Errorf("%s: %s came %s, right %s, want %s, %s", tt.name, kind, is(k.Came), is(k.Right), tt.came, tt.right)
			}
			if got := float64(k.Error); math.IsNaN(got) != math.IsNaN(tt.miss) || math.Abs(got-tt.miss) > 1e-9 {
				t.Errorf("%s: error %v, want %v", tt.name, got, tt.miss)
			}
		}
	}
}

// TestRecordFirstAndLast: the first word and the last before it failed are
// kept, and none after; of two limits the
// one that is told first; what is inferred has a kind of its own.
func TestRecordFirstAndLast(t *testing.T) {
	j := NewJudge("r", rollout(0.25, 0.5, 0.75), Truth{Faulty: []string{"cart"}, FailsAt: 0.5})
	inferred := func(p50 release.Number) release.Prediction {
		p := failsAt(0.6, p50-5, p50, p50+5)
		p.Text = "db full"
		return p
	}
	j.Add(said(11, inferred(33)))
	j.Add(said(12, inferred(20), failsAt(0.7, 30, 40, 60), failsAt(0.5, 25, 35, 90)))
	j.Add(said(18, failsAt(0.9, 60, 80, 95)))
	j.Add(said(20, failsAt(1, 48, 50, 52))) // the step has begun
	s := j.Score(release.Summary{})
	first, last := byKind(s, FailsAtFirst), byKind(s, FailsAt)
	if first.P50 != 40 || first.Lead != 480 || last.P50 != 80 || last.Lead != 120 {
		t.Errorf("kept %v in %v s and %v in %v s, want 40 in 480 and 80 in 120", first.P50, first.Lead, last.P50, last.Lead)
	}
	if k := byKind(s, FailsAtInferred); k == nil || k.P50 != 33 || is(k.Right) != "yes" {
		t.Errorf("kept %+v of what is inferred, want the one of minute 11", k)
	}
	if w := Widths([]Score{s}); w.FailsAt.N != 1 || w.Inferred.N != 1 || w.Inferred.Right != 1 {
		t.Errorf("widths %+v, want one measured and one inferred, right", w)
	}
	if f := s.Subjects[0].Foretold; f.Right || f.From != 25 || f.To != 50 {
		t.Errorf("foretold is %+v, want wrong, between 25 and 50", f)
	}
}

// TestRecordExhausts holds when a signal has met its limit, and what is left
// open.
func TestRecordExhausts(t *testing.T) {
	limit := release.Number(100)
	in := func(p10, p50, p90 float64) release.Prediction {
		return release.Prediction{
			Kind: Exhausts, Signal: "memory", Service: "cart", Probability: 0.8, Limit: &limit,
			At: &release.Times{P10: mark(12 + p10), P50: mark(12 + p50), P90: mark(12 + p90)},
		}
	}
	crash := Truth{Faulty: []string{"cart"}, FailsAt: math.NaN(), CrashedAt: mark(17)}
	quiet := Truth{FailsAt: math.NaN()}
	tests := []struct {
		name        string
		truth       Truth
		values      []float64 // from minute 13 on
		p           release.Prediction
		came, right string
		from, to    float64 // seconds
	}{
		{"met in the third frame", quiet, []float64{80, 90, 101, 60}, in(2, 4, 9), "yes", "yes", 120, 180},
		{"met too soon", quiet, []float64{80, 100}, in(3, 4, 9), "yes", "no", 60, 120},
		{"killed at it between two frames", quiet, []float64{80, 95, 20}, in(2, 4, 9), "yes", "yes", 120, 180},
		{"collected, not killed", quiet, []float64{80, 85, 20}, in(2, 4, 9), "unknown", "unknown", math.NaN(), math.NaN()},
		{"not met by p90", quiet, []float64{80, 85, 85, 85}, in(1, 2, 3), "no", "no", math.NaN(), math.NaN()},
		{"the recording ends before p10", quiet, []float64{80}, in(2, 4, 9), "unknown", "unknown", math.NaN(), math.NaN()},
		{"it crashed after p90", crash, []float64{80, 85, 85, 85}, in(1, 2, 3), "no", "no", math.NaN(), math.NaN()},
		{"it crashed", crash, []float64{80, 85}, in(2, 4, 9), "yes", "yes", 300, 300},
	}
	for _, tt := range tests {
		j := NewJudge("r", rollout(0.25, 1), tt.truth)
		see := func(m, v float64) {
			r := signal.Missing(signal.Present, "a")
			r.Value = v
			j.See(signal.Frame{At: mark(m), Cells: []signal.Cell{
				{Cohort: signal.Control, Readings: []signal.Reading{{Value: 1e9, Presence: signal.Present, Instance: "b"}}},
				{Cohort: signal.Canary, Readings: []signal.Reading{r, signal.Missing(signal.Stopped, "c")}},
			}})
		}
		see(12, 70)
		j.Add(said(12, tt.p))
		for k, v := range tt.values {
			see(float64(13+k), v)
			j.Add(said(float64(13+k), in(100, 200, 300))) // what is said later does not count
		}
		k := byKind(j.Score(release.Summary{}), Exhausts)
		if is(k.Came) != tt.came || is(k.Right) != tt.right {
			t.Errorf("%s: came %s, right %s, want %s, %s", tt.name, is(k.Came), is(k.Right), tt.came, tt.right)
		}
		for _, x := range [][2]float64{{float64(k.From), tt.from}, {float64(k.To), tt.to}} {
			if math.IsNaN(x[0]) != math.IsNaN(x[1]) || math.Abs(x[0]-x[1]) > 1e-9 {
				t.Errorf("%s: between %v and %v s, want %v and %v", tt.name, k.From, k.To, tt.from, tt.to)
			}
		}
	}
}

// TestRecordCrashElsewhere: a crash is what was foretold of the service that
// crashed, and not of another one that a change was said to exhaust.
func TestRecordCrashElsewhere(t *testing.T) {
	limit := release.Number(100)
	for service, want := range map[string]string{"cart": "yes", "web": "unknown"} {
		sys := rollout()
		sys.Releases = nil
		sys.Services = append(sys.Services, release.Service{Name: "web"})
		sys.Changes = []release.Change{{ID: "change-1", At: mark(10)}}
		j := NewJudge("r", sys, Truth{Faulty: []string{"cart"}, FailsAt: math.NaN(), CrashedAt: mark(17)})
		j.See(signal.Frame{At: mark(12)})
		a := said(12, release.Prediction{
			Kind: Exhausts, Signal: "memory", Service: service, Probability: 0.8, Limit: &limit,
			At: &release.Times{P10: mark(14), P50: mark(16), P90: mark(21)},
		})
		a.ID = "change-1"
		j.Add(a)
		if k := byKind(j.Score(release.Summary{}), Exhausts); k == nil || is(k.Came) != want {
			t.Errorf("said of %s: %+v, want that it came: %s", service, k, want)
		}
	}
}

// TestRecordRung holds when a rung has come, and what is left open.
func TestRecordRung(t *testing.T) {
	in := &release.Durations{P10: "2m", P50: "4m", P90: "8m"}
	tests := []struct {
		name        string
		next        release.Next
		comes       float64 // minutes after it was said; 0 never
		ends        float64
		came, right string
	}{
		{"in time", release.Next{Rung: "errors", In: in}, 5, 20, "yes", "yes"},
		{"too soon", release.Next{Rung: "errors", In: in}, 1, 20, "yes", "no"},
		{"too late", release.Next{Rung: "errors", In: in}, 10, 20, "yes", "no"},
		{"never, by p90", release.Next{Rung: "errors", In: in}, 0, 8, "no", "no"},
		{"the recording ends before p90", release.Next{Rung: "errors", In: in}, 0, 7, "unknown", "unknown"},
		{"without a time", release.Next{Rung: "errors"}, 3, 20, "yes", "unknown"},
		{"without a time, never", release.Next{Rung: "errors"}, 0, 20, "no", "unknown"},
		{"no signal shows it", release.Next{Rung: "retries"}, 0, 20, "unknown", "unknown"},
	}
	for _, tt := range tests {
		j := NewJudge("r", rollout(0.25), Truth{FailsAt: math.NaN()})
		a := said(12)
		a.Next, a.WhatNext = &tt.next, []release.Happening{{Kind: "rung", Probability: 0.4}, {Kind: "nothing", Probability: 0.6}}
		j.Add(a)
		for m := 1.0; m <= tt.ends; m++ {
			a := said(12 + m)
			if tt.comes > 0 && m >= tt.comes {
				a.Ladder = []release.Climbed{{Rung: tt.next.Rung}}
			}
			j.Add(a)
		}
		k := byKind(j.Score(release.Summary{}), Rung)
		if is(k.Came) != tt.came || is(k.Right) != tt.right || k.Probability != 0.4 {
			t.Errorf("%s: came %s, right %s, said %v, want %s, %s, 0.4", tt.name, is(k.Came), is(k.Right), k.Probability, tt.came, tt.right)
		}
	}
}

// TestRecordNextStep: what is said just before each step counts, up to the one
// in which it fails.
func TestRecordNextStep(t *testing.T) {
	play := func(truth Truth) Score {
		j := NewJudge("r", rollout(0.1, 0.25, 0.5, 1), truth)
		for m := 5.0; m <= 45; m++ {
			a := said(m)
			a.Harm = release.Number(m / 100)
			j.Add(a)
		}
		return j.Score(release.Summary{})
	}
	perFrame := make([]float64, 46)
	perFrame[35] = 7 // in the third step
	tests := []struct {
		name     string
		truth    Truth
		step, on string
	}{
		{"healthy", Truth{FailsAt: math.NaN()}, "0.19 no, 0.29 no, 0.39 no", "0.19 no, 0.29 no, 0.39 no"},
		{"fails at 50 %", Truth{Faulty: []string{"cart"}, FailsAt: 0.5}, "0.19 no, 0.29 yes", "0.19 yes, 0.29 yes"},
		{"fails at once", Truth{Faulty: []string{"cart"}, FailsAt: 0.1}, "", ""},
		{
			"harms some in the third step",
			Truth{Faulty: []string{"cart"}, FailsAt: math.NaN(), Requests: &Requests{Start: begin, Interval: time.Minute, PerFrame: perFrame}},
			"0.19 no, 0.29 yes, 0.39 no", "0.19 yes, 0.29 yes, 0.39 no",
		},
		{"nobody says", Truth{Faulty: []string{"cart"}, FailsAt: math.NaN()}, "0.19 unknown, 0.29 unknown, 0.39 unknown", "0.19 unknown, 0.29 unknown, 0.39 unknown"},
	}
	for _, tt := range tests {
		got := map[string]string{}
		for _, k := range play(tt.truth).Predictions {
			if got[k.Kind] != "" {
				got[k.Kind] += ", "
			}
			text, _ := k.Probability.MarshalJSON()
			got[k.Kind] += string(text) + " " + is(k.Came)
		}
		if got[NextStep] != tt.step || got[GoOn] != tt.on {
			t.Errorf("%s: %s; and after it: %s; want %s; %s", tt.name, got[NextStep], got[GoOn], tt.step, tt.on)
		}
	}
}

// TestReckon holds the sums by hand.
func TestReckon(t *testing.T) {
	kept := func(p, p50, miss float64, came, right *bool) Kept {
		n := func(x float64) release.Number { return release.Number(x) }
		return Kept{Kind: FailsAt, Probability: n(p), P10: n(p50 - 5), P50: n(p50), P90: n(p50 + 5), Came: came, Right: right, Error: n(miss), Lead: n(10 * miss), From: n(50), To: n(75)}
	}
	scores := []Score{
		{Split: Tune, Predictions: []Kept{kept(0.9, 60, 0, new(true), new(true)), kept(0.8, 20, 30, new(true), new(false))}},
		{Split: Test, Predictions: []Kept{kept(0.4, 60, math.NaN(), new(false), new(false)), kept(0.5, 60, math.NaN(), nil, nil)}},
	}
	r := Reckon(scores)
	if len(r.All) != 1 || len(r.Tune) != 1 || len(r.Test) != 1 {
		t.Fatalf("%d, %d and %d kinds, want 1 each", len(r.All), len(r.Tune), len(r.Test))
	}
	a := r.All[0]
	if a.Said != 4 || a.Open != 1 || a.Came != 2 || a.Dated != 2 || a.Held != 1 || a.False != 1 {
		t.Errorf("said %d, open %d, came %d, dated %d, held %d, false %d; want 4, 1, 2, 2, 1, 1", a.Said, a.Open, a.Came, a.Dated, a.Held, a.False)
	}
	// By hand: ((0.9 − 1)² + (0.8 − 1)² + 0.4²)/3 = 0.07; medians of two are means.
	if math.Abs(float64(a.Brier)-0.07) > 1e-12 || a.MedianError != 15 || a.MedianLead != 150 || len(a.Calibration) != 3 {
		t.Errorf("Brier %v, error %v, lead %v, %d bins; want 0.07, 15, 150, 3", a.Brier, a.MedianError, a.MedianLead, len(a.Calibration))
	}
	if r.Test[0].Said != 2 || !isNaN(r.Test[0].MedianError) {
		t.Errorf("the test half is %+v, want 2 said and no error", r.Test[0])
	}
	// One may have held (no narrower), one missed, one false.
	w := Widths(scores).FailsAt
	if w.N != 3 || w.Right != 1 || w.Came != 2 || math.Abs(w.Log-0.0888) > 1e-12 {
		t.Errorf("Widths(…).FailsAt = %+v, want 1 right of 3, 2 came, log 0.0888", w)
	}
}

// TestWidthsSteps: of a step, harm that is more likely than not counts as said;
// what nobody can tell, what has no interval and the first word do not count.
func TestWidthsSteps(t *testing.T) {
	step := func(p release.Number, came *bool) Kept { return Kept{Kind: NextStep, Probability: p, Came: came} }
	w := Widths([]Score{{Predictions: []Kept{
		step(0.9, new(true)), step(0.9, new(false)), step(0.5, new(true)), step(0.2, new(false)), step(0.2, new(true)), step(0.2, nil),
		{Kind: Rung, Came: new(true)},
		{Kind: FailsAtFirst, Came: new(true), Right: new(true)},
		{Kind: FailsAt, P10: 90, P50: 120, P90: 150, Came: new(false), Right: new(true)},
	}}})
	if w.NextStep.N != 5 || w.NextStep.Right != 3 || w.NextStep.Log != 0 {
		t.Errorf("of the steps %+v, want 3 right of 5", w.NextStep)
	}
	if w.Rung.N != 0 || w.FailsAt.N != 1 || w.FailsAt.Right != 1 || w.FailsAt.Came != 0 {
		t.Errorf("of rungs %+v, of weights %+v; want none, and 1 right of 1 that did not come", w.Rung, w.FailsAt)
	}
}

// cascade is a prediction of a collapse of pricing.
func cascade(probability release.Number, phase string) release.Prediction {
	return release.Prediction{Kind: Cascade, Service: "pricing", Probability: probability, Phase: phase}
}

// TestRecordCascade: the first word of a collapse is kept, and came when the
// service was seen to have collapsed later; what had come before was not
// foretold.
func TestRecordCascade(t *testing.T) {
	tests := []struct {
		name    string
		weights []float64
		phases  []string // from minute 15 on, one every ten minutes
		came    string   // "" when nothing is kept
		lead    float64  // seconds; NaN when there is none
	}{
		{"it comes two later", []float64{0.5, 1}, []string{"queueing", "retrying", "collapsed"}, "yes", 1200},
		{"it goes on after it was taken back", []float64{0.5, 1}, []string{"queueing", "stuck"}, "yes", 600},
		{"it does not come", []float64{0.5, 1}, []string{"calm", "queueing", "queueing"}, "no", math.NaN()},
		{"the release went no further", []float64{0.5, 1, 1, 1, 1}, []string{"queueing"}, "unknown", math.NaN()},
		{"it is there before anything was said", []float64{0.5, 1}, []string{"collapsed", "retrying"}, "", math.NaN()},
	}
	for _, tt := range tests {
		j := NewJudge("r", rollout(tt.weights...), Truth{FailsAt: math.NaN()})
		for k, phase := range tt.phases {
			j.Add(said(15+10*float64(k), cascade(0.3, phase)))
		}
		j.ledger.last = mark(15 + 10*float64(len(tt.phases)))
		k := byKind(j.Score(release.Summary{}), Cascade)
		switch {
		case k == nil:
			if tt.came != "" {
				t.Errorf("%s: nothing is kept, want that it came: %s", tt.name, tt.came)
			}
		case is(k.Came) != tt.came || k.What != "pricing" || k.Right != nil || k.Probability != 0.3:
			t.Errorf("%s: kept %+v, came %s; want of pricing without an interval, came %s", tt.name, *k, is(k.Came), tt.came)
		case !(math.Abs(float64(k.Lead)-tt.lead) < 1e-9) && !(isNaN(k.Lead) && math.IsNaN(tt.lead)):
			t.Errorf("%s: lead %v, want %v", tt.name, k.Lead, tt.lead)
		}
	}
}

// TestBaseRate by hand: of four that came once, the constant 1/4 scores 3/16.
// Saying 0.9 of the one and 0.1 of the others scores 0.01, and the other way
// round 0.81.
func TestBaseRate(t *testing.T) {
	tests := []struct {
		came, not   release.Number // what was said of the one that came, and of the others
		brier, base float64
		worse       bool
	}{
		{0.9, 0.1, 0.01, 0.1875, false},
		{0.1, 0.9, 0.81, 0.1875, true},
	}
	for _, tt := range tests {
		all := []Kept{{Kind: Rung, Probability: tt.came, Came: new(true)}}
		for range 3 {
			all = append(all, Kept{Kind: Rung, Probability: tt.not, Came: new(false)})
		}
		r := reckonKind(Rung, all)
		if math.Abs(float64(r.Brier)-tt.brier) > 1e-9 || math.Abs(float64(r.Base)-tt.base) > 1e-9 || r.Worse() != tt.worse {
			t.Errorf("saying %v and %v: Brier %v, base %v, worse %v; want %v, %v, %v", tt.came, tt.not, r.Brier, r.Base, r.Worse(), tt.brier, tt.base, tt.worse)
		}
	}
	if r := reckonKind(Rung, []Kept{{Kind: Rung, Probability: 0.2, Came: new(false)}}); r.Worse() {
		t.Errorf("of one that did not come, Worse() with base %v; want that nobody could say more", r.Base)
	}
}
