package pattern

import (
	"cmp"
	"math"

	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// Kind names a pattern, as on the wire.
type Kind string

// The kinds of patterns in one signal. Those of silence are in [SilenceKind].
const (
	Leak          Kind = "leak"           // memory or another stock grows without an end in sight
	Spike         Kind = "spike"          // short, and gone again
	Step          Kind = "step"           // a sudden change that stays
	Ramp          Kind = "ramp"           // a gradual change
	Drop          Kind = "drop"           // a sudden fall that stays
	Flatline      Kind = "flatline"       // it no longer varies, though the control does
	Sawtooth      Kind = "sawtooth"       // rises and sudden falls, without growing
	Oscillation   Kind = "oscillation"    // swings that the control does not show
	WarmupPattern Kind = "warmup"         // high at first, then down to where the control is
	CacheFill     Kind = "cache-fill"     // rises towards where the control is, ever slower
	TrafficGrowth Kind = "traffic-growth" // both cohorts rise with traffic
	Bimodal       Kind = "bimodal"        // some instances or requests differ from the rest
)

// A Pattern is a shape seen in a signal.
type Pattern struct {
	Kind        Kind
	Signal      int // index of the signal
	Onset       Onset
	Probability float64 // that the shape is there, 0..1
	For         string  // what speaks for it
	Against     string  // what speaks against it; "" when nothing does
}

// odds turns a log e-value into a probability, with even odds before.
func odds(logE float64) float64 { return 1 / (1 + math.Exp(-math.Max(-30, math.Min(30, logE)))) }

// Shapes names the patterns of one signal of a subject that was compared with
// its reference. Control is nil when there is no live one.
func Shapes(id int, s signal.Signal, c *Comparison, subject, control *Track) []Pattern {
	var means [stats.Width]float64
	y := subject.Values.MeansInto(means[:0], 1)
	base := Pattern{Signal: id, Onset: c.Onset}
	var out []Pattern
	add := func(k Kind, p float64, reason, against string) {
		b := base
		b.Kind, b.Probability, b.For, b.Against = k, p, reason, against
		out = append(out, b)
	}
	stock := s.Kind == signal.Memory || s.Kind == signal.Saturation || s.Kind == signal.Database || s.Kind == signal.Infra
	early, late := ends(c.Difference)
	settled := c.SD > 0 && c.Frames >= 6
	switch teeth := Teeth(y, c.SD); {
	case teeth >= 2:
		add(Sawtooth, odds(float64(teeth)), "it falls back again and again", "")
	case settled && stock && early < -2*c.SD && late > early && late < c.Size && concave(c.Difference):
		add(CacheFill, 0.8, "it rises ever slower towards what the control uses", "")
	case settled && s.Kind == signal.Cache && early > 2*c.SD && late < early:
		add(CacheFill, 0.8, "the hit ratio climbs towards the control's", "")
	case stock && c.Growing():
		add(Leak, odds(c.SlopeLogE), "it grows without levelling off", against(concave(c.Difference), "its growth slows"))
	case settled && early > 3*c.SD && late < early/2 && late < c.Size:
		add(WarmupPattern, 0.8, "it began high and came down again", "")
	case c.LogE > 3 && c.Effect > 0 && gradual(c):
		add(Ramp, odds(c.LogE), "it moved away little by little", "")
	case c.LogE > 3 && c.Effect > 0 && c.Falls:
		add(Drop, odds(c.LogE), "it fell at once and stayed there", "")
	case c.LogE > 3 && c.Effect > 0:
		add(Step, odds(c.LogE), "it moved away at once and stayed", "")
	}
	if k, ok := spike(c); ok {
		add(Spike, 0.7, k, "")
	}
	out = append(out, contrasts(base, c, subject, control)...)
	return out
}

func against(cond bool, text string) string {
	if cond {
		return text
	}
	return ""
}

// Growing says whether the difference grows: the trend is likely (e-value over
// e²), it has made a third of a change of consequence already, stands as much over its
// reference and, had it gone on as long again, all of it. What is new begins low, and
// comes up to where the reference is.
func (c *Comparison) Growing() bool {
	_, late := ends(c.Difference)
	return c.Slope > 0 && c.SlopeLogE > 2 && c.Told() &&
		math.Min(late, c.Slope*c.Frames) >= c.Size/3 && c.Projected() >= c.Size && c.above() && !c.levelled()
}

// levelled says whether what grew over all frames has certainly stopped to: from the
// fifth sixth of them to the last one it rose by less than half of what its line
// says, beyond a standard error. A few steps up that come with more of the traffic, or
// a cache that is full, make a line too.
func (c *Comparison) levelled() bool {
	var buf [stats.Width]float64
	f := stats.FiniteInto(buf[:0], c.Difference)
	k := len(f) / 6
	if k < 2 {
		return false
	}
	fifth, last := stats.Mean(f[len(f)-2*k:len(f)-k]), stats.Mean(f[len(f)-k:])
	frames := float64(k) * c.block
	return last-fifth+c.SD*math.Sqrt(2*math.Min(1, c.Tau/frames)) < c.Slope*frames/2
}

// Projected is the difference to expect at the horizon, if it goes on growing
// as it did.
func (c *Comparison) Projected() float64 {
	return c.Whole + c.Slope*(c.Frames/2+cmp.Or(c.Horizon, c.Frames))
}

// Above says whether the subject is over its reference by now, and not only at
// its load.
func (c *Comparison) Above() bool { return c.load == nil || c.above() }

// above says whether the subject is over its reference by now, and not only at
// its load. What rises towards where the control is fills up and does not leak.
func (c *Comparison) above() bool {
	_, late := ends(c.Difference)
	if c.load == nil {
		return late > 0
	}
	_, now := ends(c.values)
	return late > 0 && (now > c.Level) != c.Falls
}

// GrowthProbability returns the probability that the difference comes to be of
// consequence by the horizon, if it goes on growing as it does. It is 0 while
// the growth may as well be none (under two standard errors), and where it
// slows, as caches do when they fill.
func (c *Comparison) GrowthProbability() float64 {
	if !(c.Slope > 2*c.SlopeSE) || c.SlopeSE == 0 || concave(c.Difference) || !c.above() {
		return 0
	}
	ahead := c.Frames/2 + cmp.Or(c.Horizon, c.Frames)
	return 1 - stats.StudentCDF((c.Size-c.Projected())/math.Hypot(c.SE, c.SlopeSE*ahead), c.NU)
}

// ends returns the mean of the first and the last quarter of the differences.
func ends(d []float64) (early, late float64) {
	var buf [stats.Width]float64
	f := stats.FiniteInto(buf[:0], d)
	k := max(1, len(f)/4)
	if len(f) == 0 {
		return math.NaN(), math.NaN()
	}
	return stats.Mean(f[:k]), stats.Mean(f[len(f)-k:])
}

// concave says whether a series rises faster in its first half than in its
// second.
func concave(y []float64) bool {
	var buf [stats.Width]float64
	f := stats.FiniteInto(buf[:0], y)
	if len(f) < 6 {
		return false
	}
	third := len(f) / 3
	a, b, c := stats.Mean(f[:third]), stats.Mean(f[third:2*third]), stats.Mean(f[2*third:])
	return b-a > 1.5*(c-b)
}

// Teeth counts sudden falls by over 4 standard deviations that end a rise:
// what garbage collection and rotated logs look like.
func Teeth(y []float64, sd float64) int {
	if !falls(y, 4*sd) {
		return 0
	}
	var buf [stats.Width]float64
	f := stats.FiniteInto(buf[:0], y)
	teeth, low, high := 0, math.Inf(1), math.Inf(-1)
	for i, x := range f {
		rose := i > 0 && f[i-1]-low > (f[i-1]-x)/2 // else it only falls on, as a warm-up does
		low, high = math.Min(low, x), math.Max(high, x)
		if rose && f[i-1]-x > 4*sd && f[i-1]-x > (high-low)/2 && f[i-1] >= high-sd {
			teeth++
			low, high = x, x
		}
	}
	return teeth
}

// falls says whether a value lies so far under the one before it.
func falls(y []float64, by float64) bool {
	last := math.NaN()
	for _, x := range y {
		if last-x > by {
			return true
		}
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			last = x
		}
	}
	return false
}

