package release

import (
	"fmt"
	"slices"
	"strings"

	"github.com/foreshock/foreshock/prevention"
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
		OutcomeStopped: "roll back", OutcomeWarned: "hold, probably its doing", OutcomeCleared: "held, and cleared", OutcomeHeld: "hold", OutcomeElsewhere: "hold, not laid to it",
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
	case x.a.Reason == prevention.Together.String():
		return fmt.Sprintf("A person must look at %s: %s.", who, text)
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
		add(x.runsOut())
		if n, ok := x.startedAgain(x.begun(), x.a.At); ok {
			add(fmt.Sprintf("From %s on %s.", x.at(n.at), x.againText(n)))
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
		if x.a.Met(&p) {
			return fmt.Sprintf("is at a limit by %s, with %s %% of the traffic: %s %s at %s", x.at(x.a.At), percent(float64(x.a.Weight)), x.call(svc, id), x.ref(svc, id), x.format(id, float64(*p.Limit)))
		}
		return fmt.Sprintf("fails at about %s %% (%s), where %s %s meets its limit of %s",
			whole(p.Weight.P50), weights(*p.Weight), x.call(svc, id), x.ref(svc, id), x.format(id, float64(*p.Limit)))
	}
	return ""
}

// runsOut says when a limit is met if nobody acts; "" when none is likely to be.
func (x *explaining) runsOut() string {
	for _, p := range x.a.Predictions {
		if p.At != nil && p.Probability >= 0.5 {
			return fmt.Sprintf("Said at %s: %s", x.at(x.a.At), x.predicted(p))
		}
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
