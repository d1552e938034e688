package release_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestLookAlikes holds that traffic which grows in both versions, and one
// metric that only the old version has, are named for what they are and hold
// nobody up.
func TestLookAlikes(t *testing.T) {
	start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	sys := release.System{
		Interval: time.Minute, Services: []release.Service{{Name: "cart"}},
		Signals: []signal.Signal{
			{Name: "latency", Kind: signal.Latency, Unit: signal.ParseUnit("ms")},
			{Name: "traffic", Kind: signal.Traffic, Unit: signal.ParseUnit("requests/s")},
			{Name: "heap", Kind: signal.Memory, Unit: signal.ParseUnit("bytes")},
		},
		Releases: []release.Release{{
			ID: "cart", Canary: "a", Control: "b",
			Steps: []release.Step{{At: start.Add(20 * time.Minute), CompletedAt: start.Add(20 * time.Minute), Weight: 0.5}},
		}},
	}
	s := release.New(sys, prevention.DefaultPolicy())
	nan := math.NaN()
	cell := func(id int, c signal.Cohort, v float64) signal.Cell {
		return signal.Cell{Signal: id, Cohort: c, Limit: nan, Readings: []signal.Reading{
			{Value: v, N: nan, Events: nan, Presence: signal.Present, Instance: "p", Age: time.Hour, Level: nan, Spread: nan},
		}}
	}
	var last release.Assessment
	for k := range 40 {
		f := signal.Frame{At: start.Add(time.Duration(k) * time.Minute), Exposure: []signal.Exposure{{}}}
		wave, load := float64(k%3), 100.0
		if k >= 20 {
			f.Exposure[0], load = signal.Exposure{Weight: 0.5, Step: 1}, 180
			f.Cells = append(f.Cells, cell(0, signal.Canary, 0.1+wave/1000), cell(1, signal.Canary, load+wave))
		}
		f.Cells = append(f.Cells, cell(0, signal.Control, 0.1+wave/1000), cell(1, signal.Control, load+wave), cell(2, signal.Control, 1e8))
		for _, a := range s.Step(f) {
			last = a
		}
	}
	for _, want := range []struct{ kind, signal string }{{"traffic-growth", "traffic"}, {"silence-metric", "heap"}} {
		if !slices.ContainsFunc(last.Patterns, func(p release.PatternSeen) bool { return p.Kind == want.kind && p.Signal == want.signal }) {
			t.Errorf("patterns %+v, want %s in %s", last.Patterns, want.kind, want.signal)
		}
	}
	if last.Verdict != "promote" {
		t.Errorf("verdict %s: %s; want promote", last.Verdict, last.Sentence)
	}
}
