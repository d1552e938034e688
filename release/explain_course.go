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
	worst       []float64 // of a bucket: the value of the worst instance; NaN when there is none
	limit       float64   // as last known; NaN when there is none
	frames      int       // with a value
	first, last time.Time // of them
	several     bool      // instances at once
}

// courses keeps the signals of a system over time, at most [MostPoints] of
// each: where there are more frames, neighbours are joined to their mean.
type courses struct {
	per     int // frames in a bucket
	seen    int // frames so far
	times   []time.Time
	signals []signal.Signal
	byLine  map[line]*course
	ordered []line // as they came up
}

func newCourses(signals []signal.Signal) *courses {
	return &courses{per: 1, signals: signals, byLine: map[line]*course{}}
}

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
		value, worst := valueOf(cell, c.down(cell.Signal))
		x.take(len(c.times)-1, value, f.At)
		x.note(len(c.times)-1, worst, c.down(cell.Signal))
		x.several = x.several || len(cell.Readings) > 1
	}
}

// down says whether less of a signal is worse.
func (c *courses) down(id int) bool {
	return id >= 0 && id < len(c.signals) && c.signals[id].Direction() == signal.Down
}

// worse returns the worse of two values; one that is missing does not count.
func worse(a, b float64, down bool) float64 {
	switch {
	case math.IsNaN(a):
		return b
	case math.IsNaN(b):
		return a
	case down:
		return math.Min(a, b)
	default:
		return math.Max(a, b)
	}
}

// join halves the number of buckets.
func (c *courses) join() {
	c.per *= 2
	c.times = everySecond(c.times)
	for k, x := range c.byLine {
		x.sums, x.counts = pairs(x.sums), pairs(x.counts)
		joined := x.worst[:0]
		for i := 0; i < len(x.worst); i += 2 {
			other := math.NaN()
			if i+1 < len(x.worst) {
				other = x.worst[i+1]
			}
			joined = append(joined, worse(x.worst[i], other, c.down(k.signal)))
		}
		x.worst = joined
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

// note takes the value of the worst instance.
func (x *course) note(bucket int, value float64, down bool) {
	if math.IsNaN(value) {
		return
	}
	for len(x.worst) <= bucket {
		x.worst = append(x.worst, math.NaN())
	}
	x.worst[bucket] = worse(x.worst[bucket], value, down)
}

// value returns the mean of a bucket; NaN when it has none.
func (x *course) value(bucket int) float64 {
	if x == nil || bucket >= len(x.sums) || x.counts[bucket] == 0 {
		return math.NaN()
	}
	return x.sums[bucket] / x.counts[bucket]
}

// valueOf returns the value of a cell as a whole: of counted shares the mean
// over the observations, of the rest the mean over the instances; and the
// value of the worst instance. They are NaN when there is none.
func valueOf(c signal.Cell, down bool) (value, worst float64) {
	worst = math.NaN()
	var sum, n, weighed, weights float64
	counted := true
	for _, r := range c.Readings {
		if r.Presence != signal.Present {
			continue
		}
		sum, n, worst = sum+r.Value, n+1, worse(worst, r.Value, down)
		if math.IsNaN(r.Events) || math.IsNaN(r.N) {
			counted = false
			continue
		}
		weighed, weights = weighed+float64(r.Value*r.N), weights+r.N
	}
	switch {
	case n == 0:
		return math.NaN(), worst
	case counted && weights > 0:
		return weighed / weights, worst
	default:
		return sum / n, worst
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

// passes returns when the worst instance of a line first comes to a limit, or
// within a hundredth of it, at or after an instant, or else how near it came and when; NaN without a value.
func (c *courses) passes(k line, from time.Time, limit float64) (most float64, at time.Time, met bool) {
	most = math.NaN()
	down := c.down(k.signal)
	for b, t := range c.times {
		x := c.byLine[k]
		if t.Before(from) || x == nil || b >= len(x.worst) || math.IsNaN(x.worst[b]) {
			continue
		}
		v := x.worst[b]
		if room := 0.01 * math.Abs(limit); down && v <= limit+room || !down && v >= limit-room {
			return v, t, true
		}
		if math.IsNaN(most) || v != most && worse(most, v, down) == v {
			most, at = v, t
		}
	}
	return most, at, false
}

// several says whether a line was ever that of several instances at once.
func (c *courses) several(k line) bool { x := c.byLine[k]; return x != nil && x.several }

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
