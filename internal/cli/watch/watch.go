// Package watch judges one live release: it lets the engine make frames on
// the clock, measures how far the release has got, and folds them with the
// same fold that judges recordings.
//
// The first frames may lie in the past: they teach what is usual. It may
// import everything, as the command line may: it wires the parts.
package watch

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/baseline"
	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// Options say what to watch. System, Policy, From, Now and Wait must be given.
type Options struct {
	System release.System // of one release; its steps are the plan
	Policy prevention.Policy
	From   time.Time     // the first frame, mostly in the past
	Until  time.Time     // the last frame; zero means until the context ends
	Delay  time.Duration // after which a frame is asked for; 0 means one interval
	// Weighing says how the weight is known; nil takes it from the steps.
	Weighing *Weighing
	// Plan are the weights, 0 to 1, to which the release is meant to go; those
	// above the weight of now are its next steps. It is of no use with steps.
	Plan []float64
	Name string // stands in assessments as the recording
	Now  func() time.Time
	Wait func(ctx context.Context, until time.Time) error // blocks until an instant by Now
	// Besides are signals that are asked beside those of the system or of the
	// catalogue; nil means none.
	Besides []signal.Signal
	// Warnings returns what the source remarks; nil means nothing.
	Warnings func() []signal.Warning
	Normal   baseline.Normal // what is normal; nil for none
	// Learn returns what is told every frame, and whether all was well in it;
	// nil means that nothing is learned.
	Learn func(release.System) func(f signal.Frame, healthy bool)
}

// An Update is what one frame said.
type Update struct {
	At          time.Time
	System      *release.System      // with the signals
	Past        int                  // frames still to come that lie in the past; 0 when live
	Exposure    signal.Exposure      // of the release
	Steps       []release.Step       // those begun, as they were seen, and the plan
	Assessments []release.Assessment // none before the release has begun
	Warnings    []signal.Warning     // that were not told before
	Trouble     *Trouble             // that the source answers otherwise than before; nil when it does not
	Asked       int                  // signals that are asked for now
	Answered    int                  // of the signals, those that this frame has a value of
}

// A Result is what a watch came to.
type Result struct {
	System  release.System      // with the signals
	Last    *release.Assessment // nil when nothing was judged
	Frames  int
	Asked   int // signals that were asked for at the end
	Seen    int // signals that ever had a value
	Summary release.Summary
}

// Run watches until the context or the time ends, and tells every frame. The
// end of the context is no error: what was said last counts.
func Run(ctx context.Context, q engine.Querier, o Options, hear func(Update) error) (*Result, error) {
	w := &watching{Options: o, querier: q, began: o.Now(), told: map[signal.Warning]bool{}}
	if w.Delay == 0 {
		w.Delay = o.System.Interval
	}
	opts := engine.Options{Start: o.From, End: o.Until, Wait: w.wait, Now: w.clock, Parallel: parallel, Besides: o.Besides, Normal: o.Normal}
	if o.Weighing != nil {
		w.meter = &meter{Weighing: *o.Weighing}
		opts.Exposure = func(at time.Time) []signal.Exposure { return w.exposure(ctx, at) }
	}
	src, err := engine.New(ctx, q, o.System, opts)
	if err != nil {
		return nil, err
	}
	state, tally := release.New(src.System(), o.Policy), release.NewTally()
	r := &Result{System: src.System()}
	seen := map[int]bool{}
	learn := func(signal.Frame, bool) {}
	if o.Learn != nil {
		learn = o.Learn(src.System())
	}
	for f, err := range src.Frames(ctx) {
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			return nil, err
		}
		if steps, changed := w.steps(f.At, f.Exposure[0]); changed {
			state.Plan(0, steps)
		}
		u := Update{At: f.At, System: &r.System, Past: w.past(f.At), Exposure: f.Exposure[0], Steps: w.plan, Assessments: state.Step(f)}
		for i := range u.Assessments {
			u.Assessments[i].Recording = o.Name
			tally.Add(u.Assessments[i])
			r.Last = &u.Assessments[i]
		}
		r.Frames++
		learn(f, !slices.ContainsFunc(u.Assessments, func(a release.Assessment) bool { return !a.Calm() }))
		u.Asked, u.Answered = src.Asked(), answered(f, seen)
		r.Asked, r.Seen = max(r.Asked, u.Asked), len(seen)
		u.Warnings, u.Trouble = w.fresh(f.At, src.Warnings())
		if err := hear(u); err != nil {
			return nil, err
		}
	}
	r.Summary = tally.Summary(o.Name, state, texts(w.all(src.Warnings())))
	return r, nil
}

// answered counts the signals of which a frame has a value, and adds them to
// those that were seen.
func answered(f signal.Frame, seen map[int]bool) int {
	now := map[int]bool{}
	for _, c := range f.Cells {
		if slices.ContainsFunc(c.Readings, func(r signal.Reading) bool { return r.Presence == signal.Present }) {
			now[c.Signal], seen[c.Signal] = true, true
		}
	}
	return len(now)
}

