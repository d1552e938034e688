package engine

import (
	"context"
	"time"
)

// A Querier answers PromQL over a range of time: the embedded database and a
// live Prometheus alike.
type Querier interface {
	// Range evaluates the query at from, from+step, … up to and including to.
	// Samples come sorted by time, series in the order of their labels.
	Range(ctx context.Context, query string, from, to time.Time, step time.Duration) ([]Series, error)
}

// A Series is one time series of an answer.
type Series struct {
	Labels  map[string]string
	Samples []Sample
}

// A Sample is one value of a series, or one native histogram.
type Sample struct {
	At        time.Time
	Value     float64    // NaN when Histogram is set
	Histogram *Histogram // nil for a plain value
}

// A Histogram is a distribution of observations, of cumulative counts or of
// rates: Counts[i] of them are ≤ Upper[i].
type Histogram struct {
	Upper      []float64 // ascending bucket bounds; the last may be +Inf
	Counts     []float64 // cumulative
	Count, Sum float64
}
