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

// mostKeys is how many signals are drawn, and mostColumns by how many the
// steps are told.
const (
	mostKeys    = 6
	mostColumns = 3
)

// leaning is the log e-value from which a signal that did not decide is worth
// a look: by chance once in three thousand.
const leaning = 8

// A key is a signal that matters to the explanation.
type key struct {
	service, signal int
	evidence        *Evidence // nil when it did not speak
}

// keys returns the signals that matter, the most telling first: those that
// decided; of a version that serves nothing its traffic and who suffers; those
// of limits ahead; and where nothing moved, what users would feel first.
func (x *explaining) keys(sum Summary) []key {
	var out []key
	add := func(k key, at int) {
		if at = min(at, len(out)); !slices.ContainsFunc(out, func(o key) bool { return o.service == k.service && o.signal == k.signal }) {
			out = slices.Insert(out, at, k)
		}
	}
	quiet := x.outcome == OutcomeHealthy
	if !quiet {
		for _, e := range x.decided() {
			svc, id, _ := x.find(e.Service, e.Signal)
			add(key{svc, id, &e}, len(out))
		}
		for _, e := range x.a.Evidence {
			if svc, id, ok := x.find(e.Service, e.Signal); ok && !e.Decided && !e.Small && float64(e.Strength) > leaning {
				add(key{svc, id, &e}, len(out))
			}
		}
	}
	if x.silent() {
		x.first(add, len(out), signal.Traffic)
	}
	if x.silent() || x.outcome == OutcomeElsewhere {
		for _, s := range sum.Subsystems[:min(3, len(sum.Subsystems))] {
			if svc, id, ok := x.find(s.Service, s.Signal); ok && s.Score > 0 && (svc != x.own || !x.silent()) {
				add(key{service: svc, signal: id}, len(out))
			}
		}
	}
	at := min(1, len(out))
	for _, p := range x.a.Predictions {
		svc, id, ok := x.find(p.Service, p.Signal)
		switch {
		case !ok || quiet || !(p.Probability >= 0.5):
		case p.Weight == nil:
			add(key{service: svc, signal: id}, len(out))
		default:
			add(key{service: svc, signal: id}, at)
			at++
		}
	}
	if len(out) == 0 {
		for _, e := range x.a.Evidence { // what leans, or moved too little to matter
			if svc, id, ok := x.find(e.Service, e.Signal); ok {
				add(key{svc, id, &e}, len(out))
			}
		}
		for id, s := range x.sys.Signals { // the one that is the least sure
			if k := x.own; k >= 0 && strings.Contains(x.a.Sentence, " "+s.Name+" ") {
				add(key{service: k, signal: id}, len(out))
			}
		}
		x.first(add, len(out), signal.Errors, signal.Latency, signal.Memory)
	}
	return x.apart(out)[:min(mostKeys, len(out))]
}

// apart puts the first of each family, latency of its percentiles, before the
// others of it.
func (x *explaining) apart(keys []key) []key {
	var firsts, others []key
	seen := map[[2]string]bool{}
	for _, k := range keys {
		family := [2]string{x.sys.Services[k.service].Name, x.family(x.sys.Signals[k.signal].Name)}
		if seen[family] {
			others = append(others, k)
			continue
		}
		seen[family] = true
		firsts = append(firsts, k)
	}
	return append(firsts, others...)
}

// first adds, of each of some kinds, the first signal with a value.
func (x *explaining) first(add func(key, int), at int, kinds ...signal.Kind) {
	if x.own < 0 {
		return
	}
	for _, kind := range kinds {
		for id, s := range x.sys.Signals {
			subject, stable := x.lines(x.own, id)
			if s.Kind == kind && (x.heard(subject) || x.heard(stable)) {
				add(key{service: x.own, signal: id}, at)
				at++
				break
			}
		}
	}
}

// silent says whether the new version was found to serve nothing.
func (x *explaining) silent() bool { return x.a.Reason == prevention.Silent.String() }

// heard says whether a line ever had a value.
func (x *explaining) heard(k line) bool { c := x.courses.byLine[k]; return c != nil && c.frames > 0 }

// begun returns when the first step was taken, or the change made.
func (x *explaining) begun() time.Time {
	switch {
	case x.change != nil:
		return x.change.At
	case len(x.story.stages) > 0:
		return x.story.stages[0].at
	default:
		return x.end
	}
}

