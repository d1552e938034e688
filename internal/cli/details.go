package cli

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// details writes the evidence behind one assessment. Of a promote only what
// moved all the same, and what is ahead, is said.
func (r *report) details(a *release.Assessment) {
	if a.Unknown != nil && !strings.Contains(a.Sentence, a.Unknown.Needs) {
		r.row("to know", needed(a.Unknown))
	}
	if a.Verdict != "promote" {
		r.ladder(a)
		r.evidence(a)
	}
	r.ahead(a)
	if a.Reason != "none" && a.Reason != "thin" && a.Reason != "elsewhere" {
		r.cause(a)
		r.patterns(a)
	}
	r.stress(a)
	if a.Unchanged > 0 {
		r.row("~", "no sign of harm in "+count(a.Unchanged, "signal"))
	}
}

func needed(u *release.Unknowing) string {
	if u.ETA == "" {
		return u.Needs
	}
	return u.Needs + ", about " + u.ETA
}

// ladder writes the rungs with the times of their onsets, and the next one.
func (r *report) ladder(a *release.Assessment) {
	var rungs []string
	for _, c := range a.Ladder {
		when := r.at(c.Onset.P50)
		if c.Onset.P90.Sub(c.Onset.P10) >= 3*r.played.rec.Interval {
			when = r.at(c.Onset.P10) + "–" + r.at(c.Onset.P90)
		}
		if c.Signal != c.Rung {
			rungs = append(rungs, fmt.Sprintf("%s %s (%s)", when, c.Rung, c.Signal))
			continue
		}
		rungs = append(rungs, when+" "+c.Rung)
	}
	if len(rungs) > 0 {
		r.row("ladder", strings.Join(rungs, " → "))
	}
	if a.Next == nil {
		return
	}
	text := a.Next.Rung + "; too few rungs yet to say when"
	if in := a.Next.In; in != nil {
		text = fmt.Sprintf("%s in about %s (%s to %s)%s", a.Next.Rung, in.P50, in.P10, in.P90, soFar(a.Next.Record))
	}
	r.row("next", text)
}

// The most signals that are shown, and the widths of their columns.
const (
	mostSignals = 4
	nameWidth   = 17
	valueWidth  = 23
	oddsWidth   = 14
)

// evidence writes the signals that decided, or where none did, those that
// lean.
func (r *report) evidence(a *release.Assessment) {
	var shown []release.Evidence
	for _, e := range a.Evidence {
		if e.Decided {
			shown = append(shown, e)
		}
	}
	rest := len(a.Evidence) - len(shown)
	if len(shown) == 0 {
		shown, rest = a.Evidence, 0
	}
	if len(shown) == 0 {
		return
	}
	over := max(0, len(shown)-mostSignals)
	was := "stable → new"
	if a.Service == "" {
		was = "before → now"
	}
	r.line("  " + r.paint(faint, pad("signal", nameWidth)+pad(was, valueWidth)+pad("by chance", oddsWidth)+r.wide("last frames")))
	for _, e := range shown[:len(shown)-over] {
		r.signal(a, e)
	}
	if over+rest > 0 {
		r.row("", count(over+rest, "more signal")+" moved")
	}
}

// signal writes one signal: what it was and is, how likely that is by
// chance, and how it went, the new version above the stable one.
func (r *report) signal(a *release.Assessment, e release.Evidence) {
	name := e.Signal
	if a.Service == "" {
		name += " of " + e.Service
	}
	was, now := r.value(e.Signal, e.Was), r.value(e.Signal, e.Value)
	if number, unit, ok := strings.Cut(was, " "); ok && strings.HasSuffix(now, " "+unit) {
		was = number
	}
	values := was + " → " + now
	names, numbers := nameWidth, valueWidth
	if len([]rune(name)) >= names || len([]rune(values)) >= numbers {
		r.line("  " + name)
		name, names, numbers = "", 2, nameWidth+valueWidth-2
	}
	draws := sparks(e.Tail, e.WasTail)
	above, below := "", ""
	if len(e.WasTail) > 0 && r.wide("new") != "" {
		above, below = "new    ", "stable "
	}
	r.line("  " + pad(name, names) + r.paint(bold, pad(values, numbers-1)) + " " + pad(odds(e), oddsWidth-1) + " " +
		r.paint(faint, above) + r.paint(lookOf(a.Verdict).colour, r.wide(draws[0])))
	if below != "" {
		r.line(strings.Repeat(" ", 2+nameWidth+valueWidth+oddsWidth) + r.paint(faint, below+draws[1]))
	}
}

// wide leaves out what a narrow screen has no place for.
func (r *report) wide(text string) string {
	if r.width < plainWidth {
		return ""
	}
	return text
}

