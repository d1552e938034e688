package release_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestStressOfShares: a version that takes as much processor for a request as the other
// one is under no other stress, whether what it takes is told of the version as a whole
// or of each of its pods, and whatever its share of the traffic and of the pods.
func TestStressOfShares(t *testing.T) {
	for _, tt := range []struct {
		name  string
		pods  bool
		times float64 // as much for a request as the stable version takes
	}{
		{"as a whole", false, 1}, {"of each pod", true, 1}, {"as a whole, three times", false, 3}, {"of each pod, three times", true, 3},
	} {
		sys := smallSystem(release.Safe)
		sys.Signals = append(sys.Signals, perCohort("cpu", signal.CPU, "cores"))
		sys.Releases[0].Canary = `version="2"`
		sys.Releases[0].Steps[0].CanaryReplicas, sys.Releases[0].Steps[0].ControlReplicas = 2, 4
		state := release.New(sys, prevention.DefaultPolicy())
		rng := rand.New(rand.NewPCG(71, 72))
		var last release.Assessment
		for k := -foldBegins; k < 40; k++ {
			f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
			if k >= 0 {
				f.Exposure[0] = atATenth(k)
			}
			add := func(c signal.Cohort, share, replicas, times float64) {
				value := 8 * share * times * (1 + 0.02*rng.NormFloat64())
				r := present(value)
				if tt.pods {
					r = present(value / replicas)
					r.Instance = "pod"
				}
				f.Cells = append(f.Cells,
					signal.Cell{Signal: 0, Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{present(0.1 * (1 + 0.02*rng.NormFloat64()))}},
					signal.Cell{Signal: 1, Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{r}})
			}
			if k < 0 {
				add(signal.Control, 1, 4, 1)
			} else {
				add(signal.Control, 0.9, 4, 1)
				add(signal.Canary, 0.1, 2, tt.times)
			}
			if as := state.Step(f); len(as) > 0 {
				last = as[0]
			}
		}
		if len(last.Stress) != 1 || math.Abs(float64(last.Stress[0].Ratio.P50)/tt.times-1) > 0.05 {
			t.Errorf("%s: %+v, want a ratio of %v", tt.name, last.Stress, tt.times)
		}
	}
}

// TestControlThatDied: an incident that both versions had is no reason to wait any more
// once the stable version has long gone: what it last showed is of another time.
func TestControlThatDied(t *testing.T) {
	rng := rand.New(rand.NewPCG(73, 74))
	as := play([]signal.Signal{perCohort("p50", signal.Latency, "s")}, 90, func(k int) signal.Exposure {
		if k < 25 {
			return atATenth(k)
		}
		return signal.Exposure{Weight: 1, Step: 2}
	}, func(k int, c signal.Cohort) []signal.Reading {
		by := 1.0
		if k >= 10 && k < 30 {
			by = 2 // of both alike
		}
		if c == signal.Control && k >= 25 {
			return []signal.Reading{signal.Missing(signal.Stopped, ""), signal.Missing(signal.Stopped, "")}
		}
		return []signal.Reading{present(0.1 * by * (1 + 0.02*rng.NormFloat64())), present(0.05 * by * (1 + 0.02*rng.NormFloat64()))}
	})
	if a := as[20]; a.Verdict != "hold" {
		t.Errorf("while both are slow: %s: %s", a.Verdict, a.Sentence)
	}
	if a := as[len(as)-1]; a.Verdict != "promote" {
		t.Errorf("long after: %s: %s", a.Verdict, a.Sentence)
	}
}
