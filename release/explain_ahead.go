package release

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// said tells what was to come, as it was said at the moment that is
// explained. Nothing later went into it.
func (x *explaining) said() []Remark {
	out := []Remark{}
	add := func(kind, format string, args ...any) { out = append(out, Remark{kind, fmt.Sprintf(format, args...)}) }
	if x.outcome == OutcomeHealthy || x.outcome == OutcomeUnknown || x.outcome == OutcomeElsewhere {
		if x.a.NextStep != nil {
			add("harm", "Harm by going on, at the step to %s %% or one after it, was %s likely.", percent(float64(x.a.NextStep.Weight)), chance(float64(x.a.Harm)))
		}
		return out
	}
	if x.a.NextStep != nil && !x.silent() {
		text := fmt.Sprintf("Going on does harm, at the step to %s %% or one after it: %s likely.", percent(float64(x.a.NextStep.Weight)), chance(float64(x.a.Harm)))
		if safe := x.a.NextStep.Safe; safe > x.a.Weight {
			text += fmt.Sprintf(" Up to %s %% is safe.", whole(safe))
		}
		add("harm", "%s", text)
	}
	out = append(out, x.foretold()...)
	if n := x.a.Next; n != nil && x.a.Warns() {
		switch {
		case n.In != nil:
			add("next", "Next on the failure ladder: %s, in about %s (%s to %s), by the order %q%s.", n.Rung, n.In.P50, n.In.P10, n.In.P90, n.Order, n.Record.after())
		default:
			add("next", "Next on the failure ladder: %s, by the order %q; one rung does not tell when.", n.Rung, n.Order)
		}
	}
	for _, h := range x.a.WhatNext {
		if h.Watch != "" && x.a.Warns() {
			add("watch", "%s likely to be the first to come: %s; %s.", chance(float64(h.Probability)), h.Text, h.Watch)
		}
	}
	if text := x.reached(); text != "" {
		add("reach", "%s.", text)
	}
	return out
}

// foretold are the predictions, and before them where it was last said to fail.
func (x *explaining) foretold() []Remark {
	var out []Remark
	if text := x.earlier(); text != "" {
		out = append(out, Remark{"fails-at", text})
	}
	for _, p := range x.a.Predictions {
		if text := x.predicted(p); text != "" {
			out = append(out, Remark{p.Kind, text})
		}
	}
	return out
}

// earlier tells where it was last said to fail, before it was there, and when it
// came there; "" where that is still to come.
func (x *explaining) earlier() string {
	f := x.story.limit
	if f == nil || !f.at.Before(x.a.At) {
		return ""
	}
	if now := x.a.FailsAt(); now != nil && !now.Inferred() && !x.a.Met(now) {
		return ""
	}
	svc, id, ok := x.find(f.Service, f.Signal)
	if !ok {
		return ""
	}
	limit := float64(*f.Limit)
	text := fmt.Sprintf("Said at %s, with %s %% of the traffic: %s %s meets its limit of %s at %s %% of the traffic (%s), %s likely by 100 %%%s.",
		x.at(f.at), percent(float64(f.weight)), x.call(svc, id), x.ref(svc, id), x.format(id, limit), whole(f.Weight.P50), weights(*f.Weight),
		chance(float64(f.Probability)), f.Record.after())
	subject, _ := x.lines(svc, id)
	if _, at, met := x.courses.passes(subject, f.at, limit); met && !at.After(x.a.At) {
		text += fmt.Sprintf(" It was there, or within a hundredth of it, at %s%s.", x.at(at), x.under(at))
	}
	return text
}

// reached says whom it reaches; "" where nothing is warned of.
func (x *explaining) reached() string {
	b := x.a.BlastRadius
	if b == nil || b.Now <= 0 || !x.a.Warns() {
		return ""
	}
	text := fmt.Sprintf("By its weight %s %% of the requests to %s reach it", percent(100*float64(b.Now)), x.a.Service)
	if b.NextStep > b.Now {
		text += fmt.Sprintf(", and %s %% would after the next step", percent(100*float64(b.NextStep)))
	}
	if users := b.Users.String(); users != "" {
		text += "; " + users
	}
	return text
}

