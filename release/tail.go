package release

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// tails are the observations of one release in one frame by their size, of
// canary and control, signal by signal.
type tails struct{ canary, control map[int][]signal.Bucket }

func (t *tails) add(c signal.Cell) {
	if len(c.Buckets) == 0 {
		return
	}
	if t.canary == nil {
		t.canary, t.control = map[int][]signal.Bucket{}, map[int][]signal.Bucket{}
	}
	if c.Cohort == signal.Canary {
		t.canary[c.Signal] = c.Buckets
	} else {
		t.control[c.Signal] = c.Buckets
	}
}

const (
	usualFrames = 5 // of the control, from which what is usual is read
	// farthestBound is how many times what matters the bound may be that stands for it.
	farthestBound = 2
	tailFrames    = 3 // in which both versions were seen: the shortest change that is looked for
)

// countTails feeds the tests on how many observations are over what is usual:
// over the least bound at or above the control's own value of the signal, as
// it was when the release began. The bound is chosen once, from frames that
// the test does not see, so that choosing it costs nothing.
func (s *State) countTails(i int, t tails) {
	x := &s.mem.Subjects[i]
	for id := range s.sys.Signals {
		canary, control := t.canary[id], t.control[id]
		if x.Begun < 0 || len(canary)+len(control) == 0 {
			continue
		}
		if x.Tails[id] == nil {
			x.Tails[id] = s.newTail(x, id, slices.Concat(control, canary))
			continue
		}
		var last [1]float64
		if c := x.Canary[id]; c == nil || math.IsNaN(c.Values.TailInto(last[:0], 1)[0]) {
			canary = nil // it is young yet, or gone
		}
		y, n := over(canary, x.Tails[id].Bound)
		z, m := over(control, x.Tails[id].Bound)
		x.Tails[id].Add(y, n, z, m)
		if far := x.Tails[id].Far; far > 0 {
			y, _ = over(canary, far)
			z, _ = over(control, far)
			x.Tails[id].AddFar(y, n, z, m)
		}
	}
}

// newTail chooses the bounds of a signal's test; nil where they are not known
// yet.
func (s *State) newTail(x *subject, id int, buckets []signal.Bucket) *stats.TailTest {
	level, ok := usual(x.Before[id], x.Control[id])
	bound := leastOver(level, buckets)
	if !ok || math.IsInf(bound, 1) {
		return nil
	}
	t := &stats.TailTest{Bound: bound}
	// A bound far beyond what matters would hide what matters.
	matters := level + s.sizes[id].Of(level)
	if far := leastOver(matters, buckets); far <= farthestBound*matters {
		t.Far = far
	}
	return t
}

// usual returns the control's level of a signal; false when it is not known yet.
func usual(before, during *pattern.Track) (float64, bool) {
	t := before
	if t == nil || t.Values.N < usualFrames {
		t = during
	}
	if t == nil || t.Values.N < usualFrames {
		return 0, false
	}
	return t.Values.Mean(), true
}

// leastOver returns the least bound at or above a level; +Inf when all are
// below it.
func leastOver(level float64, buckets []signal.Bucket) float64 {
	least := math.Inf(1)
	for _, b := range buckets {
		if b.Bound >= level {
			least = math.Min(least, b.Bound)
		}
	}
	return least
}

// over returns how many observations are over a bound, and how many there are.
func over(buckets []signal.Bucket, bound float64) (over, all float64) {
	for _, b := range buckets {
		all += b.N
		if b.Bound > bound*(1+1e-9) {
			over += b.N
		}
	}
	return over, all
}

// tailFinding adds what the sizes of single observations say. Values that look
// back over several frames say little of a young release; the observations
// themselves are new in every frame, and each says something. That the value
// is worse by what matters is asked as ever.
//
// Two ways to look at one thing share what they find: the mean of two e-values
// is one.
func (s *State) tailFinding(f *finding, t *stats.TailTest) {
	if t == nil || t.Begun < tailFrames || f.Falls {
		return
	}
	e, by := t.LogEValue()-math.Ln2, math.Max(f.Typical, f.Whole)
	waits := t.Suspicion() - math.Ln2
	// Where the value is not worse by what matters, or nothing shows in the
	// observations that it is, they tell sooner that it is not than values that waver.
	if q := s.sys.Signals[f.Signal].Quantile; q > 0 && f.Harm >= s.policy.PromoteBelow && (f.Whole < f.Size || waits <= 0) {
		if p := t.FarProbability(1 - q); p < f.Harm {
			f.Harm = p
		}
	}
	if math.Max(e, waits) <= f.LogE || by < f.Size || by < 2*math.Sqrt(f.Persistent()) {
		return
	}
	f.Suspicion, f.LogE, f.Active = waits, math.Max(e, f.LogE), f.Stands(f.Size) && !f.Faded(f.Size)
	if f.Typical < by { // no stretch of values was long enough to be described
		f.Typical, f.Effect = by, by
		f.Now = math.Max(f.Level+by, f.Mean) // by is clipped, and what is told is not
	}
}
