package prediction

import (
	"math"
	"slices"
)

// A Link is what was measured of one service and of those who call it in one
// frame. What was not measured is NaN.
type Link struct {
	Calling  float64 // requests per second at its callers, ≥ 0
	Attempts float64 // calls per second that arrive at it, retries included, ≥ 0
	Retries  float64 // retries per first attempt, ≥ 0
	Failing  float64 // share of the attempts that fail, as callers see it, 0..1
	Timeouts float64 // share of the attempts that time out, 0..1
	Busy     float64 // of its busiest bounded resource, 0..1
	Latency  float64 // typical, as it sees it, in seconds, > 0
	Tail     float64 // of the slow ones, in seconds; the same where only one is measured
	Before   bool    // no release or change has begun
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
	slack, alarm = 0.75, 7.0
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
	// Quick and Late bound the callers' timeout: the slowest tail with which
	// hardly any timed out, and the quickest with which more did than the tail
	// is of; 0 before any.
	Quick, Late float64
	Demand      float64   // running mean, first attempts per second
	Paces       []float64 // latency of the last frames in seconds, the newest first; NaN when unknown
	Rates       []float64 // attempts per second at full use, of the last frames that tell
	Old         Before
	Now         Phase
	Last        Link // of the last frame, with what was derived filled in
}

// Before is what a service had before anything began.
type Before struct {
	Demand  float64 // first attempts per second; 0 when unknown
	PerBusy float64
}

