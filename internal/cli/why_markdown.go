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
	m := &markdown{account: accountOf(ex)}
	m.say("## %s %s\n\n**%s**\n", lookOf(m.Verdict).icon, mark(m.Title), mark(m.Headline))
	for _, d := range m.Details {
		m.say("%s\n", mark(d))
	}
	if c := m.Cause; c != nil {
		m.say("**Cause.** %s %s\n", mark(c.Text), m.certainty())
		for _, f := range c.For {
			m.say("- for: %s", mark(f))
		}
		for _, f := range c.Against {
			m.say("- against: %s", mark(f))
		}
		m.say("")
	}
	m.timeline()
	m.signals()
	for _, p := range m.parts() {
		m.say("### %s\n", p.title)
		if p.note != "" {
			m.say("%s\n", p.note)
		}
		for _, i := range p.items {
			if i.label != "" {
				m.say("- **%s**: %s", mark(i.label), mark(i.text))
				continue
			}
			m.say("- %s", mark(i.text))
		}
		m.say("")
	}
	m.references()
	m.say("%s. Written by `foreshock why`.", mark(m.span()))
	return m.String()
}

// markdown is an issue in the making.
type markdown struct {
	account
	strings.Builder
}

func (m *markdown) say(format string, args ...any) { fmt.Fprintf(&m.Builder, format+"\n", args...) }

func (m *markdown) timeline() {
	if len(m.Timeline) == 0 {
		return
	}
	m.say("### Timeline (UTC)\n")
	for _, t := range m.Timeline {
		later := ""
		if t.Later && !m.quiet() {
			later = " *(seen later)*"
		}
		m.say("- `%s` %s%s", m.at(t.At), mark(t.Text), later)
	}
	m.say("")
}

// signals sets the charts as a terminal draws them, and the steps.
func (m *markdown) signals() {
	if len(m.Charts) > 0 {
		m.say("### Signals\n\n```text")
		p := &page{screen: screen{width: plainWidth}}
		p.whyCharts(m.account)
		_, charts, _ := strings.Cut(strings.TrimLeft(p.String(), "\n"), "\n")
		m.say("%s```\n", charts)
	}
	if len(m.Stages) == 0 || len(m.Columns) == 0 {
		return
	}
	m.say("### Step by step\n\nNew version / stable version, mean of each step's second half.\n")
	for _, s := range m.Stages {
		m.say("- `%s` **%s %%** %s", m.at(s.At), percent(float64(s.Weight)), mark(m.values(s)))
	}
	m.say("")
}

func (m *markdown) references() {
	if len(m.References) == 0 {
		return
	}
	m.say("### Where the numbers come from\n\n```text")
	for _, r := range m.References {
		m.say("[%d] %s of %s", r.Number, r.Signal, r.Service)
		for _, q := range queries(r) {
			m.say("    %-7s%s", q.label, oneLine(q.text))
		}
	}
	m.say("```\n")
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