// stages tells the steps that were taken by the signals that matter.
func (x *explaining) stages(keys []key) ([]Column, []Stage) {
	columns, stages := []Column{}, []Stage{}
	if x.change != nil {
		return columns, stages
	}
	var told []key
	for _, k := range keys {
		if subject, _ := x.lines(k.service, k.signal); len(told) < mostColumns && x.heard(subject) {
			told = append(told, k)
			columns = append(columns, Column{
				Name: x.call(k.service, k.signal), Signal: x.sys.Signals[k.signal].Name, Service: x.sys.Services[k.service].Name,
				Unit: x.sys.Signals[k.signal].Unit.Base, Reference: x.number(k.service, k.signal),
			})
		}
	}
	for i, s := range x.story.stages {
		until := x.end.Add(x.sys.Interval)
		if i+1 < len(x.story.stages) {
			until = x.story.stages[i+1].at
		}
		out := Stage{
			Step: s.step, At: s.at, End: until, Weight: Number(100 * s.weight), Verdict: s.verdict,
			Later: s.at.After(x.a.At), Values: []Pair{},
		}
		if until.After(x.end) {
			out.End = x.end
		}
		for _, k := range told {
			p := x.pair(k, s.at.Add(until.Sub(s.at)/2), until)
			if math.IsNaN(float64(p.New)) && math.IsNaN(float64(p.Stable)) {
				p = x.pair(k, s.at, until) // it was too short for a second half
			}
			out.Values = append(out.Values, p)
		}
		stages = append(stages, out)
	}
	return columns, stages
}

// pair returns what a signal was on both sides over some time.
func (x *explaining) pair(k key, from, until time.Time) Pair {
	subject, stable := x.lines(k.service, k.signal)
	p := Pair{New: Number(x.courses.mean(subject, from, until)), Stable: Number(math.NaN())}
	p.Text = x.format(k.signal, float64(p.New))
	if stable == subject {
		return p
	}
	p.Stable = Number(x.courses.mean(stable, from, until))
	p.Text += " / " + x.format(k.signal, float64(p.Stable))
	return p
}

// charts draws the signals that matter.
func (x *explaining) charts(keys []key) []Chart {
	out := []Chart{}
	for _, k := range keys {
		sig := x.sys.Signals[k.signal]
		subject, stable := x.lines(k.service, k.signal)
		if !x.heard(subject) && !x.heard(stable) {
			continue
		}
		c := Chart{
			Name: x.call(k.service, k.signal), Signal: sig.Name, Service: x.sys.Services[k.service].Name, Unit: sig.Unit.Base, Reference: x.number(k.service, k.signal),
			Text: x.chartText(k), Times: x.courses.times, New: x.courses.numbers(subject), Stable: []Number{}, Limit: Number(math.NaN()),
		}
		if stable != subject {
			c.Stable = x.courses.numbers(stable)
		}
		for _, l := range []line{subject, stable} {
			if y := x.courses.byLine[l]; y != nil && !math.IsNaN(y.limit) {
				c.Limit = Number(y.limit)
				break
			}
		}
		if k.evidence != nil && k.evidence.Decided {
			if t, ok := x.onsetOf(sig.Name); ok {
				c.Onset = &t
			}
		}
		out = append(out, c)
	}
	return out
}

// chartText says what a chart shows.
func (x *explaining) chartText(k key) string {
	subject, stable := x.lines(k.service, k.signal)
	if k.evidence == nil {
		lately := func(l line) string {
			return x.format(k.signal, x.courses.mean(l, x.a.At.Add(-4*x.sys.Interval), x.a.At.Add(time.Nanosecond)))
		}
		text := lately(subject)
		if stable != subject {
			text += fmt.Sprintf(", stable version %s", lately(stable))
		}
		text += fmt.Sprintf(", over five frames up to %s", x.at(x.a.At))
		if before := x.courses.mean(stable, x.start, x.begun()); !math.IsNaN(before) {
			text += fmt.Sprintf("; before the first step %s", x.format(k.signal, before))
		}
		return text
	}
	e := k.evidence
	ref := "stable version"
	if x.change != nil || x.release.Control == "" {
		ref = "before"
	}
	text := fmt.Sprintf("%s at %s, %s %s", x.format(k.signal, float64(e.Value)), x.at(x.a.At), ref, x.format(k.signal, float64(e.Was)))
	switch odds := rarely(float64(e.Strength)); {
	case e.Small:
		text += "; certain, and too small to matter"
	case odds != "" && e.Decided:
		text += "; " + odds
	case float64(e.Strength) > leaning:
		text += "; beyond chance, and by itself no harm"
	case !e.Decided:
		text += "; may be chance"
	}
	if x.change != nil {
		return text // nobody knows in which service a pattern is
	}
	for _, p := range x.a.Patterns {
		if p.Signal == e.Signal && p.Probability >= 0.5 && p.Kind != string(pattern.Step) {
			return text + "; " + strings.ReplaceAll(p.Kind, "-", " ") + ": " + p.Evidence
		}
	}
	return text
}
