package prediction

import "math"

// A Link is what was measured of one service and of those who call it in one
// frame. What was not measured is NaN.
type Link struct {
	Calling  float64 // requests per second at its callers, ≥ 0
	Attempts float64 // calls per second that arrive at it, retries included, ≥ 0
	Retries  float64 // retries per first attempt, ≥ 0
	Failing  float64 // share of the attempts that fail, as callers see it, 0..1
	Timeouts float64 // share of the attempts that time out, 0..1
	Refused  float64 // share of the attempts that it fails itself, as it sees it, 0..1
	Busy     float64 // of its busiest bounded resource, 0..1
	Latency  float64 // typical, as it sees it, in seconds, > 0
	Tail     float64 // of the slow ones, in seconds; the same where only one is measured
	Before   bool    // no release or change has begun
	Changed  bool    // a new version calls it, which may make more calls for each request
	Gone     bool    // what began has been taken back
}

// A Phase says how far a cascade has got.
type Phase uint8

// The phases, in the order in which a cascade goes through them.
const (
	Calm        Phase = iota + 1
	Slower            // a request takes longer than at this load before
	Queueing          // twice as long, or with no room left: work piles up
	Retrying          // callers try again
	Multiplying       // a fifth of the load and more is retries
	Collapsed         // and half of the attempts fail
	Stuck             // and go on to, though what began it has been taken back
)

var phaseNames = [...]string{
	Calm: "calm", Slower: "slower", Queueing: "queueing", Retrying: "retrying",
	Multiplying: "multiplying", Collapsed: "collapsed", Stuck: "stuck",
}

// String returns the phase in small letters.
func (p Phase) String() string {
	if p == 0 || int(p) >= len(phaseNames) {
		return "unknown"
	}
	return phaseNames[p]
}

const (
	// lanes is the most points of load and latency that are kept.
	lanes = 32
	// learning is how many calm frames come before anything is called slower.
	learning = 16
	// The rise of latency is watched by a CUSUM of its logarithm over what is
	// usual at this load, in standard deviations: S = max(0, S + x/σ − slack).
	slack, alarm = 0.75, 6.0
	// leastNoise is the standard deviation of a logarithm that is believed at
	// least, and leastRise the rise that matters: an eighth.
	leastNoise, leastRise = 0.05, 0.12
	// span is how many frames apart the gain of the loop is measured.
	span = 3
	// follows is the weight of one frame in running means.
	follows = 1.0 / 4
)

// A Lane is what was measured at one load.
type Lane struct {
	Load    float32 // mean, attempts per second
	Log     float32 // mean of the logarithm of the latency in seconds
	Squares float32 // sum of squares about it
	N       float32 // frames
}

// A Cascade follows the links of the chain slower → queue → retries →
// multiplied traffic → collapse at one service. It is bounded; its fields are
// there to be saved. The zero value has seen nothing.
type Cascade struct {
	Lanes  []Lane // by load, ascending: what is calm
	N      int    // frames in them
	Calmed int    // calm frames in a row
	Sum    float64
	// Excess is the logarithm of the work in flight over what is usual at this
	// demand, Grew and Loads those of amplification and attempts, of the last
	// frames, the newest first; NaN when unknown.
	Excess, Grew, Loads []float64
	Calls               float64 // attempts per request of the callers, while calm; 0 before any
	Fails               float64 // share that fails while calm
	PerBusy             float64 // attempts per second at full use; 0 before any
	Most                float64 // largest amplification seen; 0 before any
	Sure                bool    // and it is all: retries were counted while nearly all failed
	// Quick and Late bound the callers' timeout: the slowest tail with which
	// hardly any timed out, and the quickest with which more did than the tail
	// is of; 0 before any.
	Quick, Late float64
	// Leaves is how long callers wait before they leave the queue, in seconds, and
	// Left the frames in a row that showed it; 0 where they were not seen to.
	Leaves float64
	Left   int
	Demand float64   // running mean, first attempts per second
	Paces  []float64 // latency of the last frames in seconds, the newest first; NaN when unknown
	Rates  []float64 // attempts per second at full use, of the last frames that tell
	Old    Before
	Now    Phase
	Last   Link // of the last frame, with what was derived filled in
}

// Before is what a service had before anything began.
type Before struct {
	Demand  float64 // first attempts per second; 0 when unknown
	PerBusy float64
}

// Step takes one frame and returns the phase after it.
func (c *Cascade) Step(l Link) Phase {
	counted := !math.IsNaN(l.Retries)
	demand, amplification := c.derive(&l)
	c.Last = l
	flight := l.Attempts * l.Latency / demand // Little's law, for each first attempt
	usual, noise := c.usual(demand)
	excess := math.Log(flight) - usual
	c.Excess = push(c.Excess, excess)
	c.Grew, c.Loads = push(c.Grew, math.Log(amplification)), push(c.Loads, math.Log(l.Attempts))
	if math.IsNaN(excess) {
		c.Sum *= 0.9
	} else {
		c.Sum = math.Min(3*alarm, math.Max(0, c.Sum+clamp(excess/noise, 4)-slack))
	}
	if mean(c.Excess[:min(span, len(c.Excess))]) < leastRise/2 {
		c.Sum *= 0.7 // it is over
	}
	worse := l.Failing > math.Max(3*c.Fails, c.Fails+0.02)
	c.Now = c.phase(l, amplification, counted, worse)
	c.remember(l, demand, counted, worse)
	if c.Now == Calm && c.Sum < 0.75*alarm && !worse {
		c.Calmed++
		c.learn()
	} else {
		c.Calmed = 0
	}
	return c.Now
}

