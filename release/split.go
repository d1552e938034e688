package release

import (
	"fmt"
	"math"

	"github.com/foreshock/foreshock/signal"
)

// A split is the share of traffic that the new version was seen to get since
// the last step: sums over frames. Its fields are for encoding only.
type split struct{ N, Sum, Squares float64 }

const (
	// splitFrames is how many frames after the last step tell of a split.
	splitFrames = 5
	// splitTimes and splitPoints are how many times as much as planned, and how
	// much of all traffic more, the new version must get for the split not to hold:
	// half as many pods again, or connections that are kept, do not make that.
	splitTimes, splitPoints = 2, 0.1
	// splitSure is how many standard errors the share lies above that.
	splitSure = 3
)

// split takes the traffic of one release's two versions in one frame. Frames
// of which the value looks back before the last step do not count.
func (s *State) split(i int, f signal.Frame, sides [2]flow) {
	x := &s.mem.Subjects[i]
	if x.Stepped == s.mem.Frame {
		x.Split = split{}
	}
	if x.Begun < 0 || i >= len(f.Exposure) || f.Exposure[i].Moving || s.mem.Frame-x.Stepped <= s.looksBack() {
		return
	}
	canary, control := sides[0].rate, sides[1].rate
	if !sides[0].asked || !sides[1].asked || !(canary+control > 0) {
		return
	}
	share := canary / (canary + control)
	x.Split.N++
	x.Split.Sum += share
	x.Split.Squares += share * share
}

// looksBack returns over how many frames a rate of traffic looks back.
func (s *State) looksBack() int {
	most := 1
	for _, sig := range s.sys.Signals {
		if sig.Kind == signal.Traffic {
			most = max(most, sig.Window)
		}
	}
	return most
}

// misrouted says whether the new version gets so much more of the traffic than
// its step says that the plan means nothing, and what it gets.
func (s *State) misrouted(i int, f signal.Frame) (share float64, ok bool) {
	if i >= len(s.sys.Releases) || i >= len(f.Exposure) || s.mem.Subjects[i].Split.N < splitFrames {
		return 0, false
	}
	p, planned := s.mem.Subjects[i].Split, f.Exposure[i].Weight
	mean := p.Sum / p.N
	// Values that share a window say as much as fewer.
	effective := math.Max(1, p.N/float64(s.looksBack()))
	se := math.Sqrt(math.Max(0, p.Squares/p.N-mean*mean) / effective)
	return mean, planned > 0 && mean-splitSure*se > math.Max(splitTimes*planned, planned+splitPoints)
}

// misroutedText says it in words.
func misroutedText(share float64, planned Number) string {
	return fmt.Sprintf("it gets %s %% of the requests where %s %% were planned, so that no step does what it says; mend the split first", percent(math.Round(100*share)), percent(float64(planned)))
}
