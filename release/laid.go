package release

import (
	"fmt"
	"math"

	"github.com/foreshock/foreshock/signal"
)

// laid returns what is worse with the whole service of release i, of which its
// versions are not measured apart, and which began shortly after a step of it
// when nobody else did anything; or so with a service that it calls, which began
// with a step; nil where nothing is. That does not tell the versions apart, and is
// reason enough to wait.
func (s *State) laid(i int, sc *scene) *finding {
	x, service := &s.mem.Subjects[i], s.sys.Releases[i].Service
	var worst *finding
	for fd := range each(sc.services[service]) {
		if x.Canary[fd.Signal] == nil && s.laying(i, fd, sc) && (worst == nil || louder(*fd, *worst)) {
			worst = fd
		}
	}
	for _, callee := range s.sys.Graph.Callees(service) {
		for fd := range each(sc.services[callee]) {
			if s.burdens(i, fd, sc) && (worst == nil || louder(*fd, *worst)) {
				worst = fd
			}
		}
	}
	x.Laid = 0
	if worst != nil {
		x.Laid = s.laidTo(worst)
	}
	return worst
}

// laidTo is how a finding of a whole service is remembered.
func (s *State) laidTo(fd *finding) int { return fd.Service*len(s.sys.Signals) + fd.Signal + 1 }

// burdens says whether a finding of a service that release i calls is laid to the
// release, to wait: it got worse within frames of a step of the release, which makes
// its calls as before or asks more of them, and nobody else did anything then.
func (s *State) burdens(i int, fd *finding, sc *scene) bool {
	x, sig := &s.mem.Subjects[i], s.sys.Signals[fd.Signal]
	if !symptom(sig) || fd.Service == s.sys.Releases[i].Service {
		return false
	}
	if x.Laid == s.laidTo(fd) && fd.Stands(fd.Size) {
		return true
	}
	onset := s.dated(fd.Service, fd).P50
	if !fd.Rejected || !fd.Active || !withFrame(onset, x.Stepped) || !s.onlyOne(i, onset) {
		return false
	}
	for k := range s.mem.Subjects {
		if k != i && k < len(s.sys.Releases) && s.sys.Releases[k].Service == fd.Service && proves(sc.releases[k]) {
			return false
		}
	}
	return true
}

// laying says whether a finding of a whole service is laid to release i, to wait.
// What was beyond doubt, and stands as it did, is so still: as it goes on growing
// it wavers more.
func (s *State) laying(i int, fd *finding, sc *scene) bool {
	if s.mem.Subjects[i].Laid == s.laidTo(fd) && s.failing(i, fd) && fd.Stands(fd.Size) {
		return true
	}
	return fd.Rejected && fd.Active && s.failing(i, fd) && !s.foreign(i, fd, sc) && s.follows(i, s.dated(fd.Service, fd).P50)
}

// backlog is how many times what it was something without a limit must come to,
// over what the load has, to be an overload.
const backlog = 2

// failing says whether a finding of a whole service is trouble: a symptom, or a
// queue that grew by far more than the load did.
func (s *State) failing(i int, fd *finding) bool {
	if symptom(s.sys.Signals[fd.Signal]) {
		return true
	}
	switch sig := s.sys.Signals[fd.Signal]; {
	case sig.Good(): // of what goes well: what is missing
		return 1-fd.Now > backlog*(1-fd.Level) && fd.Level-fd.Now > fd.Size
	case fd.Kind == signal.Saturation, fd.Kind == signal.Database && sig.Direction() == signal.Up:
		return fd.full() || fd.Now > backlog*fd.Level*math.Max(1, s.grown(i)) && fd.Now-fd.Level > fd.Size
	default:
		return false
	}
}

// grown returns how many times as much traffic arrives at the service of a
// release as before anything began; 1 where that is not known.
func (s *State) grown(i int) float64 {
	x := &s.mem.Subjects[i]
	if x.Load == nil || x.LoadBefore == nil || x.Load.N == 0 || !(x.LoadBefore.Mean() > 0) {
		return 1
	}
	return x.Load.Mean() / x.LoadBefore.Mean()
}

// follows says whether something began with or shortly after a step of release
// i, and nobody else began or took a step shortly before it.
func (s *State) follows(i int, onset float64) bool {
	after := func(x *subject) bool {
		return x.Begun >= 0 && onset >= float64(x.Begun)-1 && onset <= float64(max(x.Begun, x.Stepped)+influence)
	}
	for k := range s.mem.Subjects {
		if after(&s.mem.Subjects[k]) != (k == i) {
			return false
		}
	}
	return true
}

// itCalls is how a service is told of that a release calls.
const itCalls = ", which it calls,"

// laidText says so.
func (s *State) laidText(i int, fd *finding) string {
	sig, service := s.sys.Signals[fd.Signal], s.sys.Services[fd.Service].Name
	since := s.instant(s.dated(fd.Service, fd).P50).UTC().Format(s.clock())
	if fd.Service != s.sys.Releases[i].Service {
		return fmt.Sprintf("%s of %s"+itCalls+" is %s against %s before since %s, within frames of its step, and nothing else began then; both versions call it, so that it is likely its doing, and not proven.",
			sig.Name, service, sig.Unit.Format(fd.Now), sig.Unit.Format(fd.Level), since)
	}
	return fmt.Sprintf("%s of all of %s is %s against %s before since %s, and nothing else began then; its versions are not measured apart, so that it is likely, and not proven.",
		sig.Name, service, sig.Unit.Format(fd.Now), sig.Unit.Format(fd.Level), since)
}
