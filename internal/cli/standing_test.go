package cli

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/foreshock/foreshock/backtest"
	"github.com/foreshock/foreshock/backtest/peer"
	"github.com/foreshock/foreshock/release"
)

// TestForetold: predictions of where a release fails stand one by one beside
// the truth.
func TestForetold(t *testing.T) {
	nan := release.Number(math.NaN())
	score := func(name string, held, truth, p10, p50, p90 release.Number, right bool) backtest.Score {
		return backtest.Score{
			Recording: name, Counted: true, Nobody: 12345, Split: backtest.Tune,
			Subjects: []backtest.Subject{{
				ID: "cart", Bad: true, Exposure: nan, Delay: nan, Culprit: nan, FailsAt: truth, FailsLater: true,
				Foretold: &backtest.Foretold{Weight: 30, Signal: "latency", P10: p10, P50: p50, P90: p90, From: held, To: truth, Right: right},
			}},
		}
	}
	scores := []backtest.Score{score("leak", 55, 55, 40, 50, 60, true), score("queue", 60, 80, 40, 50.5, 60, false), score("pool", 50, 75, 43.5, 54.5, 66.2, true), score("cpu", 0, 25, 20, 30, 40, true)}
	text := screen{width: plainWidth}.backtest(scored{Recordings: scores, Total: backtest.Sum(scores), Harm: backtest.Compare(scores)})
	for _, want := range []string{
		"fails-at: right within its 80 %   3 of 4 (75 %)\n",
		"  leak: said at 30 % that it fails at 50 (40 to 60) %; it fails at 55 %\n",
		"  queue: said at 30 % that it fails at 50.5 (40 to 60) %; it held at 60 % and\n  failed at 80 % ✖\n",
		"  pool: said at 30 % that it fails at 54.5 (43.5 to 66.2) %; it held at 50 %\n  and failed at 75 %\n",
		"it failed in its first\n  step, of 25 %\n",
		"in all                        49,380",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report has no %q:\n%s", want, text)
		}
	}
}

// TestComparedFits: with every tool there is, and names that are long, no line
// has more than a hundred columns.
func TestComparedFits(t *testing.T) {
	scores, err := Scores(t.Context(), []string{"../../examples/recordings"}, Scoring{Against: peer.Names()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range scores {
		scores[i].Recording += strings.Repeat("-long", 8)
		scores[i].Fault += strings.Repeat(" long", 8)
		scores[i].Counted, scores[i].Nobody = true, 123456
		for k := range scores[i].Policies {
			scores[i].Policies[k].Harmed = 123456
		}
	}
	text := screen{width: plainWidth}.backtest(scored{Recordings: scores, Total: backtest.Sum(scores), Harm: backtest.Compare(scores)})
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > mostWidth {
			t.Errorf("%d columns, want at most %d: %s", n, mostWidth, line)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 999.4: "999", 1000: "1,000", 1234567: "1,234,567", math.NaN(): "-"} {
		if got := thousands(release.Number(n)); got != want {
			t.Errorf("thousands(%v) = %s, want %s", n, got, want)
		}
	}
}

func TestWaited(t *testing.T) {
	for _, tt := range []struct {
		delay backtest.Delay
		want  string
	}{
		{backtest.Delay{}, "none to tell from"},
		{backtest.Delay{Steps: 4, Censored: 1, Median: 90}, "1m30s (1 of 4 steps without a promote before the next)"},
		{backtest.Delay{Steps: 4, Censored: 3, Median: release.Number(math.NaN())}, "longer than the steps (3 of 4 steps without a promote before the next)"},
	} {
		if got := waited(tt.delay); got != tt.want {
			t.Errorf("waited(%+v) = %q, want %q", tt.delay, got, tt.want)
		}
	}
}
