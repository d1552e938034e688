package release_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/topology"
)

// dropping plays a change of sixteen nodes: sixty frames before it and sixty after, in
// which node and frame (below 0 before the change) say what is dropped, as values that
// look back over so many frames. It returns the first assessment that rolls back, or
// else the last one.
func dropping(kind signal.Kind, unit string, window int, load, drops func(node, frame int) float64) release.Assessment {
	const before, after, nodes = 60, 60, 16
	rng := rand.New(rand.NewPCG(71, 72))
	sys := release.System{
		Interval: time.Minute, Graph: topology.New(nodes, nil), Services: make([]release.Service, nodes),
		Signals: []signal.Signal{perCohort("drops", kind, unit), perCohort("requests", signal.Traffic, "requests/s")},
		Changes: []release.Change{{ID: "push", At: foldStart.Add(before * time.Minute)}},
	}
	sys.Signals[0].Window = window
	for j := range sys.Services {
		sys.Services[j] = release.Service{Name: string(rune('a' + j)), Criticality: 1}
	}
	s := release.New(sys, prevention.DefaultPolicy())
	var last release.Assessment
	for k := range before + after {
		f := signal.Frame{At: foldStart.Add(time.Duration(k) * time.Minute)}
		for j := range nodes {
			seen := 0.0
			for back := range window {
				seen += drops(j, k-before-back) / float64(window)
			}
			for id, v := range []float64{seen, 100 * load(j, k-before) * (1 + 0.02*rng.NormFloat64())} {
				f.Cells = append(f.Cells, signal.Cell{Service: j, Signal: id, Release: -1, Cohort: signal.Whole, Limit: math.NaN(), Readings: []signal.Reading{present(v)}})
			}
		}
		for _, a := range s.Step(f) {
			if last = a; a.Verdict == "rollback" {
				return a
			}
		}
	}
	return last
}

// TestArisen: what never was before has no spread to measure it by, and is judged by how
// long it stands.
func TestArisen(t *testing.T) {
	steady := func(int, int) float64 { return 1 }
	from := func(nodes, start, end int) func(node, frame int) float64 {
		return func(j, k int) float64 {
			if j < nodes && k >= start && k < end {
				return 5
			}
			return 0
		}
	}
	for _, tt := range []struct {
		name   string
		kind   signal.Kind
		unit   string
		window int
		load   func(node, frame int) float64
		drops  func(node, frame int) float64
		want   string
	}{
		{"errors on one node", signal.Errors, "errors/s", 4, steady, from(1, 20, 60), "rollback"},
		{"drops on two nodes", signal.Network, "packets/s", 4, steady, from(2, 20, 60), "rollback"},
		{"drops that grow", signal.Network, "packets/s", 4, steady, func(j, k int) float64 {
			return from(1, 20, 60)(j, k) * float64(k-19) / 40
		}, "rollback"},
		{"a gauge", signal.Database, "partitions", 1, steady, func(j, k int) float64 { return 2.4 * from(1, 20, 60)(j, k) }, "rollback"},
		{"drops everywhere", signal.Network, "packets/s", 4, steady, from(16, 20, 60), "rollback"},
		{"drops everywhere, as there is far more to do", signal.Network, "packets/s", 4, func(_, k int) float64 {
			if k >= 20 {
				return 3
			}
			return 1
		}, from(16, 20, 60), "promote"},
		{"a burst", signal.Errors, "errors/s", 4, steady, from(1, 20, 21), "promote"},
		{"while one restarts", signal.Database, "partitions", 1, steady, func(j, k int) float64 { return 2.4 * from(1, 20, 24)(j, k) }, "promote"},
		{"as on another node before", signal.Errors, "errors/s", 4, steady, func(j, k int) float64 {
			if j == 3 && k >= -50 && k < -40 {
				return 5
			}
			return from(1, 20, 60)(j, k)
		}, "promote"},
	} {
		if a := dropping(tt.kind, tt.unit, tt.window, tt.load, tt.drops); a.Verdict != tt.want {
			t.Errorf("%s: %s, want %s: %s", tt.name, a.Verdict, tt.want, a.Sentence)
		}
	}
}
