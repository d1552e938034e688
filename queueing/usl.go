package queueing

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/optimize"
)

// A USL is Gunther's Universal Scalability Law of a system's throughput X with
// N processors, threads or users:
//
//	X(N) = λ·N / (1 + σ·(N−1) + κ·N·(N−1))
//
// Source: N. Gunther, Guerrilla Capacity Planning (2007), §4.4.
type USL struct {
	Rate       float64 // λ, throughput of one, per second, > 0
	Contention float64 // σ, share of the work that is serial, 0 ≤ σ < 1
	Coherency  float64 // κ, cost of keeping each pair in agreement, ≥ 0
}

// Throughput returns X(N), for n ≥ 0.
func (u USL) Throughput(n float64) float64 {
	return u.Rate * n / (1 + u.Contention*(n-1) + u.Coherency*n*(n-1))
}

// Latency returns the mean time in the system with n in it, in seconds, by
// Little's law: N/X(N).
func (u USL) Latency(n float64) float64 {
	return (1 + u.Contention*(n-1) + u.Coherency*n*(n-1)) / u.Rate
}

// Peak returns the size of most throughput, N* = √((1−σ)/κ): +Inf without
// coherency cost.
func (u USL) Peak() float64 {
	if u.Coherency == 0 {
		return math.Inf(1)
	}
	return math.Sqrt((1 - u.Contention) / u.Coherency)
}

// An Interval is a value with the 10 and 90 % points of where it may lie.
type Interval struct{ Low, Mid, High float64 }

// A USLFit is a law fitted to measurements.
type USLFit struct {
	USL
	// The intervals are of the bootstrap. Peak has +Inf where the law shows no
	// peak.
	RateIn, ContentionIn, CoherencyIn, PeakIn Interval
	Residual                                  float64 // root mean square of X − X(N), per second
}

// boots is how many times FitUSL fits anew.
const boots = 200

// FitUSL fits the law to throughputs x at sizes n by least squares, with σ in
// [0, 1) and κ ≥ 0, and gives intervals by bootstrap of the residuals, drawn
// from the seed. It wants at least 4 points of at least 3 different sizes.
//
// The constraints hold by substitution (σ = sin²a, κ = (bσ)², λ = e^l), so that a
// simplex search can go anywhere: with a linear fit of the transformed data, as
// Gunther teaches it, noise at small N moves the answer, and κ may be negative.
// TestFitUSLCoverage counts how often the 80 % interval of σ has the truth in it
// for ten sizes: about as often as that. It takes about 0.1 s.
func FitUSL(n, x []float64, seed uint64) (USLFit, error) {
	if len(n) != len(x) {
		panic("queueing: sizes and throughputs of unequal length")
	}
	sizes := slices.Clone(n)
	slices.Sort(sizes)
	sizes = slices.Compact(sizes)
	if len(n) < 4 || len(sizes) < 3 {
		return USLFit{}, fmt.Errorf("usl: %d measurements at %d sizes; want at least 4 at 3 different sizes", len(n), len(sizes))
	}
	for i := range n {
		if !(n[i] >= 1) || !(x[i] > 0) || math.IsInf(n[i], 1) || math.IsInf(x[i], 1) {
			return USLFit{}, fmt.Errorf("usl: measurement %d is %v at size %v; want a throughput > 0 at a size ≥ 1", i, x[i], n[i])
		}
	}
	u, err := leastUSL(n, x, USL{Rate: x[0] / n[0], Contention: 0.05, Coherency: 1e-4}, 3)
	if err != nil {
		return USLFit{}, err
	}
	var rates, sigmas, kappas, peaks []float64
	rng := rand.New(rand.NewPCG(seed, uint64(len(n))))
	left, square := make([]float64, len(n)), 0.0
	for i := range n {
		left[i] = x[i] - u.Throughput(n[i])
		square += left[i] * left[i]
	}
	inflate := math.Sqrt(float64(len(n)) / float64(len(n)-3)) // three coefficients were fitted
	again := make([]float64, len(n))
	for range boots {
		for i := range n {
			again[i] = math.Max(1e-9*x[i], u.Throughput(n[i])+inflate*left[rng.IntN(len(n))])
		}
		if b, err := leastUSL(n, again, u, 1); err == nil {
			rates, sigmas = append(rates, b.Rate), append(sigmas, b.Contention)
			kappas, peaks = append(kappas, b.Coherency), append(peaks, b.Peak())
		}
	}
	return USLFit{
		USL: u, RateIn: interval(rates, u.Rate), ContentionIn: interval(sigmas, u.Contention),
		CoherencyIn: interval(kappas, u.Coherency), PeakIn: interval(peaks, u.Peak()),
		Residual: math.Sqrt(square / float64(len(n))),
	}, nil
}

// leastUSL minimises the sum of squares from a first guess, in so many
// searches: a simplex that is started anew where it stopped finds what it
// passed by.
func leastUSL(n, x []float64, first USL, searches int) (USL, error) {
	const unit = 0.01 // brings √κ to the size of the other coordinates
	at := func(p []float64) USL {
		s := math.Sin(p[1])
		return USL{Rate: math.Exp(p[0]), Contention: math.Min(s*s, 1-1e-12), Coherency: unit * unit * p[2] * p[2]}
	}
	var scale float64
	for _, v := range x {
		scale += v * v
	}
	problem := optimize.Problem{Func: func(p []float64) float64 {
		u, sum := at(p), 0.0
		for i := range n {
			d := x[i] - u.Throughput(n[i])
			sum += d * d
		}
		return sum / scale
	}}
	start := []float64{math.Log(first.Rate), math.Asin(math.Sqrt(first.Contention)), math.Sqrt(first.Coherency) / unit}
	var best *optimize.Result
	for range searches {
		r, err := optimize.Minimize(problem, start, &optimize.Settings{
			MajorIterations: 2000,
			Converger:       &optimize.FunctionConverge{Absolute: 1e-10, Iterations: 30},
		}, &optimize.NelderMead{})
		if err != nil && r == nil {
			return USL{}, fmt.Errorf("usl: %w", err)
		}
		best, start = r, r.X
	}
	if math.IsNaN(best.F) {
		return USL{}, errors.New("usl: the search found no fit; are the measurements of one system?")
	}
	return at(best.X), nil
}

// interval returns the 10 and 90 % points of values around what was fitted.
func interval(values []float64, mid float64) Interval {
	if len(values) == 0 {
		return Interval{Low: math.NaN(), Mid: mid, High: math.NaN()}
	}
	slices.Sort(values)
	return Interval{Low: values[len(values)/10], Mid: mid, High: values[len(values)*9/10]}
}
