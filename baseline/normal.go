package baseline

import (
	"math"
	"time"

	"github.com/foreshock/foreshock/stats"
)

const (
	// known is how many hours of an hour of the week must be remembered for it
	// to speak for itself: half of one, which one week's is down to after a
	// half-life.
	known = 0.5
	// days is on how many days an hour of the day must be known, and beside how
	// many hours of its own day, for an hour that was not seen to be filled in:
	// a release at the same hour of last week must not make this week blind.
	days, beside = 3, 2
	// reach is how many hours of the day on either side say how much days
	// differ and values spread: these change over the day with the load.
	reach = 3
	// pairs is how many pairs of hours of neighbouring days it takes to say how
	// much the same hour differs from day to day: more than two days have
	// around one hour.
	pairs = 8
)

// A node is what is normal in the middle of one hour of the week.
type node struct {
	level, variance float64 // NaN when it is not known
}

// normal returns what is normal at an instant, NaN when it is not known: the
// straight line between the middles of the two hours around it. Where only one
// of them is known it speaks within its own hour.
func (s *series) normal(at time.Time, halfLife time.Duration) (level, spread float64) {
	hour := hourOf(at)
	into := at.Sub(time.Unix(3600*hour, 0)).Hours() - 0.5
	left := 1.0
	if hour > s.newest {
		left = decay(hour-s.newest, halfLife)
	}
	own := s.node(slot(hour), left)
	if math.IsNaN(own.level) {
		return math.NaN(), math.NaN()
	}
	step := int64(1)
	if into < 0 {
		step, into = -1, -into
	}
	if next := s.node(slot(hour+step), left); !math.IsNaN(next.level) {
		own.level += into * (next.level - own.level)
		own.variance += into * (next.variance - own.variance)
	}
	return own.level, math.Sqrt(own.variance)
}

// node returns what is normal in one hour of the week, when left is what the
// time since the newest value has left of all weights.
//
// An hour of the week is one draw about its hour of the day, and that one
// about the level of the whole week; each mean is shrunk towards the one above
// it by empirical Bayes. With n hours remembered of the cell, σ² the variance
// of one hour's mean from day to day and τ² that of an hour of the week about
// its hour of the day:
//
//	level    = w·mean + (1−w)·hourOfDay,   w = n/(n + σ²/τ²)
//	variance = V + σ²·min(1, 1/n) + 1/(n/σ² + 1/τ²)
//
// V is the variance of single values within an hour. The second term is what V
// does not show of how hours differ: the variance about the mean of n hours
// holds σ²·(1 − 1/n) of it. The third is what is not known of the level.
//
// An hour that was not seen lies as far from its hour of the day as the hours
// beside it on the same day do on average, give or take τ.
func (s *series) node(c int, left float64) node {
	n := left * s.cells[c].weight
	a := s.around(c%day, left)
	if math.IsNaN(a.sigma2) {
		return node{math.NaN(), math.NaN()}
	}
	level, unsure := s.hourOfDay(c%day, left, a)
	switch {
	case n < known:
		level += s.ownDay(c, left, a)
		unsure += a.tau2
	case a.sigma2 == 0: // the same hours are alike to the last digit
		level, unsure = s.cells[c].mean, 0
	case a.tau2 > 0:
		w := n / (n + a.sigma2/a.tau2)
		level += w * (s.cells[c].mean - level)
		unsure = 1 / (n/a.sigma2 + 1/a.tau2)
	}
	if math.IsNaN(level) {
		return node{math.NaN(), math.NaN()}
	}
	v := a.within
	if n >= known {
		v = (n*s.within(c) + a.within) / (n + 1)
	}
	return node{level, v + a.sigma2/math.Max(1, n) + unsure}
}

// ownDay returns how far the hours beside one lie from their hours of the day
// on average; NaN when too little is known of them, or of the hour on other
// days.
func (s *series) ownDay(c int, left float64, a chance) float64 {
	if s.daysKnown(c%day, left) < days {
		return math.NaN()
	}
	var sum, n float64
	for k := c - reach; k <= c+reach; k++ {
		at := (k + hours) % hours
		if left*s.cells[at].weight < known || s.daysKnown(at%day, left) < days {
			continue
		}
		mean, _ := s.pooled(at%day, left, a)
		sum, n = sum+s.cells[at].mean-mean, n+1
	}
	if n < beside {
		return math.NaN()
	}
	return sum / n
}