// gradual says whether a straight line through the differences explains the
// suffix better than a step at its onset: its second half is well above its
// first.
func gradual(c *Comparison) bool {
	var in []float64
	for i, d := range c.Difference {
		if !math.IsNaN(d) && c.frames[i] >= c.Onset.P50 {
			in = append(in, d)
		}
	}
	if len(in) < 6 {
		return false
	}
	a, b := stats.Mean(in[:len(in)/2]), stats.Mean(in[len(in)/2:])
	return b-a > 2*c.SD/math.Sqrt(float64(len(in))/4)*math.Sqrt(c.Tau) && b-a > 0.3*b
}

// spike finds a single short excursion of over 6 standard deviations that was
// over again three frames ago or more.
func spike(c *Comparison) (string, bool) {
	last := -1
	n := 0
	for i, d := range c.Difference {
		if d > 6*c.SD && d > c.Size {
			last = i
			n++
		}
	}
	if n == 0 || n > 3 || len(c.Difference)-1-last < 3 {
		return "", false
	}
	return "it shot up and was back soon after", true
}

// contrasts are the patterns that need the control's own variation.
func contrasts(base Pattern, c *Comparison, subject, control *Track) []Pattern {
	if control == nil || control.Values.N < 8 || subject.Values.N < 8 {
		return nil
	}
	var out []Pattern
	add := func(k Kind, p float64, reason string) {
		b := base
		b.Kind, b.Probability, b.For = k, p, reason
		out = append(out, b)
	}
	var mine, theirs [stats.Width]float64
	f := stats.VarianceRatio(subject.Values.MeansInto(mine[:0], 1), control.Values.MeansInto(theirs[:0], 1), c.Tau)
	ratio := f.Ratio
	if ratio == 0 && c.ControlSD > 0.01*math.Abs(c.Level) {
		add(Flatline, 0.9, "it has not varied at all while the control did")
	}
	if ratio > 4 && c.LogE < 3 && math.Abs(c.Whole) < c.SD && f.P() < 1e-4 {
		add(Oscillation, 1-f.P(), "it swings far more than the control about the same level")
	}
	if apart := subject.Apart(); apart > math.Max(c.Size, 3*math.Sqrt(control.Persistent())) && apart > 3*c.ControlSD {
		add(Bimodal, 0.8, "its instances differ far more than the control's do")
	}
	return out
}

