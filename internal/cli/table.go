package cli

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/foreshock/foreshock/backtest"
	"github.com/foreshock/foreshock/release"
)

// The widths of the table's columns but the first.
var columns = []int{8, 6, 9, 8, 10, 9, 9}

// scores writes the score of each recording and the totals.
func (s screen) scores(r scored) string {
	p := &page{screen: s}
	p.width = max(p.width, plainWidth)
	first := p.width
	for _, w := range columns {
		first -= w
	}
	p.line(p.paint(faint, cells(first, "recording", "bad", "rank", "at", "delay", "cause", "healthy", "in time")))
	for _, x := range r.Recordings {
		p.recording(first, x)
	}
	p.line("")
	for _, l := range [][2]string{
		{"bad", "warned of (w) and contained in the first step (c), of so many"},
		{"rank", "of the culprit among all releases, or of the faulty service"},
		{"at", "traffic on the new version at the first warning"},
		{"delay", "of the first warning, since the fault began or else since the first step"},
		{"healthy", "not warned of, of so many; in time: promoted before the second step"},
	} {
		p.row(l[0], l[1])
	}
	p.line("")
	p.totals(r.Total)
	return p.String()
}

// cells sets texts in columns; the first is left, the others are right.
func cells(first int, name string, texts ...string) string {
	var line strings.Builder
	line.WriteString(pad(fit(name, first), first))
	for i, t := range texts {
		line.WriteString(strings.Repeat(" ", max(0, columns[i]-len([]rune(t)))) + t)
	}
	return line.String()
}

func (p *page) recording(first int, x backtest.Score) {
	var bad, badReleases, warned, contained, healthy, alone, inTime, releases int
	exposed, delay := "-", "-"
	for _, s := range x.Subjects {
		if !s.Bad {
			healthy++
			alone += one(!s.Warned)
			releases += one(!s.Change)
			inTime += one(s.InTime && !s.Change)
			continue
		}
		bad++
		warned += one(s.Warned)
		badReleases += one(!s.Change)
		contained += one(s.Contained && !s.Change)
		if s.Warned && exposed == "-" {
			exposed, delay = percent(float64(s.Exposure))+" %", span(s.Delay)
		}
	}
	found := "-"
	switch {
	case badReleases < bad: // containing means nothing for a change
		found = fmt.Sprintf("%dw/%d", warned, bad)
	case bad > 0:
		found = fmt.Sprintf("%dw %dc/%d", warned, contained, bad)
	}
	p.line(cells(first, x.Recording, found, dash(x.Rank > 0, fmt.Sprint(x.Rank)), exposed, delay, causeText(x),
		dash(healthy > 0, fmt.Sprintf("%d/%d", alone, healthy)), dash(releases > 0, fmt.Sprintf("%d/%d", inTime, releases))))
}

func dash(ok bool, text string) string {
	if !ok {
		return "-"
	}
	return text
}

func causeText(x backtest.Score) string {
	switch {
	case len(x.Class) == 0:
		return "-"
	case x.Cause == "":
		return "none ✖"
	case x.Right:
		return x.Cause + " ✔"
	default:
		return x.Cause + " ✖"
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// span writes seconds as a person would: "7m24s"; "-" when there are none.
func span(seconds release.Number) string {
	if math.IsNaN(float64(seconds)) {
		return "-"
	}
	d := time.Duration(float64(seconds) * float64(time.Second)).Round(time.Second)
	if d >= time.Hour {
		d = d.Round(time.Minute)
	}
	return short(d)
}

// share writes "5 of 6 (83 %)".
func share(k, n int) string {
	if n == 0 {
		return "none to tell from"
	}
	return fmt.Sprintf("%d of %d (%.0f %%)", k, n, 100*float64(k)/float64(n))
}

// total is one line of the totals.
func (p *page) total(label, text string) {
	const width = 34
	p.line(pad(label, width) + p.paint(bold, text))
}

func (p *page) totals(t backtest.Total) {
	p.line(p.paint(bold, count(t.Recordings, "recording")))
	p.total("bad: warned of", share(t.BadWarned, t.Bad))
	p.total("bad: contained in the first step", share(t.Contained, t.BadReleases))
	if t.Crashes > 0 {
		p.total("crashes: warned of before", share(t.InWindow, t.Crashes))
	}
	if !isNaN(t.MedianExposure) {
		p.total("exposure at the warning, median", percent(float64(t.MedianExposure))+" %")
		p.total("delay of the warning, median", span(t.MedianDelay))
	}
	p.total("healthy: warned of", share(t.HealthyWarned, t.Healthy))
	p.total("healthy: rolled back", share(t.HealthyBack, t.Healthy))
	p.total("healthy: promoted in time (flow)", share(t.HealthyInTime, t.HealthyReleases))
	p.total("healthy frames with a warning", share(t.FalseFrames, t.HealthyFrames))
	p.total("culprit ranked first", share(t.First, t.Ranked))
	p.total("culprit in the first three", share(t.FirstThree, t.Ranked))
	if t.BothOf > 0 {
		p.total("all faulty services ranked first", share(t.BothFirst, t.BothOf))
	}
	if t.CauseOf > 0 {
		p.total("cause right", share(t.CauseRight, t.CauseOf))
		p.total("  mean recall over the classes", hundred(t.MacroRecall))
		p.total("  always the commonest class", hundred(t.MajorityClass))
	}
	p.calibration(t)
}

func isNaN(n release.Number) bool { return math.IsNaN(float64(n)) }

func hundred(n release.Number) string { return fmt.Sprintf("%.0f %%", 100*float64(n)) }

// calibration says how far the probabilities can be trusted.
func (p *page) calibration(t backtest.Total) {
	if isNaN(t.Brier) {
		return
	}
	p.total("Brier score of culprit", fmt.Sprintf("%.3f (0 is best, 0.25 a coin)", float64(t.Brier)))
	p.line("")
	p.line(p.paint(faint, "culprit, at the end of the first step"))
	p.reliability(t.Reliability, "was bad")
}

// reliability writes a table of what was said and what came.
func (p *page) reliability(bins []backtest.Bin, came string) {
	p.line(p.paint(faint, fmt.Sprintf("  %-12s %7s %9s %4s", "said", "mean", came, "n")))
	for _, b := range bins {
		said := fmt.Sprintf("%.0f to %.0f %%", 100*float64(b.From), 100*float64(b.To))
		p.line(fmt.Sprintf("  %-12s %7s %9s %4d", said, hundred(b.Mean), hundred(b.Bad), b.N))
	}
}
