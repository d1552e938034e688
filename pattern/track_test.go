package pattern_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// frame is the time between two frames, in seconds.
const frame = 15

var nan = math.NaN()

// reading is a value of an instance that is an hour old.
func reading(v float64, instance string) signal.Reading {
	if math.IsNaN(v) {
		return signal.Missing(signal.Empty, instance)
	}
	return signal.Reading{Value: v, N: nan, Events: nan, Presence: signal.Present, Instance: instance, Age: time.Hour, Level: nan, Spread: nan}
}

func cell(rs ...signal.Reading) signal.Cell { return signal.Cell{Limit: nan, Readings: rs} }

// track plays one value a frame of a whole cohort; NaN is missing.
func track(origin int, values []float64) *pattern.Track {
	t := pattern.NewTrack(origin)
	for i, v := range values {
		t.Add(origin+i, cell(reading(v, "")), frame)
	}
	return t
}

// noisy is a series of n values about a course, with Gaussian noise.
func noisy(rng *rand.Rand, n int, sd float64, course func(int) float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = course(i) + sd*rng.NormFloat64()
	}
	return out
}

func flat(level float64) func(int) float64 { return func(int) float64 { return level } }

func seeded(seed int) *rand.Rand { return rand.New(rand.NewPCG(7, uint64(seed))) }

// same compares numbers with NaN equal to itself.
func same(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b))
}

// TestTrackUnasked: a cell that was not asked for is neither a value nor a gap,
// and counts nothing twice.
func TestTrackUnasked(t *testing.T) {
	tr := pattern.NewTrack(0)
	seen := reading(10, "a")
	seen.N, seen.Events = 5, 1
	tr.Add(0, cell(seen), frame)
	tr.Add(1, cell(), frame)
	tr.Add(2, cell(), frame)
	if tr.Missed != 0 || tr.Gaps != 0 || tr.Unasked != 2 || tr.Frames != 1 || !math.IsNaN(tr.N) || !math.IsNaN(tr.Events) || tr.Counted != 5 {
		t.Errorf("after two frames that were not asked for: %+v", tr)
	}
	tr.Add(3, cell(reading(nan, "a")), frame)
	if tr.Missed != 1 || tr.Gaps != 1 || tr.Unasked != 0 {
		t.Errorf("after a frame without an answer: missed %d, gaps %v, unasked %d, want 1, 1, 0", tr.Missed, tr.Gaps, tr.Unasked)
	}
}

// TestTrackYoung: an instance under two frames of age does not speak while an
// older one does, nor does it speak alone; but it was seen.
func TestTrackYoung(t *testing.T) {
	young, old := reading(100, "b"), reading(10, "a")
	young.Age = frame * time.Second
	grown := young
	grown.Age = 2 * frame * time.Second
	tests := []struct {
		name  string
		cell  signal.Cell
		value float64
		size  float64
	}{
		{"old alone", cell(old), 10, 1},
		{"young beside old", cell(young, old), 10, 1},
		{"two frames old is grown", cell(grown, old), 55, 2},
		{"young alone", cell(young), nan, 1},
		{"missing beside old", cell(old, signal.Missing(signal.Stopped, "b")), 10, 1},
		{"only missing", cell(signal.Missing(signal.Stopped, "b")), nan, 1},
		{"not asked", cell(), nan, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := pattern.NewTrack(0)
			tr.Add(0, tt.cell, frame)
			if got := tr.Values.Mean(); !same(got, tt.value) {
				t.Errorf("Add(%s): mean = %v, want %v", tt.name, got, tt.value)
			}
			if got := tr.Instances(); got != tt.size {
				t.Errorf("Add(%s): Instances() = %v, want %v", tt.name, got, tt.size)
			}
		})
	}
	tr := pattern.NewTrack(0)
	tr.Add(0, cell(young), frame)
	if tr.First != 0 || tr.Missed != 0 {
		t.Errorf("a young instance alone: First = %d, Missed = %d, want 0 and 0: it was seen", tr.First, tr.Missed)
	}
}

// TestTrackGaps: before the first value nothing is a gap, after it every
// missing frame is.
func TestTrackGaps(t *testing.T) {
	tests := []struct {
		name          string
		values        []float64
		first, missed int
		gaps, frames  float64
		tail          []float64
	}{
		{"all there", []float64{1, 2, 3}, 5, 0, 0, 3, []float64{1, 2, 3}},
		{"late", []float64{nan, nan, 3}, 7, 0, 0, 1, []float64{3}},
		{"a gap", []float64{1, nan, nan, 4}, 5, 0, 2, 2, []float64{1, 4}},
		{"gone", []float64{1, nan, nan}, 5, 2, 2, 1, []float64{1}},
		{"never", []float64{nan, nan}, -1, 2, 0, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := track(5, tt.values)
			if tr.First != tt.first || tr.Missed != tt.missed || tr.Gaps != tt.gaps || tr.Frames != tt.frames {
				t.Errorf("track(5, %v): first %d, missed %d, gaps %v, frames %v, want %d, %d, %v, %v",
					tt.values, tr.First, tr.Missed, tr.Gaps, tr.Frames, tt.first, tt.missed, tt.gaps, tt.frames)
			}
			if got := pattern.Tail(tr, 8); !slices.Equal(got, tt.tail) {
				t.Errorf("Tail(track(5, %v), 8) = %v, want %v", tt.values, got, tt.tail)
			}
		})
	}
}

