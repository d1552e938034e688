package pattern

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/stats"
)

// noise is how a reference wavers by itself, in blocks of the subject's size.
type noise struct {
	stats.Autocorrelation
	sd float64 // standard deviation from block to block
	n  float64 // blocks behind it
}

// floored returns the noise as it is believed to be: with independent noise of
// standard deviation floor on top. Wiggles far under the floor may be as
// correlated as they like; what is believed is hardly so.
//
//	τ' = (s²·τ + f²)/(s² + f²)
func (n noise) floored(floor float64) noise {
	s2, f2 := n.sd*n.sd, floor*floor
	if s2+f2 > 0 {
		n.Tau = (s2*n.Tau + f2) / (s2 + f2)
		n.Rho = (n.Tau - 1) / (n.Tau + 1)
	}
	return n
}

// windowed returns the noise with at least the autocorrelation that values
// have which look back over so many blocks: a moving average of k values
// makes k of them say as much as one.
func (n noise) windowed(blocks float64) noise {
	if n.Tau < blocks {
		n.Tau = blocks
		n.Rho = (n.Tau - 1) / (n.Tau + 1)
	}
	return n
}

// A stretch is the block means of a reference, before or during.
type stretch struct {
	means []float64
	// long is how many times longer its blocks are than the subject's: a long
	// past is kept in blocks that waver less than single frames do, by up to
	// √long.
	long float64
	tail []float64 // where long > 1, its last values frame by frame
	of   *Track    // whose values they are as they were; nil where what is normal was taken off
}

// stretches returns the reference before and during, and how many of them there
// are, in blocks of size frames where they are kept that short. The means lie
// in bufs.
func (r reference) stretches(size int, bufs *[2][stats.Width]float64) (out [2]stretch, n int) {
	for _, t := range [...]*Track{r.before, r.during} {
		if t == nil || t.Values.N == 0 {
			continue
		}
		s := stretch{means: r.departures(bufs[n][:0], t, size), long: math.Max(1, float64(t.Values.Size)/float64(size))}
		if s.long > 1 {
			s.tail = t.Values.Tail(fresh)
		}
		if !r.seasonal {
			s.of = t
		}
		out[n] = s
		n++
	}
	return out, n
}

// noise measures the reference's standard deviation robustly and its
// autocorrelation, each stretch about its own level. Where the past is kept in
// longer blocks their spread is raised to what independent frames would give,
// and the autocorrelation is read off its last frames.
func (r reference) noise(size int) noise {
	var buf, sortBuf, mergeBuf [2 * stats.Width]float64
	residuals, sorted := buf[:0], sortBuf[:0] // the latter of each stretch by itself
	middle := 0                               // where the last stretch begins
	out := noise{}
	var neighbours [2][]float64
	var means [2][stats.Width]float64
	stretches, k := r.stretches(size, &means)
	for j, s := range stretches[:k] {
		from := len(residuals)
		for _, x := range s.means {
			if !math.IsNaN(x) {
				residuals = append(residuals, x)
			}
		}
		sorted = s.inOrder(sorted, residuals[from:])
		m, scale := stats.SortedMedian(sorted[from:]), math.Sqrt(s.long)
		for i := range residuals[from:] {
			residuals[from+i] = (residuals[from+i] - m) * scale
			sorted[from+i] = (sorted[from+i] - m) * scale
		}
		middle = from
		out.n += float64(len(residuals) - from)
		if neighbours[j] = s.means; s.long > 1 {
			neighbours[j] = s.tail
		}
	}
	out.sd = tailOf(residuals, merge(mergeBuf[:0], sorted[:middle], sorted[middle:]))
	out.Autocorrelation = stats.Autocorr(neighbours[:k]...)
	return out
}

// An order is the block means of a track, and the same in ascending order.
type order struct{ values, sorted []float64 }

