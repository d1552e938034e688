package cli

import (
	"context"
	"fmt"
	"math"
	"strings"

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
	ending bool
}

// Init asks for nothing.
func (m *demoModel) Init() tea.Cmd { return nil }

// Update takes a frame, a key or the size of the window.
func (m *demoModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case demo.Update:
		m.now = msg
	case tea.WindowSizeMsg:
		m.screen.width = max(leastWidth, min(msg.Width, mostWidth))
	case tea.KeyPressMsg:
		if s := msg.String(); s == "q" || s == "ctrl+c" || s == "esc" {
			m.ending = true
			m.cancel()
		}
	}
	return m, nil
}

// View draws the screen.
func (m *demoModel) View() tea.View {
	p := &page{screen: m.screen}
	drawDemo(p, m.o, m.now)
	if m.ending {
		p.line("  ending the processes …")
	}
	return tea.NewView(p.String())
}

// drawDemo draws one frame of a demo.
func drawDemo(p *page, o showing, u demo.Update) {
	p.line("")
	p.line("  " + p.paint(bold, "shop v1 → v2") + "   " + exposureBar(p.screen, u) + "   " + p.paint(faint, clock(u.Elapsed)))
	p.line("")
	switch {
	case u.Stage == demo.Starting || u.Stage == 0:
		p.wrapped("Starting " + systemText + " …")
		return
	case u.Strained:
		p.line("  " + p.verdict("unknown"))
		p.wrapped(strainedText)
	case u.Assessment == nil:
		p.line("  " + p.paint(faint, "only v1 serves; what is normal is being learned"))
	default:
		p.line("  " + p.verdict(u.Assessment.Verdict) + "   " + p.paint(faint, "phase "+u.Assessment.Phase))
		p.wrapped(u.Assessment.Sentence)
	}
	p.line("")
	drawGauges(p, u)
	if a := u.Assessment; a != nil {
		p.line("")
		drawAhead(p, a)
	}
	p.line("")
	p.line("  " + p.paint(faint, footer(o, u)))
}

// exposureBar draws how much traffic the new version has, with its plan, and
// from where on it is foretold to fail.
func exposureBar(s screen, u demo.Update) string {
	const wide = 30
	at := func(w float64) int { return min(max(int(math.Round(w*wide)), 0), wide) }
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
	step := fmt.Sprintf("step %d/%d", u.Step, len(u.Plan))
	if u.Stage == demo.Stopped {
		step = "stopped at " + step
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

// Columns of the signals.
const gaugeName, gaugeValue = 16, 16

// drawGauges draws the signals that matter: the new version, and the stable
// one beside it.
func drawGauges(p *page, u demo.Update) {
	p.line(p.paint(faint, "  "+pad("", gaugeName)+pad("v2", gaugeValue)+pad("v1", gaugeValue)+"last frames"))
	for _, g := range u.Gauges {
		fresh, old := newest(g.New), newest(g.Old)
		if math.IsNaN(fresh) && math.IsNaN(old) {
			continue
		}
		left, right, drawn := gaugeText(g, fresh), gaugeText(g, old), g.New
		switch {
		case g.Shared:
			left, right, drawn = gaugeText(g, old), p.paint(faint, pad("of both", gaugeValue)), g.Old
		case math.IsNaN(fresh):
			drawn = g.Old
		}
		line := sparks(numbersOf(drawn))[0]
		if limit := g.Limit; !math.IsNaN(limit) && limit > 0 {
			line += p.paint(faint, " of "+g.Unit.Format(limit))
		}
		p.line("  " + pad(g.Name, gaugeName) + pad(left, gaugeValue) + pad(right, gaugeValue) + line)
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

func numbersOf(values []float64) []release.Number {
	values = values[max(len(values)-sparkWidth, 0):]
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
	default:
		p.row("fails at", fmt.Sprintf("about %.0f %% of the traffic (%.0f to %.0f): %s of %s", float64(q.Weight.P50), float64(q.Weight.P10), float64(q.Weight.P90), q.Signal, q.Service)+soFar(q.Record))
	}
	for _, q := range a.Predictions {
		if q.At != nil {
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

func footer(o showing, u demo.Update) string {
	var parts []string
	if u.Callers.Sent > 0 {
		parts = append(parts, fmt.Sprintf("callers: %d requests in a second, %d failed, %d slow", u.Callers.Sent, u.Callers.Failed, u.Callers.Slow))
	}
	switch {
	case u.NextIn > 0 && u.Step < len(u.Plan):
		parts = append(parts, fmt.Sprintf("%.0f %% in %.0f s", 100*u.Plan[u.Step], u.NextIn.Seconds()))
	case u.Stage == demo.Stopped:
		parts = append(parts, "all traffic is back on v1")
	}
	if o.noBrakes {
		parts = append(parts, "no brakes")
	}
	return strings.Join(append(parts, "q quits"), " · ")
}
