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
	// moment is infinite. Its autocorrelation is a little under Rho.
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
		return t3(a.z) / math.Sqrt(3) // t3 has variance 3
	case Gaussian:
		return a.z
	default:
		return a.z
	}
}

// t3 maps a standard normal value to the one of Student's t with 3 degrees of
// freedom that is exceeded as often. It solves
//
//	P(T > t) = (arctan(√3/t) − (t/√3)/(1 + t²/3)) / π = P(Z > |z|)
//
// by Newton's method on the logarithm of the tail, with density
// f(t) = 2/(π√3·(1 + t²/3)²). Source: closed form of the t distribution for
// odd degrees of freedom, Abramowitz and Stegun (1964), 26.7.3.
func t3(z float64) float64 {
	q := math.Erfc(math.Abs(z)/math.Sqrt2) / 2
	t := math.Abs(z)
	for range 50 {
		u := 1 + t*t/3
		tail := (math.Atan2(math.Sqrt(3), t) - t/math.Sqrt(3)/u) / math.Pi
		step := math.Log(tail/q) * tail / (2 / (math.Pi * math.Sqrt(3) * u * u))
		t += step
		if math.Abs(step) < 1e-9*(1+t) {
			break
		}
	}
	return math.Copysign(t, z)
}
