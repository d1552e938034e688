package engine_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/internal/tsdb"
	"github.com/foreshock/foreshock/signal"
)

// recordings returns the folders of real recordings, which are not part of
// this repository.
func recordings(t testing.TB, pattern string) []string {
	t.Helper()
	root := os.Getenv("FORESHOCK_RECORDINGS")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data", "recordings")
	}
	dirs, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(dirs) == 0 {
		t.Skipf("no recordings %s; set FORESHOCK_RECORDINGS to a folder that holds some", filepath.Join(root, pattern))
	}
	return dirs
}

// replay returns every frame of a recording.
func replay(ctx context.Context, dir string) (*engine.Source, []signal.Frame, error) {
	rec, err := recording.Load(dir)
	if err != nil {
		return nil, nil, err
	}
	db, err := tsdb.Open(ctx, rec.Metrics, tsdb.Options{LookBack: rec.LookBack()})
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	src, err := engine.New(ctx, db, rec.System, engine.Options{Start: rec.Start, End: rec.End})
	if err != nil {
		return nil, nil, err
	}
	var frames []signal.Frame
	for f, err := range src.Frames(ctx) {
		if err != nil {
			return nil, nil, err
		}
		frames = append(frames, f)
	}
	return src, frames, nil
}

func TestRecordings(t *testing.T) {
	for _, dir := range recordings(t, "*") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			src, frames, err := replay(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			present := map[string]int{}
			for _, f := range frames {
				for _, c := range f.Cells {
					for _, r := range c.Readings {
						if r.Presence == signal.Present {
							present[src.System().Signals[c.Signal].Name]++
						}
					}
				}
			}
			for _, s := range src.System().Signals {
				// In some shops nothing that is released calls anything.
				if present[s.Name] == 0 && s.Name != "downstream_errors" {
					t.Errorf("signal %s has no reading in %d frames", s.Name, len(frames))
				}
			}
			t.Logf("%d frames, %d cells, %v, warnings %v", len(frames), len(frames[0].Cells), present, src.Warnings())
		})
	}
}

// TestRecordingsNoLookAhead holds the law on real data: half a recording
// gives the first half of its frames.
func TestRecordingsNoLookAhead(t *testing.T) {
	for _, name := range []string{"shop-22-06", "crash-05", "cause-orders-mem-1"} {
		dir := recordings(t, name)[0]
		rec, err := recording.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		middle := rec.Start.Add(rec.End.Sub(rec.Start) / 2)
		db, err := tsdb.Read(t.Context(), strings.NewReader(until(t, rec.Metrics, middle)), name, tsdb.Options{LookBack: rec.LookBack()})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		src, err := engine.New(t.Context(), db, rec.System, engine.Options{Start: rec.Start, End: middle})
		if err != nil {
			t.Fatal(err)
		}
		half := collect(t, src)
		_, all, err := replay(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%+v", half) != fmt.Sprintf("%+v", all[:len(half)]) {
			t.Errorf("%s: the first %d frames depend on what comes after them", name, len(half))
		}
	}
}

// until returns the text of metrics with no sample after an instant.
func until(t *testing.T, path string, end time.Time) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for in := bufio.NewScanner(z); in.Scan(); {
		line := in.Text()
		if !strings.HasPrefix(line, "#") {
			at, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
			if err != nil {
				t.Fatal(err)
			}
			if at > float64(end.Unix()) {
				continue
			}
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}

func BenchmarkReplay(b *testing.B) {
	for _, name := range []string{"shop-22-01", "crash-02", "cause-carts-cpu-1"} {
		b.Run(name, func(b *testing.B) {
			dir := recordings(b, name)[0]
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := replay(b.Context(), dir); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
