package cli

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/foreshock/foreshock/release"
)

func itoa(n int) string { return strconv.Itoa(n) }

// whyMarkdown sets an explanation for an issue or a chat: lists and code, and
// no table, which a chat does not know.
func whyMarkdown(ex release.Explanation) string {
	e := accountOf(ex)
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("## %s %s\n\n**%s**\n", lookOf(e.Verdict).icon, mark(e.Title), mark(e.Headline))
	for _, d := range e.Details {
		say("%s\n", mark(d))
	}
	if c := e.Cause; c != nil {
		say("**Cause.** %s %s", mark(c.Text), e.certainty())
		for _, f := range c.For {
			say("- for: %s", mark(f))
		}
		for _, f := range c.Against {
			say("- against: %s", mark(f))
		}
		say("")
	}
	if len(e.Timeline) > 0 {
		say("### Timeline (UTC)\n")
		for _, m := range e.Timeline {
			later := ""
			if m.Later && e.Outcome != release.OutcomeHealthy && e.Outcome != release.OutcomeUnknown {
				later = " *(seen later)*"
			}
			say("- `%s` %s%s", e.at(m.At), mark(m.Text), later)
		}
		say("")
	}
	if len(e.Charts) > 0 {
		say("### Signals\n\n```text")
		p := &page{screen: screen{width: plainWidth}}
		p.whyCharts(e)
		_, charts, _ := strings.Cut(strings.TrimLeft(p.String(), "\n"), "\n")
		say("%s```\n", charts)
	}
	if len(e.Stages) > 0 && len(e.Columns) > 0 {
		say("### Step by step\n\nNew version / stable version, mean of each step's second half.\n")
		for _, s := range e.Stages {
			var values []string
			for i, v := range s.Values {
				values = append(values, e.column(i)+" "+v.Text)
			}
			say("- `%s` **%s %%** %s", e.at(s.At), percent(float64(s.Weight)), mark(strings.Join(values, "; ")))
		}
		say("")
	}
	for _, p := range e.parts() {
		say("### %s\n", p.title)
		if p.note != "" {
			say("%s\n", p.note)
		}
		for _, i := range p.items {
			if i.label != "" {
				say("- **%s**: %s", mark(i.label), mark(i.text))
				continue
			}
			say("- %s", mark(i.text))
		}
		say("")
	}
	if len(e.References) > 0 {
		say("### Where the numbers come from\n\n```text")
		for _, r := range e.References {
			say("[%d] %s of %s", r.Number, r.Signal, r.Service)
			for _, q := range queries(r) {
				say("    %-7s%s", q.label, oneLine(q.text))
			}
		}
		say("```\n")
	}
	say("%s. Written by `foreshock why`.", mark(e.span()))
	return b.String()
}

var markup = regexp.MustCompile("<([A-Za-z/!])|([*`])")

// mark keeps a text from being read as markup.
func mark(text string) string {
	return markup.ReplaceAllStringFunc(text, func(m string) string {
		if strings.HasPrefix(m, "<") {
			return "&lt;" + m[1:]
		}
		return `\` + m
	})
}