func (x *explaining) predicted(p Prediction) string {
	svc, id, ok := x.find(p.Service, p.Signal)
	if !ok {
		return ""
	}
	name := fmt.Sprintf("%s %s", x.call(svc, id), x.ref(svc, id))
	limit := "its limit"
	if p.Limit != nil {
		limit = "its limit of " + x.format(id, float64(*p.Limit))
	}
	switch {
	case p.Text != "" && p.At == nil:
		return x.told(p)
	case x.a.Met(&p):
		return fmt.Sprintf("%s is at %s by now, with %s %% of the traffic%s.", name, limit, percent(float64(x.a.Weight)), p.Record.after())
	case p.Weight != nil:
		text := fmt.Sprintf("%s meets %s at %s %% of the traffic (%s): %s likely by 100 %%", name, limit, whole(p.Weight.P50), weights(*p.Weight), chance(float64(p.Probability)))
		if p.NextStep != nil {
			text += fmt.Sprintf(", %s at the next step", chance(float64(*p.NextStep)))
		}
		return text + p.Record.after() + "."
	case p.Kind == dailyPeak:
		return fmt.Sprintf("%s reaches %s at about %s (%s to %s), if the day goes as it usually does: %s likely%s.", name, limit, x.far(p.At.P50, *p.At), x.far(p.At.P10, *p.At), x.far(p.At.P90, *p.At), chance(float64(p.Probability)), p.Record.after())
	case p.At != nil:
		text := fmt.Sprintf("%s reaches %s at about %s (%s to %s), if nobody acts: %s likely%s", name, limit, x.far(p.At.P50, *p.At), x.far(p.At.P10, *p.At), x.far(p.At.P90, *p.At), chance(float64(p.Probability)), p.Record.after())
		if p.Text != "" {
			text += "; " + p.Text
		}
		return text + "."
	case p.Reason != "":
		return fmt.Sprintf("%s may meet %s; at which share of the traffic is %s.", name, limit, p.Reason)
	}
	return ""
}

// told is a prediction that says itself what it is, as a sentence. A cascade
// tells its reason in its text.
func (x *explaining) told(p Prediction) string {
	text := strings.ToUpper(p.Text[:1]) + p.Text[1:]
	if p.NextStep != nil {
		text += fmt.Sprintf("; %s likely at the next step", chance(float64(*p.NextStep)))
	}
	if p.Reason != "" && p.Inferred() {
		text += "; " + p.Reason
	}
	return text + p.Record.after() + "."
}

// far writes an instant ahead, with its day when some of its interval is not
// near the moment that is explained.
func (x *explaining) far(t time.Time, all Times) string {
	switch {
	case t.Sub(x.a.At) > 365*24*time.Hour:
		return "more than a year ahead"
	case all.P90.Sub(x.a.At) > 12*time.Hour:
		return t.UTC().Format("Jan 02 15:04")
	default:
		return x.at(t)
	}
}

// later tells what came after the moment that is explained.
func (x *explaining) later(keys []key) []Remark {
	out := []Remark{}
	if !x.end.After(x.a.At) || x.outcome == OutcomeHealthy || x.outcome == OutcomeUnknown {
		return out
	}
	add := func(kind, format string, args ...any) { out = append(out, Remark{kind, fmt.Sprintf(format, args...)}) }
	if text := x.wentOn(); text != "" {
		add("step", "%s", text)
	}
	for _, p := range x.a.Predictions {
		if text := x.came(p); text != "" {
			add(p.Kind, "%s", text)
		}
	}
	if text := x.story.cascade; text != "" && x.story.cascadeAt.After(x.a.At) {
		add("cascade", "Said at %s: %s.", x.at(x.story.cascadeAt), text)
	}
	if x.a.Next != nil && x.a.Warns() {
		add("next", "%s", x.followed(x.a.Next))
	}
	if n, ok := x.startedAgain(x.begun(), x.end); ok && n.at.After(x.a.At) {
		add("restart", "At %s %s.", x.at(n.at), x.againText(n))
	}
	for _, k := range keys[:min(mostColumns, len(keys))] {
		if k.evidence == nil {
			continue
		}
		if text := x.worst(k); text != "" {
			add("signal", "%s", text)
		}
	}
	if c := x.story.calm; c != nil && x.end.Sub(*c) >= 3*x.sys.Interval {
		add("calm", "%s", "At "+x.at(*c)+": "+x.calmText()+".")
	}
	return out
}

// followed says what came of the rung that was said to be next.
func (x *explaining) followed(n *Next) string {
	said := fmt.Sprintf("%s, said at %s to be next", n.Rung, x.at(x.a.At))
	if n.In != nil {
		said += " in about " + n.In.P50
	}
	switch c, ok := x.story.rungs[n.Rung]; {
	case ok && !c.Onset.P50.After(x.a.At):
		return fmt.Sprintf("%s, had begun already: at %s, in %s; that was beyond chance only later.", said, x.onset(c.Onset), plainName(c.Signal))
	case ok:
		return fmt.Sprintf("%s, followed at %s, in %s: %s after it was said.", said, x.onset(c.Onset), plainName(c.Signal), shortDuration(c.Onset.P50.Sub(x.a.At)))
	case !x.shows(n.Rung):
		return said + ": whether it came nobody can tell, as no signal shows it."
	default:
		return fmt.Sprintf("%s: no signal of it was worse beyond chance by %s.", said, x.at(x.end))
	}
}

