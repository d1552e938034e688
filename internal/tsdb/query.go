package tsdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/promql"

	"github.com/foreshock/foreshock/engine"
)

// Range answers a query at from, from+step, … to, as [engine.Querier] wants
// it. A query whose text is wrong gives [*engine.QueryError], one that the
// data refuse [*engine.EvaluationError].
func (db *DB) Range(ctx context.Context, query string, from, to time.Time, step time.Duration) ([]engine.Series, error) {
	if err := db.sound.check(query); err != nil {
		return nil, err
	}
	if step < time.Millisecond || to.Before(from) {
		return nil, fmt.Errorf("query from %s to %s every %s; want a step of at least 1ms and an end after the start", from.Format(time.RFC3339), to.Format(time.RFC3339), step)
	}
	q, err := db.promql.NewRangeQuery(ctx, db.queryable, nil, query, from, to, step)
	if err != nil {
		return nil, &engine.QueryError{Query: query, Msg: err.Error()}
	}
	defer q.Close()
	result := q.Exec(ctx)
	if result.Err != nil {
		return nil, db.failed(ctx, query, result.Err)
	}
	matrix, err := result.Matrix()
	if err != nil {
		return nil, &engine.EvaluationError{Query: query, Err: err}
	}
	out := make([]engine.Series, len(matrix))
	for i, s := range matrix {
		out[i] = toSeries(s)
	}
	return out, nil
}

// mostSound is how many queries are remembered.
const mostSound = 4096

// sound remembers which queries may be asked: a live engine asks the same ones
// in every frame, and to parse them takes a tenth of all its work.
type sound struct {
	mu      sync.Mutex
	queries map[string]struct{}
}

// check returns what is wrong with a query.
func (s *sound) check(query string) error {
	s.mu.Lock()
	_, known := s.queries[query]
	s.mu.Unlock()
	if known {
		return nil
	}
	if _, err := engine.ParseQuery(query); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queries == nil || len(s.queries) >= mostSound {
		s.queries = map[string]struct{}{}
	}
	s.queries[query] = struct{}{}
	return nil
}

func (db *DB) failed(ctx context.Context, query string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var big promql.ErrTooManySamples
	var late promql.ErrQueryTimeout
	switch {
	case errors.As(err, &big):
		return fmt.Errorf("query %s needs too many samples at once; ask for fewer series or a shorter window", query)
	case errors.As(err, &late):
		return fmt.Errorf("query %s takes too long; ask for fewer series or a shorter window", query)
	}
	return &engine.EvaluationError{Query: query, Err: err}
}

func toSeries(s promql.Series) engine.Series {
	out := engine.Series{Labels: s.Metric.Map(), Samples: make([]engine.Sample, 0, len(s.Floats)+len(s.Histograms))}
	floats, hists := s.Floats, s.Histograms
	for len(floats)+len(hists) > 0 {
		if len(hists) == 0 || len(floats) > 0 && floats[0].T <= hists[0].T {
			out.Samples = append(out.Samples, engine.Sample{At: time.UnixMilli(floats[0].T).UTC(), Value: floats[0].F})
			floats = floats[1:]
			continue
		}
		out.Samples = append(out.Samples, engine.Sample{At: time.UnixMilli(hists[0].T).UTC(), Value: math.NaN(), Histogram: toHistogram(hists[0].H)})
		hists = hists[1:]
	}
	return out
}

// toHistogram sums the buckets up, from the lowest bound.
func toHistogram(h *histogram.FloatHistogram) *engine.Histogram {
	out := &engine.Histogram{Count: h.Count, Sum: h.Sum}
	total := 0.0
	for it := h.AllBucketIterator(); it.Next(); {
		b := it.At()
		total += b.Count
		out.Upper = append(out.Upper, b.Upper)
		out.Counts = append(out.Counts, total)
	}
	return out
}
