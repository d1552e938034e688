package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/foreshock/foreshock/lab"
)

func TestFullHint(t *testing.T) {
	t.Setenv("TMPDIR", "/passing/")
	at := func(path string) error {
		return fmt.Errorf("record into %s: %w", path, &fs.PathError{Op: "write", Path: path, Err: syscall.ENOSPC})
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{at("/data/rec/metrics.om.zst"), "there is no room left in /data/rec; free some there (df -h /data/rec), or name a folder on another disk"},
		{at("/passing/rec/metrics.om.zst"), "there is no room left in /passing/rec; "},
		{at("/passing/foreshock-tsdb-1/wal"), "there is no room left in /passing, where what is on its way is kept; free some there (df -h /passing), or set TMPDIR to a folder on another disk"},
		{errors.Join(errors.New("first"), syscall.EDQUOT), "there is no room left in /passing, "},
		{fmt.Errorf("lab: %w", &lab.ProcessError{Process: "db db-0", Text: "prepare the orders: disk I/O error (778)"}), "there is no room left in /passing, "},
		{&lab.ProcessError{Process: "db db-0", Text: "it ended at once"}, ""},
		{errors.New("query at 10:00:00: no space left on device (HTTP 500)"), ""}, // the disk of a server elsewhere
		{&fs.PathError{Op: "open", Path: "/data/rec", Err: syscall.EACCES}, ""},
	} {
		if got := fullHint(tt.err); !strings.HasPrefix(got, tt.want) || (tt.want == "") != (got == "") {
			t.Errorf("fullHint(%v):\n got %s\nwant %s", tt.err, got, tt.want)
		}
	}
	var stderr strings.Builder
	if code := (&app{stderr: &stderr}).complain(at("/data/rec/x")); code != exitError || !strings.Contains(stderr.String(), "\nhint: there is no room left in /data/rec; ") {
		t.Errorf("complain exits %d and says\n%s", code, stderr.String())
	}
	stderr.Reset()
	own := &adviceError{msg: "start db: no space left on device", mend: "what it says itself"}
	if (&app{stderr: &stderr}).complain(errors.Join(own, syscall.ENOSPC)); !strings.HasSuffix(stderr.String(), "\nhint: what it says itself\n") {
		t.Errorf("an error with a mend of its own says\n%s", stderr.String())
	}
}
