package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/foreshock/foreshock/backtest"
	"github.com/foreshock/foreshock/backtest/peer"
	"github.com/foreshock/foreshock/internal/doctable"
	"github.com/foreshock/foreshock/internal/recording"
)

// TestScores holds what we and other tools would have done to the releases
// that come with Foreshock, and the table of where those of the corpus fail;
// -update rewrites the files.
func TestScores(t *testing.T) {
	for _, tt := range []struct {
		name, folder, policy, golden string
	}{
		{"examples", "../../examples/recordings", "", "testdata/SCORES.golden"},
		{"corpus", "../../corpus", "../../corpus/policy.yaml", "../../corpus/SCORES.golden"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "corpus" && (raced || testing.Short()) {
				t.Skip("90 recordings take long")
			}
			o := Scoring{Against: peer.Names()}
			if tt.policy != "" {
				p, err := recording.LoadPolicy(tt.policy)
				if err != nil {
					t.Fatal(err)
				}
				o.Policy = &p
			}
			scores, err := Scores(t.Context(), []string{tt.folder}, o)
			if err != nil {
				t.Fatal(err)
			}
			holdGolden(t, tt.golden, backtest.Golden(scores))
			if tt.name == "corpus" {
				holdTable(t, "../../docs/method/record.md", "failing", backtest.FailingTable(scores))
			}
		})
	}
}

// holdTable holds the table between the marks of a document.
func holdTable(t *testing.T, file, mark, table string) {
	t.Helper()
	if *update {
		doctable.Write(t, file, mark, table)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- "+mark+" -->\n")
	have, _, _ := strings.Cut(rest, "<!-- end of "+mark+" -->")
	if d := cmp.Diff(strings.TrimSpace(have), strings.TrimSpace(table)); d != "" {
		t.Errorf("the table %q of %s is another; if that is meant run 'make golden' and read the diff (-want +got):\n%s", mark, file, d)
	}
}

func holdGolden(t *testing.T, golden, got string) {
	t.Helper()
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