// Apart returns how far the highest instance's mean lies above the median of
// the instances; 0 with fewer than two that were seen often enough.
func (t *Track) Apart() float64 {
	var means []float64
	for _, p := range t.Pods {
		if p.N >= 4 {
			means = append(means, p.Mean)
		}
	}
	if len(means) < 2 {
		return 0
	}
	return stats.Quantile(means, 1) - stats.Quantile(means, 0.5)
}

// ComesDown says whether the difference has certainly come down from its first
// values, by a quarter or more and beyond three standard errors.
func (c *Comparison) ComesDown() bool {
	early, late := ends(c.Difference)
	k := math.Max(1, math.Floor(countFinite(c.Difference)/4))
	se := c.SD * math.Sqrt(2*math.Min(1, c.Tau/k))
	return early > 2*c.SD && late < 0.75*early && early-late > 3*se
}

// Stays says whether the difference has not come down at all, by more than a tenth,
// from the first quarter of its values to the last: what began cold would have.
func (c *Comparison) Stays() bool {
	early, late := ends(c.Difference)
	return early > 0 && late > 0.9*early
}

// Recovers says whether the difference has come down by a quarter or more from its
// first values since the onset to its last ones.
func (c *Comparison) Recovers() bool {
	since := c.fromOnset()
	n := min(reach, len(since))
	return n > 0 && stats.Median(since[len(since)-n:]) < 0.75*stats.Median(since[:n])
}

// Settling says whether the difference is still coming down from its first
// values: the subject warms up.
func (c *Comparison) Settling() bool {
	_, late := ends(c.Difference)
	return c.Subsides() && late > c.SD
}

// Subsides says whether the difference has come down by half and more since its first
// values.
func (c *Comparison) Subsides() bool {
	early, late := ends(c.Difference)
	return early > 2*c.SD && late < early/2
}
