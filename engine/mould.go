package engine

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// hole is a matcher that stands where $sel stood.
const hole = "__sel__"

// A mould is a query into which several selectors at once can be cast: all of
// them use the same labels, and these are kept through every aggregation, so
// that each series of the answer tells whose it is.
type mould struct {
	expr   parser.Expr
	labels []string                 // which the selectors use, sorted
	holes  []*parser.VectorSelector // where the selectors go
	single map[string]bool          // labels for which a selector must allow one value only
	added  []string                 // labels that the answer has more than by itself
}

// newMould makes a mould of a template; false when a query with several
// selectors might answer otherwise than the queries of each.
func newMould(template string, names []string) (*mould, bool) {
	if len(names) == 0 || slices.Contains(names, model.MetricNameLabel) || slices.Contains(names, labels.BucketLabel) {
		return nil, false
	}
	expr, err := ParseQuery(binding{selector: hole + `=""`}.fill(template))
	if err != nil {
		return nil, false
	}
	m := &mould{expr: expr, labels: names, single: map[string]bool{}}
	top, ok := m.open(expr)
	if !ok || top.scalar {
		return nil, false
	}
	if top.summed {
		m.added = without(names, top.has)
	}
	return m, true
}

// fits says whether a selector can be cast in the mould: where an aggregation
// drops a label, the series of a selector that allows several values of it
// would no longer be one group.
func (m *mould) fits(match []*labels.Matcher) bool {
	for name := range m.single {
		if _, only := allows(match, name); !only {
			return false
		}
	}
	return true
}

// cast returns the query for all members; false when they have no label in
// common that narrows the query down. A mould is cast once.
func (m *mould) cast(members []member) (string, bool) {
	var union []*labels.Matcher
	narrow := false
	for _, name := range m.labels {
		some, positive := unite(name, members)
		union = append(union, some...)
		narrow = narrow || positive
	}
	if !narrow {
		return "", false
	}
	for _, h := range m.holes {
		rest := slices.DeleteFunc(slices.Clone(h.LabelMatchers), func(x *labels.Matcher) bool { return x.Name == hole })
		h.LabelMatchers = append(rest, union...)
	}
	query := m.expr.String()
	_, err := ParseQuery(query)
	return query, err == nil
}

// unite returns matchers of one label that match whatever those of any member
// match; positive says whether they name values. Members of which one names
// no values are not narrowed down.
func unite(name string, members []member) (union []*labels.Matcher, positive bool) {
	var values, patterns []string
	same, open := true, false
	first := ofLabel(members[0].match, name)
	for _, x := range members {
		own := ofLabel(x.match, name)
		same = same && slices.EqualFunc(own, first, func(a, b *labels.Matcher) bool { return a.String() == b.String() })
		at := slices.IndexFunc(own, func(m *labels.Matcher) bool { return m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp })
		switch {
		case at < 0:
			open = true
		case own[at].Type == labels.MatchEqual:
			values = append(values, own[at].Value)
		default:
			patterns = append(patterns, "(?:"+own[at].Value+")")
		}
	}
	if same || open {
		if !same {
			first = nil
		}
		return first, !open
	}
	m, err := labels.NewMatcher(labels.MatchRegexp, name, anyOf(values, patterns))
	if err != nil {
		return nil, false
	}
	return []*labels.Matcher{m}, true
}

func ofLabel(match []*labels.Matcher, name string) []*labels.Matcher {
	return slices.DeleteFunc(slices.Clone(match), func(m *labels.Matcher) bool { return m.Name != name })
}

// without returns the names that are not among others.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(others, n) })
}

// A shape says which labels the series of an expression have.
type shape struct {
	scalar bool     // no series at all
	summed bool     // only those that an aggregation kept; else all of the samples
	has    []string // of the labels of the selectors, those kept without our doing
}

