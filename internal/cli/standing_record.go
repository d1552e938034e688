package cli

import (
	"fmt"
	"strings"

	"github.com/foreshock/foreshock/backtest"
	"github.com/foreshock/foreshock/release"
)

// The widths of the table of predictions.
const (
	recordLabel  = 24
	recordColumn = 9
)

// record writes how right predictions were, by kind; nothing where none was
// said.
func (p *page) record(r backtest.Record) {
	if len(r.All) == 0 {
		return
	}
	p.line("")
	p.line(p.paint(bold, rightSet("how right its predictions were", recordLabel, recordColumn, nil)))
	row := func(label string, texts ...string) string { return rightSet(label, recordLabel, recordColumn, texts) }
	p.line(p.paint(faint, row("", "said", "came", "right", "false", "open", "error", "lead", "Brier", "base")))
	halves := len(r.Tune) > 0 && len(r.Test) > 0
	for _, k := range r.All {
		p.line(row(recordNames[k.Kind], recordCells(k)...))
		for _, half := range []struct {
			name string
			of   []backtest.KindRecord
		}{{"  tune half", r.Tune}, {"  test half", r.Test}} {
			for _, x := range half.of {
				if halves && x.Kind == k.Kind {
					p.line(row(half.name, recordCells(x)...))
				}
			}
		}
	}
	p.line("")
	p.row("right", "the truth meets the 80 % interval, of those that came and had one; eight in ten is meant")
	p.row("false", "had an interval, and did not come; open: nobody can tell, mostly because the recording ends before")
	p.row("error", "median, from the middle of the interval to the truth, 0 between the step that held and the one that failed; of weights in points of the traffic")
	p.row("lead", "median, from when it was said to when it came")
	p.row("Brier", "of the probability that it comes: 0 is best, 0.25 a coin")
	p.row("base", "the same of who says each time how often it came in all"+worseText(r.All))
	for _, k := range r.All {
		if (k.Kind == backtest.NextStep || k.Kind == backtest.GoOn) && len(k.Calibration) > 0 {
			p.line("")
			p.line(p.paint(faint, recordNames[k.Kind]+", as said just before it"))
			p.reliability(k.Calibration, "came")
		}
	}
}

// worseText names the kinds that told less than that.
func worseText(all []backtest.KindRecord) string {
	var names []string
	for _, k := range all {
		if k.Worse() {
			names = append(names, recordNames[k.Kind])
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; worse than that: " + strings.Join(names, ", ")
}

var recordNames = map[string]string{
	backtest.FailsAt: "fails-at, last word", backtest.FailsAtFirst: "fails-at, first word",
	backtest.FailsAtInferred: "fails-at, inferred", backtest.Exhausts: "exhausts", backtest.DailyPeak: "daily peak",
	backtest.Cascade: "collapse of a service", backtest.Rung: "next rung", backtest.NextStep: "the next step harms",
	backtest.GoOn: "it or one after it does",
}

// recordCells returns the cells of one kind.
func recordCells(k backtest.KindRecord) []string {
	return []string{
		fmt.Sprint(k.Said), fmt.Sprint(k.Came), ofSome(k.Held, k.Dated), blank0(k.False), blank0(k.Open), errorText(k), span(k.MedianLead), brierText(k.Brier), brierText(k.Base),
	}
}

// errorText writes a distance in the unit of its kind.
func errorText(k backtest.KindRecord) string {
	switch {
	case isNaN(k.MedianError):
		return "-"
	case k.Kind == backtest.FailsAt || k.Kind == backtest.FailsAtFirst || k.Kind == backtest.FailsAtInferred:
		return fmt.Sprintf("%.1f", float64(k.MedianError))
	default:
		return span(k.MedianError)
	}
}

func brierText(n release.Number) string {
	if isNaN(n) {
		return "-"
	}
	return fmt.Sprintf("%.3f", float64(n))
}

// foretold says where a release was said to fail, and where it did.
func foretold(x backtest.Score, sub backtest.Subject) string {
	f := sub.Foretold
	text := fmt.Sprintf("%s: said at %s %% that it fails at %s (%s to %s) %%; it ", x.Recording, percent(float64(f.Weight)),
		percent(float64(f.P50)), percent(float64(f.P10)), percent(float64(f.P90)))
	switch {
	case f.From < f.To && f.From > 0:
		text += fmt.Sprintf("held at %s %% and failed at %s %%", percent(float64(f.From)), percent(float64(f.To)))
	case f.From < f.To:
		text += fmt.Sprintf("failed in its first step, of %s %%", percent(float64(f.To)))
	default:
		text += fmt.Sprintf("fails at %s %%", percent(float64(f.To)))
	}
	if !f.Right {
		text += " ✖"
	}
	return text
}
