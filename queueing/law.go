package queueing

import "math"

// A QueueLaw says how a wait, its mean or any quantile of it, grows with the
// load of a station of several servers:
//
//	L(Λ) = b + w·ρ^(√(2(c+1))−1)/(1 − ρ),  ρ = Λ/C
//
// It is Sakasegawa's approximation with free coefficients; with one server and
// w = b it is the [LatencyLaw].
type QueueLaw struct {
	Base     float64 // b, seconds without load, ≥ 0
	Wait     float64 // w, seconds, > 0
	Servers  float64 // c that fits best, 1 to 32
	Capacity float64 // C, attempts per second, > 0
	// Low and High bound the capacities that fit about as well.
	Low, High float64
}

// At returns the latency in seconds at a load in attempts per second; +Inf at
// and above capacity.
func (l QueueLaw) At(load float64) float64 {
	rho := load / l.Capacity
	if rho >= 1 {
		return math.Inf(1)
	}
	return l.Base + l.Wait*bend(rho, l.Servers)
}

// Load returns the attempts per second at which the latency is this many
// seconds, by bisection; 0 where even an idle server takes longer.
func (l QueueLaw) Load(latency float64) float64 {
	if latency <= l.Base {
		return 0
	}
	low, high := 0.0, l.Capacity
	for range 60 {
		if mid := (low + high) / 2; l.At(mid) < latency {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// bend is how a wait grows with utilisation.
func bend(rho, servers float64) float64 {
	return math.Pow(rho, math.Sqrt(2*(servers+1))-1) / (1 - rho)
}

// The grid that capacities are looked for on: the utilisation at the largest
// load that was measured.
const (
	leastRho, mostRho = 0.10, 0.995
	rhos              = 90
)

// FitQueueLaw fits the law to latencies in seconds at loads per second, each
// of so many observations, by least squares of relative errors: b and w in
// closed form for every capacity and number of servers on a grid. Low and High
// are the capacities whose squares come to at most 1 + 4/(n − 4) times the
// least. All are NaN where the measurements do not tell: under five points, a
// largest load under 1.2 times the least, or latencies that do not grow. It
// takes O(540·n).
func FitQueueLaw(loads, latencies, weights []float64) QueueLaw {
	if len(loads) != len(latencies) || len(loads) != len(weights) {
		panic("queueing: loads, latencies and weights of unequal length")
	}
	nan := math.NaN()
	none := QueueLaw{Base: nan, Wait: nan, Servers: nan, Capacity: nan, Low: nan, High: nan}
	least, most, n, total := math.Inf(1), 0.0, 0.0, 0.0
	for i, x := range loads {
		if usable(x, latencies[i], weights[i]) {
			least, most, n, total = math.Min(least, x), math.Max(most, x), n+1, total+weights[i]
		}
	}
	if n < 5 || !(most >= 1.2*least) {
		return none
	}
	best, flat := none, math.Inf(1)
	squares := [rhos + 1]float64{} // the least of all numbers of servers
	for i := range squares {
		squares[i] = math.Inf(1)
	}
	sum := math.Inf(1)
	for c := 1.0; c <= 32; c *= 2 {
		for i := range squares {
			capacity := most / (leastRho + (mostRho-leastRho)*float64(i)/rhos)
			l := QueueLaw{Servers: c, Capacity: capacity}
			s, level := l.coefficients(loads, latencies, weights)
			flat = math.Min(flat, level)
			squares[i] = math.Min(squares[i], s)
			if s < sum {
				sum, best = s, l
			}
		}
	}
	// Growth has to explain more than a level does.
	if !(sum*(1+4/math.Max(1, n-4)) < flat && flat > 1e-9*total) {
		return none
	}
	best.Low, best.High = math.Inf(1), 0
	for i, s := range squares {
		if s <= sum*(1+4/math.Max(1, n-4)) {
			capacity := most / (leastRho + (mostRho-leastRho)*float64(i)/rhos)
			best.Low, best.High = math.Min(best.Low, capacity), math.Max(best.High, capacity)
		}
	}
	return best
}

func usable(load, latency, weight float64) bool {
	return load > 0 && latency > 0 && weight > 0 && !math.IsInf(load, 1) && !math.IsInf(latency, 1) && !math.IsInf(weight, 1)
}

// The ratio of w and b is that of a station, 1/c for the mean, but for the
// variability of its work and for quantiles, which are not scaled alike.
const leastWait, mostWait = 0.3, 3

// coefficients fills in b and w by weighted least squares of relative errors,
// with w/b between leastWait/c and mostWait/c, and returns the sum of squares
// with them and that of a level alone.
func (l *QueueLaw) coefficients(loads, latencies, weights []float64) (squares, level float64) {
	var n, sx, sxx, sy, sxy, total float64 // of 1/L, x/L and 1
	for i, load := range loads {
		if !usable(load, latencies[i], weights[i]) {
			continue
		}
		v, x, p := 1/latencies[i], bend(load/l.Capacity, l.Servers)/latencies[i], weights[i]
		n, sx, sxx = n+p*v*v, sx+p*v*x, sxx+p*x*x
		sy, sxy, total = sy+p*v, sxy+p*x, total+p
	}
	level = total - sy*sy/n
	ratio := (sxy*n - sy*sx) / (sy*sxx - sxy*sx)
	switch {
	case !(sy*sxx-sxy*sx > 0): // no base at all
		ratio = mostWait / l.Servers
	case !(ratio > leastWait/l.Servers):
		ratio = leastWait / l.Servers
	case ratio > mostWait/l.Servers:
		ratio = mostWait / l.Servers
	}
	// b alone, times 1 + ratio·x.
	up, down := sy+ratio*sxy, n+2*ratio*sx+ratio*ratio*sxx
	l.Base = up / down
	l.Wait = ratio * l.Base
	return total - up*up/down, level
}

// TipsFrom returns the thresholds of a service of which no more is known than
// its capacity in attempts per second, when its callers wait timeout seconds and
// make factor attempts in all when each fails; ≥ 1, not always whole where tries
// are bounded by time or budget. It takes the wait to be longer than the timeout
// with
//
//	f(Λ) = exp(−(C − Λ)·T)
//
// as in M/M/1, and of more servers a little less. λ_up is the most that
// Λ/A(f(Λ)) comes to below C, λ_dn = C/factor. With an infinite timeout λ_up is
// the capacity.
func TipsFrom(capacity, timeout, factor float64) Thresholds {
	if !(capacity > 0 && timeout > 0 && factor >= 1) {
		nan := math.NaN()
		return Thresholds{Up: nan, Down: nan, Capacity: nan}
	}
	t := Thresholds{Up: capacity / factor, Down: capacity / factor, Capacity: capacity}
	if math.IsInf(timeout, 1) {
		t.Up = capacity
		return t
	}
	const steps = 200
	for i := range steps {
		x := capacity * (1 - math.Pow(float64(i)/steps, 2)) // finer near the capacity
		f := math.Exp((x - capacity) * timeout)
		a := factor
		if f < 1 {
			a = (1 - math.Pow(f, factor)) / (1 - f)
		}
		t.Up = math.Max(t.Up, x/a)
	}
	return t
}
