package backtest

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// The kinds of predictions that are kept.
const (
	FailsAt         = "fails-at"          // the last one said before it failed
	FailsAtFirst    = "fails-at-first"    // the first one said
	FailsAtInferred = "fails-at-inferred" // the last one said before it failed of those by a limit that nobody set
	Exhausts        = "exhausts"          // the first one said of a signal
	DailyPeak       = "daily-peak"        // the same of what its usual day carries to its limit
	Cascade         = "cascade"           // the first one said of a service before it collapsed
	Rung            = "rung"              // the first one said of a rung, with a time if there ever was one
	NextStep        = "next-step"         // the last word before a step, against what that step did
	GoOn            = "go-on"             // the same, against what it and those after it did
)

// kinds lists them in the order in which they are reported.
var kinds = [...]string{FailsAt, FailsAtFirst, FailsAtInferred, Exhausts, DailyPeak, Cascade, Rung, NextStep, GoOn}

// A Kept is one prediction with what came of it. Points and truth are in
// percent of the traffic for weights, and in seconds since it was said for
// times.
type Kept struct {
	Kind        string         `json:"kind"`
	ID          string         `json:"id"`   // of the release
	What        string         `json:"what"` // signal or rung, of a cascade the service; "" of a step
	At          time.Time      `json:"at"`   // when it was said
	Weight      release.Number `json:"weight"`
	Probability release.Number `json:"probability"` // null when none was said
	P10         release.Number `json:"p10"`         // null when no interval was said, as the two below
	P50         release.Number `json:"p50"`
	P90         release.Number `json:"p90"`
	// Came says whether what was foretold happened; null when nobody can tell.
	Came *bool `json:"came"`
	// The truth lies after From and no later than To; null unless it came.
	From release.Number `json:"from"`
	To   release.Number `json:"to"`
	// Right says of what came whether its 80 % interval meets the truth, of what
	// did not whether all that was said is that it would not. Null without an
	// interval and where nobody can tell.
	Right *bool          `json:"right"`
	Error release.Number `json:"error"`       // from p50 to the truth, 0 within it; null unless it came
	Lead  release.Number `json:"leadSeconds"` // from when it was said to when it came; null when that is not known
}

// dated says whether an interval was said.
func (k *Kept) dated() bool { return !isNaN(k.P50) }

// came notes that it came, between two values, in so many seconds.
func (k *Kept) came(from, to, lead float64) {
	k.Came, k.From, k.To, k.Lead = new(true), release.Number(from), release.Number(to), release.Number(lead)
	if !k.dated() {
		return
	}
	k.Right = new(k.finished().Meets())
	p50 := float64(k.P50)
	k.Error = release.Number(math.Max(0, math.Max(from-p50, p50-to)))
}

// failed notes that it did not come.
func (k *Kept) failed(right bool) {
	k.Came = new(false)
	if k.dated() {
		k.Right = &right
	}
}

// finished is the prediction as the record of widths takes it.
func (k *Kept) finished() prediction.Finished {
	return prediction.Finished{
		Interval: prediction.Interval{P10: float64(k.P10), P50: float64(k.P50), P90: float64(k.P90)},
		Came:     k.Came != nil && *k.Came, From: float64(k.From), To: float64(k.To),
	}
}

// A ledger keeps the predictions of one recording. What is open in it is
// watched; what comes of the rest is told at the end.
type ledger struct {
	fails, first map[int]*Kept // by release
	inferred     map[int]*Kept // by release, where nothing measured was said
	grows        map[growing]*growth
	cascades     map[growing]*Kept // nil of what had collapsed before anything was said of it
	rungs        map[climbing]*Kept
	steps        map[stepOf]*Kept
	last         time.Time // frame before the one that is seen
}

// growing names what runs out: a signal of a service, of one release or change.
type growing struct {
	subject         int
	service, signal string
}

// climbing names a rung that a release or change is to climb.
type climbing struct {
	subject int
	rung    string
}

func newLedger() ledger {
	return ledger{
		fails: map[int]*Kept{}, first: map[int]*Kept{}, inferred: map[int]*Kept{}, grows: map[growing]*growth{},
		cascades: map[growing]*Kept{}, rungs: map[climbing]*Kept{}, steps: map[stepOf]*Kept{},
	}
}

// keepOf begins a prediction of an assessment.
func keepOf(kind, what string, a *release.Assessment, p release.Number) *Kept {
	nan := release.Number(math.NaN())
	return &Kept{
		Kind: kind, ID: a.ID, What: what, At: a.At, Weight: a.Weight, Probability: p,
		P10: nan, P50: nan, P90: nan, From: nan, To: nan, Error: nan, Lead: nan,
	}
}

