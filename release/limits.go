package release

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// limitOf returns the limit of a signal: what was said, or else, of a share of
// something that is used, all of it. What was over it once is no such share.
func limitOf(sig signal.Signal, t *pattern.Track) float64 {
	shared := sig.Kind == signal.CPU || sig.Kind == signal.Database || sig.Kind == signal.Saturation
	if !math.IsNaN(t.Limit) || sig.Limit.Set || !shared || sig.Unit.Dimension != signal.Ratio || sig.Direction() == signal.Down {
		return t.Limit
	}
	for _, v := range t.Values.Means() {
		if v > 1 {
			return math.NaN()
		}
	}
	return 1
}

// samePods says whether a release's steps are known to leave the number of
// the new version's instances as it is: then each of them gets more to do.
func (s *State) samePods(i int, f signal.Frame) bool {
	steps := s.sys.Releases[i].Steps
	k := f.Exposure[i].Step - 1
	if k < 0 || k >= len(steps) || steps[k].CanaryReplicas < 1 {
		return false
	}
	return !slices.ContainsFunc(steps[k:], func(x Step) bool { return x.CanaryReplicas != steps[k].CanaryReplicas })
}

// idleShare is what is used with nothing to do, as a share of what the stable
// version uses at work, and the standard deviation of that: a judgement.
const idleShare = 0.1

// idle returns what an instance of the new version is believed to use with
// nothing to do, with its standard error; 0 and 0 where nothing is believed:
// of what fills up, and where there is no stable version beside it.
func (s *State) idle(i, id int) (level, se float64) {
	sig, x := s.sys.Signals[id], &s.mem.Subjects[i]
	used := sig.Kind == signal.CPU || sig.Kind == signal.Saturation || sig.Kind == signal.Database
	t := x.Before[id]
	if t == nil || t.Values.N == 0 {
		t = x.Control[id]
	}
	shared := sig.Unit.Dimension == signal.Ratio || sig.Unit.Dimension == signal.CPUTime
	if !used || !shared || t == nil || t.Values.N == 0 || sig.Direction() == signal.Down {
		return 0, 0
	}
	work := idleShare * math.Abs(t.Values.Mean())
	return work, math.Max(work, 0.01*math.Abs(limitOf(sig, t)))
}

const (
	// A share that is full is felt before: waits grow without bound on the way.
	// From where on depends on how many serve, which is not known.
	earlyShare, zoneShare = 0.1, 0.07
	// A limit that somebody set is taken at its word, more or less.
	zoneSet = 0.03
)

// zone returns how far before a limit callers feel it, and how sure that is.
func zone(sig signal.Signal, limit float64) (early, sd float64) {
	wait, _ := answers(sig)
	switch {
	case wait || sig.Kind == signal.Memory || sig.Kind == signal.Cache:
		return 0, 0
	case sig.Unit.Dimension == signal.Ratio && limit == 1:
		return earlyShare, zoneShare
	default:
		return 0, zoneSet * math.Abs(limit)
	}
}

// roomy says whether something fills up that has a limit and half of its room
// left: how much is used is then a cost. That it grows may still matter.
func (f *finding) roomy() bool {
	return (filling(f.Kind) || f.Kind == signal.Network) && !f.Falls && f.Now < f.Level+(f.Subject.Limit-f.Level)/2
}

// sized lowers the size of consequence to the distance to a limit.
func sized(c pattern.Comparison, limit float64) float64 {
	room := limit - c.Level
	if c.Falls {
		room = -room
	}
	if room > 0 && room < c.Size {
		return room
	}
	return c.Size
}

// beyond returns how likely it is that the subject is past its limit now, as callers
// feel it, while its reference is well below; 0 where there is no limit. What
// fills up is felt from a value on that is known as well as [zone] says, and that
// is no nearer than half-way from the reference; any other limit is met or not.
func (s *State) beyond(f *finding) float64 {
	sig := s.sys.Signals[f.Signal]
	limit := limitOf(sig, f.Subject)
	early, sd := zone(sig, limit)
	if sig.Kind == signal.CPU && sig.Unit.Dimension == signal.CPUTime {
		early, sd = earlyShare*limit, zoneShare*limit // a share of so many cores
	}
	switch {
	case math.IsNaN(limit):
		return 0
	case f.Falls && f.Now < limit && f.Level >= limit, !f.Falls && f.Now >= limit*(1-1e-9) && f.Level < limit:
		return 1
	case f.Falls || early == 0:
		return 0
	}
	felt := math.Max(limit-early, (limit+f.Level)/2)
	now := f.latest()
	if !(f.Level < felt-sd) || !f.Stands(2*sd) || math.IsNaN(now) { // the reference is well below, and still is
		return 0
	}
	return stats.NormalCDF((now - felt) / sd)
}

// latest is the mean of the subject's last three frames that are there; NaN without any.
func (f *finding) latest() float64 {
	var buf [3]float64
	return stats.Mean(pattern.TailInto(buf[:0], f.Subject, 3))
}

// pastLimit says whether that is more likely than not.
func (f *finding) pastLimit() bool { return f.Past >= likelyPast }

// likelyPast is the probability from which a limit is taken to be felt.
const likelyPast = 0.5

// well returns the share of the traffic at which release i is seen to do well, for
// as long as a promote asks for; 0 where it is not: where it may do harm, or what its
// callers feel is worse anywhere that it can reach.
func (s *State) well(i int, sc *scene) float64 {
	if harm, proven := s.harm(i, sc); proven || harm >= s.policy.PromoteBelow {
		return 0
	}
	for _, j := range s.reached(s.sys.Releases[i].Service) {
		for fd := range each(sc.services[j]) {
			if fd.Rejected && fd.Active && prevention.Symptom(fd.Kind) {
				return 0
			}
		}
	}
	x := &s.mem.Subjects[i].Exposed
	return math.Min(x.At(s.mem.Frame), x.At(s.mem.Frame-s.policy.MinFrames))
}

// atRest takes back what a use that does not go with the traffic may explain. A
// version at a small share of the traffic uses something with nothing to do, and
// for its share that looks like much. Where a whole cohort is measured, is not
// past a limit, and uses no more in all than the stable version does, more for each
// request cannot be told from that: it is a cost until it is more, or has
// more of the traffic.
func (s *State) atRest(fd *finding, weight float64) {
	sig := s.sys.Signals[fd.Signal]
	if prevention.Symptom(fd.Kind) || !divided(sig, fd.Subject) || fd.Falls || fd.Control == nil || fd.pastLimit() {
		return
	}
	if !(weight > 0) || weight*fd.Now > (1-weight)*fd.Level {
		return
	}
	fd.LogE, fd.Suspicion, fd.Active, fd.Grows, fd.Harmless = 0, 0, false, false, true
	fd.Harm = 0
}