// sums are the aggregations whose result in one group depends on that group
// alone, and has its labels. Those that pick series or make labels of values
// are left out.
var sums = []parser.ItemType{
	parser.SUM, parser.AVG, parser.MIN, parser.MAX, parser.COUNT, parser.GROUP, parser.STDDEV, parser.STDVAR, parser.QUANTILE,
}

// plain are the functions that make one series of one series and keep its
// labels, or make a number.
var plain = strings.Fields("rate irate increase delta idelta deriv changes resets predict_linear " +
	"avg_over_time min_over_time max_over_time sum_over_time count_over_time last_over_time quantile_over_time stddev_over_time stdvar_over_time present_over_time " +
	"histogram_quantile histogram_avg histogram_count histogram_sum histogram_fraction histogram_stddev histogram_stdvar " +
	"abs ceil floor round sqrt exp ln log2 log10 sgn clamp clamp_min clamp_max timestamp time pi")

// open walks an expression, adds the labels to every aggregation and finds
// the holes. It returns false for whatever is not known to be safe.
func (m *mould) open(expr parser.Expr) (shape, bool) {
	switch e := expr.(type) {
	case *parser.NumberLiteral:
		return shape{scalar: true}, true
	case *parser.ParenExpr:
		return m.open(e.Expr)
	case *parser.UnaryExpr:
		return m.open(e.Expr)
	case *parser.SubqueryExpr:
		return m.open(e.Expr)
	case *parser.MatrixSelector:
		return m.open(e.VectorSelector)
	case *parser.VectorSelector:
		m.holes = append(m.holes, e)
		return shape{}, slices.ContainsFunc(e.LabelMatchers, func(x *labels.Matcher) bool { return x.Name == hole })
	case *parser.AggregateExpr:
		return m.aggregate(e)
	case *parser.BinaryExpr:
		return m.binary(e)
	case *parser.Call:
		return m.call(e)
	default:
		return shape{}, false
	}
}

func (m *mould) aggregate(e *parser.AggregateExpr) (shape, bool) {
	if e.Without || !slices.Contains(sums, e.Op) {
		return shape{}, false
	}
	if e.Param != nil {
		if p, ok := m.open(e.Param); !ok || !p.scalar {
			return shape{}, false
		}
	}
	in, ok := m.open(e.Expr)
	if !ok || in.scalar {
		return shape{}, false
	}
	lost := without(m.labels, e.Grouping)
	out := shape{summed: true, has: without(m.labels, lost)}
	if in.summed && len(without(out.has, in.has)) > 0 {
		return shape{}, false // an inner aggregation has dropped it: by itself there is none
	}
	for _, name := range lost {
		m.single[name] = true
	}
	e.Grouping = slices.Concat(e.Grouping, lost)
	return out, true
}

// binary is safe where both sides keep the same labels: then series of one
// selector meet series of the same.
func (m *mould) binary(e *parser.BinaryExpr) (shape, bool) {
	l, okL := m.open(e.LHS)
	r, okR := m.open(e.RHS)
	switch v := e.VectorMatching; {
	case !okL || !okR:
		return shape{}, false
	case l.scalar:
		return r, true
	case r.scalar:
		return l, true
	case v == nil || v.On || len(v.MatchingLabels) > 0 || v.Card != parser.CardOneToOne && v.Card != parser.CardManyToMany:
		return shape{}, false
	case v.FillValues.LHS != nil || v.FillValues.RHS != nil:
		return shape{}, false
	}
	return l, l.summed == r.summed && slices.Equal(l.has, r.has)
}

func (m *mould) call(e *parser.Call) (shape, bool) {
	out := shape{scalar: true}
	if !slices.Contains(plain, e.Func.Name) {
		return out, false
	}
	for _, arg := range e.Args {
		s, ok := m.open(arg)
		if !ok || !s.scalar && !out.scalar {
			return out, false
		}
		if !s.scalar {
			out = s
		}
	}
	return out, true
}
