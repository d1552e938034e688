package backtest

import (
	"fmt"
	"math"
	"time"

	"github.com/foreshock/foreshock/backtest/peer"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// The names of our own two readings of a verdict.
const (
	// Guard stops at a rollback or an escalate, waits at a hold, and lets all
	// else go on, unknown too, as the other tools do.
	Guard = "foreshock"
	// Gate lets a step begin only after a promote.
	Gate = "foreshock-gate"
)

// Played is what one policy would have done in a recording.
type Played struct {
	Policy string `json:"policy"`
	// Harmed is how many requests would have been harmed, of the faulty
	// release that would have harmed most; null where nothing is faulty or
	// nobody counted.
	Harmed   release.Number `json:"harmed"`
	Releases []Acted        `json:"releases"`
}

// Acted is what one policy would have done to one release.
type Acted struct {
	ID            string         `json:"id"`
	Bad           bool           `json:"bad"`
	StoppedAt     *time.Time     `json:"stoppedAt"`     // null when never
	StoppedWeight release.Number `json:"stoppedWeight"` // percent then; null when never
	RolledBack    bool           `json:"rolledBack"`    // stopped by a rollback, not by asking a person
	BlockedStep   int            `json:"blockedStep"`   // the first that would not have begun; 1 is the first of all, 0 none
	WaitedWeight  release.Number `json:"waitedWeight"`  // percent at which it would have stayed, blocked or held; null when neither
	Held          bool           `json:"held"`          // it was blocked, or the last word is to wait; and not stopped
	Waiting       bool           `json:"waiting"`       // the last word is to wait, and it was not stopped
	Unknown       bool           `json:"unknown"`       // and that word is our own "unknown", which a gate waits at
	Averted       bool           `json:"averted"`       // stopped or blocked before the exposure at which it fails
	InFirst       bool           `json:"inFirstStep"`   // stopped within the first step
	Blind         bool           `json:"blind"`         // there was nothing it could judge by
	Why           string         `json:"why"`
}

// A contender is one policy in a recording.
type contender struct {
	name      string
	peer      *peer.Peer // nil for our own
	followers []*follower
	acted     []Acted
}

func newContender(name string, sys release.System, first peer.Word) *contender {
	c := &contender{name: name}
	for _, r := range sys.Releases {
		c.followers = append(c.followers, newFollower(r.Steps, first))
		c.acted = append(c.acted, Acted{ID: r.ID, StoppedWeight: release.Number(math.NaN()), WaitedWeight: release.Number(math.NaN())})
	}
	return c
}

// hear takes a word about a release at a frame, with its weight in percent.
func (c *contender) hear(i int, at time.Time, w peer.Word, weight release.Number, why string) {
	x, a := c.followers[i], &c.acted[i]
	if x.last == peer.Stop {
		return
	}
	x.hear(at, w)
	a.Why, a.Held = why, w == peer.Wait
	if a.WaitedWeight = release.Number(math.NaN()); a.Held {
		a.WaitedWeight = weight
	}
	if w == peer.Stop {
		a.StoppedAt, a.StoppedWeight = &at, weight
	}
}

// Against makes the judge play other tools as well, by their names. It is
// called before anything is seen.
func (j *Judge) Against(names []string, o peer.Options) error {
	for _, name := range names {
		p, err := peer.New(name, j.sys, o)
		if err != nil {
			return fmt.Errorf("compare with: %w", err)
		}
		c := newContender(name, j.sys, peer.GoOn)
		c.peer = p
		j.contenders = append(j.contenders, c)
	}
	return nil
}

// See takes one frame, in the order of time and before what is said of it: for
// the other tools, and for what is said to run out.
func (j *Judge) See(f signal.Frame) {
	j.watchGrowth(f)
	for _, c := range j.contenders {
		if c.peer == nil {
			continue
		}
		for _, said := range c.peer.Step(f) {
			weight := release.Number(math.NaN())
			if said.Release < len(f.Exposure) {
				weight = release.Number(100 * f.Exposure[said.Release].Weight)
			}
			c.hear(said.Release, f.At, said.Word, weight, said.Why)
			c.acted[said.Release].Blind = said.Blind
			c.acted[said.Release].RolledBack = said.Word == peer.Stop
		}
	}
}

// ours lets our own two readings hear an assessment of a release.
func (j *Judge) ours(i int, a release.Assessment) {
	for _, c := range j.contenders {
		if c.peer != nil {
			continue
		}
		c.hear(i, a.At, wordOf(a, c.name == Gate), a.Weight, a.Sentence)
		c.acted[i].Unknown = a.Verdict == prevention.Unknown.String()
		back := &c.acted[i].RolledBack
		*back = *back || a.Verdict == prevention.Rollback.String()
	}
}

// wordOf reads a verdict as the word of a policy.
func wordOf(a release.Assessment, gate bool) peer.Word {
	switch a.Verdict {
	case prevention.Rollback.String(), prevention.Escalate.String():
		return peer.Stop
	case prevention.Promote.String():
		return peer.GoOn
	case prevention.Hold.String():
		return peer.Wait
	}
	if gate {
		return peer.Wait
	}
	return peer.GoOn
}

// played sums up what every policy would have done.
func (j *Judge) played() []Played {
	out := []Played{}
	for _, c := range j.contenders {
		if len(c.acted) == 0 {
			continue
		}
		p := Played{Policy: c.name, Harmed: release.Number(math.NaN())}
		for i, a := range c.acted {
			action := c.followers[i].action
			a.Bad = j.score.Subjects[i].Bad
			if action.Blocked > 0 {
				a.BlockedStep = action.Blocked + 1
				a.WaitedWeight = release.Number(100 * j.sys.Releases[i].Steps[action.Blocked-1].Weight)
			}
			a.Waiting = action.Stopped.IsZero() && a.Held
			a.Unknown = a.Waiting && a.Unknown
			a.Held = action.Stopped.IsZero() && (a.Held || action.Blocked > 0)
			if a.Bad {
				a.Averted, a.InFirst = j.averted(i, action), j.inFirst(i, action)
			}
			p.Releases = append(p.Releases, a)
			p.Harmed = j.worst(p.Harmed, i, action)
		}
		out = append(out, p)
	}
	return out
}

// worst returns the harm of a release under an action if it is greater than
// that of those before.
func (j *Judge) worst(before release.Number, i int, a Action) release.Number {
	if j.truth.Requests == nil || !j.score.Subjects[i].Bad {
		return before
	}
	harmed := release.Number(j.truth.Requests.Harmed(j.sys.Releases[i].Steps, a))
	if math.IsNaN(float64(before)) || harmed > before {
		return harmed
	}
	return before
}

// nobody returns the harm if nobody acts.
func (j *Judge) nobody() release.Number {
	harmed := release.Number(math.NaN())
	for i := range j.sys.Releases {
		harmed = j.worst(harmed, i, Action{})
	}
	return harmed
}

// averted says whether a release was kept from the exposure at which it fails.
func (j *Judge) averted(i int, a Action) bool {
	steps := j.sys.Releases[i].Steps
	if !a.Acted() || math.IsNaN(j.truth.FailsAt) {
		return false
	}
	at, reached := reaches(steps, j.truth.FailsAt)
	if !reached {
		return true
	}
	stopped := !a.Stopped.IsZero() && !a.Stopped.After(at)
	return stopped || a.Blocked > 0 && !steps[a.Blocked].At.After(at)
}

// inFirst says whether a release was stopped before its second step began.
func (j *Judge) inFirst(i int, a Action) bool {
	steps := j.sys.Releases[i].Steps
	return !a.Stopped.IsZero() && (len(steps) < 2 || !a.Stopped.After(steps[1].At))
}
