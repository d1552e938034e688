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
//	τ' = (s²·τ + f²)/(s² + f²),  ρ' = s²·ρ/(s² + f²)
func (n noise) floored(floor float64) noise {
	s2, f2 := n.sd*n.sd, floor*floor
	if s2+f2 > 0 {
		n.Tau = (s2*n.Tau + f2) / (s2 + f2)
		n.Rho *= s2 / (s2 + f2)
	}
	return n
}

// windowed returns the noise with at least the autocorrelation that values
// have which look back over so many blocks: a moving average of k values
// makes k of them say as much as one, and neighbours are (k − 1)/k alike.
func (n noise) windowed(blocks float64) noise {
	if n.Tau < blocks {
		n.Tau = blocks
	}
	if blocks > 1 {
		n.Rho = math.Max(n.Rho, 1-1/blocks)
	}
	return n
}

// noise measures the reference's standard deviation robustly and its
// autocorrelation, each stretch about its own level, in blocks of size frames that
// look back over window blocks each.
func (r reference) noise(size int, window float64) noise {
	var bufs [2][stats.Width]float64
	var sorted [2][]float64
	var lags stats.Lags
	for i, t := range [...]*Track{r.before, r.during} {
		if t.empty() {
			continue
		}
		var l stats.Lags
		sorted[i], l = r.wavering(bufs[i][:0], t, size, window)
		lags = lags.Plus(l)
	}
	var mergeBuf [2 * stats.Width]float64
	merged := merge(mergeBuf[:0], sorted[0], sorted[1])
	return noise{Autocorrelation: lags.Autocorrelation(window), sd: tailOf(merged), n: float64(len(merged))}
}

// wavering appends to out, in ascending order, how far the block means of a track
// lie from their median, and returns how alike neighbours are. Where the past is
// kept in longer blocks than size frames, which waver less than single frames do,
// that is raised to what independent frames would give, and neighbours are the
// last frames. What came before a release wavers as it did in the last frame.
func (r reference) wavering(out []float64, t *Track, size int, window float64) ([]float64, stats.Lags) {
	key := seen{newest: t.Values.Newest, n: t.Values.N, size: size, window: window}
	if !r.seasonal && t.waver.seen == key {
		return append(out, t.waver.sorted...), t.waver.lags
	}
	var buf, finite [stats.Width]float64
	means := r.departures(buf[:0], t, size)
	values := finite[:0]
	for _, x := range means {
		if !math.IsNaN(x) {
			values = append(values, x)
		}
	}
	if r.seasonal {
		slices.Sort(values)
		out = append(out, values...)
	} else {
		t.order.update(values)
		out = append(out, t.order.sorted...)
	}
	long := math.Max(1, float64(t.Values.Size)/float64(size))
	if long > 1 {
		means = t.Values.TailInto(buf[:0], Recently)
	}
	lags := stats.LagsOf(means, window)
	m, scale := stats.SortedMedian(out), math.Sqrt(long)
	for i := range out {
		out[i] = (out[i] - m) * scale
	}
	if !r.seasonal {
		t.waver.seen, t.waver.lags, t.waver.sorted = key, lags, append(t.waver.sorted[:0], out...)
	}
	return out, lags
}

// A waver is how a track was seen to waver.
type waver struct {
	seen
	sorted []float64
	lags   stats.Lags
}

// seen tells states of a track, in blocks of a size of which one looks back over a
// window of them, from each other.
type seen struct {
	newest int
	n      float64
	size   int
	window float64
}

// An order is the block means of a track, and the same in ascending order.
type order struct{ values, sorted []float64 }

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
	return tailOf(sorted)
}

// tailOf is [tailSD] of residuals that are sorted already.
func tailOf(sorted []float64) float64 {
	if len(sorted) < 2 {
		return 0
	}
	limit := clip * stats.SortedMAD(sorted)
	var sum float64
	for _, x := range sorted {
		if limit > 0 {
			x = stats.Clip(x, limit)
		}
		sum += x * x
	}
	sd := math.Sqrt(sum / float64(len(sorted)-1))
	if len(sorted) < 20 {
		return sd
	}
	return max(sd, stats.SortedQuantile(sorted, 0.9)/1.2816, stats.SortedQuantile(sorted, 0.95)/1.6449)
}
