package cli

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
)

// simulation tells a played model: its story, the rollout as it would have
// been judged, and the truth.
func (s screen) simulation(x *simulated) string {
	p := &page{screen: s}
	if st := x.file.Story; st != nil {
		p.line(p.paint(bold, st.Title))
		if st.Sketch {
			p.row("sketch", "made from summaries; the sources were not read, so check before quoting")
		}
		p.rows("known", st.Published)
		p.rows("assumed", st.Assumed)
		p.rows("source", st.Sources)
		p.line("")
	}
	p.rows("change", x.file.Changes)
	if len(x.rest) > 0 {
		p.row("at rest", "most used: "+some(x.rest, 3))
	}
	id := x.sys.Releases[0].ID
	p.line("")
	p.WriteString(s.report(x.played, []string{id}, map[string]*moments{id: x.moments()}))
	p.line("")
	p.truth(x)
	return p.String()
}

// rows writes texts under one label.
func (p *page) rows(label string, texts []string) {
	for _, t := range texts {
		p.row(label, t)
		label = ""
	}
}

// moments are those of the release; nil when it has not begun.
func (s *simulated) moments() *moments {
	if s.at.last == nil {
		return nil
	}
	return &s.at
}

// some lists the first few uses.
func some(uses []simulate.Use, most int) string {
	var parts []string
	for _, u := range uses[:min(most, len(uses))] {
		parts = append(parts, u.String())
	}
	return strings.Join(parts, ", ")
}

// truth draws how callers fared at each step, and says where it breaks.
func (p *page) truth(x *simulated) {
	p.line(p.paint(bold, "What truly happens") + "  callers harmed at each step, had nobody stopped it")
	allowed := x.file.Model.Objective.Harmed
	for _, st := range x.steps {
		name := "before"
		if st.weight > 0 {
			name = percent(100*st.weight) + " %"
		}
		harmed := st.callers.Harmed()
		if math.IsNaN(harmed) {
			continue
		}
		colour := green
		if harmed > allowed {
			colour = red
		}
		p.line("  " + pad(name, labels-2) + p.paint(colour, bar(harmed, 30)) + " " + shareOf(harmed))
	}
	p.row("breaks", x.breaksText(allowed))
	if text := x.fullText(); text != "" {
		p.row("fills", text)
	}
	if b := x.breaks; len(b.Limits) > 0 {
		word := "passed: "
		if b.Limits[0].Share < 0.95 {
			word = "none passed; most used: "
		}
		p.row("limit", word+some(b.Limits, 4))
	}
	if len(x.missing) > 0 {
		p.row("not seen", "limits that are measured, and are not in the model: "+strings.Join(x.missing, ", "))
	}
	p.row("said", x.said(allowed))
	if text := x.foretold(allowed); text != "" {
		p.row("foretold", text)
	}
	p.row("played", fmt.Sprintf("as %s", map[simulate.Player]string{simulate.Exact: "single requests", simulate.Fluid: "flows"}[x.player]))
}

// breaksText says where it breaks, held for how long and at what traffic.
func (s *simulated) breaksText(allowed float64) string {
	b, m := s.breaks, s.file.Model
	held := "for " + short(longestStep(m))
	if slices.ContainsFunc(m.Services, func(s simulate.Service) bool { return len(s.Profile) > 0 }) {
		held += fmt.Sprintf(" when traffic is highest (%s requests/s)", signal.Thousands(math.Round(b.Rate)))
	}
	switch {
	case b.Baseline > allowed:
		return fmt.Sprintf("by itself: %s of the requests are harmed without the new version, held %s", shareOf(b.Baseline), held)
	case b.Harmed:
		return fmt.Sprintf("at %.0f %% of traffic: held there %s, %s of the requests fail, time out or are too slow; %s may", 100*b.Weight, held, atWorst(b.Share), shareOf(allowed))
	}
	text := fmt.Sprintf("nowhere: held at 100 %% %s, %s of the requests are harmed, and %s may be", held, atWorst(b.Share), shareOf(allowed))
	if len(s.missing) > 0 {
		text = strings.Replace(text, "nowhere", "nowhere that the model knows of", 1)
	}
	return text
}

// fullText says when what the new version leaks has filled the memory; "" when
// it never does.
func (s *simulated) fullText() string {
	full, m := s.breaks.Full, s.file.Model
	if math.IsInf(full, 1) {
		return ""
	}
	text := fmt.Sprintf("memory of %s is full after %s at 100 %% of traffic", m.Services[m.Rollout.Service].Name, short(time.Duration(full*float64(time.Second)).Round(time.Second)))
	if full > longestStep(m).Seconds() {
		text += ", longer than it is held here"
	}
	return text + fmt.Sprintf("; an instance is then killed, and away for %s", short(time.Duration(m.New.Memory.Restart*float64(time.Second))))
}

// atWorst writes the most that any time had of a share of requests.
func atWorst(x float64) string {
	switch text := shareOf(x); {
	case x == 0:
		return "none"
	case strings.HasPrefix(text, "<"):
		return text
	default:
		return "up to " + text
	}
}

// missed says that it breaks outside of what was foretold, as percents of
// traffic with an interval; "" where it breaks inside. Where it breaks is known
// to a whole percent.
func (s *simulated) missed(foretold *release.Quantiles, allowed float64) string {
	b, at := s.breaks, math.Round(100*s.breaks.Weight)
	low, high := float64(foretold.P10), float64(foretold.P90)
	switch {
	case b.Baseline > allowed:
		return ""
	case !b.Harmed && high < 100:
		return "; it breaks nowhere, outside what was foretold"
	case b.Harmed && (high < at-1 || low > at):
		return fmt.Sprintf("; it breaks at %.0f %%, outside what was foretold", at)
	}
	return ""
}

