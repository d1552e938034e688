package release_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// chronicled folds a story with a chronicle beside it, and explains it.
func (st story) chronicled(t testing.TB, safety release.Safety) release.Explanation {
	t.Helper()
	sys := smallSystem(safety)
	s, c, tally := release.New(sys, prevention.DefaultPolicy()), release.NewChronicle(sys), release.NewTally()
	for _, f := range st.seen() {
		c.Saw(f)
		for _, a := range s.Step(f) {
			c.Heard(a)
			tally.Add(a)
		}
	}
	e, ok := c.Explain("r1", tally.Summary("story", s, nil))
	if !ok {
		t.Fatal("Explain(r1) = false")
	}
	return e
}

// seen makes the frames of a story.
func (st story) seen() []signal.Frame {
	rng := rand.New(rand.NewPCG(11, 12))
	var out []signal.Frame
	for k := -foldBegins; k < st.frames; k++ {
		f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
		add := func(c signal.Cohort, by float64) {
			r := signal.Missing(signal.Stopped, "")
			if !math.IsNaN(by) {
				r.Presence, r.Value, r.Age = signal.Present, by*(0.1+0.003*rng.NormFloat64()), time.Hour
			}
			f.Cells = append(f.Cells, signal.Cell{Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{r}})
		}
		if k < 0 {
			add(signal.Control, 1)
		} else {
			f.Exposure[0] = signal.Exposure{Weight: 0.1, Step: 1}
			add(signal.Control, st.control(k))
			add(signal.Canary, st.canary(k))
		}
		out = append(out, f)
	}
	return out
}

// TestExplain: what is said of each way a release can go.
func TestExplain(t *testing.T) {
	tests := []struct {
		name    string
		story   story
		safety  release.Safety
		outcome string
		head    string // in the headline
		do      string // in the first action
	}{
		{"bad", story{60, from(10, 3), always(1)}, release.Safe, release.OutcomeStopped, "roll it back", "Roll r1 back"},
		{"bad and not safe to go back", story{60, from(10, 3), always(1)}, release.Unsafe, release.OutcomeWarned, "a person must decide", "Let a person decide"},
		{"healthy", story{60, always(1), always(1)}, release.Safe, release.OutcomeHealthy, "Nothing here is the doing of r1", "may stay"},
		{"too early", story{2, always(1), always(1)}, release.Safe, release.OutcomeUnknown, "not known yet", "What would make it known: 3 more frames"},
		{"not begun", story{0, always(1), always(1)}, release.Safe, release.OutcomeNotBegun, "has not begun", "Look again"},
		{"silent", story{40, always(math.NaN()), always(1)}, release.Safe, release.OutcomeWarned, "served nothing", "Take no further step"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := tt.story.chronicled(t, tt.safety)
			if e.Outcome != tt.outcome {
				t.Errorf("outcome is %q, want %q", e.Outcome, tt.outcome)
			}
			if !strings.Contains(e.Headline, tt.head) {
				t.Errorf("headline is %q, want %q in it", e.Headline, tt.head)
			}
			if len(e.Do) == 0 || !strings.Contains(e.Do[0].Text, tt.do) {
				t.Errorf("to do is %v, want %q first", e.Do, tt.do)
			}
			if (e.At == nil) != (tt.outcome == release.OutcomeNotBegun) {
				t.Errorf("at is %v", e.At)
			}
			if _, err := json.Marshal(e); err != nil {
				t.Errorf("Marshal: %v", err)
			}
		})
	}
}

