package release_test

import (
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// dropping plays a change of sixteen nodes: sixty frames before it and sixty after, in
// which node and frame (below 0 before the change) say what is dropped, as values that
// look back over so many frames. It returns the first assessment that rolls back, or
// else the last one.
func dropping(kind signal.Kind, unit string, window int, load, drops func(node, frame int) float64) release.Assessment {
	rng := rand.New(rand.NewPCG(71, 72))
	dropped := perCohort("drops", kind, unit)
	dropped.Window = window
	return playChange(16, []signal.Signal{dropped, perCohort("requests", signal.Traffic, "requests/s")}, 60, func(j, k int) []signal.Reading {
		seen := 0.0
		for back := range window {
			seen += drops(j, k-back) / float64(window)
		}
		return []signal.Reading{present(seen), present(100 * load(j, k) * (1 + 0.02*rng.NormFloat64()))}
	})
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
