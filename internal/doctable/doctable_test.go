package doctable_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/foreshock/foreshock/internal/doctable"
)

// TestWrite: what stands outside the marks stays, and to write a table twice
// is to write it once.
func TestWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.md")
	if err := os.WriteFile(file, []byte("before\n<!-- a -->\nold\n<!-- end of a -->\n<!-- b -->\nother\n<!-- end of b -->\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "before\n<!-- a -->\n\n| 1 |\n\n<!-- end of a -->\n<!-- b -->\nother\n<!-- end of b -->\nafter\n"
	for _, table := range []string{"| 1 |", "| 1 |\n"} {
		doctable.Write(t, file, "a", table)
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("Write(%q) leaves %q, %v; want %q", table, got, err, want)
		}
	}
}