// said compares what was said with the first step that harmed callers.
func (s *simulated) said(allowed float64) string {
	text := "nothing was stopped"
	if stop := s.at.stop; stop != nil {
		text = fmt.Sprintf("rollback at %s %%", percent(float64(stop.Weight)))
	} else if warn := s.at.warn; warn != nil {
		text = fmt.Sprintf("%s at %s %%", warn.Verdict, percent(float64(warn.Weight)))
	}
	for _, st := range s.steps {
		if st.weight > 0 && st.callers.Harmed() > allowed {
			return fmt.Sprintf("%s; the first step that harms callers is %s %%", text, percent(100*st.weight))
		}
	}
	if !math.IsInf(s.breaks.Full, 1) {
		return text + "; no step harms callers for as long as it is played"
	}
	return text + "; no step harms callers"
}

// foretold is the share that was said to fail when the release was stopped or
// first warned of, and whether it breaks elsewhere, with so much harm allowed; "" when none was.
func (s *simulated) foretold(allowed float64) string {
	if s.at.last == nil {
		return ""
	}
	shown := s.at.shown()
	f := shown.FailsAt()
	switch {
	case f == nil:
		return ""
	case f.Inferred():
		return inferredText(f) + s.missed(f.Weight, allowed)
	}
	w, whose := f.Weight, cmp.Or(f.Service, shown.Service)
	if shown.Met(f) {
		return fmt.Sprintf("%s of %s at its limit already at %s %%", f.Signal, whose, percent(float64(shown.Weight))) + soFar(f.Record)
	}
	return fmt.Sprintf("%s of %s meets its limit at %.0f %% (%.0f to %.0f)", f.Signal, whose, float64(w.P50), float64(w.P10), float64(w.P90)) + soFar(f.Record) + s.missed(w, allowed)
}

// bar draws a share as a bar of at most so many characters.
func bar(share float64, width int) string {
	eighths := int(math.Round(share * float64(width) * 8))
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	if text == "" {
		text = "▏"
	}
	return text
}

// shareOf writes a share of requests so that a little is not none.
func shareOf(x float64) string {
	switch {
	case x > 0 && x < 0.001:
		return "<0.1 %"
	case x < 0.1:
		return fmt.Sprintf("%.1f %%", 100*x)
	default:
		return fmt.Sprintf("%.0f %%", 100*x)
	}
}

// A truthTold is what is true of a simulation, as JSON.
type truthTold struct {
	Type     string      `json:"type"` // "simulation"
	Name     string      `json:"name"`
	Player   string      `json:"player"` // "exact" or "fluid"
	Seed     uint64      `json:"seed"`
	Changes  []string    `json:"changes"`
	Steps    []stepTold  `json:"steps"`
	BreaksAt *float64    `json:"breaksAt"` // percent of traffic; null when no share harms
	Full     *float64    `json:"full"`     // seconds at 100 % until leaks have filled the memory; null when never
	Harmed   float64     `json:"harmed"`   // share of the requests there, 0..1
	Allowed  float64     `json:"allowed"`
	Before   float64     `json:"before"`  // share without the new version
	Limits   []limitTold `json:"limits"`  // that are passed there, the first one first
	NotSeen  []string    `json:"notSeen"` // limits that the recording measures and the model fitted to it has not
	Story    *storyTold  `json:"story"`
}

// A stepTold is one step of the rollout.
type stepTold struct {
	Weight release.Number `json:"weight"` // percent
	Harmed release.Number `json:"harmed"` // share of the requests, 0..1
}

// A limitTold is the use of a limit.
type limitTold struct {
	Service string         `json:"service"`
	Version string         `json:"version"`
	What    string         `json:"what"`
	Used    release.Number `json:"used"` // share of the limit
}

// A storyTold says what of a scenario is known.
type storyTold struct {
	Title     string   `json:"title"`
	Sketch    bool     `json:"sketch"`
	Published []string `json:"published"`
	Assumed   []string `json:"assumed"`
	Sources   []string `json:"sources"`
}

func (s *simulated) truth(seed uint64) truthTold {
	t := truthTold{
		Type: "simulation", Name: s.file.Name, Player: s.player.String(), Seed: seed, Changes: s.file.Changes,
		Steps: []stepTold{}, Limits: []limitTold{}, NotSeen: append([]string{}, s.missing...),
		Harmed: round(s.breaks.Share), Before: round(s.breaks.Baseline), Allowed: s.file.Model.Objective.Harmed,
	}
	if s.breaks.Harmed {
		at := math.Round(100 * s.breaks.Weight)
		t.BreaksAt = &at
	}
	if full := s.breaks.Full; !math.IsInf(full, 1) {
		full = math.Round(full)
		t.Full = &full
	}
	for _, st := range s.steps {
		t.Steps = append(t.Steps, stepTold{release.Number(100 * st.weight), release.Number(st.callers.Harmed())})
	}
	for _, u := range s.breaks.Limits {
		t.Limits = append(t.Limits, limitTold{u.Service, u.Version, u.What, release.Number(u.Share)})
	}
	if st := s.file.Story; st != nil {
		t.Story = &storyTold{st.Title, st.Sketch, st.Published, st.Assumed, st.Sources}
	}
	return t
}

func round(x float64) float64 { return math.Round(x*1e6) / 1e6 }
