package pattern

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

// onset reads off when the subject became different: the posterior of the first block of
// one lasting step, each being as likely before. The differences d of the blocks are
// nothing up to it, and one mean from there on; with S their sum over the last n,
//
//	P(n) ∝ exp(S²/(2·n·σ²·w))    S > 0
//
// where S²/n is what such a step explains of Σd². Within σ² is the noise, or what the
// best step leaves unexplained where that is more; w is over how many blocks a value
// looks back, as neighbours share what lies in both. How alike values further apart are
// (τ) is for whether there is a difference at all: it grows as a control that fails
// too drifts, and short stretches would not count then.
//
// Source: D. V. Hinkley, Inference about the change-point in a sequence of random
// variables, Biometrika 57 (1970), with the level before known.
func (c *Comparison) onset(from int, limit float64) {
	var gains [stats.Width]float64
	var sum, n, all, most float64
	for j := len(c.Difference) - 1; j >= from; j-- {
		d := stats.Clip(c.Difference[j], limit)
		gains[j] = math.NaN()
		if math.IsNaN(d) {
			continue
		}
		sum, n, all = sum+d, n+1, all+d*d
		gains[j] = 0
		if sum > 0 {
			gains[j] = sum * sum / n
		}
		most = math.Max(most, gains[j])
	}
	noise := 2 * math.Max(c.SD*c.SD, (all-most)/math.Max(1, n-2)) * math.Max(1, c.window)
	total := 0.0
	for j := from; j < len(c.Difference); j++ {
		if gains[j] = math.Exp((gains[j] - most) / noise); gains[j] > 0 { // no number stays none
			total += gains[j]
		}
	}
	c.Onset = Onset{P10: math.NaN(), P50: math.NaN(), P90: math.NaN()}
	cum := 0.0
	for j := from; j < len(c.Difference); j++ {
		if !(gains[j] > 0) {
			continue
		}
		cum += gains[j] / total
		for _, x := range []struct {
			p  float64
			at *float64
		}{{0.1, &c.Onset.P10}, {0.5, &c.Onset.P50}, {0.9, &c.Onset.P90}} {
			if math.IsNaN(*x.at) && cum >= x.p-tie {
				*x.at = c.frames[j]
			}
		}
	}
}

// tie is by how much a sum of parts may miss a share that it comes to: blocks that are
// as likely must not be told apart by the last digit.
const tie = 1e-9
