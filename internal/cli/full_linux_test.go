package cli

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestRecordFull fills a disk with half a recording: nothing of it stays, and
// what stood in the folder before does.
func TestRecordFull(t *testing.T) {
	disk := smallDisk(t)
	dir := filepath.Join(disk, "rec")
	samples := func(size int) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.CopyN(w, rand.NewChaCha8([32]byte{}), int64(size))
			return err
		}
	}
	if err := writeRecording(dir, []byte("x"), samples(1<<20)); !errors.Is(err, syscall.ENOSPC) || fullHint(err) == "" {
		t.Errorf("a recording that does not fit: %v, want that there is no space left", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there (%v)", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeRecording(dir, make([]byte, 1<<20), samples(10)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a description that does not fit: %v, want that there is no space left", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 || files[0].Name() != "notes" {
		t.Errorf("there are %v (%v), want the notes alone", files, err)
	}
	if err := writeRecording(dir, []byte("x"), samples(10)); err != nil {
		t.Errorf("a recording that fits: %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 3 {
		t.Errorf("there are %v (%v), want the notes and a recording", files, err)
	}
}

// smallDisk mounts a file system of 64 KiB, until the test ends.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mount a small disk: %v; that takes root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount the small disk: %v", err)
		}
	})
	return dir
}
