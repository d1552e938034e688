// Package topology holds the call graph of a system: who calls whom. Failure
// and latency travel from a callee to its callers; load travels from a caller
// to its callees.
//
// Services are whole numbers, as in a frame's cells. Cycles are allowed.
package topology

import "slices"

// A Graph says which service calls which. The zero value has no edges.
type Graph struct {
	callees [][]int
	callers [][]int
	calls   map[[2]int]Edge
}

// An Edge is one service calling another.
type Edge struct {
	From, To int
	Share    float64 // share of From's requests that need the call, 0..1; 0 means all
	Fallback float64 // share of failing calls that From does without, 0..1
}

// New returns the graph of n services with the given edges. Edges that stand
// twice count once; edges to services outside 0..n−1 and from a service to
// itself are left out.
func New(n int, edges []Edge) Graph {
	g := Graph{callees: make([][]int, n), callers: make([][]int, n), calls: map[[2]int]Edge{}}
	for _, e := range edges {
		if e.From < 0 || e.To < 0 || e.From >= n || e.To >= n || e.From == e.To || slices.Contains(g.callees[e.From], e.To) {
			continue
		}
		g.callees[e.From] = append(g.callees[e.From], e.To)
		g.callers[e.To] = append(g.callers[e.To], e.From)
		g.calls[[2]int{e.From, e.To}] = e
	}
	for i := range n {
		slices.Sort(g.callees[i])
		slices.Sort(g.callers[i])
	}
	return g
}

// Len returns the number of services.
func (g Graph) Len() int { return len(g.callees) }

// Callees returns the services that service s calls, ascending. The caller
// must not change the slice.
func (g Graph) Callees(s int) []int {
	if s < 0 || s >= len(g.callees) {
		return nil
	}
	return g.callees[s]
}

// Callers returns the services that call service s, ascending. The caller
// must not change the slice.
func (g Graph) Callers(s int) []int {
	if s < 0 || s >= len(g.callers) {
		return nil
	}
	return g.callers[s]
}

// Call returns the edge from a service to another one; the zero Edge where
// there is no such call.
func (g Graph) Call(from, to int) Edge { return g.calls[[2]int{from, to}] }

// Needs returns the share of the requests to a service that fail when a call
// to another one does, 0..1: those that need the call and have no fallback. 0
// where there is no such call.
func (g Graph) Needs(from, to int) float64 {
	e, ok := g.calls[[2]int{from, to}]
	if !ok {
		return 0
	}
	share := e.Share
	if share == 0 {
		share = 1
	}
	return share * (1 - e.Fallback)
}

// Upstream returns how many calls lie between service s and every service
// that depends on it, directly or not: 0 for s itself, −1 for services that
// do not. It takes O(services + edges).
func (g Graph) Upstream(s int) []int { return g.distances(s, g.Callers) }

// Downstream returns how many calls lie between service s and every service
// it depends on: 0 for s itself, −1 for services that it does not reach.
func (g Graph) Downstream(s int) []int { return g.distances(s, g.Callees) }

func (g Graph) distances(s int, next func(int) []int) []int {
	d := make([]int, g.Len())
	for i := range d {
		d[i] = -1
	}
	if s < 0 || s >= len(d) {
		return d
	}
	d[s] = 0
	for queue := []int{s}; len(queue) > 0; queue = queue[1:] {
		for _, t := range next(queue[0]) {
			if d[t] < 0 {
				d[t] = d[queue[0]] + 1
				queue = append(queue, t)
			}
		}
	}
	return d
}
