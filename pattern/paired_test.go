package pattern_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// both is 60 frames of a service before a release, and 60 of both versions in
// it, at a level of 100.
type both struct{ before, control, canary []float64 }

// play returns noise of standard deviation 5 for each of the three.
func play(rng *rand.Rand, noise func(*rand.Rand, int) []float64) both {
	b := both{before: noise(rng, began), control: noise(rng, began), canary: noise(rng, began)}
	for _, xs := range [][]float64{b.before, b.control, b.canary} {
		for i := range xs {
			xs[i] = 100 + 5*xs[i]
		}
	}
	return b
}

func (b both) compare(size pattern.Size) pattern.Comparison {
	c, ok := pattern.Compare(track(began, b.canary), track(began, b.control), track(0, b.before), signal.Up, size)
	if !ok {
		panic("nothing to compare")
	}
	return c
}

// blip raises frames of both versions.
func (b both) blip(at, frames int, by float64) {
	for i := at; i < at+frames; i++ {
		b.control[i] += by
		b.canary[i] += by
	}
}

// autoregressive returns noise of variance 1 whose neighbours are correlated,
// made of independent draws of variance 1.
func autoregressive(rho float64, draw func(*rand.Rand) float64) func(*rand.Rand, int) []float64 {
	return func(rng *rand.Rand, n int) []float64 {
		out, x := make([]float64, n), draw(rng)
		for i := range out {
			out[i] = x
			x = rho*x + math.Sqrt(1-rho*rho)*draw(rng)
		}
		return out
	}
}

func skewed(rng *rand.Rand) float64 {
	const sigma = 0.6
	mean, variance := math.Exp(sigma*sigma/2), (math.Exp(sigma*sigma)-1)*math.Exp(sigma*sigma)
	return (math.Exp(sigma*rng.NormFloat64()) - mean) / math.Sqrt(variance)
}

func heavy(rng *rand.Rand) float64 {
	chi := 0.0
	for range 3 {
		z := rng.NormFloat64()
		chi += z * z
	}
	return rng.NormFloat64() / math.Sqrt(chi/3) / math.Sqrt(3)
}

// TestPairedBlip: what both felt alike leaves no doubt that they are alike,
// where each by itself wavered too much to tell.
func TestPairedBlip(t *testing.T) {
	for seed := range 20 {
		b := play(seeded(seed), autoregressive(0, (*rand.Rand).NormFloat64))
		b.blip(25, 12, 200)
		c := b.compare(tenth)
		if alone := c.HarmProbability(); alone < 0.2 {
			t.Errorf("seed %d: by itself %.2f, want over 0.2: there is nothing to show here", seed, alone)
		}
		if p := c.PairedBeyond(c.Size); p > 0.05 {
			t.Errorf("seed %d: paired %.3f, want next to nothing", seed, p)
		}
	}
}

// TestPairedControlAlone: a moment in which the control alone suffered does
// not make the subject's difference uncertain.
func TestPairedControlAlone(t *testing.T) {
	for seed := range 20 {
		b := play(seeded(seed), autoregressive(0, (*rand.Rand).NormFloat64))
		b.blip(25, 5, 400)
		for i := 22; i < 25; i++ {
			b.control[i] += 400
		}
		c := b.compare(tenth)
		if p := c.PairedBeyond(c.Size); p > 0.2 {
			t.Errorf("seed %d: paired %.3f, want under 0.2", seed, p)
		}
	}
}

// TestPairedControlSuffers: that the control alone had a bad moment does not make up
// for a subject that is worse by twice what matters.
func TestPairedControlSuffers(t *testing.T) {
	for seed := range 20 {
		b := play(seeded(seed), autoregressive(0, (*rand.Rand).NormFloat64))
		for i := range b.canary {
			b.canary[i] += 20
		}
		for i := 22; i < 28; i++ {
			b.control[i] += 400
		}
		c := b.compare(pattern.Size{Absolute: 10})
		if p := c.PairedBeyond(10); p < 0.2 {
			t.Errorf("seed %d: paired %.3f, want over 0.2", seed, p)
		}
	}
}

// TestPairedShort: under 20 blocks side by side nothing is said.
func TestPairedShort(t *testing.T) {
	b := play(seeded(1), autoregressive(0, (*rand.Rand).NormFloat64))
	for _, frames := range []int{19, 20} {
		c := both{b.before, b.control[:frames], b.canary}.compare(tenth)
		if p := c.PairedBeyond(c.Size); (p < 1) != (frames == 20) {
			t.Errorf("%d frames: %.3f, want 1 under 20 frames alone", frames, p)
		}
	}
}

// TestPairedCalibrated: where the difference is just of consequence, less than
// 20 % is said in about a quarter of the cases at most, whatever the noise, with
// the smaller of the two probabilities. It is 9 to 15 % with this one alone.
func TestPairedCalibrated(t *testing.T) {
	const runs = 600
	for _, tt := range []struct {
		name  string
		noise func(*rand.Rand, int) []float64
		blip  float64
	}{
		{"independent", autoregressive(0, (*rand.Rand).NormFloat64), 0},
		{"ρ = 0.5", autoregressive(0.5, (*rand.Rand).NormFloat64), 0},
		{"ρ = 0.8", autoregressive(0.8, (*rand.Rand).NormFloat64), 0},
		{"skewed", autoregressive(0, skewed), 0},
		{"skewed, ρ = 0.5", autoregressive(0.5, skewed), 0},
		{"heavy-tailed", autoregressive(0, heavy), 0},
		{"independent, a blip", autoregressive(0, (*rand.Rand).NormFloat64), 400},
		{"ρ = 0.8, a blip", autoregressive(0.8, (*rand.Rand).NormFloat64), 400},
		{"heavy-tailed, a blip", autoregressive(0, heavy), 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const size = 10
			said, harmless := 0, 0
			for seed := range runs {
				b := play(seeded(seed), tt.noise)
				b.blip(25, 5, tt.blip)
				if c := b.compare(pattern.Size{Absolute: size}); c.PairedBeyond(size) < 0.2 {
					harmless++
				}
				for i := range b.canary {
					b.canary[i] += size
				}
				c := b.compare(pattern.Size{Absolute: size})
				if math.Min(c.HarmProbability(), c.PairedBeyond(size)) < 0.2 {
					said++
				}
			}
			if share := float64(said) / runs; share > 0.27 {
				t.Errorf("less than 0.2 is said of what matters in %.0f %%, want at most about a quarter", 100*share)
			}
			if share := float64(harmless) / runs; share < 0.8 {
				t.Errorf("less than 0.2 is said of what is alike in %.0f %%, want at least 80 %%", 100*share)
			}
		})
	}
}
