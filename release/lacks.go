package release

import (
	"fmt"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// A lack is what the new version does not say of itself while the control does.
type lack struct {
	Missing, Of int  // signals that it lacks, of those that the control gives
	Gone        bool // most of them are missing for longer than it may take to start
	Late        bool // most of them are missing, and it may still be starting
	For         int  // frames
}

const (
	// leastGiven is how many signals the control must give before it says
	// something that the new version gives few of them: with fewer, one renamed
	// metric is most of them.
	leastGiven = 4
	// lateFrames is how many frames a scrape may be late.
	lateFrames = 2
)

// lacks counts what the new version of a release does not report while the
// control does, though it serves: then its callers are all that speaks for it,
// and what goes on inside is not seen. One metric that was renamed is no lack.
func (s *State) lacks(i int) lack {
	x := &s.mem.Subjects[i]
	var l lack
	if x.Begun < 0 || x.Seen < 0 || x.Routed < 0 || x.Missed > lateFrames || x.Idle > lateFrames && s.hasServed() {
		return l // it is silent, or idle, or no traffic was planned for it yet
	}
	gone, shortest := 0, s.mem.Frame
	for id, control := range x.Control {
		if control == nil || control.Missed > 0 || control.Values.N < usualFrames || s.sys.Signals[id].Kind == signal.Infra {
			continue
		}
		l.Of++
		missed := s.mem.Frame - max(x.Seen, x.Routed) + 1
		if c := x.Canary[id]; c != nil {
			missed = min(missed, c.Missed)
		}
		if missed > lateFrames {
			l.Missing++
		}
		if missed > s.startUp() {
			gone++
			shortest = min(shortest, missed)
		}
	}
	if l.Of < leastGiven {
		return lack{}
	}
	l.Gone = 2*gone >= l.Of
	l.Late = !l.Gone && 2*l.Missing >= l.Of
	if l.Gone {
		l.For = shortest
	}
	return l
}

// dimmed says whether a release waits, or waited too long, because most of its
// metrics are missing.
func (s *State) dimmed(i int, a *Assessment) bool {
	expired := a.Reason == prevention.HoldExpired.String() && s.mem.Subjects[i].Why == prevention.Silent
	return a.Reason == prevention.Silent.String() || expired
}

// reason says why that is waited for, and what is suspected besides.
func (l lack) reason(suspicion string) string {
	const mend = "mend its metrics endpoint, or its scraping, first."
	if suspicion == "" {
		return l.text() + "; nothing that is seen of it is worse, but most is not seen; " + mend
	}
	return l.text() + "; " + mend + " Besides, " + suspicion
}

// text says what is missing.
func (l lack) text() string {
	return fmt.Sprintf("%d of the %d signals that the control gives are missing from the new version", l.Missing, l.Of)
}
