package trend

import "math"

// busySteps is how many utilisations a table has: 0 to 98 %.
const busySteps = 99

// medians are the logarithms of the median time in a station, in units of its
// mean service time, by servers (those of unmeasuredServers) and utilisation in
// percent.
type medians [len(unmeasuredServers)][busySteps]float64

// fill makes the table, which takes about a millisecond.
func (t *medians) fill() {
	for i, c := range unmeasuredServers {
		for k := range busySteps {
			t[i][k] = math.Log(medianStay(c, float64(k)/100))
		}
	}
}

// medianStay returns the median time in a station of c servers at utilisation
// ρ < 1, in units of its mean service time, with Poisson arrivals and
// exponential service: of those that come a share C waits, by Sakasegawa's
// approximation, and each of them an exponential time of rate c·(1 − ρ).
//
//	P(T > t) = (1−C)·e^−t + C·(θ·e^−t − e^−θt)/(θ − 1)    θ = c·(1−ρ)    C = ρ^(√(2(c+1))−1)
//
// It is ln 2 for ρ = 0. Sources: L. Kleinrock, Queueing Systems, vol. 1 (1975),
// §3.5; H. Sakasegawa (1977), as in [Response.fitStation].
func medianStay(c, rho float64) float64 {
	waits, theta := math.Pow(rho, math.Sqrt(2*(c+1))-1), c*(1-rho)
	if math.Abs(theta-1) < 1e-3 {
		theta = 1.001 // the limit of the fraction is (1+t)·e^−t; near it digits are lost
	}
	later := func(t float64) (p, falls float64) {
		own, both := math.Exp(-t), math.Exp(-theta*t)
		p = (1-waits)*own + waits*(theta*own-both)/(theta-1)
		return p - 0.5, (1-waits)*own + waits*theta*(own-both)/(theta-1)
	}
	low, high := math.Ln2, 2.0 // no median is less than that of service alone
	for p, _ := later(high); p > 0; p, _ = later(high) {
		low, high = high, 2*high
	}
	// Newton's method, between brackets: near 0 those that wait come slowly.
	t := low
	for range 40 {
		p, falls := later(t)
		if p > 0 {
			low = t
		} else {
			high = t
		}
		next := t + p/falls
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		if math.Abs(next-t) < 1e-12*t {
			break
		}
		t = next
	}
	return t
}

// at reads the table between its points; +Inf from 98 % on, where everything
// waits.
func (t *medians) at(servers int, rho float64) float64 {
	if !(rho < stationFull) {
		return math.Inf(1)
	}
	row := &t[servers]
	x := 100 * math.Max(0, rho)
	k := min(int(x), busySteps-2)
	return row[k] + (x-float64(k))*(row[k+1]-row[k])
}
