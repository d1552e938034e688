package queueing

import "math"

// A Retried is a station with a bounded queue whose callers give up after a
// timeout and try again. The server does not learn that a caller has given up,
// and does the work all the same.
type Retried struct {
	Service float64 // mean service time s in seconds, > 0
	Servers int     // c ≥ 1
	Queue   float64 // places to wait, ≥ 0; +Inf for no limit
	Timeout float64 // T of one attempt, in seconds, > 0; +Inf for none
	Tries   int     // R ≥ 1, the first one counted
	Budget  float64 // retries allowed per request, ≥ 0; +Inf for no budget
}

func (r Retried) valid() bool {
	return r.Service > 0 && r.Servers >= 1 && r.Queue >= 0 && r.Timeout > 0 && r.Tries >= 1 && r.Budget >= 0
}

// Stale says whether a full queue holds more work than a caller waits for:
// Q·s/c + s > T. Then all that is served has been given up on, and goodput falls
// to nothing. Source: Bronson et al. (2021), §2.2; the rule is FIFO's.
func (r Retried) Stale() bool {
	return r.Queue*r.Service/float64(r.Servers)+r.Service > r.Timeout
}

// AttemptFails returns the probability, 0..1, that an attempt is refused or
// times out when so many attempts per second arrive, as Poisson arrivals:
//
//	f = p_K + (1 − p_K)·P(W > T − s)
//
// with the states p_n of M/M/c/K and the wait of one that finds n there as an
// Erlang time of n−c+1 stages of c/s. The own service time is taken at its mean.
// A queue of more than 20,000 places counts as one of 20,000. It is NaN for
// arguments out of range.
func (r Retried) AttemptFails(attempts float64) float64 {
	if !r.valid() || !(attempts >= 0) {
		return math.NaN()
	}
	return r.failing(attempts, r.stages())
}

// longest is the longest queue that is looked at place by place.
const longest = 20000

// stages returns P(Erlang of k+1 stages > T − s) for each length k of the
// queue that an attempt may find.
func (r Retried) stages() []float64 {
	patience := r.Timeout - r.Service
	tail := make([]float64, int(math.Min(r.Queue, longest)))
	if patience <= 0 {
		for k := range tail {
			tail[k] = 1
		}
		return tail
	}
	// The sum of Poisson terms, each by its logarithm: the first ones underflow
	// where the mean is large.
	mean := patience * float64(r.Servers) / r.Service
	if math.IsInf(mean, 1) {
		return tail
	}
	sum, term := 0.0, -mean
	for k := range tail {
		if k > 0 {
			term += math.Log(mean / float64(k))
		}
		sum += math.Exp(term)
		tail[k] = math.Min(1, sum)
	}
	return tail
}

// failing is AttemptFails with the tails at hand.
func (r Retried) failing(attempts float64, tail []float64) float64 {
	rho := attempts * r.Service / float64(r.Servers)
	if r.Service > r.Timeout || math.IsInf(r.Queue, 1) && rho >= 1 {
		return 1
	}
	// States from "all busy, none waiting" on, against what lies below. They
	// are scaled as they grow, so that none overflows.
	b := ErlangB(attempts*r.Service, r.Servers)
	below, state, late, total := (1-b)/b, 1.0, 0.0, 1.0
	if b == 0 {
		return 0
	}
	for _, p := range tail {
		late += state * p // finds this state, and waits one stage more than there are before it
		if state *= rho; state > 1e200 {
			below, late, total, state = below/1e200, late/1e200, total/1e200, state/1e200
		}
		total += state
	}
	if len(tail) == longest && rho < 1 {
		state = 0 // beyond what is looked at there is more room
	}
	return math.Min(1, (late+state)/(below+total))
}

// Sustained returns the rate of first attempts per second at which so many
// attempts per second keep themselves up: λ = Λ/A(f(Λ)). As a function of Λ it
// rises, may fall, and rises again; where it falls the service is unstable.
func (r Retried) Sustained(attempts float64) float64 {
	return attempts / Amplification(r.AttemptFails(attempts), r.Tries, r.Budget)
}

