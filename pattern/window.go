package pattern

import (
	"math"

	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// A Ring holds the last 64 values of a series, frame by frame.
type Ring struct {
	Values [stats.Width]float64
	N      int // frames offered so far
}

// Add takes the value of the next frame; NaN is missing.
func (r *Ring) Add(x float64) {
	r.Values[r.N%stats.Width] = x
	r.N++
}

// Last returns the values held, oldest first.
func (r *Ring) Last() []float64 {
	n := min(r.N, stats.Width)
	out := make([]float64, 0, n)
	for k := r.N - n; k < r.N; k++ {
		out = append(out, r.Values[k%stats.Width])
	}
	return out
}

// fresh is how many of the last frames may belong to a change; those before
// are what it is compared with.
const fresh = 16

// A Recent is one service's signal to be compared with its own recent past.
type Recent struct {
	Ring  *Ring
	Frame int // of the newest value
	Worse signal.Direction
	Size  Size
}

// Lately compares services without a control, each with its own recent past
// and with the others: what most of them do at the same time is taken out,
// and how far the others lie apart is what a single one must exceed. It sees
// a change within the last 16 frames, and growth over the last 64.
//
// It needs no quiet time before a change: a system that was just started
// still tells the one service that departs from the rest.
func Lately(subjects []Recent) (cs []Comparison, ok []bool) {
	cs, ok = make([]Comparison, len(subjects)), make([]bool, len(subjects))
	for i, s := range subjects {
		ok[i] = cs[i].recent(s)
	}
	apart := alone(cs, ok)
	slopes := slopesApart(cs, ok)
	for i, s := range subjects {
		if !ok[i] {
			continue
		}
		c := &cs[i]
		c.spread(s.Size, apart)
		c.slopeApart = slopes * math.Max(math.Abs(c.Level), c.Size)
		c.test(s.Worse)
	}
	return cs, ok
}

// recent lays out one service's window: the level of its past and the
// differences from it.
func (c *Comparison) recent(s Recent) bool {
	y := s.Ring.Last()
	past := stats.Finite(y[:max(0, len(y)-fresh)])
	if len(past) < MinEffective {
		return false
	}
	level := stats.Median(past)
	*c = Comparison{
		Level: level, Before: level, Mean: stats.Mean(stats.Finite(y)), Size: s.Size.Of(level),
		Frames: float64(len(stats.Finite(y))), block: 1, recentOnly: true,
	}
	c.Difference, c.frames = make([]float64, len(y)), make([]float64, len(y))
	for k := range y {
		c.Difference[k] = y[k] - level
		c.frames[k] = float64(s.Frame - len(y) + 1 + k)
	}
	return true
}

// alone takes the median of all relative differences out of each, frame by
// frame counted from now, and returns how far they lie apart in the frames
// that may belong to a change; NaN with too few services.
func alone(cs []Comparison, ok []bool) float64 {
	back, n := 0, 0
	for i := range cs {
		if ok[i] {
			back, n = max(back, len(cs[i].Difference)), n+1
		}
	}
	if n < minPeers {
		return math.NaN()
	}
	var apart []float64
	rel := make([]float64, 0, len(cs))
	for k := 1; k <= back; k++ {
		rel = rel[:0]
		for i := range cs {
			if x := cs[i].relative(len(cs[i].Difference)-k, ok[i]); !math.IsNaN(x) {
				rel = append(rel, x)
			}
		}
		if len(rel) < minPeers {
			continue
		}
		common := stats.Median(rel)
		if k <= fresh {
			apart = append(apart, stats.MAD(rel))
		}
		for i := range cs {
			if at := len(cs[i].Difference) - k; ok[i] && at >= 0 {
				cs[i].Difference[at] -= common * math.Max(math.Abs(cs[i].Level), cs[i].Size)
			}
		}
	}
	return stats.Median(apart)
}

// spread measures the noise of the past about its own trend.
func (c *Comparison) spread(size Size, apart float64) {
	past := c.Difference[:len(c.Difference)-fresh]
	line := stats.OLS(c.frames[:len(past)], past)
	rest := make([]float64, len(past))
	for k, d := range past {
		rest[k] = d
		if !math.IsNaN(line.Slope) {
			rest[k] = d - line.Intercept - line.Slope*c.frames[k]
		}
	}
	a := stats.AutocorrDetrended(rest)
	n := float64(len(stats.Finite(past)))
	c.ControlSD = tailSD(stats.Finite(rest))
	c.SD = max(c.ControlSD, size.Noise, 0.02*math.Abs(c.Level))
	c.Tau = a.Tau
	c.Effective = n / a.Tau
	c.Own = math.Min(fresh, c.Frames) / a.Tau
	c.NU = math.Max(1, c.Effective-2)
	c.fixed = c.SD * c.SD * math.Min(1, a.Tau/n)
	if !math.IsNaN(apart) {
		scale := math.Max(math.Abs(c.Level), c.Size)
		c.SD = math.Max(c.SD, apart*scale)
		c.NU *= 2 // the others' spread is known from as many frames again
	}
}

// slopesApart returns how far the relative slopes of the services lie apart,
// per frame; 0 with too few services.
func slopesApart(cs []Comparison, ok []bool) float64 {
	var slopes []float64
	for i := range cs {
		if !ok[i] {
			continue
		}
		if f := stats.OLS(cs[i].frames, cs[i].Difference); !math.IsNaN(f.Slope) {
			slopes = append(slopes, f.Slope/math.Max(math.Abs(cs[i].Level), cs[i].Size))
		}
	}
	if len(slopes) < minPeers {
		return 0
	}
	return stats.MAD(slopes)
}
