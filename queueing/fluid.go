package queueing

import "math"

// A FluidQueue is the queue of a station as a fluid: a mean that moves with
// time, where a simulation would have requests. The zero value is empty.
//
// It follows the pointwise stationary fluid flow approximation,
//
//	dq/dt = Λ − (c/s)·ρ(q),  where ρ(q) is the utilisation with mean queue q
//
// with the queue of a G/G/c station by Sakasegawa's approximation,
//
//	q(ρ) = ρ^√(2(c+1)) / (1 − ρ) · (ca² + cs²)/2
//
// so that it is right at rest and in overload, and between the two about right.
// Sources: W. Wang, D. Tipper, S. Banerjee, "A simple approximation for
// modeling nonstationary queues", INFOCOM (1996); H. Sakasegawa, "An
// approximation formula L_q ≈ α·ρ^β/(1−ρ)", Ann. Inst. Stat. Math. 29 (1977).
type FluidQueue struct {
	Queue float64 // requests that wait, ≥ 0
}

// A Flow is what a fluid queue did in one step of time.
type Flow struct {
	Served  float64 // per second
	Refused float64 // per second, for want of a place in the queue
	Busy    float64 // utilisation of the servers, 0..1
	// Backlog is the wait, in seconds, that every request has: the queue beyond
	// what there would be at rest. Those that wait at rest wait Delay more on
	// average, with an exponential tail; they are the share Waits.
	Backlog, Delay, Waits float64
}

// steady is the utilisation above which a queue at rest is not taken to be at
// rest: it would take longer to form than anything lasts.
const steady = 0.98

// Step moves the queue on by dt seconds, > 0, with the station's present
// arrivals. limit is the places to wait, ≥ 0; +Inf for no limit. The step is
// implicit and so stable for every dt.
func (q *FluidQueue) Step(s Station, limit, dt float64) Flow {
	capacity := s.Capacity()
	spread := (s.ArrivalSCV + s.ServiceSCV) / 2
	power := math.Sqrt(2 * float64(s.Servers+1))
	at := func(rho float64) float64 { return spread * math.Pow(rho, power) / (1 - rho) }
	have := q.Queue + dt*s.Arrivals
	// Newton's method between brackets, as the left side has a pole at 1.
	low, high, rho := 0.0, 1.0, math.Min(s.Utilisation(), 0.999)
	for range 40 {
		x := at(rho)
		over := x + dt*capacity*rho - have
		if over < 0 {
			low = rho
		} else {
			high = rho
		}
		next := rho - over/(x*(power/math.Max(rho, 1e-9)+1/(1-rho))+dt*capacity)
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		if moved := math.Abs(next - rho); moved < 1e-10 {
			break
		}
		rho = next
	}
	f := Flow{Busy: rho, Served: rho * capacity}
	q.Queue = math.Max(0, have-dt*f.Served)
	if q.Queue > limit {
		f.Refused = (q.Queue - limit) / dt
		q.Queue = limit
	}
	rest := math.Min(s.Utilisation(), steady)
	usual := math.Min(at(rest), q.Queue)
	f.Backlog = (q.Queue - usual) / capacity
	if rest > 0 {
		f.Waits = math.Min(1, math.Pow(rest, power-1))
		f.Delay = spread / (capacity * (1 - rest))
	}
	return f
}

// Late returns the probability, 0..1, that a request that arrives now waits
// longer than so many seconds; 1 for less than none.
func (f Flow) Late(wait float64) float64 {
	over := wait - f.Backlog
	switch {
	case wait < 0 || over < 0:
		return 1
	case f.Delay == 0:
		return 0
	}
	return f.Waits * math.Exp(-over/f.Delay)
}

// Wait returns the mean wait of a request that arrives now, in seconds.
func (f Flow) Wait() float64 { return f.Backlog + f.Waits*f.Delay }

// A FluidRetrier is callers that try again, as a fluid. Make it with
// [NewFluidRetrier].
type FluidRetrier struct {
	tries   int
	budget  float64
	soon    int // steps until a refused attempt is repeated
	later   int // steps until one that timed out is
	pending [][]float64
	at      int
	most    int // the most tries that any request has made: beyond it nothing is pending
}