// inOrder appends the values of a stretch to out, in ascending order. What they
// were in the last frame is remembered: of most only the last block is another,
// and nothing of what came before a release.
func (s *stretch) inOrder(out, values []float64) []float64 {
	if s.of == nil {
		from := len(out)
		out = append(out, values...)
		slices.Sort(out[from:])
		return out
	}
	s.of.order.update(values)
	return append(out, s.of.order.sorted...)
}

// update takes the values as they are now.
func (o *order) update(values []float64) {
	same := 0
	for same < min(len(o.values), len(values)) && o.values[same] == values[same] {
		same++
	}
	gone, come := o.values[same:], values[same:]
	if len(gone) > 2 || len(come) > 2 {
		o.sorted = append(o.sorted[:0], values...)
		slices.Sort(o.sorted)
	} else {
		for _, x := range gone {
			k, _ := slices.BinarySearch(o.sorted, x)
			o.sorted = slices.Delete(o.sorted, k, k+1)
		}
		for _, x := range come {
			o.sorted = insert(o.sorted, x)
		}
	}
	o.values = append(o.values[:same], come...)
}

// merge appends the values of two sorted slices to out, sorted.
func merge(out, a, b []float64) []float64 {
	for len(a) > 0 && len(b) > 0 {
		if b[0] < a[0] {
			out, b = append(out, b[0]), b[1:]
		} else {
			out, a = append(out, a[0]), a[1:]
		}
	}
	return append(append(out, a...), b...)
}

// tailSD is the standard deviation of residuals as their upper tail shows it:
// the plain one of residuals clipped at 4 MADs, or what the 90 % and 95 %
// quantiles would be of in a Gaussian, whichever is largest. Skewed noise has
// a small core and a long tail, and it is the tail that raises alarms.
func tailSD(residuals []float64) float64 {
	var buf [2 * stats.Width]float64
	sorted := append(buf[:0], residuals...)
	slices.Sort(sorted)
	return tailOf(residuals, sorted)
}

// tailOf is [tailSD] of residuals that are given sorted as well.
func tailOf(residuals, sorted []float64) float64 {
	if len(residuals) < 2 {
		return 0
	}
	limit := clip * stats.SortedMAD(sorted)
	var sum float64
	for _, x := range residuals {
		if limit > 0 {
			x = stats.Clip(x, limit)
		}
		sum += x * x
	}
	sd := math.Sqrt(sum / float64(len(residuals)-1))
	if len(residuals) < 20 {
		return sd
	}
	return max(sd, stats.SortedQuantile(sorted, 0.9)/1.2816, stats.SortedQuantile(sorted, 0.95)/1.6449)
}

// jitter returns the standard deviation of a series from one block to the
// next, robustly, as that of an AR(1) process around whatever slow change
// there is: MAD(Δ)/√(2(1−ρ)). A change of level or a growth hardly shows in it.
// It is 0 where it is not over a bound.
func jitter(d []float64, rho, bound float64) float64 {
	var buf [stats.Width]float64
	steps := buf[:0]
	last := math.NaN()
	for _, x := range d {
		if !math.IsNaN(x) && !math.IsNaN(last) {
			steps = append(steps, x-last)
		}
		if !math.IsNaN(x) {
			last = x
		}
	}
	if len(steps) < reach {
		return 0
	}
	per := math.Sqrt(2 * (1 - rho))
	return stats.MADOver(steps, bound*per) / per
}

func countFinite(xs []float64) float64 {
	var n float64
	for _, x := range xs {
		if !math.IsNaN(x) {
			n++
		}
	}
	return n
}

// counts returns over how many frames before and during the reference's level
// is taken. The control during the release and the service before count
// together when they agree within two standard errors; else the live control
// alone counts.
func (r reference) counts(size int, noise noise) (counts [2]float64) {
	var means [2]float64
	for i, t := range []*Track{r.before, r.during} {
		if t != nil {
			means[i], counts[i] = t.Values.Mean(), t.Values.N
		}
		if counts[i] > 0 && r.seasonal {
			means[i] -= t.usual()
		}
	}
	if counts[0] > 0 && counts[1] > 0 {
		gap := means[0] - means[1]
		if gap*gap > 4*noise.frame(size)*(1/counts[0]+1/counts[1]) {
			counts[0] = 0
		}
	}
	return counts
}

