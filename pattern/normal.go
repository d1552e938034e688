package pattern

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

// A subject without a live control is compared with what it was before, at
// another hour. Where its readings carry what is normal at each hour, from
// memory, that serves for what a control would have shown: the reference
// follows the day, and a daily peak is no news.

// knots is how many blocks apart what is normal is written down. It follows
// the hours, so that straight lines between will do.
const knots = 4

// recall writes down what is normal in step with the values. It is called
// after each frame.
func (t *Track) recall(frame int, present bool) {
	for ; t.Per < knots*t.Values.Size; t.Per *= 2 {
		for i := 0; i < len(t.Usual); i += 2 {
			t.Usual[i/2] = t.Usual[i]
		}
		t.Usual = t.Usual[:(len(t.Usual)+1)/2]
	}
	switch {
	case !present:
	case !math.IsNaN(t.Level) && (t.Usual != nil || t.Values.N == 1):
		t.Known = t.Level
		for len(t.Usual) <= (frame-t.Values.Origin)/t.Per {
			t.Usual = append(t.Usual, float32(t.Known))
		}
	default: // what was not known from the start is never known for all of it
		t.Strange++
	}
}

// recalls says whether what is normal was known in all frames with a value but
// one in ten, from the first on.
func (t *Track) recalls() bool { return t.Usual != nil && 10*t.Strange <= t.Values.N }

// empty says whether a track, which may be nil, has no value.
func (t *Track) empty() bool { return t == nil || t.Values.N == 0 }

// usualAt returns what was normal in a frame that the values reach over.
func (t *Track) usualAt(frame float64) float64 {
	at := math.Max(0, frame-float64(t.Values.Origin)) / float64(t.Per)
	i := min(int(at), len(t.Usual)-1)
	from, part := float64(t.Usual[i]), at-float64(i)
	if i+1 < len(t.Usual) {
		return from + part*(float64(t.Usual[i+1])-from)
	}
	// The last stretch ends with the last frame.
	if whole := float64(t.Values.Newest-t.Values.Origin)/float64(t.Per) - float64(i); whole > 0 {
		return from + math.Min(1, part/whole)*(t.Known-from)
	}
	return from
}

// usual returns what was normal over all frames with a value; NaN when it is
// not known.
func (t *Track) usual() float64 {
	if !t.recalls() {
		return math.NaN()
	}
	var sum float64
	for i := range t.Values.Blocks {
		sum += t.Values.Count[i] * t.usualAt(t.Values.Frame(i))
	}
	return sum / t.Values.N
}

// usualBy returns what was normal in the blocks that [stats.History.MeansBy]
// gives.
func (t *Track) usualBy(size int) []float64 {
	length := max(size, t.Values.Size)
	out := make([]float64, (t.Values.Blocks*t.Values.Size+length-1)/length)
	for i := range out {
		middle := (float64(i)+0.5)*float64(length) - 0.5
		out[i] = t.usualAt(float64(t.Values.Origin) + math.Min(middle, float64(t.Values.Newest-t.Values.Origin)))
	}
	return out
}

// departures appends the block means of a track to out, which is empty; where
// memory serves, what they are over what was normal.
func (r reference) departures(out []float64, t *Track, size int) []float64 {
	means := t.Values.MeansInto(out, size)
	if r.seasonal {
		for i, x := range t.usualBy(size) {
			means[i] -= x
		}
	}
	return means
}

// gone is after how many frames without a value a control is no longer live.
const gone = 3

// serves says whether memory serves for a live control: there is none, and
// what is normal is known for all that is compared, and now.
func (r reference) serves(subject *Track) bool {
	live := r.during != nil && r.during.Missed < gone
	return !live && subject.recalls() && !math.IsNaN(subject.Level) &&
		(r.before.empty() || r.before.recalls()) && (r.during.empty() || r.during.recalls())
}

// course returns what would be expected of the subject without a control, by
// its blocks, appended to out, which is empty: the level of the reference, moved by how much more is normal then
// than when the reference was seen, where memory serves.
//
//	courseᵢ = usualᵢ + w·(level − usual of the reference),   w = min(1, n/10)
//
// Of a reference of fewer than 10 frames only that part counts: the rest is
// what is normal.
func (r reference) course(out []float64, subject *Track, a anchor) []float64 {
	if r.seasonal {
		for _, x := range subject.usualBy(subject.Values.Size) {
			out = append(out, x+(a.level-a.usual)*math.Min(1, a.n/MinEffective))
		}
		return out
	}
	for range subject.Values.Blocks {
		out = append(out, a.level)
	}
	return out
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
	fast := jitter(subject.Values.Tail(Recently), 0, 0)
	if r.during.empty() && (r.before.empty() || r.before.Values.N < MinEffective) {
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

// align says of the same stretch, since the onset, what the subject was and
// what was expected, where memory serves: over a day both move a long way.
func (c *Comparison) align() {
	if !c.Recalled {
		return
	}
	var apart, n float64
	for i, d := range c.Difference {
		if !math.IsNaN(d) && c.frames[i] >= c.Onset.P50 {
			apart, n = apart+d, n+1
		}
	}
	if n > 0 {
		c.Mean, c.Level = c.Now, c.Now-c.direction()*apart/n
	}
}
