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
	var out keys
	if x.outcome != OutcomeHealthy {
		x.spoken(&out)
		x.suffering(&out, sum)
		x.limits(&out)
	}
	if len(out) == 0 {
		x.quietKeys(&out)
	}
	out = x.apart(out)
	return out[:min(mostKeys, len(out))]
}

// keys are signals without a double.
type keys []key

// put adds a key at a place, or at the end when there is no such place.
func (ks *keys) put(at int, k key) {
	if !slices.ContainsFunc(*ks, func(o key) bool { return o.service == k.service && o.signal == k.signal }) {
		*ks = slices.Insert(*ks, min(at, len(*ks)), k)
	}
}

func (ks *keys) add(k key) { ks.put(len(*ks), k) }

// spoken adds the evidence that decided, and what is beyond chance besides.
func (x *explaining) spoken(out *keys) {
	for _, e := range x.decided() {
		svc, id, _ := x.find(e.Service, e.Signal)
		out.add(key{svc, id, &e})
	}
	for _, e := range x.a.Evidence {
		if svc, id, ok := x.find(e.Service, e.Signal); ok && !e.Decided && !e.Small && float64(e.Strength) > leaning {
			out.add(key{svc, id, &e})
		}
	}
}

// suffering adds, of a version that serves nothing, of an incident elsewhere, or of a
// release that waits for a service that it calls, the services that reacted most.
func (x *explaining) suffering(out *keys, sum Summary) {
	silent := x.silent()
	if silent {
		x.first(out, signal.Traffic)
	}
	hurts := silent && strings.Contains(x.a.Sentence, "callers suffer")
	waits := strings.Contains(x.a.Sentence, itCalls)
	if !hurts && !waits && x.outcome != OutcomeElsewhere {
		return
	}
	if waits {
		defer x.first(out, signal.Errors, signal.Latency) // and that it does well itself
	}
	for _, s := range sum.Subsystems[:min(3, len(sum.Subsystems))] {
		if svc, id, ok := x.find(s.Service, s.Signal); ok && s.Score > 0 && (svc != x.own || !silent) {
			out.add(key{service: svc, signal: id})
		}
	}
}

// limits adds the signals that are to meet a limit: with more traffic right
// behind the first, with more time at the end.
func (x *explaining) limits(out *keys) {
	at := 1
	for _, p := range x.a.Predictions {
		svc, id, ok := x.find(p.Service, p.Signal)
		switch {
		case !ok || !(p.Probability >= 0.5):
		case p.Weight == nil:
			out.add(key{service: svc, signal: id})
		default:
			out.put(at, key{service: svc, signal: id})
			at++
		}
	}
}

// quietKeys adds what leans or moved too little to matter, what is the least
// sure, and what users would feel first.
func (x *explaining) quietKeys(out *keys) {
	for _, e := range x.a.Evidence {
		if svc, id, ok := x.find(e.Service, e.Signal); ok {
			out.add(key{svc, id, &e})
		}
	}
	for id, s := range x.sys.Signals {
		if x.own >= 0 && strings.Contains(x.a.Sentence, " "+s.Name+" ") {
			out.add(key{service: x.own, signal: id})
		}
	}
	x.first(out, signal.Errors, signal.Latency, signal.Memory)
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
func (x *explaining) first(out *keys, kinds ...signal.Kind) {
	for _, kind := range kinds {
		id := slices.IndexFunc(x.sys.Signals, func(s signal.Signal) bool { return s.Kind == kind && x.own >= 0 && x.measured(s.Name) })
		if id >= 0 {
			out.add(key{service: x.own, signal: id})
		}
	}
}

// measured says whether a signal of the released service ever had a value.
func (x *explaining) measured(name string) bool {
	id := slices.IndexFunc(x.sys.Signals, func(s signal.Signal) bool { return s.Name == name })
	subject, stable := x.lines(x.own, id)
	return x.heard(subject) || x.heard(stable)
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
		if c := x.courses.byLine[stable]; stable != subject && c != nil && c.frames > 0 && c.last.Before(x.a.At.Add(-4*x.sys.Interval)) {
			text += fmt.Sprintf(", stable version no value since %s", x.at(c.last))
		} else if stable != subject {
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
		text += "; the difference may be chance"
	}
	if x.change != nil || x.outcome == OutcomeCleared {
		return text // nobody knows in which service a pattern is, or it was none
	}
	for _, p := range x.a.Patterns {
		if p.Signal == e.Signal && p.Probability >= 0.5 && p.Kind != string(pattern.Step) {
			return text + "; " + strings.ReplaceAll(p.Kind, "-", " ") + ": " + p.Evidence
		}
	}
	return text
}
