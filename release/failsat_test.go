package release

import (
	"math"
	"strings"
	"testing"
)

// TestMet: a limit whose median lies at or below the traffic of now, to a whole
// percent, is met by now.
func TestMet(t *testing.T) {
	for _, tt := range []struct {
		at, weight Number // percent
		want       bool
	}{{0, 50, true}, {50.3, 50, true}, {59, 50, false}, {0, 0, false}} {
		a, p := &Assessment{Weight: tt.weight}, &Prediction{Weight: &Quantiles{P50: tt.at}}
		if got := a.Met(p); got != tt.want {
			t.Errorf("at %v %%, Met() of a limit at %v %% = %v, want %v", tt.weight, tt.at, got, tt.want)
		}
	}
	if a := (&Assessment{Weight: 50}); a.Met(&Prediction{Kind: "exhausts"}) {
		t.Error("Met() of a limit that no share of the traffic meets")
	}
}

// TestNoMoreIsSafe: that a share of the traffic is safe is said only of more
// than there is.
func TestNoMoreIsSafe(t *testing.T) {
	s := &State{sys: System{Services: []Service{{Name: "shop"}}, Releases: []Release{{ID: "shop"}}}}
	s.policy.PromoteBelow = 0.5
	for safe, want := range map[Number]string{40: "up to 40 % is safe.", 25: "no more than that is held to be safe.", 10: "no more than that is held to be safe."} {
		a := &Assessment{ID: "shop", Weight: 25, NextStep: &NextStep{Weight: 50, Safe: safe}}
		if got := s.limitedText(0, ruling{}, a, &scene{failures: [][]failure{nil}}); !strings.HasSuffix(got, want) {
			t.Errorf("at 25 %%, safe to %v %%: %q, want it to end with %q", safe, got, want)
		}
	}
}

// TestFailsAt: the first that is told with a weight, measured before inferred.
func TestFailsAt(t *testing.T) {
	at := func(p50 Number, text string) Prediction {
		return Prediction{Kind: "fails-at", Weight: &Quantiles{P10: p50 - 9, P50: p50, P90: p50 + 9}, Text: text}
	}
	weak, cascade := Prediction{Kind: "fails-at", Reason: "not yet"}, Prediction{Kind: "cascade", Text: "calls multiply"}
	for _, tt := range []struct {
		name string
		of   []Prediction
		want int // −1 for none
	}{
		{"none", []Prediction{weak, cascade, {Kind: "exhausts"}}, -1},
		{"the binding one, not the nearest", []Prediction{weak, at(60, ""), at(50, "")}, 1},
		{"measured before inferred", []Prediction{at(40, "db full"), at(60, "")}, 1},
		{"inferred alone", []Prediction{cascade, at(40, "db full"), at(30, "pricing full")}, 1},
	} {
		a := Assessment{Predictions: tt.of}
		got := a.FailsAt()
		if tt.want < 0 && got != nil || tt.want >= 0 && got != &a.Predictions[tt.want] {
			t.Errorf("%s: FailsAt() = %+v, want number %d", tt.name, got, tt.want)
		}
	}
}

// TestInferredTold: what is inferred keeps the next step, its reason and its
// record behind its text; a cascade says its reason itself.
func TestInferredTold(t *testing.T) {
	x, half := &explaining{}, Number(0.5)
	for _, tt := range []struct {
		p    Prediction
		want string
	}{
		{
			Prediction{Kind: "fails-at", Text: "db full at about 68 %", NextStep: &half, Record: &Past{Right: 3, Of: 4}},
			"Db full at about 68 %; 50 % likely at the next step; right 3 of 4 times so far.",
		},
		{
			Prediction{Kind: "fails-at", Text: "db full at some share", Probability: Number(math.NaN()), Reason: "not identifiable yet"},
			"Db full at some share; not identifiable yet.",
		},
		{Prediction{Kind: "cascade", Text: "calls multiply: why", Reason: "why"}, "Calls multiply: why."},
	} {
		if got := x.told(tt.p); got != tt.want {
			t.Errorf("told(%+v):\n got %s\nwant %s", tt.p, got, tt.want)
		}
	}
}
