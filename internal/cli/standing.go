package cli

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/foreshock/foreshock/backtest"
	"github.com/foreshock/foreshock/release"
)

// backtest writes the result of a backtest. Where harmed requests are counted
// it begins with them; without, it is the table of scores. What other tools
// would have done stands one release a line.
func (s screen) backtest(r scored) string {
	p := &page{screen: s}
	p.width = max(p.width, plainWidth)
	if r.Harm == nil {
		p.WriteString(s.scores(r))
		if tools := others(r.Recordings); len(tools) > 0 {
			tools = append([]string{backtest.Guard}, tools...)
			p.line("")
			p.acts(r.Recordings, tools)
			p.line("")
			p.tallies(r.Recordings, tools)
		}
		p.record(r.Record)
		return p.String()
	}
	tools := append([]string{backtest.Guard}, others(r.Recordings)...)
	p.standings(r.Harm, tools)
	p.line("")
	p.ours(r)
	if len(r.Harm.Faults) > 1 {
		p.line("")
		p.faults(r.Harm, tools)
	}
	p.line("")
	p.acts(r.Recordings, tools)
	p.line("")
	uncounted := slices.DeleteFunc(slices.Clone(r.Recordings), func(x backtest.Score) bool { return x.Counted })
	if len(uncounted) == 0 {
		p.totals(r.Total)
		p.record(r.Record)
		return p.String()
	}
	p.line(p.paint(faint, "recordings whose harmed requests nobody counted, and the totals of all"))
	p.WriteString(s.scores(scored{Recordings: uncounted, Total: r.Total}))
	p.record(r.Record)
	return p.String()
}

// others lists the other tools that were played.
func others(scores []backtest.Score) []string {
	var names []string
	for _, s := range scores {
		for _, x := range s.Policies {
			if x.Policy != backtest.Guard && x.Policy != backtest.Gate && !slices.Contains(names, x.Policy) {
				names = append(names, x.Policy)
			}
		}
	}
	return names
}

// The widths of the tables that compare policies. With all tools they fill a
// hundred columns.
const (
	policyLabel  = 26
	policyColumn = 10
	actColumn    = 13
)

// compared is one line of a table that compares policies: a label, and texts
// set to the right.
func compared(label string, texts ...string) string {
	return rightSet(fit(label, policyLabel), policyLabel, policyColumn, texts)
}

// rightSet writes a label of some width and texts to the right of columns.
func rightSet(label string, width, column int, texts []string) string {
	var line strings.Builder
	line.WriteString(pad(label, width))
	for _, t := range texts {
		line.WriteString(strings.Repeat(" ", max(1, column-utf8.RuneCountInString(t))) + t)
	}
	return line.String()
}

