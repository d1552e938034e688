package cli

import (
	"math"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/model"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/simulate"
)

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

// oneStep is a model with one step and nothing else.
func oneStep() *model.File {
	return &model.File{Model: simulate.Model{
		Length: 5 * time.Minute, Rollout: simulate.Plan{Steps: []simulate.Raise{{Weight: 1}}}, Objective: simulate.Objective{Harmed: 0.02},
	}}
}

// TestSimulateForetold: what breaks outside of the interval that was foretold is
// marked, by hand.
func TestSimulateForetold(t *testing.T) {
	at := func(percent float64) simulate.Break { return simulate.Break{Harmed: true, Weight: percent / 100} }
	const said = "cpu of db meets its limit at 60 % (50 to 70)"
	tests := []struct {
		breaks simulate.Break
		want   string
	}{
		{at(60), said},
		{at(50), said},
		{at(71), said}, // it breaks between 70 and 71 %
		{at(72), said + "; it breaks at 72 %, outside what was foretold"},
		{at(49), said + "; it breaks at 49 %, outside what was foretold"},
		{simulate.Break{Weight: math.NaN()}, said + "; it breaks nowhere, outside what was foretold"},
		{simulate.Break{Weight: math.NaN(), Baseline: 0.5}, said},
	}
	last := &release.Assessment{Predictions: []release.Prediction{{
		Kind: "fails-at", Signal: "cpu", Service: "db", Weight: &release.Quantiles{P10: 50, P50: 60, P90: 70},
	}}}
	for _, tt := range tests {
		s := &simulated{file: oneStep(), breaks: tt.breaks, at: moments{last: last}}
		if got := s.foretold(0.02); got != tt.want {
			t.Errorf("foretold of 50 to 70 %% when it breaks as %+v = %q, want %q", tt.breaks, got, tt.want)
		}
	}
}

// TestSimulateFills: memory that is full later is told of, by hand.
func TestSimulateFills(t *testing.T) {
	tests := []struct {
		full       float64 // seconds
		fills, say string
	}{
		{1500, "memory of web is full after 25m at 100 % of traffic, longer than it is held here; an instance is then killed, and away for 10s", "nothing was stopped; no step harms callers for as long as it is played"},
		{200, "memory of web is full after 3m20s at 100 % of traffic; an instance is then killed, and away for 10s", "nothing was stopped; no step harms callers for as long as it is played"},
		{math.Inf(1), "", "nothing was stopped; no step harms callers"},
	}
	for _, tt := range tests {
		s := &simulated{file: oneStep(), breaks: simulate.Break{Weight: math.NaN(), Full: tt.full}}
		s.file.Model.Services, s.file.Model.New.Memory.Restart = []simulate.Service{{Name: "web"}}, 10
		if got := s.fullText(); got != tt.fills {
			t.Errorf("full after %v s is told as %q, want %q", tt.full, got, tt.fills)
		}
		if got := s.said(0.02); got != tt.say {
			t.Errorf("full after %v s: said %q, want %q", tt.full, got, tt.say)
		}
		if told := s.truth(1).Full; (told == nil) != math.IsInf(tt.full, 1) {
			t.Errorf("full after %v s is %v in JSON", tt.full, told)
		}
	}
}
