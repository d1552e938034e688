package prediction_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/topology"
)

// TestReach is by hand: 0 calls 1 and 2, both call 3, half of 2's requests
// need it, and 1 does without in 9 of 10 cases; 4 calls 0, and 5 nobody.
func TestReach(t *testing.T) {
	g := topology.New(6, []topology.Edge{{From: 0, To: 1}, {From: 0, To: 2}, {From: 1, To: 3, Fallback: 0.9}, {From: 2, To: 3, Share: 0.5}, {From: 4, To: 0}})
	none, got := prediction.Reach(g, 3, 0, 0.4)
	want := []float64{1 - (1-0.04)*(1-0.2), 0.04, 0.2, 0.4, 1 - (1-0.04)*(1-0.2), 0}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-9 || none[i] != 0 {
			t.Errorf("Reach(3, 0, 0.4)[%d] = %v, %v; want 0, %v", i, none[i], got[i], want[i])
		}
	}
}

// TestReachLaws: shares stay shares, more failing never reaches less, and
// circles end, on random graphs.
func TestReachLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		n := 1 + rng.IntN(8)
		var edges []topology.Edge
		for range rng.IntN(20) {
			edges = append(edges, topology.Edge{From: rng.IntN(n), To: rng.IntN(n), Share: rng.Float64(), Fallback: rng.Float64()})
		}
		g, s, p := topology.New(n, edges), rng.IntN(n), rng.Float64()
		less, more := prediction.Reach(g, s, p/2, p)
		if _, alone := prediction.Reach(g, s, p, p); !slices.EqualFunc(alone, more, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Fatalf("Reach of %v from %d is %v beside %v, and %v by itself", p, s, more, p/2, alone)
		}
		for i := range more {
			if !(less[i] >= 0 && less[i] <= more[i]+1e-9 && more[i] <= 1) {
				t.Fatalf("Reach of %v, then %v from %d: %v, then %v", p/2, p, s, less, more)
			}
		}
	}
}

// TestVisits is by hand, from the formula of the comment.
func TestVisits(t *testing.T) {
	for _, tt := range []struct {
		v              prediction.Visits
		weight, harmed float64
		want           float64
	}{
		{prediction.Visits{Requests: 10}, 0.1, 0.5, 0.394253},               // 1 − 0.95·e^−0.45
		{prediction.Visits{Requests: 10, Sticky: true}, 0.1, 0.5, 0.099445}, // 0.1·(1 − 0.5·e^−4.5)
		{prediction.Visits{Requests: 10}, 0.1, 0, 0},
		{prediction.Visits{Requests: 10}, 0, 1, 0},
		{prediction.Visits{Requests: 1}, 0.1, 0.5, 0.05}, // one request a visit: as the requests
		{prediction.Visits{Requests: 1, Sticky: true}, 0.1, 0.5, 0.05},
		{prediction.Visits{Requests: 10}, 1, 1, 1}, // there is no visit without a request
		{prediction.Visits{Requests: 10, Sticky: true}, 0.1, 1, 0.1},
		{prediction.Visits{Requests: 10}, 0.1, math.NaN(), math.NaN()},
	} {
		if got := tt.v.Hit(tt.weight, tt.harmed); math.Abs(got-tt.want) > 1e-6 || math.IsNaN(got) != math.IsNaN(tt.want) {
			t.Errorf("%+v.Hit(%v, %v) = %v, want %v", tt.v, tt.weight, tt.harmed, got, tt.want)
		}
	}
}

