package release

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// ruledOut lists what it was not, and why.
func (x *explaining) ruledOut(keys []key) []Excluded {
	out := []Excluded{}
	out = append(out, x.otherCauses()...)
	out = append(out, x.otherReleases()...)
	if e, ok := x.elsewhere(keys); ok {
		out = append(out, e)
	}
	out = append(out, x.lookAlikes()...)
	if e, ok := x.unstressed(); ok {
		out = append(out, e)
	}
	if e, ok := x.unchanged(); ok {
		out = append(out, e)
	}
	return out
}

// otherCauses are the classes of cause but the likeliest, and those that are nearly as likely.
func (x *explaining) otherCauses() []Excluded {
	var out []Excluded
	if x.cause() == nil {
		return nil
	}
	for _, c := range x.a.Cause[1+len(x.open()):] {
		text := "nothing was seen that speaks for it"
		switch {
		case len(c.For) > 0 && len(c.Against) > 0:
			text = fmt.Sprintf("for it: %s; against it: %s", strings.Join(c.For, ", "), strings.Join(c.Against, ", "))
		case len(c.For) > 0:
			text = "for it: " + strings.Join(c.For, ", ")
		case len(c.Against) > 0:
			text += "; against it: " + strings.Join(c.Against, ", ")
		}
		out = append(out, Excluded{Kind: "cause", What: classText(c.Class), Probability: c.Probability, Text: text})
	}
	return out
}

// otherReleases are the other releases and changes in flight.
func (x *explaining) otherReleases() []Excluded {
	var out []Excluded
	for _, c := range x.a.Culprits {
		if guilty, ok := x.culprit(); c.ID == x.id || c.ID == none || x.outcome == OutcomeElsewhere && ok && guilty.ID == c.ID {
			continue
		}
		text := "in flight as well"
		if s := x.stories[c.ID]; s != nil {
			text += s.word(x.a.At)
		}
		if c.Probability >= 0.2 {
			text += "; it is not ruled out"
		}
		out = append(out, Excluded{Kind: "release", What: c.ID, Probability: c.Probability, Text: text})
	}
	return out
}

// word says what was said of a release at an instant, and nothing of what was
// said later.
func (s *story) word(at time.Time) string {
	i := len(s.turns) - 1
	for i >= 0 && s.turns[i].At.After(at) {
		i--
	}
	if i < 0 {
		return ", and nothing was said of it yet"
	}
	switch a := s.turns[i]; {
	case a.Warns():
		return ", and held to do harm of its own"
	case a.Reason == prevention.Elsewhere.String():
		return ", and held for an incident of another cause"
	default:
		return "; what was said of it was " + a.Verdict
	}
}

// elsewhere weighs that no release is to blame: what the stable version did at
// the same time tells.
func (x *explaining) elsewhere(keys []key) (Excluded, bool) {
	i := slices.IndexFunc(x.a.Culprits, func(c Culprit) bool { return c.ID == none })
	blamed := x.outcome == OutcomeStopped || x.outcome == OutcomeWarned
	if i < 0 || !blamed && x.outcome != OutcomeElsewhere {
		return Excluded{}, false
	}
	e := Excluded{Kind: "elsewhere", What: "somebody else's incident, the traffic or the time of day", Probability: x.a.Culprits[i].Probability}
	if x.outcome == OutcomeElsewhere {
		return Excluded{
			Kind: "release", What: x.subjectName() + " itself", Probability: x.a.Culprit,
			Text: "it is no worse than the stable version beside it, which fails as well",
		}, true
	}
	e.Text = x.beside(keys)
	return e, true
}

// beside says what the stable version did meanwhile.
func (x *explaining) beside(keys []key) string {
	switch {
	case x.change != nil:
		return "there is no part of the system without the change to compare with, only the time before it"
	case x.release.Control == "":
		return "there is no stable version beside it to compare with; before the first step it was not so"
	case x.silent():
		return "the stable version serves at the same time"
	case x.a.Reason == prevention.Together.String():
		return "the stable version fails as well, so it may be; but it began within a frame or two of this release, and no other release or change began then"
	}
	for _, k := range keys {
		if k.evidence == nil || !k.evidence.Decided || k.service != x.own {
			continue
		}
		_, stable := x.lines(k.service, k.signal)
		before := x.courses.mean(stable, x.start, x.begun())
		now := float64(k.evidence.Was)
		if math.IsNaN(before) || math.IsNaN(now) {
			continue
		}
		text := fmt.Sprintf("the stable version runs beside it on the same traffic, and its %s %s was %s before the release and is %s",
			x.call(k.service, k.signal), x.ref(k.service, k.signal), x.format(k.signal, before), x.format(k.signal, now))
		if by := float64(k.evidence.Value) - now; (now-before)*by > 0 && math.Abs(now-before) > 0.25*math.Abs(by) {
			text += ": it moved too, so a part of it may be shared"
		}
		return text
	}
	return "the stable version runs beside it on the same traffic"
}