// Thresholds returns where the service tips over and where it recovers: the
// local maximum and the lowest point after it of λ(Λ) = Λ/A(f(Λ)), which is a
// saddle-node pair of the fixed point Λ = λ·A(f(Λ)).
//
// Where the curve has no fold (no retries, or a queue so short that it never
// holds stale work) both are the capacity, above which some attempts must fail.
// For a long queue and a timeout of many service times they come to
//
//	λ_up → c/s    λ_dn → c/s / min(R, 1 + b)
//
// Attempts are taken as Poisson at each moment; a real service may tip below
// λ_up when it is watched for very long (see [HittingTime]). It takes
// O(steps·(c + Q)), about 10 ms for a queue of 1,000.
func (r Retried) Thresholds() Thresholds {
	nan := math.NaN()
	if !r.valid() {
		return Thresholds{Up: nan, Down: nan, Capacity: nan}
	}
	capacity := float64(r.Servers) / r.Service
	t := Thresholds{Up: capacity, Down: capacity, Capacity: capacity}
	if r.Service >= r.Timeout {
		t.Up, t.Down = 0, 0
		return t
	}
	const steps = 400
	tail := r.stages()
	top := capacity * 1.25 // beyond it the server is full, and the curve rises
	peak, low, last := 0.0, 0.0, 0.0
	folded := false
	for i := 1; i <= steps; i++ {
		x := top * float64(i) / steps
		rate := x / Amplification(r.failing(x, tail), r.Tries, r.Budget)
		switch {
		case !folded && rate < last*(1-1e-9):
			folded, peak, low = true, last, rate
		case folded:
			low = math.Min(low, rate)
		}
		if !folded && rate > peak {
			peak = rate
		}
		last = rate
	}
	if folded {
		t.Up, t.Down = peak, low
	}
	return t
}

// HittingTime returns the mean time, in seconds, until a birth–death chain
// that is in state 0 is in state len(birth) for the first time: how long a
// service that can tip stays well.
//
//	birth[n]  rate of going from n to n+1, per second, > 0
//	death[n]  rate of going from n to n−1, per second; death[0] is not used
//
// With τ(n) the time from n to n+1,
//
//	τ(0) = 1/birth(0)    τ(n) = (1 + death(n)·τ(n−1)) / birth(n)
//
// and the result is their sum; it may be +Inf where it is too long to be
// written. Source: S. Karlin and H. Taylor, A First Course in Stochastic
// Processes, 2nd ed. (1975), §4.7.
func HittingTime(birth, death []float64) float64 {
	if len(birth) != len(death) {
		panic("queueing: births and deaths of unequal length")
	}
	sum, step := 0.0, 0.0
	for n := range birth {
		if n == 0 {
			step = 1 / birth[0]
		} else {
			step = (1 + death[n]*step) / birth[n]
		}
		sum += step
	}
	return sum
}

// TipsIn returns the mean time, in seconds, until a service at this rate of
// first attempts per second has, from idle and by chance alone, a queue whose
// work takes longer than the timeout. Until then few attempts are repeated, so
// arrivals are taken at λ. It is +Inf for queues that never hold so much.
func (r Retried) TipsIn(rate float64) float64 {
	full := math.Ceil((r.Timeout-r.Service)*float64(r.Servers)/r.Service) + float64(r.Servers)
	if !r.valid() || !(rate > 0) {
		return math.NaN()
	}
	if full > r.Queue+float64(r.Servers) || full > 1e6 {
		return math.Inf(1)
	}
	birth, death := make([]float64, max(1, int(full))), make([]float64, max(1, int(full)))
	for n := range birth {
		birth[n], death[n] = rate, float64(min(n, r.Servers))/r.Service
	}
	return HittingTime(birth, death)
}
