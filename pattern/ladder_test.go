package pattern_test

import (
	"slices"
	"testing"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// at is a climb whose onset is known to half a frame either way.
func at(r pattern.Rung, frame float64) pattern.Climb {
	return pattern.Climb{Rung: r, Signal: int(r), Onset: pattern.Onset{P10: frame - 0.5, P50: frame, P90: frame + 0.5}}
}

// climbs puts rungs ten frames apart.
func climbs(rungs ...pattern.Rung) []pattern.Climb {
	var out []pattern.Climb
	for i, r := range rungs {
		out = append(out, at(r, float64(10*i)))
	}
	return out
}

func rungs(cs []pattern.Climb) []pattern.Rung {
	var out []pattern.Rung
	for _, c := range cs {
		out = append(out, c.Rung)
	}
	return out
}

// TestRungOf is the table of kinds.
func TestRungOf(t *testing.T) {
	want := map[signal.Kind]pattern.Rung{
		signal.Latency: pattern.RungLatency, signal.Errors: pattern.RungErrors, signal.Dependency: pattern.RungErrors,
		signal.CPU: pattern.RungCPU, signal.Saturation: pattern.RungCPU, signal.Memory: pattern.RungMemory,
		signal.Retries: pattern.RungRetries, signal.Timeouts: pattern.RungTimeouts, signal.Crashes: pattern.RungCrashes,
		signal.Network: 0, signal.Database: 0, signal.Cache: 0, signal.Traffic: 0, signal.Infra: 0,
	}
	for _, k := range signal.Kinds() {
		w, ok := want[k]
		if got := pattern.RungOf(k); got != w || !ok {
			t.Errorf("RungOf(%v) = %v, want %v (in the table: %v)", k, got, w, ok)
		}
	}
}

// TestLadder: one climb a rung, the first one, in the order of onsets; what
// it is given stays as it was.
func TestLadder(t *testing.T) {
	in := []pattern.Climb{at(pattern.RungErrors, 20), at(pattern.RungCPU, 30), at(pattern.RungErrors, 10), at(pattern.RungLatency, 10)}
	was := slices.Clone(in)
	got := pattern.Ladder(in)
	if want := []pattern.Rung{pattern.RungLatency, pattern.RungErrors, pattern.RungCPU}; !slices.Equal(rungs(got), want) {
		t.Errorf("Ladder = %v, want %v", rungs(got), want)
	}
	if got[1].Onset.P50 != 10 {
		t.Errorf("Ladder: errors at %v, want 10, the first", got[1].Onset.P50)
	}
	if !slices.Equal(in, was) {
		t.Errorf("Ladder changed its argument to %v", in)
	}
	if got := pattern.Ladder(nil); len(got) != 0 {
		t.Errorf("Ladder(nil) = %v, want none", got)
	}
}

// TestMatchOrders: every known order is recognised from its own climbs, and
// what follows is expected next.
func TestMatchOrders(t *testing.T) {
	for _, o := range pattern.Orders() {
		for k := 4; k <= len(o.Rungs); k++ {
			var want pattern.Rung
			if k < len(o.Rungs) {
				want = o.Rungs[k]
			}
			got, next := pattern.Match(climbs(o.Rungs[:k]...))
			if got.Name != o.Name || next != want {
				t.Errorf("Match(the first %d of %q) = %q, %v, want %q, %v", k, o.Name, got.Name, next, o.Name, want)
			}
		}
	}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		name    string
		climbed []pattern.Climb
		order   string
		next    pattern.Rung
	}{
		{"nothing yet", nil, "overload", pattern.RungLatency},
		{"latency alone", climbs(pattern.RungLatency), "overload", pattern.RungErrors},
		{"memory alone", climbs(pattern.RungMemory), "leak", pattern.RungCPU},
		{"cpu alone", climbs(pattern.RungCPU), "inefficient code", pattern.RungLatency},
		{"errors alone", climbs(pattern.RungErrors), "broken code or config", pattern.RungRetries},
		{"latency, then timeouts", climbs(pattern.RungLatency, pattern.RungTimeouts), "slow dependency", pattern.RungErrors},
		{"latency and timeouts at once", []pattern.Climb{at(pattern.RungLatency, 10), at(pattern.RungTimeouts, 10.5)}, "slow dependency", pattern.RungErrors},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if o, next := pattern.Match(tt.climbed); o.Name != tt.order || next != tt.next {
				t.Errorf("Match(%v) = %q, %v, want %q, %v", rungs(tt.climbed), o.Name, next, tt.order, tt.next)
			}
		})
	}
}

func TestRungNames(t *testing.T) {
	want := []string{"", "memory", "latency", "errors", "cpu", "retries", "timeouts", "crashes", ""}
	for i, w := range want {
		if got := pattern.Rung(i).String(); got != w {
			t.Errorf("Rung(%d).String() = %q, want %q", i, got, w)
		}
	}
}
