package release

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// subjectName names the new version, or the change.
func (x *explaining) subjectName() string {
	switch {
	case x.change != nil && x.change.What != "":
		return fmt.Sprintf("%s (%s)", x.id, x.change.What)
	case x.change != nil:
		return x.id
	case x.release.To != "":
		return x.sys.Services[x.own].Name + " " + x.release.To
	default:
		return x.id
	}
}

// versions says "cart 2.14.0 → 2.15.0".
func (x *explaining) versions() string {
	if x.change != nil || x.release.To == "" {
		return x.subjectName()
	}
	from := x.release.From
	if from == "" {
		from = "?"
	}
	return fmt.Sprintf("%s %s → %s", x.sys.Services[x.own].Name, from, x.release.To)
}

func (x *explaining) title() string {
	what := map[string]string{
		OutcomeStopped: "roll back", OutcomeWarned: "hold, probably its doing", OutcomeCleared: "held, and cleared", OutcomeHeld: "hold", OutcomeElsewhere: "hold, not its doing",
		OutcomeUnknown: "not known yet", OutcomeHealthy: "no harm", OutcomeNotBegun: "not begun",
	}[x.outcome]
	if x.outcome == OutcomeStopped && x.change != nil {
		what = "undo it"
	}
	if x.a != nil && x.a.Verdict == prevention.Escalate.String() {
		what = "a person must decide"
	}
	return x.versions() + ": " + what
}

// headline says in one sentence what happened, and what to do.
func (x *explaining) headline() string {
	who := x.subjectName()
	switch x.outcome {
	case OutcomeNotBegun:
		return fmt.Sprintf("%s has not begun: no step of it was taken by %s, so there is nothing to explain.", who, x.at(x.end))
	case OutcomeHealthy:
		return x.healthyText()
	case OutcomeUnknown:
		reason, _, _ := strings.Cut(reasonOf(x.a.Sentence), "; it takes")
		return fmt.Sprintf("Whether %s does harm is not known yet: %s.", who, strings.TrimSuffix(reason, "."))
	case OutcomeCleared:
		return x.clearedText()
	case OutcomeElsewhere:
		return fmt.Sprintf("Something is wrong, and it is not laid to %s: %s", who, reasonOf(x.a.Sentence))
	case OutcomeHeld:
		if f := x.foreseen(); f != "" && !x.worse() {
			return fmt.Sprintf("%s does no harm with %s %% of the traffic on it, but more will: it %s.", who, percent(float64(x.a.Weight)), f)
		}
		return fmt.Sprintf("%s should wait for a person: %s", who, reasonOf(x.a.Sentence))
	}
	text := strings.TrimSuffix(x.harmText(), ".")
	switch {
	case x.a.Reason == prevention.UnsafeRollback.String():
		return text + "; going back is not safe, so a person must decide."
	case x.outcome == OutcomeWarned:
		return text + "; take no further step with it."
	case x.change != nil:
		return text + "; undo it."
	default:
		return text + "; roll it back."
	}
}

// clearedText is about a release that was warned of, wrongly or too early.
func (x *explaining) clearedText() string {
	why := firstOf(reasonOf(x.a.Sentence))
	if e, ok := x.lead(); ok && !x.silent() {
		svc, id, _ := x.find(e.Service, e.Signal)
		why = fmt.Sprintf("%s was %s %s against %s %s", x.call(svc, id), x.format(id, float64(e.Value)), x.ref(svc, id),
			x.format(id, float64(e.Was)), strings.TrimPrefix(x.reference(), "it was "))
	}
	until := x.story.last.At
	if x.story.calm != nil {
		until = *x.story.calm
	}
	now := "nothing speaks against it now"
	if x.story.last.Verdict != prevention.Promote.String() {
		now = "what it does is not known now"
	}
	return fmt.Sprintf("%s was suspect from %s on: %s; by %s the suspicion had passed, and %s.", x.subjectName(), x.at(x.a.At), why, x.at(until), now)
}

// firstOf returns the first sentence of a text, without its full stop.
func firstOf(text string) string {
	text, _, _ = strings.Cut(text, ". ")
	return strings.TrimSuffix(text, ".")
}

