package cli

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/cli/demo"
	"github.com/foreshock/foreshock/lab"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// anUpdate is the third step of a story that will fail at 70 %.
func anUpdate(t *testing.T) (showing, demo.Update) {
	t.Helper()
	f, err := lab.Find("n-plus-one")
	if err != nil {
		t.Fatal(err)
	}
	a := &release.Assessment{
		Verdict: "hold", Phase: "observe", Sentence: "Hold shop before the step to 70 %: the next step would break it.",
		Predictions: []release.Prediction{{Kind: "fails-at", Signal: "db pool", Service: "db", Weight: &release.Quantiles{P10: 60, P50: 70, P90: 81}}},
		Ladder:      []release.Climbed{{Rung: "latency"}},
		Next:        &release.Next{Rung: "errors", In: &release.Durations{P10: "5s", P50: "20s", P90: "1m"}},
	}
	u := demo.Update{
		Stage: demo.Rolling, Elapsed: 65 * time.Second, Weight: 0.4, Step: 3, Plan: []float64{0.1, 0.25, 0.4, 0.7, 1},
		NextIn: 4 * time.Second, Assessment: a, Callers: demo.Callers{Sent: 99, Slow: 1},
		Gauges: []demo.Gauge{
			{Name: "p99 latency", Unit: signal.ParseUnit("s"), New: []float64{0.1, 0.12, 0.18}, Old: []float64{0.1, 0.1, 0.1}, Limit: math.NaN()},
			{Name: "database pool", Unit: signal.ParseUnit("ratio"), Old: []float64{0.2, 0.4, 0.6}, Limit: 1, Shared: true},
			{Name: "nothing yet", Unit: signal.ParseUnit("s"), New: []float64{math.NaN()}, Limit: math.NaN()},
		},
	}
	return showing{Options: demo.Options{Fault: f}}, u
}

func TestDrawDemo(t *testing.T) {
	o, u := anUpdate(t)
	text := drawDemo(screen{width: 80}, o, u).fit(0)
	for _, want := range []string{
		"shop v1 → v2   ████████████░░░░░░░░┆×××××××××  40 %  step 3/5   01:05",
		"॥ HOLD   phase observe",
		"p99 latency     180 ms          100 ms          ▁▂█",
		"database pool   60 %            of both         ▁▅█ of 100 %",
		"fails at about 70 % of the traffic (60 to 81): db pool of db",
		"errors in about 20s (5s to 1m)",
		"callers: 99 requests in a second, 0 failed, 1 slow · 70 % in 4 s",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the screen lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "nothing yet") {
		t.Errorf("the screen shows a signal without a value:\n%s", text)
	}
	for line := range strings.SplitSeq(text, "\n") {
		if n := len([]rune(line)); n > 80 {
			t.Errorf("a line has %d columns, want 80 at most: %s", n, line)
		}
	}
	u.Assessment.Weight = 70
	if text := drawDemo(screen{width: 80}, o, u).fit(0); !strings.Contains(text, "fails at this share of the traffic: db pool of db is at its limit by now") || strings.Contains(text, "about 70 %") {
		t.Errorf("with a limit that is met the screen says\n%s", text)
	}
	u.Waits = true
	if text := drawDemo(screen{width: 80}, o, u).fit(0); !strings.Contains(text, "The step to 70 % waits for a promote; without one it is stopped soon.") {
		t.Errorf("while it waits the screen says\n%s", text)
	}
	u.Strained = true
	text = drawDemo(screen{width: 80}, o, u).fit(0)
	if !strings.Contains(text, "UNKNOWN") || !strings.Contains(text, "too busy to tell") {
		t.Errorf("on a busy machine the screen says\n%s", text)
	}
}

