package engine

import (
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/foreshock/foreshock/signal"
)

// boundOf returns the upper bound of a classic histogram's bucket; NaN for
// what is none.
func boundOf(all map[string]string) float64 {
	bound, err := strconv.ParseFloat(all[labels.BucketLabel], 64)
	if err != nil {
		return math.NaN()
	}
	return bound
}

// buckets returns the observations of this frame by their size, bounds times
// scale, of all series that are counted together; nil when none were seen.
//
// Buckets on the wire hold all observations up to their bound. Where a scrape
// brought only some of them they do not agree; then they are read as if they did.
func (c *counter) buckets(scale float64) []signal.Bucket {
	upTo := map[float64]float64{}
	for _, x := range c.series {
		if !math.IsNaN(x.bound) {
			upTo[x.bound] = 0
		}
	}
	for _, m := range c.moved {
		if !math.IsNaN(m.bound) {
			upTo[m.bound] += m.by
		}
	}
	all := upTo[math.Inf(1)]
	if all == 0 {
		return nil
	}
	out := make([]signal.Bucket, 0, len(upTo))
	below := 0.0
	for _, bound := range slices.Sorted(maps.Keys(upTo)) {
		n := math.Min(math.Max(upTo[bound], below), all)
		out = append(out, signal.Bucket{Bound: bound * scale, N: n - below})
		below = n
	}
	return out
}

// buckets returns the observations behind a cell by their size; nil when they
// are not known.
func (t *tracker) buckets(r *run) []signal.Bucket {
	if !t.counting.sized || len(t.counting.n) != 1 {
		return nil
	}
	q := t.counting.n[0]
	if r.failed[q] || r.counters[q].full {
		return nil
	}
	return r.counters[q].buckets(t.sig.Unit.Scale)
}

// quantileOf returns which quantile of a histogram a template asks for; 0
// where it asks for none, or not for a fixed one.
func quantileOf(template string) float64 {
	expr, err := ParseQuery(example.fill(template))
	if err != nil {
		return 0
	}
	call, ok := bare(expr).(*parser.Call)
	if !ok || call.Func.Name != "histogram_quantile" {
		return 0
	}
	q, ok := unparen(call.Args[0]).(*parser.NumberLiteral)
	if !ok || !(q.Val > 0 && q.Val < 1) {
		return 0
	}
	return q.Val
}
