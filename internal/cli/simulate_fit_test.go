package cli

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/model"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/simulate"
)

// TestFit: a model fitted to a recording has the values that the recording was
// made with: examples/recordings.go writes 80 requests per second over 4 pods,
// each request of 4 ms of processor time, and 10 ms a second of each pod for
// nothing, which come to 4.5 ms a request. The lab ran n-plus-one-a with two
// instances, a pool of 16 connections (db_client_connection_max) and 24 s a step.
func TestFit(t *testing.T) {
	cart := fittedFile(t, "../../examples/recordings/cart-leak", "").Model
	lab := fittedFile(t, "../../corpus/n-plus-one-a", "").Model
	steps := lab.Rollout.Steps
	for _, tt := range []struct {
		name              string
		got, want, within float64
	}{
		{"rate", cart.Services[0].Rate, 80, 0.02},
		{"work", cart.Services[0].Work, 0.0045, 0.02},
		{"instances", float64(cart.Services[0].Instances), 4, 0},
		{"memory limit", cart.Services[0].Memory.Limit, 536870912, 0},
		{"steps", float64(len(cart.Rollout.Steps)), 2, 0},
		{"instances of the lab's shop", float64(lab.Services[0].Instances), 2, 0},
		{"instances of its database", float64(lab.Services[3].Instances), 1, 0},
		{"its pool", lab.Services[3].Threads, 16, 0},
		{"its step", steps[1].At - steps[0].At, 24, 0},
	} {
		if math.Abs(tt.got-tt.want) > tt.within*tt.want {
			t.Errorf("fitted %s is %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func fittedFile(t *testing.T, dir, change string) *model.File {
	t.Helper()
	got, err := fitModel(t.Context(), dir, change)
	if err != nil {
		t.Fatal(err)
	}
	f, err := model.Parse("fitted", []byte(got.text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFitPool: the lab's new version made 9 queries for one. The pool was 17 %
// in use, so it is full at 1 + 8·w = 1/0.165, at w = 63 % of traffic; the lab
// counted harm from its step to 50 % on. The model breaks there, by the pool.
func TestFitPool(t *testing.T) {
	m := fittedFile(t, "../../corpus/n-plus-one-a", "calls: [{to: db, add: 8}]").Model
	m.Objective.Latency = 1
	b, err := m.Breaks(simulate.Fluid, 1, 60)
	if err != nil {
		t.Fatal(err)
	}
	if !(b.Weight > 0.5 && b.Weight < 0.7) || !strings.HasPrefix(b.Limits[0].String(), "threads of db at") {
		t.Errorf("Breaks = %v of traffic by %v, want 50 to 70 %% by the threads of db", b.Weight, b.Limits)
	}
	// With three more it is 66 % in use at most, and still what is used most.
	m = fittedFile(t, "../../corpus/n-plus-one-a", "calls: [{to: db, add: 3}]").Model
	if b, err = m.Breaks(simulate.Fluid, 1, 24); err != nil {
		t.Fatal(err)
	}
	if b.Harmed || b.Share > 0 || !strings.HasPrefix(fmt.Sprint(b.Limits), "[threads of db at 6") {
		t.Errorf("with three more calls, Breaks = %v harmed, limits %v; want none, and the threads of db at about 66 %%", b.Share, b.Limits)
	}
}

// TestFitMissing: limits that are measured and cannot be fitted are named in
// the model and to who plays it.
func TestFitMissing(t *testing.T) {
	got, err := fitModel(t.Context(), "../../corpus/n-plus-one-a", "")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"core busy of shop at 20 %", "workers busy of shop at 3 %", "workers busy of pricing at 9 %"}
	if !slices.Equal(got.missing, append(slices.Clone(want), "processors of db")) {
		t.Errorf("missing %q, want %q", got.missing, want)
	}
	for _, w := range want {
		if line := "# not fitted: " + w + " of its limit: it is not in the model"; !strings.Contains(got.text, line) {
			t.Errorf("the model does not say %q:\n%s", line, got.text)
		}
	}
	s := &simulated{file: oneStep(), missing: want}
	if text := s.breaksText(0.02); !strings.HasPrefix(text, "nowhere that the model knows of: ") {
		t.Errorf("breaksText with limits missing = %q", text)
	}
	if told := s.truth(1).NotSeen; !slices.Equal(told, want) {
		t.Errorf("as JSON, notSeen is %q, want %q", told, want)
	}
	if told := (&simulated{file: oneStep()}).truth(1).NotSeen; told == nil {
		t.Error("of a model that was not fitted, notSeen is null, want an empty list")
	}
}

// TestPlain: numbers in a fitted model are written as one would type them.
func TestPlain(t *testing.T) {
	for x, want := range map[float64]string{21234.5: "21230", 80.5412: "80.54", 0.000177: "0.000177", 1: "1"} {
		if got := plain(x, 4); got != want {
			t.Errorf("plain(%v, 4) = %q, want %q", x, got, want)
		}
	}
}

func TestStepLength(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		at   []time.Duration
		want time.Duration
	}{
		{[]time.Duration{0}, 10 * time.Minute},
		{[]time.Duration{0, 24005 * time.Millisecond, 48006 * time.Millisecond, 2 * time.Minute}, 24 * time.Second},
		{[]time.Duration{0, 21 * time.Minute}, 21 * time.Minute},
		{[]time.Duration{0, 300 * time.Millisecond}, 300 * time.Millisecond},
	}
	for _, tt := range tests {
		var steps []release.Step
		for _, at := range tt.at {
			steps = append(steps, release.Step{At: begin.Add(at)})
		}
		if got := stepLength(steps); got != tt.want {
			t.Errorf("stepLength(%v) = %v, want %v", tt.at, got, tt.want)
		}
	}
}
