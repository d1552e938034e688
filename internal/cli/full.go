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

	"github.com/foreshock/foreshock/lab"
)

// fullWords are what a full disk is called in what the lab's processes, and
// their database, say before they end.
var fullWords = []string{"no space left on device", "disk quota exceeded", "database or disk is full", "disk I/O error"}

// isFull says whether an error is that of a full disk of this machine. Words
// count of the lab's processes alone: a server elsewhere may lack room too.
func isFull(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true
	}
	p, ok := errors.AsType[*lab.ProcessError](err)
	return ok && slices.ContainsFunc(fullWords, func(w string) bool { return strings.Contains(p.Text, w) })
}

// fullHint says which folder wants room when an error is that of a full disk;
// "" for any other error.
func fullHint(err error) string {
	if !isFull(err) {
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
