package cli

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/foreshock/foreshock/release"
)

// why sets an explanation as text for a screen. Only queries may be wider:
// they are there to be copied.
func (s screen) why(ex release.Explanation) string {
	e := accountOf(ex)
	p := &page{screen: s}
	l := lookOf(e.Verdict)
	p.line(p.paint(bold+";"+l.colour, l.icon+" "+e.Title))
	p.wrapped(e.span())
	p.line("")
	p.wrapped(e.Headline)
	for _, d := range e.Details {
		p.wrapped(d)
	}
	if c := e.Cause; c != nil {
		p.heading("Cause")
		p.wrapped(c.Text + " " + e.certainty())
		for _, f := range c.For {
			p.hang("for", 9, f)
		}
		for _, f := range c.Against {
			p.hang("against", 9, f)
		}
	} else if text := e.certainty(); text != "" {
		p.line("")
		p.wrapped(text)
	}
	p.whyTimeline(e)
	p.whyCharts(e)
	p.whyStages(e)
	for _, part := range e.parts() {
		p.heading(part.title)
		if part.note != "" {
			p.wrapped(part.note)
		}
		for _, i := range part.items {
			text := i.text
			if i.label != "" {
				text = i.label + ": " + text
			}
			p.hang("-", 2, text)
		}
	}
	p.whyReferences(e)
	return p.String()
}

func (p *page) heading(text string) {
	p.line("")
	p.line(p.paint(bold, strings.ToUpper(text)))
}

// hang writes a label in a column of some width and a text wrapped beside it.
func (p *page) hang(label string, width int, text string) {
	head := "  " + pad(label, width)
	for _, l := range wrap(text, p.width-2-width) {
		p.line(p.paint(faint, head) + l)
		head = strings.Repeat(" ", 2+width)
	}
}

func (p *page) whyTimeline(e account) {
	if len(e.Timeline) == 0 {
		return
	}
	p.heading("Timeline (UTC)")
	later := false
	for _, m := range e.Timeline {
		if m.Later && !later && !e.quiet() {
			p.line("  " + p.paint(faint, "-- what follows was seen only later"))
		}
		later = later || m.Later
		p.hang(e.at(m.At), len(e.clock)+2, m.Text)
	}
}

// whyCharts draws the signals that matter with the bars of a terminal.
func (p *page) whyCharts(e account) {
	if len(e.Charts) == 0 {
		return
	}
	p.heading("Signals")
	width := p.width - labels
	p.line(pad("", labels) + p.paint(faint, e.marks(width)))
	for _, c := range e.Charts {
		p.hang("["+itoa(c.Reference)+"]", labels-2, c.Name+": "+c.Text)
		drawn := sparks(squeeze(c.New, width), squeeze(c.Stable, width))
		name := "new"
		if len(c.Stable) == 0 {
			name = "all"
		}
		p.line(p.paint(faint, pad("  "+name, labels)) + p.paint(lookOf(e.Verdict).colour, drawn[0]))
		if len(c.Stable) > 0 {
			p.line(p.paint(faint, pad("  stable", labels)+drawn[1]))
		}
	}
	p.line(pad("", labels) + p.paint(faint, edges(e.at(e.Start), e.at(e.End), min(width, longest(e.Charts)))))
}

// marks writes the steps above the charts, where they were taken: "|10%".
func (e account) marks(width int) string {
	n := min(width, longest(e.Charts))
	line := []rune(strings.Repeat(" ", n))
	length := e.End.Sub(e.Start)
	if length <= 0 {
		return ""
	}
	put := func(when time.Time, text string) {
		at := int(float64(when.Sub(e.Start)) / float64(length) * float64(n-1))
		for i, r := range []rune(text) {
			if at+i < n {
				line[at+i] = r
			}
		}
	}
	for _, s := range e.Stages {
		put(s.At, "|"+percent(float64(s.Weight))+"%")
	}
	if e.At != nil && !e.quiet() && e.Outcome != release.OutcomeElsewhere {
		at := int(float64(e.At.Sub(e.Start)) / float64(length) * float64(n-1))
		for at < n-1 && line[at] != ' ' {
			at++
		}
		line[at] = []rune(lookOf(e.said()).icon)[0]
	}
	return string(line)
}

func longest(charts []release.Chart) int {
	n := 0
	for _, c := range charts {
		n = max(n, len(c.Times))
	}
	return n
}

// edges writes two texts at the ends of a line.
func edges(left, right string, width int) string {
	return left + strings.Repeat(" ", max(1, width-utf8.RuneCountInString(left)-utf8.RuneCountInString(right))) + right
}

// squeeze joins neighbours to their mean, until there are at most so many.
func squeeze(xs []release.Number, most int) []release.Number {
	if len(xs) <= most {
		return xs
	}
	out := make([]release.Number, most)
	for i := range out {
		var sum, n float64
		for _, x := range xs[i*len(xs)/most : (i+1)*len(xs)/most] {
			if v := float64(x); !math.IsNaN(v) {
				sum, n = sum+v, n+1
			}
		}
		out[i] = release.Number(sum / n) // NaN of none
	}
	return out
}

func (p *page) whyStages(e account) {
	if len(e.Stages) == 0 || len(e.Columns) == 0 {
		return
	}
	p.heading("Step by step (new / stable, mean of the step's second half)")
	for _, s := range e.Stages {
		when := percent(float64(s.Weight)) + " %"
		p.hang(e.at(s.At), len(e.clock)+2, pad(when, 7)+e.values(s))
	}
}

// values writes what the columns were at a step.
func (e account) values(s release.Stage) string {
	var out []string
	for i, v := range s.Values {
		out = append(out, e.column(i)+" "+v.Text)
	}
	return strings.Join(out, "; ")
}

// column names a column, with its reference.
func (e account) column(i int) string {
	return e.Columns[i].Name + " [" + itoa(e.Columns[i].Reference) + "]"
}

func (p *page) whyReferences(e account) {
	if len(e.References) == 0 {
		return
	}
	p.heading("Where the numbers come from")
	p.wrapped("PromQL as it was asked, at each frame. What is said is what 'foreshock replay' says of the same metrics.")
	for _, r := range e.References {
		p.line("  [" + itoa(r.Number) + "] " + p.paint(bold, r.Signal) + " of " + r.Service)
		for _, q := range queries(r) {
			p.line("      " + p.paint(faint, pad(q.label, 7)) + oneLine(q.text))
		}
	}
}

// queries lists the queries of a reference.
func queries(r release.Reference) []item {
	label := "new"
	if r.Stable == "" {
		label = "all"
	}
	out := []item{{label, r.New}}
	if r.Stable != "" {
		out = append(out, item{"stable", r.Stable})
	}
	if r.Limit != "" {
		out = append(out, item{"limit", r.Limit})
	}
	return out
}

func oneLine(query string) string { return strings.Join(strings.Fields(query), " ") }