// frame returns what the variance of a mean over n frames is times n.
func (n noise) frame(size int) float64 { return n.sd * n.sd * n.Tau * float64(size) }

// An anchor is where a reference lies.
type anchor struct {
	level    float64
	usual    float64 // what memory says is normal over the same frames; NaN when it does not
	variance float64 // of the level
	n        float64 // frames behind it
}

// level returns the reference's level over the frames that counts says. With
// none, memory has to serve.
func (r reference) level(size int, noise noise, counts [2]float64) (a anchor, ok bool) {
	for i, t := range []*Track{r.before, r.during} {
		if counts[i] > 0 {
			a.n += counts[i]
			a.level += counts[i] * t.Values.Mean()
			a.usual += counts[i] * t.usual()
		}
	}
	if a.n == 0 {
		return a, r.seasonal
	}
	a.level, a.usual = a.level/a.n, a.usual/a.n
	a.variance = math.Min(noise.frame(size)/a.n, noise.sd*noise.sd)
	return a, true
}

// lambda says how much the live control of the same moment counts against the
// control's level: 0 when it wavers by chance alone, 1 when what it does now
// is what the subject would have done. It is the larger of the control's
// autocorrelation and its correlation with the subject.
func (r reference) lambda(y, k []float64, rho float64) float64 {
	var bufA, bufB [stats.Width]float64
	a, b := bufA[:0], bufB[:0]
	for i := range min(len(y), len(k)) {
		if !math.IsNaN(y[i]) && !math.IsNaN(k[i]) {
			a, b = append(a, y[i]), append(b, k[i])
		}
	}
	if len(a) < 8 {
		return math.Max(rho, 0.5)
	}
	// Chance alone gives a correlation of about 1/√n.
	return math.Min(1, math.Max(rho, correlation(a, b)-1/math.Sqrt(float64(len(a)))))
}

func correlation(a, b []float64) float64 {
	ma, mb := stats.Mean(a), stats.Mean(b)
	var saa, sbb, sab float64
	for i := range a {
		saa += (a[i] - ma) * (a[i] - ma)
		sbb += (b[i] - mb) * (b[i] - mb)
		sab += (a[i] - ma) * (b[i] - mb)
	}
	if !(saa > 0 && sbb > 0) {
		return 0
	}
	return sab / math.Sqrt(saa*sbb)
}

// blocks appends the live control's block means alongside n blocks of the
// subject to out, which is empty; NaN where there is none.
func (r reference) blocks(out []float64, n, size int) []float64 {
	if r.during != nil {
		out = r.during.Values.MeansInto(out, size)
	}
	for len(out) < n {
		out = append(out, math.NaN())
	}
	return out[:n]
}

func (r reference) instances() float64 {
	switch {
	case r.during != nil && r.during.Frames > 0:
		return r.during.Instances()
	case r.before != nil:
		return r.before.Instances()
	default:
		return 1
	}
}

func (r reference) persistent() float64 {
	switch {
	case r.during != nil && r.during.Frames > 0:
		return r.during.Persistent()
	case r.before != nil:
		return r.before.Persistent()
	default:
		return 0
	}
}

// replicas returns how many series the noise of the reference's mean is known
// from: its instances, when they waver on their own (the spread across them
// explains at least half of the mean's variance), else one.
func (r reference) replicas(sd float64) float64 {
	t := r.before
	if r.during != nil && r.during.Spreads > 0 {
		t = r.during
	}
	if t == nil || t.Spreads == 0 || sd == 0 {
		return 1
	}
	m := t.Instances()
	own := math.Max(0, t.Spread/t.Spreads-t.Persistent())
	if own/m < sd*sd/2 {
		return 1
	}
	return math.Min(m, maxPods)
}
