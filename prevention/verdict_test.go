package prevention_test

import (
	"testing"

	"github.com/foreshock/foreshock/prevention"
)

// TestDecide is the table of cases. The default policy blames from 0.5,
// promotes below 0.2 and rolls back from 0.8.
func TestDecide(t *testing.T) {
	tests := []struct {
		name string
		c    prevention.Case
		want prevention.Decision
	}{
		{
			"nothing is wrong",
			prevention.Case{Enough: true},
			prevention.Decision{Verdict: prevention.Promote, Reason: prevention.None},
		},
		{
			"a culprit of nothing",
			prevention.Case{Enough: true, Culprit: 1},
			prevention.Decision{Verdict: prevention.Promote, Reason: prevention.None},
		},
		{
			"just below the lower level",
			prevention.Case{Enough: true, Harm: 0.199},
			prevention.Decision{Verdict: prevention.Promote, Reason: prevention.None},
		},
		{
			"a limit is met at the next step once in ten",
			prevention.Case{Enough: true, Breach: 0.1},
			prevention.Decision{Verdict: prevention.Promote, Reason: prevention.None},
		},
		{
			"the same, where it is held already",
			prevention.Case{Enough: true, Breach: 0.1, Held: true},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Suspect},
		},
		{
			"once in twenty, where it is held",
			prevention.Case{Enough: true, Breach: 0.05, Held: true},
			prevention.Decision{Verdict: prevention.Promote, Reason: prevention.None},
		},
		{
			"callers suffer, no more",
			prevention.Case{Enough: true, Suffer: true},
			prevention.Decision{Verdict: prevention.Promote, Reason: prevention.None},
		},
		{
			"going back is unsafe, but all is well",
			prevention.Case{Enough: true, Unsafe: true},
			prevention.Decision{Verdict: prevention.Promote, Reason: prevention.None},
		},
		{
			"not answered, though all was well",
			prevention.Case{Unasked: true, Enough: true},
			prevention.Decision{Verdict: prevention.Unknown, Reason: prevention.Thin},
		},
		{
			"not answered, whatever was seen before",
			prevention.Case{Unasked: true, Enough: true, Harm: 1, Proven: true, Culprit: 1, Silence: true, Suffer: true, Elsewhere: true, Unsafe: true},
			prevention.Decision{Verdict: prevention.Unknown, Reason: prevention.Thin},
		},
		{
			"seen too briefly",
			prevention.Case{},
			prevention.Decision{Verdict: prevention.Unknown, Reason: prevention.Thin},
		},
		{
			"seen too briefly, and it looks bad",
			prevention.Case{Harm: 0.79, Culprit: 0.9},
			prevention.Decision{Verdict: prevention.Unknown, Reason: prevention.Thin},
		},
		{
			"may be harm, not proven",
			prevention.Case{Enough: true, Harm: 0.2},
			prevention.Decision{Verdict: prevention.Unknown, Reason: prevention.Thin},
		},
		{
			"may be harm, suspected",
			prevention.Case{Enough: true, Harm: 0.2, Suspected: true},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Suspect},
		},
		{
			"suspected, and too small to be harm",
			prevention.Case{Enough: true, Harm: 0.1, Suspected: true},
			prevention.Decision{Verdict: prevention.Promote, Reason: prevention.None},
		},
		{
			"both versions fail since it began, and a limit is ahead",
			prevention.Case{Enough: true, Together: true, Breach: 1},
			prevention.Decision{Verdict: prevention.Escalate, Reason: prevention.Together},
		},
		{
			"most of its metrics are missing",
			prevention.Case{Enough: true, Dim: true},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Silent},
		},
		{
			"most of its metrics are missing, and what is seen is proven worse",
			prevention.Case{Enough: true, Dim: true, Harm: 1, Proven: true, Culprit: 1},
			prevention.Decision{Verdict: prevention.Rollback, Reason: prevention.Suspect, Blames: true},
		},
		{
			"most of its metrics may still come",
			prevention.Case{Enough: true, Dimming: true},
			prevention.Decision{Verdict: prevention.Unknown, Reason: prevention.Thin},
		},
		{
			"likely harm, not proven",
			prevention.Case{Enough: true, Harm: 0.8},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Suspect},
		},
		{
			"likely harm, not proven, to blame",
			prevention.Case{Enough: true, Harm: 0.8, Culprit: 0.5},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Suspect, Blames: true},
		},
		{
			"proven, not to blame",
			prevention.Case{Enough: true, Harm: 0.9, Proven: true, Culprit: 0.49},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Suspect},
		},
		{
			"proven and harmless, not to blame",
			prevention.Case{Enough: true, Harm: 0.1, Proven: true},
			prevention.Decision{Verdict: prevention.Promote, Reason: prevention.None},
		},
		{
			"proven and to blame",
			prevention.Case{Enough: true, Harm: 0.79, Proven: true, Culprit: 0.5},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Suspect, Blames: true},
		},
		{
			"the same in somebody else's incident, seen too briefly",
			prevention.Case{Harm: 0.1, Proven: true, Culprit: 0.5, Elsewhere: true},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Suspect, Blames: true},
		},
		{
			"proven, to blame, harmful",
			prevention.Case{Enough: true, Harm: 0.8, Proven: true, Culprit: 0.5},
			prevention.Decision{Verdict: prevention.Rollback, Reason: prevention.Suspect, Blames: true},
		},
		{
			"harmful before enough was seen",
			prevention.Case{Harm: 0.8, Proven: true, Culprit: 0.5},
			prevention.Decision{Verdict: prevention.Rollback, Reason: prevention.Suspect, Blames: true},
		},
		{
			"harmful, in somebody else's incident",
			prevention.Case{Harm: 0.8, Proven: true, Culprit: 0.5, Elsewhere: true},
			prevention.Decision{Verdict: prevention.Rollback, Reason: prevention.Suspect, Blames: true},
		},
		{
			"harmful, going back is unsafe",
			prevention.Case{Enough: true, Harm: 0.8, Proven: true, Culprit: 0.5, Unsafe: true},
			prevention.Decision{Verdict: prevention.Escalate, Reason: prevention.UnsafeRollback, Blames: true},
		},
		{
			"held, going back is unsafe",
			prevention.Case{Enough: true, Harm: 0.7, Proven: true, Culprit: 0.5, Unsafe: true},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Suspect, Blames: true},
		},
		{
			"it does well here, and may meet a limit at the next step",
			prevention.Case{Enough: true, Breach: 0.2},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Suspect},
		},
		{
			"it surely does: that is no harm yet",
			prevention.Case{Enough: true, Breach: 1},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Suspect},
		},
		{
			"the same, and to blame",
			prevention.Case{Enough: true, Breach: 1, Culprit: 0.5},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Suspect, Blames: true},
		},
		{
			"a limit ahead goes before somebody else's incident",
			prevention.Case{Enough: true, Breach: 0.9, Elsewhere: true},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Suspect},
		},
		{
			"a limit ahead that is unlikely",
			prevention.Case{Enough: true, Breach: 0.19},
			prevention.Decision{Verdict: prevention.Promote, Reason: prevention.None},
		},
		{
			"a limit ahead, too far to be known",
			prevention.Case{Enough: true, Guess: 0.2},
			prevention.Decision{Verdict: prevention.Unknown, Reason: prevention.Thin},
		},
		{
			"somebody else's incident",
			prevention.Case{Enough: true, Elsewhere: true},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Elsewhere},
		},
		{
			"somebody else's incident, seen too briefly",
			prevention.Case{Elsewhere: true},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Elsewhere},
		},
		{
			"silent",
			prevention.Case{Silence: true},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Silent},
		},
		{
			"silent and to blame",
			prevention.Case{Silence: true, Culprit: 0.8},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Silent, Blames: true},
		},
		{
			"silent, its callers suffer, not to blame",
			prevention.Case{Silence: true, Suffer: true, Culprit: 0.4},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Silent},
		},
		{
			"silent, its callers suffer, to blame",
			prevention.Case{Silence: true, Suffer: true, Culprit: 0.8},
			prevention.Decision{Verdict: prevention.Rollback, Reason: prevention.Silent, Blames: true},
		},
		{
			"its whole service is worse since a step of it, and nobody else did anything",
			prevention.Case{Laid: true, Elsewhere: true, Enough: true},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Suspect},
		},
		{
			"silent, no version serves, and it lasts",
			prevention.Case{Silence: true, Lasting: true, Culprit: 0.8},
			prevention.Decision{Verdict: prevention.Rollback, Reason: prevention.Silent, Blames: true},
		},
		{
			"it lasts, and nobody asks for anything",
			prevention.Case{Silence: true, Lasting: true, Culprit: 0.05},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Silent},
		},
		{
			"the same, going back is unsafe",
			prevention.Case{Silence: true, Suffer: true, Culprit: 0.8, Unsafe: true},
			prevention.Decision{Verdict: prevention.Escalate, Reason: prevention.UnsafeRollback, Blames: true},
		},
		{
			"silence goes before somebody else's incident",
			prevention.Case{Silence: true, Elsewhere: true},
			prevention.Decision{Verdict: prevention.Hold, Reason: prevention.Silent},
		},
		{
			"starting",
			prevention.Case{Starting: true, Enough: true, Culprit: 1},
			prevention.Decision{Verdict: prevention.Unknown, Reason: prevention.Thin},
		},
		{
			"starting goes before what was seen earlier",
			prevention.Case{Starting: true, Enough: true, Harm: 1, Proven: true, Culprit: 1},
			prevention.Decision{Verdict: prevention.Unknown, Reason: prevention.Thin},
		},
	}
	p := prevention.DefaultPolicy()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := p.Decide(tt.c); got != tt.want {
				t.Errorf("Decide(%+v) = %v %v blames=%v, want %v %v blames=%v",
					tt.c, got.Verdict, got.Reason, got.Blames, tt.want.Verdict, tt.want.Reason, tt.want.Blames)
			}
		})
	}
}

