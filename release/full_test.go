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

// TestProcessorFull: a new version whose processors fill up while the stable one's do
// not is held where callers may feel it, and rolled back where they most likely do.
// What fills up with both versions is laid to nobody, and nothing more is let on. What
// costs more and is far from full goes on, and so does what always was full.
func TestProcessorFull(t *testing.T) {
	const frames = 28
	to := func(full float64) func(k int) float64 {
		return func(k int) float64 { return math.Min(full, 0.65+(full-0.65)*math.Max(0, float64(k))/frames) }
	}
	stays := func(v float64) func(int) float64 { return func(int) float64 { return v } }
	for _, tt := range []struct {
		name            string
		canary, control func(k int) float64
		unit            string
		set             bool // the limit is said
		want            string
		first           string // the first answer that is no promote
	}{
		{"alone", to(1), stays(0.65), "ratio", true, "rollback suspect", "hold suspect"},
		{"alone, where nobody says a limit", to(0.98), stays(0.65), "ratio", false, "rollback suspect", "hold suspect"},
		{"alone, in cores", to(1), stays(0.65), "cores", true, "rollback suspect", "hold suspect"},
		{"alone, to where some feel it", to(0.93), stays(0.65), "ratio", true, "hold suspect", "hold suspect"},
		{"both", to(1), to(1), "ratio", true, "hold elsewhere", "hold elsewhere"},
		{"both always were", stays(0.97), stays(0.97), "ratio", true, "promote none", ""},
		{"costs more", to(0.8), stays(0.65), "ratio", true, "promote none", ""},
	} {
		cpu := perCohort("cpu", signal.CPU, tt.unit)
		cpu.Limit = signal.Limit{Set: tt.set, Value: 1}
		rng := rand.New(rand.NewPCG(5, 6))
		first, last := "", release.Assessment{}
		for _, last = range play([]signal.Signal{cpu}, 50, atATenth, func(k int, c signal.Cohort) []signal.Reading {
			v := tt.control(k)
			if c == signal.Canary {
				v = tt.canary(k)
			}
			r := present(v + 0.005*rng.NormFloat64())
			r.Instance = c.String()
			return []signal.Reading{present(0.1 + 0.002*rng.NormFloat64()), r}
		}) {
			if said := last.Verdict + " " + last.Reason; first == "" && last.Verdict != "promote" && last.Verdict != "unknown" {
				first = said
			}
		}
		if said := last.Verdict + " " + last.Reason; said != tt.want || first != tt.first {
			t.Errorf("%s: %s after %q, want %s after %q: %s", tt.name, said, first, tt.want, tt.first, last.Sentence)
		}
		if last.Reason == "elsewhere" && last.Blames {
			t.Errorf("%s: it is blamed: %s", tt.name, last.Sentence)
		}
	}
}

// TestRunsOutAlone: a processor of the new version that is to be full within twelve
// frames holds its release before it is, and is laid to it, as the stable one's stays as it
// was; the sentence says when.
func TestRunsOutAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	level := func(k int) float64 { return 0.5 + 0.02*math.Max(0, float64(k)) } // full in frame 25
	cpu := perCohort("cpu", signal.CPU, "ratio")
	cpu.Limit = signal.Limit{Set: true, Value: 1}
	for k, a := range play([]signal.Signal{cpu}, 20, atATenth, func(k int, c signal.Cohort) []signal.Reading {
		v := 0.5
		if c == signal.Canary {
			v = level(k)
		}
		return []signal.Reading{present(0.1 + 0.002*rng.NormFloat64()), present(v + 0.005*rng.NormFloat64())}
	}) {
		switch {
		case a.Verdict != "hold":
			continue
		case k < levelsOff || a.Reason != "suspect" || !a.Blames || !strings.Contains(a.Sentence, "cpu is to meet its limit of 100 % at about 09:"):
			t.Errorf("frame %d, at %.2f: %s, %s, blames %v: %s", k, level(k), a.Verdict, a.Reason, a.Blames, a.Sentence)
		}
		return
	}
	t.Error("nothing is held for it before it is full")
}