// details say what more is to be known at once.
func (x *explaining) details() []string {
	out := []string{}
	add := func(text string) {
		if text != "" {
			out = append(out, text)
		}
	}
	switch x.outcome {
	case OutcomeNotBegun:
	case OutcomeHealthy:
		if x.story.elsewhere > 0 {
			add(fmt.Sprintf("For %s it was held for an incident of another cause.", x.count(x.story.elsewhere, "frame")))
		}
	case OutcomeUnknown, OutcomeCleared:
		if u := x.story.last.Unknown; u != nil {
			text := "What would make it known: " + u.Needs
			if u.ETA != "" {
				text += ", about " + u.ETA
			}
			add(text + ".")
		}
	case OutcomeElsewhere:
		if c, ok := x.culprit(); ok {
			add(fmt.Sprintf("The likely culprit is %s (%s).", c.ID, chance(float64(c.Probability))))
		}
	case OutcomeHeld:
		add(x.wentOn())
	default:
		if f := x.foreseen(); f != "" {
			add("It " + f + ".")
		}
		add(x.adviceText())
		add(x.wentOn())
	}
	return out
}

// culprit returns the other release that is to blame more likely than not.
func (x *explaining) culprit() (Culprit, bool) {
	if len(x.a.Culprits) > 0 {
		if c := x.a.Culprits[0]; c.ID != x.id && c.ID != none && c.Probability >= 0.5 {
			return c, true
		}
	}
	return Culprit{}, false
}

// worse says whether a signal is worse beyond chance.
func (x *explaining) worse() bool {
	return slices.ContainsFunc(x.a.Evidence, func(e Evidence) bool { return e.Decided })
}

// reasonOf cuts the advice off a sentence: what stands behind the first colon.
func reasonOf(sentence string) string {
	if _, reason, ok := strings.Cut(sentence, ": "); ok {
		return reason
	}
	return sentence
}

func (x *explaining) healthyText() string {
	text := fmt.Sprintf("Nothing here is the doing of %s: %s", x.subjectName(), x.count(x.a.Unchanged+len(x.a.Evidence), "signal"))
	if x.release != nil {
		text += fmt.Sprintf(" of it, up to %s %% of the traffic,", percent(float64(x.a.Weight)))
	}
	return text + " show no harm."
}

func (x *explaining) count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// harmText says what was wrong with the new version.
func (x *explaining) harmText() string {
	who := x.subjectName()
	if x.a.Reason == prevention.Silent.String() {
		reason := firstOf(reasonOf(x.a.Sentence))
		if rest, ok := strings.CutPrefix(reason, "the new version "); ok {
			return who + " " + rest
		}
		return who + ": " + reason
	}
	e, ok := x.lead()
	if !ok {
		return fmt.Sprintf("%s: %s", who, reasonOf(x.a.Sentence))
	}
	svc, id, _ := x.find(e.Service, e.Signal)
	if x.change != nil {
		reason, _, _ := strings.Cut(reasonOf(x.a.Sentence), ". It ")
		reason, _, _ = strings.Cut(reason, "; next to expect")
		return fmt.Sprintf("Since %s the system is worse: %s %s.", who, strings.TrimSuffix(reason, "."), x.ref(svc, id))
	}
	name, mark := x.call(svc, id), x.ref(svc, id)
	values := fmt.Sprintf("%s %s against %s %s", x.format(id, float64(e.Value)), mark, x.format(id, float64(e.Was)), strings.TrimPrefix(x.reference(), "it was "))
	since, known := x.onsetOf(e.Signal)
	switch {
	case x.leaks(e.Signal):
		return fmt.Sprintf("%s takes ever more %s since about %s: %s.", who, name, x.at(since.P50), values)
	case known:
		return fmt.Sprintf("%s does harm since about %s: %s is %s.", who, x.at(since.P50), name, values)
	default:
		return fmt.Sprintf("%s does harm: %s is %s.", who, name, values)
	}
}

// reference names what the new version is compared with.
func (x *explaining) reference() string {
	if x.change != nil || x.release.Control == "" {
		return "it was before"
	}
	return "on the stable version"
}

// lead returns the evidence that the explanation begins with: a symptom, if
// one decided, and of those the strongest.
func (x *explaining) lead() (Evidence, bool) {
	if es := x.decided(); len(es) > 0 {
		return es[0], true
	}
	return Evidence{}, false
}

// decided returns the evidence that decided, symptoms first, the strongest
// first.
func (x *explaining) decided() []Evidence {
	var out []Evidence
	for _, e := range x.a.Evidence {
		if _, _, ok := x.find(e.Service, e.Signal); ok && e.Decided {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b Evidence) int {
		return cmp.Or(cmp.Compare(x.nearness(a), x.nearness(b)), cmp.Compare(b.Strength, a.Strength))
	})
	return out
}