// TestDecideLaws: over all cases on a grid. Nobody is rolled back without
// being proven or silent, nor without blame, nor when going back is unsafe;
// nothing is promoted unseen or before a limit; a limit ahead alone rolls
// nothing back; and more harm never softens the verdict.
func TestDecideLaws(t *testing.T) {
	p := prevention.DefaultPolicy()
	for bits := range 1 << 9 {
		is := func(i int) bool { return bits>>i&1 == 1 }
		c := prevention.Case{Breach: bound(is(7)), Guess: bound(is(8)), Proven: is(0), Enough: is(1), Silence: is(2), Starting: is(3), Suffer: is(4), Elsewhere: is(5), Unsafe: is(6)}
		for _, c.Culprit = range []float64{0, 0.49, 0.5, 1} {
			was := 0
			for _, c.Harm = range []float64{0, 0.19, 0.2, 0.5, 0.79, 0.8, 1} {
				d := p.Decide(c)
				if d.Verdict.String() == "" || d.Reason.String() == "" {
					t.Fatalf("Decide(%+v) = %+v: without verdict or reason", c, d)
				}
				if d.Verdict == prevention.Rollback && (c.Unsafe || c.Culprit < p.Blame || (!c.Proven && !c.Silence)) {
					t.Fatalf("Decide(%+v) = %v", c, d.Verdict)
				}
				if d.Verdict == prevention.Promote && (!c.Enough || c.Silence || c.Starting || c.Elsewhere || max(c.Harm, c.Breach, c.Guess) >= p.PromoteBelow) {
					t.Fatalf("Decide(%+v) = %v", c, d.Verdict)
				}
				if (d.Reason == prevention.None) != (d.Verdict == prevention.Promote) {
					t.Fatalf("Decide(%+v) = %v with reason %v", c, d.Verdict, d.Reason)
				}
				if s := severity(d.Verdict); s < was {
					t.Fatalf("Decide(%+v) = %v: softer than with less harm", c, d.Verdict)
				} else {
					was = s
				}
			}
		}
	}
}