// Step takes one frame and returns the phase after it.
func (c *Cascade) Step(l Link) Phase {
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
		c.Sum = math.Min(3*alarm, math.Max(0, c.Sum+clamp(excess/noise, 5)-slack))
	}
	if mean(c.Excess[:min(span, len(c.Excess))]) < leastRise/2 {
		c.Sum *= 0.7 // it is over
	}
	worse := l.Failing > math.Max(3*c.Fails, c.Fails+0.02)
	c.Now = c.phase(l, amplification, worse)
	c.remember(l, demand, amplification, worse)
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
func (c *Cascade) derive(l *Link) (demand, amplification float64) {
	amplification = math.NaN()
	switch {
	case !math.IsNaN(l.Retries):
		amplification = 1 + math.Max(0, l.Retries)
	case c.Calls > 0 && l.Calling > 0 && !math.IsNaN(l.Failing):
		most := 1 / (1 - math.Min(0.99, l.Failing))
		amplification = math.Min(most, math.Max(1, l.Attempts/l.Calling/c.Calls))
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
	if c.Calls > 0 && l.Calling > 0 && l.Failing > 0.05 {
		demand = c.Calls * l.Calling
	}
	return demand, amplification
}

// phase reads the phase of this frame.
func (c *Cascade) phase(l Link, amplification float64, worse bool) Phase {
	rise := mean(c.Excess[:min(span, len(c.Excess))])
	slower := c.N >= learning && c.Sum > alarm && rise > leastRise
	busy := l.Busy >= 0.95
	multiplies := amplification >= 1.2 && (worse || slower)
	switch {
	case multiplies && l.Failing >= 0.5 && l.Gone:
		return Stuck
	case multiplies && l.Failing >= 0.5:
		return Collapsed
	case multiplies:
		return Multiplying
	case amplification >= 1.02 && worse && (slower || busy):
		return Retrying
	case slower && (rise > math.Ln2 || busy):
		return Queueing
	case slower:
		return Slower
	default:
		return Calm
	}
}

// learn adds the frame before the last two to what is usual: what comes after
// a calm frame shows whether it was one. A queue that is still filling or
// draining is not at rest, so the load has to be steady about it.
func (c *Cascade) learn() {
	if c.Calmed < span || len(c.Loads) < span+1 {
		return
	}
	demand, latency := math.Exp(c.Loads[span-1]), c.Paces[span-1]
	if math.IsNaN(demand) || math.IsNaN(latency) || !(math.Abs(c.Loads[span-2]-c.Loads[span]) < 0.25) {
		return
	}
	c.N++
	at := slices.IndexFunc(c.Lanes, func(x Lane) bool { return float64(x.Load) >= demand })
	if at < 0 {
		at = len(c.Lanes)
	}
	c.Lanes = slices.Insert(c.Lanes, at, Lane{Load: float32(demand), Log: float32(math.Log(latency)), N: 1})
	if len(c.Lanes) <= lanes {
		return
	}
	best, least := 0, math.Inf(1)
	for i := range len(c.Lanes) - 1 {
		a, b := c.Lanes[i], c.Lanes[i+1]
		// Near in load, and neither of them has much: long lanes stay apart.
		if d := math.Log(float64(b.Load/a.Load)) * math.Sqrt(float64(min(a.N, b.N))); d < least {
			best, least = i, d
		}
	}
	c.Lanes[best] = c.Lanes[best].join(c.Lanes[best+1])
	c.Lanes = slices.Delete(c.Lanes, best+1, best+2)
}

func (x Lane) join(y Lane) Lane {
	n := x.N + y.N
	d := y.Log - x.Log
	return Lane{
		Load: (x.Load*x.N + y.Load*y.N) / n, Log: (x.Log*x.N + y.Log*y.N) / n,
		Squares: x.Squares + y.Squares + d*d*x.N*y.N/n, N: n,
	}
}

// usual returns the logarithm of the latency that is usual at a load, and its
// standard deviation: a line through what was measured within a tenth of it, and
// the highest level below where there is nothing near. It is NaN for loads over
// all that was seen, where a longer wait is no news.
func (c *Cascade) usual(load float64) (level, noise float64) {
	if c.N < learning || math.IsNaN(load) || load > 1.05*float64(c.Lanes[len(c.Lanes)-1].Load) {
		return math.NaN(), math.NaN()
	}
	var n, sx, sy, sxx, sxy float64
	top := math.Inf(-1)
	for _, x := range c.Lanes {
		d, w := math.Log(float64(x.Load)/load), float64(x.N)
		if d < -0.1 {
			top = math.Max(top, float64(x.Log))
		}
		if math.Abs(d) <= 0.1 {
			n, sx, sy, sxx, sxy = n+w, sx+w*d, sy+w*float64(x.Log), sxx+w*d*d, sxy+w*d*float64(x.Log)
		}
	}
	noise = c.noise()
	if n < 4 {
		if math.IsInf(top, -1) {
			top = float64(c.Lanes[0].Log)
		}
		return top, 2 * noise
	}
	slope := clamp((n*sxy-sx*sy)/(n*sxx-sx*sx), 8)
	if !(slope > 0) || n < 8 {
		slope = 0
	}
	level = (sy - slope*sx) / n
	var left float64
	for _, x := range c.Lanes {
		if d := math.Log(float64(x.Load) / load); math.Abs(d) <= 0.1 {
			r := float64(x.Log) - level - slope*d
			left += float64(x.Squares) + float64(x.N)*r*r
		}
	}
	// What is near is few: what all lanes leave over bounds it from below.
	return level, math.Max(noise, math.Sqrt(left/math.Max(1, n-2))) * math.Sqrt(1+3/n)
}

// noise is the standard deviation of the logarithm of the latency from frame to
// frame: within the lanes, and between neighbours, whose difference has twice
// its variance.
func (c *Cascade) noise() float64 {
	var squares, n float64
	for i, x := range c.Lanes {
		squares, n = squares+float64(x.Squares), n+float64(x.N)-1
		if i > 0 {
			y := c.Lanes[i-1]
			d := float64(x.Log - y.Log)
			squares, n = squares+d*d/float64(1/x.N+1/y.N), n+1
		}
	}
	return math.Max(leastNoise, math.Sqrt(squares/math.Max(1, n)))
}

// remember keeps the running values.
func (c *Cascade) remember(l Link, demand, amplification float64, worse bool) {
	if k := min(span, len(c.Grew)); worse && k == span {
		// Retries of a peak that has passed come on top of few first attempts:
		// the least of three frames.
		c.Most = math.Max(c.Most, math.Exp(least(c.Grew[:k])))
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

// follow moves a running mean on; the first value begins it.
func follow(m *float64, x float64, first bool) {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
	case first:
		*m = x
	default:
		*m += follows * (x - *m)
	}
}

// push puts a value before the last ones.
func push(xs []float64, x float64) []float64 {
	if math.IsInf(x, 0) {
		x = math.NaN()
	}
	if len(xs) < 3*span {
		xs = append(xs, 0)
	}
	copy(xs[1:], xs)
	xs[0] = x
	return xs
}

// least is the least of what is there, NaN where something is not.
func least(xs []float64) float64 {
	out := math.Inf(1)
	for _, x := range xs {
		out = math.Min(out, x)
	}
	return out
}

// most is the most of what is there.
func most(xs []float64) float64 {
	out := math.Inf(-1)
	for _, x := range xs {
		out = math.Max(out, x)
	}
	return out
}

// mean is that of what is there; NaN of nothing.
func mean(xs []float64) float64 {
	var sum, n float64
	for _, x := range xs {
		if !math.IsNaN(x) {
			sum, n = sum+x, n+1
		}
	}
	return sum / n
}

func clamp(x, most float64) float64 { return math.Max(-most, math.Min(most, x)) }