// enter keeps what an assessment foretells.
func (j *Judge) enter(i int, a *release.Assessment) {
	for _, p := range a.Predictions {
		if (p.Kind == Exhausts || p.Kind == DailyPeak) && p.At != nil {
			j.enterGrowth(i, a, p)
		}
	}
	j.enterCascades(i, a)
	j.enterRung(i, a)
	if i >= len(j.sys.Releases) || a.NextStep == nil {
		return
	}
	j.enterStep(i, a)
	if p := a.FailsAt(); p != nil && !j.hasFailed(i, a.At) {
		k := keepOf(FailsAt, p.Signal, a, p.Probability)
		k.P10, k.P50, k.P90 = p.Weight.P10, p.Weight.P50, p.Weight.P90
		if p.Inferred() {
			k.Kind = FailsAtInferred
			j.ledger.inferred[i] = k
			return
		}
		if j.ledger.first[i] == nil {
			first := *k
			first.Kind = FailsAtFirst
			j.ledger.first[i] = &first
		}
		j.ledger.fails[i] = k
	}
}

// hasFailed says whether a release is known to have failed by then.
func (j *Judge) hasFailed(i int, at time.Time) bool {
	if !j.score.Subjects[i].Bad || math.IsNaN(j.truth.FailsAt) {
		return false
	}
	when, ok := reaches(j.sys.Releases[i].Steps, j.truth.FailsAt)
	return ok && !at.Before(when)
}

// enterRung keeps the next rung of a ladder, and notes the rungs that came.
func (j *Judge) enterRung(i int, a *release.Assessment) {
	for _, c := range a.Ladder {
		if k := j.ledger.rungs[climbing{i, c.Rung}]; k != nil && k.Came == nil {
			in := a.At.Sub(k.At).Seconds()
			k.came(in-j.sys.Interval.Seconds(), in, in)
		}
	}
	if a.Next == nil {
		return
	}
	at := climbing{i, a.Next.Rung}
	was := j.ledger.rungs[at]
	if was != nil && (was.Came != nil || was.dated() || a.Next.In == nil) {
		return
	}
	p := release.Number(math.NaN())
	for _, h := range a.WhatNext {
		if h.Kind == Rung {
			p = h.Probability
		}
	}
	k := keepOf(Rung, a.Next.Rung, a, p)
	if a.Next.In != nil {
		p10, p50, p90 := a.Next.In.Seconds()
		k.P10, k.P50, k.P90 = release.Number(p10), release.Number(p50), release.Number(p90)
	}
	j.ledger.rungs[at] = k
}

// enterStep keeps the last word before the next step.
func (j *Judge) enterStep(i int, a *release.Assessment) {
	if math.IsNaN(float64(a.Harm)) {
		return
	}
	for k, s := range j.sys.Releases[i].Steps {
		if k > 0 && a.At.Before(s.At) {
			j.ledger.steps[stepOf{i, k}] = keepOf(NextStep, "", a, a.Harm)
			return
		}
	}
}

// kept returns the predictions with what came of them, in the order in which
// they were said.
func (j *Judge) kept() []Kept {
	out := []Kept{}
	add := func(k *Kept) { out = append(out, *k) }
	for i := range j.sys.Releases {
		for _, k := range []*Kept{j.ledger.fails[i], j.ledger.first[i], j.ledger.inferred[i]} {
			if k != nil {
				j.closeFails(i, k)
				add(k)
			}
		}
	}
	for at, g := range j.ledger.grows {
		j.closeGrowth(at, g)
		add(&g.Kept)
	}
	for at, k := range j.ledger.cascades {
		if k != nil {
			j.closeCascade(at, k)
			add(k)
		}
	}
	for at, k := range j.ledger.rungs {
		j.closeRung(at, k)
		add(k)
	}
	for at, k := range j.ledger.steps {
		on := *k
		on.Kind = GoOn
		if j.closeStep(at, k, &on) {
			add(k)
			add(&on)
		}
	}
	slices.SortFunc(out, func(a, b Kept) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID), cmp.Compare(a.What, b.What))
	})
	return out
}

// growth is a signal that is said to run out, watched until it has.
type growth struct {
	Kept
	limit   float64
	falls   bool
	signal  int
	service int
	seen    time.Time          // the last frame that had a value
	values  map[string]float64 // the last of each instance
}

// enterGrowth keeps the first prediction of when a signal meets its limit.
func (j *Judge) enterGrowth(i int, a *release.Assessment, p release.Prediction) {
	at := growing{i, p.Service, p.Signal}
	id := slices.IndexFunc(j.sys.Signals, func(s signal.Signal) bool { return s.Name == p.Signal })
	service := slices.IndexFunc(j.sys.Services, func(s release.Service) bool { return s.Name == p.Service })
	if j.ledger.grows[at] != nil || id < 0 || service < 0 || p.Limit == nil {
		return
	}
	g := &growth{
		Kept: *keepOf(p.Kind, p.Signal, a, p.Probability), limit: float64(*p.Limit), signal: id, service: service,
		falls: j.sys.Signals[id].Direction() == signal.Down, seen: a.At, values: map[string]float64{},
	}
	seconds := func(t time.Time) release.Number { return release.Number(t.Sub(a.At).Seconds()) }
	g.P10, g.P50, g.P90 = seconds(p.At.P10), seconds(p.At.P50), seconds(p.At.P90)
	j.ledger.grows[at] = g
}
