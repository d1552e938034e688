package engine

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/foreshock/foreshock/signal"
)

// counting says which counters hold the observations behind a query, and the
// events among them, as raw selectors. The increase of these since the last
// frame is what a rate over overlapping windows cannot give: how much is new.
type counting struct {
	n, events []string
	// sized means that n is a histogram's buckets, all of them: the last one
	// holds all observations.
	sized bool
	// rest means that the events are what is left: 1 − good/all.
	rest bool
}

// countingOf reads the counters out of a query:
//
//	rate(A)                            N = A for traffic; N = Events = A for errors and the like
//	sum(rate(A)) / sum(rate(B))        N = B, Events = A
//	1 - A / B                          N = B, Events = B − A
//	histogram_quantile(q, rate(H))     N = count of H
//
// Sums, scaling by a number and "or 0" do not matter. Of any other query
// nothing is known, and the result is empty.
func countingOf(query string, kind signal.Kind) counting {
	expr, err := ParseQuery(query)
	if err != nil {
		return counting{}
	}
	expr = bare(expr)
	if b, ok := expr.(*parser.BinaryExpr); ok && b.Op == parser.SUB && isNumber(b.LHS, 1) {
		c := ratio(bare(b.RHS))
		c.rest = c.events != nil
		return c
	}
	if c := ratio(expr); c.n != nil {
		return c
	}
	if call, ok := expr.(*parser.Call); ok && strings.HasPrefix(call.Func.Name, "histogram_") {
		return observations(call.Args[len(call.Args)-1])
	}
	switch kind {
	case signal.Traffic:
		return counting{n: counters(expr)}
	case signal.Errors, signal.Crashes, signal.Retries, signal.Timeouts:
		c := counters(expr)
		return counting{n: c, events: c}
	default:
		return counting{}
	}
}

// ratio reads A / B.
func ratio(expr parser.Expr) counting {
	b, ok := expr.(*parser.BinaryExpr)
	if !ok || b.Op != parser.DIV || b.VectorMatching == nil || b.VectorMatching.Card != parser.CardOneToOne {
		return counting{}
	}
	n := counters(b.RHS)
	if n == nil {
		return counting{}
	}
	return counting{n: n, events: counters(b.LHS)}
}

// counters returns the selectors of a sum of rates of counters of events;
// nil when the expression is anything else.
func counters(expr parser.Expr) []string {
	switch e := bare(expr).(type) {
	case *parser.AggregateExpr:
		if e.Op == parser.SUM {
			return counters(e.Expr)
		}
	case *parser.BinaryExpr:
		if e.Op != parser.ADD || e.VectorMatching == nil || e.VectorMatching.Card != parser.CardOneToOne {
			return nil
		}
		left, right := counters(e.LHS), counters(e.RHS)
		if left != nil && right != nil {
			return slices.Concat(left, right)
		}
	case *parser.Call:
		if s := rated(e); s != nil && countsEvents(s) {
			return []string{s.String()}
		}
	}
	return nil
}

// rated returns the selector under rate, irate or increase.
func rated(expr parser.Expr) *parser.VectorSelector {
	call, ok := expr.(*parser.Call)
	if !ok || !slices.Contains([]string{"rate", "irate", "increase"}, call.Func.Name) {
		return nil
	}
	m, ok := bare(call.Args[0]).(*parser.MatrixSelector)
	if !ok {
		return nil
	}
	s, _ := m.VectorSelector.(*parser.VectorSelector)
	return s
}

// countsEvents says whether a counter counts events rather than seconds or
// bytes, and each of them once.
func countsEvents(s *parser.VectorSelector) bool {
	name := metricName(s)
	if strings.HasSuffix(name, "_bucket") {
		return slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
			return m.Name == labels.BucketLabel && m.Type == labels.MatchEqual
		})
	}
	base := strings.TrimSuffix(name, "_total")
	for _, unit := range []string{"_sum", "_seconds", "_bytes", "_milliseconds", "_ms", "_joules"} {
		if strings.HasSuffix(base, unit) {
			return false
		}
	}
	return name != ""
}

// observations returns the selector that counts what is in a histogram.
func observations(expr parser.Expr) counting {
	switch e := bare(expr).(type) {
	case *parser.AggregateExpr:
		if e.Op == parser.SUM {
			return observations(e.Expr)
		}
	case *parser.Call:
		s := rated(e)
		if s == nil {
			return counting{}
		}
		fixed := slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == labels.BucketLabel })
		// A native histogram carries its count.
		return counting{n: []string{s.String()}, sized: strings.HasSuffix(metricName(s), "_bucket") && !fixed}
	}
	return counting{}
}

// bare takes off what does not change what is counted: parentheses, scaling
// by a number, and "or 0".
func bare(expr parser.Expr) parser.Expr {
	for {
		switch e := expr.(type) {
		case *parser.ParenExpr:
			expr = e.Expr
			continue
		case *parser.StepInvariantExpr:
			expr = e.Expr
			continue
		case *parser.BinaryExpr:
			_, left := unparen(e.LHS).(*parser.NumberLiteral)
			_, right := unparen(e.RHS).(*parser.NumberLiteral)
			switch {
			case (e.Op == parser.MUL || e.Op == parser.DIV) && right, e.Op == parser.LOR && isZero(e.RHS):
				expr = e.LHS
				continue
			case e.Op == parser.MUL && left:
				expr = e.RHS
				continue
			}
		}
		return expr
	}
}

