package normal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/foreshock/foreshock/baseline"
	"github.com/foreshock/foreshock/internal/normal"
	"github.com/foreshock/foreshock/signal"
)

func memory(t *testing.T) (*baseline.Memory, []byte) {
	t.Helper()
	m := baseline.New(baseline.Options{})
	for k := range 400 {
		m.Learn("shop", "latency", time.Date(2026, 3, 2, k, 0, 0, 0, time.UTC), 0.1, time.Hour)
	}
	data, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return m, data
}

// TestWriteRead holds that what is written is read back, over an older file
// too, and that nothing else is left in the folder.
func TestWriteRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "foreshock.normal")
	m, want := memory(t)
	for range 2 {
		if err := normal.Write(path, m); err != nil {
			t.Fatal(err)
		}
		back, err := normal.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := back.MarshalBinary(); !bytes.Equal(got, want) {
			t.Errorf("%d bytes were written and %d others read", len(want), len(got))
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files in the folder (%v), want one", len(entries), err)
	}
}

// TestReadErrors holds that faults are told apart, name the file and say the
// mend.
func TestReadErrors(t *testing.T) {
	_, good := memory(t)
	for _, tt := range []struct {
		name, want string
		data       []byte
	}{
		{"damaged", "move it away and let it be learned anew", append(bytes.Clone(good[:len(good)-1]), 7)},
		{"cut short", "move it away and let it be learned anew", good[:len(good)/2]},
		{"another file", "name the file that replay --learn wrote", []byte("spec:\n")},
	} {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, tt.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := normal.Read(path); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want an error that names %s and says %q", tt.name, err, path, tt.want)
		}
	}
	if _, err := normal.Read(filepath.Join(t.TempDir(), "x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v, want one that is fs.ErrNotExist", err)
	}
}

// TestWriteLeavesTheOld holds that a failed write changes nothing.
func TestWriteLeavesTheOld(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	m, _ := memory(t)
	if err := normal.Write(path, m); err == nil || !strings.Contains(err.Error(), "write memory of normal") {
		t.Errorf("write over a folder: %v, want an error", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files after a failed write, want what was there", len(entries))
	}
}

// lessons are four hours of the latency of a service.
func lessons(service string, onto *baseline.Memory) []baseline.Lesson {
	names := baseline.Names{Services: []string{service}, Signals: []signal.Signal{{Name: "latency", Unit: signal.ParseUnit("s")}}}
	l := baseline.NewLearner(onto, names, time.Minute)
	for k := range 300 {
		r := signal.Missing(signal.Present, "")
		r.Value, r.Age = 0.1, time.Hour
		l.Add(signal.Frame{
			At:    time.Date(2026, 3, 2, 0, k, 0, 0, time.UTC),
			Cells: []signal.Cell{{Release: -1, Cohort: signal.Whole, Readings: []signal.Reading{r}}},
		}, true)
	}
	return l.Lessons()
}

// TestAddTogether holds that what many learn at the same time is all in the file.
func TestAddTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "foreshock.normal")
	var all sync.WaitGroup
	for k := range 8 {
		all.Go(func() {
			empty := baseline.New(baseline.Options{})
			learned := lessons(fmt.Sprint("service-", k), baseline.New(baseline.Options{}))
			if _, err := normal.Add(path, learned, empty); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	m, err := normal.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for k := range 8 {
		if h := m.Hours(fmt.Sprint("service-", k), "latency"); h < 3 {
			t.Errorf("of service-%d are %v hours in the file; want those it learned", k, h)
		}
	}
}

// TestAddErrors holds that a folder that is not there is not made, and that a
// file that is damaged is not written over.
func TestAddErrors(t *testing.T) {
	dir, empty := t.TempDir(), baseline.New(baseline.Options{})
	if _, err := normal.Add(filepath.Join(dir, "nowhere", "x"), nil, empty); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v; want fs.ErrNotExist", err)
	}
	path := filepath.Join(dir, "x")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := normal.Add(path, nil, empty); err == nil {
		t.Error("no error for a file that is something else")
	}
	if data, _ := os.ReadFile(path); string(data) != "mine" {
		t.Errorf("the file is now %q", data)
	}
}
