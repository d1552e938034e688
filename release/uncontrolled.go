package release

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// countPast feeds, for a release without a control, the tests of its counted
// events against what the service had before the first step.
func (s *State) countPast(i int) {
	x, r := &s.mem.Subjects[i], s.sys.Releases[i]
	if r.Control != "" {
		return
	}
	for id, canary := range x.Canary {
		if canary != nil {
			s.past(&x.Alike[id], s.mem.Services[r.Service].Before[id], canary, id)
		}
	}
}

// freshFrames is from which frame on counts without a control speak: fewer may be
// the connections that a swap cuts.
const freshFrames = 3

// freshFinding adds what the counted events of a release without a control say
// against the time before: they need no estimate of noise.
func (s *State) freshFinding(f *finding, before *pattern.Track, l *stats.LimitTest) {
	usual := s.mayFail(f.Signal, f.Level)
	least := usual + s.matters(f.Signal, usual)
	if l == nil || before == nil || f.Frames < freshFrames || l.Y < 3 || l.Y/l.N < least || !f.Stands(f.Size) {
		return
	}
	if last := f.Subject.Events / f.Subject.N; last < least {
		return // it is over, though values that look back do not show it yet
	}
	e := l.LogEValue()/s.bursts(f.Signal, before) + math.Log(s.policy.CountAlpha/s.policy.Alpha)
	if e > f.LogE {
		f.Counted, f.LogE, f.Active = true, e, true
	}
}

// bursts returns how many times as much a share of events wavered before as
// independent events would, at least 1.
func (s *State) bursts(id int, before *pattern.Track) float64 {
	p, n := before.Happens/before.Counted, before.Counted/math.Max(1, before.Frames)
	window := math.Max(1, float64(s.sys.Signals[id].Window))
	if !(p > 0 && p < 1) {
		return 1
	}
	d := before.Deviation()
	return math.Max(1, d*d*window*n/(p*(1-p)))
}

// moreLoad is by how much more than before the traffic of a service may be, if it is to do
// as it did then.
const moreLoad = 0.1

// busier says whether the service of a release without a control has more traffic now than
// it ever had before the release: what it does at that, neither version has shown.
func (s *State) busier(i int) bool {
	x, before := &s.mem.Subjects[i], s.mem.Services[s.sys.Releases[i].Service].Before
	for id, sig := range s.sys.Signals {
		if sig.Kind != signal.Traffic || sig.Unit.Dimension != signal.Rate || !hasValues(x.Canary[id]) || !hasValues(before[id]) {
			continue
		}
		if last := pattern.Tail(x.Canary[id], atOnce); len(last) > 0 && stats.Mean(last) > (1+moreLoad)*slices.Max(stats.Finite(before[id].Values.Means())) {
			return true
		}
	}
	return false
}

// excuse takes back the evidence of a release without a control, or of one whose
// control had gone by then, where what it shows began elsewhere: both versions
// would show it, and nothing tells them apart. It is held then, and not laid to it.
func (s *State) excuse(i int, sc *scene) {
	for fd := range each(sc.releases[i]) {
		if !fd.Rejected || !symptom(s.sys.Signals[fd.Signal]) || !s.uncontrolled(i, fd) {
			continue
		}
		excused := &s.mem.Subjects[i].Excused[fd.Signal]
		if s.foreign(i, fd, sc) || s.sys.Releases[i].Control != "" && s.troubledBelow(i) {
			*excused = s.mem.Frame + 1
		}
		// What was below is over first, and what it did is seen for a while.
		if *excused > 0 && s.mem.Frame-*excused < quiet {
			fd.Rejected, fd.Certain = false, false
		}
	}
}

// uncontrolled says whether no control stood beside a release when something
// about it became worse.
func (s *State) uncontrolled(i int, fd *finding) bool {
	if s.sys.Releases[i].Control == "" {
		return true
	}
	return fd.Control != nil && fd.Control.Missed > 0 && fd.Onset.P50 > float64(s.mem.Frame-fd.Control.Missed)
}

// troubledBelow says whether a service that release i calls, near or far, looks
// worse now than before anything began, and did not begin to with a step of the
// release. It need not be proven: while it lasts, failures that no control is there
// to share are not laid to the release.
func (s *State) troubledBelow(i int) bool {
	for j, share := range s.sys.Graph.Downstream(s.sys.Releases[i].Service) {
		if share <= 0 || j == s.sys.Releases[i].Service {
			continue
		}
		for id, after := range s.mem.Services[j].After {
			if before := s.mem.Services[j].Before[id]; after == nil || before == nil || !symptom(s.sys.Signals[id]) {
				continue
			} else if from, now := s.worseSince(id, before, after); now && !withFrame(float64(from), s.mem.Subjects[i].Stepped) {
				return true
			}
		}
	}
	return false
}

// worseSince returns since which frame, of the last sixteen, all values of a signal
// lie over its level before by more than matters; false where the last ones do not.
func (s *State) worseSince(id int, before, after *pattern.Track) (from int, now bool) {
	level, sign := before.Values.Mean(), 1.0
	if s.sys.Signals[id].Direction() == signal.Down {
		sign = -1
	}
	size, n := s.sizes[id].Of(level), 0
	from = after.Values.Newest + 1
	for _, v := range slices.Backward(after.Values.Tail(stats.Width)) {
		if math.IsNaN(v) {
			continue
		}
		if sign*(v-level) < size {
			break
		}
		from, n = from-1, n+1
	}
	return from, n >= atOnce-1
}

// foreign says whether something worse with a release without a control began
// before it, or first with a service that it calls.
func (s *State) foreign(i int, fd *finding, sc *scene) bool {
	x, service := &s.mem.Subjects[i], s.sys.Releases[i].Service
	alone := s.sys.Releases[i].Control == ""
	if alone && s.wasWorse(i, fd) {
		return true
	}
	latest := fd.Onset.P50
	if !alone { // the two may have begun in either order
		latest = fd.Onset.P90
	}
	down := s.sys.Graph.Downstream(service)
	for _, inc := range sc.incidents {
		switch {
		case inc.Service == service:
			if alone && inc.Onset < float64(x.Begun)-1 {
				return true
			}
		case inc.Overload || inc.Service >= len(down) || down[inc.Service] <= 0 || inc.Onset > latest+1:
		case !withFrame(inc.Earliest, x.Begun) && (alone || !withFrame(inc.Earliest, x.Stepped)) || !s.onlyOne(i, inc.Earliest):
			return true
		}
	}
	return false
}

// wasWorse says whether a signal had come half of the way, or more, in the last
// frames before a release began.
func (s *State) wasWorse(i int, fd *finding) bool {
	before := s.mem.Services[s.sys.Releases[i].Service].Before[fd.Signal]
	if before == nil || s.mem.Subjects[i].Begun != s.mem.Begun {
		return false
	}
	last := pattern.Tail(before, atOnce)
	return len(last) > 0 && math.Abs(stats.Mean(last)-fd.Level) >= math.Abs(fd.Now-fd.Level)/2 && (stats.Mean(last) > fd.Level) == (fd.Now > fd.Level)
}

// onlyOne says whether no other release or change began, or took a step, as
// something did.
func (s *State) onlyOne(i int, onset float64) bool {
	for k := range s.mem.Subjects {
		x := &s.mem.Subjects[k]
		if k != i && x.Begun >= 0 && (withFrame(onset, x.Begun) || withFrame(onset, x.Stepped)) {
			return false
		}
	}
	return true
}
