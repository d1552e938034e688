package cli

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/foreshock/foreshock/internal/cli/demo"
	"github.com/foreshock/foreshock/release"
)

// demoModel is the screen of a demo: it draws the last frame.
type demoModel struct {
	screen screen
	o      showing
	cancel context.CancelFunc
	now    demo.Update
	height int // lines of the terminal; 0 when it is not known yet
	ending bool
	left   bool // the user has seen enough, which is no failure
}

// Init asks for nothing.
func (m *demoModel) Init() tea.Cmd { return nil }

// Update takes a frame, a key or the size of the window.
func (m *demoModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case demo.Update:
		m.now = msg
	case tea.WindowSizeMsg:
		// Narrower than leastWidth too: what is wider than the terminal is cut.
		m.screen.width, m.height = max(20, min(msg.Width, mostWidth)), msg.Height
	case tea.KeyPressMsg:
		if s := msg.String(); s == "q" || s == "ctrl+c" || s == "esc" {
			m.ending, m.left = true, s != "ctrl+c"
			m.cancel()
		}
	}
	return m, nil
}

// View draws the screen.
func (m *demoModel) View() tea.View {
	d := drawDemo(m.screen, m.o, m.now)
	if m.ending {
		d.line(must, "  ending the processes …")
	}
	return tea.NewView(d.fit(m.height))
}

// How much a line of the screen matters: on a small one the last ones give
// way first.
type worth uint8

const (
	must   worth = iota // the verdict and its sentence
	status              // how far it is, and what comes
	ahead               // what is foretold
	gauge               // a signal
	air                 // an empty line
)

// A canvas is a screen that is not cut to its height yet.
type canvas struct {
	screen
	lines []drawn
}

type drawn struct {
	worth worth
	text  string
}

func (d *canvas) line(w worth, text string) {
	d.lines = append(d.lines, drawn{w, strings.TrimRight(text, " ")})
}

// page adds the lines of a page.
func (d *canvas) page(w worth, draw func(p *page)) {
	p := &page{screen: d.screen}
	draw(p)
	for line := range strings.Lines(p.String()) {
		d.line(w, strings.TrimSuffix(line, "\n"))
	}
}

// fit returns the text in at most so many lines, without those that matter
// least, and of those the last ones; 0 means that there is room for all.
func (d *canvas) fit(height int) string {
	lines := slices.Clone(d.lines)
	for height > 0 && len(lines) > height {
		worst := 0
		for i, l := range lines {
			if l.worth >= lines[worst].worth {
				worst = i
			}
		}
		lines = slices.Delete(lines, worst, worst+1)
	}
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(l.text)
	}
	return b.String()
}

// drawDemo draws one frame of a demo.
func drawDemo(s screen, o showing, u demo.Update) *canvas {
	d := &canvas{screen: s}
	d.line(air, "")
	d.line(status, "  "+s.paint(bold, "shop v1 → v2")+"   "+exposureBar(s, u)+"   "+s.paint(faint, clock(u.Elapsed)))
	d.line(air, "")
	say := func(head, text string) {
		d.line(must, "  "+head)
		d.page(must, func(p *page) { p.wrapped(text) })
	}
	switch {
	case u.Stage == demo.Starting || u.Stage == 0:
		say("Starting", systemText+" …")
		return d
	case u.Strained:
		say(s.verdict("unknown"), strainedText)
	case u.Assessment == nil:
		say(s.paint(faint, "only v1 serves"), "what is normal is being learned")
	default:
		say(s.verdict(u.Assessment.Verdict)+"   "+s.paint(faint, "phase "+u.Assessment.Phase), u.Assessment.Sentence)
	}
	if text := waiting(u); text != "" {
		d.page(status, func(p *page) { p.wrapped(text) })
	}
	d.line(air, "")
	d.page(gauge, func(p *page) { drawGauges(p, u) })
	if a := u.Assessment; a != nil {
		d.line(air, "")
		d.page(ahead, func(p *page) { drawAhead(p, a) })
	}
	d.line(air, "")
	d.line(status, "  "+s.paint(faint, footer(o, u, s.width-2)))
	return d
}

// waiting says that the next step is due, and for what it waits; "" when it does not.
func waiting(u demo.Update) string {
	a := u.Assessment
	if !u.Waits || u.Step >= len(u.Plan) || a != nil && a.Verdict == "promote" { // it has just come
		return ""
	}
	text := fmt.Sprintf("The step to %.0f %% waits for a promote", 100*u.Plan[u.Step])
	switch {
	case u.Strained || a == nil:
	case a.Verdict == "hold":
		text += "; without one it is stopped soon"
	case a.Unknown != nil && a.Unknown.Needs != "":
		text += ": it takes " + a.Unknown.Needs
	}
	return text + "."
}

// exposureBar draws how much traffic the new version has, with its plan, and
// from where on it is foretold to fail.
func exposureBar(s screen, u demo.Update) string {
	step := fmt.Sprintf("step %d/%d", u.Step, len(u.Plan))
	if u.Stage == demo.Stopped {
		step = "stopped at " + step
	}
	wide := max(5, min(30, s.width-len("  shop v1 -> v2    100 %     00:00")-len(step)))
	at := func(w float64) int { return min(max(int(math.Round(w*float64(wide))), 0), wide) }
	cells := []rune(strings.Repeat("░", wide))
	for i := range at(u.Weight) {
		cells[i] = '█'
	}
	for _, w := range u.Plan {
		if i := at(w) - 1; i >= 0 && cells[i] == '░' {
			cells[i] = '┆'
		}
	}
	fails := wide
	if q := failsAt(u.Assessment); q != nil {
		fails = max(at(float64(q.Weight.P50)/100), at(u.Weight))
	}
	for i := fails; i < wide; i++ {
		cells[i] = '×'
	}
	return fmt.Sprintf("%s%s %3.0f %%  %s", string(cells[:fails]), s.paint(red, string(cells[fails:])), 100*u.Weight, s.paint(faint, step))
}

