package trend

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

// An Again is what the callers of a use try again.
type Again struct {
	Before, Since *stats.History // attempts for each first attempt, ≥ 1, before the first step and since
	// Tips is the use by first attempts alone, as a share of the limit, 0..1, at
	// which it tips over: the largest for which Λ = λ·A(f(Λ)) has a solution.
	Tips float64
}

// leastAgain is by how much the attempts for each first attempt must differ
// between rows: with less, nothing tells a use by attempts from one by requests.
const leastAgain = 0.02

// tried fills in the attempts for each first attempt of a row.
func (x *rows) tried(r *Response, k int, s stretch) {
	h := r.Again.Since
	if s.before {
		h = r.Again.Before
	}
	x.again[k] = math.NaN()
	if h != nil {
		x.again[k] = math.Max(1, h.Over(s.from, s.to))
	}
}

// retried says whether a use may go with attempts: they are known in every row,
// differ, and it is known where they tip it over.
func (x *rows) retried(r *Response) bool {
	if r.Again == nil || !(r.Again.Tips > 0 && r.Again.Tips <= 1) || r.Wait || r.Falls {
		return false
	}
	low, high := math.Inf(1), 1.0
	for _, a := range x.again[:x.n] {
		if math.IsNaN(a) {
			return false
		}
		low, high = math.Min(low, a), math.Max(high, a)
	}
	return high-low >= leastAgain
}