// standings writes the table that compares policies: first of all, whom they
// harmed.
func (p *page) standings(h *backtest.Harm, tools []string) {
	header := append([]string{"nobody"}, tools...)
	header = slices.Insert(header, 2, "as a gate")
	columns := append([]string{tools[0], backtest.Gate}, tools[1:]...)
	p.line(p.paint(bold, compared("users harmed", header...)))
	halves := []struct {
		name string
		s    backtest.Standing
	}{{"", h.All}, {"  tune half", h.Tune}, {"  test half", h.Test}}
	row := func(label string, nobody func(backtest.Standing) string, cell func(backtest.Standing, backtest.PolicyStanding) string) {
		for i, half := range halves {
			name := half.name
			if i == 0 {
				name = label
			} else if half.s.Recordings == 0 {
				continue
			}
			texts := []string{nobody(half.s)}
			for _, c := range columns {
				texts = append(texts, policyText(half.s, c, cell))
			}
			p.line(compared(name, texts...))
		}
	}
	row("in all", func(s backtest.Standing) string { return thousands(s.Nobody) },
		func(_ backtest.Standing, x backtest.PolicyStanding) string { return thousands(x.Harmed) })
	row("median of a fault", func(s backtest.Standing) string { return thousands(s.NobodyMedian) },
		func(_ backtest.Standing, x backtest.PolicyStanding) string { return thousands(x.Median) })
	row("healthy, wrongly stopped", func(backtest.Standing) string { return "-" },
		func(s backtest.Standing, x backtest.PolicyStanding) string { return ofSome(x.Stopped, s.Healthy) })
	halves = halves[:1]
	p.line("")
	none := func(backtest.Standing) string { return "" }
	row("healthy, rolled back", none, func(s backtest.Standing, x backtest.PolicyStanding) string { return ofSome(x.RolledBack, s.Healthy) })
	row("healthy, kept from a step", none, func(s backtest.Standing, x backtest.PolicyStanding) string { return ofSome(x.Held, s.Healthy) })
	row("healthy, held at the end", none, func(s backtest.Standing, x backtest.PolicyStanding) string {
		return ofSome(x.Waiting-x.Unknown, s.Healthy)
	})
	row("healthy, unknown at the end", none, func(s backtest.Standing, x backtest.PolicyStanding) string { return ofSome(x.Unknown, s.Healthy) })
	row("fails later: averted", none, func(s backtest.Standing, x backtest.PolicyStanding) string { return ofSome(x.Averted, s.Later) })
	row("fails at once: in 1st step", none, func(s backtest.Standing, x backtest.PolicyStanding) string { return ofSome(x.InFirst, s.AtOnce) })
	row("could judge nothing", none, func(_ backtest.Standing, x backtest.PolicyStanding) string { return blank0(x.Blind) })
	p.line("")
	p.row("harmed", "requests that failed or took longer than the objective because of a faulty release, until it was stopped; nobody: if nobody acts")
	p.row("averted", "stopped, or not let on, before the share of traffic at which it fails; at once: it fails within its first step, and was stopped there")
	p.row("kept", "not stopped, and some step of it would have begun later than it did, or never; or held or unknown at the end")
	p.row("gate", "foreshock stops at rollback and escalate, and waits at hold; as a gate, every step needs a promote")
}

// policyText writes one policy's cell, "-" when it was not played.
func policyText(s backtest.Standing, name string, cell func(backtest.Standing, backtest.PolicyStanding) string) string {
	for _, x := range s.Policies {
		if x.Policy == name {
			return cell(s, x)
		}
	}
	return "-"
}

// ofSome writes "2/12", "-" of none.
func ofSome(k, n int) string { return dash(n > 0, fmt.Sprintf("%d/%d", k, n)) }

func blank0(n int) string { return dash(n > 0, fmt.Sprint(n)) }

// thousands writes a count with commas: 12,345; "-" when there is none.
func thousands(n release.Number) string {
	if isNaN(n) {
		return "-"
	}
	digits := fmt.Sprintf("%.0f", math.Abs(float64(n)))
	var out []string
	for len(digits) > 3 {
		out = append([]string{digits[len(digits)-3:]}, out...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, out...), ",")
}

// ours writes what is said of our own verdicts alone.
func (p *page) ours(r scored) {
	s := r.Harm.All
	p.total("a healthy step waited, median", waited(s.Delay))
	if s.CauseOf > 0 {
		p.total("cause right", share(s.CauseRight, s.CauseOf)+"; always the commonest: "+hundred(s.MajorityClass))
	}
	n, held := 0, 0
	var lines []string
	for _, x := range r.Recordings {
		for _, sub := range x.Subjects {
			f := sub.Foretold
			if !x.Counted || f == nil {
				continue
			}
			n++
			held += one(f.Right)
			lines = append(lines, "  "+foretold(x, sub))
		}
	}
	if n == 0 {
		return
	}
	p.total("fails-at: right within its 80 %", share(held, n))
	for _, l := range lines {
		for _, w := range wrap(l, p.width-4) {
			p.line("  " + w)
		}
	}
}

// waited writes how long healthy steps stood.
func waited(d backtest.Delay) string {
	if d.Steps == 0 {
		return "none to tell from"
	}
	text := span(d.Median)
	if isNaN(d.Median) {
		text = "longer than the steps"
	}
	return fmt.Sprintf("%s (%d of %d steps without a promote before the next)", text, d.Censored, d.Steps)
}

// faults writes the median harm by fault.
func (p *page) faults(h *backtest.Harm, tools []string) {
	p.line(p.paint(faint, compared("by fault, median", append([]string{"nobody"}, tools...)...)))
	for _, f := range h.Faults {
		texts := []string{thousands(f.Nobody)}
		for _, name := range tools {
			i := slices.IndexFunc(f.Policies, func(x backtest.PolicyHarm) bool { return x.Policy == name })
			if i < 0 {
				texts = append(texts, "-")
				continue
			}
			texts = append(texts, thousands(f.Policies[i].Median))
		}
		p.line(compared(fmt.Sprintf("%s (%d)", f.Fault, f.Recordings), texts...))
	}
}

