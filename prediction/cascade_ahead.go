package prediction

import (
	"math"

	"github.com/foreshock/foreshock/queueing"
)

// near is the share of the capacity from which a load is near the tipping
// point: what is left then is less than a step of a release often brings. And
// grown is how many times the load from before is more of it: a service that
// was as busy before stands well so.
const near, grown = 0.9, 1.1

// Near says whether the load of a service of which a bounded resource is
// measured has grown to near its capacity since something began.
func (c *Cascade) Near() bool {
	return c.PerBusy > 0 && c.Demand >= near*c.PerBusy && c.Old.Demand > 0 && c.Demand >= grown*c.Old.Demand
}

// Callers are what is known of how a service is called.
type Callers struct {
	Timeout float64 // of one attempt, in seconds; NaN when unknown
	Tries   int     // the first one counted; 0 when unknown
}

// A CascadeAhead is where a service stands on the way to a collapse that
// stays. What cannot be known is NaN, and Why says for what reason.
type CascadeAhead struct {
	Phase         Phase
	Probability   float64 // that it collapses, 0..1: a judgement by phase and margin
	Demand        float64 // first attempts per second, a running mean
	Amplification float64 // attempts per first attempt, ≥ 1
	LoopGain      float64 // further attempts for each further attempt, a round later; above 1 a runaway
	Capacity      float64 // attempts per second
	Timeout       float64 // of callers, in seconds
	Factor        float64 // attempts per first attempt when all fail, ≥ 1
	Assumed       bool    // whether Factor is assumed and was not seen or said
	Up, Down      float64 // tipping and recovery point, first attempts per second
	Margin        float64 // (λ_dn − λ)/λ: under 0, a spike would bring it down to stay
	Shed          float64 // share of the load to keep away until it recovers, 0..1
	Tries         float64 // most tries with which it recovers by itself; 0 where not even one does
	Why           string  // why a number is NaN; "" where none is
}

// Ahead reads the thresholds of a service. c tells of the callers what is
// known; else the timeout is inferred from the tails around which attempts
// begin to time out, and the tries from the largest amplification seen, or two
// where none was.
//
//	λ_up = max Λ/A(e^−(C−Λ)T)    λ_dn = C/A_most    g = Δln A(t)/Δln Λ(t − τ)
//
// Where callers were seen to leave the queue λ_dn is that of [queueing.Leaving].
//
// The capacity is that by the utilisation law where a bounded resource is
// measured, C = Λ/U, else that of the law of latency, once its bounds lie within
// a quarter of each other. Where the timeout is unknown λ_up is the capacity: it
// tips there at the latest.
func (c *Cascade) Ahead(k Callers) CascadeAhead {
	nan := math.NaN()
	a := CascadeAhead{
		Phase: c.Now, Demand: c.Demand, Amplification: nan, Capacity: nan, LoopGain: c.gain(),
		Timeout: k.Timeout, Up: nan, Down: nan, Margin: nan, Shed: nan, Tries: nan,
	}
	if len(c.Grew) > 0 {
		a.Amplification = math.Exp(mean(c.Grew[:1]))
	}
	if math.IsNaN(a.Timeout) {
		a.Timeout = c.timeout()
	}
	switch {
	case k.Tries >= 1:
		a.Factor = float64(k.Tries)
	case c.Sure:
		a.Factor = c.Most
	default: // what was seen is a lower bound
		a.Factor, a.Assumed = math.Max(2, c.Most), c.Most < 2
	}
	law := c.law()
	slow := c.slowed(law)
	switch {
	case c.PerBusy > 0:
		a.Capacity = c.PerBusy
	case law.High <= 1.25*law.Low:
		a.Capacity = law.Capacity / slow
	case math.IsNaN(law.Capacity):
		a.Why = "no bounded resource is measured, and the latency has not grown with the load yet"
	default:
		a.Why = "no bounded resource is measured, and the latency does not tell the capacity to a quarter yet"
	}
	a.Probability = c.probability(a)
	if math.IsNaN(a.Capacity) || !(c.Demand > 0) {
		return a
	}
	t := queueing.TipsFrom(a.Capacity, patience(a.Timeout), a.Factor)
	t.Down = c.down(a.Capacity, a.Timeout, a.Factor)
	t.Up = math.Max(t.Up, t.Down)
	a.Up, a.Down = t.Up, t.Down
	a.Margin, a.Shed, a.Tries = t.Margin(c.Demand), t.Shed(c.Demand), c.tries(t, a.Timeout)
	a.Probability = c.probability(a)
	return a
}

// down is the recovery point of a capacity. Where callers were seen to leave the
// queue when they give up, less work is done for nobody.
func (c *Cascade) down(capacity, timeout, factor float64) float64 {
	if c.Leaves == 0 || len(c.Lanes) == 0 {
		return capacity / factor
	}
	service := math.Inf(1)
	for _, x := range c.Lanes {
		service = math.Min(service, math.Exp(float64(x.Log)))
	}
	if math.IsNaN(timeout) {
		timeout = c.Leaves
	}
	return math.Max(capacity/factor, math.Min(capacity, queueing.Leaving(capacity, service, timeout, factor)))
}

