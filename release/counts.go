package release

import (
	"math"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

const (
	fewCounted = 30   // observations of either version, under which their number says nothing
	lostShare  = 0.85 // of what one witness counts another one counts as well, at most, if work is lost on the way
	moreCalls  = 1.25 // times as many calls for the same work, from which that is a sign
	sureCounts = 3    // standard errors of the logarithm of a ratio of counts
	sureLost   = 2    // the same where the one counts a part of what the other one does, and errors are decided besides

	// Probabilities from which something is taken as seen: of the calls, whose
	// time wavers with every dependency; and of a cache, which has few states.
	surely, likely = 0.95, 0.75
)

// counts reads signs off how much was counted, whatever became of it. What two
// witnesses count of one version (its callers and itself) stands in the same
// ratio for the other one, unless some of it never arrives; and so do the
// calls it makes and the requests it gets.
func (s *State) counts(i int, g *prediction.Signs) {
	x := &s.mem.Subjects[i]
	var work []int
	for id, c := range x.Counts {
		if s.sys.Signals[id].Kind == signal.Errors && !rated(s.sys.Signals[id]) && enough(c) {
			work = append(work, id)
		}
	}
	for _, one := range work {
		for _, other := range work {
			if !x.alongside(one, other) {
				continue
			}
			a, b := x.Counts[one], x.Counts[other]
			ratio, _ := ratioOf(a, b)
			// Of b.N each is counted by a as well or is not; and the two may be a
			// scrape apart, which is up to one frame's worth.
			se := math.Hypot(math.Sqrt((1-ratio)/(ratio*b.N)), 1/(math.Sqrt(3)*float64(max(1, s.mem.Frame-x.Seen))))
			g.Lost = g.Lost || ratio <= lostShare && -math.Log(ratio) > sureLost*se
		}
	}
	if len(work) == 0 || g.Lost {
		return
	}
	for id, c := range x.Counts {
		if s.sys.Signals[id].Kind != signal.Dependency || !enough(c) || !x.alongside(id, work[0]) {
			continue
		}
		ratio, se := ratioOf(c, x.Counts[work[0]])
		g.MoreCalls = g.MoreCalls || ratio >= moreCalls && math.Log(ratio) > sureCounts*se
	}
}

// enough says whether enough was counted of both versions.
func enough(c *stats.CountTest) bool {
	return c != nil && c.N >= fewCounted && c.NControl >= fewCounted
}

// alongside says whether two signals were counted in the same frames of both
// versions, but for one at the beginning: else their sums are of other times,
// and of other shares of the traffic.
func (x *subject) alongside(i, j int) bool {
	same := func(a, b *pattern.Track) bool {
		return a != nil && b != nil && max(a.First, b.First)-min(a.First, b.First) <= 1 && a.Gaps == b.Gaps && a.Missed == b.Missed
	}
	return same(x.Canary[i], x.Canary[j]) && same(x.Control[i], x.Control[j])
}

// ratioOf returns how many times more of a than of b was counted of the
// canary, for the same of the control, and the standard error of its
// logarithm, as if each were counted by itself.
func ratioOf(a, b *stats.CountTest) (ratio, se float64) {
	return a.N / a.NControl / (b.N / b.NControl), math.Sqrt(1/a.N + 1/a.NControl + 1/b.N + 1/b.NControl)
}

// hint reads signs of a cause off what is not certain enough, or does not
// matter enough, to count against the new version.
func (s *State) hint(fd *finding, g *prediction.Signs) {
	sig := s.sys.Signals[fd.Signal]
	if math.IsNaN(fd.Mean) || fd.Frames < float64(s.policy.MinFrames) {
		return
	}
	switch {
	case fd.Kind == signal.Dependency && sig.Unit.Dimension == signal.Time:
		g.SlowCalls = g.SlowCalls || fd.HarmProbability() >= surely
	case fd.Kind == signal.Crashes:
		g.Restarted = g.Restarted || fd.Now > 0 && fd.Level == 0
	}
}
