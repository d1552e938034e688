package pattern

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

// onset reads off when the subject became different: the posterior of the first block of
// one lasting step, each being as likely before. The differences d of the blocks are
// nothing up to it, and go with r from there on: at once, or rising over the w blocks
// that a value looks back over, either as likely. With r = 1, or i/w up to 1,
//
//	P(n) ∝ exp((Σ r·d)²/(2·Σ r²·σ²·w))    Σ r·d > 0
//
// over the last n, where the first part is what such a step explains of Σd². σ² is the
// noise, or what the best step leaves unexplained where that is more; by w, neighbours
// share what lies in both. How alike values further apart are (τ) is for whether there
// is a difference at all: it grows as a control that fails too drifts, and short
// stretches would not count then.
//
// Source: D. V. Hinkley, Inference about the change-point in a sequence of random
// variables, Biometrika 57 (1970), with the level before known.
func (c *Comparison) onset(from int, limit float64) {
	var gains [2][stats.Width]float64
	var sum, n, all float64
	most, wide := 0.0, int(math.Max(1, math.Round(c.window)))
	for j := len(c.Difference) - 1; j >= from; j-- {
		gains[0][j], gains[1][j] = math.NaN(), math.NaN()
		d := stats.Clip(c.Difference[j], limit)
		if math.IsNaN(d) {
			continue
		}
		sum, n, all = sum+d, n+1, all+d*d
		gains[0][j] = explained(sum, n)
		gains[1][j] = explained(c.rising(j, wide, limit, sum, n))
		most = max(most, gains[0][j], gains[1][j])
	}
	noise := 2 * math.Max(c.SD*c.SD, (all-most)/math.Max(1, n-2)) * float64(wide)
	weights, total := gains[0][:len(c.Difference)], 0.0
	flat := most < told*noise
	for j := from; j < len(weights); j++ {
		switch {
		case math.IsNaN(weights[j]):
			continue
		case flat:
			weights[j] = 1
		default:
			weights[j] = plausible(weights[j], most, noise) + plausible(gains[1][j], most, noise)
		}
		total += weights[j]
	}
	c.Onset = c.points(weights, from, total)
}

// told is what the best step must explain of squares, in units of the noise, if when it
// began is to be worked out: with less any block is about as likely as another, and what
// is well is spared the work.
const told = 2

// plausible is how likely a step is that explains so much, against the one that explains
// most. Far less is nothing.
func plausible(gain, most, noise float64) float64 {
	if gain >= most { // also of what does not waver at all
		return 1
	}
	if x := (gain - most) / noise; x > -30 {
		return math.Exp(x)
	}
	return 0
}

// explained is what a course explains of squares: x = Σ r·d and y = Σ r².
func explained(x, y float64) float64 {
	if x <= 0 {
		return 0
	}
	return x * x / y
}

// rising takes what is missing of a step in its first blocks off its sums.
func (c *Comparison) rising(j, wide int, limit, x, y float64) (float64, float64) {
	for i := range min(wide-1, len(c.Difference)-j) {
		if d := stats.Clip(c.Difference[j+i], limit); !math.IsNaN(d) {
			r := float64(i+1) / float64(wide)
			x, y = x-(1-r)*d, y-(1-r*r)
		}
	}
	return x, y
}

// points are where the parts of a total, the earliest first, come to 10, 50 and 90 %.
func (c *Comparison) points(parts []float64, from int, total float64) Onset {
	at := [...]float64{math.NaN(), math.NaN(), math.NaN()}
	cum, next := 0.0, 0
	for j := from; j < len(parts) && next < len(at); j++ {
		if !(parts[j] > 0) {
			continue
		}
		frame := c.frames[j]
		if cum == 0 && !c.recentOnly && countFinite(c.Difference[from:j]) == 0 {
			frame = c.frames[from] // its first value is worse already: it began no later than that
		}
		for cum += parts[j] / total; next < len(at) && cum >= shares[next]-tie; next++ {
			at[next] = frame
		}
	}
	return Onset{P10: at[0], P50: at[1], P90: at[2]}
}

// shares are those of an onset's points.
var shares = [...]float64{0.1, 0.5, 0.9}

// tie is by how much a sum of parts may miss a share that it comes to: blocks that are
// as likely must not be told apart by the last digit.
const tie = 1e-9
