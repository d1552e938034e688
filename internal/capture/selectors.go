package capture

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/signal"
)

// A picked is one selector whose samples are taken.
type picked struct {
	text     string
	matchers []*labels.Matcher
}

// noting is a querier that asks the source, until it is told to note what is
// asked and to answer nothing.
type noting struct {
	engine.Querier
	mu      sync.Mutex
	queries map[string]bool // nil as long as it asks
}

// Range asks or notes a query.
func (n *noting) Range(ctx context.Context, query string, from, to time.Time, step time.Duration) ([]engine.Series, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.queries == nil {
		return n.Querier.Range(ctx, query, from, to, step)
	}
	n.queries[query] = true
	return nil, nil
}

// lead is how long before the first frame exporters are looked for: what is
// recorded from now on has hardly begun.
const lead = 5 * time.Minute

// plan finds out what the frames of the recording ask, and which selectors
// stand in it. What engine asks is what is recorded.
func (c *work) plan(ctx context.Context) error {
	q := &noting{Querier: c.src}
	end := c.End
	if now := c.Now(); end.After(now) {
		end = now
	}
	if end.Before(c.Start) {
		end = c.Start
	}
	src, err := engine.New(ctx, q, c.System, engine.Options{Start: c.Start.Add(-lead), End: end})
	if err != nil {
		return err
	}
	found := src.System()
	if len(found.Signals) == 0 {
		return &nothingError{}
	}
	q.queries = map[string]bool{}
	given := c.System
	given.Signals = found.Signals
	one, err := engine.New(ctx, q, given, engine.Options{Start: c.Start, End: c.Start})
	if err != nil {
		return err
	}
	for _, err := range one.Frames(ctx) {
		if err != nil {
			return err
		}
	}
	c.selectors, c.reach, err = selectorsOf(slices.Sorted(maps.Keys(q.queries)), c.System.Interval)
	if err != nil {
		return err
	}
	if len(c.System.Signals) == 0 {
		c.detectors(ctx, found.Signals, end)
	}
	return nil
}

// A nothingError is a source without anything to record.
type nothingError struct{}

func (*nothingError) Error() string {
	return "none of the known exporters has a series in this time, and no signals are given"
}

// Hint says the mend.
func (*nothingError) Hint() string {
	return "is it the right Prometheus, and the right time? Metrics of your own want signals: write them into foreshock.yaml and give it with --config"
}

// selectorsOf returns the selectors of queries, without those that pick a
// part of what another one picks, and how far back any of them looks.
func selectorsOf(queries []string, interval time.Duration) ([]picked, time.Duration, error) {
	var all []picked
	var reach time.Duration
	for _, q := range queries {
		expr, err := engine.ParseQuery(q)
		if err != nil {
			return nil, 0, err
		}
		parser.Inspect(expr, func(n parser.Node, path []parser.Node) error {
			if s, ok := n.(*parser.VectorSelector); ok {
				all = append(all, picked{matchers: s.LabelMatchers, text: selectorText(s.LabelMatchers)})
				reach = max(reach, back(s, path))
			}
			return nil
		})
	}
	var out []picked
	for i, p := range all {
		within := slices.ContainsFunc(all[:i], func(q picked) bool { return q.text == p.text }) ||
			slices.ContainsFunc(all, func(q picked) bool { return q.text != p.text && contains(q.matchers, p.matchers) })
		if !within {
			out = append(out, p)
		}
	}
	return out, reach + 2*interval, nil
}

// back returns how far before its instant a selector looks: its offset and
// range, and those of the subqueries around it.
func back(s *parser.VectorSelector, path []parser.Node) time.Duration {
	d := s.OriginalOffset
	for _, n := range path {
		switch n := n.(type) {
		case *parser.MatrixSelector:
			d += n.Range
		case *parser.SubqueryExpr:
			d += n.Range + n.OriginalOffset
		}
	}
	return d
}

// contains says whether every matcher of a stands in b, so that a picks all
// that b picks.
func contains(a, b []*labels.Matcher) bool {
	for _, m := range a {
		if !slices.ContainsFunc(b, func(n *labels.Matcher) bool { return m.String() == n.String() }) {
			return false
		}
	}
	return true
}

// selectorText writes matchers as a selector. The name stands among them, for
// names that are none of the old kind.
func selectorText(ms []*labels.Matcher) string {
	texts := make([]string, len(ms))
	for i, m := range ms {
		texts[i] = m.String()
	}
	slices.Sort(texts)
	return "{" + strings.Join(texts, ",") + "}"
}

// detectors adds, for each exporter whose signals are recorded, the series by
// which a replay finds it: in full where it is the service's own, else one
// of any.
func (c *work) detectors(ctx context.Context, signals []signal.Signal, end time.Time) {
	exporters, err := engine.Catalogue()
	if err != nil {
		return
	}
	for _, e := range exporters {
		if !slices.ContainsFunc(signals, func(s signal.Signal) bool { return strings.HasPrefix(s.Name, e.ID+"/") }) {
			continue
		}
		expr, err := engine.ParseQuery(e.Detect)
		sel, ok := expr.(*parser.VectorSelector)
		if err != nil || !ok || slices.ContainsFunc(c.selectors, func(p picked) bool { return sameName(p.matchers, sel.LabelMatchers) }) {
			continue
		}
		if one, ok := c.any(ctx, e.Detect, end); ok {
			c.selectors = append(c.selectors, one)
		}
	}
}

// any returns one series that a selector picks at some time of the recording.
func (c *work) any(ctx context.Context, selector string, end time.Time) (picked, bool) {
	const looks = 8
	for i := range looks + 1 {
		at := c.Start.Add(end.Sub(c.Start) / looks * time.Duration(i))
		series, err := c.src.Range(ctx, "topk(1, "+selector+")", at, at, c.System.Interval)
		if err == nil && len(series) > 0 {
			return exactly(series[0].Labels), true
		}
	}
	return picked{}, false
}

func sameName(a, b []*labels.Matcher) bool {
	name := func(ms []*labels.Matcher) string {
		for _, m := range ms {
			if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
				return m.Value
			}
		}
		return ""
	}
	return name(a) == name(b)
}

// exactly returns the selector of one series.
func exactly(series map[string]string) picked {
	var ms []*labels.Matcher
	for _, n := range slices.Sorted(maps.Keys(series)) {
		ms = append(ms, labels.MustNewMatcher(labels.MatchEqual, n, series[n]))
	}
	return picked{matchers: ms, text: selectorText(ms)}
}
