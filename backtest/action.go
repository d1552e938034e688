package backtest

import (
	"time"

	"github.com/foreshock/foreshock/backtest/peer"
	"github.com/foreshock/foreshock/release"
)

// An Action is what a policy would have done to one release. The zero is to
// let it go on to the end.
type Action struct {
	Stopped time.Time // when it would have gone back to the old version; zero for never
	// Blocked is the first step that would not have begun, as an index into
	// the release's steps; 0 for none, because the first step begins before
	// anything can be said.
	Blocked int
}

// Acted says whether anything was done.
func (a Action) Acted() bool { return a.Blocked > 0 || !a.Stopped.IsZero() }

// A follower turns what a policy says of a release, frame by frame, into an
// action. Steps begin when they were recorded to: one is blocked when the last
// word before its time is Wait. It stays blocked, because what would have been
// measured had it begun later is not known.
type follower struct {
	steps  []release.Step
	last   peer.Word
	begun  int // steps whose time has come
	action Action
}

// newFollower returns a follower; first is what counts before anything is
// said.
func newFollower(steps []release.Step, first peer.Word) *follower {
	return &follower{steps: steps, last: first}
}

// hear takes what is said at an instant, in the order of time. A word said at
// the very time of a step comes too late for that step.
func (x *follower) hear(at time.Time, w peer.Word) {
	if x.last == peer.Stop {
		return
	}
	for x.begun < len(x.steps) && !x.steps[x.begun].At.After(at) {
		if x.last == peer.Wait && x.begun > 0 && x.action.Blocked == 0 {
			x.action.Blocked = x.begun
		}
		x.begun++
	}
	if x.last = w; w == peer.Stop {
		x.action.Stopped = at
	}
}

// Requests says which requests a release harmed while nobody acted.
type Requests struct {
	Start    time.Time // of the first frame
	Interval time.Duration
	// PerFrame holds the requests harmed since the frame before, beyond what
	// was usual before the first step; ≥ 0, one number a frame.
	PerFrame []float64
}

// Harmed returns how many requests a release would have harmed under an
// action, from its first step to the end of the recording.
//
// Up to the stop it is what was counted, and nothing after it: a stop works at
// once, for every policy alike. From a blocked step on it is, for every frame
// until the stop or the end, the mean over the last half of the step before,
// which would have gone on.
func (r Requests) Harmed(steps []release.Step, a Action) float64 {
	if len(steps) == 0 {
		return 0
	}
	var sum float64
	for i, harmed := range r.PerFrame {
		at := r.Start.Add(time.Duration(i) * r.Interval)
		if !at.After(steps[0].At) || !a.Stopped.IsZero() && at.After(a.Stopped) {
			continue
		}
		if a.Blocked > 0 && at.After(steps[a.Blocked].At) {
			harmed = r.lately(steps[a.Blocked-1].At, steps[a.Blocked].At)
		}
		sum += harmed
	}
	return sum
}

// lately returns the mean harm of the frames in the last half of a span; of a
// span too short to hold one there, that of the last frame in it, 0 if there
// is none.
func (r Requests) lately(from, to time.Time) float64 {
	half := from.Add(to.Sub(from) / 2)
	var sum, n, last float64
	for i, harmed := range r.PerFrame {
		at := r.Start.Add(time.Duration(i) * r.Interval)
		if at.After(to) || !at.After(from) {
			continue
		}
		last = harmed
		if at.After(half) {
			sum, n = sum+harmed, n+1
		}
	}
	if n == 0 {
		return last
	}
	return sum / n
}

// reaches returns when a release comes to a share of traffic, by its recorded
// steps, of which each moves the weight linearly while it completes. It is
// false when no step comes that far.
func reaches(steps []release.Step, weight float64) (time.Time, bool) {
	was := 0.0
	for _, s := range steps {
		if s.Weight >= weight {
			if s.Weight <= was || weight <= was {
				return s.At, true
			}
			share := (weight - was) / (s.Weight - was)
			return s.At.Add(time.Duration(share * float64(s.CompletedAt.Sub(s.At)))), true
		}
		was = s.Weight
	}
	return time.Time{}, false
}