// shows says whether a signal with values stands on a rung.
func (x *explaining) shows(rung string) bool {
	for k, c := range x.courses.byLine {
		if c.frames > 0 && x.near(k.service) && pattern.RungOf(x.sys.Signals[k.signal].Kind).String() == rung {
			return true
		}
	}
	return false
}

// came says whether a prediction came true in what is on record.
func (x *explaining) came(p Prediction) string {
	svc, id, ok := x.find(p.Service, p.Signal)
	if !ok || p.Weight == nil && p.At == nil || p.Weight != nil && defective(x.sys.Signals[id]) {
		return "" // of all the work of a service together there is no line
	}
	subject, _ := x.lines(svc, id)
	limit := math.NaN()
	if c := x.courses.byLine[subject]; c != nil {
		limit = c.limit
	}
	if p.Limit != nil {
		limit = float64(*p.Limit)
	}
	name := fmt.Sprintf("%s %s", x.call(svc, id), x.ref(svc, id))
	if x.courses.several(subject) {
		name = "The worst instance's " + name
	}
	if math.IsNaN(limit) {
		return ""
	}
	most, at, met := x.courses.passes(subject, x.a.At, limit)
	if met {
		return fmt.Sprintf("%s reached its limit of %s, or came within a hundredth of it, at %s%s; said at %s was %s.", name, x.format(id, limit), x.at(at), x.under(at), x.at(x.a.At), x.saidOf(p))
	}
	if math.IsNaN(most) {
		return fmt.Sprintf("%s had no value any more.", name)
	}
	text := fmt.Sprintf("%s came to %s at %s%s; its limit is %s", name, x.format(id, most), x.at(at), x.under(at), x.format(id, limit))
	switch {
	case p.Weight != nil && x.most() < float64(p.Weight.P10):
		text += "; the traffic at which it was to meet it was not reached"
	case p.At != nil && x.end.Before(p.At.P10):
		text += "; the record ends before the time that was said"
	}
	return text + "."
}

// saidOf says where or when a limit was said to be met.
func (x *explaining) saidOf(p Prediction) string {
	switch {
	case x.a.Met(&p):
		return "that it was there"
	case p.Weight != nil:
		return fmt.Sprintf("about %s %% of the traffic (%s)", whole(p.Weight.P50), weights(*p.Weight))
	}
	return fmt.Sprintf("about %s (%s to %s)", x.far(p.At.P50, *p.At), x.far(p.At.P10, *p.At), x.far(p.At.P90, *p.At))
}

// under says the traffic on the new version at an instant.
func (x *explaining) under(at time.Time) string {
	for _, s := range slices.Backward(x.story.stages) {
		if !s.at.After(at) {
			return fmt.Sprintf(", with %s %% of the traffic on it", percent(100*s.weight))
		}
	}
	return ""
}

// most returns the largest weight that was reached, in percent.
func (x *explaining) most() float64 {
	most := 0.0
	for _, s := range x.story.stages {
		most = math.Max(most, 100*s.weight)
	}
	return most
}

// worst says how far a signal went after the moment that is explained.
func (x *explaining) worst(k key) string {
	subject, stable := x.lines(k.service, k.signal)
	d := x.sys.Signals[k.signal].Direction()
	if d == signal.Both && k.evidence.Value < k.evidence.Was {
		d = signal.Down
	}
	v, at := x.courses.extreme(subject, x.a.At.Add(x.sys.Interval), d)
	if math.IsNaN(v) {
		return ""
	}
	name := x.call(k.service, k.signal) + " " + x.ref(k.service, k.signal)
	text := fmt.Sprintf("%s went to %s at %s", name, x.format(k.signal, v), x.at(at))
	if now := float64(k.evidence.Value); math.Abs(v-now) <= 0.05*math.Abs(now) {
		text = fmt.Sprintf("%s went no further: it was at %s at %s", name, x.format(k.signal, v), x.at(at))
	}
	if stable != subject {
		other := x.courses.mean(stable, at, at.Add(time.Duration(x.courses.per)*x.sys.Interval))
		if !math.IsNaN(other) {
			text += fmt.Sprintf(", and the stable version was at %s", x.format(k.signal, other))
		}
	}
	return text + "."
}
