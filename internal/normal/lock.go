package normal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/prometheus/tsdb/fileutil"
)

// patience is how long somebody else may take to write: a file is written in
// far less.
const patience = 5 * time.Second

// lock keeps others who lock from a file until release is called. It is a file
// beside it, which stays: taking it away would let two have one each.
func lock(path string) (release func() error, err error) {
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".lock")
	if _, err := os.Stat(filepath.Dir(path)); err != nil { // Flock would make the folder
		return nil, fmt.Errorf("lock memory of normal: %w", err)
	}
	for until := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		l, _, err := fileutil.Flock(name)
		if err == nil {
			return l.Release, nil
		}
		switch {
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return nil, fmt.Errorf("lock memory of normal: %w", err)
		case time.Now().After(until):
			return nil, fmt.Errorf("lock memory of normal: somebody has held %s for %s; end the foreshock that hangs there: %w", name, patience, err)
		}
	}
}
