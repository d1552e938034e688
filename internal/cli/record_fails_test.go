package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestRecordFails: what is written before recording fails is taken away again,
// and what was there stays.
func TestRecordFails(t *testing.T) {
	broken := errors.New("no samples")
	fails := func(w io.Writer) error {
		_, err := io.WriteString(w, "half")
		return errors.Join(err, broken)
	}
	fits := func(io.Writer) error { return nil }
	for _, tt := range []struct {
		name    string
		there   []string // nil: not even the folder
		save    func(io.Writer) error
		refused bool
		left    []string // nil: not even the folder
	}{
		{"a folder of ours", nil, fails, false, nil},
		{"an empty folder", []string{}, fails, false, []string{}},
		{"a folder with notes", []string{"notes"}, fails, false, []string{"notes"}},
		{"metrics that are not ours", []string{metricsOut}, fails, true, []string{metricsOut}},
		{"a description that is not ours", []string{described}, fits, true, []string{described}},
		{"plain metrics", []string{"metrics.om"}, fails, true, []string{"metrics.om"}},
	} {
		dir := filepath.Join(t.TempDir(), "rec")
		if tt.there != nil {
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range tt.there {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("theirs"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := unused(dir); (err != nil) != tt.refused {
			t.Errorf("%s: refused with %v, want that: %v", tt.name, err, tt.refused)
		}
		if err := writeRecording(dir, []byte("x"), tt.save); err == nil {
			t.Errorf("%s: it is written", tt.name)
		}
		var left []string
		files, err := os.ReadDir(dir)
		if err == nil {
			left = []string{}
		}
		for _, f := range files {
			left = append(left, f.Name())
			if text, err := os.ReadFile(filepath.Join(dir, f.Name())); err != nil || string(text) != "theirs" {
				t.Errorf("%s: %s holds %q (%v)", tt.name, f.Name(), text, err)
			}
		}
		if (left == nil) != (tt.left == nil) || !slices.Equal(left, tt.left) {
			t.Errorf("%s: there are %q, want %q", tt.name, left, tt.left)
		}
	}
}
