package pattern

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

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
		if math.Abs(gap) <= rounding*math.Abs(means[1]) {
			gap = 0 // of one that does not waver a last digit would be a difference
		}
		if gap*gap > 4*noise.frame(size)*(1/counts[0]+1/counts[1]) {
			counts[0] = 0
		}
	}
	return counts
}

// rounding is by what share two equal means may differ.
const rounding = 1e-12

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
