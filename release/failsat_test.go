package release

import (
	"math"
	"testing"
)

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
