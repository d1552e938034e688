package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/foreshock/foreshock/backtest"
	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/internal/tsdb"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
)

// maxBytes is how large the metrics of one recording may be: they are copied
// with every clone.
const maxBytes = 60 << 10

// TestRecordingsAreGenerated holds the recordings against the generator, byte
// by byte.
func TestRecordingsAreGenerated(t *testing.T) {
	fresh := t.TempDir()
	if err := write(fresh); err != nil {
		t.Fatal(err)
	}
	want, got := contents(t, fresh), contents(t, "recordings")
	delete(got, "README.md")
	for name, data := range want {
		if !bytes.Equal(got[name], data) {
			t.Errorf("recordings/%s is not what the generator writes: run 'make recordings' and read the diff", name)
		}
		if filepath.Ext(name) == ".gz" && len(data) > maxBytes {
			t.Errorf("recordings/%s has %d bytes; want at most %d", name, len(data), maxBytes)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("recordings/%s is of no recording that the generator knows: delete it", name)
	}
}

// contents reads every file below a folder.
func contents(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	root := os.DirFS(folder)
	names, err := filepath.Glob(filepath.Join(folder, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		rel, err := filepath.Rel(folder, name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := root.Open(filepath.ToSlash(rel))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		_, err = b.ReadFrom(f)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.ToSlash(rel)] = b.Bytes()
	}
	return out
}

// TestRecordingsAgree plays every recording: bad releases are warned of and
// not promoted to their second step, good ones are left alone.
func TestRecordingsAgree(t *testing.T) {
	for _, r := range examples() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			score, sum := play(t, filepath.Join("recordings", r.name))
			for i, s := range score.Subjects {
				t.Logf("%s: warned %v at %v %%, contained %v, promoted in time %v: %s", s.ID, s.Warned, s.Exposure, s.Contained, s.InTime, sum.Releases[i].Sentence)
				switch {
				case s.Bad && !s.Warned:
					t.Errorf("%s is bad and was not warned of", s.ID)
				case s.Bad && !s.Contained:
					t.Errorf("%s is bad and was promoted before its second step", s.ID)
				case !s.Bad && s.Warned:
					t.Errorf("%s is healthy and was warned of", s.ID)
				}
			}
			t.Logf("cause %q of %v, rank %d", score.Cause, score.Class, score.Rank)
			if score.Rank > 1 {
				t.Errorf("the faulty release is ranked %d among the culprits; want 1", score.Rank)
			}
		})
	}
}

// play judges one recording as replay does.
func play(t *testing.T, dir string) (backtest.Score, release.Summary) {
	t.Helper()
	ctx := t.Context()
	rec, err := recording.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	truth, ok, err := recording.LoadTruth(dir)
	if err != nil || !ok {
		t.Fatalf("truth of %s: there %v, %v", dir, ok, err)
	}
	db, err := tsdb.Open(ctx, rec.Metrics, tsdb.Options{LookBack: rec.LookBack()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	src, err := engine.New(ctx, db, rec.System, engine.Options{Start: rec.Start, End: rec.End})
	if err != nil {
		t.Fatal(err)
	}
	sys := src.System()
	if len(sys.Signals) < 5 {
		t.Errorf("%s has %d signals; want latency, errors, traffic and more", dir, len(sys.Signals))
	}
	judge := backtest.NewJudge(rec.Name, sys, backtest.Truth{Faulty: truth.Faulty, Class: truth.Class, OnsetAt: truth.OnsetAt, CrashedAt: truth.CrashedAt})
	state, tally := release.New(sys, prevention.DefaultPolicy()), release.NewTally()
	for f, err := range src.Frames(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range state.Step(f) {
			judge.Add(a)
			tally.Add(a)
		}
	}
	if w := slices.Concat(rec.Warnings, src.Warnings()); len(w) > 0 {
		t.Errorf("%s has warnings: %v", dir, w)
	}
	sum := tally.Summary(rec.Name, state, nil)
	return judge.Score(sum), sum
}
