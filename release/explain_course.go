package release

import (
	"math"
	"time"

	"github.com/foreshock/foreshock/signal"
)

// MostPoints is how many points of a signal are kept for an [Explanation].
const MostPoints = 240

// A line names one signal of one side of a release, or of a whole service.
type line struct {
	release int // −1 for a whole service
	service int
	signal  int
	cohort  signal.Cohort
}

// A course is one signal over time, in buckets of as many frames each.
type course struct {
	sums        []float64 // of a bucket's values
	counts      []float64 // how many there are
	limit       float64   // as last known; NaN when there is none
	frames      int       // with a value
	first, last time.Time // of them
}

// courses keeps the signals of a system over time, at most [MostPoints] of
// each: where there are more frames, neighbours are joined to their mean.
type courses struct {
	per     int // frames in a bucket
	seen    int // frames so far
	times   []time.Time
	byLine  map[line]*course
	ordered []line // as they came up
}

func newCourses() *courses { return &courses{per: 1, byLine: map[line]*course{}} }

// add takes one frame.
func (c *courses) add(f signal.Frame) {
	if c.seen == MostPoints*c.per {
		c.join()
	}
	if c.seen%c.per == 0 {
		c.times = append(c.times, f.At)
	}
	c.seen++
	for _, cell := range f.Cells {
		k := line{release: cell.Release, service: cell.Service, signal: cell.Signal, cohort: cell.Cohort}
		x := c.byLine[k]
		if x == nil {
			x = &course{limit: math.NaN()}
			c.byLine[k] = x
			c.ordered = append(c.ordered, k)
		}
		if !math.IsNaN(cell.Limit) {
			x.limit = cell.Limit
		}
		x.take(len(c.times)-1, valueOf(cell), f.At)
	}
}

// join halves the number of buckets.
func (c *courses) join() {
	c.per *= 2
	c.times = everySecond(c.times)
	for _, x := range c.byLine {
		x.sums, x.counts = pairs(x.sums), pairs(x.counts)
	}
}

func everySecond(ts []time.Time) []time.Time {
	var out []time.Time
	for i := 0; i < len(ts); i += 2 {
		out = append(out, ts[i])
	}
	return out
}

func pairs(xs []float64) []float64 {
	var out []float64
	for i, x := range xs {
		if i%2 == 0 {
			out = append(out, 0)
		}
		out[i/2] += x
	}
	return out
}

func (x *course) take(bucket int, value float64, at time.Time) {
	if math.IsNaN(value) {
		return
	}
	for len(x.sums) <= bucket {
		x.sums, x.counts = append(x.sums, 0), append(x.counts, 0)
	}
	x.sums[bucket] += value
	x.counts[bucket]++
	if x.frames == 0 {
		x.first = at
	}
	x.frames++
	x.last = at
}

// value returns the mean of a bucket; NaN when it has none.
func (x *course) value(bucket int) float64 {
	if x == nil || bucket >= len(x.sums) || x.counts[bucket] == 0 {
		return math.NaN()
	}
	return x.sums[bucket] / x.counts[bucket]
}

// valueOf returns the value of a cell as a whole: of counted shares the mean
// over the observations, of the rest the mean over the instances; NaN when
// there is none.
func valueOf(c signal.Cell) float64 {
	var sum, n, weighed, weights float64
	counted := true
	for _, r := range c.Readings {
		if r.Presence != signal.Present {
			continue
		}
		sum, n = sum+r.Value, n+1
		if math.IsNaN(r.Events) || math.IsNaN(r.N) {
			counted = false
			continue
		}
		weighed, weights = weighed+float64(r.Value*r.N), weights+r.N
	}
	switch {
	case n == 0:
		return math.NaN()
	case counted && weights > 0:
		return weighed / weights
	default:
		return sum / n
	}
}

// mean returns the mean of a line over [from, until); NaN when it has none.
func (c *courses) mean(k line, from, until time.Time) float64 {
	var sum, n float64
	x := c.byLine[k]
	for b, at := range c.times {
		if v := x.value(b); !at.Before(from) && at.Before(until) && !math.IsNaN(v) {
			sum, n = sum+v, n+1
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / n
}

// extreme returns the value of a line at or after an instant that lies
// furthest in a direction, and when; NaN when there is none.
func (c *courses) extreme(k line, from time.Time, d signal.Direction) (v float64, at time.Time) {
	v = math.NaN()
	for b, t := range c.times {
		x := c.byLine[k].value(b)
		if t.Before(from) || math.IsNaN(x) {
			continue
		}
		if math.IsNaN(v) || (d == signal.Down && x < v) || (d != signal.Down && x > v) {
			v, at = x, t
		}
	}
	return v, at
}

// passes returns when a line first comes to a limit, at or after an instant.
func (c *courses) passes(k line, from time.Time, limit float64, d signal.Direction) (at time.Time, ok bool) {
	for b, t := range c.times {
		x := c.byLine[k].value(b)
		if !t.Before(from) && ((d == signal.Down && x <= limit) || (d != signal.Down && x >= limit)) {
			return t, true
		}
	}
	return time.Time{}, false
}

// numbers returns all points of a line; none when it has no value at all.
func (c *courses) numbers(k line) []Number {
	x := c.byLine[k]
	if x == nil || x.frames == 0 {
		return []Number{}
	}
	out := make([]Number, len(c.times))
	for b := range out {
		out[b] = Number(x.value(b))
	}
	return out
}
