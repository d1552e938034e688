package cli

import (
	"fmt"
	"math"
	"strings"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// reach writes whom a release that is warned of would hurt, and what each
// decision costs.
func (r *report) reach(a *release.Assessment) {
	b := a.BlastRadius
	if b == nil || !a.Warns() || b.Now <= 0 {
		return
	}
	text := fmt.Sprintf("%s %% of the requests to %s reach it now", percent(100*float64(b.Now)), a.Service)
	if n := float64(b.PerMinute); !math.IsNaN(n) {
		text += fmt.Sprintf(" (%s a minute)", signal.Thousands(math.Round(n)))
	}
	if b.NextStep > b.Now {
		text += fmt.Sprintf(", %s %% after the next step", percent(100*float64(b.NextStep)))
	}
	var hit []string
	for _, h := range b.Services {
		if h.Service != a.Service && len(hit) < 3 {
			hit = append(hit, fmt.Sprintf("%s %s %%", h.Service, percent(math.Round(100*float64(h.Now)))))
		}
	}
	if len(hit) > 0 {
		text += "; through their calls " + strings.Join(hit, ", ")
	}
	if s := float64(b.Severity); s > 0 {
		text += fmt.Sprintf("; %s of those that reach it are harmed", chancePercent(s))
	}
	r.row("reach", text)
	if users := b.Users.String(); users != "" {
		r.row("users", users)
	}
	if b.Budget != nil && b.Budget.Burn > 1 {
		next := ""
		if a.NextStep != nil {
			next = fmt.Sprintf(", %s times after the next step", figures(b.Budget.Next))
		}
		r.row("budget", fmt.Sprintf("%s burns its budget of errors %s times as fast as it may%s; what is meant for %s is spent in %s",
			a.Service, figures(b.Budget.Burn), next, b.Budget.Period, b.Budget.Spent))
	}
	r.stakes(b)
}

// stakes writes the requests that each decision is expected to harm, and the
// losses that it was weighed by, where they are known; of a decision that stands, when it was made.
func (r *report) stakes(b *release.BlastRadius) {
	var costs, losses []string
	for _, c := range b.Choices {
		if n := float64(c.Harmed); !math.IsNaN(n) {
			costs = append(costs, fmt.Sprintf("%s %s", c.Action, signal.Thousands(math.Round(n))))
		}
		losses = append(losses, c.Action+" "+figures(release.Number(math.Round(100*float64(c.Loss))/100)))
	}
	if len(costs) == 0 {
		return
	}
	text := "requests harmed within 10 min, by what is done now: " + strings.Join(costs, ", ") + "; weighed in harmful steps: " + strings.Join(losses, ", ")
	if b.ChoicesAt != nil {
		text = "when it was decided, at " + r.at(*b.ChoicesAt) + ": " + text
	}
	r.row("stakes", text)
}

// figures writes a number to three figures, with thousands apart.
func figures(n release.Number) string { return signal.Unit{}.Format(float64(n)) }

// whatNext writes what may happen next, and what would show that it is wrong.
func (r *report) whatNext(a *release.Assessment) {
	if len(a.WhatNext) < 2 {
		return // nothing but that nothing happens
	}
	label := "then"
	few, rest := 0, 0.0
	for _, h := range a.WhatNext {
		if h.Probability < 0.05 {
			few, rest = few+1, rest+float64(h.Probability)
			continue
		}
		text := chancePercent(float64(h.Probability))
		if h.In != nil {
			text += fmt.Sprintf(" in about %s (%s to %s):", h.In.P50, h.In.P10, h.In.P90)
		}
		text += " " + h.Text
		if h.Watch != "" {
			text += "; " + h.Watch
		}
		r.row(label, text)
		label = "or"
	}
	if few > 0 {
		r.row("", fmt.Sprintf("%d more, %s in all", few, chancePercent(rest)))
	}
}

// cascade writes how far a service is on the way to a collapse, and what would
// end it.
func (r *report) cascade(p *release.Prediction) {
	text := p.Text
	if p.Phase != "collapsed" && p.Phase != "stuck" {
		text += fmt.Sprintf("; %s likely to collapse", chancePercent(float64(p.Probability)))
	}
	if p.LoopGain != nil && *p.LoopGain > 1 {
		text += fmt.Sprintf("; it feeds itself (each further call calls for %.1f more)", float64(*p.LoopGain))
	}
	r.row("cascade", text)
}
