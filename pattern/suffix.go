package pattern

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/stats"
)

// suffix tests every stretch that ends now, as a mixture with equal parts,
// and describes the one that differs most.
func (c *Comparison) suffix(fixed, block float64) {
	need := math.Max(math.Ceil(reach/block), c.Tau/2)
	var sum, typical, raw, n float64
	above := 0 // differences over nothing
	limit, wide := c.clips()
	var found, sure evidence
	var inBuf, effects, typicals [stats.Width]float64
	in, needs := inBuf[:0], math.Max(lasting*math.Max(c.window, 1), 2*c.Tau)
	lasts := false
	from := c.earliest()
	total := math.Max(1, countFinite(c.Difference[from:]))
	for j := len(c.Difference) - 1; j >= from; j-- {
		d := c.Difference[j]
		if math.IsNaN(d) {
			continue
		}
		sum += stats.Clip(d, limit)
		typical += stats.Clip(d, wide)
		raw += d
		n++
		in = append(in, d)
		if d > 0 {
			above++
		}
		if n < need {
			continue
		}
		// When it began is read off the clipped means: they know the edges.
		mean, variance := sum/n, c.variance(n, fixed)
		q, e := c.weigh(mean, variance)
		p, certain := q, e
		if n >= needs {
			if low := most(in, mean, above); low > mean {
				p, certain = c.weigh(low, variance)
				lasts = true
			}
		}
		effects[found.n], typicals[found.n] = raw/n, typical/n
		found.add(q, e)
		sure.add(p, certain)
	}
	if n > 0 {
		c.Whole, c.SE = typical/n, math.Sqrt(c.variance(n, fixed))
		c.onset(from, wide) // also where no stretch is long enough to be tested
	}
	if found.n == 0 {
		return
	}
	best, all := found.total()
	if best >= 0 {
		c.Effect, c.Typical = effects[best], typicals[best]
	}
	c.LogE = all - math.Log(total)
	if lasts {
		_, all = sure.total()
		c.LogE = all - math.Log(total)
	}
}

// earliest is the first block that a change may have begun in.
func (c *Comparison) earliest() int {
	if c.recentOnly {
		return max(0, len(c.Difference)-Recently)
	}
	return 0
}

// An evidence holds the e-values √q·exp(log) of n stretches.
type evidence struct {
	n       int
	q, logs [stats.Width]float64
}

func (x *evidence) add(q, log float64) {
	x.q[x.n], x.logs[x.n] = q, log
	x.n++
}

// total returns the first of the largest e-values (−1 where none is a number), and the
// logarithm of their sum.
func (x *evidence) total() (best int, all float64) {
	most, largest := slices.Max(x.logs[:x.n]), 0.0
	best = -1
	var sum float64
	nothing := math.Exp(-most) // many are 1
	for i, log := range x.logs[:x.n] {
		e := nothing
		if log != 0 || x.q[i] != 1 {
			e = math.Sqrt(x.q[i]) * math.Exp(log-most)
		}
		if best < 0 && !math.IsNaN(e) || best >= 0 && e > largest {
			best, largest = i, e
		}
		sum += e
	}
	return best, most + math.Log(sum)
}

// clips returns as how much one block counts at most: in the tests, and for the
// size. What is of consequence may be many deviations of a quiet signal: for its size
// one block counts up to twice what matters of it, so that it takes most of a stretch.
func (c *Comparison) clips() (limit, wide float64) {
	limit = clip * math.Sqrt(c.SD*c.SD+c.slow)
	if c.Level == 0 && c.ControlSD == 0 {
		limit = clipStill * c.SD
	}
	return limit, math.Max(limit, 2*math.Max(1, c.major)*c.Size)
}

// variance returns that of the mean of n blocks.
func (c *Comparison) variance(n, fixed float64) float64 {
	return c.SD*c.SD*min(1, c.Tau/n) + fixed
}

// weigh returns the e-value of a stretch with this mean and variance of it, as √q·exp(log).
func (c *Comparison) weigh(mean, variance float64) (q, log float64) {
	if !(mean > 0) {
		return 1, 0 // see stats.SafeTOneSided
	}
	return stats.SafeTParts(mean*mean/variance, max(1, c.SD*c.SD/variance), c.NU, 1)
}

// lasting is over how many windows a difference must stand to count by more than
// its clipped mean.
const lasting = 3

// most returns what three quarters of the differences of a stretch, of which so
// many are above 0, are at least: a spike does not last that long, however heavy the tails are. It is −∞ where
// that is certainly no more than their mean, or than 0, which proves nothing.
func most(differences []float64, mean float64, above int) float64 {
	// The quantile lies over the mean only if at most so many do not.
	spare := (len(differences)-1)/4 + 1
	if len(differences)-above > spare {
		return math.Inf(-1)
	}
	for _, x := range differences {
		if x > mean {
			continue
		}
		if spare--; spare < 0 {
			return math.Inf(-1)
		}
	}
	var buf [stats.Width]float64
	sorted := append(buf[:0], differences...)
	slices.Sort(sorted)
	return stats.SortedQuantile(sorted, 0.25)
}

// insert puts a number in its place among sorted ones.
func insert(sorted []float64, x float64) []float64 {
	low, high := 0, len(sorted)
	for low < high {
		if mid := (low + high) / 2; sorted[mid] > x {
			high = mid
		} else {
			low = mid + 1
		}
	}
	sorted = append(sorted, x)
	copy(sorted[low+1:], sorted[low:])
	sorted[low] = x
	return sorted
}