// acts writes what each policy would have done to each release: the harm of
// the recording, and what it did.
func (p *page) acts(scores []backtest.Score, tools []string) {
	label := 0
	for _, s := range scores {
		for i := range s.Subjects {
			label = max(label, utf8.RuneCountInString(releaseName(s, i))+1)
		}
	}
	label = max(len("release by release"), min(label, mostWidth-actColumn*(1+len(tools))))
	p.line(p.paint(faint, rightSet("release by release", label, actColumn, append([]string{"fails at"}, tools...))))
	for _, s := range scores {
		for i, sub := range s.Subjects {
			if !sub.Change {
				p.line(rightSet(fit(releaseName(s, i), label), label, actColumn, actsOf(s, i, tools)))
			}
		}
	}
	p.line("")
	p.row("✖20", "stopped at 20 % of the traffic")
	p.row("॥20", "not let on from 20 %; ॥20✖: and stopped later")
	p.row("→", "let on to the end; ?: had nothing to judge by")
	p.row("fails at", "traffic at which a faulty release fails")
}

// tallies counts what each policy would have done to faulty and to healthy
// releases.
func (p *page) tallies(scores []backtest.Score, tools []string) {
	p.line(p.paint(faint, compared("of all releases", tools...)))
	for _, row := range []struct {
		label string
		bad   bool
		did   func(backtest.Acted) bool
	}{
		{"faulty: stopped", true, func(a backtest.Acted) bool { return a.StoppedAt != nil }},
		{"faulty: kept from a step", true, func(a backtest.Acted) bool { return a.Held }},
		{"healthy: stopped", false, func(a backtest.Acted) bool { return a.StoppedAt != nil }},
		{"healthy: kept from a step", false, func(a backtest.Acted) bool { return a.Held }},
		{"healthy: held at the end", false, func(a backtest.Acted) bool { return a.Waiting && !a.Unknown }},
	} {
		var texts []string
		for _, name := range tools {
			k, n := 0, 0
			for _, s := range scores {
				played, _ := s.Of(name)
				for _, a := range played.Releases {
					n += one(a.Bad == row.bad)
					k += one(a.Bad == row.bad && row.did(a))
				}
			}
			texts = append(texts, ofSome(k, n))
		}
		p.line(compared(row.label, texts...))
	}
}

// releaseName names a release: the recording, with the release where there are
// several.
func releaseName(s backtest.Score, i int) string {
	releases := 0
	for _, x := range s.Subjects {
		releases += one(!x.Change)
	}
	switch {
	case releases == 1:
		return s.Recording
	case i == 0:
		return s.Recording + " " + s.Subjects[i].ID
	default:
		return "  " + s.Subjects[i].ID
	}
}

// actsOf returns the cells of one release.
func actsOf(s backtest.Score, i int, tools []string) []string {
	sub := s.Subjects[i]
	fails := "healthy"
	if sub.Bad {
		fails = "faulty"
	}
	if !isNaN(sub.FailsAt) {
		fails = percent(float64(sub.FailsAt)) + " %"
	}
	texts := []string{fails}
	for _, name := range tools {
		played, ok := s.Of(name)
		if !ok {
			texts = append(texts, "-")
			continue
		}
		text := actText(played.Releases[i])
		if sub.Bad && !isNaN(played.Harmed) {
			text = thousands(played.Harmed) + " " + pad(text, 4)
		}
		texts = append(texts, text)
	}
	return texts
}

// actText writes what was done to a release.
func actText(a backtest.Acted) string {
	text := ""
	if !isNaN(a.WaitedWeight) {
		text = "॥" + whole(a.WaitedWeight)
	}
	switch {
	case text != "" && a.StoppedAt != nil:
		return text + "✖"
	case a.StoppedAt != nil:
		return "✖" + whole(a.StoppedWeight)
	case text != "":
		return text
	case a.Blind:
		return "?"
	default:
		return "→"
	}
}

func whole(n release.Number) string { return fmt.Sprintf("%.0f", float64(n)) }
