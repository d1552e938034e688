package pattern

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

// enoughBeside is in how many blocks a live control must stand beside the
// subject for their differences to show their own tails.
const enoughBeside = 20

// PairedBeyond is [Comparison.HarmBeyond] by how the differences to the control
// of the same moment waver, as in a paired test. What befalls both versions at
// once, such as a blip of what they both call, makes each waver and their
// difference hardly:
//
//	P = 1 − T_ν((size − d̄)/√(SD_d²·min(1, τ_d/n) + fixed)),   ν = n/τ_d − 2
//
// with the mean, the spread by its upper tail and the autocorrelation of d = y − k
// (of the difference to the reference's level where the control is gone).
// Those that are better than the median by more than four of that spread count
// as just so much: a moment in which the control alone suffered says neither
// that the subject is better nor that it wavers. A difference that grows or
// comes late widens all of it. It is 1 where no live control stood beside the
// subject for long enough.
func (c *Comparison) PairedBeyond(size float64) float64 {
	mean, se, nu := c.paired()
	if nu == 0 {
		return 1
	}
	return 1 - stats.StudentCDF((size-mean)/se, nu)
}

// paired returns the mean difference to the control of the same moment, its
// standard error and the degrees of freedom behind it, which are 0 where no
// live control stood beside the subject for long enough.
func (c *Comparison) paired() (mean, se, nu float64) {
	if c.beside < enoughBeside {
		return 0, 0, 0
	}
	var buf, seriesBuf [stats.Width]float64
	series := append(seriesBuf[:0], c.Difference...)
	for i := range series {
		series[i] += c.direction() * c.rest[i]
	}
	about := stats.FiniteInto(buf[:0], series)
	middle, n := stats.Median(about), float64(len(about))
	for i := range about {
		about[i] -= middle
	}
	sd := math.Max(tailSD(about), c.floor)
	var sum float64
	for i, d := range series {
		if series[i] = math.Max(d, middle-clip*sd); !math.IsNaN(d) {
			sum += series[i]
		}
	}
	own := noise{Autocorrelation: stats.Autocorr(c.window, series), sd: sd}.floored(c.floor).windowed(c.window)
	variance := sd*sd*math.Min(1, own.Tau/n) + c.fixed
	return sum / n, math.Sqrt(variance), math.Max(1, n/own.Tau-2)
}

// MoreFrames returns how many more frames bring the standard error down to
// where a change of consequence would stand out, if things stay as they are;
// NaN where more frames alone would not.
func (c *Comparison) MoreFrames() float64 {
	factor := c.SE / (math.Max(c.Size, c.ControlSD) - c.Whole)
	if mean, se, nu := c.paired(); nu > 0 && mean < c.Size {
		if by := se / (c.Size - mean); !(factor > 0 && factor < by) {
			factor = by
		}
	}
	if !(factor > 0) {
		return math.NaN()
	}
	return math.Ceil(c.Frames * math.Max(0.1, factor*factor-1))
}
