package cli

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// session is a block of the README that shows a command and what it prints.
var session = regexp.MustCompile("(?s)```(?:console|text)\n\\$ foreshock ([^\n]*)\n(.*?)```\n")

// TestReadme runs the sessions in README.md and compares what they print;
// with -update it writes it there.
func TestReadme(t *testing.T) {
	t.Chdir("../..")
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	got := session.ReplaceAllStringFunc(string(text), func(block string) string {
		parts := session.FindStringSubmatch(block)
		var stdout, stderr bytes.Buffer
		Main(t.Context(), strings.Fields(parts[1]), &stdout, &stderr)
		if stderr.Len() > 0 {
			t.Errorf("foreshock %s: %s", parts[1], stderr.String())
		}
		fence, _, _ := strings.Cut(block, "\n")
		return fence + "\n$ foreshock " + parts[1] + "\n" + stdout.String() + "```\n"
	})
	if *update {
		if err := os.WriteFile("README.md", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if got != string(text) {
		t.Errorf("README.md shows other sessions than foreshock prints; run 'make golden' and read the diff")
	}
	if n := strings.Count(got, "\n"); n > 100 {
		t.Errorf("README.md has %d lines; want at most 100", n)
	}
}
