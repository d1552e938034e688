package release_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestLacks: a version that serves well by what its callers see, and tells
// half or less of what the control tells of itself, is held and not blamed. One
// metric that was renamed is no reason, nor is what is missing for two frames.
func TestLacks(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lacks []int
		from  int
		to    int
		held  bool
	}{
		{"latency and memory never come", []int{0, 3}, 0, 45, true},
		{"they stop", []int{0, 3}, 20, 45, true},
		{"one was renamed", []int{3}, 0, 45, false},
		{"late for two frames", []int{0, 3}, 30, 32, false},
	} {
		as := serve(45, func(k int) (canary, control served) {
			canary = served{rate: 10}
			if k >= tt.from && k < tt.to {
				canary.lacks = tt.lacks
			}
			return canary, served{rate: 90}
		})
		last := as[len(as)-1]
		if held := last.Verdict == "hold" && last.Reason == "silent"; held != tt.held || !held && last.Verdict != "promote" {
			t.Errorf("%s: %s, %s in the end, want held %v, else promoted", tt.name, last.Verdict, last.Reason, tt.held)
		}
		if kinds := kindsOf(last); tt.held && (!slices.Contains(kinds, "silence-target") || slices.Contains(kinds, "silence-metric")) {
			t.Errorf("%s: patterns %v, want silence-target, and no single metric beside it", tt.name, kinds)
		}
		if tt.held && (last.Warns() || !strings.Contains(last.Sentence, "2 of the 4 signals that the control gives are missing from the new version")) {
			t.Errorf("%s: blamed %v: %s", tt.name, last.Warns(), last.Sentence)
		}
	}
}

func kindsOf(a release.Assessment) []string {
	var out []string
	for _, p := range a.Patterns {
		out = append(out, p.Kind)
	}
	return out
}

// TestLacksAndFails: what is seen of it counts, though most is not.
func TestLacksAndFails(t *testing.T) {
	as := serve(40, func(int) (canary, control served) {
		return served{rate: 10, failing: 0.3, lacks: []int{0, 3}}, served{rate: 90}
	})
	if last := as[len(as)-1]; last.Verdict != "rollback" {
		t.Errorf("%s: %s, want rollback", last.Verdict, last.Sentence)
	}
}

// TestLacksSaysWhatIsSeen: what was rolled back for its errors is not said to
// show nothing worse when they have gone, whatever it lacks besides.
func TestLacksSaysWhatIsSeen(t *testing.T) {
	as := serve(60, func(k int) (canary, control served) {
		canary, control = served{rate: 10, lacks: []int{0, 3}}, served{rate: 90}
		if k < 16 {
			canary.failing = 0.02
		} else {
			control.failing = 0.02
		}
		return canary, control
	})
	for k, a := range as {
		if a.Verdict == "rollback" && strings.Contains(a.Sentence, "is worse") {
			t.Fatalf("frame %d: %s", k, a.Sentence)
		}
	}
	if last := as[len(as)-1]; last.Verdict != "rollback" {
		t.Errorf("%s: %s, want it rolled back", last.Verdict, last.Sentence)
	}
}

// TestDeployedAhead: a version that stood at no traffic, as planned, is not idle
// when it is about to get its first.
func TestDeployedAhead(t *testing.T) {
	for _, late := range []int{0, 1, 2} {
		as := planned(40, 20, func(k int) (canary, control served) {
			return served{rate: 10, silent: k < 20+late}, served{rate: 90}
		})
		for k, a := range as[20:28] {
			if a.Verdict != "unknown" && a.Verdict != "promote" {
				t.Fatalf("%d frames late, frame %d after the step: %s, %s", late, k, a.Verdict, a.Sentence)
			}
		}
	}
}

// TestCertain: where half of the requests fail, one frame that shows it is
// enough; where one in sixty does, two frames are.
func TestCertain(t *testing.T) {
	for _, tt := range []struct {
		failing float64
		frames  int // that show it, up to the rollback
	}{{0.5, 1}, {1. / 60, 2}} {
		as := serve(40, func(k int) (canary, control served) {
			canary = served{rate: 10}
			if k >= 20 {
				canary.failing = tt.failing
			}
			return canary, served{rate: 90}
		})
		shown := slices.IndexFunc(as, func(a release.Assessment) bool {
			return slices.ContainsFunc(a.Evidence, func(e release.Evidence) bool { return e.Signal == "errors" && e.Decided })
		})
		back := slices.IndexFunc(as, func(a release.Assessment) bool { return a.Verdict == "rollback" })
		if shown < 20 || back-shown+1 != tt.frames {
			t.Errorf("%v fail: shown in frame %d, rolled back in frame %d, want after %d", tt.failing, shown, back, tt.frames)
		}
	}
}

// TestSuspected: strong evidence that is no proof holds a release, and blames
// nobody.
func TestSuspected(t *testing.T) {
	held := func(as []release.Assessment) (n int) {
		for _, a := range as {
			if a.Verdict == "hold" && strings.Contains(a.Sentence, "so it is likely, and not proven yet") {
				n++
				if a.Warns() {
					t.Errorf("it is blamed on a suspicion: %s", a.Sentence)
				}
			}
		}
		return n
	}
	worse := func(k int) (canary, control served) {
		canary = served{rate: 10}
		if k >= 20 {
			canary.failing = 0.004
		}
		return canary, served{rate: 90}
	}
	if n := held(serve(60, worse)); n == 0 {
		t.Error("an error in 150 requests against none: never held on a suspicion")
	}
	if n := held(serve(60, func(int) (canary, control served) {
		return served{rate: 10, failing: 0.008}, served{rate: 90, failing: 0.008}
	})); n > 0 {
		t.Errorf("the same errors: held on a suspicion in %d frames", n)
	}
}

// TestScrapedInVain: that a new version cannot be scraped is a value of its scrape, and
// none of the version: without any signal of served work, which the stable one gives, it
// is never promoted.
func TestScrapedInVain(t *testing.T) {
	rng := rand.New(rand.NewPCG(61, 62))
	signals := []signal.Signal{perCohort("up", signal.Infra, "ratio"), perCohort("samples", signal.Infra, "samples")}
	as := play(signals, 40, atATenth, func(k int, c signal.Cohort) []signal.Reading {
		switch {
		case c == signal.Canary:
			return []signal.Reading{signal.Missing(signal.NeverSeen, ""), present(0), present(0)}
		case k < 0: // it was not watched before
			return []signal.Reading{signal.Missing(signal.NeverSeen, ""), signal.Missing(signal.NeverSeen, ""), signal.Missing(signal.NeverSeen, "")}
		}
		return []signal.Reading{present(0.1 * (1 + 0.02*rng.NormFloat64())), present(1), present(77)}
	})
	for k, a := range as {
		if a.Verdict == "promote" {
			t.Fatalf("frame %d: %s", k, a.Sentence)
		}
	}
	if last := as[len(as)-1]; last.Verdict != "hold" && last.Verdict != "escalate" {
		t.Errorf("%s: %s", last.Verdict, last.Sentence)
	}
}
