package cli

import (
	"math"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/simulate"
)

// inferredOnes are predictions where a release fails by no limit that somebody
// set: one whose weight is known, and one whose is not.
func inferredOnes() (known, weak release.Prediction) {
	known = release.Prediction{
		Kind: "fails-at", Signal: "latency:p50", Service: "db", Probability: 0.9, Weight: &release.Quantiles{P10: 60, P50: 68, P90: 80},
		Text: "db full at about 68 % (60 to 80) of the traffic, 90 % likely by 100 %; by its requests", Record: &release.Past{Right: 3, Of: 4},
	}
	weak = release.Prediction{
		Kind: "fails-at", Signal: "latency:p50", Service: "db", Probability: release.Number(math.NaN()),
		Text: "db full at some share of the traffic; by its requests", Reason: "not identifiable yet: needs a signal",
	}
	return known, weak
}

// TestInferredRows: what is inferred is told in its own words, by a replay, by
// what was foretold of a simulation and on the screen of a demo.
func TestInferredRows(t *testing.T) {
	known, weak := inferredOnes()
	const knownRow = "db full at about 68 % (60 to 80) of the traffic, 90 % likely by 100 %; by its requests; right 3 of 4 times so far"
	for want, p := range map[string]release.Prediction{
		"ahead " + knownRow: known,
		"ahead db full at some share of the traffic; by its requests; not identifiable yet: needs a signal": weak,
	} {
		r := &report{}
		r.ahead(&release.Assessment{Service: "shop", Predictions: []release.Prediction{p}})
		if got := strings.Join(strings.Fields(r.String()), " "); got != want {
			t.Errorf("rows of a replay %q, want %q", got, want)
		}
	}
	a := release.Assessment{Service: "shop", Predictions: []release.Prediction{weak, known}}
	if got := (&simulated{at: moments{last: &a}, breaks: simulate.Break{Harmed: true, Weight: 0.7}}).foretold(0.02); got != knownRow {
		t.Errorf("a simulation foretold %q, want %q", got, knownRow)
	}
	p := &page{screen: screen{width: 80}}
	drawAhead(p, &a)
	if got := strings.Join(strings.Fields(p.String()), " "); got != "fails at "+knownRow {
		t.Errorf("a demo draws %q, want %q", got, "fails at "+knownRow)
	}
}
