package watch

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// A Weighing says how it is known how much traffic a live release gets.
type Weighing struct {
	// Query answers the share of traffic on the canary, 0 to 1 times Scale.
	Query string
	Scale float64 // 100 when the query is in percent; 0 means 1
	// Requests answers of how many requests one answer of Query counts the share; ""
	// where nothing does.
	Requests string
	// Exact means that the answer is a setting and no measurement: every rise
	// of it is a step.
	Exact bool
	// Fixed is the share that the canary has as soon as the query answers more
	// than zero; 0 means what it answers.
	Fixed float64
}

// A meter follows the weight of one release from frame to frame.
type meter struct {
	Weighing
	last []float64 // the last shares that were measured, oldest first
	of   float64   // of how many requests the last one was counted; NaN when that is not known
	jump []float64 // by how much the last ones differed from the one before each
	mean float64   // of the shares since they were last calm; 0 when they never were
	n    int       // shares in the mean
	now  signal.Exposure
}

// settled is how many measurements in a row must agree to be a step.
const settled = 3

// ask measures the share at an instant; NaN when it cannot be told.
func (m *meter) ask(ctx context.Context, q engine.Querier, at time.Time, interval time.Duration) (float64, error) {
	series, err := q.Range(ctx, m.Query, at, at, interval)
	switch {
	case err != nil:
		return math.NaN(), fmt.Errorf("ask for the weight: %w", err)
	case len(series) == 0 || len(series[0].Samples) == 0:
		return math.NaN(), nil
	case len(series) > 1:
		return math.NaN(), fmt.Errorf("the query for the weight answers %d series; want one: %s", len(series), m.Query)
	}
	share := series[0].Samples[0].Value
	if m.Scale > 0 {
		share /= m.Scale
	}
	if m.Fixed > 0 && share > 0 {
		share = m.Fixed
	}
	m.of = math.NaN()
	if m.Requests == "" {
		return share, nil
	}
	if series, err = q.Range(ctx, m.Requests, at, at, interval); err == nil && len(series) == 1 && len(series[0].Samples) == 1 {
		m.of = series[0].Samples[0].Value
	}
	return share, nil // how sure the share is may stay unknown
}

// read takes one measurement and returns the exposure that follows. Without a
// number the last exposure stays.
func (m *meter) read(share float64) signal.Exposure {
	if math.IsNaN(share) {
		return m.now
	}
	share = math.Min(1, math.Max(0, share))
	if m.Exact || m.Fixed > 0 {
		if share > m.now.Weight {
			m.now.Step++
		}
		m.now.Weight = share
		return m.now
	}
	return m.measured(share)
}

// measured reads a share that wavers. The release begins with the first
// traffic that it gets; a further step is a rise that lasts. Until three
// measurements agree the weight counts as moving; from then on it is their
// mean.
func (m *meter) measured(share float64) signal.Exposure {
	if n := len(m.last); n > 0 {
		m.jump = append(m.jump, math.Abs(share-m.last[n-1]))
		m.jump = m.jump[max(0, len(m.jump)-jumps):]
	}
	m.last = append(m.last, share)
	if len(m.last) > settled {
		m.last = m.last[1:]
	}
	if m.now.Step == 0 && share < least {
		return m.now
	}
	low, high := slices.Min(m.last), slices.Max(m.last)
	middle := slices.Sorted(slices.Values(m.last))[len(m.last)/2]
	calm := len(m.last) == settled && high-low <= m.calm(middle, high)
	same := m.n > 0 && math.Abs(middle-m.mean) <= m.tolerance()
	switch {
	case m.now.Step == 0:
		m.now.Step = 1
	case same:
		m.n = min(m.n+1, longest)
		m.mean += (middle - m.mean) / float64(m.n)
	case calm:
		if m.n > 0 && middle > m.mean {
			m.now.Step++
		}
		m.mean, m.n = middle, 1
	}
	m.now.Weight, m.now.Moving = rounded(m.mean), false
	if !same && !calm {
		m.now.Weight, m.now.Moving = rounded(middle), true
	}
	return m.now
}

// jumps is how many differences between neighbouring shares are kept, and leastJumps how
// many tell how far shares waver.
const jumps, leastJumps = 32, 8

// tolerance is how far the middle of three shares may be from the mean and still be
// the same. Of n requests a share p is known to √(p(1−p)/n); as requests come in
// sessions and over connections that last, four times that over and above, and three
// points at least.
//
// Where nobody knows of how many, it is a quarter of the mean, or what is read off the
// lower quartile of the differences between neighbouring shares, as a step, which takes
// a window of frames to show, is in the others: that is 0.22 standard deviations of a
// share where a window of four frames is counted.
func (m *meter) tolerance() float64 {
	if m.of > 0 && m.n > 0 {
		return m.counted(m.mean)
	}
	wide := max(0.03, 0.25*m.mean)
	if len(m.jump) < leastJumps {
		return max(wide, 0.6*m.mean)
	}
	return max(wide, 3.5/0.22*stats.Quantile(m.jump, 0.25))
}

// counted is how far a share may be from the one that was given by counting alone.
func (m *meter) counted(share float64) float64 {
	return max(0.03, 8*math.Sqrt(share*(1-share)/m.of))
}

// calm is how far three shares in a row may lie apart and agree.
func (m *meter) calm(middle, high float64) float64 {
	if m.of > 0 {
		return m.counted(middle)
	}
	return math.Max(0.3*high, m.tolerance())
}

// doubt is how far above the weight a step of the plan may be and still be the
// one that was taken: 39 % that were measured may be 40 % that were set. It is
// nothing for a weight that is a setting.
func (m *meter) doubt() float64 {
	if m.Exact || m.Fixed > 0 {
		return 0
	}
	return 0.05 * m.now.Weight
}

// longest is over how many frames the mean is taken: later ones count more.
const longest = 40

// least is the share from which on a release has begun: less may be probes.
const least = 0.001

// rounded keeps a share to whole percents, and a small one to tenths: more
// would be noise.
func rounded(share float64) float64 {
	if share < 0.1 {
		return math.Round(share*1000) / 1000
	}
	return math.Round(share*100) / 100
}
