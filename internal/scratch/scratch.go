// Package scratch makes temporary folders that do not outlive their program
// for long: what one leaves behind that was killed, the next one removes.
package scratch

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/prometheus/tsdb/fileutil"
)

// lockName is the file by whose lock the owner of a folder is known to live,
// also where processes are numbered otherwise, as in another container.
const lockName = ".foreshock-lock"

// young is how old a folder is at most that may not have its lock yet.
const young = time.Minute

// A Folder is a temporary folder that is in use.
type Folder struct {
	Path string
	lock fileutil.Releaser
}

// New makes a folder in [os.TempDir], named after what it is for: "tsdb".
// Folders of programs that are gone are removed first.
func New(what string) (*Folder, error) {
	sweep()
	path, err := os.MkdirTemp("", "foreshock-"+what+"-")
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what the folder was for
	}
	lock, _, err := fileutil.Flock(filepath.Join(path, lockName))
	if err != nil {
		_ = os.RemoveAll(path)
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &Folder{Path: path, lock: lock}, nil
}

// Remove removes the folder and all that is in it.
func (f *Folder) Remove() error {
	_ = f.lock.Release() // where files that are open cannot be removed, it must be closed
	return os.RemoveAll(f.Path)
}

// sweep removes the folders whose owners are gone. What cannot be removed
// stays: it may be another user's.
func sweep() {
	locks, _ := filepath.Glob(filepath.Join(os.TempDir(), "foreshock-*", lockName))
	for _, path := range locks {
		if at, err := os.Stat(path); err != nil || time.Since(at.ModTime()) < young {
			continue
		}
		lock, _, err := fileutil.Flock(path)
		if err != nil {
			continue // in use
		}
		_ = lock.Release()
		_ = os.RemoveAll(filepath.Dir(path))
	}
}
