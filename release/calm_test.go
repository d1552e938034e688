package release

import (
	"testing"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// TestCalmText: what has calmed down is told with its service where it is nobody's
// own, and a number is not set against itself.
func TestCalmText(t *testing.T) {
	s := New(System{
		Signals:  []signal.Signal{{Name: "load", Kind: signal.CPU, Unit: signal.ParseUnit("ratio")}},
		Releases: []Release{{ID: "cart"}}, Changes: []Change{{ID: "change-1"}},
	}, prevention.DefaultPolicy())
	for _, tt := range []struct {
		subject    int
		value, was Number
		reason     string
		want       string
	}{
		{0, 0.5, 0.2, "suspect", "load stood at 50 % against 20 %, and has just calmed down."},
		{1, 0.5, 0.2, "suspect", "load of redis stood at 50 % against 20 %, and has just calmed down."},
		{1, 0.20001, 0.2, "suspect", "load of redis had moved away, and has just come back to 20 %."},
		{0, 0.5, 0.2, "hold-expired", "load stood at 50 % against 20 %, and has calmed down."},
	} {
		a := &Assessment{Reason: tt.reason, Evidence: []Evidence{{Signal: "load", Service: "redis", Value: tt.value, Was: tt.was}}}
		if got := s.calmText(tt.subject, a, &scene{releases: make([][]finding, 2)}); got != tt.want {
			t.Errorf("calmText = %q, want %q", got, tt.want)
		}
	}
	// What is away as before, and only less certain, has not gone.
	still := finding{Signal: 0, Harm: 0.4}
	still.Mean, still.Level, still.Size, still.Difference = 0.5, 0.2, 0.1, []float64{0.3, 0.3, 0.3}
	want := "load is 50 % against 20 % before, which may be chance; it is watched a little longer."
	if got := s.calmText(0, &Assessment{Reason: "suspect"}, &scene{releases: [][]finding{{still}, nil}}); got != want {
		t.Errorf("calmText = %q, want %q", got, want)
	}
}
