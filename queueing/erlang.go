package queueing

import "math"

// ErlangB returns the probability that an arriving request is lost in an
// M/G/c/c system, which has servers and no place to wait.
//
//	load     a = λ·s, in Erlangs, ≥ 0
//	servers  c, ≥ 0
//
// The result is in [0, 1], and NaN for arguments out of range. It takes O(c):
//
//	B(0) = 1    B(k) = a·B(k−1) / (k + a·B(k−1))
//
// Source: L. Kleinrock, Queueing Systems, vol. 1 (1975), §3.6; the recurrence
// is in V. B. Iversen, Teletraffic Engineering Handbook (ITU-D, 2005), §7.3.
func ErlangB(load float64, servers int) float64 {
	if !(load >= 0) || math.IsInf(load, 1) || servers < 0 {
		return math.NaN()
	}
	b := 1.0
	for k := 1; k <= servers; k++ {
		b = load * b / (float64(k) + load*b)
	}
	return b
}

// ErlangC returns the probability that an arriving request has to wait in an
// M/M/c queue.
//
//	load     a = λ·s, in Erlangs, ≥ 0
//	servers  c, ≥ 1
//
// The result is in [0, 1]. It is 1 for load ≥ servers, where the queue grows
// without bound, and NaN for arguments out of range. It takes O(c):
//
//	ρ = a/c    C = B(c) / (1 − ρ·(1 − B(c)))
//
// Source: L. Kleinrock, Queueing Systems, vol. 1 (1975), §3.5 and §3.6.
func ErlangC(load float64, servers int) float64 {
	if servers < 1 || !(load >= 0) {
		return math.NaN()
	}
	rho := load / float64(servers)
	if rho >= 1 {
		return 1
	}
	b := ErlangB(load, servers)
	return b / (1 - rho*(1-b))
}

// Blocking returns the probability that an arriving request finds an M/M/c/K
// system full.
//
//	load     a = λ·s, in Erlangs, ≥ 0
//	servers  c, ≥ 1
//	queue    places to wait, ≥ 0, so that K = c + queue
//
// The result is in [0, 1], and NaN for arguments out of range. It goes on from
// Erlang B by the same recurrence, with all servers busy:
//
//	B(c+j) = ρ·B(c+j−1) / (1 + ρ·B(c+j−1)),  ρ = a/c
//
// Source: D. Gross, C. Harris, Fundamentals of Queueing Theory, 3rd ed.
// (1998), §2.4 (p_K of M/M/c/K); the recurrence follows from p_n/p_(n−1) = ρ.
func Blocking(load float64, servers, queue int) float64 {
	if servers < 1 || queue < 0 {
		return math.NaN()
	}
	b := ErlangB(load, servers)
	rho := load / float64(servers)
	for range queue {
		b = rho * b / (1 + rho*b)
	}
	return b
}
