package baseline

import (
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

const (
	// hold is how long values wait until they have proved healthy: what begins
	// in them is found by then, or is not found.
	hold = time.Hour
	// settle is how long after a release nothing is learned: caches fill.
	settle = 15 * time.Minute
	// young is the age in frames under which an instance is not learned from.
	young = 2
	// clip is how many standard deviations from the rest of its quarter of an
	// hour, and from what is normal, a value counts at most.
	clip = 4
	// enough is how many values it takes to clip by their own spread.
	enough = 8
)

// A block is a quarter of an hour of every series.
type block struct {
	quarter int64 // since the Unix epoch
	values  [][]float64
}

// usual is what was normal in the quarters of an hour before any of that hour
// was learned: else an incident would widen its own bounds.
type usual struct {
	hour          int64
	level, spread [4]float64
}

// A Learner teaches a [Memory] from frames, and from healthy time alone:
//
//   - nothing while a release is under way (its weight moves, or is neither 0
//     nor 1) and a quarter of an hour after;
//   - nothing that a hold of one hour does not let through: a frame that is not
//     healthy takes all that was held back with it, and the hour that follows.
//
// Of a quarter of an hour no value counts as further than 4 standard
// deviations (MADs) from the median of its series there, and none as further
// than 4 spreads from what is normal as far as that is known: an incident that
// nobody named moves a memory little, and what has really changed is learned
// in weeks. A series is only learned onwards: from after the newest hour that
// the memory knew of it before, so that frames that come again teach nothing.
type Learner struct {
	memory   *Memory
	names    Names
	interval time.Duration
	before   []int64 // by series: the newest hour that was known already
	usual    []usual // by series: what was normal in the hour that is learned, before it
	open     block
	held     []block
	deaf     time.Time // nothing is learned before
	hours    float64
	lessons  []Lesson
}

// A Lesson is what a [Learner] learned of a stretch within one hour of one
// series, for a memory that others teach too: see [Memory.Take].
type Lesson struct {
	key  key
	hour int64
	cell cell
}

// Lessons returns what was learned since they were asked for last.
func (l *Learner) Lessons() []Lesson {
	out := l.lessons
	l.lessons = nil
	return out
}

// NewLearner returns a learner of frames that are an interval apart.
func NewLearner(m *Memory, names Names, interval time.Duration) *Learner {
	l := &Learner{memory: m, names: names, interval: interval, open: block{quarter: math.MinInt64}}
	for _, service := range names.Services {
		for _, sig := range names.Signals {
			newest := int64(math.MinInt64)
			if s := m.series[key{service, sig.Name}]; s != nil {
				newest = s.newest
			}
			l.before = append(l.before, newest)
		}
	}
	l.usual = make([]usual, len(l.before))
	return l
}

// Hours returns how many hours of series were learned so far.
func (l *Learner) Hours() float64 { return l.hours }

// Add takes a frame; healthy says that nothing was wrong in it, as far as is
// known. Frames come in the order of time. What is still held back at the end
// is not learned.
func (l *Learner) Add(f signal.Frame, healthy bool) {
	if !healthy {
		l.open.values, l.held = nil, nil
		l.deaf = f.At.Add(hold)
		return
	}
	if q := quarterOf(f.At); q != l.open.quarter {
		if l.open.values != nil {
			l.held = append(l.held, l.open)
		}
		l.open = block{quarter: q}
	}
	for len(l.held) > 0 && !f.At.Before(l.held[0].end().Add(hold)) {
		l.learn(l.held[0])
		l.held = l.held[1:]
	}
	if underWay(f.Exposure) {
		if until := f.At.Add(settle); until.After(l.deaf) {
			l.deaf = until
		}
		return
	}
	if !f.At.Before(l.deaf) {
		l.take(f)
	}
}

// underWay says whether a release is between its first step and its end.
func underWay(exposure []signal.Exposure) bool {
	return slices.ContainsFunc(exposure, func(e signal.Exposure) bool {
		return e.Moving || e.Weight > 0 && e.Weight < 1
	})
}

const quarter = 15 * time.Minute

func quarterOf(at time.Time) int64 {
	return 4*hourOf(at) + int64(at.Sub(time.Unix(3600*hourOf(at), 0))/quarter)
}

func (b block) end() time.Time { return time.Unix((b.quarter+1)*int64(quarter/time.Second), 0) }

// take takes the values of whole services out of a frame, one a series.
func (l *Learner) take(f signal.Frame) {
	if l.open.values == nil {
		l.open.values = make([][]float64, len(l.before))
	}
	taken := make([]bool, len(l.before))
	for _, c := range f.Cells {
		if c.Service >= len(l.names.Services) || c.Signal < 0 || c.Signal >= len(l.names.Signals) || !isWhole(c, f.Exposure) {
			continue
		}
		i := c.Service*len(l.names.Signals) + c.Signal
		v := l.value(c)
		if taken[i] || math.IsNaN(v) {
			continue
		}
		taken[i] = true
		l.open.values[i] = append(l.open.values[i], v)
	}
}

// value returns the mean over the instances of a cell that are not young; NaN
// when there is none.
func (l *Learner) value(c signal.Cell) float64 {
	var sum, n float64
	for _, r := range c.Readings {
		if r.Presence == signal.Present && r.Age >= young*l.interval {
			sum, n = sum+r.Value, n+1
		}
	}
	return sum / n
}

// learn teaches the memory one block.
func (l *Learner) learn(b block) {
	hour := b.quarter >> 2
	span := min(l.interval, quarter).Hours()
	for i, values := range b.values {
		if len(values) == 0 || hour <= l.before[i] {
			continue
		}
		sig := l.names.Signals[i%len(l.names.Signals)].Name
		service := l.names.Services[i/len(l.names.Signals)]
		clipped(values, stats.Median(values), stats.MAD(values), len(values) >= enough)
		u := &l.usual[i]
		if u.hour != hour {
			u.hour = hour
			for k := range u.level {
				u.level[k], u.spread[k] = l.memory.Level(service, sig, time.Unix(3600*hour, 0).Add(quarter*time.Duration(2*k+1)/2))
			}
		}
		clipped(values, u.level[b.quarter&3], u.spread[b.quarter&3], true)
		var c cell
		for _, v := range values {
			c = c.merge(cell{weight: span, mean: v})
		}
		l.memory.learn(key{service, sig}, hour, c)
		l.lessons = append(l.lessons, Lesson{key{service, sig}, hour, c})
		l.hours += c.weight
	}
}

// clipped holds values within 4 standard deviations of a level, where those
// are known.
func clipped(values []float64, level, sd float64, known bool) {
	if !known || !(sd > 0) {
		return
	}
	for i, v := range values {
		values[i] = level + stats.Clip(v-level, clip*sd)
	}
}
