package backtest

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/foreshock/foreshock/backtest/peer"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// sameNumbers takes a missing number as the same as another.
var sameNumbers = cmp.Comparer(func(a, b release.Number) bool { return a == b || isNaN(a) && isNaN(b) })

// pair is a system with two releases on the ladder of minutes 2, 6 and 9 to 11.
func pair() release.System {
	return release.System{
		Interval: time.Minute,
		Services: []release.Service{{Name: "cart"}, {Name: "web"}},
		Signals:  []signal.Signal{{Name: "errors", Kind: signal.Errors, Unit: signal.ParseUnit("ratio"), Scope: signal.PerCohort}},
		Releases: []release.Release{{ID: "cart", Service: 0, Steps: ladder}, {ID: "web", Service: 1, Steps: ladder}},
	}
}

// judged feeds a judge with one verdict a minute of each release, from minute
// 2 on: p promote, u unknown, h hold, r rollback, e escalate. Each assessment
// of cart predicts what says returns for its minute.
func judged(truth Truth, cart, web string, says func(m int) []release.Prediction) Score {
	words := map[byte]string{'p': "promote", 'u': "unknown", 'h': "hold", 'r': "rollback", 'e': "escalate"}
	j := NewJudge("shop", pair(), truth)
	for i := range max(len(cart), len(web)) {
		for id, verdicts := range map[string]string{"cart": cart, "web": web} {
			if i >= len(verdicts) {
				continue
			}
			a := release.Assessment{ID: id, At: minute(2 + i), Verdict: words[verdicts[i]], Weight: release.Number(10 * (i + 1))}
			if id == "cart" && says != nil {
				a.Predictions = says(2 + i)
			}
			j.Add(a)
		}
	}
	return j.Score(release.Summary{})
}

// harm counts 1 request a minute after the first step, 10 after the second and
// 100 after the third, over minutes 0 to 12.
func harm() *Requests {
	return &Requests{Start: begin, Interval: time.Minute, PerFrame: []float64{0, 0, 0, 1, 1, 1, 1, 10, 10, 10, 100, 100, 100}}
}

// TestPlayed reads verdicts in both ways, by hand. If nobody acts 4 + 30 + 300
// are harmed.
func TestPlayed(t *testing.T) {
	truth := Truth{Faulty: []string{"cart"}, FailsAt: 0.4, Requests: harm()}
	none := release.Number(math.NaN())
	tests := []struct {
		name        string
		cart        string
		guard, gate Acted
		harmedGuard release.Number
		harmedGate  release.Number
	}{
		{
			"promoted throughout", "ppppppppppp",
			Acted{StoppedWeight: none, WaitedWeight: none},
			Acted{StoppedWeight: none, WaitedWeight: none},
			334, 334,
		},
		{
			"unknown: only a gate blocks", "uuuuuuuuuuu",
			Acted{StoppedWeight: none, WaitedWeight: none},
			Acted{StoppedWeight: none, WaitedWeight: 10, BlockedStep: 2, Held: true, Waiting: true, Unknown: true, Averted: true},
			334, 10,
		},
		{
			"hold at the second step", "uphhhhhpppp",
			Acted{StoppedWeight: none, WaitedWeight: 10, BlockedStep: 2, Held: true, Averted: true},
			Acted{StoppedWeight: none, WaitedWeight: 10, BlockedStep: 2, Held: true, Averted: true},
			10, 10,
		},
		{
			"hold at the end", "pppppppppph",
			Acted{StoppedWeight: none, WaitedWeight: 110, Held: true, Waiting: true},
			Acted{StoppedWeight: none, WaitedWeight: 110, Held: true, Waiting: true},
			334, 334,
		},
		{
			"rollback in the first step", "uurrrrrrrrr",
			Acted{StoppedAt: at(4), StoppedWeight: 30, WaitedWeight: none, RolledBack: true, Averted: true, InFirst: true},
			Acted{StoppedAt: at(4), StoppedWeight: 30, WaitedWeight: none, RolledBack: true, Averted: true, InFirst: true},
			2, 2,
		},
		{
			"escalate in the second step, too late", "pppppeeeeee",
			Acted{StoppedAt: at(7), StoppedWeight: 60, WaitedWeight: none},
			Acted{StoppedAt: at(7), StoppedWeight: 60, WaitedWeight: none},
			14, 14,
		},
		{
			"hold, then rollback", "hhhhhhrrrrr",
			Acted{StoppedAt: at(8), StoppedWeight: 70, WaitedWeight: 10, BlockedStep: 2, RolledBack: true, Averted: true},
			Acted{StoppedAt: at(8), StoppedWeight: 70, WaitedWeight: 10, BlockedStep: 2, RolledBack: true, Averted: true},
			6, 6,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := judged(truth, tt.cart, "ppppppppppp", nil)
			if s.Nobody != 334 || !s.Counted {
				t.Errorf("counted %v, %v harmed if nobody acts, want true, 334", s.Counted, s.Nobody)
			}
			for _, want := range []struct {
				policy string
				acted  Acted
				harmed release.Number
			}{{Guard, tt.guard, tt.harmedGuard}, {Gate, tt.gate, tt.harmedGate}} {
				p, ok := s.Of(want.policy)
				want.acted.ID, want.acted.Bad = "cart", true
				if d := cmp.Diff(want.acted, p.Releases[0], sameNumbers); !ok || d != "" {
					t.Errorf("%s (-want +got):\n%s", want.policy, d)
				}
				if p.Harmed != want.harmed {
					t.Errorf("%s: %v harmed, want %v", want.policy, p.Harmed, want.harmed)
				}
			}
		})
	}
	if _, ok := judged(truth, "p", "p", nil).Of("argo"); ok {
		t.Error("argo was not asked, and answers")
	}
}

