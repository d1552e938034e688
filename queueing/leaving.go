package queueing

import "math"

// Leaving returns the threshold under which a service recovers by itself when
// its callers wait timeout seconds, make factor attempts in all when each fails
// (≥ 1), and leave its queue when they give up, so that no work is kept for those who have gone. capacity
// is in attempts per second, and service is how long one attempt is at work, in
// seconds: an attempt fails that has to wait for longer than timeout − service.
//
// The work that lies before a new attempt, in seconds, is that of a queue in
// which nobody waits longer than T: with Λ attempts per second its density is
//
//	e^(−(C−Λ)x) up to T,   e^(ΛT−Cx) beyond,   and 1/Λ at nothing
//
// (all times the same), so that f(Λ) = P(x > T − s) is known above the capacity
// too. The service stays down where λ = Λ/A(f(Λ)) has a second solution; that
// ends at the least of it beyond its crest. Where there is none the recovery
// point is the crest itself. NaN for arguments out of range.
//
// Source: the queue with patience of D. Y. Barrer, Queuing with impatient
// customers and ordered service, Operations Research 5 (1957), in the form of
// F. Baccelli, P. Boyer, G. Hebuterne, Single-server queues with impatient
// customers, Adv. Appl. Prob. 16 (1984); that callers try again comes from
// [TipsFrom].
func Leaving(capacity, service, timeout, factor float64) float64 {
	if !(capacity > 0 && service >= 0 && timeout > 0 && factor >= 1) || math.IsInf(timeout, 1) {
		return math.NaN()
	}
	const steps = 600
	at := func(i int) float64 { // first attempts per second, at a grid of attempts
		x := 0.3 * capacity * math.Pow(4*factor/0.3, float64(i)/steps)
		f := waitsLonger(x, capacity, service, timeout)
		if f >= 1 {
			return x / factor
		}
		return x * (1 - f) / (1 - math.Pow(f, factor))
	}
	i, crest := 1, at(0)
	for ; i <= steps && at(i) >= crest; i++ {
		crest = at(i)
	}
	down := crest
	for ; i <= steps; i++ {
		down = math.Min(down, at(i))
	}
	return down
}

// waitsLonger returns the share of the attempts that fail, where who waits for
// longer than timeout leaves.
func waitsLonger(load, capacity, service, timeout float64) float64 {
	d := load - capacity
	if d*timeout < -500 {
		return 0
	}
	stretch := func(t float64) float64 { // ∫ e^(−d·x) over t, from the timeout down
		if math.Abs(d*t) < 1e-9 {
			return t
		}
		return (1 - math.Exp(-d*t)) / d
	}
	beyond := 1 / capacity
	all := stretch(timeout) + beyond + math.Exp(-d*timeout)/load
	return (stretch(math.Min(service, timeout)) + beyond) / all
}
