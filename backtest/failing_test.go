package backtest

import (
	"math"
	"testing"

	"github.com/foreshock/foreshock/release"
)

// TestFailingTable: each release with a known weight of failure has a line, in
// the order of names, and whether it was said, and right, stands there.
func TestFailingTable(t *testing.T) {
	score := func(name string, failsAt float64, words ...release.Prediction) Score {
		j := NewJudge(name, rollout(0.25, 0.5, 0.75), Truth{Faulty: []string{"cart"}, FailsAt: failsAt})
		for k, w := range words {
			j.Add(said(12+float64(k), w))
		}
		j.Add(said(60))
		s := j.Score(release.Summary{})
		s.Split = Tune
		return s
	}
	why := release.Prediction{Kind: FailsAt, Signal: "memory", Probability: nan(), Reason: "not identifiable yet"}
	right, wrong := failsAt(0.9, 40, 55, 70), failsAt(0.9, 10, 20, 30)
	right.Signal, wrong.Signal = "memory", "errors"
	got := FailingTable([]Score{
		score("e-healthy", math.NaN(), right),
		score("d-both", 0.75, right),
		score("c-turned", 0.75, wrong, right),
		score("b-why", 0.75, why),
		score("a2-nothing", 0.75),
		score("a1-at-once", 0.25),
	})
	const want = `| recording | half | fails at | said first, and when | said last | |
|---|---|---|---|---|---|
| a1-at-once | tune | 25 % | not said: it fails in its first step |  |  |
| a2-nothing | tune | 75 % | not said: nothing with a limit was seen to answer to the share |  |  |
| b-why | tune | 75 % | not said: not identifiable yet |  |  |
| c-turned | tune | 75 % | 20 % (10 to 30) by errors, at 0 % and 18m0s before | 55 % (40 to 70) by memory | right, the first wrong |
| d-both | tune | 75 % | 55 % (40 to 70) by memory, at 0 % and 18m0s before | 55 % (40 to 70) by memory | right |

Said of 2, the last word right of 2 of them; not said of 3.
`
	if got != want {
		t.Errorf("FailingTable =\n%s, want\n%s", got, want)
	}
}
