package scratch_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/scratch"
)

// TestMain is also the program that is killed: it makes a folder, says where,
// and waits for the end of its input.
func TestMain(m *testing.M) {
	if os.Getenv("SCRATCH_OWNER") == "" {
		os.Exit(m.Run())
	}
	f, err := scratch.New("test")
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString(f.Path + "\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// owner starts a program with a folder of its own, aged by an hour, and
// returns the folder and what kills the program.
func owner(t *testing.T) (folder string, kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "SCRATCH_OWNER=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); _ = in.Close() }
	t.Cleanup(kill)
	line := make([]byte, 4096)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	folder = strings.TrimSpace(string(line[:n]))
	old := time.Now().Add(-time.Hour)
	locks, err := filepath.Glob(filepath.Join(folder, ".*"))
	if err != nil || len(locks) != 1 {
		t.Fatalf("files %q, %v; want one lock", locks, err)
	}
	if err := os.Chtimes(locks[0], old, old); err != nil {
		t.Fatal(err)
	}
	return folder, kill
}

func there(path string) bool { _, err := os.Stat(path); return err == nil }

// TestKilled holds that the folder of a program that was killed is removed by
// the next one, and that of a living one is not.
func TestKilled(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dead, kill := owner(t)
	kill()
	alive, _ := owner(t)
	foreign := filepath.Join(os.TempDir(), "foreshock-of-somebody")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := scratch.New("test")
	if err != nil {
		t.Fatal(err)
	}
	if there(dead) || !there(alive) || !there(foreign) || !there(f.Path) {
		t.Errorf("killed: %t, alive: %t, foreign: %t, own: %t; want all but the killed one's folder", there(dead), there(alive), there(foreign), there(f.Path))
	}
	if err := f.Remove(); err != nil || there(f.Path) {
		t.Errorf("removed: %v, still there: %t", err, there(f.Path))
	}
}
