package demo

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/foreshock/foreshock/internal/tsdb"
	"github.com/foreshock/foreshock/lab"
)

// TestFull fills a disk with half a recording: it does not stay.
func TestFull(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mount a small disk: %v; that takes root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Errorf("unmount the small disk: %v", err)
		}
	})
	fault, err := lab.Find("none")
	if err != nil {
		t.Fatal(err)
	}
	p := &player{o: Options{Fault: fault, Steps: []float64{1}, Each: time.Minute, Interval: time.Second, Record: disk}}
	p.start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p.begin, p.end = p.start.Add(time.Minute), p.start.Add(2*time.Minute)
	if p.folder, err = p.makeFolder(); err != nil {
		t.Fatal(err)
	}
	if p.db, err = tsdb.NewLive(tsdb.Options{LookBack: 2 * time.Second}); err != nil {
		t.Fatal(err)
	}
	if err := p.describe(p.end); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	app := p.db.Appender(t.Context())
	for at := p.start; at.Before(p.end); at = at.Add(time.Second) {
		for i := range 200 {
			if _, err := app.Append(0, labels.FromStrings(model.MetricNameLabel, "up", "pod", strconv.Itoa(i)), at.UnixMilli(), rng.Float64()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := p.write(t.Context(), &Result{}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("write onto a full disk: %v, want that there is no space left", err)
	}
	p.close()
	if left, err := os.ReadDir(disk); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v (%v), want nothing", left, err)
	}
}