// nearness orders signals by how directly users feel them.
func (x *explaining) nearness(e Evidence) int {
	switch k := x.kindOf(e.Signal); {
	case k == signal.Dependency || k == signal.Retries:
		return 1
	case prevention.Symptom(k):
		return 0
	default:
		return 2
	}
}

// onsetOf returns when a signal moved, by its own rung, or its pattern, or
// the rung of its kind. Of a change nobody knows whose rung it is.
func (x *explaining) onsetOf(name string) (Times, bool) {
	if x.change != nil {
		return Times{}, false
	}
	for _, c := range x.a.Ladder {
		if c.Signal == name {
			return c.Onset, true
		}
	}
	for _, p := range x.a.Patterns {
		if p.Signal == name && p.Probability >= 0.5 {
			return p.Onset, true
		}
	}
	for _, c := range x.a.Ladder {
		if pattern.RungOf(x.kindOf(name)).String() == c.Rung {
			return c.Onset, true
		}
	}
	return Times{}, false
}

func (x *explaining) leaks(name string) bool {
	return slices.ContainsFunc(x.a.Patterns, func(p PatternSeen) bool {
		return p.Kind == string(pattern.Leak) && p.Signal == name && p.Probability >= 0.5
	})
}

// adviceText says when it would have been warned of and stopped.
func (x *explaining) adviceText() string {
	var parts []string
	w, s := x.story.warn, x.story.stop
	if s == nil {
		s = x.story.call
	}
	if w != nil && (s == nil || w.At.Before(s.At)) {
		parts = append(parts, "would have warned at "+x.at(w.At)+x.shareAt(w, s))
	}
	if s != nil {
		did := "stopped it"
		switch {
		case s.Verdict == prevention.Escalate.String():
			did = "called a person"
		case x.change != nil:
			did = "asked to undo it"
		}
		parts = append(parts, "would have "+did+" at "+x.at(s.At)+x.shareAt(s, nil))
	}
	text := "Foreshock " + strings.Join(parts, ", and ")
	if s != nil && s.NextStep != nil {
		text += fmt.Sprintf(", before the step to %s %%", percent(float64(s.NextStep.Weight)))
	}
	return text + "."
}

// shareAt says the traffic on the new version, unless the next assessment
// says the same.
func (x *explaining) shareAt(a, next *Assessment) string {
	if x.change != nil || next != nil && next.Weight == a.Weight {
		return ""
	}
	return fmt.Sprintf(", with %s %% of the traffic on it", percent(float64(a.Weight)))
}

// wentOn says what the rollout did after the moment that is explained.
func (x *explaining) wentOn() string {
	if x.change != nil || !x.end.After(x.a.At) {
		return ""
	}
	var later []stage
	for _, s := range x.story.stages {
		if s.at.After(x.a.At) {
			later = append(later, s)
		}
	}
	now := x.exposure[x.subject].Weight
	switch {
	case len(later) == 1:
		return fmt.Sprintf("The rollout went on: %s %% at %s.", percent(100*later[0].weight), x.at(later[0].at))
	case len(later) > 1:
		l := later[len(later)-1]
		return fmt.Sprintf("The rollout went on: %s %% at %s, up to %s %% at %s.",
			percent(100*later[0].weight), x.at(later[0].at), percent(100*l.weight), x.at(l.at))
	case 100*now < float64(x.a.Weight)-0.5:
		return fmt.Sprintf("By %s it was back at %s %%.", x.at(x.end), percent(100*now))
	default:
		return fmt.Sprintf("The rollout took no further step by %s.", x.at(x.end))
	}
}

// foreseen says at which exposure a limit is met; "" when none is likely to
// be.
func (x *explaining) foreseen() string {
	for _, p := range x.a.Predictions {
		svc, id, ok := x.find(p.Service, p.Signal)
		if !ok || p.Weight == nil || p.Limit == nil || p.Probability < 0.5 {
			continue
		}
		return fmt.Sprintf("fails at about %s %% (%s), where %s %s meets its limit of %s",
			whole(p.Weight.P50), weights(*p.Weight), x.call(svc, id), x.ref(svc, id), x.format(id, float64(*p.Limit)))
	}
	return ""
}

func whole(n Number) string { return fmt.Sprintf("%.0f", float64(n)) }

// weights writes an interval of percents of traffic.
func weights(q Quantiles) string {
	if q.P90 > 100 {
		return whole(q.P10) + " to over 100"
	}
	return whole(q.P10) + " to " + whole(q.P90)
}
