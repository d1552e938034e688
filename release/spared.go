package release

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

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
