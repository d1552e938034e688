package release

import (
	"fmt"
	"math"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// shared finds what runs out, or has, and is not the new version's alone: what grows in
// both versions alike, in what they share, and in the services that they call.
// It is compared with what it was before the release began. Nobody is blamed: it
// is told of, and held for where it is near, because it hits the release as well.
func (s *State) shared(i int, sc *scene) []finding {
	if i >= len(s.sys.Releases) || s.mem.Subjects[i].Begun < 0 {
		return nil
	}
	out := s.alikeGrowth(i, sc)
	service := s.sys.Releases[i].Service
	for _, j := range append([]int{service}, s.sys.Graph.Callees(service)...) {
		for _, fd := range sc.services[j] { // a copy
			if fd.usedUp() || !math.IsNaN(fd.Subject.Limit) && s.runsOnTime(i, &fd) {
				out = append(out, fd)
			}
		}
	}
	return out
}

// alikeGrowth finds what runs out, or has, in both versions of a release.
func (s *State) alikeGrowth(i int, sc *scene) (out []finding) {
	x := &s.mem.Subjects[i]
	for id, before := range x.Before {
		now := x.Control[id]
		if now == nil || now.Missed > 0 {
			now = x.Canary[id] // all traffic has gone over
		}
		if before == nil || now == nil || alone(sc.releases[i], id) || !s.risen(now, before, id) {
			continue
		}
		c, ok := s.work.Compare(pattern.Loads{}, now, nil, before, s.sys.Signals[id].Direction(), s.sizes[id])
		if !ok {
			continue
		}
		if fd := s.finding(c, s.sys.Releases[i].Service, id, now); fd.usedUp() || s.runsOnTime(i, &fd) {
			out = append(out, fd)
		}
	}
	return out
}

// runsOnTime says whether something runs out by the clock, and fills in when.
func (s *State) runsOnTime(i int, fd *finding) bool {
	if !s.goesOn(i, fd) {
		return false
	}
	s.runsOut(fd, &s.mem.Subjects[i].Exposed)
	return fd.Runs != nil
}

// fewest is over how many frames of one step something must go on growing to
// grow with time and not with the steps.
const fewest = 6

// goesOn says whether what grows does so within the step in force, at half its
// pace or more: what comes with every step stands still in between, and is not
// foretold by the clock. Values that look back to before the step rise with it.
func (s *State) goesOn(i int, fd *finding) bool {
	window := max(1, s.sys.Signals[fd.Signal].Window)
	values := fd.Subject.Values.Tail(16)
	values = values[min(len(values), max(0, len(values)-(s.mem.Frame-s.mem.Subjects[i].Stepped)+window-2)):]
	frames := make([]float64, len(values))
	for k := range frames {
		frames[k] = float64(k)
	}
	f := stats.OLS(frames, values)
	if fd.Falls {
		f.Slope = -f.Slope
	}
	return f.N >= fewest && f.Slope > 2*f.SE*math.Sqrt(float64(window)) && f.Slope >= fd.Slope/2
}

// alone says whether a signal runs out in the new version by itself.
func alone(fs []finding, id int) bool {
	for fd := range each(fs) {
		if fd.Signal == id && (fd.Runs != nil || fd.Rejected) {
			return true
		}
	}
	return false
}

// risen says whether a signal with a limit has come nearer to it by what matters.
func (s *State) risen(now, before *pattern.Track, id int) bool {
	if math.IsNaN(now.Limit) {
		return false
	}
	var buf [3]float64
	was := before.Values.Mean()
	by := stats.Mean(pattern.TailInto(buf[:0], now, 3)) - was
	if now.Limit < was {
		by = -by
	}
	return by >= s.sizes[id].Of(was)
}

// mentioned is within how many frames what both versions share must run out to
// be told of in a promote.
const mentioned = 5 * levelsOff

// runsOutSoon returns the first of what both versions share that is to run out
// before more could be told of it with a probability, and not too
// young to level off; nil where nothing is. A step that is taken then is taken
// into an outage.
func runsOutSoon(sc *scene, from float64) *finding {
	return firstToRunOut(sc.shared, func(fd *finding) bool {
		return float64(fd.runs()) >= from && fd.Runs.P50 <= levelsOff && fd.Frames >= levelsOff
	})
}

// outFrom is the probability from which what both versions share holds release i: as
// surely as a rollback asks for, and more likely than not while it is held.
func (s *State) outFrom(i int) float64 {
	if x := &s.mem.Subjects[i]; !x.Held.IsZero() && x.Why == prevention.Elsewhere {
		return likelyMet
	}
	return s.policy.RollbackAbove
}

// usedUp says whether what is used is at its limit by now, where callers feel it,
// and was certainly well below. Memory and caches are full by design.
func (f *finding) usedUp() bool {
	used := f.Kind == signal.CPU || f.Kind == signal.Saturation || f.Kind == signal.Database
	return used && f.pastLimit() && f.Comparison.LogE > certainRise
}

// isOut returns what both versions share, or call, and is at its limit since the
// release began: it is not safe to give it more. nil where nothing is.
func isOut(sc *scene) *finding {
	for fd := range each(sc.shared) {
		if fd.Runs == nil {
			return fd
		}
	}
	return nil
}

// isOutText says that something that both versions share is at its limit.
func (s *State) isOutText(i int, fd *finding) string {
	sig, whichever := s.sys.Signals[fd.Signal], ""
	if fd.Subject == s.mem.Subjects[i].Control[fd.Signal] {
		whichever = ", whichever version serves"
	}
	return fmt.Sprintf("%s of %s is at its limit of %s (%s, was %s before the release)%s: it is not safe to give it more",
		sig.Name, s.sys.Services[fd.Service].Name, sig.Unit.Format(limitOf(sig, fd.Subject)), sig.Unit.Format(fd.latest()), sig.Unit.Format(fd.Level), whichever)
}

// runsOutText says when something that both versions share runs out.
func (s *State) runsOutText(fd *finding) string {
	sig := s.sys.Signals[fd.Signal]
	at := s.instant(float64(s.mem.Frame) + fd.Runs.P50)
	return fmt.Sprintf("%s of %s, whichever version serves, is to meet its limit of %s at about %s",
		sig.Name, s.sys.Services[fd.Service].Name, sig.Unit.Format(fd.Subject.Limit), at.UTC().Format(s.clock()))
}

// mayRunOut says whether something runs out with more than a hint of it.
func mayRunOut(fd *finding) bool { return fd.Runs.Met >= aTenth }

// firstToRunOut returns the first of what runs out and counts; nil where nothing does.
func firstToRunOut(fs []finding, counts func(*finding) bool) *finding {
	var first *finding
	for fd := range each(fs) {
		if fd.Runs != nil && counts(fd) && (first == nil || fd.Runs.P50 < first.Runs.P50) {
			first = fd
		}
	}
	return first
}
