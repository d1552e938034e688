// Package normal keeps a memory of normal in a file: read whole, written whole
// or not at all, by many at once: what each has learned is added to what is
// there.
//
// A file that is damaged, too large or of another version is an error that
// says the mend; it is never taken for an empty memory, and never written
// over.
package normal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/google/renameio/v2"

	"github.com/foreshock/foreshock/baseline"
)

// maxSize is the largest file that is read, in bytes: more than the most
// series with the usual names take.
const maxSize = 64 << 20

// Read reads the memory in a file. The error is an [fs.ErrNotExist] where there
// is none.
func Read(path string) (*baseline.Memory, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no memory of normal at %s: %w", path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("read memory of normal: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read memory of normal: %w", err)
	}
	if len(data) > maxSize {
		return nil, fmt.Errorf("%s: not a memory of normal: it is larger than %d MiB; name the file that replay --learn wrote", path, maxSize>>20)
	}
	m, err := baseline.Load(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Add adds lessons to the memory in a file, and returns what is in it then.
// Known is what was in it when the lessons were begun, or added last: what
// others have written since then stays, and nothing counts twice. Where there is
// no file, known is what it begins with.
func Add(path string, lessons []baseline.Lesson, known *baseline.Memory) (now *baseline.Memory, err error) {
	release, err := lock(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	now, err = Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		now, err = baseline.New(baseline.Options{HalfLife: known.HalfLife()}).Merge(known)
	}
	if err != nil {
		return nil, err
	}
	now.Take(lessons, known)
	return now, Write(path, now)
}

// Write writes a memory to a file. Whoever reads it meanwhile, and whoever
// reads it after a crash, finds the old file or the new one.
func Write(path string, m *baseline.Memory) error {
	data, err := m.MarshalBinary()
	if err != nil {
		return err
	}
	if len(data) > maxSize {
		return fmt.Errorf("write memory of normal: it takes %d MiB, and at most %d are read again; use shorter names", len(data)>>20, maxSize>>20)
	}
	if err := renameio.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("write memory of normal: %w", err)
	}
	return nil
}
