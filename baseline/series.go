package baseline

import (
	"math"
	"time"
)

// hours is how many hours a week has, and day how many of them a day.
const (
	hours = 168
	day   = 24
)

// monday moves hours since the Unix epoch, a Thursday, so that hour 0 of a
// week is Monday 00:00 UTC.
const monday = 3 * day

// most is the largest value that is learned: its square and the sum of many
// such squares are still numbers.
const most = 1e140

// A cell is what was seen in one hour of the week: sums that merge in any
// order.
type cell struct {
	weight float64 // hours seen, each halved once per half-life
	mean   float64
	m2     float64 // weighted sum of squared deviations from mean
}

// merge returns the sums of two cells together.
//
// Source: T. F. Chan, G. H. Golub, R. J. LeVeque, Updating formulae and a
// pairwise algorithm for computing sample variances (1979), eq. 2.1.
func (c cell) merge(o cell) cell {
	w := c.weight + o.weight
	if !(w > 0) {
		return cell{}
	}
	d := o.mean - c.mean
	return cell{
		weight: w,
		mean:   c.mean + d*(o.weight/w),
		m2:     c.m2 + o.m2 + d*d*c.weight*(o.weight/w),
	}
}

// variance returns the variance of the values about their mean.
func (c cell) variance() float64 { return c.m2 / c.weight }

// A series is the memory of one signal of one service.
type series struct {
	newest int64 // the hour since the Unix epoch that weights are as of: the newest one learned
	cells  [hours]cell
}

// hourOf returns the hour since the Unix epoch that an instant lies in.
func hourOf(at time.Time) int64 {
	s := at.Unix()
	h := s / 3600
	if s%3600 < 0 {
		h--
	}
	return h
}

// slot returns the place in the week of an hour since the Unix epoch, 0..167.
func slot(hour int64) int {
	return int(((hour+monday)%hours + hours) % hours)
}

// decay returns what is left of a weight after so many hours, at least 0 of
// them. It goes by whole hours, so that a week is weighed once an hour.
func decay(passed int64, halfLife time.Duration) float64 {
	return math.Exp2(-float64(passed) / halfLife.Hours())
}

// learn takes the sums of a stretch within one hour.
func (s *series) learn(hour int64, c cell, halfLife time.Duration) {
	if hour > s.newest {
		s.age(hour, halfLife)
	} else {
		left := decay(s.newest-hour, halfLife)
		c.weight, c.m2 = left*c.weight, left*c.m2
	}
	at := &s.cells[slot(hour)]
	*at = at.merge(c)
}

// age makes all weights those of a later hour.
func (s *series) age(hour int64, halfLife time.Duration) {
	left := decay(hour-s.newest, halfLife)
	for i := range s.cells {
		c := &s.cells[i]
		c.weight, c.m2 = left*c.weight, left*c.m2
		if c.weight < forgotten {
			*c = cell{}
		}
	}
	s.newest = hour
}

// forgotten is the weight, in hours, under which a cell is dropped: less than
// a thousandth of a second of what was learned is left.
const forgotten = 1e-7

// merge returns the memory of two series together.
func (s *series) merge(o *series, halfLife time.Duration) *series {
	a, b := *s, *o
	a.age(max(s.newest, o.newest), halfLife)
	b.age(max(s.newest, o.newest), halfLife)
	for i := range a.cells {
		a.cells[i] = a.cells[i].merge(b.cells[i])
	}
	return &a
}
