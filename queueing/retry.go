package queueing

import "math"

// Amplification returns how many attempts are made for each request when an
// attempt fails with probability f and up to tries are made in all:
//
//	A = 1 + f + … + f^(R−1) = (1 − f^R)/(1 − f)
//
//	failing  f, 0..1, of one attempt, alike for each and independent
//	tries    R ≥ 1, the first one counted
//	budget   b ≥ 0, the most retries per request that callers allow; +Inf for
//	         no budget
//
// The result is in [1, min(R, 1 + b)], and NaN for arguments out of range.
// Source: B. Beyer et al., Site Reliability Engineering (2016), ch. 21 and 22,
// for budgets and for the geometric growth.
func Amplification(failing float64, tries int, budget float64) float64 {
	if !(failing >= 0 && failing <= 1) || tries < 1 || !(budget >= 0) {
		return math.NaN()
	}
	a, p := 0.0, 1.0
	for range tries {
		a += p
		p *= failing
	}
	return math.Min(a, 1+budget)
}

// Nested returns the amplification at the bottom of tiers that each retry: the
// product of theirs, as each attempt of a tier is a request of the next. Three
// tiers of three tries make 27. Source: Site Reliability Engineering, ch. 22.
func Nested(tiers ...float64) float64 {
	a := 1.0
	for _, t := range tiers {
		a *= t
	}
	return a
}

// A LatencyLaw says how the latency of a server grows with its load, in the
// form that M/M/1 and processor sharing have:
//
//	L(Λ) = b / (1 − s·Λ)
type LatencyLaw struct {
	Base    float64 // b, seconds without load, > 0
	PerLoad float64 // s, seconds of capacity that each request takes, > 0: 1/s is the capacity
}

// At returns the latency in seconds at a load in attempts per second; +Inf at
// and above capacity.
func (l LatencyLaw) At(load float64) float64 {
	if l.PerLoad*load >= 1 {
		return math.Inf(1)
	}
	return l.Base / (1 - l.PerLoad*load)
}

// Load returns the attempts per second at which the latency is this many
// seconds: Λ = (1 − b/L)/s, and 0 where even an idle server takes longer.
func (l LatencyLaw) Load(latency float64) float64 {
	return math.Max(0, (1-l.Base/latency)/l.PerLoad)
}

// FitLatencyLaw fits the law to latencies in seconds at loads per second, by
// least squares on 1/L = 1/b − (s/b)·Λ. Both are NaN where the measurements do
// not tell: under two different loads, or latencies that do not grow.
func FitLatencyLaw(loads, latencies []float64) LatencyLaw {
	if len(loads) != len(latencies) {
		panic("queueing: loads and latencies of unequal length")
	}
	var n, sx, sy, sxx, sxy float64
	for i, x := range loads {
		y := 1 / latencies[i]
		if math.IsNaN(x) || math.IsNaN(y) || math.IsInf(y, 0) {
			continue
		}
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	slope := (n*sxy - sx*sy) / (n*sxx - sx*sx)
	level := (sy - slope*sx) / n
	if !(slope < 0 && level > 0) {
		return LatencyLaw{Base: math.NaN(), PerLoad: math.NaN()}
	}
	return LatencyLaw{Base: 1 / level, PerLoad: -slope / level}
}

// Thresholds returns where callers with a timeout (seconds) and so many tries
// and budget tip a server of this law over, and where it recovers:
//
//	λ_up = Λ* with L(Λ*) = T    λ_dn = Λ*/min(R, 1 + b)
//
// Between the two the server is well until something tips it, and then stays
// down. The law has no queue that is left behind, so each attempt fails or none.
// Source: N. Bronson et al., "Metastable Failures in Distributed Systems",
// HotOS (2021), §2, for the states; the closed form is by hand from the law.
func (l LatencyLaw) Thresholds(timeout float64, tries int, budget float64) Thresholds {
	up := l.Load(timeout)
	return Thresholds{Up: up, Down: up / Amplification(1, tries, budget), Capacity: 1 / l.PerLoad}
}

// Thresholds are the rates of first attempts, per second, at which a service
// whose callers retry changes its state. Retries are not counted in them.
type Thresholds struct {
	Up       float64 // at and above it, the service tips over by itself
	Down     float64 // at and below it, the service recovers by itself; ≤ Up
	Capacity float64 // most attempts that the servers complete
}

// A State says what becomes of a service at a rate of first attempts.
type State uint8

// The states.
const (
	Stable     State = iota + 1 // a spike passes
	Vulnerable                  // well, but a spike would bring it down to stay
	Overloaded                  // goes down by itself
)

// String returns the state in small letters.
func (s State) String() string {
	switch s {
	case Stable:
		return "stable"
	case Vulnerable:
		return "vulnerable"
	case Overloaded:
		return "overloaded"
	default:
		return "unknown"
	}
}

// State returns the state at a rate of first attempts per second, ≥ 0.
func (t Thresholds) State(rate float64) State {
	switch {
	case rate >= t.Up:
		return Overloaded
	case rate > t.Down:
		return Vulnerable
	default:
		return Stable
	}
}

// Margin returns how much the rate may grow before the service is vulnerable,
// as a share of the rate: (λ_dn − λ)/λ. It is negative where it is already.
func (t Thresholds) Margin(rate float64) float64 { return (t.Down - rate) / rate }

// Shed returns the share of the first attempts, 0..1, that has to be kept away
// for a service that is down to recover: 1 − λ_dn/λ.
func (t Thresholds) Shed(rate float64) float64 {
	if rate <= t.Down {
		return 0
	}
	return 1 - t.Down/rate
}

// MaxTries returns the most tries, the first one counted, with which a service
// at this rate recovers by itself: ⌊λ_up/λ⌋. It is 0 where not even one does.
func (t Thresholds) MaxTries(rate float64) int {
	return int(math.Min(math.MaxInt32, math.Floor(t.Up/rate)))
}

// LoopGain returns the gain of the loop "more load, more failures, more
// retries, more load" from two moments near each other:
//
//	g = (dA/df)·(f/A) · (df/dΛ)·(Λ/f) = Δln A/Δln Λ
//
//	amplification  A at both moments, ≥ 1
//	attempts       Λ at both moments, per second, > 0
//
// Above 1 each retry calls for more than one more: a runaway. It is NaN where
// the load is the same. Taken from measured series it is as noisy as their
// ratio; five minutes apart is a good distance.
func LoopGain(amplification, attempts [2]float64) float64 {
	return math.Log(amplification[1]/amplification[0]) / math.Log(attempts[1]/attempts[0])
}