// TestVisitsPlayed plays visits one by one: as many are hit as Hit says, and
// to stay with one version hits fewer of them, never more.
func TestVisitsPlayed(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	const r, weight, harmed, n = 2.0, 0.4, 0.6, 40_000
	requests := func() int { // the first, and those after it by the waiting times of a process of rate r − 1
		k := 1
		for left := 1 - rng.ExpFloat64()/(r-1); left > 0; left -= rng.ExpFloat64() / (r - 1) {
			k++
		}
		return k
	}
	hit := map[bool]float64{}
	for range n {
		for _, sticky := range []bool{false, true} {
			fresh, met := rng.Float64() < weight, false
			for range requests() {
				if !sticky {
					fresh = rng.Float64() < weight
				}
				met = met || fresh && rng.Float64() < harmed
			}
			if met {
				hit[sticky] += 1.0 / n
			}
		}
	}
	for sticky, got := range hit {
		if want := (prediction.Visits{Requests: r, Sticky: sticky}).Hit(weight, harmed); math.Abs(got-want) > 0.01 {
			t.Errorf("sticky %v: %v of the visits are hit, and Hit says %v", sticky, got, want)
		}
	}
	if hit[true] >= hit[false] {
		t.Errorf("sticky visits are hit more: %v", hit)
	}
}

// TestWeigh: the least loss is what the policy's two levels say, and the
// harmed requests are by hand.
func TestWeigh(t *testing.T) {
	for _, tt := range []struct {
		bad  float64
		want string
	}{{0.1, "promote"}, {0.19, "promote"}, {0.21, "hold"}, {0.79, "hold"}, {0.81, "back"}} {
		p, h, b := prediction.Stakes{Bad: tt.bad, Severity: 0.5, Requests: 1000, Now: 0.1, Next: 0.5}.Weigh(0.2, 0.8)
		got := "hold"
		switch math.Min(p.Loss, math.Min(h.Loss, b.Loss)) {
		case p.Loss:
			got = "promote"
		case b.Loss:
			got = "back"
		}
		if got != tt.want {
			t.Errorf("bad with %v: least loss is to %s (%v, %v, %v), want %s", tt.bad, got, p.Loss, h.Loss, b.Loss, tt.want)
		}
	}
	p, h, b := prediction.Stakes{Bad: 0.8, Severity: 0.5, Requests: 1000, Now: 0.1, Next: 0.5, Breach: 0.5, Full: 0.5, Back: 0.1}.Weigh(0.2, 0.8)
	// 0.8·0.5·1000·0.5 + (1 − 0.4)·0.5·1000·0.5; 0.8·0.5·1000·0.1; a tenth of it
	if math.Abs(p.Harmed-350) > 1e-9 || math.Abs(h.Harmed-40) > 1e-9 || math.Abs(b.Harmed-4) > 1e-9 {
		t.Errorf("harmed %v, %v, %v; want 350, 40, 4", p.Harmed, h.Harmed, b.Harmed)
	}
	// A version that is certainly bad, nobody knows how badly, meets its limit all the same.
	p, h, _ = prediction.Stakes{Bad: 1, Requests: 1000, Now: 0.1, Next: 0.5, Breach: 0.9, Full: 0.9}.Weigh(0.2, 0.8)
	if math.Abs(p.Harmed-450) > 1e-9 || h.Harmed != 0 {
		t.Errorf("harmed %v and %v, want 450 and 0", p.Harmed, h.Harmed)
	}
	// One that is used up by now harms those of now as well: 0.8 of 100.
	p, h, b = prediction.Stakes{Requests: 1000, Now: 0.1, Next: 0.5, Breach: 0.9, Full: 0.9, Filled: 0.8, Back: 0.1}.Weigh(0.2, 0.8)
	if math.Abs(p.Harmed-450) > 1e-9 || math.Abs(h.Harmed-80) > 1e-9 || math.Abs(b.Harmed-8) > 1e-9 {
		t.Errorf("harmed %v, %v, %v; want 450, 80, 8", p.Harmed, h.Harmed, b.Harmed)
	}
	// A limit on a share of failing work is no failing work: a fifth of half of them fail.
	p, _, _ = prediction.Stakes{Bad: 1, Severity: 0.2, Requests: 1000, Now: 0.1, Next: 0.5, Breach: 1}.Weigh(0.2, 0.8)
	if math.Abs(p.Harmed-100) > 1e-9 || p.Loss != 1 {
		t.Errorf("harmed %v at a loss of %v, want 100 and 1", p.Harmed, p.Loss)
	}
}
