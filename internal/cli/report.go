package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// moments are the assessments of one release that matter to its story.
type moments struct {
	promote, warn, stop, escalate *release.Assessment // the first of each; nil when there was none
	last                          *release.Assessment
}

// remember takes one assessment, in the order of time.
func remember(all map[string]*moments, a release.Assessment) {
	m := all[a.ID]
	if m == nil {
		m = &moments{}
		all[a.ID] = m
	}
	m.last = &a
	if m.promote == nil && a.Verdict == "promote" {
		m.promote = &a
	}
	if m.warn == nil && a.Warns() {
		m.warn = &a
	}
	if m.stop == nil && a.Verdict == "rollback" {
		m.stop = &a
	}
	if m.escalate == nil && a.Verdict == "escalate" {
		m.escalate = &a
	}
}

// shown is the moment to explain: the first stop, or else the first warning,
// or else the last word.
func (m *moments) shown() *release.Assessment {
	switch {
	case m.stop != nil:
		return m.stop
	case m.warn != nil:
		return m.warn
	default:
		return m.last
	}
}

// A report tells the story of one recording.
type report struct {
	page
	played *played
	clock  string // the layout of instants
}

// report writes the story of one recording, with the releases and changes
// that are wanted.
func (s screen) report(p *played, wanted []string, ms map[string]*moments) string {
	r := &report{page: page{screen: s}, played: p, clock: clockOf(p.rec.Interval, p.rec.End.Sub(p.rec.Start))}
	r.title()
	r.blame()
	said := map[string]bool{}
	for _, id := range worstFirst(wanted, ms) {
		r.line("")
		r.subject(id, ms[id], said)
	}
	for i, w := range p.summary.Warnings {
		if i == 0 {
			r.line("")
		}
		r.row("note", w.Text)
	}
	return r.String()
}

// worstFirst sorts ids by what a reader must see first, and else leaves their
// order.
func worstFirst(ids []string, ms map[string]*moments) []string {
	order := []string{"rollback", "escalate", "hold", "unknown", "promote"}
	rank := func(id string) int {
		if ms[id] == nil {
			return len(order)
		}
		k := slices.Index(order, ms[id].last.Verdict)
		if ms[id].warn != nil {
			k -= len(order)
		}
		return k
	}
	ids = slices.Clone(ids)
	slices.SortStableFunc(ids, func(a, b string) int { return rank(a) - rank(b) })
	return ids
}

// clockOf returns the layout that tells the frames of a recording apart.
func clockOf(interval, length time.Duration) string {
	layout := "15:04"
	if interval%time.Minute != 0 {
		layout += ":05"
	}
	if length >= 24*time.Hour {
		layout = "Jan 02 " + layout
	}
	return layout
}

func (r *report) at(t time.Time) string { return t.UTC().Format(r.clock) }

func (r *report) title() {
	rec := r.played.rec
	start := rec.Start.UTC()
	end := start.Add(time.Duration(r.played.frames-1) * rec.Interval)
	span := start.Format("2006-01-02 15:04") + " to "
	if end.Format(time.DateOnly) == start.Format(time.DateOnly) {
		span += end.Format("15:04")
	} else {
		span += end.Format("2006-01-02 15:04")
	}
	r.line(r.paint(bold, rec.Name) + "  " + span + " UTC")
	signals := count(len(r.played.sys.Signals), "signal")
	if r.played.asked > 0 {
		signals = fmt.Sprintf("%s asked, %d answered", count(r.played.asked, "signal"), r.played.seen)
	}
	r.wrapped(fmt.Sprintf("%s, one every %s; %s, %s", count(r.played.frames, "frame"), short(rec.Interval), count(len(r.played.sys.Services), "service"), signals))
}

// count says "1 frame" and "2 frames".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// short writes a span without its empty parts: "1m", "1h30m".
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// subject tells the story of one release or change. Caveats that were said
// already are not said again.
func (r *report) subject(id string, m *moments, said map[string]bool) {
	if m == nil {
		r.headline("", id, "")
		r.wrapped(r.notBegun(id))
		return
	}
	a := m.shown()
	r.headline(m.last.Verdict, id, r.facts(m))
	if a.Verdict != m.last.Verdict {
		r.wrapped("At " + r.at(a.At) + ": " + a.Sentence)
		r.wrapped("At " + r.at(m.last.At) + ": " + m.last.Sentence)
	} else {
		r.wrapped(a.Sentence)
	}
	r.details(a)
	for _, w := range a.Warnings {
		if !said[w.Text] {
			said[w.Text] = true
			r.row("note", w.Text)
		}
	}
}