func at(m int) *time.Time {
	t := minute(m)
	return &t
}

// TestHealthyHarm: a look-alike harms nobody, whatever is done to it.
func TestHealthyHarm(t *testing.T) {
	s := judged(Truth{Requests: harm(), FailsAt: math.NaN()}, "rrrr", "pppp", nil)
	p, _ := s.Of(Guard)
	if !isNaN(s.Nobody) || !isNaN(p.Harmed) || p.Releases[0].Averted || p.Releases[0].InFirst || p.Releases[0].StoppedAt == nil {
		t.Errorf("harmed %v and %v, %+v, want NaN twice and a stop", s.Nobody, p.Harmed, p.Releases[0])
	}
}

// TestSeveralFaulty: of two faulty releases the one that harms most counts.
func TestSeveralFaulty(t *testing.T) {
	s := judged(Truth{Faulty: []string{"cart", "web"}, Requests: harm(), FailsAt: math.NaN()}, "rrrrrr", "ppprrr", nil)
	if p, _ := s.Of(Guard); p.Harmed != 3 {
		t.Errorf("%v harmed, want 3: web goes on to minute 5", p.Harmed)
	}
}

// TestFailing: which releases fail above their first step of 10 %.
func TestFailing(t *testing.T) {
	for _, tt := range []struct {
		truth, want float64
		later       bool
	}{{0.05, 5, false}, {0.1, 10, false}, {0.4, 40, true}, {math.NaN(), math.NaN(), false}} {
		s := judged(Truth{Faulty: []string{"cart"}, FailsAt: tt.truth}, "p", "p", nil)
		got := float64(s.Subjects[0].FailsAt)
		if got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) || s.Subjects[0].FailsLater != tt.later || !isNaN(s.Subjects[1].FailsAt) {
			t.Errorf("fails at %v: %v, later %v, want %v, %v", tt.truth, got, s.Subjects[0].FailsLater, tt.want, tt.later)
		}
	}
}

// TestForetold: the last prediction before minute 6, when cart comes to 40 %;
// of several the one that is told first.
func TestForetold(t *testing.T) {
	fails := func(p50 release.Number) release.Prediction {
		return release.Prediction{Kind: "fails-at", Signal: "latency", Probability: 0.9, Weight: &release.Quantiles{P10: p50 - 10, P50: p50, P90: p50 + 10}}
	}
	says := func(m int) []release.Prediction {
		switch m {
		case 3:
			return []release.Prediction{fails(80)}
		case 4:
			return []release.Prediction{{Kind: "exhausts"}, fails(50), fails(45), fails(60)}
		case 6:
			return []release.Prediction{fails(41)}
		}
		return nil
	}
	truth := Truth{Faulty: []string{"cart"}, FailsAt: 0.4}
	s := judged(truth, "pppppppp", "pppppppp", says)
	want := &Foretold{At: minute(4), Weight: 30, Signal: "latency", Probability: 0.9, P10: 40, P50: 50, P90: 60, From: 40, To: 40, Right: true}
	if d := cmp.Diff(want, s.Subjects[0].Foretold); d != "" {
		t.Errorf("foretold (-want +got):\n%s", d)
	}
	truth.FailsAt = math.NaN()
	if got := judged(truth, "pppppppp", "pppppppp", says).Subjects[0].Foretold; got != nil {
		t.Errorf("foretold %+v where the truth is not known", got)
	}
}