// TestDrawDemoSmall holds that whatever the size of the terminal nothing is
// wider or longer than it, the verdict and its whole sentence are there, and
// what there is room for.
func TestDrawDemoSmall(t *testing.T) {
	for _, tt := range []struct {
		width, height int
		want, lacks   []string
	}{
		{100, 40, []string{"p99 latency", "fails at", "next ", "callers: 99 requests in a second", "▁▂█"}, nil},
		{80, 24, []string{"p99 latency", "fails at", "next ", "callers: 99 requests in a second", "▁▂█"}, nil},
		{60, 15, []string{"p99 latency", "fails at", "ladder", "callers: 99/s", "▁▂█"}, []string{"requests in a second"}},
		{60, 10, []string{"step 3/5", "fails at", "q quits"}, []string{"database pool"}},
		{60, 4, nil, []string{"fails at"}},
		{40, 15, []string{"fails at", "q quits"}, []string{"callers"}},
	} {
		for _, stage := range []demo.Stage{demo.Rolling, demo.Stopped} {
			o, u := anUpdate(t)
			u.Stage = stage
			s := screen{width: tt.width}
			text := drawDemo(s, o, u).fit(tt.height)
			if n := strings.Count(text, "\n") + 1; n > tt.height {
				t.Errorf("%d × %d: it has %d lines", tt.width, tt.height, n)
			}
			flat := strings.Join(strings.Fields(text), " ")
			for _, want := range append([]string{"॥ HOLD", u.Assessment.Sentence}, tt.want...) {
				if !strings.Contains(flat, strings.TrimSpace(want)) {
					t.Errorf("%d × %d: it lacks %q:\n%s", tt.width, tt.height, want, text)
				}
			}
			for _, lacks := range tt.lacks {
				if strings.Contains(text, lacks) {
					t.Errorf("%d × %d: it has %q:\n%s", tt.width, tt.height, lacks, text)
				}
			}
			for line := range strings.SplitSeq(text, "\n") {
				if n := len([]rune(line)); n > tt.width && tt.width >= leastWidth {
					t.Errorf("%d × %d: a line has %d columns: %s", tt.width, tt.height, n, line)
				}
			}
		}
	}
}

// TestTruth compares what was foretold with what was counted, by hand.
func TestTruth(t *testing.T) {
	o, _ := anUpdate(t)
	tell := &teller{o: o}
	steps := []float64{0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1}
	foretold := func(p10, p50, p90 release.Number) *release.Prediction {
		return &release.Prediction{Weight: &release.Quantiles{P10: p10, P50: p50, P90: p90}}
	}
	for _, tt := range []struct {
		fails    float64
		foretold *release.Prediction
		want     string
	}{
		{0.7, foretold(60, 68, 80), ": as foretold."},
		{0.7, foretold(60, 75, 80), ": inside the interval that was foretold."},
		{0.7, foretold(80, 85, 95), ": outside what was foretold."},
		{0.7, nil, "No percent was foretold."},
		{0, foretold(60, 75, 80), "it never failed"},
		{0.1, nil, "it failed at the step to 10 %. No"},
	} {
		if got := tell.truth(&demo.Result{Steps: steps, FailsAt: tt.fails, Foretold: tt.foretold}); !strings.Contains(got, tt.want) {
			t.Errorf("it fails at %v: %q, want %q", tt.fails, got, tt.want)
		}
	}
}

// TestLeftText holds that who leaves a demo is told where it stood, and what was said.
func TestLeftText(t *testing.T) {
	_, u := anUpdate(t)
	text := leftText(screen{width: 80}, u)
	for _, want := range []string{"You left before the end, at 40 %.", "Said last: Hold shop before the step to 70 %"} {
		if !strings.Contains(text, want) {
			t.Errorf("who leaves is told\n%s\nwant %q", text, want)
		}
	}
	if text := leftText(screen{width: 80}, demo.Update{}); strings.Contains(text, "%") || strings.Contains(text, "Said") {
		t.Errorf("who leaves at once is told\n%s", text)
	}
}

// TestEndOfLookAlike holds that a demo of a look-alike says when it was stopped for
// nothing, and does not lay to it what its callers suffered.
func TestEndOfLookAlike(t *testing.T) {
	f, err := lab.Find("incident-elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	o := showing{Options: demo.Options{Fault: f, Steps: []float64{0.1}}}
	(&teller{app: &app{stdout: &out}, o: o}).end(&demo.Result{
		Frames: 1, Steps: []float64{0.1}, Stopped: &demo.Stop{Weight: 0.1}, Harm: lab.Harm{Total: 2713},
	})
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"2,713 requests failed or were slow, which was not its doing", "it was stopped for nothing"} {
		if !strings.Contains(text, want) {
			t.Errorf("it ends with\n%s\nwant %q", text, want)
		}
	}
}