// failsAt returns the prediction of where it fails; nil when there is none.
func failsAt(a *release.Assessment) *release.Prediction {
	if a == nil {
		return nil
	}
	return a.FailsAt()
}

// drawGauges draws the signals that matter: the new version, and the stable
// one beside it; and as many of the last frames as there is room for.
func drawGauges(p *page, u demo.Update) {
	const name, value, few = 16, 16, 8
	room := max(p.width-2-name-2*value, 1)
	last := "last frames"
	if room < len(last) {
		last = fit("frames", room)
	}
	p.line(p.paint(faint, "  "+pad("", name)+pad("v2 now", value)+pad("v1 now", value)+last))
	for _, g := range u.Gauges {
		fresh, old := newest(g.New), newest(g.Old)
		if math.IsNaN(fresh) && math.IsNaN(old) {
			continue
		}
		left, right, drawn := gaugeText(g, fresh), gaugeText(g, old), g.New
		switch {
		case g.Shared:
			left, right, drawn = gaugeText(g, old), "of both", g.Old
		case math.IsNaN(fresh):
			drawn = g.Old
		}
		limit := ""
		if x := g.Limit; !math.IsNaN(x) && x > 0 {
			limit = " of " + g.Unit.Format(x)
		}
		if room < few+len(limit) {
			limit = ""
		}
		line := sparks(numbersOf(drawn, min(sparkWidth, room-len(limit))))[0] + p.paint(faint, limit)
		p.line("  " + pad(g.Name, name) + pad(left, value) + pad(right, value) + line)
	}
}

func gaugeText(g demo.Gauge, v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return g.Unit.Format(v)
}

// sparkWidth is how many frames are drawn.
const sparkWidth = 30

func numbersOf(values []float64, most int) []release.Number {
	values = values[max(len(values)-max(most, 0), 0):]
	out := make([]release.Number, len(values))
	for i, v := range values {
		out[i] = release.Number(v)
	}
	return out
}

// drawAhead draws what was climbed and what comes.
func drawAhead(p *page, a *release.Assessment) {
	if len(a.Ladder) > 0 {
		var rungs []string
		for _, c := range a.Ladder {
			rungs = append(rungs, c.Rung)
		}
		p.row("ladder", strings.Join(rungs, " → "))
	}
	if a.Next != nil && a.Next.Rung != "" {
		text := a.Next.Rung
		if a.Next.In != nil {
			text += fmt.Sprintf(" in about %s (%s to %s)", a.Next.In.P50, a.Next.In.P10, a.Next.In.P90) + soFar(a.Next.Record)
		}
		p.row("next", text)
	}
	switch q := failsAt(a); {
	case q == nil:
	case q.Inferred():
		p.row("fails at", inferredText(q))
	case a.Met(q):
		p.row("fails at", fmt.Sprintf("this share of the traffic: %s of %s is at its limit by now", q.Signal, q.Service)+soFar(q.Record))
	default:
		p.row("fails at", fmt.Sprintf("about %.0f %% of the traffic (%.0f to %.0f): %s of %s", float64(q.Weight.P50), float64(q.Weight.P10), float64(q.Weight.P90), q.Signal, q.Service)+soFar(q.Record))
	}
	for _, q := range a.Predictions {
		switch {
		case q.At == nil:
		case a.Met(&q):
			p.row("exhausts", fmt.Sprintf("%s is at its limit by now", q.Signal)+soFar(q.Record))
		default:
			p.row("exhausts", fmt.Sprintf("%s at about %s", q.Signal, q.At.P50.Local().Format("15:04:05"))+soFar(q.Record))
		}
	}
	if len(a.Cause) > 0 && a.Blames {
		p.row("cause", fmt.Sprintf("%s (%.0f %%)", a.Cause[0].Class, 100*float64(a.Cause[0].Probability)))
	}
	if a.Unknown != nil && a.Unknown.Needs != "" {
		p.row("needs", a.Unknown.Needs)
	}
}

// footer says what the callers see and what comes, in so many columns: the
// callers in short where there is little room, and then not at all.
func footer(o showing, u demo.Update, width int) string {
	var parts []string
	switch {
	case u.Waits: // it is said above
	case u.NextIn > 0 && u.Step < len(u.Plan):
		parts = append(parts, fmt.Sprintf("%.0f %% in %.0f s", 100*u.Plan[u.Step], u.NextIn.Seconds()))
	case u.Stage == demo.Stopped:
		parts = append(parts, "all traffic is back on v1")
	}
	if o.noBrakes {
		parts = append(parts, "no brakes")
	}
	text := strings.Join(append(parts, "q quits"), " · ")
	if c := u.Callers; c.Sent > 0 {
		for _, form := range []string{"callers: %d requests in a second, %d failed, %d slow · ", "callers: %d/s, %d failed, %d slow · "} {
			if long := fmt.Sprintf(form, c.Sent, c.Failed, c.Slow) + text; utf8.RuneCountInString(long) <= width {
				return long
			}
		}
	}
	return text
}
