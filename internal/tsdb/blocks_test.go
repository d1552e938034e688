package tsdb

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

type point struct {
	t int64
	v float64
}

// A sample is a plain value as the writer of blocks wants it.
type sample point

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.v }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// TestBlocks reads a folder of two blocks that meet at minute 3.
func TestBlocks(t *testing.T) {
	dir := t.TempDir()
	for _, part := range [][]point{{{0, 1}, {1, 2}, {2, 3}}, {{3, 4}, {4, 5}}} {
		var samples []chunks.Sample
		for _, p := range part {
			samples = append(samples, sample{t: 3_600_000 + 60_000*p.t, v: p.v})
		}
		series := storage.NewListSeries(labels.FromStrings("__name__", "a", "pod", "p"), samples)
		if _, err := tsdb.CreateBlock([]storage.Series{series}, dir, 0, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
	before, _ := filepath.Glob(filepath.Join(dir, "*"))
	db, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := one(t, db, "a", 5)
	if len(s) != 1 || len(s[0].Samples) != 5 || s[0].Labels["pod"] != "p" {
		t.Fatalf("a = %v, want one series of 5 samples", s)
	}
	for k, v := range s[0].Samples {
		if v.Value != float64(k+1) {
			t.Errorf("a at minute %d is %v, want %d", k, v.Value, k+1)
		}
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if after, _ := filepath.Glob(filepath.Join(dir, "*")); strings.Join(before, " ") != strings.Join(after, " ") {
		t.Errorf("reading changed the folder from %v to %v", before, after)
	}
}
