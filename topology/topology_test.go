package topology_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/foreshock/foreshock/topology"
)

// shop is frontend 0 → cart 1 and catalogue 2; cart → database 3; catalogue →
// database; 4 stands alone.
func shop() topology.Graph {
	return topology.New(5, []topology.Edge{{From: 0, To: 2}, {From: 0, To: 1}, {From: 1, To: 3}, {From: 2, To: 3}})
}

// ring is 0 → 1 → 2 → 0, and 2 → 3.
func ring() topology.Graph {
	return topology.New(4, []topology.Edge{{From: 0, To: 1}, {From: 1, To: 2}, {From: 2, To: 0}, {From: 2, To: 3}})
}

func TestNeighbours(t *testing.T) {
	tests := []struct {
		service          int
		callees, callers []int
	}{
		{service: 0, callees: []int{1, 2}},
		{service: 1, callees: []int{3}, callers: []int{0}},
		{service: 2, callees: []int{3}, callers: []int{0}},
		{service: 3, callers: []int{1, 2}},
		{service: 4},
		{service: 5},
		{service: -1},
	}
	g := shop()
	if got := g.Len(); got != 5 {
		t.Errorf("Len() = %d, want 5", got)
	}
	for _, tt := range tests {
		if got := g.Callees(tt.service); !slices.Equal(got, tt.callees) {
			t.Errorf("Callees(%d) = %v, want %v", tt.service, got, tt.callees)
		}
		if got := g.Callers(tt.service); !slices.Equal(got, tt.callers) {
			t.Errorf("Callers(%d) = %v, want %v", tt.service, got, tt.callers)
		}
	}
}

func TestDistances(t *testing.T) {
	tests := []struct {
		name     string
		graph    topology.Graph
		service  int
		up, down []int
	}{
		{"shop, frontend", shop(), 0, []int{0, -1, -1, -1, -1}, []int{0, 1, 1, 2, -1}},
		{"shop, cart", shop(), 1, []int{1, 0, -1, -1, -1}, []int{-1, 0, -1, 1, -1}},
		{"shop, database", shop(), 3, []int{2, 1, 1, 0, -1}, []int{-1, -1, -1, 0, -1}},
		{"shop, alone", shop(), 4, []int{-1, -1, -1, -1, 0}, []int{-1, -1, -1, -1, 0}},
		{"ring, in it", ring(), 0, []int{0, 2, 1, -1}, []int{0, 1, 2, 3}},
		{"ring, below it", ring(), 3, []int{3, 2, 1, 0}, []int{-1, -1, -1, 0}},
		{"out of range above", ring(), 4, []int{-1, -1, -1, -1}, []int{-1, -1, -1, -1}},
		{"out of range below", ring(), -1, []int{-1, -1, -1, -1}, []int{-1, -1, -1, -1}},
		{"no services", topology.Graph{}, 0, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.graph.Upstream(tt.service); !slices.Equal(got, tt.up) {
				t.Errorf("Upstream(%d) = %v, want %v", tt.service, got, tt.up)
			}
			if got := tt.graph.Downstream(tt.service); !slices.Equal(got, tt.down) {
				t.Errorf("Downstream(%d) = %v, want %v", tt.service, got, tt.down)
			}
		})
	}
}

// TestLeftOut: edges out of range, to oneself and twice do not count.
func TestLeftOut(t *testing.T) {
	g := topology.New(2, []topology.Edge{
		{From: 0, To: 0}, {From: 0, To: 2}, {From: 2, To: 0}, {From: -1, To: 0}, {From: 0, To: -1}, {From: 0, To: 1}, {From: 0, To: 1},
	})
	if got, want := g.Callees(0), []int{1}; !slices.Equal(got, want) {
		t.Errorf("Callees(0) = %v, want %v", got, want)
	}
	if got, want := g.Callers(1), []int{0}; !slices.Equal(got, want) {
		t.Errorf("Callers(1) = %v, want %v", got, want)
	}
	if got := g.Callers(0); len(got) != 0 {
		t.Errorf("Callers(0) = %v, want none", got)
	}
}

// TestDistanceLaws: upstream is downstream seen from the other end; a
// neighbour is one call away; and one call more is at most one further.
func TestDistanceLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		n := 1 + rng.IntN(8)
		var edges []topology.Edge
		for range rng.IntN(3 * n) {
			edges = append(edges, topology.Edge{From: rng.IntN(n), To: rng.IntN(n)})
		}
		g := topology.New(n, edges)
		for s := range n {
			down := g.Downstream(s)
			for to := range n {
				if up := g.Upstream(to)[s]; up != down[to] {
					t.Fatalf("%v: Upstream(%d)[%d] = %d, want Downstream(%d)[%d] = %d", edges, to, s, up, s, to, down[to])
				}
				for _, next := range g.Callees(to) {
					if down[to] >= 0 && (down[next] < 0 || down[next] > down[to]+1) {
						t.Fatalf("%v: Downstream(%d) = %v, but %d calls %d", edges, s, down, to, next)
					}
				}
			}
		}
	}
}
