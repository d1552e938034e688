package cli

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/foreshock/foreshock/internal/cli/demo"
	"github.com/foreshock/foreshock/lab"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// A teller writes a demo as lines: one when something changes.
type teller struct {
	app  *app
	o    showing
	last string
	at   time.Duration
}

func (t *teller) printf(format string, args ...any) {
	fmt.Fprintf(t.app.stdout, format+"\n", args...)
}

// title says what will be seen. It does not give away the end.
func (t *teller) title() {
	t.printf("foreshock demo: %s", t.o.Fault.Name)
	t.printf("  the new version of the shop: %s", t.o.Fault.Does)
	t.printf("")
}

// hear prints a frame when it says something new, or nothing was printed for
// a while.
func (t *teller) hear(u demo.Update) {
	if u.Stage == demo.Starting {
		t.printf("%s  the system is up: %s", clock(0), systemText)
		return
	}
	if u.Stage == demo.Rolling && u.Assessment == nil {
		return // the first frame of the first step is on its way
	}
	verdict, sentence := "", ""
	if u.Assessment != nil {
		verdict, sentence = u.Assessment.Verdict, u.Assessment.Sentence
	}
	if u.Strained {
		verdict, sentence = "unknown", strainedText
	}
	key := fmt.Sprint(u.Stage, u.Step, verdict, u.Strained, waiting(u) != "")
	if key == t.last && u.Elapsed-t.at < 10*time.Second {
		return
	}
	t.last, t.at = key, u.Elapsed
	if u.Stage == demo.Before {
		t.printf("%s  only v1 serves; %s", clock(u.Elapsed), numbers(u))
		return
	}
	if u.Stage == demo.Stopped {
		t.printf("%s  stopped, all traffic is back on v1; %s", clock(u.Elapsed), numbers(u))
		return
	}
	t.printf("%s  %3.0f %%  %-8s  %s", clock(u.Elapsed), 100*u.Weight, strings.ToUpper(verdict), sentence)
	if text := waiting(u); text != "" {
		t.printf("       %s", text)
	}
	t.printf("       %s", numbers(u))
}

const (
	systemText   = "edge, shop v1 × 2, pricing, db, cache and callers"
	strainedText = "this machine is too busy to tell: processes wake up late, so nothing is judged until it is calmer"
)

