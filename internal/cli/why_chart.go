package cli

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// The size of a chart in its own units, with the room for its labels. It is
// that of a phone, so that letters are as large there as they are written.
const (
	chartWidth  = 360.0
	chartHeight = 190.0
	chartLeft   = 62.0
	chartRight  = 8.0
	chartTop    = 20.0
	chartBottom = 22.0
)

// A drawing is a chart ready to be set as SVG.
type drawing struct {
	Name, Text, Label             string
	Unit                          string // that does not fit beside the values; "" when it does
	Reference                     int
	Alone                         bool // there is no stable line
	New, Stable                   []string
	Grid                          []tick
	Clock                         []tick
	Steps                         []tick
	Verdicts                      []tick
	Onset                         *band
	Later                         *band
	Limit                         *tick
	Left, Right, Top, Bottom      float64
	ChartW, ChartH, LabelX, BaseY float64
}

type tick struct {
	At     float64
	Text   string
	Class  string
	Anchor string
}

type band struct{ X, Width float64 }

// draw makes a chart ready.
func (e account) draw(c release.Chart) drawing {
	d := drawing{
		Name: c.Name, Text: c.Text, Reference: c.Reference, Alone: len(c.Stable) == 0,
		Left: chartLeft, Right: chartWidth - chartRight, Top: chartTop, Bottom: chartHeight - chartBottom,
		ChartW: chartWidth, ChartH: chartHeight, LabelX: chartLeft - 5, BaseY: chartHeight - 6,
	}
	d.Label = d.Name + ". " + c.Text
	low, high := scaleOf(c)
	y := func(v float64) float64 { return pixels(d.Bottom - (v-low)/(high-low)*(d.Bottom-d.Top)) }
	unit := signal.ParseUnit(c.Unit)
	for _, v := range rulers(low, high, unit) {
		number, name := ruled(unit.Format(v))
		d.Grid = append(d.Grid, tick{At: y(v), Text: number})
		d.Unit = cmp.Or(d.Unit, name)
	}
	if l := float64(c.Limit); !math.IsNaN(l) && l >= low && l <= high {
		d.Limit = &tick{At: y(l), Text: "limit " + unit.Format(l)}
	}
	d.New, d.Stable = e.paths(c.Times, c.New, y), e.paths(c.Times, c.Stable, y)
	e.annotate(c, &d)
	return d
}

// mostRuled is how many letters a label beside the chart may have.
const mostRuled = 9

// ruled sets a value as a label beside the chart. A unit that is too long for
// it comes apart.
func ruled(value string) (label, unit string) {
	label = strings.Replace(value, " per million", " ppm", 1)
	if number, rest, ok := strings.Cut(label, " "); ok && utf8.RuneCountInString(label) > mostRuled {
		return number, rest
	}
	return label, ""
}

// pixels rounds to tenths of a pixel.
func pixels(x float64) float64 { return math.Round(10*x) / 10 }

// scaleOf returns the range that is drawn: from zero, unless everything lies
// far from it.
func scaleOf(c release.Chart) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, xs := range [][]release.Number{c.New, c.Stable} {
		for _, x := range xs {
			if v := float64(x); !math.IsNaN(v) {
				low, high = math.Min(low, v), math.Max(high, v)
			}
		}
	}
	if low > high {
		return 0, 1
	}
	if l := float64(c.Limit); l > high && l < 2*high {
		high = l
	}
	if low >= 0 && low < 0.7*high || low == high {
		low = math.Min(low, 0)
	}
	if high <= low {
		high = low + 1
	}
	room := 0.06 * (high - low)
	if low != 0 {
		low -= room
	}
	return low, high + room
}

