package release_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// ordering plays a release at a tenth of the traffic, of which requests and
// orders are measured: which share of the requests the new version gets, and
// how many orders come of a request of either version. counted says whether the counts are known.
func ordering(worse signal.Direction, counted bool, share float64, orders func(k int, c signal.Cohort) float64) []release.Assessment {
	rng := rand.New(rand.NewPCG(41, 42))
	wanted := perCohort("orders", signal.Traffic, "orders/s")
	wanted.Worse = worse
	more := []signal.Signal{perCohort("traffic", signal.Traffic, "requests/s"), wanted}
	return play(more, 60, atATenth, func(k int, c signal.Cohort) []signal.Reading {
		part := 1.0
		switch {
		case c == signal.Canary:
			part = share
		case k >= 0:
			part = 1 - share
		}
		requests := 300 * part * 15 // in a frame
		bought := requests * orders(k, c)
		bought = math.Max(0, math.Round(bought+math.Sqrt(bought)*rng.NormFloat64()))
		out := []signal.Reading{present(0.1 + 0.003*rng.NormFloat64()), present(requests / 15), present(bought / 15)}
		if counted {
			out[1].N, out[2].N = math.Round(requests), bought
		}
		return out
	})
}

// TestWanted: what somebody says is worse when it falls is compared as a symptom
// is; what merely arrives is not.
func TestWanted(t *testing.T) {
	usual := func(int, signal.Cohort) float64 { return 0.05 }
	fewer := func(_ int, c signal.Cohort) float64 {
		if c == signal.Canary {
			return 0.03
		}
		return 0.05
	}
	tests := []struct {
		name    string
		worse   signal.Direction
		counted bool
		share   float64
		orders  func(int, signal.Cohort) float64
		want    bool
	}{
		{"fewer orders", signal.Down, true, 0.1, fewer, true},
		{"fewer orders, of which only the rate is known", signal.Down, false, 0.1, fewer, true},
		{"as many orders of fewer requests", signal.Down, true, 0.05, usual, false},
		{"the same, of which only the rate is known", signal.Down, false, 0.05, usual, false},
		{"nobody says what is worse", 0, true, 0.1, fewer, false},
		{"as many", signal.Down, true, 0.1, usual, false},
		{"fewer of both versions, as the hour goes", signal.Down, true, 0.1, func(k int, _ signal.Cohort) float64 {
			if k >= 10 {
				return 0.03
			}
			return 0.05
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			as := ordering(tt.worse, tt.counted, tt.share, tt.orders)
			r := first(as, prevention.Rollback)
			if r >= 0 != tt.want {
				t.Fatalf("rollback in frame %d, want one: %v; at the end: %s", r, tt.want, as[59].Sentence)
			}
			if tt.want && !strings.Contains(as[r].Sentence, "orders is ") {
				t.Errorf("sentence: %s", as[r].Sentence)
			}
			if !tt.want && as[59].Verdict != "promote" {
				t.Errorf("at the end: %s, %s", as[59].Verdict, as[59].Sentence)
			}
		})
	}
}

// TestWantedShare: a share of the requests of which something comes, half as large on
// the new version, is told however small it is, from the counts behind it; and as
// large it is not.
func TestWantedShare(t *testing.T) {
	for _, tt := range []struct {
		name  string
		share float64
		want  bool
	}{{"half as many", 0.025, true}, {"as many", 0.05, false}} {
		rng := rand.New(rand.NewPCG(45, 46))
		wanted := perCohort("checkouts", signal.Traffic, "ratio")
		wanted.Worse = signal.Down
		as := play([]signal.Signal{perCohort("traffic", signal.Traffic, "requests/s"), wanted}, 60, atATenth, func(k int, c signal.Cohort) []signal.Reading {
			n, p := 4500.0, 0.05
			if k >= 0 {
				n *= 0.9
			}
			if c == signal.Canary {
				n, p = 450, tt.share
			}
			y := math.Max(0, math.Round(n*p+math.Sqrt(n*p)*rng.NormFloat64()))
			out := []signal.Reading{present(0.1 + 0.003*rng.NormFloat64()), present(n / 15), present(y / n)}
			out[1].N, out[2].N, out[2].Events = n, n, y
			return out
		})
		if r := first(as, prevention.Rollback); r >= 0 != tt.want || r > 20 || !tt.want && as[59].Verdict != "promote" {
			t.Errorf("%s: rollback in frame %d, want one: %v; at the end: %s", tt.name, r, tt.want, as[59].Sentence)
		}
	}
}

// TestPodsAreNotWanted: that fewer pods are worse makes their number none of the
// traffic: the plan of a release sets it.
func TestPodsAreNotWanted(t *testing.T) {
	rng := rand.New(rand.NewPCG(43, 44))
	pods := perCohort("pods", signal.Traffic, "pods")
	pods.Worse = signal.Down
	as := play([]signal.Signal{pods}, 60, atATenth, func(_ int, c signal.Cohort) []signal.Reading {
		n := 4.0
		if c == signal.Canary {
			n = 1
		}
		return []signal.Reading{present(0.1 + 0.003*rng.NormFloat64()), present(n)}
	})
	if r, last := first(as, prevention.Rollback), as[59]; r >= 0 || last.Verdict != "promote" {
		t.Errorf("rollback in frame %d, in the end %s: %s", r, last.Verdict, last.Sentence)
	}
}
