package engine

import (
	"maps"
	"slices"
	"strings"
	"time"
)

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
	last   map[string]float64
	labels map[string]map[string]string
	keys   []string           // of all series, sorted
	delta  map[string]float64 // since the frame before; series that are not there have none
}

func newCounter() *counter {
	return &counter{last: map[string]float64{}, labels: map[string]map[string]string{}, delta: map[string]float64{}}
}

// advance moves to the frame at t. The first value of a series is where it
// is counted from: what was before is not known. A value below the last one
// is a reset, after which the counter began at zero. A raw selector repeats
// the last sample for up to the look-back: no increase, and a larger one
// when the next sample comes, which is right in sum.
func (c *counter) advance(series []*cursor, t time.Time) {
	clear(c.delta)
	for _, s := range series {
		sample, ok := s.at(t)
		if !ok {
			continue
		}
		value := sample.Value
		if sample.Histogram != nil {
			value = sample.Histogram.Count
		}
		if value != value {
			continue
		}
		before, known := c.last[s.key]
		if !known {
			c.labels[s.key] = s.series.Labels
			at, _ := slices.BinarySearch(c.keys, s.key)
			c.keys = slices.Insert(c.keys, at, s.key)
		} else if value < before {
			before = 0
		}
		c.last[s.key] = value
		if known {
			c.delta[s.key] = value - before
		}
	}
}

// sum returns the increase of all series that have these labels: of an
// instance whose labels are what an aggregation left.
func (c *counter) sum(labels map[string]string) float64 {
	total := 0.0
	for _, k := range c.keys {
		d, ok := c.delta[k]
		if ok && d > 0 && contains(c.labels[k], labels) {
			total += d
		}
	}
	return total
}

// contains says whether all labels of part but the name are in all.
func contains(all, part map[string]string) bool {
	for n, v := range part {
		if n != "__name__" && all[n] != v {
			return false
		}
	}
	return true
}