// odds says how rarely evidence as strong as this comes by chance: an e-value
// of E comes up at most once in E times when nothing is wrong.
func odds(e release.Evidence) string {
	strength := float64(e.Strength)
	switch {
	case e.Small:
		return "too small"
	case math.IsNaN(strength):
		return ""
	case strength >= math.Log(1e6):
		return "<1 in 10^6"
	case strength < math.Log(2):
		return "may be"
	default:
		n := math.Exp(strength)
		if unit := math.Pow(10, math.Floor(math.Log10(n))-1); unit >= 1 {
			n = math.Floor(n/unit) * unit
		}
		return "1 in " + signal.Thousands(math.Floor(n))
	}
}

// ahead writes the predictions, and whom the next step would reach.
func (r *report) ahead(a *release.Assessment) {
	for _, p := range a.Predictions {
		what := p.Signal
		if p.Service != "" && p.Service != a.Service {
			what += " of " + p.Service
		}
		likely := fmt.Sprintf("; %s likely", chancePercent(float64(p.Probability))) + soFar(p.Record)
		switch {
		case p.Inferred():
			r.row("ahead", inferredText(&p))
		case a.Met(&p):
			r.row("ahead", fmt.Sprintf("%s is at its limit by now, with %s %% of traffic", what, percent(float64(a.Weight)))+soFar(p.Record))
		case p.Kind == "daily-peak":
			r.row("ahead", fmt.Sprintf("%s reaches its limit about %s (%s), if the day goes as it usually does%s", what, r.far(p.At.P50), r.between(p.At), likely))
		case p.At != nil:
			r.row("ahead", fmt.Sprintf("%s reaches its limit about %s (%s)%s", what, r.far(p.At.P50), r.between(p.At), likely))
		case p.Weight != nil:
			r.row("ahead", fmt.Sprintf("%s meets its limit at %.0f %% of traffic (%.0f to %.0f)%s", what, float64(p.Weight.P50),
				float64(p.Weight.P10), float64(p.Weight.P90), likely))
		case p.Kind == "cascade":
			r.cascade(&p)
		case p.Reason != "":
			r.row("ahead", fmt.Sprintf("%s may meet its limit; %s", what, p.Reason))
		default:
			r.row("ahead", p.Kind+" "+what+likely)
		}
	}
	r.reach(a)
	r.whatNext(a)
}

// inferredText writes where a release fails by a limit that nobody set: what it
// goes by, and why that is all, or how right such words were.
func inferredText(p *release.Prediction) string {
	if p.Reason != "" {
		return p.Text + "; " + p.Reason
	}
	return p.Text + soFar(p.Record)
}

// far writes an instant ahead, with its date when it is not of the
// recording's days, or "later" when it is beyond a year.
func (r *report) far(t time.Time) string {
	end := r.played.rec.End
	switch {
	case t.Sub(end) > 365*24*time.Hour:
		return "more than a year ahead"
	case t.Sub(end) > 12*time.Hour:
		return t.UTC().Format("Jan 02 15:04")
	default:
		return r.at(t)
	}
}

func (r *report) between(t *release.Times) string { return r.far(t.P10) + " to " + r.far(t.P90) }

// cause writes the two likeliest classes of cause, with what speaks for and
// against each.
func (r *report) cause(a *release.Assessment) {
	for i, c := range a.Cause[:min(2, len(a.Cause))] {
		label := "cause"
		if i > 0 {
			label = "or"
		}
		text := c.Class + " " + chancePercent(float64(c.Probability))
		if len(c.For) > 0 {
			text += "; for: " + strings.Join(c.For, ", ")
		}
		if len(c.Against) > 0 {
			text += "; against: " + strings.Join(c.Against, ", ")
		}
		r.row(label, text)
	}
}

// patterns writes the likeliest pattern of each kind, two at most.
func (r *report) patterns(a *release.Assessment) {
	said := map[string]bool{}
	for _, p := range a.Patterns {
		if p.Probability < 0.5 || p.Signal == "" || said[p.Kind] || len(said) == 2 {
			continue
		}
		said[p.Kind] = true
		r.row("pattern", fmt.Sprintf("%s in %s since %s, %s: %s", p.Kind, p.Signal, r.at(p.Onset.P50), chancePercent(float64(p.Probability)), p.Evidence))
	}
}

// moved is how far the whole interval of a stress ratio has to lie from 1.
const moved = 1.1

// stress writes the domains that the new version stresses otherwise.
func (r *report) stress(a *release.Assessment) {
	var out []string
	for _, s := range a.Stress {
		if q := s.Ratio; q.P10 > moved || q.P90 < 1/moved {
			out = append(out, fmt.Sprintf("%s ×%s (%s to %s) by %s", s.Domain, times(q.P50), times(q.P10), times(q.P90), s.Signal))
		}
	}
	if len(out) > 0 {
		r.row("stress", strings.Join(out, ", "))
	}
}

// times writes a factor to about two figures.
func times(n release.Number) string {
	if n >= 10 {
		return fmt.Sprintf("%.0f", float64(n))
	}
	return fmt.Sprintf("%.2f", float64(n))
}
