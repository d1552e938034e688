package pattern

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

// Loads are the traffic of one instance (requests a second, say) beside what
// is compared: of the subject, and of the reference during and before. They
// begin with the same frames as what they stand beside. Any may be nil.
//
// What an instance uses goes with what it is given to do. Where two versions
// share the traffic unevenly, or the shares move, like is compared with like
// only at the same load.
type Loads struct{ Subject, During, Before *Track }

// known says whether there is a load to go by.
func (l Loads) known() bool {
	return l.Subject != nil && l.Subject.Values.N > 0 && (l.During != nil || l.Before != nil)
}

// A response is how the reference goes with its load: so much more for each
// unit of load, with the variance of that.
type response struct {
	slope, variance float64
	most            float64 // the slope if all of it were in proportion to the load, ≥ 0
}

// response fits a line through the reference's values over its loads, before
// and during together. Less than nothing is nothing: no version uses more
// because it has less to do.
func (l Loads) response(r reference, size int) response {
	var x, y []float64
	for _, pair := range [][2]*Track{{r.before, l.Before}, {r.during, l.During}} {
		if pair[0] == nil || pair[1] == nil {
			continue
		}
		ys, xs := pair[0].Values.MeansBy(size), pair[1].Values.MeansBy(size)
		for i := range min(len(xs), len(ys)) {
			if !math.IsNaN(xs[i]) && !math.IsNaN(ys[i]) {
				x, y = append(x, xs[i]), append(y, ys[i])
			}
		}
	}
	out := response{variance: math.Inf(1)}
	if m := stats.Mean(x); m > 0 {
		out.most = math.Max(0, stats.Mean(y)/m)
	}
	f := stats.OLS(x, y)
	if f.N >= 8 && !math.IsNaN(f.Slope) {
		out.slope, out.variance = math.Max(0, f.Slope), f.SE*f.SE
	}
	return out
}

// at returns how much more the reference would have used with gap more load,
// and the variance of that. Where the response is not known beyond doubt (by
// less than two standard errors) the subject gets the benefit of it: more
// load may explain a proportional rise, less load explains nothing.
func (b response) at(gap float64) (extra, variance float64) {
	switch {
	case b.slope*b.slope > 4*b.variance:
		return b.slope * gap, b.variance * gap * gap
	case gap > 0:
		return b.most * gap, 0
	default:
		return 0, 0
	}
}

// level returns the mean load over the frames that make up the reference's
// level, which counts gives before and during.
func (l Loads) level(counts [2]float64) float64 {
	var sum, n float64
	for i, t := range []*Track{l.Before, l.During} {
		if t != nil && t.Values.N > 0 && counts[i] > 0 {
			sum += counts[i] * t.Values.Mean()
			n += counts[i]
		}
	}
	return sum / n
}

// even takes out of the differences what comes of unlike loads. Block i of
// the reference counts by lambda where during[i] is there, and by its level else.
func (c *Comparison) even(l Loads, r reference, during []float64, lambda float64, counts [2]float64) {
	size := int(c.block)
	b := l.response(r, size)
	mine := l.Subject.Values.MeansBy(size)
	var theirs []float64
	if l.During != nil {
		theirs = l.During.Values.MeansBy(size)
	}
	level := l.level(counts)
	var variance, n float64
	c.load = make([]float64, len(c.Difference))
	for i := range c.Difference {
		c.load[i] = math.NaN()
		if i >= len(mine) {
			continue
		}
		c.load[i] = mine[i]
		base := level
		if !math.IsNaN(during[i]) && i < len(theirs) && !math.IsNaN(theirs[i]) {
			base = lambda*theirs[i] + (1-lambda)*level
		}
		extra, v := b.at(mine[i] - base)
		if math.IsNaN(extra) {
			continue
		}
		c.Difference[i] -= extra
		variance += v
		n++
	}
	if n > 0 {
		c.fixed += variance / n
	}
}

// overTime fits the growth of the differences with time apart from what goes
// with the subject's own load: both are freed of the load by a line, and the
// residuals are fitted (the Frisch–Waugh–Lovell theorem). It also returns the
// differences without what goes with the load. A load that did not vary
// changes nothing.
func (c *Comparison) overTime() (stats.Slope, []float64) {
	plain := func() (stats.Slope, []float64) { return stats.OLS(c.frames, c.Difference), c.Difference }
	if c.load == nil {
		return plain()
	}
	frames, y := make([]float64, len(c.frames)), make([]float64, len(c.frames))
	for i := range frames {
		frames[i], y[i] = c.frames[i], c.Difference[i]
		if math.IsNaN(y[i]) || math.IsNaN(c.load[i]) {
			frames[i], y[i] = math.NaN(), math.NaN()
		}
	}
	byLoad, timeByLoad := stats.OLS(c.load, y), stats.OLS(c.load, frames)
	if byLoad.N < 8 || math.IsNaN(byLoad.Slope) || math.IsNaN(timeByLoad.Slope) {
		return plain()
	}
	rest, d := make([]float64, len(frames)), make([]float64, len(frames))
	for i := range rest {
		rest[i] = frames[i] - timeByLoad.Slope*c.load[i]
		d[i] = y[i] - byLoad.Slope*c.load[i]
	}
	f := stats.OLS(rest, d)
	f.SE *= math.Sqrt(float64(f.N-2) / float64(f.N-3)) // one more thing was fitted
	// What went with the load and not with time, and the line's zero in frames.
	pure := byLoad.Slope - f.Slope*timeByLoad.Slope
	flat := make([]float64, len(d))
	var mx, md, n float64
	for i := range flat {
		flat[i] = y[i] - pure*c.load[i]
		if !math.IsNaN(flat[i]) {
			n++
			mx += (c.frames[i] - mx) / n
			md += (flat[i] - md) / n
		}
	}
	f.Intercept = md - f.Slope*mx
	return f, flat
}
