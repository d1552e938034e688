package cli

import (
	"math"
	"testing"

	"github.com/foreshock/foreshock/internal/model"
)

// TestFit: a model fitted to a recording has the values that the recording was
// made with: examples/recordings.go writes 80 requests per second over 4 pods,
// each request of 4 ms of processor time, and 10 ms a second of each pod for
// nothing, which come to 4.5 ms a request.
func TestFit(t *testing.T) {
	text, err := fitModel(t.Context(), "../../examples/recordings/cart-leak", "")
	if err != nil {
		t.Fatal(err)
	}
	f, err := model.Parse("fitted", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := f.Model.Services[0]
	for _, tt := range []struct {
		name              string
		got, want, within float64
	}{
		{"rate", s.Rate, 80, 0.02},
		{"work", s.Work, 0.0045, 0.02},
		{"instances", float64(s.Instances), 4, 0},
		{"memory limit", s.Memory.Limit, 536870912, 0},
		{"steps", float64(len(f.Model.Rollout.Steps)), 2, 0},
	} {
		if math.Abs(tt.got-tt.want) > tt.within*tt.want {
			t.Errorf("fitted %s is %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestBar(t *testing.T) {
	tests := []struct {
		share float64
		want  string
	}{
		{0, "▏"}, {0.0001, "▏"}, {0.5, "█████"}, {0.55, "█████▌"}, {1, "██████████"},
	}
	for _, tt := range tests {
		if got := bar(tt.share, 10); got != tt.want {
			t.Errorf("bar(%v, 10) = %q, want %q", tt.share, got, tt.want)
		}
	}
}
