package pattern

import (
	"math"

	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// clip is how many standard deviations one block can weigh in a test. It
// bounds the influence of outliers: heavy-tailed noise needs several blocks
// in a row, as a real change gives them.
const clip = 4

// clipStill is the same for a reference that is nothing but zeros, whose
// spread is only believed: it shows no tails to guard against.
const clipStill = 8

// reach is the shortest change that is looked for, in frames with a value.
const reach = 3

// MinEffective is the number of effective observations under which nothing is
// claimed of a gauge.
const MinEffective = 10

// least is the smallest spread that a signal is believed to have, as a share
// of its level: a control that does not vary at all makes every wiggle
// infinite.
const least = 0.01

// Size says what change of a signal matters.
type Size struct {
	Relative float64 // share of the reference level, such as 0.1
	Absolute float64 // floor in the signal's base unit, ≥ 0
	Most     float64 // the floor is at most so many levels; 0 means no bound
	Noise    float64 // floor of the standard deviation, in the signal's base unit
	Window   float64 // frames that one value looks back over; 0 counts as 1
	Still    bool    // it does not fill up: growth is not looked for
	Good     bool    // the level is a share of what goes well, 0..1
	Major    float64 // how many sizes matter of what its users do not feel; 0 counts as 1
	Idle     bool    // the live control has nothing to do: how far it wanders tells nothing
	Alone    bool    // no control stands beside the subject, which is what the reference was before
}

// Of returns the change of consequence at a reference level. Of a share of what goes
// well a change is measured by what is missing to all of it, where that is less: from
// 99.9 to 99.8 % twice as much fails.
func (s Size) Of(level float64) float64 {
	if s.Good && level <= 1 {
		level = math.Min(math.Abs(level), 1-level)
	}
	floor := s.Absolute
	if s.Most > 0 {
		floor = math.Min(floor, s.Most*math.Abs(level))
	}
	return math.Max(s.Relative*math.Abs(level), floor)
}

// A Comparison says how one signal of the subject (the new version, or a
// service after a change) differs from its reference (the stable version, or
// the service before).
type Comparison struct {
	Level      float64 // of the reference, in the signal's base unit; NaN when there is none
	Before     float64 // of the reference before the release; NaN when it was not seen then
	Mean       float64 // of the subject over all its frames
	Now        float64 // of the subject over the suffix that differs most
	Effect     float64 // over that suffix, positive is worse, in base units
	Typical    float64 // the same with outliers clipped: what must be of consequence
	SE         float64 // standard error of the effect over all frames
	Whole      float64 // effect over all frames, clipped, positive is worse
	LogE       float64 // log e-value of "worse than the reference"
	Slope      float64 // of the difference per frame, positive is worse
	SlopeSE    float64
	SlopeLogE  float64 // log e-value of "the difference grows"
	SD         float64 // standard deviation of one frame's difference
	ControlSD  float64 // standard deviation of the reference from frame to frame
	Tau        float64 // frames that say as much as one independent one
	NU         float64 // degrees of freedom behind SD
	Effective  float64 // effective observations in subject and reference together
	Own        float64 // effective observations of the subject
	Frames     float64 // frames in which the subject had a value
	Onset      Onset   // of the suffix
	Grown      Onset   // of the growth
	Size       float64 // the change of consequence, in base units
	Horizon    float64 // frames ahead that growth is thought on; 0 means as many as were seen
	Falls      bool    // whether worse is down
	Recalled   bool    // whether memory served for a live control
	Beyond     bool    // whether LogE comes of lying further out than the reference ever wandered
	Arisen     bool    // whether LogE comes of being something where there never was anything
	Difference []float64
	values     []float64 // of the subject, block by block
	frames     []float64 // the middle of each block, in frames
	fixed      float64   // variance of the effect that more frames do not lessen
	major      float64   // sizes that one block may count for at most, halved
	slow       float64   // the part of it that memory knows of; 0 where it does not serve
	block      float64   // frames per block
	wanders    float64   // how far the reference does; 0 when not known
	leap       float64   // how far the reference does at once; 0 when not known
	held       float64   // blocks for which the reference keeps a value; 0 when not known
	prior      []float64 // the last differences before the subject's, where it is what the reference was
	alone      bool      // whether it is
	away       float64   // how many times as far the subject is now
	beside     int       // blocks in which a live control stood beside the subject
	behind     int       // blocks since one did
	rest       []float64 // what to add to a difference so that it is to the control of that block alone
	floor      float64   // standard deviation that a block is believed to have at least
	window     float64   // blocks that one value looks back over
	common     float64   // the largest relative difference that all services alike showed together
	load       []float64 // of the subject, block by block; nil when not known
	recentOnly bool      // only changes in the last frames are looked for
	still      bool      // growth is not looked for
}

// An Onset is when something began, in frames, with its uncertainty.
type Onset struct{ P10, P50, P90 float64 }

// From returns the onset moved to no earlier than a frame: nothing that a
// release does begins before it.
func (o Onset) From(frame float64) Onset {
	return Onset{P10: math.Max(o.P10, frame), P50: math.Max(o.P50, frame), P90: math.Max(o.P90, frame)}
}

// A reference is what a subject is compared with.
type reference struct {
	before, during *Track // during is nil when there is no live control
	seasonal       bool   // memory serves for what a live control would show
}

// Compare compares a subject with its live control and what the service was
// before. during may be nil (no control), before may be nil; with neither
// there is nothing to say and ok is false, unless the subject's readings carry
// what is normal. Worse is the direction in which the signal gets worse; with
// Both it is the one in which it moved.
func Compare(subject, during, before *Track, worse signal.Direction, size Size) (c Comparison, ok bool) {
	return new(Workspace).Compare(Loads{}, subject, during, before, worse, size)
}

// A Workspace is where comparisons keep their series. The zero value is ready
// to use.
type Workspace struct {
	slab []float64
	used int
}

// Reset lets what was compared so far be written over.
func (w *Workspace) Reset() { w.used = 0 }

// take returns room for n values, whatever they hold.
func (w *Workspace) take(n int) []float64 {
	if w.used+n > len(w.slab) {
		w.slab, w.used = make([]float64, max(2*len(w.slab), 4*n)), 0
	}
	w.used += n
	return w.slab[w.used-n : w.used : w.used]
}

// Compare is the function of that name; the comparison holds until the workspace
// is reset. What goes with the load of an instance is compared at the same load,
// as far as the reference has shown how it responds to its own.
func (w *Workspace) Compare(loads Loads, subject, during, before *Track, worse signal.Direction, size Size) (c Comparison, ok bool) {
	if !c.measure(w, subject, reference{before: before, during: during}, size, loads) {
		return Comparison{}, false
	}
	c.test(worse)
	return c, true
}

// measure fills in everything up to the differences and their noise.
func (c *Comparison) measure(w *Workspace, subject *Track, ref reference, size Size, loads Loads) bool {
	ref.seasonal = ref.serves(subject)
	noise := ref.noise(subject.Values.Size, size.Window/float64(subject.Values.Size))
	counts := ref.counts(subject.Values.Size, noise)
	at, hasLevel := ref.level(subject.Values.Size, noise, counts)
	if subject.Values.N < 1 || !hasLevel {
		return false
	}
	n := subject.Values.Blocks
	kept := w.take(4 * n)
	y := subject.Values.MeansInto(kept[:0:n], subject.Values.Size)
	var live, expected [stats.Width]float64
	k := ref.blocks(live[:0], n, subject.Values.Size)
	level, lambda, slow := at.level, 0.0, 0.0
	course := ref.course(expected[:0], subject, at)
	if ref.seasonal {
		level, slow = course[len(course)-1], ref.remembered(subject, &noise)
	}
	*c = Comparison{
		Level: level, Before: math.NaN(), Mean: subject.Values.Mean(), Size: size.Of(level),
		Frames: subject.Values.N, block: float64(subject.Values.Size), Tau: noise.Tau, ControlSD: noise.sd,
		Recalled: ref.seasonal, still: size.Still, major: size.Major,
	}
	if ref.before != nil {
		c.Before = ref.before.Values.Mean()
	}
	c.values = y
	if ref.during != nil {
		lambda = ref.lambda(y, k, noise.Rho)
	}
	c.behind = n
	c.Difference, c.frames, c.rest = kept[n:2*n:2*n], kept[2*n:3*n:3*n], kept[3*n:]
	c.differ(subject, k, course, lambda)
	if loads.known() && !ref.seasonal {
		c.even(loads, ref, k, lambda, counts)
	}
	// A cohort of one pod wavers more than the mean of four.
	scale := math.Max(1, ref.instances()/subject.Instances())
	ownVar := noise.sd * noise.sd * (scale + lambda*lambda)
	c.floor, c.window = math.Max(size.Noise, least*math.Abs(level))/math.Sqrt(c.block), size.Window/c.block
	noise = noise.floored(c.floor).windowed(c.window)
	c.Tau = noise.Tau
	c.SD = math.Sqrt(max(ownVar, c.floor*c.floor))
	sd := c.SD
	if c.SD = max(c.SD, jitter(c.Difference, noise.Rho, c.SD)); !size.Alone {
		sd = c.SD // else it wavers as it did before, and its steps are what is asked for
	}
	if !size.Idle && !c.within(sd) && loads.reached() {
		c.wandering(ref, subject.Values.Size, noise, scale, sd, size.Alone)
	}
	c.fixed += ref.persistent()*(1/subject.Instances()+1/ref.instances()) + (1-lambda)*(1-lambda)*at.variance
	own := countFinite(c.Difference)
	c.Effective = (own + noise.n*ref.replicas(noise.sd)) / noise.Tau
	c.Own = own / noise.Tau
	c.NU = math.Max(1, c.Effective-2)
	c.lean(slow, own)
	return true
}

// differ fills in how far the values lie from the reference: from the live
// control k as far as lambda says, and from the course of its level else.
func (c *Comparison) differ(subject *Track, k, course []float64, lambda float64) {
	for i, y := range c.values {
		base := course[i]
		c.rest[i] = 0
		if !math.IsNaN(k[i]) {
			base = lambda*k[i] + (1-lambda)*course[i]
			c.rest[i] = base - k[i]
			c.beside, c.behind = c.beside+1, len(c.values)-1-i
		}
		c.Difference[i] = y - base
		c.frames[i] = subject.Values.Frame(i)
	}
}

// test turns the differences the way that is worse and tests them.
func (c *Comparison) test(worse signal.Direction) {
	var price float64 // of choosing the direction after looking
	if worse == signal.Both {
		price = math.Ln2
		worse = signal.Up
		if tail := stats.Finite(c.Difference); len(tail) > 0 && stats.Mean(tail[max(0, len(tail)-reach):]) < 0 {
			worse = signal.Down
		}
	}
	if worse == signal.Down {
		c.Falls = true
		for i := range c.Difference {
			c.Difference[i] = -c.Difference[i]
		}
	}
	c.suffix(c.fixed, c.block)
	if !c.still {
		c.trend()
	}
	c.beyond()
	c.LogE -= price
	c.SlopeLogE -= price
	c.SD *= math.Sqrt(c.block) // back to one frame, as if blocks were independent
	c.Tau *= c.block
	c.Now = c.since(c.Onset.P50)
	c.align()
}

// since returns the subject's mean from a frame on; of all its values when
// there is none from then.
func (c *Comparison) since(frame float64) float64 {
	var sum, n float64
	for i, v := range c.values {
		if c.frames[i] >= frame && !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	if n == 0 {
		return c.Mean
	}
	return sum / n
}

// trend tests whether the difference grows. The standard error allows for
// autocorrelation as the mean's does.
func (c *Comparison) trend() {
	f, flat := c.overTime()
	if f.N < 8 || math.IsNaN(f.Slope) {
		return
	}
	// The residuals' spread or the noise before, whichever is larger. What grows
	// along a line to the last digit has no residuals.
	se := math.Max(f.SE, c.SD/math.Sqrt2/f.Spread) * math.Sqrt(c.Tau)
	if se == 0 {
		return
	}
	if c.slow > 0 {
		se = math.Hypot(se, c.wander())
	}
	if f.Slope > 2*se {
		// Worth a second look: one late outlier must not make a trend.
		f.Slope = math.Min(f.Slope, stats.TheilSen(c.frames, flat))
	}
	c.Slope, c.SlopeSE = f.Slope, se
	c.SlopeLogE = stats.SafeTOneSided(f.Slope/se, float64(f.N)/c.Tau, c.NU, 1)
	if f.Slope > 0 {
		// Growth began where the line leaves zero.
		first, last := c.frames[0], c.frames[len(c.frames)-1]
		at := math.Min(last, math.Max(first, -f.Intercept/f.Slope))
		give := math.Min(last-first, se/f.Slope*(last-first))
		c.Grown = Onset{P10: math.Max(first, at-give), P50: at, P90: math.Min(last, at+give)}
	}
}

// Persistent returns the variance of the effect that more frames do not
// lessen: how far instances differ for good, and what is not known of the
// reference's level.
func (c *Comparison) Persistent() float64 { return c.fixed }

// HarmProbability returns the probability that the whole difference is of
// consequence: over size, and over what the reference does by itself from
// frame to frame.
func (c *Comparison) HarmProbability() float64 { return c.HarmBeyond(c.Size) }

// HarmBeyond is [Comparison.HarmProbability] with another size of consequence.
func (c *Comparison) HarmBeyond(size float64) float64 {
	if c.SE == 0 {
		return 0
	}
	return 1 - stats.StudentCDF((math.Max(size, c.ControlSD)-c.Whole)/c.SE, c.NU)
}
