package pattern_test

import (
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// alarms plays hours of services with an error in so many of their frames, of which
// the first one fails always in its last frames, and returns in which share of the
// runs something was certain of a service that is well, and of the one that is not.
func alarms(runs, failing int) (well, ill float64) {
	const services, frames, sure = 12, 360, 8.7 // e^8.7: a false alarm in five hundred, of twelve
	for seed := range uint64(runs) {
		rng := rand.New(rand.NewPCG(seed, 17))
		subjects := make([]pattern.Recent, services)
		for j := range subjects {
			subjects[j] = pattern.Recent{Ring: &pattern.Ring{}, Worse: signal.Up, Size: pattern.Size{Relative: 0.1, Absolute: 0.01, Noise: 0.001}}
		}
		wellToo, illToo := false, false
		for k := range frames {
			for j := range subjects {
				v := 0.0
				if rng.Float64() < 0.03 || j == 0 && k >= frames-failing {
					v = 1
				}
				subjects[j].Ring.Add(v)
				subjects[j].Frame = k
			}
			if k < 80 {
				continue
			}
			cs, ok := pattern.Lately(subjects)
			for j, c := range cs {
				if ok[j] && c.LogE > sure {
					wellToo, illToo = wellToo || j > 0, illToo || j == 0 && k >= frames-failing
				}
			}
		}
		if wellToo {
			well++
		}
		if illToo {
			ill++
		}
	}
	return well / float64(runs), ill / float64(runs)
}

// TestSparse: errors that come one by one are no alarm when two come together, and
// errors in every frame are.
func TestSparse(t *testing.T) {
	if well, ill := alarms(20, 8); well > 0.1 || ill < 1 {
		t.Errorf("an alarm in %.0f %% of the hours for a service that is well, in %.0f %% for one that fails; want few and all", 100*well, 100*ill)
	}
}
