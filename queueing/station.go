package queueing

import "math"

// A Station is servers with one queue before them, served in the order of
// arrival, as measured or as planned.
type Station struct {
	Arrivals float64 // requests per second, λ ≥ 0
	Service  float64 // mean service time s in seconds, > 0
	Servers  int     // c ≥ 1
	// ArrivalSCV and ServiceSCV are the squared coefficients of variation of
	// the times between arrivals and of the service times, ≥ 0: 0 for a clock,
	// 1 for Poisson arrivals and exponential service.
	ArrivalSCV, ServiceSCV float64
}

// Markov returns the station of an M/M/c queue: Poisson arrivals and
// exponential service times.
func Markov(arrivals, service float64, servers int) Station {
	return Station{Arrivals: arrivals, Service: service, Servers: servers, ArrivalSCV: 1, ServiceSCV: 1}
}

func (s Station) valid() bool {
	return s.Arrivals >= 0 && s.Service > 0 && s.Servers >= 1 && s.ArrivalSCV >= 0 && s.ServiceSCV >= 0
}

// Load returns the offered load a = λ·s in Erlangs: how many servers are busy
// on average, as long as they suffice. Source: the utilisation law, P. Denning
// and J. Buzen, "The Operational Analysis of Queueing Network Models", ACM
// Computing Surveys 10(3) (1978), §4.
func (s Station) Load() float64 { return s.Arrivals * s.Service }

// Utilisation returns ρ = λ·s/c, ≥ 0. At 1 and above the queue grows without
// bound.
func (s Station) Utilisation() float64 { return s.Load() / float64(s.Servers) }

// Capacity returns μ = c/s, the requests per second above which the queue
// grows without bound.
func (s Station) Capacity() float64 { return float64(s.Servers) / s.Service }

// Wait returns the mean time in the queue, in seconds, by the formula of Allen
// and Cunneen:
//
//	W = C(c, a) / (c/s − λ) · (ca² + cs²)/2
//
// It is exact for M/M/c and M/G/1, and Kingman's bound for one server. It is
// +Inf for ρ ≥ 1 and NaN for a station out of range. Source: A. Allen,
// Probability, Statistics, and Queueing Theory, 2nd ed. (1990), §5.3; for one
// server J. Kingman, "The single server queue in heavy traffic" (1961).
func (s Station) Wait() float64 {
	switch {
	case !s.valid():
		return math.NaN()
	case s.Utilisation() >= 1:
		return math.Inf(1)
	}
	return ErlangC(s.Load(), s.Servers) * s.delay()
}

// delay is the mean wait of those that wait, for ρ < 1.
func (s Station) delay() float64 {
	return (s.ArrivalSCV + s.ServiceSCV) / 2 / (s.Capacity() - s.Arrivals)
}

// Response returns the mean time in the station, waiting and being served, in
// seconds: W + s. It is +Inf for ρ ≥ 1.
func (s Station) Response() float64 { return s.Wait() + s.Service }

// Waiting returns the mean number of requests in the queue, by Little's law
// λ·W.
func (s Station) Waiting() float64 {
	if s.Arrivals == 0 && s.valid() {
		return 0
	}
	return Little(s.Arrivals, s.Wait())
}

// WaitTail returns the probability, 0..1, that a request waits longer than t
// seconds, t ≥ 0:
//
//	P(W > t) = C · exp(−t·C/W)
//
// It is exact for M/M/c, and for others has the right mean and the shape that
// heavy traffic has. It is 1 for ρ ≥ 1. Source: L. Kleinrock, Queueing
// Systems, vol. 1 (1975), §3.5, and vol. 2 (1976), §2.1.
func (s Station) WaitTail(t float64) float64 {
	switch {
	case !s.valid() || !(t >= 0):
		return math.NaN()
	case s.Utilisation() >= 1:
		return 1
	}
	c, d := ErlangC(s.Load(), s.Servers), s.delay()
	if d == 0 {
		return 0 // clockwork: nobody waits below capacity
	}
	return c * math.Exp(-t/d)
}

// WaitQuantile returns the wait that a share p of the requests, 0 ≤ p < 1,
// does not exceed, in seconds: 0 where so many need not wait at all, +Inf for
// ρ ≥ 1. It inverts [Station.WaitTail].
func (s Station) WaitQuantile(p float64) float64 {
	switch {
	case !s.valid() || !(p >= 0 && p < 1):
		return math.NaN()
	case s.Utilisation() >= 1:
		return math.Inf(1)
	}
	return math.Max(0, s.delay()*math.Log(ErlangC(s.Load(), s.Servers)/(1-p)))
}

// LargestArrivals returns the most requests per second, 0 ≤ λ < c/s, whose
// mean wait is at most this many seconds; the station's own rate is not used.
// It bisects [Station.Wait], which grows with λ. NaN for a station or a wait
// out of range.
func (s Station) LargestArrivals(wait float64) float64 {
	s.Arrivals = 0
	if !s.valid() || !(wait >= 0) {
		return math.NaN()
	}
	low, high := 0.0, s.Capacity()
	for range 60 {
		s.Arrivals = (low + high) / 2
		if s.Wait() <= wait {
			low = s.Arrivals
		} else {
			high = s.Arrivals
		}
	}
	return low
}

// Little returns how many are in a system, on average: arrivals per second ×
// the mean seconds that each stays. It holds for every system in which what
// arrives leaves. Source: J. Little, "A Proof for the Queuing Formula L = λW",
// Operations Research 9(3) (1961).
func Little(arrivals, stay float64) float64 { return arrivals * stay }

// Demand returns the seconds of a resource that one request needs, by the
// utilisation law U = X·D: busy servers, in Erlangs, over requests per second.
// It is NaN where nothing is served. Source: Denning and Buzen (1978), §4.
func Demand(busy, throughput float64) float64 {
	if !(throughput > 0) {
		return math.NaN()
	}
	return busy / throughput
}