// bound is a probability on one side of the policy's lower level or the other.
func bound(over bool) float64 {
	if over {
		return 0.9
	}
	return 0.1
}

func severity(v prevention.Verdict) int {
	switch v {
	case prevention.Promote:
		return 1
	case prevention.Unknown:
		return 2
	case prevention.Hold:
		return 3
	case prevention.Rollback, prevention.Escalate:
		return 4
	default:
		return 0
	}
}

func TestNames(t *testing.T) {
	tests := []struct{ got, want string }{
		{prevention.Promote.String(), "promote"},
		{prevention.Hold.String(), "hold"},
		{prevention.Rollback.String(), "rollback"},
		{prevention.Unknown.String(), "unknown"},
		{prevention.Escalate.String(), "escalate"},
		{prevention.Verdict(0).String(), ""},
		{prevention.Verdict(6).String(), ""},
		{prevention.None.String(), "none"},
		{prevention.Suspect.String(), "suspect"},
		{prevention.Elsewhere.String(), "elsewhere"},
		{prevention.Thin.String(), "thin"},
		{prevention.Silent.String(), "silent"},
		{prevention.UnsafeRollback.String(), "unsafe-rollback"},
		{prevention.HoldExpired.String(), "hold-expired"},
		{prevention.Reason(0).String(), ""},
		{prevention.Together.String(), "both-versions"},
		{prevention.Reason(9).String(), ""},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("String() = %q, want %q", tt.got, tt.want)
		}
	}
}
