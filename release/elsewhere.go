package release

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/stats"
)

// elsewhere says whether somebody else's incident touches release i: its own
// service is worse in both versions, or one that it calls is.
func (s *State) elsewhere(i int, sc *scene) bool {
	r := s.sys.Releases[i]
	both, mends := s.suffer(i, sc)
	if both {
		return true
	}
	for fd := range each(sc.releases[i]) {
		if fd.Rejected && fd.Active {
			return false // its own evidence speaks
		}
	}
	for k, inc := range sc.incidents {
		if mends && inc.Service == r.Service {
			continue // of the stable version alone
		}
		if sc.blame.Owned[k] && inc.Service != r.Service || inc.Overload && drives(sc.failures[i], inc.Service) {
			continue
		}
		near := inc.Service == r.Service || slices.Contains(s.sys.Graph.Callers(r.Service), inc.Service) ||
			slices.Contains(s.sys.Graph.Callees(r.Service), inc.Service) && len(sc.alike[i]) == 0
		if near {
			return true
		}
	}
	return false
}

// suffer says whether both versions of a release are worse than its control was before
// it, and whether the control alone is.
func (s *State) suffer(i int, sc *scene) (both, mends bool) {
	for fd := range each(sc.alike[i]) {
		switch {
		case !fd.Rejected || !fd.Active:
		case s.spared(i, fd):
			mends = true
		default:
			return true, false
		}
	}
	return false, mends
}

// spared says whether what is worse with the control of release i since a moment is not
// so with its new version: that lies nearer to what the control was before than a
// quarter of the way, in values and, where events are counted, certainly by their number.
// Then it is the stable version that fails, and going on mends it.
func (s *State) spared(i int, fd *finding) bool {
	x := &s.mem.Subjects[i]
	canary := x.Canary[fd.Signal]
	if canary == nil || canary.Missed > 0 || math.IsNaN(fd.Onset.P50) {
		return false
	}
	from := max(int(math.Round(fd.Onset.P50)), x.Begun)
	own, other := canary.Values.Over(from, s.mem.Frame), fd.Subject.Values.Over(from, s.mem.Frame)
	if s.mem.Frame-from < sparedFrames || math.IsNaN(own) || !(math.Abs(own-fd.Level) < math.Abs(other-fd.Level)/4) {
		return false
	}
	if !counted(s.sys.Signals[fd.Signal]) || math.IsNaN(canary.N) {
		return true
	}
	// As often as the control its requests would have failed so many times by now.
	n := canary.Counted / math.Max(1, canary.Frames) * float64(s.mem.Frame-from+1)
	usual := s.mayFail(fd.Signal, fd.Level)
	expected := n * math.Max(0, s.mayFail(fd.Signal, other)-usual)
	return expected > -2*math.Log(s.policy.CountAlpha)
}

// sparedFrames is how many frames it takes to tell that the new version is spared.
const sparedFrames = stats.Width / 8