// rulers returns three or so values in a range that are round in their unit.
func rulers(low, high float64, unit signal.Unit) []float64 {
	factor := 1.0
	if strings.HasPrefix(unit.Base, "B") {
		for factor*1024 <= high {
			factor *= 1024
		}
	}
	rough := (high - low) / 3
	step := factor * math.Pow(10, math.Floor(math.Log10(rough/factor)))
	for _, f := range []float64{5, 2.5, 2} {
		if f*step <= rough*1.2 {
			step *= f
			break
		}
	}
	var out []float64
	for k := math.Ceil(low / step); k*step <= high; k++ {
		out = append(out, k*step)
	}
	return out
}

// x returns where an instant lies, kept within the chart.
func (e account) x(at time.Time) float64 {
	length := e.End.Sub(e.Start)
	share := 0.5
	if length > 0 {
		share = math.Max(0, math.Min(1, float64(at.Sub(e.Start))/float64(length)))
	}
	return pixels(chartLeft + share*(chartWidth-chartLeft-chartRight))
}

// paths writes a line as SVG, with a gap where values are missing.
func (e account) paths(times []time.Time, values []release.Number, y func(float64) float64) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			out = append(out, b.String())
		}
		b.Reset()
	}
	for i, v := range values {
		if math.IsNaN(float64(v)) {
			flush()
			continue
		}
		x := e.x(times[i])
		if b.Len() == 0 {
			fmt.Fprintf(&b, "M%g %g", x, y(float64(v)))
			fmt.Fprintf(&b, "h0.1") // a point alone is seen too
			continue
		}
		fmt.Fprintf(&b, "L%g %g", x, y(float64(v)))
	}
	flush()
	return out
}

// annotate adds steps, onset, what was said, and the clock.
func (e account) annotate(c release.Chart, d *drawing) {
	last := -100.0
	for _, t := range e.ticks() {
		if t.At-last < 30 {
			t.Text = ""
		} else {
			last = t.At
		}
		d.Steps = append(d.Steps, t)
	}
	if c.Onset != nil {
		from, to := e.x(c.Onset.P10), e.x(c.Onset.P90)
		d.Onset = &band{X: from - 1, Width: math.Max(3, pixels(to-from)+2)}
	}
	for _, t := range []time.Time{e.Start, e.End} {
		anchor := "start"
		if t.Equal(e.End) {
			anchor = "end"
		}
		d.Clock = append(d.Clock, tick{At: e.x(t), Text: e.at(t), Anchor: anchor})
	}
	if e.At == nil || e.quiet() {
		return
	}
	at := e.x(*e.At)
	said := tick{At: at, Text: pictured(e.said()), Class: e.said(), Anchor: "start"}
	if at > d.Right-2*chartRight {
		said.Anchor = "end"
	}
	d.Verdicts = append(d.Verdicts, said)
	if e.End.After(*e.At) {
		d.Later = &band{X: at, Width: pixels(d.Right - at)}
	}
	if wide := 6.2 * float64(len(e.clock)); at > chartLeft+1.6*wide && at < d.Right-1.6*wide {
		d.Clock = append(d.Clock, tick{At: at, Text: e.at(*e.At), Anchor: "middle"})
	}
}

// ticks are the steps, or the change.
func (e account) ticks() []tick {
	var out []tick
	for _, s := range e.Stages {
		out = append(out, tick{At: e.x(s.At), Text: percent(float64(s.Weight)) + " %"})
	}
	for _, m := range e.Timeline {
		if m.Kind == "step" && e.Service == "" {
			out = append(out, tick{At: e.x(m.At), Text: "change"})
		}
	}
	return out
}

// pictured is an icon that the fonts of browsers have: few have the one of a
// hold.
func pictured(verdict string) string {
	return strings.Replace(lookOf(verdict).icon, "॥", "‖", 1)
}

// said is the verdict of the moment that is explained.
func (e account) said() string {
	switch e.Outcome {
	case release.OutcomeStopped:
		return "rollback"
	case release.OutcomeWarned, release.OutcomeCleared, release.OutcomeHeld, release.OutcomeElsewhere:
		return "hold"
	default:
		return e.Verdict
	}
}

// Height is that of the field that is drawn in.
func (d drawing) Height() float64 { return d.Bottom - d.Top }
