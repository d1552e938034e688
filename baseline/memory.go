package baseline

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// MaxSeries is how many series a memory holds at most; further ones are not
// learned. It bounds a memory to about 33 MB.
const MaxSeries = 8192

// defaultHalfLife is after how long half of what was learned is forgotten.
const defaultHalfLife = 4 * 7 * 24 * time.Hour

// Options tune a [Memory]. The zero value is ready to use.
type Options struct {
	HalfLife time.Duration // after which a value counts half, to the hour; 0 means 4 weeks
}

// key names a series.
type key struct{ service, signal string }

// A Memory is what is normal for the signals of many services, by hour of the
// week in UTC. It takes at most 4 KiB a series, however long it has learned.
//
// Looking up may be done by many at once, learning by one alone.
type Memory struct {
	halfLife time.Duration
	series   map[key]*series
}

// New returns a memory that knows nothing yet.
func New(o Options) *Memory {
	halfLife := cmp.Or(o.HalfLife, defaultHalfLife).Truncate(time.Hour)
	return &Memory{halfLife: max(time.Hour, halfLife), series: map[key]*series{}}
}

// HalfLife returns after how long half of what was learned is forgotten.
func (m *Memory) HalfLife() time.Duration { return m.halfLife }

// Len returns how many series are remembered.
func (m *Memory) Len() int { return len(m.series) }

// Learn takes a value of a whole service that stood for a span up to an hour,
// in the signal's base unit. Values may come in any order; those that are no
// numbers, and spans that are not positive, are left out. The caller sees to
// it that the value is of healthy time: see [Learner].
func (m *Memory) Learn(service, signal string, at time.Time, value float64, span time.Duration) {
	m.learn(key{service, signal}, hourOf(at), cell{weight: span.Hours(), mean: value})
}

func (m *Memory) learn(k key, hour int64, c cell) {
	if !(math.Abs(c.mean) <= most && c.m2 <= most*most && c.weight > 0) {
		return
	}
	s := m.series[k]
	if s == nil {
		if len(m.series) >= MaxSeries {
			return
		}
		s = &series{newest: hour}
		m.series[k] = s
	}
	s.learn(hour, c, m.halfLife)
}

// Level returns what is normal for a signal of a service at an instant: its
// level and the standard deviation of one value about it, both in the base
// unit. Both are NaN while that hour of the week is not known: it needs half
// an hour remembered of it, or of the same hour on three other days and of two
// hours near it on its own; and some hours of three days in a row, to tell how
// much days differ.
func (m *Memory) Level(service, signal string, at time.Time) (level, spread float64) {
	s := m.series[key{service, signal}]
	if s == nil {
		return math.NaN(), math.NaN()
	}
	return s.normal(at, m.halfLife)
}

// Newest returns the end of the newest hour that was learned of any series;
// the zero time when there is none.
func (m *Memory) Newest() time.Time {
	var newest time.Time
	for _, s := range m.series {
		if end := time.Unix(3600*(s.newest+1), 0).UTC(); end.After(newest) {
			newest = end
		}
	}
	return newest
}

// Hours returns how many hours are remembered of a series in all, each halved
// once per half-life before its newest.
func (m *Memory) Hours(service, signal string) float64 {
	var sum float64
	if s := m.series[key{service, signal}]; s != nil {
		for _, c := range s.cells {
			sum += c.weight
		}
	}
	return sum
}

// Merge returns what two memories know together. It is the same whichever
// comes first, and however many are merged in which order, to rounding. Of
// more than [MaxSeries] series those of m stay first.
func (m *Memory) Merge(o *Memory) (*Memory, error) {
	if m.halfLife != o.halfLife {
		return nil, fmt.Errorf("merge memories: one forgets half in %s and the other in %s; learn one of them anew with the half-life of the other",
			m.halfLife, o.halfLife)
	}
	out := New(Options{HalfLife: m.halfLife})
	for k, s := range m.series {
		c := *s
		out.series[k] = &c
	}
	for _, k := range o.keys() {
		switch s := out.series[k]; {
		case s != nil:
			out.series[k] = s.merge(o.series[k], m.halfLife)
		case len(out.series) < MaxSeries:
			c := *o.series[k]
			out.series[k] = &c
		}
	}
	return out, nil
}

// Take learns lessons that were learned while others may have taught the
// memory: known is what it was when the lessons were begun, or when some were
// taken last. A series that somebody else has taught since then is learned onwards
// only, from after its newest hour: two who watch one service see the same, and
// it would count twice.
func (m *Memory) Take(lessons []Lesson, known *Memory) {
	before := map[key]int64{} // the newest hour of what others have taught
	for k, s := range m.series {
		if old := known.series[k]; old == nil || *s != *old {
			before[k] = s.newest
		}
	}
	for _, x := range lessons {
		if newest, others := before[x.key]; !others || x.hour > newest {
			m.learn(x.key, x.hour, x.cell)
		}
	}
}