func unparen(expr parser.Expr) parser.Expr {
	for {
		p, ok := expr.(*parser.ParenExpr)
		if !ok {
			return expr
		}
		expr = p.Expr
	}
}

// isZero says whether an expression is vector(0) or 0 times something.
func isZero(expr parser.Expr) bool {
	switch e := unparen(expr).(type) {
	case *parser.Call:
		return e.Func.Name == "vector" && isNumber(e.Args[0], 0)
	case *parser.BinaryExpr:
		return e.Op == parser.MUL && (isNumber(e.LHS, 0) || isNumber(e.RHS, 0))
	}
	return false
}

func isNumber(expr parser.Expr, want float64) bool {
	n, ok := unparen(expr).(*parser.NumberLiteral)
	return ok && n.Val == want
}

func metricName(s *parser.VectorSelector) string {
	if s.Name != "" {
		return s.Name
	}
	for _, m := range s.LabelMatchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}

// key returns the labels as text that is one for one: sorted, and with bytes
// between them that stand in no label.
func key(labels map[string]string, names []string) string {
	var b strings.Builder
	for _, n := range names {
		if v, ok := labels[n]; ok && n != "__name__" {
			b.WriteString(n)
			b.WriteByte(0xFE)
			b.WriteString(v)
			b.WriteByte(0xFF)
		}
	}
	return b.String()
}

// names returns the names of labels in order.
func names(labels map[string]string) []string { return slices.Sorted(maps.Keys(labels)) }

// A counter remembers where one raw selector stood, series by series.
type counter struct {
	series map[string]*counted // by key
	moved  []moved             // in this frame, in the order of the series
	frame  int                 // frames so far
	full   bool                // some series of this frame are not kept: no count is whole
	sums   map[string]map[string]float64
}

// A counted series is one that was there within the last frames.
type counted struct {
	last   float64
	frame  int               // in which it was last there
	groups map[string]string // the sum that it goes into, by the labels that are kept
	bound  float64           // of a histogram's bucket; NaN for what is none
}

// A moved series has counted on.
type moved struct {
	*counted
	labels map[string]string
	by     float64
}

const (
	maxCounted    = 50_000 // series of one selector; of more, nothing is counted
	forgetCounted = 256    // frames after which a series that is gone is forgotten
)

func newCounter() *counter {
	return &counter{series: map[string]*counted{}, sums: map[string]map[string]float64{}}
}

// advance moves to the frame at t. The first value of a series is where it
// is counted from: what was before is not known. A value below the last one
// is a reset, after which the counter began at zero. A raw selector repeats
// the last sample for up to the look-back: no increase, and a larger one
// when the next sample comes, which is right in sum.
func (c *counter) advance(series []*cursor, t time.Time) {
	c.moved, c.full = c.moved[:0], false
	clear(c.sums)
	for _, s := range series {
		sample, ok := s.at(t)
		if !ok {
			continue
		}
		value := sample.Value
		if sample.Histogram != nil {
			value = sample.Histogram.Count
		}
		if value == value {
			c.add(s, value)
		}
	}
	if c.frame++; c.frame%forgetCounted == 0 {
		maps.DeleteFunc(c.series, func(_ string, x *counted) bool { return c.frame-x.frame > forgetCounted })
	}
}

func (c *counter) add(s *cursor, value float64) {
	x, known := c.series[s.key]
	if !known {
		if len(c.series) >= maxCounted {
			c.full = true
			return
		}
		c.series[s.key] = &counted{last: value, frame: c.frame, bound: boundOf(s.series.Labels)}
		return
	}
	before := x.last
	if value < before {
		before = 0
	}
	x.last, x.frame = value, c.frame
	if value > before {
		c.moved = append(c.moved, moved{counted: x, labels: s.series.Labels, by: value - before})
	}
}

// sum returns the increase of all series that have the labels of an
// instance: of those that an aggregation brought into it. Of a histogram's
// buckets the last one counts, which holds all observations.
func (c *counter) sum(i *instance, sized bool) float64 {
	by := strings.Join(i.names, ",")
	if sized {
		by += ",le"
	}
	sums, ok := c.sums[by]
	if !ok {
		sums = map[string]float64{}
		for _, m := range c.moved {
			if !sized || math.IsInf(m.bound, 1) {
				sums[m.group(by, i.names)] += m.by
			}
		}
		c.sums[by] = sums
	}
	return sums[i.key]
}

// group returns the key of a series by these labels alone.
func (m moved) group(by string, names []string) string {
	group, ok := m.groups[by]
	if !ok {
		group = key(m.labels, names)
		if m.groups == nil {
			m.groups = map[string]string{}
		}
		m.groups[by] = group
	}
	return group
}
