package release

import (
	"math"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// moreDemand is how many times what it was before is asked of a system, from which
// what its services then show may be its doing.
const moreDemand = 1.25

// demandOver is over how many frames at most demand is measured, before and now.
const demandOver = 16

// everywhere puts right, among what the services of a system show under a change that
// has no service, what half or more of them show together from the change on. That is
// taken out of what each shows lately, as the load's or the hour's doing, and in a
// system of a few services too little is known of the last frames alone. It is the
// change's where no more is asked of them than before: then each counts by itself,
// against all that is known of the time before.
func (s *State) everywhere(lately []finding) []finding {
	demand := s.demand()
	if demand >= moreDemand {
		return lately
	}
	for id, sig := range s.sys.Signals {
		// Unless demand is known, only what callers feel is no demand for certain.
		if sig.Kind == signal.Traffic || sig.Kind == signal.Infra || carries(sig) || math.IsNaN(demand) && !prevention.Symptom(sig.Kind) {
			continue
		}
		for _, j := range s.worseTogether(id) {
			if fd, ok := s.sinceChange(j, id); ok {
				lately = instead(lately, fd)
			}
		}
	}
	return lately
}

// instead puts a finding in the place of one of the same signal of the same service
// that says less, or after all where there is none.
func instead(fs []finding, fd finding) []finding {
	for old := range each(fs) {
		if old.Service == fd.Service && old.Signal == fd.Signal {
			if old.LogE < fd.LogE {
				*old = fd
			}
			return fs
		}
	}
	return append(fs, fd)
}

// carries says whether a signal is of what is sent and received: more or less of it
// everywhere is demand.
func carries(sig signal.Signal) bool {
	return sig.Kind == signal.Network && sig.Direction() == signal.Both
}

// demand returns how many times as much is asked of the services now as before anything
// began, the median over all of them: by their traffic, or where none is measured by
// what they send and receive; NaN where neither is.
func (s *State) demand() float64 {
	var served, carried []float64
	for id, sig := range s.sys.Signals {
		if sig.Unit.Dimension != signal.Rate || sig.Kind != signal.Traffic && !carries(sig) {
			continue
		}
		for j := range s.mem.Services {
			r := s.mem.Services[j].ratio(id)
			switch {
			case math.IsNaN(r):
			case sig.Kind == signal.Traffic:
				served = append(served, r)
			default:
				carried = append(carried, r)
			}
		}
	}
	if len(served) == 0 {
		served = carried
	}
	return stats.Median(served)
}

// ratio returns how many times its mean in the last frames before anything began a
// signal of a service is now; NaN where that is not known.
func (x *service) ratio(id int) float64 {
	if x.Before[id] == nil || x.After[id] == nil {
		return math.NaN()
	}
	was, is := pattern.Tail(x.Before[id], demandOver), pattern.Tail(x.After[id], demandOver)
	if len(was) == 0 || len(is) == 0 || !(stats.Mean(was) > 0) {
		return math.NaN()
	}
	return stats.Mean(is) / stats.Mean(was)
}

// worseTogether returns the services of which a signal is worse now than before
// anything began by what matters, if they are half or more of all, or too few to tell
// what all do.
func (s *State) worseTogether(id int) (who []int) {
	sign, all := 1.0, 0
	if s.sys.Signals[id].Direction() == signal.Down {
		sign = -1
	}
	var buf [atOnceFrames]float64
	for j := range s.mem.Services {
		x := &s.mem.Services[j]
		if x.Before[id] == nil || x.After[id] == nil {
			continue
		}
		was, now := x.Before[id].Values.Mean(), pattern.TailInto(buf[:0], x.After[id], atOnceFrames)
		if math.IsNaN(was) || len(now) == 0 {
			continue
		}
		if by := sign * (stats.Mean(now) - was); by > 0 && by >= s.sizes[id].Of(was) {
			who = append(who, j)
		}
		all++
	}
	if all >= pattern.MinPeers && 2*len(who) < all {
		return nil
	}
	return who
}

// sinceChange compares a signal of a service with the time before anything began. It
// says something where it became worse as a change was made and stays so for longer
// than what was started anew takes to warm up.
func (s *State) sinceChange(j, id int) (finding, bool) {
	x, size := &s.mem.Services[j], s.sizes[id]
	size.Still = true
	c, ok := s.work.Compare(pattern.Loads{}, x.After[id], nil, x.Before[id], s.sys.Signals[id].Direction(), size)
	if !ok {
		return finding{}, false
	}
	fd := s.finding(c, j, id, x.After[id])
	s.freshFinding(&fd, x.Before[id], x.Worse[id])
	return fd, fd.LogE > 0 && fd.Active && s.withChange(&fd)
}

// withChange says whether something began as one of the changes was made, and has
// stood since for longer than a start takes: of what may be cold after one, for as long
// as shows that it does not come down.
func (s *State) withChange(fd *finding) bool {
	least := s.startUp()
	if fd.Kind == signal.Latency || fd.Kind == signal.Cache || fd.Kind == signal.CPU {
		if least = max(least, leastStay); fd.Recovers() {
			return false
		}
	}
	for i := len(s.sys.Releases); i < len(s.mem.Subjects); i++ {
		begun := s.mem.Subjects[i].Begun
		if begun >= 0 && fd.Onset.P50 >= float64(begun)-1 && fd.Onset.P50 <= float64(begun+s.startUp()) && s.mem.Frame >= begun+least {
			return true
		}
	}
	return false
}
