package release

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// timeline tells the release by the clock: its steps, the rungs that were
// climbed, what was said when it changed, and the end.
func (x *explaining) timeline() []Moment {
	var out []Moment
	out = append(out, x.stepMoments()...)
	out = append(out, x.onsetMoments()...)
	out = append(out, x.eventMoments()...)
	out = append(out, x.verdictMoments()...)
	if c := x.story.calm; c != nil && x.end.Sub(*c) >= 3*x.sys.Interval {
		out = append(out, Moment{At: *c, Kind: "verdict", Text: x.calmText()})
	}
	for i := range out {
		out[i].Later = out[i].At.After(x.a.At)
	}
	order := []string{"step", "seen", "onset", "pattern", "limit", "restart", "verdict", "end"}
	slices.SortStableFunc(out, func(a, b Moment) int {
		if c := a.At.Truncate(time.Second).Compare(b.At.Truncate(time.Second)); c != 0 {
			return c
		}
		return slices.Index(order, a.Kind) - slices.Index(order, b.Kind)
	})
	end := "the record ends"
	if x.release != nil {
		end = fmt.Sprintf("the record ends, with %s %% of the traffic on it", percent(100*x.exposure[x.subject].Weight))
	}
	return append(out, Moment{At: x.end, Kind: "end", Text: end, Later: x.end.After(x.a.At)})
}

// calmText says that it was calm again. A stop stands all the same.
func (x *explaining) calmText() string {
	if x.outcome == OutcomeCleared {
		return "from here on nothing is held against it"
	}
	return "from here on nothing would be held against it any more; what was said stands"
}

func (x *explaining) stepMoments() []Moment {
	if x.change != nil {
		return []Moment{{At: x.change.At, Kind: "step", Text: "the change is made"}}
	}
	var out []Moment
	for _, s := range x.story.stages {
		text := fmt.Sprintf("step %d of %d: %s %% of the traffic go to the new version", s.step, max(s.step, len(x.release.Steps)), percent(100*s.weight))
		out = append(out, Moment{At: s.at, Kind: "step", Text: text})
	}
	first := x.firstSeen()
	switch {
	case len(out) == 0:
	case first.IsZero():
		out = append(out, Moment{At: x.end, Kind: "seen", Text: "until here no signal of the new version has had a value"})
	case first.Sub(out[0].At) > 2*x.sys.Interval:
		out = append(out, Moment{At: first, Kind: "seen", Text: "the first value of the new version"})
	}
	return out
}

// firstSeen returns when the new version first had a value; zero when never.
func (x *explaining) firstSeen() (at time.Time) {
	for _, k := range x.courses.ordered {
		if c := x.courses.byLine[k]; k.release == x.subject && k.cohort == signal.Canary && c.frames > 0 && (at.IsZero() || c.first.Before(at)) {
			at = c.first
		}
	}
	return at
}

// onsetMoments are the rungs, as they were dated when they were first seen,
// and patterns that stand on no rung. Those of the moment that is explained
// are dated as then.
func (x *explaining) onsetMoments() []Moment {
	if x.outcome == OutcomeHealthy || x.outcome == OutcomeUnknown {
		return nil
	}
	var out []Moment
	told := map[string]bool{}
	for _, c := range x.a.Ladder {
		out = append(out, x.rung(c))
		told[c.Rung], told[x.family(c.Signal)] = true, true
	}
	for _, name := range x.story.order {
		if c := x.story.rungs[name]; !told[name] {
			m := x.rung(c)
			if !m.At.After(x.a.At) {
				m.Text += "; that was told only later"
			}
			out = append(out, m)
			told[x.family(c.Signal)] = true
		}
	}
	if x.change != nil {
		return out // nobody knows in which service a pattern is
	}
	for _, p := range x.a.Patterns {
		family := x.family(p.Signal)
		if p.Probability < 0.5 || p.Signal != "" && (told[family] || !x.decides(p.Signal)) {
			continue
		}
		told[family] = true
		text := p.Evidence
		if p.Signal != "" {
			text = fmt.Sprintf("%s in %s: %s", strings.ReplaceAll(p.Kind, "-", " "), plainName(p.Signal), p.Evidence)
		}
		onset := p.Onset
		out = append(out, Moment{At: onset.P50, Onset: &onset, Kind: "pattern", Text: text})
	}
	return out
}

// family returns the signal as the user wrote it: latency of latency:p99.
func (x *explaining) family(name string) string {
	for _, s := range x.sys.Signals {
		if s.Name == name && s.Family != "" {
			return s.Family
		}
	}
	return name
}

// decides says whether a signal is among the evidence that decided.
func (x *explaining) decides(name string) bool {
	return slices.ContainsFunc(x.a.Evidence, func(e Evidence) bool { return e.Signal == name && e.Decided })
}

// whose names a signal, for a change with the service in which it decided.
func (x *explaining) whose(name string) string {
	if x.change == nil {
		return plainName(name)
	}
	var services []string
	for _, e := range x.a.Evidence {
		if e.Signal == name && e.Decided {
			services = append(services, e.Service)
		}
	}
	switch len(services) {
	case 0:
		return plainName(name)
	case 1:
		return plainName(name) + " of " + services[0]
	default:
		return fmt.Sprintf("%s of %d services", plainName(name), len(services))
	}
}

func (x *explaining) rung(c Climbed) Moment {
	text := x.whose(c.Signal) + " turns worse than " + x.reference()
	if c.Signal != c.Rung {
		text += fmt.Sprintf(" (the rung %q of the failure ladder)", c.Rung)
	}
	onset := c.Onset
	if onset.P90.Sub(onset.P10) >= 2*x.sys.Interval {
		text += fmt.Sprintf("; between %s and %s", x.at(onset.P10), x.at(onset.P90))
	}
	return Moment{At: onset.P50, Onset: &onset, Kind: "onset", Text: text}
}

// verdictMoments are the changes of what was said.
func (x *explaining) verdictMoments() []Moment {
	var out []Moment
	for _, a := range x.story.turns {
		out = append(out, Moment{At: a.At, Kind: "verdict", Text: x.turnText(a)})
	}
	if x.story.more > 0 {
		out = append(out, Moment{At: x.end, Kind: "verdict", Text: fmt.Sprintf("what was said changed %s more", x.count(x.story.more, "time"))})
	}
	return out
}

// turnText says a verdict in short.
func (x *explaining) turnText(a Assessment) string {
	next := ""
	if a.NextStep != nil {
		next = fmt.Sprintf(" before the step to %s %%", percent(float64(a.NextStep.Weight)))
	}
	reason := reasonOf(a.Sentence)
	for _, end := range []string{"; it takes", "; wait until", "; next to expect", ". It ", "; up to"} {
		reason, _, _ = strings.Cut(reason, end)
	}
	reason = firstOf(reason)
	switch a.Verdict {
	case prevention.Promote.String():
		if a.NextStep == nil {
			return "PROMOTE: nothing speaks against it"
		}
		return fmt.Sprintf("PROMOTE: nothing speaks against %s %%", percent(float64(a.NextStep.Weight)))
	case prevention.Rollback.String():
		return "ROLLBACK" + next + ": " + reason
	case prevention.Hold.String():
		return "HOLD" + next + ": " + reason
	case prevention.Escalate.String():
		return "ESCALATE: " + reason
	default:
		return "UNKNOWN: " + reason
	}
}
