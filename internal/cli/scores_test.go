package cli

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/foreshock/foreshock/backtest"
	"github.com/foreshock/foreshock/backtest/peer"
)

// TestScores holds what we and other tools would have done to the releases
// that come with Foreshock; -update rewrites the file.
func TestScores(t *testing.T) {
	const golden = "testdata/SCORES.golden"
	scores, err := Scores(t.Context(), []string{"../../examples/recordings"}, Scoring{Against: peer.Names()})
	if err != nil {
		t.Fatal(err)
	}
	got := backtest.Golden(scores)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("the scores are not those of %s; if that is meant run 'make golden' and read the diff (-want +got):\n%s", golden, d)
	}
}