// levelsOff is how many frames it takes to say that something levels off.
const levelsOff = 12

// TestBusyStart: what is compiled and loaded at the start fills a processor for a while;
// that is no reason to go back.
func TestBusyStart(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for k, a := range play([]signal.Signal{perCohort("cpu", signal.CPU, "ratio")}, 40, atATenth, func(k int, c signal.Cohort) []signal.Reading {
		v := 0.5
		if c == signal.Canary && k < 9 {
			v = 0.97
		}
		return []signal.Reading{present(0.1 + 0.002*rng.NormFloat64()), present(v + 0.005*rng.NormFloat64())}
	}) {
		if a.Verdict == "rollback" || k == 39 && a.Verdict != "promote" {
			t.Fatalf("frame %d: %s: %s", k, a.Verdict, a.Sentence)
		}
	}
}

// TestAllRunOut: two things that run out are both told of, likeliest first, whichever is
// the sooner, and with what else may happen come to 1.
func TestAllRunOut(t *testing.T) {
	const frames = 30
	rng := rand.New(rand.NewPCG(11, 12))
	var more []signal.Signal
	for _, name := range []string{"heap", "cache"} {
		sig := perCohort(name, signal.Memory, "MiB")
		sig.Limit = signal.Limit{Set: true, Value: 1000 << 20}
		more = append(more, sig)
	}
	as := play(more, frames, atATenth, func(k int, c signal.Cohort) []signal.Reading {
		grown := math.Max(0, float64(k))
		if c == signal.Control {
			grown = 0
		}
		mib := func(v float64) signal.Reading { return present((v + rng.NormFloat64()) * (1 << 20)) }
		return []signal.Reading{present(0.1 + 0.002*rng.NormFloat64()), mib(200 + 6*grown), mib(200 + 12*grown)}
	})
	last := as[len(as)-1]
	foretold, sum, before, listed := 0, 0.0, 1.0, 0
	for _, p := range last.Predictions {
		if p.Kind == "exhausts" {
			foretold++
		}
	}
	for _, h := range last.WhatNext {
		sum += float64(h.Probability)
		if h.Kind == "exhausted" {
			listed++
			if float64(h.Probability) > before {
				t.Errorf("%v after %v", h.Probability, before)
			}
			before = float64(h.Probability)
		}
	}
	if foretold != 2 || listed != 2 || math.Abs(sum-1) > 1e-9 {
		t.Errorf("foretold %d, of which %d are told as next; all come to %v: %+v", foretold, listed, sum, last.WhatNext)
	}
}

// TestNetworkFills: what grows of the network is load, and a leak where it has a limit, as
// connections that are tracked have. That twice as many are, with half of the room left,
// is a cost.
func TestNetworkFills(t *testing.T) {
	grows, twice := func(k int) float64 { return 10 * float64(k) }, func(int) float64 { return 100 }
	for _, tt := range []struct {
		name  string
		limit float64
		more  func(k int) float64
		want  bool
	}{{"grows", 0, grows, false}, {"grows to a limit", 1000, grows, true}, {"twice as many, and room", 1000, twice, false}} {
		rng := rand.New(rand.NewPCG(61, 62))
		tracked := perCohort("conntrack", signal.Network, "entries")
		if tt.limit > 0 {
			tracked.Limit, tracked.Worse = signal.Limit{Set: true, Value: tt.limit}, signal.Up
		}
		as := play([]signal.Signal{tracked}, 80, atATenth, func(k int, c signal.Cohort) []signal.Reading {
			n := 100 + 2*rng.NormFloat64()
			if c == signal.Canary {
				n += tt.more(k)
			}
			return []signal.Reading{present(0.1 + 0.003*rng.NormFloat64()), present(n)}
		})
		if r := first(as, prevention.Rollback); r >= 0 != tt.want {
			t.Errorf("%s: rollback in frame %d, want one: %v; in the end %s", tt.name, r, tt.want, as[79].Sentence)
		}
	}
}