// TestTrackCounts: events and observations add up over instances and frames;
// one present instance that does not know its counts makes the frame unknown.
func TestTrackCounts(t *testing.T) {
	counted := func(instance string, events, n float64) signal.Reading {
		r := reading(0.1, instance)
		r.Events, r.N = events, n
		return r
	}
	tests := []struct {
		name                   string
		cells                  []signal.Cell
		events, n              float64 // of the last frame
		happens, countedInSome float64
	}{
		{"two instances", []signal.Cell{cell(counted("a", 1, 10), counted("b", 2, 20))}, 3, 30, 3, 30},
		{"two frames", []signal.Cell{cell(counted("a", 1, 10)), cell(counted("a", 4, 20))}, 4, 20, 5, 30},
		{"one does not know", []signal.Cell{cell(counted("a", 1, 10), reading(0.1, "b"))}, nan, nan, 0, 0},
		{"one is missing", []signal.Cell{cell(counted("a", 1, 10), reading(nan, "b"))}, 1, 10, 1, 10},
		{"nobody knows", []signal.Cell{cell(reading(0.1, "a"))}, nan, nan, 0, 0},
		{"known, then not", []signal.Cell{cell(counted("a", 1, 10)), cell(reading(0.1, "a"))}, nan, nan, 1, 10},
		{"idle", []signal.Cell{cell(counted("a", 0, 0))}, 0, 0, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := pattern.NewTrack(0)
			for i, c := range tt.cells {
				tr.Add(i, c, frame)
			}
			if !same(tr.Events, tt.events) || !same(tr.N, tt.n) || tr.Happens != tt.happens || tr.Counted != tt.countedInSome {
				t.Errorf("Add(%s): events %v of %v, in all %v of %v, want %v of %v, in all %v of %v",
					tt.name, tr.Events, tr.N, tr.Happens, tr.Counted, tt.events, tt.n, tt.happens, tt.countedInSome)
			}
		})
	}
}

// TestTrackLimit: limit and memory are those of the last frame.
func TestTrackLimit(t *testing.T) {
	tr := pattern.NewTrack(0)
	r := reading(1, "")
	r.Level, r.Spread = 2, 0.5
	tr.Add(0, signal.Cell{Limit: 9, Readings: []signal.Reading{r}}, frame)
	if tr.Limit != 9 || tr.Level != 2 || tr.Normal != 0.5 {
		t.Errorf("limit %v, level %v, normal %v, want 9, 2 and 0.5", tr.Limit, tr.Level, tr.Normal)
	}
	tr.Add(1, cell(reading(nan, "")), frame)
	if !math.IsNaN(tr.Limit) || !math.IsNaN(tr.Level) || !math.IsNaN(tr.Normal) {
		t.Errorf("limit %v, level %v, normal %v after a missing frame, want NaN", tr.Limit, tr.Level, tr.Normal)
	}
}

// TestTrackPersistent: instances that differ for good are told from those
// that only waver. Apart by ±1 for good the variance between their levels is
// 2, by hand: ((10−11)² + (12−11)²)/(2−1).
func TestTrackPersistent(t *testing.T) {
	play := func(frames int, values func(i int) (a, b float64)) *pattern.Track {
		tr := pattern.NewTrack(0)
		for i := range frames {
			a, b := values(i)
			tr.Add(i, cell(reading(a, "a"), reading(b, "b")), frame)
		}
		return tr
	}
	apart := play(10, func(int) (float64, float64) { return 10, 12 })
	if got := apart.Persistent(); !same(got, 2) {
		t.Errorf("Persistent() of 10 and 12 = %v, want 2", got)
	}
	if got := apart.Apart(); !same(got, 1) {
		t.Errorf("Apart() of 10 and 12 = %v, want 1: the highest over the median", got)
	}
	if got := apart.Spread / apart.Spreads; !same(got, 2) {
		t.Errorf("Spread/Spreads of 10 and 12 = %v, want 2", got)
	}
	swap := play(10, func(i int) (float64, float64) { return 10 + 2*float64(i%2), 12 - 2*float64(i%2) })
	if got := swap.Persistent(); got != 0 {
		t.Errorf("Persistent() of instances that take turns = %v, want 0", got)
	}
	if got := play(3, func(int) (float64, float64) { return 10, 12 }).Persistent(); got != 0 {
		t.Errorf("Persistent() after three frames = %v, want 0: too few", got)
	}
	if got := track(0, []float64{1, 2, 3, 4, 5}).Persistent(); got != 0 {
		t.Errorf("Persistent() of one cohort = %v, want 0", got)
	}
}

// TestTrackBounded: of a hundred instances eight are told apart, and all count
// in the mean.
func TestTrackBounded(t *testing.T) {
	var rs []signal.Reading
	for i := range 100 {
		rs = append(rs, reading(float64(i), string(rune('A'+i))))
	}
	tr := pattern.NewTrack(0)
	tr.Add(0, cell(rs...), frame)
	if len(tr.Pods) != 8 || tr.Instances() != 100 || !same(tr.Values.Mean(), 49.5) {
		t.Errorf("a hundred instances: %d told apart, %v counted, mean %v, want 8, 100 and 49.5", len(tr.Pods), tr.Instances(), tr.Values.Mean())
	}
}

// TestDeviation: by hand, of 1, 2, 3, 4: √(5/3).
func TestDeviation(t *testing.T) {
	if got, want := track(0, []float64{1, 2, nan, 3, 4}).Deviation(), math.Sqrt(5.0/3); !same(got, want) {
		t.Errorf("Deviation() = %v, want %v", got, want)
	}
}
