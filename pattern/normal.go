package pattern

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

// A subject without a live control is compared with what it was before, at
// another hour. Where its readings carry what is normal at each hour, from
// memory, that serves for what a control would have shown: the reference
// follows the day, and a daily peak is no news.

// recall keeps the sums of what is normal in step with the values. It is
// called after each frame.
func (t *Track) recall(present bool) {
	for ; t.Per < t.Values.Size; t.Per *= 2 {
		for i, x := range t.Usual {
			if i%2 == 0 {
				t.Usual[i/2] = x
			} else {
				t.Usual[i/2] += x
			}
		}
		t.Usual = t.Usual[:(len(t.Usual)+1)/2]
	}
	if !present || t.Usual == nil && (math.IsNaN(t.Level) || t.Values.N > 1) {
		return // what was not known from the start is never known for all of it
	}
	if math.IsNaN(t.Level) {
		t.Strange++
	} else {
		t.Known = t.Level
	}
	for len(t.Usual) < t.Values.Blocks {
		t.Usual = append(t.Usual, 0)
	}
	t.Usual[t.Values.Blocks-1] += t.Known
}

// recalls says whether what is normal was known in all frames with a value but
// one in ten, for which the last one serves, and is known now.
func (t *Track) recalls() bool {
	return t.Usual != nil && 10*t.Strange <= t.Values.N && !math.IsNaN(t.Level)
}

// empty says whether a track, which may be nil, has no value.
func (t *Track) empty() bool { return t == nil || t.Values.N == 0 }

// usual returns what was normal over all frames with a value; NaN when it is
// not known.
func (t *Track) usual() float64 {
	if t.Usual == nil || 10*t.Strange > t.Values.N {
		return math.NaN()
	}
	var sum float64
	for _, x := range t.Usual {
		sum += x
	}
	return sum / t.Values.N
}

// usualBy returns what was normal over the frames with a value, by blocks as
// [stats.History.MeansBy] gives them; NaN where there was no value.
func (t *Track) usualBy(size int) []float64 {
	h := stats.History{Size: t.Values.Size, Blocks: t.Values.Blocks, Count: t.Values.Count}
	copy(h.Sum[:], t.Usual)
	return h.MeansBy(size)
}

// departures returns the block means of a track; where memory serves, what
// they are over what was normal.
func (r reference) departures(t *Track, size int) []float64 {
	means := t.Values.MeansBy(size)
	if r.seasonal {
		for i, x := range t.usualBy(size) {
			means[i] -= x
		}
	}
	return means
}

// A course is what would be expected of the subject without a live control, by
// its blocks.
type course []float64

// gone is after how many frames without a value a control is no longer live.
const gone = 3

// course returns the level of the reference, moved in each block by how much
// more is normal then than when the reference was seen, and whether memory
// serves at all, which it does not beside a live control:
//
//	courseᵢ = usualᵢ + w·(level − usual of the reference),   w = min(1, n/10)
//
// Of a reference of fewer than 10 frames only that part counts: the rest is
// what is normal. Where memory does not serve it is the level.
func (r reference) course(subject *Track, a anchor) (c course, serves bool) {
	c = make(course, subject.Values.Blocks)
	for i := range c {
		c[i] = a.level
	}
	if live := r.during != nil && r.during.Missed < gone; live || !subject.recalls() || math.IsNaN(a.usual) {
		return c, false
	}
	shift := a.level - a.usual
	if r.during == nil {
		shift *= math.Min(1, a.n/MinEffective)
	}
	last := subject.Known
	for i, x := range subject.usualBy(subject.Values.Size) {
		if !math.IsNaN(x) {
			last = x
		}
		c[i] = last + shift
	}
	return c, true
}

// remembered returns the variance of what moves slowly, which more frames do
// not lessen, where memory serves: how far hours and days lie from normal
// beyond what single frames do.
//
//	slow = max(0, spread² − max(sd, fast)²)
//
// sd is the noise of the reference and fast that of the subject's last frames,
// from one to the next. Of a reference of fewer than 10 frames the noise is not
// known: then it is fast, or all of the spread while that is not known either.
func (r reference) remembered(subject *Track, noise *noise) float64 {
	fast := jitter(subject.Values.Tail(fresh), 0)
	if r.during == nil && (r.before.empty() || r.before.Values.N < MinEffective) {
		noise.sd, noise.n = math.Max(noise.sd, fast), stats.Width
		if fast == 0 {
			noise.sd = math.Max(noise.sd, subject.Normal)
			return subject.Normal * subject.Normal
		}
	}
	fast = math.Max(noise.sd, fast)
	return math.Max(0, subject.Normal*subject.Normal-fast*fast)
}

// lean adds what moves slowly to what is not known of the effect. As far as it
// makes up the variance, that is known from the many hours of a memory and not
// from the few frames of a window; the degrees of freedom are Welch's:
//
//	1/ν = (1−f)²/ν_own + f²/64,   f = slow/(slow + SD²·min(1, τ/n))
//
// Source: B. L. Welch, The generalization of Student's problem when several
// different population variances are involved, Biometrika 34 (1947).
func (c *Comparison) lean(slow, own float64) {
	if slow == 0 {
		return
	}
	c.slow = slow
	c.fixed += slow
	f := slow / (slow + c.SD*c.SD*math.Min(1, c.Tau/math.Max(own, 1)))
	c.NU = 1 / ((1-f)*(1-f)/c.NU + f*f/stats.Width)
}

// wander is the standard error of a slope that what moves slowly gives: a
// straight line with its standard deviation has a slope of √12 of them over
// its length.
func (c *Comparison) wander() float64 { return math.Sqrt(12*c.slow) / math.Max(c.Frames, 1) }