// headline says verdict, name, versions and facts, on two lines when they do
// not fit on one.
func (r *report) headline(verdict, id, facts string) {
	l := lookOf(verdict)
	what := ""
	for _, rel := range r.played.sys.Releases {
		if rel.ID == id && (rel.From != "" || rel.To != "") {
			what = "  " + blank(rel.From) + " → " + blank(rel.To)
		}
	}
	for _, c := range r.played.sys.Changes {
		if c.ID == id {
			what = "  " + fit(c.What, max(1, r.width-len(l.word)-len(id)-6))
		}
	}
	name := id + what
	head := r.verdict(verdict) + "  " + r.paint(bold, name)
	plain := len([]rune(l.icon+" "+l.word+"  "+name)) + 2
	if facts != "" && plain+len([]rune(facts)) > r.width {
		r.line(head)
		for _, line := range wrap(facts, r.width-2) {
			r.line("  " + r.paint(faint, line))
		}
		return
	}
	r.line(head + "  " + r.paint(faint, facts))
}

func blank(version string) string {
	if version == "" {
		return "?"
	}
	return version
}

// facts says when it was decided, and how far the release had got.
func (r *report) facts(m *moments) string {
	var said []*release.Assessment
	var words []string
	add := func(word string, a *release.Assessment) {
		if a != nil && (len(said) == 0 || a.At.After(said[len(said)-1].At)) {
			said, words = append(said, a), append(words, word)
		}
	}
	if m.stop == nil || m.warn.At.Before(m.stop.At) {
		add("warned", m.warn)
	}
	add("stopped", m.stop)
	add("escalated", m.escalate)
	if len(said) == 0 && m.last.Verdict == "promote" {
		add("safe since", m.promote)
	}
	if len(said) == 0 {
		add("as of", m.last)
	}
	var text strings.Builder
	for i, a := range said {
		text.WriteString(words[i] + " " + r.at(a.At))
		if where := r.atWeight(a); i == len(said)-1 {
			text.WriteString(where)
		} else if where != r.atWeight(said[i+1]) {
			text.WriteString(where + ", ")
		} else {
			text.WriteString(", ")
		}
	}
	return text.String()
}

// atWeight says the exposure of a release at an assessment, "" for a change.
func (r *report) atWeight(a *release.Assessment) string {
	for _, rel := range r.played.sys.Releases {
		if rel.ID != a.ID {
			continue
		}
		step := 0
		for _, s := range rel.Steps {
			if !s.At.After(a.At) {
				step++
			}
		}
		return fmt.Sprintf(" at %s %% (step %d of %d)", percent(float64(a.Weight)), step, len(rel.Steps))
	}
	return ""
}

// percent writes a number of percent: 20, 33.3.
func percent(w float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", w), ".0") }

func (r *report) notBegun(id string) string {
	for _, rel := range r.played.sys.Releases {
		if rel.ID == id && len(rel.Steps) > 0 {
			return fmt.Sprintf("Not begun: its first step is at %s, and nothing is said of it before.", r.at(rel.Steps[0].At))
		}
	}
	for _, c := range r.played.sys.Changes {
		if c.ID == id {
			return fmt.Sprintf("Not begun: it is made at %s, and nothing is said of it before.", r.at(c.At))
		}
	}
	return "Not begun."
}

// blame says who did it, and what reacted worst.
func (r *report) blame() {
	sum := r.played.summary
	if len(sum.Releases) == 0 {
		return
	}
	var who []string
	for i, c := range sum.Culprits {
		if i == 0 || c.ID == "none" || c.Probability >= 0.05 {
			who = append(who, fmt.Sprintf("%s %s", c.ID, chancePercent(float64(c.Probability))))
		}
	}
	r.row("culprit", strings.Join(who, ", "))
	var reacted []string
	for _, s := range sum.Subsystems[:min(3, len(sum.Subsystems))] {
		if s.Score > 0 {
			reacted = append(reacted, fmt.Sprintf("%s (%s)", s.Service, s.Signal))
		}
	}
	if len(reacted) > 0 {
		r.row("reacted", strings.Join(reacted, ", then "))
	}
}

// chancePercent writes a probability so that neither "0 %" nor "100 %" is
// said of what is not certain.
func chancePercent(p float64) string {
	switch {
	case p > 0 && p < 0.01:
		return "<1 %"
	case p < 1 && p > 0.99:
		return ">99 %"
	default:
		return fmt.Sprintf("%.0f %%", 100*p)
	}
}

// value formats a value of a signal, by the signal's name.
func (r *report) value(name string, v release.Number) string {
	i := slices.IndexFunc(r.played.sys.Signals, func(s signal.Signal) bool { return s.Name == name })
	if i < 0 {
		return fmt.Sprint(float64(v))
	}
	return r.played.sys.Signals[i].Unit.Format(float64(v))
}
