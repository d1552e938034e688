package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// fullWords are what a full disk is called in errors that come as text: those
// of the lab's processes, and of their database.
var fullWords = []string{"no space left on device", "disk quota exceeded", "database or disk is full", "disk I/O error"}

// fullHint says which folder wants room when an error is that of a full disk;
// "" for any other error.
func fullHint(err error) string {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) &&
		!slices.ContainsFunc(fullWords, func(w string) bool { return strings.Contains(err.Error(), w) }) {
		return ""
	}
	passing := filepath.Clean(os.TempDir()) // where what is on its way waits, and the lab lives
	dir := passing
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		dir = filepath.Dir(at.Path)
	}
	if dir == passing || strings.HasPrefix(dir, filepath.Join(passing, "foreshock-")) {
		return fmt.Sprintf("there is no room left in %s, where what is on its way is kept; free some there (df -h %[1]s), or set TMPDIR to a folder on another disk", passing)
	}
	return fmt.Sprintf("there is no room left in %s; free some there (df -h %[1]s), or name a folder on another disk", dir)
}