// TestExplainCleared: a warning that passed is no reason to stop, and is said.
func TestExplainCleared(t *testing.T) {
	sys := smallSystem(release.Safe)
	s, c, tally := release.New(sys, prevention.DefaultPolicy()), release.NewChronicle(sys), release.NewTally()
	suspect := foldStart.Add((foldBegins + 20) * 15 * time.Second)
	for _, f := range (story{60, always(1), always(1)}).seen() {
		c.Saw(f)
		for _, a := range s.Step(f) {
			if d := a.At.Sub(suspect); d >= 0 && d < time.Minute {
				a.Verdict, a.Shadow, a.Reason, a.Blames, a.Sentence = "hold", "hold", "suspect", true, "Hold r1 before closing the release: latency stood out."
			}
			c.Heard(a)
			tally.Add(a)
		}
	}
	e, _ := c.Explain("r1", tally.Summary("story", s, nil))
	if want := "r1 was suspect from 09:15:00 on: latency stood out; by 09:16:00 the suspicion had passed, and nothing speaks against it now."; e.Outcome != release.OutcomeCleared || e.Headline != want {
		t.Errorf("%s: %q, want cleared: %q", e.Outcome, e.Headline, want)
	}
	if len(e.Do) == 0 || !strings.Contains(e.Do[0].Text, "may stay") || e.Cause != nil {
		t.Errorf("to do is %v for the cause %v, want nothing to do and no cause", e.Do, e.Cause)
	}
}

// TestExplainKnowsNothingLater: what is said of the first stop does not depend
// on whether the record goes on.
func TestExplainKnowsNothingLater(t *testing.T) {
	bad := story{200, from(10, 3), always(1)}
	whole := bad.chronicled(t, release.Safe)
	if whole.At == nil || len(whole.Seen) == 0 {
		t.Fatalf("at %v, seen later %v; want a stop and something later", whole.At, whole.Seen)
	}
	bad.frames = int(whole.At.Sub(foldStart)/(15*time.Second)) - foldBegins + 1
	then := bad.chronicled(t, release.Safe)
	if len(then.Seen) != 0 {
		t.Errorf("seen later is %v where the record ends with the stop", then.Seen)
	}
	for _, part := range []struct {
		name       string
		got, whole any
	}{
		{"headline", then.Headline, whole.Headline},
		{"said", then.Said, whole.Said},
		{"ruled out", then.RuledOut, whole.RuledOut},
		{"references", then.References, whole.References},
	} {
		if diff := cmp.Diff(fmt.Sprintf("%+v", part.got), fmt.Sprintf("%+v", part.whole)); diff != "" {
			t.Errorf("%s depends on what came later (-then +whole):\n%s", part.name, diff)
		}
	}
	if diff := cmp.Diff(then.Cause, whole.Cause); diff != "" {
		t.Errorf("cause depends on what came later:\n%s", diff)
	}
	for i, c := range then.Charts {
		if c.Text != whole.Charts[i].Text {
			t.Errorf("chart %d says %q, and with more on record %q", i, c.Text, whole.Charts[i].Text)
		}
	}
	for _, m := range whole.Timeline {
		if m.Later != m.At.After(*whole.At) {
			t.Errorf("moment %+v: later is wrong, the stop is at %s", m, whole.At)
		}
	}
}

// TestChronicleBound: however many frames, a chart keeps at most so many
// points, and joining them leaves means.
func TestChronicleBound(t *testing.T) {
	e := story{3 * release.MostPoints, from(10, 3), always(1)}.chronicled(t, release.Safe)
	if len(e.Charts) == 0 {
		t.Fatal("no chart")
	}
	c := e.Charts[0]
	if n := len(c.Times); n > release.MostPoints || n < release.MostPoints/2 || len(c.New) != n || len(c.Stable) != n {
		t.Errorf("%d times, %d and %d points; want the same, at most %d and at least half of it", n, len(c.New), len(c.Stable), release.MostPoints)
	}
	if first := float64(c.New[0]); !math.IsNaN(first) {
		t.Errorf("the new version begins with %v, want no value before its first step", first)
	}
	if last := float64(c.New[len(c.New)-1]); math.Abs(last-0.3) > 0.02 {
		t.Errorf("the new version ends with %v, want about three times 100 ms", last)
	}
	if last := float64(c.Stable[len(c.Stable)-1]); math.Abs(last-0.1) > 0.01 {
		t.Errorf("the stable version ends with %v, want about 100 ms", last)
	}
}

// TestExplainUnknownID: of what the system does not have nothing is said.
func TestExplainUnknownID(t *testing.T) {
	if e, ok := release.NewChronicle(smallSystem(release.Safe)).Explain("r2", release.Summary{}); ok {
		t.Errorf("Explain(r2) = %+v, true", e)
	}
}