func texts(warnings []signal.Warning) []release.WarningText {
	var out []release.WarningText
	for _, w := range warnings {
		out = append(out, release.WarningText{Code: w.Code, Text: w.Text})
	}
	return out
}

// parallel is how many queries are asked at once.
const parallel = 4

// watching is one run.
type watching struct {
	Options
	querier engine.Querier
	meter   *meter
	began   time.Time
	live    bool // what was past at the beginning is behind it
	begun   []release.Step
	plan    []release.Step // those begun and those to come
	own     []signal.Warning
	told    map[signal.Warning]bool
	source  answering
}

// wait keeps frames to the clock. Those of the past are due at once.
func (w *watching) wait(ctx context.Context, at time.Time) error {
	due := at.Add(w.Delay)
	w.live = w.live || due.After(w.began)
	if !w.Now().Before(due) {
		return context.Cause(ctx)
	}
	return w.Wait(ctx, due)
}

// clock is the time by which frames are skipped: none of the past is.
func (w *watching) clock() time.Time {
	if !w.live {
		return time.Time{}
	}
	return w.Now()
}

// past returns how many frames after one lie in the past.
func (w *watching) past(at time.Time) int {
	if w.live {
		return 0
	}
	return max(0, int(w.began.Add(-w.Delay).Sub(at)/w.System.Interval))
}

// exposure measures how far the release has got.
func (w *watching) exposure(ctx context.Context, at time.Time) []signal.Exposure {
	in, cancel := context.WithTimeout(ctx, max(w.System.Interval, time.Second))
	defer cancel()
	share, err := w.meter.ask(in, w.querier, at, w.System.Interval)
	if err != nil && ctx.Err() == nil {
		w.warn(weightUnknown, fmt.Sprintf("at some frames the weight is not known, and the last one counts: %v", err))
	}
	return []signal.Exposure{w.meter.read(share)}
}

// steps keeps the steps of a release whose weight is measured, as they are
// seen, and the plan behind them. It says whether anything changed.
func (w *watching) steps(at time.Time, e signal.Exposure) ([]release.Step, bool) {
	if w.meter == nil {
		w.plan = w.System.Releases[0].Steps
		return w.plan, false
	}
	n := len(w.begun)
	switch {
	case e.Step > n:
		w.begun = append(w.begun, release.Step{At: at, CompletedAt: at, Weight: e.Weight})
	case n > 0 && w.begun[n-1].Weight != e.Weight:
		w.begun[n-1].Weight = e.Weight
	case w.plan != nil:
		return w.plan, false
	}
	w.plan = slices.Clone(w.begun)
	never := at.AddDate(100, 0, 0) // when is not known
	for _, weight := range w.Plan {
		if weight > e.Weight+0.005 && !w.taken(weight, e.Weight) {
			w.plan = append(w.plan, release.Step{At: never, CompletedAt: never, Weight: weight})
		}
	}
	return w.plan, true
}

// taken says whether a step of the plan just above a measured weight is the one that
// was taken: within the doubt, and nearer than the step below.
func (w *watching) taken(step, weight float64) bool {
	below := 0.0
	for _, p := range w.Plan {
		if p <= weight {
			below = math.Max(below, p)
		}
	}
	return step-weight <= w.meter.doubt() && step-weight < weight-below
}

func (w *watching) warn(code, text string) {
	if !slices.ContainsFunc(w.own, func(o signal.Warning) bool { return o.Code == code }) {
		w.own = append(w.own, signal.Warning{Code: code, Text: text})
	}
}

// all returns what is to be known now: of the engine, of the weight, and of
// the server.
func (w *watching) all(engine []signal.Warning) []signal.Warning {
	out := slices.Concat(engine, w.own)
	if w.Warnings != nil {
		out = append(out, w.Warnings()...)
	}
	return out
}

// fresh returns the warnings that were not told before, and whether the source
// answers otherwise than before.
func (w *watching) fresh(at time.Time, engine []signal.Warning) ([]signal.Warning, *Trouble) {
	var out, passing []signal.Warning
	all := w.all(engine)
	down := slices.ContainsFunc(all, func(x signal.Warning) bool { return x.Code == troubles[0] })
	for _, x := range all {
		if slices.Contains(troubles, x.Code) {
			if x.Code != "nothing-discovered" || w.live { // the past may be older than the source
				passing = append(passing, x)
			}
			continue
		}
		if key := (signal.Warning{Code: x.Code, Text: stable(x)}); !w.told[key] {
			w.told[key] = true
			if !down || x.Code != weightUnknown { // of a source that is down nothing is known
				out = append(out, x)
			}
		}
	}
	return out, w.source.next(at, passing)
}

// stable leaves out what of a warning changes with every frame.
func stable(x signal.Warning) string {
	if x.Code == "frames-skipped" {
		return ""
	}
	return x.Text
}

// weightUnknown is the code of a weight that was not answered.
const weightUnknown = "weight-unknown"