// NewFluidRetrier returns callers that give up on an attempt after timeout
// seconds (+Inf for never), pause for backoff seconds, and try again up to tries
// times in all and at most budget retries per request (+Inf for no budget). dt
// is the length of the steps in seconds.
func NewFluidRetrier(timeout, backoff float64, tries int, budget, dt float64) *FluidRetrier {
	steps := func(t float64) int { return max(1, int(math.Round(math.Min(t, 3600)/dt))) }
	r := &FluidRetrier{tries: tries, budget: budget, soon: steps(backoff), later: steps(backoff), pending: make([][]float64, tries)}
	if !math.IsInf(timeout, 1) {
		r.later = steps(timeout + backoff)
	}
	for i := range r.pending {
		r.pending[i] = make([]float64, max(r.soon, r.later)+1)
	}
	return r
}

// Prime sets the callers as they are after a long time in which so many first
// attempts per second were made and every attempt timed out.
func (r *FluidRetrier) Prime(first float64) {
	r.most = r.tries - 1
	for k := 1; k < r.tries; k++ {
		for i := range r.pending[k] {
			if i != (r.at+len(r.pending[k])-1)%len(r.pending[k]) {
				r.pending[k][i] = first
			}
		}
	}
}

// Attempts are what callers do in one step of time, per second.
type Attempts struct {
	Total   float64 // attempts, the first ones included
	GivenUp float64 // requests whose last attempt fails
}

// Arriving returns the attempts per second that arrive in this step besides
// the first ones.
func (r *FluidRetrier) Arriving(first float64) float64 {
	var again float64
	for k := 1; k <= r.most; k++ {
		again += r.pending[k][r.at]
	}
	return math.Min(again, r.budget*first)
}

// Step takes the requests per second that are made in this step, and the
// probabilities 0..1 that an attempt made now fails soon (refused or answered
// with an error) or by the timeout.
func (r *FluidRetrier) Step(first, soon, late float64) Attempts {
	var again float64
	for k := 1; k <= r.most; k++ {
		again += r.pending[k][r.at]
	}
	allowed := 1.0
	if again > r.budget*first {
		allowed = r.budget * first / again
	}
	a := Attempts{Total: first, GivenUp: (1 - allowed) * again}
	n := len(r.pending[0])
	late *= 1 - soon
	stream := first
	for k := range r.most + 1 {
		if k > 0 {
			stream = allowed * r.pending[k][r.at]
			r.pending[k][r.at] = 0
			a.Total += stream
		}
		if k == r.tries-1 {
			a.GivenUp += stream * (soon + late)
			continue
		}
		if failing := stream * (soon + late); failing > 1e-12 {
			r.most = max(r.most, k+1)
		} else if k+1 > r.most {
			continue
		}
		r.pending[k+1][(r.at+r.soon)%n] += stream * soon
		r.pending[k+1][(r.at+r.later)%n] += stream * late
	}
	r.at = (r.at + 1) % n
	return a
}

// Tips plays a retried station of exponential service as a fluid for a time,
// in seconds, at a rate of first attempts per second, and says whether it ends
// with more than half of its requests given up on. It starts empty, or with the
// queue full. It is the second witness of [Retried.Thresholds].
func (r Retried) Tips(rate, lasts float64, full bool) bool {
	dt := math.Min(r.Timeout/20, lasts/100)
	q := &FluidQueue{}
	callers := NewFluidRetrier(r.Timeout, 0, r.Tries, r.Budget, dt)
	if full {
		q.Queue = r.Queue
		if math.IsInf(r.Queue, 1) {
			q.Queue = 2 * r.Timeout * float64(r.Servers) / r.Service
		}
		callers.Prime(rate)
	}
	s := Markov(rate, r.Service, r.Servers)
	var refused, lost float64
	flow := Flow{Backlog: q.Queue * r.Service / float64(r.Servers)}
	for range int(lasts / dt) {
		s.Arrivals = rate + callers.Arriving(rate)
		flow = q.Step(s, r.Queue, dt)
		refused = math.Min(1, flow.Refused/s.Arrivals)
		a := callers.Step(rate, refused, flow.Late(r.Timeout-r.Service))
		lost = a.GivenUp / rate
	}
	return lost > 0.5
}