// within returns the variance of the values in an hour of the week about their
// mean, without what the level's own course through the hour gives: a straight
// line of slope b an hour has the variance b²/12.
func (s *series) within(c int) float64 {
	v := s.cells[c].variance()
	before, after := s.cells[(c+hours-1)%hours], s.cells[(c+1)%hours]
	if before.weight > 0 && after.weight > 0 {
		slope := (after.mean - before.mean) / 2
		v -= slope * slope / 12
	}
	return math.Max(0, v)
}

// daysKnown returns on how many days an hour of the day is known.
func (s *series) daysKnown(hour int, left float64) int {
	n := 0
	for c := hour; c < hours; c += day {
		if left*s.cells[c].weight >= known {
			n++
		}
	}
	return n
}

// chance is what the hours of the day around one tell of it.
type chance struct {
	sigma2 float64 // variance of one hour's mean from day to day; NaN when too few days are known
	tau2   float64 // variance of an hour of the week about its hour of the day, ≥ 0
	within float64 // variance of single values within an hour
}

// around reads off how much the same hour differs between neighbouring days,
// robustly, so that the step into a weekend counts as little as an outlier:
//
//	σ  = 1.4826·median |mᵢ − mᵢ₊₂₄|/√(1/nᵢ + 1/nᵢ₊₂₄)
//	τ² = max(0, mean over the hours of the day of (variance of mᵢ over days − σ²·mean 1/nᵢ))
//
// Days that differ by nature (a busy Monday) count as chance, so that σ errs
// upwards.
func (s *series) around(hour int, left float64) chance {
	var buf [(2*reach + 1) * 7]float64
	steps := buf[:0]
	var within, seen, between, inverse, groups float64
	for k := hour - reach; k <= hour+reach; k++ {
		var mean, squares, inv, days float64
		for c := (k + day) % day; c < hours; c += day {
			n := left * s.cells[c].weight
			if n < known {
				continue
			}
			within, seen = within+n*s.within(c), seen+n
			days++
			d := s.cells[c].mean - mean
			mean += d / days
			squares += d * (s.cells[c].mean - mean)
			inv += 1 / n
			next := s.cells[(c+day)%hours]
			if m := left * next.weight; m >= known {
				steps = append(steps, math.Abs(s.cells[c].mean-next.mean)/math.Sqrt(1/n+1/m))
			}
		}
		if days > 1 {
			between, inverse, groups = between+squares/(days-1), inverse+inv/days, groups+1
		}
	}
	if len(steps) < pairs {
		return chance{sigma2: math.NaN()}
	}
	sigma := 1.4826 * stats.Median(steps)
	return chance{
		sigma2: sigma * sigma, within: within / seen,
		tau2: math.Max(0, (between-sigma*sigma*inverse)/groups),
	}
}

// hourOfDay returns the level of an hour of the day and what is not known of
// it, as a variance. With ω² the variance of the hours of the day about the
// level of the whole week:
//
//	level = (A·mean + week/ω²)/(A + 1/ω²),   A = Σ 1/(τ² + σ²/n) over its days
func (s *series) hourOfDay(hour int, left float64, a chance) (level, unsure float64) {
	var week, squares, inverse, known, mean, own float64
	for k := range day {
		m, precision := s.pooled(k, left, a)
		if precision == 0 {
			continue
		}
		known++
		d := m - week
		week += d / known
		squares += d * (m - week)
		inverse += 1 / precision
		if k == hour {
			mean, own = m, precision
		}
	}
	if known < 2 {
		return mean, 1 / own
	}
	omega2 := squares/(known-1) - inverse/known
	if !(omega2 > 0) {
		return week, inverse / known / known
	}
	return mean + (week-mean)/(1+own*omega2), 1 / (own + 1/omega2)
}

// pooled returns the mean of an hour of the day over its days and its
// precision, the inverse of its variance; 0 when none is remembered. Where
// days do not differ at all the precision is infinite.
func (s *series) pooled(hour int, left float64, a chance) (mean, precision float64) {
	var all cell
	for c := hour; c < hours; c += day {
		n := left * s.cells[c].weight
		if n == 0 {
			continue
		}
		p := n
		if v := a.tau2 + a.sigma2/n; v > 0 {
			p = 1 / v
		}
		all = all.merge(cell{weight: p, mean: s.cells[c].mean})
	}
	if a.tau2+a.sigma2 == 0 && all.weight > 0 {
		return all.mean, math.Inf(1)
	}
	return all.mean, all.weight
}
