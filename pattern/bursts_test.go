package pattern_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// TestBursts: what comes to a service as it came to another one before proves nothing,
// and neither do heavy tails; what goes further out, or stands for longer, does.
func TestBursts(t *testing.T) {
	certain := func(value func(service, frame int, rng *rand.Rand) float64) int {
		const services, before, after, sure = 12, 60, 60, 8.7
		runs := 0
		for seed := range uint64(20) {
			rng, found := rand.New(rand.NewPCG(seed, 23)), false
			subjects := make([]pattern.Recent, services)
			for j := range subjects {
				subjects[j] = pattern.Recent{Ring: &pattern.Ring{}, Worse: signal.Up, Size: pattern.Size{Relative: 0.15}}
			}
			for k := range before + after {
				for j := range subjects {
					subjects[j].Ring.Add(value(j, k-before, rng))
					subjects[j].Frame = k
				}
				if k < before {
					continue
				}
				cs, ok := pattern.Lately(subjects)
				for j, c := range cs {
					found = found || ok[j] && c.LogE > sure
				}
			}
			if found {
				runs++
			}
		}
		return runs
	}
	quiet := func(rng *rand.Rand) float64 { return 10 * (1 + 0.03*rng.NormFloat64()) }
	job := func(j, k, from, length int, times float64, rng *rand.Rand) float64 {
		if k >= from && k < from+length || j == 5 && k >= -30 && k < -26 {
			return times * quiet(rng)
		}
		return quiet(rng)
	}
	for _, tt := range []struct {
		name  string
		value func(service, frame int, rng *rand.Rand) float64
		most  bool // runs that say something are few; else all of them must
	}{
		{"lognormal", func(_, _ int, rng *rand.Rand) float64 { return 10 * math.Exp(rng.NormFloat64()) }, true},
		{"a job that ran on another one", func(j, k int, rng *rand.Rand) float64 {
			if j == 2 {
				return job(j, k, 20, 4, 3, rng)
			}
			return job(j, k, 1000, 0, 3, rng)
		}, true},
		{"which goes on", func(j, k int, rng *rand.Rand) float64 {
			if j == 2 {
				return job(j, k, 20, 40, 3, rng)
			}
			return job(j, k, 1000, 0, 3, rng)
		}, false},
		{"a fault", func(j, k int, rng *rand.Rand) float64 {
			if j == 2 && k >= 20 {
				return 3 * quiet(rng)
			}
			return quiet(rng)
		}, false},
	} {
		if runs := certain(tt.value); tt.most && runs > 2 || !tt.most && runs < 20 {
			t.Errorf("%s: something is certain in %d runs of 20", tt.name, runs)
		}
	}
}
