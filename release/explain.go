package release

import (
	"fmt"
	"math"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// A Chronicle keeps, while a system is folded, what an [Explanation] needs:
// the values of every signal, thinned out to [MostPoints], and of each release
// the few assessments that matter to its story. Its memory is bounded, however
// long the fold goes on.
//
// It only listens: call Saw with every frame and Heard with every assessment
// that [State.Step] makes of it, in this order. It writes into neither.
type Chronicle struct {
	sys      System
	courses  *courses
	exposure []signal.Exposure // of the last frame
	start    time.Time
	end      time.Time
	stories  map[string]*story
}

// NewChronicle returns a chronicle of a system that has seen nothing.
func NewChronicle(sys System) *Chronicle {
	return &Chronicle{sys: sys, courses: newCourses(sys.Signals), stories: map[string]*story{}}
}

// Saw takes one frame.
func (c *Chronicle) Saw(f signal.Frame) {
	if c.start.IsZero() {
		c.start = f.At
	}
	c.end, c.exposure = f.At, f.Exposure
	c.courses.add(f)
	for i, e := range f.Exposure {
		if i < len(c.sys.Releases) && e.Step > 0 {
			c.story(c.sys.Releases[i].ID).step(f.At, e, c.sys.Releases[i].Steps)
		}
	}
}

// Heard takes one assessment of the last frame.
func (c *Chronicle) Heard(a Assessment) { c.story(a.ID).hear(a) }

func (c *Chronicle) story(id string) *story {
	if c.stories[id] == nil {
		c.stories[id] = &story{rungs: map[string]Climbed{}}
	}
	return c.stories[id]
}

// mostTurns is how many changes of a verdict are kept; what comes after them
// is counted.
const mostTurns = 16

// A story is what is kept of one release.
type story struct {
	warn, stop, call *Assessment // the first of each; nil when there was none. call is for a person, to whom going back is not left
	last             *Assessment
	turns            []Assessment // whose verdict is not that of the one before
	more             int          // turns that were not kept
	rungs            map[string]Climbed
	order            []string // of the rungs, as they came up
	calm             *time.Time
	stages           []stage
	elsewhere        int    // frames held for somebody else's incident
	cascade          string // what was said when calls were first told to be tried again; "" when never
	cascadeAt        time.Time
	limit            *foretold // where it was last said to fail, before it was there; nil when never
}

// What is foretold at a weight.
type foretold struct {
	at     time.Time
	weight Number // percent
	Prediction
}

// A stage is one step that was taken.
type stage struct {
	step     int
	at       time.Time
	weight   float64 // 0..1
	verdict  string  // the last one of it
	sentence string
}

// step notes a step that has begun.
func (s *story) step(at time.Time, e signal.Exposure, plan []Step) {
	n := len(s.stages)
	if n == 0 || s.stages[n-1].step != e.Step {
		if n == mostTurns {
			return
		}
		s.stages = append(s.stages, stage{step: e.Step, at: at})
		n++
	}
	s.stages[n-1].weight = e.Weight
	if k := e.Step - 1; e.Moving && k < len(plan) {
		s.stages[n-1].weight = plan[k].Weight
	}
}

// hearCascade notes where calls that are tried again were first told of.
func (s *story) hearCascade(a *Assessment) {
	for _, p := range a.Predictions {
		if s.cascade == "" && p.Kind == "cascade" && p.Amplification != nil && float64(*p.Amplification) >= multiplied {
			s.cascade, s.cascadeAt = p.Text, a.At
		}
	}
}

// multiplied is from how many calls instead of one a cascade is told of in
// what came later.
const multiplied = 1.2

// hearLimit notes where a release was last said to fail, while it was not there and
// nothing had stopped it.
func (s *story) hearLimit(a *Assessment) {
	if p := a.FailsAt(); p != nil && !p.Inferred() && p.Limit != nil && !a.Met(p) && s.stop == nil {
		s.limit = &foretold{at: a.At, weight: a.Weight, Prediction: *p}
	}
}

func (s *story) hear(a Assessment) {
	s.hearCascade(&a)
	s.hearLimit(&a)
	if s.last == nil || s.last.Verdict != a.Verdict || s.last.Reason != a.Reason {
		if len(s.turns) < mostTurns {
			s.turns = append(s.turns, a)
		} else {
			s.more++
		}
	}
	s.last = &a
	if s.warn == nil && a.Warns() {
		s.warn = &a
	}
	if s.stop == nil && a.Verdict == prevention.Rollback.String() {
		s.stop = &a
	}
	if s.call == nil && a.Verdict == prevention.Escalate.String() && a.Warns() {
		s.call = &a
	}
	if a.Verdict == prevention.Hold.String() && a.Reason == prevention.Elsewhere.String() {
		s.elsewhere++
	}
	for _, c := range a.Ladder {
		if _, known := s.rungs[c.Rung]; !known {
			s.rungs[c.Rung] = c
			s.order = append(s.order, c.Rung)
		}
	}
	switch at := a.At; {
	case s.stop == nil && s.warn == nil:
	case !a.Calm():
		s.calm = nil
	case s.calm == nil:
		s.calm = &at
	}
	if n := len(s.stages); n > 0 {
		s.stages[n-1].verdict, s.stages[n-1].sentence = a.Verdict, a.Sentence
	}
}

// shown is the moment to explain: the first stop, or where going back is not
// safe the first call for a person, or else the first warning, or else the
// last word.
func (s *story) shown() *Assessment {
	switch {
	case s.stop != nil:
		return s.stop
	case s.call != nil:
		return s.call
	case s.warn != nil:
		return s.warn
	default:
		return s.last
	}
}

func (s *story) outcome() string {
	switch {
	case s.last == nil:
		return OutcomeNotBegun
	case s.stop != nil:
		return OutcomeStopped
	case s.warn != nil && s.call == nil && s.last.Calm():
		return OutcomeCleared
	case s.warn != nil:
		return OutcomeWarned
	case s.last.Verdict == prevention.Hold.String() && s.last.Reason == prevention.Elsewhere.String():
		return OutcomeElsewhere
	case s.last.Verdict == prevention.Hold.String(), s.last.Verdict == prevention.Escalate.String():
		return OutcomeHeld
	case s.last.Verdict == prevention.Promote.String():
		return OutcomeHealthy
	default:
		return OutcomeUnknown
	}
}

// Explain writes the explanation of one release or change. It is false when
// the system has none of this name. The summary is that of the same fold.
func (c *Chronicle) Explain(id string, sum Summary) (Explanation, bool) {
	x := &explaining{Chronicle: c, id: id, subject: -1, numbers: map[[2]int]int{}}
	for i, r := range c.sys.Releases {
		if r.ID == id {
			x.subject, x.own, x.release = i, r.Service, &c.sys.Releases[i]
		}
	}
	for i, ch := range c.sys.Changes {
		if ch.ID == id {
			x.subject, x.own, x.change = len(c.sys.Releases)+i, -1, &c.sys.Changes[i]
		}
	}
	if x.subject < 0 {
		return Explanation{}, false
	}
	x.story = c.stories[id]
	if x.story == nil {
		x.story = &story{}
	}
	x.a = x.story.shown()
	x.outcome = x.story.outcome()
	x.clock = c.layout()
	return x.explain(sum), true
}

// layout is that of a time of day: with seconds where frames are not a whole
// number of minutes apart, and with the day where there are several.
func (c *Chronicle) layout() string {
	layout := "15:04"
	if c.sys.Interval%time.Minute != 0 {
		layout += ":05"
	}
	if c.end.Sub(c.start) >= 24*time.Hour {
		layout = "Jan 02 " + layout
	}
	return layout
}

// explaining is one explanation in the making.
type explaining struct {
	*Chronicle
	id      string
	subject int // index over the releases and the changes behind them
	own     int // its service; −1 of a change
	release *Release
	change  *Change
	story   *story
	a       *Assessment // the moment that is explained; nil when it has not begun
	outcome string
	clock   string
	refs    []Reference
	numbers map[[2]int]int // of references, by service and signal
}

func (x *explaining) explain(sum Summary) Explanation {
	e := Explanation{
		Type: "explanation", Recording: sum.Recording, ID: x.id, Start: x.start, End: x.end, Frames: x.courses.seen,
		Interval: x.sys.Interval.String(), Outcome: x.outcome, Timeline: []Moment{}, Stages: []Stage{}, Columns: []Column{},
		Charts: []Chart{}, Said: []Remark{}, Seen: []Remark{}, RuledOut: []Excluded{}, Unseen: []Remark{}, Do: []Action{},
		References: []Reference{}, Warnings: sum.Warnings, Blame: Number(math.NaN()),
	}
	if e.Warnings == nil {
		e.Warnings = []WarningText{}
	}
	if x.release != nil {
		e.Service, e.From, e.To = x.sys.Services[x.own].Name, x.release.From, x.release.To
	}
	e.Title, e.Headline, e.Details = x.title(), x.headline(), x.details()
	if x.a == nil {
		e.Do = x.actions(nil)
		return e
	}
	at := x.a.At
	e.At, e.Verdict, e.Reason, e.Blame = &at, x.story.last.Verdict, x.story.last.Reason, x.a.Culprit
	e.Cause = x.cause()
	e.Timeline = x.timeline()
	keys := x.keys(sum)
	for _, k := range keys {
		x.number(k.service, k.signal)
	}
	e.Columns, e.Stages = x.stages(keys)
	e.Charts = x.charts(keys)
	e.Said, e.Seen = x.said(), x.later(keys)
	e.RuledOut = x.ruledOut(keys)
	e.Unseen = x.unseen(sum)
	e.Do = x.actions(e.Unseen)
	if x.refs != nil {
		e.References = x.refs
	}
	return e
}

func (x *explaining) at(t time.Time) string { return t.UTC().Format(x.clock) }

// onset writes an instant with how sure it is.
func (x *explaining) onset(t Times) string {
	if t.P90.Sub(t.P10) < 2*x.sys.Interval {
		return x.at(t.P50)
	}
	return fmt.Sprintf("%s (%s to %s)", x.at(t.P50), x.at(t.P10), x.at(t.P90))
}
