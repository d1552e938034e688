package release_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestObjectiveOfAll: 1 in a thousand of the old version's requests fails and 3 in a
// hundred of the new one's; at which share of the traffic all of them together miss
// an objective of 99 % is said at a tenth of it: (1 − 0.1)/(3 − 0.1), 31 %. A release that
// fails as little as ever is told nothing.
func TestObjectiveOfAll(t *testing.T) {
	for _, share := range []float64{0.03, 0.001} {
		rng := rand.New(rand.NewPCG(51, 52))
		sys := smallSystem(release.Safe)
		sys.Signals = append(sys.Signals, perCohort("slo/requests", signal.Errors, "ratio"))
		sys.Releases[0].Canary = `version="2"`
		state := release.New(sys, prevention.DefaultPolicy())
		var said *release.Prediction
		var sentence string
		for k := -foldBegins; k < 30; k++ {
			f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
			add := func(c signal.Cohort, n, share float64) {
				failed := distuv.Binomial{N: n, P: share, Src: rng}.Rand()
				r := present(failed / n)
				r.N, r.Events = n, failed
				f.Cells = append(f.Cells,
					signal.Cell{Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{present(0.1 * (1 + 0.02*rng.NormFloat64()))}},
					signal.Cell{Signal: len(sys.Signals) - 1, Cohort: c, Limit: 0.01, Readings: []signal.Reading{r}})
			}
			add(signal.Control, 900, 0.001)
			if k >= 0 {
				f.Exposure[0] = atATenth(k)
				add(signal.Canary, 100, share)
			}
			for _, a := range state.Step(f) {
				if p := a.FailsAt(); p != nil {
					said, sentence = p, a.Sentence
				}
			}
		}
		holdObjective(t, share, said, sentence)
	}
}

// holdObjective holds what was last said of a share that fails against the truth.
func holdObjective(t *testing.T, share float64, said *release.Prediction, sentence string) {
	t.Helper()
	switch {
	case share < 0.01:
		if said != nil {
			t.Errorf("a release that fails as little as ever is told %+v", said)
		}
	case said == nil:
		t.Error("of 3 in a hundred it is not said where the objective is missed")
	case said.Weight.P10 > 31 || said.Weight.P90 < 31 || said.Weight.P90 > 80:
		t.Errorf("said %+v, want 31 %% in it", *said.Weight)
	case !strings.Contains(sentence, "slo/requests of all of cart over the limit of 1 %"):
		t.Errorf("the sentence is %q", sentence)
	}
}