// mistaken says what a pattern is mistaken for, and what told them apart.
var mistaken = map[pattern.Kind]string{
	pattern.Leak:          "a cache that fills, or the sawtooth of a collector: it neither slows down nor falls back",
	pattern.Step:          "a short spike: it stays",
	pattern.Ramp:          "a warm-up: it moves away from the stable version, not towards it",
	pattern.WarmupPattern: "a leak or a fault: it began high and came down by itself",
	pattern.CacheFill:     "a leak: it rises ever slower, towards the stable version",
	pattern.Sawtooth:      "a leak: it falls back again and again",
	pattern.TrafficGrowth: "a fault of the new version: the traffic of both grew",
	pattern.Flatline:      "",
	pattern.Drop:          "",
	pattern.Spike:         "",
	pattern.Oscillation:   "",
	pattern.Bimodal:       "",
}

// lookAlikes are what the patterns that were seen are mistaken for.
func (x *explaining) lookAlikes() []Excluded {
	var out []Excluded
	said := map[string]bool{}
	if x.change != nil {
		return nil // nobody knows in which service a pattern is
	}
	patterns := x.a.Patterns
	if x.outcome == OutcomeCleared {
		patterns = x.story.last.Patterns // the first sight of it was wrong
	}
	for _, p := range patterns {
		text := mistaken[pattern.Kind(p.Kind)]
		if text == "" || p.Probability < 0.5 || p.Signal == "" || said[p.Kind] || !x.spoke(p) {
			continue
		}
		said[p.Kind] = true
		what, why, _ := strings.Cut(text, ": ")
		why = fmt.Sprintf("%s is a %s, %s likely: %s", plainName(p.Signal), strings.ReplaceAll(p.Kind, "-", " "), chance(float64(p.Probability)), why)
		if p.Against != "" {
			why += "; but " + p.Against
		}
		out = append(out, Excluded{Kind: "look-alike", What: what, Probability: Number(math.NaN()), Text: why})
	}
	return out
}

// spoke says whether a pattern's signal is evidence, or the pattern is one of
// those that let a release off. What answers slowly or fails is never a leak.
func (x *explaining) spoke(p PatternSeen) bool {
	switch pattern.Kind(p.Kind) {
	case pattern.TrafficGrowth, pattern.WarmupPattern:
		return true
	case pattern.CacheFill, pattern.Sawtooth:
		k := x.kindOf(p.Signal)
		return k == signal.Memory || x.moved(p.Signal) && !prevention.Symptom(k)
	default:
		return x.decides(p.Signal)
	}
}

// moved says whether a signal is among the evidence.
func (x *explaining) moved(name string) bool {
	return slices.ContainsFunc(x.a.Evidence, func(e Evidence) bool { return e.Signal == name })
}

// stressed is how far the whole interval of a stress ratio has to lie from 1.
const stressed = 1.1

// unstressed are the domains of which the new version asks what the stable one
// does.
func (x *explaining) unstressed() (Excluded, bool) {
	var same []string
	for _, s := range x.a.Stress {
		if q := s.Ratio; q.P10 <= stressed && q.P90 >= 1/stressed && q.P90 < 2 && q.P10 > 0.5 {
			same = append(same, fmt.Sprintf("%s ×%.2f (%.2f to %.2f)", s.Domain, float64(q.P50), float64(q.P10), float64(q.P90)))
		}
	}
	if len(same) == 0 || x.change != nil {
		return Excluded{}, false
	}
	return Excluded{
		Kind: "unchanged", What: "work that costs more", Probability: Number(math.NaN()),
		Text: "for the same work it takes what the stable version takes of " + strings.Join(same, ", "),
	}, true
}

// unchanged are the signals that were compared and are no worse.
func (x *explaining) unchanged() (Excluded, bool) {
	n := x.a.Unchanged
	again, died := x.startedAgain(x.begun(), x.a.At)
	if died && !x.moved(x.sys.Signals[again.signal].Name) {
		n-- // too few to compare, and no sign of health
	}
	if n <= 0 {
		return Excluded{}, false
	}
	e := Excluded{
		Kind: "unchanged", Probability: Number(math.NaN()),
		What: fmt.Sprintf("%s no worse than %s, as far as was known at %s", x.count(n, "signal"), x.reference(), x.at(x.a.At)),
	}
	var names []string
	for id, s := range x.sys.Signals {
		if x.change != nil {
			break
		}
		subject, _ := x.lines(x.own, id)
		if subject.cohort == signal.Canary && s.Kind != signal.Traffic && x.heard(subject) && !x.courses.byLine[subject].first.After(x.a.At) &&
			!x.moved(s.Name) && (!died || again.signal != id) {
			names = append(names, plainName(s.Name))
		}
	}
	switch {
	case x.change != nil:
		e.Text = fmt.Sprintf("those of %s that are measured in %s", x.count(len(x.sys.Signals), "signal"), x.count(len(x.sys.Services), "service"))
	case len(names) == n:
		e.Text = strings.Join(names, ", ")
	default:
		e.Text = "among " + strings.Join(names, ", ")
	}
	return e, true
}
