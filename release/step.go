package release

import (
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// Step takes one frame and returns the assessment of every release and change
// that has begun, in their order in the system, releases first. It observes
// each, attributes once, decides each. Frames must come in the order of time.
func (s *State) Step(f signal.Frame) []Assessment {
	s.work.Reset()
	s.observe(f)
	var out []Assessment
	if s.mem.Begun >= 0 {
		sc := s.examine(f)
		s.foresee(f, sc)
		s.attribute(f, sc)
		s.react(sc)
		s.remember(sc)
		for i := range s.mem.Subjects {
			if s.mem.Subjects[i].Begun >= 0 {
				out = append(out, s.assess(i, f, sc))
			}
		}
	}
	s.mem.Frame++
	return out
}

// A ruling is a decision with what would be said without the latch.
type ruling struct {
	prevention.Decision
	shadow prevention.Decision
	harm   float64
	proven bool
	needs  needs
	ahead  outlook
	gets   float64 // the share of traffic it gets, where that is far over the plan; else 0
}

// rule decides one subject, and keeps latch and hold.
func (s *State) rule(i int, f signal.Frame, sc *scene) ruling {
	x := &s.mem.Subjects[i]
	harm, proven := s.harm(i, sc)
	switch {
	case x.unasked(): // nothing was seen that would prove more
	case proven:
		x.Proven++
	default:
		x.Proven = 0
	}
	switch {
	case x.unasked():
	case sc.together[i]:
		x.AtOnce++
	default:
		x.AtOnce = 0
	}
	sc.shared = s.shared(i, sc)
	n, o := s.needs(i, sc), s.outlook(i, f, sc)
	o.from = s.policy.BreachFrom(x.suspect())
	gets, misrouted := s.misrouted(i, f)
	n.exposure, n.never = o.needs, s.never(i, f)
	d := s.policy.Decide(prevention.Case{
		Unasked: x.unasked(), Harm: harm, Proven: x.Proven >= 2 || s.certainly(i, sc), Suspected: s.suspected(i, sc), Culprit: sc.blame.Culprit[i],
		Breach: o.breach, Guess: o.guess,
		Enough:   n.enough(),
		Silence:  i < len(s.sys.Releases) && silent(sc.silences[i]),
		Starting: i < len(s.sys.Releases) && (sc.silences[i].Kind == pattern.SilenceStarting || sc.silences[i].Kind == pattern.SilenceShared || x.Seen < 0),
		Dim:      sc.lacks[i].Gone, Dimming: sc.lacks[i].Late,
		Suffer: sc.suffer[i], Lasting: i < len(s.sys.Releases) && sc.silences[i].Lasts,
		Elsewhere: i < len(s.sys.Releases) && (s.elsewhere(i, sc) || runsOutSoon(sc, s.outFrom(i)) != nil || isOut(sc) != nil),
		Misrouted: misrouted, Laid: i < len(s.sys.Releases) && sc.laid[i] != nil,
		Together: x.AtOnce >= atOnceFrames,
		Unsafe:   i < len(s.sys.Releases) && s.sys.Releases[i].Rollback == Unsafe,
		Held:     x.suspect(),
	})
	d = s.hold(x, d, f.At, i)
	shadow := d
	switch {
	case x.Latched.Reason == prevention.HoldExpired && d.Verdict == prevention.Rollback:
		x.Latched, x.Stopped = d, 0 // nobody has decided yet, and now it is proven
	case x.Latched.Verdict != 0:
		d = x.Latched
		x.Stopped++
	case d.Verdict == prevention.Rollback || d.Verdict == prevention.Escalate:
		x.Latched = d
	}
	r := ruling{Decision: d, shadow: shadow, harm: harm, proven: proven, needs: n, ahead: o}
	if misrouted {
		r.gets = gets
	}
	return r
}

// suspect says whether a release is held for its evidence.
func (x *subject) suspect() bool { return !x.Held.IsZero() && x.Why == prevention.Suspect }

// hold keeps a hold until its evidence is gone for the policy's number of
// frames, and turns one that outlived its time into escalate. A frame of which
// nothing is known leaves a hold as it is.
func (s *State) hold(x *subject, d prevention.Decision, at time.Time, i int) prevention.Decision {
	switch {
	case x.unasked() && x.Held.IsZero():
		return d
	case x.unasked():
		return prevention.Decision{Verdict: prevention.Hold, Reason: x.Why, Blames: x.Blamed}
	case d.Verdict == prevention.Hold:
		if x.Held.IsZero() || x.Why != d.Reason {
			x.Held, x.Why = at, d.Reason
		}
		x.Clear, x.Blamed = 0, d.Blames
	case x.Held.IsZero():
		return d
	case d.Verdict == prevention.Rollback || d.Verdict == prevention.Escalate:
		x.Held, x.Clear = time.Time{}, 0
		return d
	default:
		x.Clear++
		if x.Clear >= s.policy.Clear {
			x.Held, x.Clear = time.Time{}, 0
			return d
		}
		x.Blamed = false
		d = prevention.Decision{Verdict: prevention.Hold, Reason: x.Why}
	}
	// Somebody else's incident has an owner: waiting for its end costs nothing.
	if x.Why != prevention.Elsewhere && at.Sub(x.Held) >= s.maxHold(i) {
		x.Expired = x.Held
		return prevention.Decision{Verdict: prevention.Escalate, Reason: prevention.HoldExpired}
	}
	return d
}

// heldFrames is how many frames a hold lasts at least: fewer resolve nothing.
const heldFrames = 10

// maxHold is twice the length of the step in force, as it was planned, and at
// least the policy's, and ten frames. Steps without times say nothing of it.
func (s *State) maxHold(i int) time.Duration {
	least := max(s.policy.MaxHold, heldFrames*s.sys.Interval)
	if i >= len(s.sys.Releases) {
		return least
	}
	steps := s.sys.Releases[i].Steps
	k := s.mem.Subjects[i].Step - 1
	if k < 0 || k >= len(steps) || steps[k].At.IsZero() {
		return least
	}
	length := steps[k].CompletedAt.Sub(steps[k].At)
	if k > 0 && !steps[k-1].At.IsZero() {
		length = max(length, steps[k].At.Sub(steps[k-1].At))
	}
	return max(least, 2*length)
}

// harm returns the probability that going on does harm, at the next step or one
// after it, from the signals, and whether it is worse beyond the false-alarm rate.
func (s *State) harm(i int, sc *scene) (p float64, proven bool) {
	for fd := range each(sc.releases[i]) {
		if fd.Kind == signal.Infra && i < len(s.sys.Releases) {
			continue // the machine below is not the release's doing
		}
		switch {
		case fd.Rejected && fd.Active && i < len(s.sys.Releases) && (fd.Grows && !s.soon(fd, i) || s.warming(fd, i) && !s.stays(fd, i, sc) || fd.Felt && fd.Past < s.policy.RollbackAbove):
			proven = true
			p = max(p, min(fd.Harm, s.policy.RollbackAbove-0.01))
		case fd.Rejected && fd.Active:
			proven = true
			p = max(p, fd.Harm)
		case i < len(s.sys.Releases):
			p = max(p, min(fd.Harm, s.policy.RollbackAbove-0.01))
		}
	}
	return p, proven
}

// certainly says whether counted events prove release i worse in one frame.
func (s *State) certainly(i int, sc *scene) bool {
	return slices.ContainsFunc(sc.releases[i], func(fd finding) bool {
		return fd.Certain && fd.Active
	})
}

// suspected says whether something about release i is worse at the policy's
// rate for suspicions, and still is. That something may be growing is no reason
// to wait while its limit is far.
func (s *State) suspected(i int, sc *scene) bool {
	return i < len(s.sys.Releases) && slices.ContainsFunc(sc.releases[i], func(fd finding) bool { return s.suspects(i, &fd) })
}

func (s *State) suspects(i int, fd *finding) bool {
	return fd.Kind != signal.Infra && (fd.near() || fd.Suspected && fd.Active && (!fd.Grows || s.soon(fd, i)))
}

// warming says whether a new version may be slow, miss its cache or compute more
// because it is cold: while it may still be starting, or while that comes down from
// where it began. What
// has certainly come down, and not by half yet, has half as long again: at the end of a
// cold start it is not known whether the rest will go. That is held, and rolled back
// when it stays.
func (s *State) warming(fd *finding, i int) bool {
	x := &s.mem.Subjects[i]
	// Streams and sessions that are open move over slowly.
	level := fd.Kind == signal.Traffic && s.sys.Signals[fd.Signal].Unit.Dimension != signal.Rate && s.sys.Signals[fd.Signal].Unit.Dimension != signal.Ratio
	if fd.Kind != signal.Latency && fd.Kind != signal.Cache && fd.Kind != signal.CPU && !fd.Felt && !level {
		return false
	}
	since := s.mem.Frame - x.Seen
	return x.Seen >= 0 && (since < s.startUp() || 2*since < 3*s.startUp() && fd.ComesDown()) || fd.Subsides() ||
		s.newcomers(fd)
}

// stays says whether a finding is no cold start after all, though it began with the
// release: three times the reference or more, for a quarter of the time that a start
// may take and eight frames, and neither it nor anything else that is slow comes down.
// What compiles, connects or fills its cache gets better by serving.
func (s *State) stays(fd *finding, i int, sc *scene) bool {
	since := math.Max(leastStay, float64(s.startUp())/4)
	if fd.Kind != signal.Latency && !fd.Felt || !(fd.Effect >= 2*math.Abs(fd.Level)) ||
		float64(s.mem.Frame)-fd.Onset.P50 < since || !fd.Stays() || s.newcomers(fd) {
		return false
	}
	return !slices.ContainsFunc(sc.releases[i], func(x finding) bool {
		return (x.Kind == signal.Latency || x.Felt) && x.Rejected && x.ComesDown()
	})
}

// leastStay is how many frames show that something does not come down.
const leastStay = 8

// newcomers says whether a finding is of instances alone that may still be starting,
// with half as long again: those that came with a step, while the older ones do well.
// Of many instances not all are told apart, and what none of these shows is no start.
func (s *State) newcomers(fd *finding) bool {
	if fd.Subject == nil || fd.Subject.Missed > 0 {
		return false
	}
	well, cold, sign := false, false, 1.0
	if fd.Falls {
		sign = -1
	}
	for _, p := range fd.Subject.Pods {
		bad := sign*(p.Last-fd.Level) >= fd.Size
		switch young := 2*p.N < 3*float64(s.startUp()); {
		case young:
			cold = cold || bad
		case bad:
			return false
		default:
			well = true
		}
	}
	return well && cold
}

// soon says whether growth comes to its limit, more likely than not, before
// more could be told of it. Until then it may level off, as what fills up does:
// waiting tells, and harms nobody. What still grows when the hold is over has
// not levelled off.
func (s *State) soon(fd *finding, i int) bool {
	if held := s.mem.Subjects[i].Held; !held.IsZero() && s.mem.At.Sub(held) >= s.maxHold(i) {
		return true
	}
	if fd.Runs == nil {
		return fd.pastLimit()
	}
	return fd.Runs.Met >= likelyMet && fd.Runs.P50 <= levelsOff
}