// tries is the most of them with which it recovers by itself at the demand of
// now; 0 where not even one does.
func (c *Cascade) tries(t queueing.Thresholds, timeout float64) float64 {
	n := float64(t.MaxTries(c.Demand))
	if c.Leaves == 0 {
		return n
	}
	for n < mostTries && c.down(t.Capacity, timeout, n+1) >= c.Demand {
		n++
	}
	return n
}

// mostTries is the most that is told: more never matter.
const mostTries = 10

// patience is a timeout, infinite where it is unknown.
func patience(timeout float64) float64 {
	if math.IsNaN(timeout) {
		return math.Inf(1)
	}
	return timeout
}

// A Return is what taking back what began does to a service.
type Return struct {
	Demand   float64 // first attempts per second then; 0 when unknown
	Down     float64 // under which it recovers then; NaN when unknown
	Recovers bool
	Known    bool    // whether that can be told
	Shed     float64 // share of the load to keep away besides, 0..1; NaN when unknown
	Tries    float64 // or the most tries with which it recovers
}

// Back returns what taking back what began does. With upstream it is a
// caller's: then its extra calls go with it, and whether the old version tries
// again as well is not known. Else the service is as quick as it was before.
func (c *Cascade) Back(a CascadeAhead, upstream bool) Return {
	r := Return{Demand: a.Demand, Down: a.Down}
	capacity := a.Capacity
	switch {
	case upstream:
		r.Demand = c.Old.Demand
	case c.Old.PerBusy > 0 && a.Capacity > 0:
		capacity = math.Max(capacity, c.Old.PerBusy)
		r.Down = c.down(capacity, a.Timeout, a.Factor)
	}
	if math.IsNaN(r.Down) || !(r.Demand > 0) {
		r.Shed, r.Tries = math.NaN(), math.NaN()
		return r
	}
	t := queueing.Thresholds{Up: capacity, Down: r.Down}
	r.Shed, r.Tries = t.Shed(r.Demand), float64(t.MaxTries(r.Demand))
	r.Recovers = r.Demand <= r.Down
	r.Known = r.Recovers || !upstream && !a.Assumed
	return r
}

// law fits the law of latency to what was seen while calm.
func (c *Cascade) law() queueing.QueueLaw {
	var loads, latencies, weights [lanes]float64
	for i, x := range c.Lanes {
		loads[i], latencies[i], weights[i] = float64(x.Load), math.Exp(float64(x.Log)), float64(x.N)
	}
	n := len(c.Lanes)
	return queueing.FitQueueLaw(loads[:n], latencies[:n], weights[:n])
}

// slowed returns how many times as long its work takes now as when the law was
// learned, from L = q·L₀(q·Λ); 1 unless it is slower.
func (c *Cascade) slowed(law queueing.QueueLaw) float64 {
	pace := mean(c.Paces[:min(span, len(c.Paces))])
	if c.Sum <= alarm || math.IsNaN(law.Capacity) || !(pace > 0) {
		return 1
	}
	load := c.Last.Attempts
	if math.IsNaN(load) {
		load = c.Demand
	}
	low, high := 1.0, 20.0
	for range 50 {
		if q := (low + high) / 2; q*law.At(q*load) < pace {
			low = q
		} else {
			high = q
		}
	}
	return low
}

// timeout returns what the callers' timeout is about, in seconds; NaN when
// nothing timed out yet.
func (c *Cascade) timeout() float64 {
	switch {
	case c.Late == 0:
		return math.NaN()
	case c.Quick > 0 && c.Quick < c.Late:
		return math.Sqrt(c.Quick * c.Late)
	default:
		return c.Late
	}
}

// gain returns the gain of the loop, measured one round apart: what the
// amplification has grown by in the last frames over what the attempts had in
// those before. Of one and the same moment it would be 1 at steady demand,
// whatever the service does, as then Λ = λ·A. NaN where the attempts did not
// grow.
func (c *Cascade) gain() float64 {
	if len(c.Grew) < 3*span {
		return math.NaN()
	}
	at := func(xs []float64, k int) float64 { return mean(xs[k*span : (k+1)*span]) }
	was := at(c.Loads, 1) - at(c.Loads, 2)
	if !(was > 0.03) {
		return math.NaN()
	}
	return (at(c.Grew, 0) - at(c.Grew, 1)) / was
}

// probability is a judgement: how often what stands at this link goes on. With
// a margin left it needs a push; without one, the nearer to the tipping point
// the smaller a push will do, be it slower or not.
func (c *Cascade) probability(a CascadeAhead) float64 {
	p := map[Phase]float64{Slower: 0.1, Queueing: 0.3, Retrying: 0.5, Multiplying: 0.7, Collapsed: 1, Stuck: 1}[c.Now]
	switch {
	case c.Now >= Collapsed || math.IsNaN(a.Margin) || a.Margin < 0 && a.Assumed && !c.Near():
	case a.Margin < 0 && c.Now <= Slower:
		p += 0.1 + 0.4*math.Min(1, (a.Demand-a.Down)/math.Max(a.Up-a.Down, 1e-9*a.Up))
	case a.Margin < 0:
		p = math.Min(0.95, p+0.2)
	default:
		p /= 2
	}
	return p
}
