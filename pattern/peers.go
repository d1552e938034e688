package pattern

import (
	"math"

	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// MinPeers is how many services alike it takes to tell what all of them do.
const MinPeers = 5

// A Subject is one service's signal after a change and before it.
type Subject struct {
	After, Before *Track
	Worse         signal.Direction
	Size          Size
}

// Among compares services, each with its own past, and with each other: what
// most of them do at the same time is the load's or the clock's doing, and is
// taken out; how far they lie apart is what a single one must exceed.
//
// With fewer than five services each is compared with its past alone. ok[i]
// says whether there is a comparison for subject i.
func Among(subjects []Subject) (cs []Comparison, ok []bool) {
	cs, ok = make([]Comparison, len(subjects)), make([]bool, len(subjects))
	n := 0
	var w Workspace
	for i, s := range subjects {
		ok[i] = cs[i].measure(&w, s.After, reference{before: s.Before}, s.Size, Loads{})
		if ok[i] {
			n++
		}
	}
	if n >= MinPeers {
		adjust(cs, ok)
	}
	for i, s := range subjects {
		if ok[i] {
			cs[i].test(s.Worse)
		}
	}
	return cs, ok
}

// adjust takes the median of all services' relative differences out of each,
// and raises each one's standard deviation to how far they lie apart.
func adjust(cs []Comparison, ok []bool) {
	blocks := 0
	for i := range cs {
		if ok[i] {
			blocks = max(blocks, len(cs[i].Difference))
		}
	}
	rel := make([]float64, 0, len(cs))
	for k := range blocks {
		rel = rel[:0]
		for i := range cs {
			if x := cs[i].relative(k, ok[i]); !math.IsNaN(x) {
				rel = append(rel, x)
			}
		}
		if len(rel) < MinPeers {
			continue
		}
		common, apart := stats.Median(rel), stats.MAD(rel)
		for i := range cs {
			if ok[i] && k < len(cs[i].Difference) {
				c := &cs[i]
				scale := c.scale()
				c.Difference[k] -= common * scale
				c.SD = math.Max(c.SD, apart*scale)
			}
		}
	}
}

// relative returns the k-th difference as a share of the level, or of the
// size of consequence where that is larger.
func (c *Comparison) relative(k int, ok bool) float64 {
	if !ok || k >= len(c.Difference) {
		return math.NaN()
	}
	return c.Difference[k] / c.scale()
}
