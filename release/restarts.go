package release

import (
	"fmt"
	"math"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

const (
	// again is how many starts of new processes are no chance: one may be a
	// node that was drained.
	again = 2
	// looping is how many show that a version does not stay up. Each by itself came to
	// the new version with the share that it has of the instances, a half at most.
	looping = 4
	// rare is how many times likelier one more start is of a version that does not stay
	// up than of one that does.
	rare = 10
	// recently is within how many frames the last of them must have been.
	recently = 12
)

// startedAgain notes that processes of the new version started again while
// none of the control did: too few to be tested, and known to be rare. By
// themselves processes start again once in weeks. A version that goes on starting does
// harm: what it was doing is lost each time.
func (s *State) startedAgain(fd *finding) {
	sig := s.sys.Signals[fd.Signal]
	if fd.Kind != signal.Crashes || sig.Unit.Dimension != signal.Things || fd.Rejected || fd.Control == nil {
		return
	}
	fd.Starts = starts(fd.Subject, sig.Window)
	if fd.Starts < again || starts(fd.Control, sig.Window) > 0 {
		fd.Starts = 0
		return
	}
	for _, v := range pattern.Tail(fd.Subject, recently) {
		fd.Suspected = fd.Suspected || v > 0
	}
	if fd.Suspected {
		fd.Active = true
		fd.Harm = math.Max(fd.Harm, s.policy.PromoteBelow)
	}
	if fd.Suspected && fd.Starts >= looping {
		fd.Rejected, fd.Harm = true, math.Max(fd.Harm, 1-math.Pow(0.5, float64(fd.Starts)))
		fd.LogE = math.Max(fd.LogE, float64(fd.Starts)*math.Log(rare))
	}
}

// starts returns how many starts a signal has counted, of which each shows in
// as many frames as its query looks back over.
func starts(t *pattern.Track, window int) int {
	if t.Values.N == 0 {
		return 0
	}
	return int(math.Round(t.Values.Mean() * t.Values.N * t.Instances() / float64(max(1, window))))
}

// startsText says it.
func (f *finding) startsText() string {
	text := fmt.Sprintf("its processes started again %d times while none of the control's did", f.Starts)
	if f.Starts >= looping {
		return text + ": it does not stay up"
	}
	return text + "; that is rarely chance, and not proven to harm yet."
}