// derive fills in what follows from the rest, and returns the first attempts
// per second and A = attempts/first attempts, NaN when unknown. Retries follow
// failures, so that calls which multiply without them are no retries:
//
//	A ≤ 1 + f + f² + … = 1/(1 − f)
//
// How many calls a new version makes for each request is not known while they
// fail. Then one is taken where it was less: A is at least that.
func (c *Cascade) derive(l *Link) (demand, amplification float64) {
	amplification = math.NaN()
	switch {
	case !math.IsNaN(l.Retries):
		amplification = 1 + math.Max(0, l.Retries)
	case c.Calls > 0 && l.Calling > 0 && !math.IsNaN(l.Failing):
		calls := c.Calls
		if l.Changed {
			calls = math.Max(1, calls)
		}
		most := 1 / (1 - math.Min(0.99, l.Failing))
		amplification = math.Min(most, math.Max(1, l.Attempts/l.Calling/calls))
	}
	if math.IsNaN(l.Attempts) && c.Calls > 0 {
		l.Attempts = l.Calling * c.Calls * amplification
	}
	if !(l.Attempts > 0) {
		l.Attempts = math.NaN()
	}
	if !(l.Latency > 0) {
		l.Latency = math.NaN()
	}
	demand = l.Attempts
	if !math.IsNaN(amplification) {
		demand /= amplification
	}
	// What is counted when it is answered falls behind in overload.
	if c.Calls > 0 && l.Calling > 0 && l.Failing > 0.05 && !l.Changed {
		demand = c.Calls * l.Calling
	}
	return demand, amplification
}

// phase reads the phase of this frame.
func (c *Cascade) phase(l Link, amplification float64, counted, worse bool) Phase {
	rise := mean(c.Excess[:min(span, len(c.Excess))])
	slower := c.N >= learning && c.Sum > alarm && rise > leastRise
	busy := l.Busy >= 0.95
	tried := 1.02
	if !counted {
		tried = 1.1 // a ratio of rates is as noisy as both
	}
	multiplies := amplification >= 1.2 && (worse || slower)
	switch {
	case multiplies && l.Failing >= 0.5 && l.Gone:
		return Stuck
	case multiplies && l.Failing >= 0.5:
		return Collapsed
	case multiplies:
		return Multiplying
	case amplification >= tried && worse && (slower || busy):
		return Retrying
	case slower && (rise > math.Ln2 || busy):
		return Queueing
	case slower:
		return Slower
	default:
		return Calm
	}
}

// remember keeps the running values.
func (c *Cascade) remember(l Link, demand float64, counted, worse bool) {
	if k := min(span, len(c.Grew)); worse && k == span {
		// Retries of a peak that has passed come on top of few first attempts:
		// the least of three frames.
		if a := math.Exp(least(c.Grew[:k])); a > c.Most {
			c.Most, c.Sure = a, counted && l.Failing >= 0.8
		}
	}
	if c.Now == Calm && !worse {
		if l.Calling > 0 && l.Attempts > 0 {
			follow(&c.Calls, demand/l.Calling, c.Calls == 0)
		}
		if !math.IsNaN(l.Failing) {
			follow(&c.Fails, l.Failing, c.N <= 1)
		}
	}
	follow(&c.Demand, demand, c.Demand == 0)
	c.Paces = push(c.Paces, l.Latency)
	if !worse {
		c.capacity(l)
	}
	c.leaves(l)
	if l.Before {
		c.Old = Before{Demand: c.Demand, PerBusy: c.PerBusy}
	}
	switch {
	case !(l.Tail > 0) || math.IsNaN(l.Timeouts):
	case l.Timeouts < 0.002:
		c.Quick = math.Max(c.Quick, l.Tail)
	case l.Timeouts > 0.02 && (c.Late == 0 || l.Tail < c.Late):
		c.Late = l.Tail
	}
}

// leaves notes that callers who give up leave the queue. In a collapse more
// attempts come to an end than are done or refused, and the rest was not kept:
// then the queue would be longer in every frame.
func (c *Cascade) leaves(l Link) {
	last := c.Paces[:min(span, len(c.Paces))]
	steady := len(last) == span && most(last) <= 1.1*least(last)
	gone := l.Attempts*(1-l.Refused) >= 1.2*c.PerBusy
	if !(c.PerBusy > 0 && l.Busy >= 0.97 && l.Failing >= 0.5 && gone && steady) {
		c.Left = 0
		return
	}
	if c.Left++; c.Left >= span {
		c.Leaves = mean(last)
	}
}

// capacity follows the attempts per second at full use, by the utilisation law.
// Without room left more may arrive than is done: then it is at most that.
func (c *Cascade) capacity(l Link) {
	if !(l.Busy >= 0.15 && l.Attempts > 0) {
		return
	}
	rate := l.Attempts / l.Busy
	if full := l.Busy > 0.97; full && (c.PerBusy == 0 || rate > c.PerBusy) {
		return
	}
	c.Rates = push(c.Rates, rate)
	follow(&c.PerBusy, rate, c.PerBusy == 0)
	// Three in a row on one side: the new version has taken a step.
	if last := c.Rates[:min(span, len(c.Rates))]; len(last) == span && (least(last) > c.PerBusy || most(last) < c.PerBusy) {
		c.PerBusy = mean(last)
	}
}
