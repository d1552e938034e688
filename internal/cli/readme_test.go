package cli

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// session is a block of a page that shows a command and what it prints.
var session = regexp.MustCompile("(?s)```(?:console|text)\n\\$ foreshock ([^\n]*)\n(.*?)```\n")

// TestSessions runs the sessions in these pages and compares what they print;
// with -update it writes it there.
func TestSessions(t *testing.T) {
	t.Chdir("../..")
	for page, most := range map[string]int{"README.md": 100, "docs/how-to/simulate.md": 400} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		got := session.ReplaceAllStringFunc(string(text), func(block string) string {
			parts := session.FindStringSubmatch(block)
			var stdout, stderr bytes.Buffer
			Main(t.Context(), strings.Fields(parts[1]), &stdout, &stderr)
			if stderr.Len() > 0 {
				t.Errorf("%s: foreshock %s: %s", page, parts[1], stderr.String())
			}
			fence, _, _ := strings.Cut(block, "\n")
			return fence + "\n$ foreshock " + parts[1] + "\n" + stdout.String() + "```\n"
		})
		if *update {
			if err := os.WriteFile(page, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if got != string(text) {
			t.Errorf("%s shows other sessions than foreshock prints; run 'make golden' and read the diff", page)
		}
		if n := strings.Count(got, "\n"); n > most {
			t.Errorf("%s has %d lines; want at most %d", page, n, most)
		}
	}
}
