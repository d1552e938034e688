package trend

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/queueing"
	"github.com/foreshock/foreshock/stats"
)

// scalingOf plays waits at weights, in steps of 20 frames, twice over so that
// time explains none of it, and asks where they meet a limit.
func scalingOf(weights, waits []float64, limit, noise float64, seed uint64) Failure {
	rng := rand.New(rand.NewPCG(seed, 21))
	since, e := stats.NewHistory(0), &Exposed{}
	for f := range 40 * len(weights) {
		k := f / 20 % len(weights)
		e.Add(f, weights[k])
		since.Add(f, waits[k]*math.Exp(noise*rng.NormFloat64()))
	}
	return FailsAt(Response{Since: since, Exposed: e, Limit: limit, Wait: true, Own: true})
}

// TestScalingWitness: the data sets of the usl package for R (CRAN, N. Gunther
// and S. Möding; whole in queueing's tests), as far as throughput rises, must
// give the most throughput that the package gives for the whole of them, or
// what follows from its coefficients. Of SPEC SDM91 with the first three sizes
// alone the law's own forecast is 21 points too late, and a queue's 65: what
// was measured at one script is far from what fits the rest.
func TestScalingWitness(t *testing.T) {
	specLoad, specRate := []float64{1, 18, 36, 72}, []float64{64.9, 996, 1652, 1853}
	tests := []struct {
		name         string
		inside, rate []float64
		fit          queueing.USL // of the whole set
		within       float64
	}{
		{"specsdm91", specLoad, specRate, queueing.USL{Rate: 89.995, Contention: 0.0277285, Coherency: 0.0001044}, 0.03},
		{"small", []float64{1, 2, 4}, []float64{1, 1.8868, 3.0769}, queueing.USL{Rate: 1, Contention: 0.02, Coherency: 0.02}, 0.03},
		{"specsdm91, three sizes", specLoad[:3], specRate[:3], queueing.USL{Rate: 89.995, Contention: 0.0277285, Coherency: 0.0001044}, 0.21},
	}
	for _, tt := range tests {
		peak := tt.fit.Throughput(tt.fit.Peak())
		all := 1.3 * peak
		var weights, waits []float64
		for k, x := range tt.rate {
			weights, waits = append(weights, x/all), append(waits, tt.inside[k]/x)
		}
		f := scalingOf(weights, waits, 10*tt.fit.Latency(tt.fit.Peak()), 0.01, 1)
		if want := peak / all; f.Why != Known || math.Abs(f.P50-want) > tt.within || f.Shape != Scaling {
			t.Errorf("%s: FailsAt = %v, %.3f (%.3f to %.3f), shape %v, want %.3f give or take %v", tt.name, f.Why, f.P50, f.P10, f.P90, f.Shape, want, tt.within)
		}
	}
}

// TestScaling: waits by the law itself, with more noise, from weights up to 60
// and 70 % of where they fail: eight of ten intervals hold the truth, but for
// chance, in any unit of time alike; and the law is taken where it holds.
func TestScaling(t *testing.T) {
	held, said, taken := 0, 0, 0
	const n = 60
	for seed := range uint64(n) {
		rng := rand.New(rand.NewPCG(seed, 5))
		u := queueing.USL{Rate: 50 + 50*rng.Float64(), Contention: 0.02 * rng.Float64(), Coherency: 2e-4 + 1e-3*rng.Float64()}
		peak := u.Throughput(u.Peak())
		all := peak / (0.5 + 0.5*rng.Float64())
		var weights, waits []float64
		for _, share := range []float64{0.1, 0.25, 0.45, 0.7} {
			inside := u.Peak() * 0.001
			for u.Throughput(inside) < share*peak {
				inside *= 1.001
			}
			weights, waits = append(weights, share*peak/all), append(waits, u.Latency(inside))
		}
		f := scalingOf(weights, waits, 1000*u.Latency(u.Peak()), 0.02, seed)
		if f.Shape == Scaling {
			taken++
		}
		if f.Why != Known {
			continue
		}
		said++
		if truth := peak / all; f.P10 <= truth && truth <= f.P90 {
			held++
		}
		for k := range waits {
			waits[k] *= 1e3
		}
		if g := scalingOf(weights, waits, 1e6*u.Latency(u.Peak()), 0.02, seed); !alike(f.P10, g.P10) || !alike(f.P50, g.P50) || !alike(f.P90, g.P90) {
			t.Errorf("in milliseconds %v %v %v, in seconds %v %v %v", g.P10, g.P50, g.P90, f.P10, f.P50, f.P90)
		}
	}
	t.Logf("of %d: said %d, held %d, taken for the law %d", n, said, held, taken)
	if said < n/2 || held*10 < said*6 {
		t.Errorf("of %d said %d, held %d", n, said, held)
	}
}
