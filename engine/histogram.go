package engine

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/foreshock/foreshock/signal"
)

// expand puts four signals in the place of each whose query answers
// histograms: the median, the 90th and 99th percentile and the mean.
func (s *Source) expand(ctx context.Context) error {
	var signals []signal.Signal
	var exporter []int
	for i, sig := range s.sys.Signals {
		if sig.Family == "" {
			sig.Family = sig.Name
		}
		parts, err := s.parts(ctx, i)
		if err != nil {
			return err
		}
		if parts == nil {
			parts = []part{{query: sig.Query, limited: true}}
		}
		for _, p := range parts {
			one := sig
			one.Name, one.Query = sig.Name+p.suffix, p.query
			one.Window = windowOf(p.query, s.sys.Interval)
			one.Quantile = quantileOf(p.query)
			if !p.limited {
				one.Limit = signal.Limit{}
			}
			signals = append(signals, one)
			if s.exporter != nil {
				exporter = append(exporter, s.exporter[i])
			}
		}
	}
	s.sys.Signals, s.exporter = signals, exporter
	return nil
}

// A part is one number made of a histogram.
type part struct {
	suffix, query string
	limited       bool // the limit of the whole is meant for this one
}

func quantiles(template string) []part {
	return []part{
		{suffix: ":p50", query: "histogram_quantile(0.5, " + template + ")"},
		{suffix: ":p90", query: "histogram_quantile(0.9, " + template + ")"},
		{suffix: ":p99", query: "histogram_quantile(0.99, " + template + ")", limited: true},
	}
}

// parts returns what a signal becomes; nil when it is no histogram. Classic
// histograms are known by the query, native ones by an answer.
func (s *Source) parts(ctx context.Context, i int) ([]part, error) {
	template := s.sys.Signals[i].Query
	expr, err := ParseQuery(example.fill(template))
	if err != nil {
		return nil, err
	}
	name, ok := answersBuckets(expr)
	if ok {
		parts := quantiles(template)
		if mean := classicMean(template, name); CheckTemplate(mean) == nil {
			parts = append(parts, part{suffix: ":mean", query: mean})
		}
		return parts, nil
	}
	if !mayBeNative(expr) {
		return nil, nil
	}
	native, err := s.answersHistograms(ctx, i)
	if err != nil || !native {
		return nil, err
	}
	return append(quantiles(template), part{suffix: ":mean", query: "histogram_avg(" + template + ")"}), nil
}

// answersBuckets says whether the answer keeps the buckets of a classic
// histogram, and of which one.
func answersBuckets(expr parser.Expr) (string, bool) {
	switch e := unparen(expr).(type) {
	case *parser.AggregateExpr:
		if e.Op == parser.SUM && slices.Contains(e.Grouping, labels.BucketLabel) != e.Without {
			return answersBuckets(e.Expr)
		}
	case *parser.Call:
		if s := rated(e); s != nil {
			return answersBuckets(s)
		}
	case *parser.VectorSelector:
		fixed := slices.ContainsFunc(e.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == labels.BucketLabel })
		name := metricName(e)
		return name, strings.HasSuffix(name, "_bucket") && !fixed
	}
	return "", false
}

// grouping finds the labels that an aggregation keeps.
var grouping = regexp.MustCompile(`\bby\s*\(([^()]*)\)`)

// classicMean divides the sum by the count of the same histogram.
func classicMean(template, bucket string) string {
	base := strings.TrimSuffix(bucket, "_bucket")
	template = grouping.ReplaceAllStringFunc(template, func(by string) string {
		keep := strings.FieldsFunc(grouping.FindStringSubmatch(by)[1], func(r rune) bool { return strings.ContainsRune(", \t\n", r) })
		return "by (" + strings.Join(slices.DeleteFunc(keep, func(l string) bool { return l == labels.BucketLabel }), ", ") + ")"
	})
	return "(" + strings.ReplaceAll(template, bucket, base+"_sum") + ") / (" + strings.ReplaceAll(template, bucket, base+"_count") + ")"
}

// mayBeNative says whether a query could answer native histograms: a metric
// or a sum or rate of it, of a name that no other type has.
func mayBeNative(expr parser.Expr) bool {
	switch e := unparen(expr).(type) {
	case *parser.AggregateExpr:
		return (e.Op == parser.SUM || e.Op == parser.AVG) && mayBeNative(e.Expr)
	case *parser.Call:
		s := rated(e)
		return s != nil && mayBeNative(s)
	case *parser.VectorSelector:
		return !slices.ContainsFunc([]string{"_total", "_count", "_sum", "_bucket", "_info", "_ratio"}, func(suffix string) bool {
			return strings.HasSuffix(metricName(e), suffix)
		})
	}
	return false
}

// answersHistograms asks a signal for one service or cohort after the other,
// until one answers. Live, the last frames before the first one are asked: a
// signal that begins to answer histograms later is not expanded.
func (s *Source) answersHistograms(ctx context.Context, i int) (bool, error) {
	if !s.active(i) {
		return false, nil
	}
	one := *s
	one.sys.Signals = s.sys.Signals[i : i+1]
	one.exporter = nil
	if s.exporter != nil {
		one.exporter = s.exporter[i : i+1]
	}
	var wants []want
	for _, a := range one.plan() {
		wants = append(wants, newTracker(&one, a).value())
	}
	for _, q := range batched(wants) {
		native, answered, err := s.firstIsHistogram(ctx, q)
		if answered || err != nil {
			return native, err
		}
	}
	return false, nil
}

// firstIsHistogram says whether the first sample of an answer is a histogram.
func (s *Source) firstIsHistogram(ctx context.Context, q request) (native, answered bool, err error) {
	from, to := s.horizon()
	series, err := s.querier.Range(ctx, q.query, from, to, s.sys.Interval)
	switch {
	case err != nil && q.batch != nil && ctx.Err() == nil:
		for _, half := range q.batch.halves() {
			if native, answered, err = s.firstIsHistogram(ctx, half); answered || err != nil {
				return native, answered, err
			}
		}
		return false, false, nil
	case isRefused(err):
		return false, false, nil
	case err != nil:
		return false, false, err
	}
	for _, x := range series {
		for _, sample := range x.Samples {
			return sample.Histogram != nil, true, nil
		}
	}
	return false, false, nil
}
