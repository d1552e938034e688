// Package doctable puts tables that tests have measured into documents, so that
// no number there is copied by hand. It is for tests; it changes nothing but
// what stands between the marks of its caller.
package doctable

import (
	"os"
	"strings"
	"testing"
)

// Write puts a table between its marks in a Markdown file, and ends the test
// where the file does not have them:
//
//	<!-- mark -->
//
//	| … |
//
//	<!-- end of mark -->
func Write(t testing.TB, file, mark, table string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+mark+" -->\n", "<!-- end of "+mark+" -->"
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, both := strings.Cut(rest, end)
	if !ok || !both {
		t.Fatalf("%s has no marks %q and %q; put them where the table is to stand", file, begin, end)
	}
	if err := os.WriteFile(file, []byte(head+begin+"\n"+strings.Trim(table, "\n")+"\n\n"+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
