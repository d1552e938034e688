package trend

import (
	"math"
	"sync"
)

// busySteps is how many utilisations a table has: 0 to 98 %.
const busySteps = 99

// medians returns the logarithm of the median time in a station, in units of
// its mean service time, by servers (those of unmeasuredServers) and
// utilisation in percent.
var medians = sync.OnceValue(func() *[len(unmeasuredServers)][busySteps]float64 {
	var out [len(unmeasuredServers)][busySteps]float64
	for i, c := range unmeasuredServers {
		for k := range busySteps {
			out[i][k] = math.Log(medianStay(c, float64(k)/100))
		}
	}
	return &out
})

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
	later := func(t float64) float64 {
		return (1-waits)*math.Exp(-t) + waits*(theta*math.Exp(-t)-math.Exp(-theta*t))/(theta-1)
	}
	low, high := 0.0, 1.0
	for later(high) > 0.5 {
		high *= 2
	}
	for range 30 {
		if mid := (low + high) / 2; later(mid) > 0.5 {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// logMedian reads the table between its points; +Inf from 98 % on, where
// everything waits.
func logMedian(servers int, rho float64) float64 {
	if !(rho < stationFull) {
		return math.Inf(1)
	}
	t := &medians()[servers]
	x := 100 * math.Max(0, rho)
	k := min(int(x), busySteps-2)
	return t[k] + (x-float64(k))*(t[k+1]-t[k])
}