// TestStepDelays: of a healthy release, from a step's completion to the first
// promote before the next one begins.
func TestStepDelays(t *testing.T) {
	tests := []struct {
		verdicts string
		want     []StepDelay
	}{
		{"uupppppuuuu", []StepDelay{{1, 120, false}, {2, 0, false}}},
		{"uuuuuppuuuu", []StepDelay{{1, 240, true}, {2, 60, false}}},
		{"uuuuuuuu", []StepDelay{{1, 240, true}, {2, 180, true}}},
		{"uuuuuu", []StepDelay{{1, 240, true}, {2, 60, true}}}, // it ends at minute 7
		{"p", []StepDelay{{1, 0, false}}},                      // it ends before the second step
	}
	for _, tt := range tests {
		s := judged(Truth{}, tt.verdicts, "", nil)
		if d := cmp.Diff(tt.want, s.Subjects[0].StepDelays); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.verdicts, d)
		}
	}
	if got := judged(Truth{Faulty: []string{"cart"}}, "upp", "u", nil).Subjects[0].StepDelays; len(got) > 0 {
		t.Errorf("a faulty release waits %v", got)
	}
}

// TestDelayOf by hand, after Kaplan and Meier: of 1, 2, 2+, 3, 4+ the shares
// that still wait are 4/5, 3/5, 3/5·1/2.
func TestDelayOf(t *testing.T) {
	tests := []struct {
		delays   []StepDelay
		censored int
		median   float64
	}{
		{nil, 0, math.NaN()},
		{[]StepDelay{{1, 3, false}, {1, 1, false}, {1, 2, false}}, 0, 2},
		{[]StepDelay{{1, 1, false}, {1, 2, false}}, 0, 1},
		{[]StepDelay{{1, 4, true}, {1, 2, true}, {1, 3, false}, {1, 2, false}, {1, 1, false}}, 2, 3},
		{[]StepDelay{{1, 1, true}, {1, 1, true}, {1, 1, false}, {1, 5, false}}, 2, 5}, // 3/4, then 0
		{[]StepDelay{{1, 1, false}, {1, 5, true}, {1, 5, true}}, 2, math.NaN()},
	}
	for _, tt := range tests {
		got := delayOf(tt.delays)
		if got.Steps != len(tt.delays) || got.Censored != tt.censored || !cmp.Equal(got.Median, release.Number(tt.median), sameNumbers) {
			t.Errorf("delayOf(%v) = %+v, want %d censored, median %v", tt.delays, got, tt.censored, tt.median)
		}
	}
}

// TestAgainst: a peer hears the frames, and an unknown one is an error.
func TestAgainst(t *testing.T) {
	j := NewJudge("shop", pair(), Truth{Faulty: []string{"cart"}, Requests: harm(), FailsAt: math.NaN()})
	if err := j.Against([]string{peer.Flagger, "spinnaker"}, peer.Options{}); err == nil || !strings.Contains(err.Error(), "argo") {
		t.Errorf("Against a stranger = %v", err)
	}
	for m := range 13 {
		f := signal.Frame{At: minute(m), Exposure: []signal.Exposure{{Weight: 0.1}, {Weight: 0.1}}}
		for i, fails := range []float64{500, 0} {
			f.Cells = append(f.Cells, signal.Cell{Service: i, Release: i, Cohort: signal.Canary, Limit: math.NaN(), Readings: []signal.Reading{{
				Value: fails / 1000, Events: fails, N: 1000, Presence: signal.Present,
			}}})
		}
		j.See(f)
	}
	s := j.Score(release.Summary{})
	p, ok := s.Of(peer.Flagger)
	// Checks at minutes 3, 4, 5, 6 and 7, of which the fifth rolls back; the
	// second step is blocked at minute 6, and one frame more harms one.
	want := Acted{ID: "cart", Bad: true, StoppedAt: at(7), StoppedWeight: 10, WaitedWeight: 10, BlockedStep: 2, RolledBack: true, Why: "request-success-rate 50 % < 99 %; failed checks 5 of 5"}
	if d := cmp.Diff(want, p.Releases[0], sameNumbers); !ok || d != "" {
		t.Errorf("flagger (-want +got):\n%s", d)
	}
	if p.Harmed != 5 || p.Releases[1].StoppedAt != nil || p.Releases[1].Held {
		t.Errorf("flagger harms %v, want 5, and lets web go on: %+v", p.Harmed, p.Releases[1])
	}
	if got := []string{s.Policies[0].Policy, s.Policies[1].Policy, s.Policies[2].Policy}; !slices.Equal(got, []string{Guard, Gate, peer.Flagger}) {
		t.Errorf("policies %v", got)
	}
}
