package simulate

import (
	"math"
	"math/rand/v2"
)

// Marginal is the distribution of a signal's noise in one frame. All have mean
// 0 and standard deviation 1 before they are scaled.
type Marginal uint8

// The marginals.
const (
	Gaussian Marginal = iota + 1
	// Skewed is lognormal with σ = 0.6: skewness 2.3, as latencies have. Its
	// autocorrelation is a little under Rho.
	Skewed
	// HeavyTailed is Student's t with 3 degrees of freedom, whose fourth
	// moment is infinite. Its autocorrelation is 0.64·Rho.
	HeavyTailed
)

const logSD = 0.6 // σ of Skewed

// ar is an AR(1) process with standard normal values z, mapped to a marginal:
//
//	z(t) = ρ·z(t−1) + √(1−ρ²)·ε
//
// The first value is drawn from the stationary distribution.
type ar struct {
	rho      float64
	marginal Marginal
	z        float64
	begun    bool
}

func (a *ar) next(rng *rand.Rand) float64 {
	e := rng.NormFloat64()
	if a.begun {
		e = float64(a.rho*a.z) + math.Sqrt(1-a.rho*a.rho)*e
	}
	a.z, a.begun = e, true
	switch a.marginal {
	case Skewed:
		v := logSD * logSD
		return (math.Exp(logSD*a.z) - math.Exp(v/2)) / math.Sqrt((math.Exp(v)-1)*math.Exp(v))
	case HeavyTailed:
		var chi2 float64
		for range 3 {
			x := rng.NormFloat64()
			chi2 += float64(x * x)
		}
		return a.z / math.Sqrt(chi2/3) / math.Sqrt(3) // t3 has variance 3
	case Gaussian:
		return a.z
	default:
		return a.z
	}
}
