package demo

import (
	"context"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// deployBefore is how long before the first step the new version is started.
const deployBefore = 1500 * time.Millisecond

// drive is the delivery system: it starts the new version and raises the
// weight step by step, until it is stopped. Each step waits for a promote: after a
// hold as long as a step takes, and then the rollout is stopped; while nothing
// can be told, until the story ends.
func (p *player) drive(ctx context.Context) error {
	if !reached(ctx, p.begin.Add(-deployBefore)) {
		return nil
	}
	if err := p.lab.Deploy(ctx); err != nil {
		return err
	}
	if err := p.scrapeAll(ctx); err != nil {
		return err
	}
	next := p.begin
	for i, w := range p.o.Steps {
		if !reached(ctx, next) {
			return nil
		}
		if i == 0 {
			p.lab.Begin()
		}
		if i > 0 && !p.clear(ctx) {
			return nil
		}
		now := time.Now()
		if i == 0 {
			now = p.begin
		}
		p.mu.Lock()
		p.weight, p.begun = w, append(p.begun, now)
		p.mu.Unlock()
		p.lab.SetWeight(w)
		next = now.Add(p.o.Each)
	}
	return nil
}

// clear waits until nothing stands against the next step. It returns false
// when the rollout is stopped, or the story or ctx has ended.
func (p *player) clear(ctx context.Context) bool {
	until := time.Now().Add(p.o.Hold)
	for {
		p.mu.Lock()
		stopped, held := p.stop != nil, p.hold
		p.waits = p.o.Brakes && !stopped && p.last != prevention.Promote.String()
		waits := p.waits
		p.mu.Unlock()
		now := time.Now()
		switch {
		case stopped || waits && now.After(p.latest):
			return false
		case !waits:
			return true
		case !held:
			until = now.Add(p.o.Hold) // a hold has its own time
		case now.After(until):
			p.halt(prevention.Hold.String())
			return false
		}
		if !reached(ctx, now.Add(p.o.Interval/4)) {
			return false
		}
	}
}

// halt stops the rollout: all traffic goes back.
func (p *player) halt(verdict string) {
	p.mu.Lock()
	if p.waits = false; p.stop == nil {
		p.stop = &Stop{At: time.Now(), Weight: p.weight, Verdict: verdict}
	}
	p.mu.Unlock()
	p.lab.SetWeight(0)
}

// heed acts on a verdict.
func (p *player) heed(a release.Assessment) {
	p.mu.Lock()
	p.last = a.Verdict
	// What was held needs a promote: that its evidence is gone is none yet.
	p.hold = a.Verdict == prevention.Hold.String() || p.hold && a.Verdict != prevention.Promote.String()
	free := !p.o.Brakes || p.stop != nil || len(p.begun) == 0
	p.mu.Unlock()
	if !free && (a.Verdict == prevention.Rollback.String() || a.Verdict == prevention.Escalate.String()) {
		p.halt(a.Verdict)
	}
}

// exposure is how far the rollout has really got.
func (p *player) exposure(at time.Time) []signal.Exposure {
	p.mu.Lock()
	defer p.mu.Unlock()
	var e signal.Exposure
	for i, begun := range p.begun {
		if !begun.After(at) {
			e = signal.Exposure{Weight: p.o.Steps[i], Step: i + 1, Moving: at.Sub(begun) < raise}
		}
	}
	return []signal.Exposure{e}
}
