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
	best := math.Inf(-1)
	limit := clip * math.Sqrt(c.SD*c.SD+c.slow)
	if c.Level == 0 && c.ControlSD == 0 {
		limit = clipStill * c.SD
	}
	// What is of consequence may be many deviations of a quiet signal: for its
	// size one block counts up to twice that, so that it takes most of a stretch.
	wide := math.Max(limit, 2*c.Size)
	var logBuf, sureBuf, buf [stats.Width]float64
	var atBuf [stats.Width]int
	logs, sure, at := logBuf[:0], sureBuf[:0], atBuf[:0]
	in, needs := buf[:0], lasting*math.Max(c.Tau, 1)
	lasts := false
	from := 0
	if c.recentOnly {
		from = max(0, len(c.Difference)-fresh)
	}
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
		variance := c.SD*c.SD*min(1, c.Tau/n) + fixed
		c.Whole, c.SE = typical/n, math.Sqrt(variance)
		if n < need {
			continue
		}
		// When it began is read off the clipped means: they know the edges.
		e := c.weigh(sum/n, variance)
		certain := e
		if n >= needs {
			if low := most(in, sum/n); low > sum/n {
				certain, lasts = c.weigh(low, variance), true
			}
		}
		logs, sure, at = append(logs, e), append(sure, certain), append(at, j)
		if e > best {
			best = e
			c.Effect, c.Typical = raw/n, c.Whole
		}
	}
	if len(logs) == 0 {
		return
	}
	all := stats.LogSumExp(logs)
	c.LogE = all - math.Log(total)
	if lasts {
		c.LogE = stats.LogSumExp(sure) - math.Log(total)
	}
	c.onset(logs, all, at)
}

// weigh returns the log e-value of a stretch with this mean and variance of it.
func (c *Comparison) weigh(mean, variance float64) float64 {
	return stats.SafeTOneSided(mean/c.SE, max(1, c.SD*c.SD/variance), c.NU, 1)
}

// lasting is over how many independent stretches a difference must stand to
// count by more than its clipped mean.
const lasting = 3

// most returns what three quarters of the differences of a stretch are at least:
// a spike does not last that long, however heavy the tails are. It is −∞ where
// that is certainly no more than their mean.
func most(differences []float64, mean float64) float64 {
	// The quantile lies over the mean only if at most so many do not.
	spare := (len(differences)-1)/4 + 1
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

// onset reads the posterior of the suffix's first block off its e-values,
// which come latest first; all is their LogSumExp.
func (c *Comparison) onset(logs []float64, all float64, at []int) {
	var cum float64
	c.Onset = Onset{P10: math.NaN(), P50: math.NaN(), P90: c.frames[at[0]]}
	last, exp := math.NaN(), 0.0
	for i, log := range slices.Backward(logs) { // earliest first
		if log != last {
			last, exp = log, math.Exp(log-all)
		}
		cum += exp
		frame := c.frames[at[i]]
		if math.IsNaN(c.Onset.P10) && cum >= 0.1 {
			c.Onset.P10 = frame
		}
		if math.IsNaN(c.Onset.P50) && cum >= 0.5 {
			c.Onset.P50 = frame
		}
		if cum >= 0.9 {
			c.Onset.P90 = frame
			break
		}
	}
}