func clock(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// numbers says what matters now; a sentence is about all frames since it began.
func numbers(u demo.Update) string {
	var parts []string
	for _, g := range u.Gauges {
		fresh, old := newest(g.New), newest(g.Old)
		switch {
		case math.IsNaN(fresh) && math.IsNaN(old):
			continue
		case math.IsNaN(fresh) || g.Shared:
			parts = append(parts, g.Name+" "+g.Unit.Format(old))
		default:
			parts = append(parts, fmt.Sprintf("%s %s (v1 %s)", g.Name, g.Unit.Format(fresh), g.Unit.Format(old)))
		}
	}
	return "now: " + strings.Join(parts, ", ")
}

func newest(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return values[len(values)-1]
}

// An ending is how a demo ended, as JSON.
type ending struct {
	Type     string              `json:"type"` // "demo"
	Fault    string              `json:"fault"`
	Class    []string            `json:"class"` // causes that count as right
	Verdict  string              `json:"verdict"`
	Stopped  *float64            `json:"stoppedAtWeight"` // percent; null when nothing stopped it
	Foretold *release.Prediction `json:"failsAt"`         // as said before it failed
	Failed   *float64            `json:"failedAtWeight"`  // percent, by the callers' count; null when it never failed
	Harmed   float64             `json:"harmed"`          // requests
	Restarts int                 `json:"restarts"`
	Strained int                 `json:"framesTooBusyToTell"`
	Frames   int                 `json:"frames"`
}

func endingOf(o showing, r *demo.Result) ending {
	e := ending{
		Type: "demo", Fault: o.Fault.Name, Class: o.Fault.Class, Verdict: r.Last.Verdict, Foretold: r.Foretold,
		Harmed: math.Round(r.Harm.Total), Restarts: r.Restarts, Strained: r.Strained, Frames: r.Frames,
	}
	if e.Class == nil {
		e.Class = []string{}
	}
	if r.Stopped != nil {
		w := math.Round(1000*r.Stopped.Weight) / 10
		e.Stopped = &w
	}
	if r.FailsAt > 0 {
		w := math.Round(1000*r.FailsAt) / 10
		e.Failed = &w
	}
	return e
}

// end says what happened, and how right the prediction was.
func (t *teller) end(r *demo.Result) {
	p := &page{screen: t.app.screen()}
	p.line("")
	switch {
	case r.Strained > r.Frames/2:
		p.wrapped("This machine was too busy to tell in most frames. Try again when it is calmer, or with --rate 40.")
	case r.Stopped != nil:
		p.wrapped(fmt.Sprintf("Stopped at %.0f %%: %s. All traffic is back on v1.", 100*r.Stopped.Weight, t.harmText(r)))
	case len(r.Steps) < len(t.o.Steps):
		p.wrapped(fmt.Sprintf("It waited at %.0f %% for a promote that did not come before the story ended: %s.", 100*reachedBy(r), t.harmText(r)))
	case t.o.Fault.IsHealthy():
		p.wrapped(fmt.Sprintf("It went to %.0f %%: %s.", 100*reachedBy(r), t.harmText(r)))
	default:
		p.wrapped(fmt.Sprintf("Nothing stopped it before %.0f %%: %s.", 100*reachedBy(r), t.harmText(r)))
	}
	if r.Foretold != nil && r.Foretold.Weight != nil {
		w := r.Foretold.Weight
		p.wrapped(fmt.Sprintf("Foretold: fails at about %.0f %% (%.0f to %.0f), by %s%s.", float64(w.P50), float64(w.P10), float64(w.P90), r.Foretold.Signal, soFar(r.Foretold.Record)))
	}
	if t.o.noBrakes && !t.o.Fault.IsHealthy() {
		p.wrapped(t.truth(r))
	}
	p.line("")
	switch {
	case t.o.Fault.IsHealthy() && r.Stopped != nil:
		p.wrapped("The truth: " + t.o.Fault.Does + ". Nothing was wrong with it: it was stopped for nothing.")
	case t.o.Fault.IsHealthy():
		p.wrapped("The truth: " + t.o.Fault.Does + ". Nothing was wrong with it.")
	default:
		p.wrapped("The truth: " + t.o.Fault.Does + " (" + strings.Join(t.o.Fault.Class, " or ") + ").")
	}
	if r.Stopped != nil && t.o.Brakes {
		p.wrapped("What would have happened: " + t.o.again())
	}
	if t.o.Record != "" {
		p.wrapped("Recorded: foreshock replay " + t.o.Record)
	}
	fmt.Fprint(t.app.stdout, p.String())
}

// leftText says where a story stood when the user left it.
func leftText(s screen, u demo.Update) string {
	p := &page{screen: s}
	p.line("")
	text := "You left before the end"
	if u.Weight > 0 {
		text += fmt.Sprintf(", at %.0f %%", 100*u.Weight)
	}
	p.wrapped(text + ". All processes have ended.")
	if u.Assessment != nil {
		p.wrapped("Said last: " + u.Assessment.Sentence)
	}
	return p.String()
}

// reachedBy is the weight of the last step that was taken, 0 to 1.
func reachedBy(r *demo.Result) float64 {
	if len(r.Steps) == 0 {
		return 0
	}
	return r.Steps[len(r.Steps)-1]
}

func (t *teller) harmText(r *demo.Result) string {
	if r.Harm.Total < 0.5 {
		return "no request was harmed"
	}
	if t.o.Fault.IsHealthy() {
		return signal.Thousands(r.Harm.Total) + " requests failed or were slow, which was not its doing"
	}
	if math.Round(r.Harm.Total) == 1 {
		return "1 request was harmed"
	}
	return signal.Thousands(r.Harm.Total) + " requests were harmed"
}

// truth compares the prediction with what the callers counted.
func (t *teller) truth(r *demo.Result) string {
	if r.FailsAt == 0 {
		return "By the callers' count it never failed on the way to 100 %."
	}
	text := fmt.Sprintf("By the callers' count it failed at the step to %.0f %%", 100*r.FailsAt)
	before := 0.0
	for _, w := range r.Steps {
		if w < r.FailsAt {
			before = w
		}
	}
	if before > 0 {
		text += fmt.Sprintf(", and did well at %.0f %%", 100*before)
	}
	if r.Foretold == nil || r.Foretold.Weight == nil {
		return text + ". No percent was foretold."
	}
	w := r.Foretold.Weight
	low, high := 100*before, 100*r.FailsAt
	switch {
	case float64(w.P90) < low || float64(w.P10) > high:
		return text + ": outside what was foretold."
	case float64(w.P50) < low || float64(w.P50) > high:
		return text + ": inside the interval that was foretold."
	}
	return text + ": as foretold."
}

// A listed fault is one of the catalogue, as JSON.
type listed struct {
	Name     string   `json:"name"`
	Group    string   `json:"group"`
	Healthy  bool     `json:"healthy"`
	Class    []string `json:"class"`
	Does     string   `json:"does"`
	Sees     string   `json:"sees"`
	Limit    string   `json:"limit,omitempty"`
	Strength float64  `json:"strength"`
	Unit     string   `json:"unit"`
}

// listFaults prints the catalogue.
func (a *app) listFaults(output string) error {
	if output == "jsonl" {
		enc := json.NewEncoder(a.stdout)
		for _, f := range lab.Catalogue() {
			class := append([]string{}, f.Class...)
			if err := enc.Encode(listed{f.Name, f.Group, f.IsHealthy(), class, f.Does, f.Sees, f.Limit, f.Strength, f.Unit}); err != nil {
				return err
			}
		}
		return nil
	}
	p := &page{screen: a.screen()}
	group := ""
	for _, f := range lab.Catalogue() {
		if f.Group != group {
			group = f.Group
			p.line("")
			p.line(p.paint(bold, groupTitle(group)))
		}
		p.line("")
		head := "  " + f.Name
		if !f.IsHealthy() {
			head += "  (cause: " + strings.Join(f.Class, " or ") + ")"
		}
		p.line(head)
		for _, row := range [][2]string{{"does", f.Does}, {"seen", f.Sees}, {"strength", fmt.Sprintf("%g %s", f.Strength, f.Unit)}, {"limit", f.Limit}} {
			if row[1] != "" && row[1] != "1 (has none)" {
				p.row(row[0], row[1])
			}
		}
	}
	p.line("")
	p.wrapped("Run one: foreshock demo --fault NAME, or foreshock demo --healthy NAME.")
	_, err := fmt.Fprint(a.stdout, p.String())
	return err
}

func groupTitle(group string) string {
	if group == lab.GroupHealthy {
		return "healthy look-alikes"
	}
	return group + " faults"
}
