package release

import (
	"math"
	"testing"

	"github.com/foreshock/foreshock/prediction"
)

func TestUsers(t *testing.T) {
	nan := math.NaN()
	b := func(severity float64) *BlastRadius {
		return &BlastRadius{Now: 0.01, NextStep: 0.11, Severity: Number(severity)}
	}
	sticky := prediction.Visits{Requests: 5, Sticky: true}
	for _, tt := range []struct {
		v        prediction.Visits
		severity float64
		load     float64 // 97.5 requests a second are 11,700 visits of 5 requests in 10 min
		want     string
	}{
		{sticky, 1, 97.5, "1 % of users, about 120 in 10 min, feel it; 11 %, about 1,300, would feel the next step"},
		{sticky, nan, 97.5, "1 % of users, about 120 in 10 min, meet it; 11 %, about 1,300, would meet the next step"},
		{sticky, 1, nan, "1 % of users feel it; 11 % would feel the next step"},
		{prediction.Visits{Requests: 5}, 0.2, 97.5, "1 % of users, about 120 in 10 min, feel it; 10.4 %, about 1,200, would feel the next step"}, // 1 − 0.978·e^−0.088
		{sticky, 0, 97.5, ""},
		{sticky, 0.001, nan, "under 0.1 % of users feel it; 0.1 % would feel the next step"}, // 1 % and 11 % of 0.5 %
		{prediction.Visits{Requests: 5}, 0, 97.5, ""},
	} {
		if got := usersOf(tt.v, b(tt.severity), tt.load).String(); got != tt.want {
			t.Errorf("%+v, severity %v:\n got %s\nwant %s", tt.v, tt.severity, got, tt.want)
		}
	}
	last := &BlastRadius{Now: 1, NextStep: 1, Severity: 0.5}
	if got, want := usersOf(sticky, last, nan).String(), "93.2 % of users feel it"; got != want { // 1 − 0.5·e^−2
		t.Errorf("at 100 %%: %s, want %s", got, want)
	}
	if u := usersOf(prediction.Visits{}, b(1), 97.5); u != nil {
		t.Errorf("nothing is said of users, and they are %+v", u)
	}
}
