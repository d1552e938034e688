package cli

import (
	"math"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
)

// A screen is what text is written for: so many columns, with colour or
// without. Colour repeats what words and icons say already.
type screen struct {
	width  int
	colour bool
}

// Columns of a screen that is no terminal, and the least and most that are
// used of one.
const (
	plainWidth = 80
	leastWidth = 60
	mostWidth  = 100
)

// screen looks at standard output and the environment.
func (a *app) screen() screen {
	width, ok := terminal(a.stdout)
	return screenOf(width, ok, os.Getenv)
}

// screenOf decides on columns and colour. Colour needs a terminal that knows
// it, and a user who does not refuse it (no-color.org).
func screenOf(width int, isTerminal bool, env func(string) string) screen {
	if !isTerminal {
		return screen{width: plainWidth}
	}
	return screen{
		width:  max(leastWidth, min(width, mostWidth)),
		colour: env("NO_COLOR") == "" && env("TERM") != "dumb" && env("TERM") != "",
	}
}

// The colours, as ANSI codes.
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	purple = "35"
	cyan   = "36"
)

func (s screen) paint(code, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// A look is how a verdict is drawn.
type look struct{ icon, word, colour string }

func lookOf(verdict string) look {
	word := strings.ToUpper(verdict)
	switch verdict {
	case prevention.Promote.String():
		return look{"✔", word, green}
	case prevention.Hold.String():
		return look{"॥", word, yellow}
	case prevention.Rollback.String():
		return look{"✖", word, red}
	case prevention.Escalate.String():
		return look{"⚠", word, purple}
	default:
		return look{"◌", "UNKNOWN", cyan}
	}
}

// verdict draws a verdict: an icon, and the word in capitals.
func (s screen) verdict(v string) string {
	l := lookOf(v)
	return s.paint(bold+";"+l.colour, l.icon+" "+l.word)
}

// A page is text that grows line by line.
type page struct {
	screen
	strings.Builder
}

// line writes a line without spaces at its end.
func (p *page) line(text string) {
	p.WriteString(strings.TrimRight(text, " "))
	p.WriteByte('\n')
}

// labels is the width of the column of labels.
const labels = 11

// row writes a label and a text that is wrapped beside it.
func (p *page) row(label, text string) {
	head := strings.Repeat(" ", 2) + label + strings.Repeat(" ", max(1, labels-utf8.RuneCountInString(label)-2))
	for _, l := range wrap(text, p.width-labels) {
		p.line(p.paint(faint, head) + l)
		head = strings.Repeat(" ", labels)
	}
}

// wrapped writes a text wrapped and indented.
func (p *page) wrapped(text string) {
	for _, l := range wrap(text, p.width-2) {
		p.line("  " + l)
	}
}

// wrap breaks text at spaces into lines of at most width characters. A word
// that is longer stands alone. A number stays with its "%".
func wrap(text string, width int) []string {
	const joined = "\u00a0"
	text = strings.NewReplacer(" %", joined+"%").Replace(text)
	var lines []string
	line := ""
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\n' || r == '\t' }) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], joined, " ")
	}
	return lines
}

// pad fills a text with spaces up to a width.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

var bars = []rune("▁▂▃▄▅▆▇█")

// sparks draws series on one scale, the newest value last. A missing value
// is a gap.
func sparks(series ...[]release.Number) []string {
	low, high, longest := math.Inf(1), math.Inf(-1), 0
	for _, xs := range series {
		longest = max(longest, len(xs))
		for _, x := range xs {
			if v := float64(x); !math.IsNaN(v) {
				low, high = math.Min(low, v), math.Max(high, v)
			}
		}
	}
	out := make([]string, len(series))
	for i, xs := range series {
		drawn := []rune(strings.Repeat(" ", longest))
		for k, x := range xs {
			v := float64(x)
			if math.IsNaN(v) {
				continue
			}
			level := 0
			if high > low {
				level = min(len(bars)-1, int((v-low)/(high-low)*float64(len(bars))))
			}
			drawn[longest-len(xs)+k] = bars[level]
		}
		out[i] = string(drawn)
	}
	return out
}
