package pattern

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// maxPods is how many instances of one signal are told apart.
const maxPods = 8

// young is the age in frames under which an instance does not speak for its
// cohort while an older one does, and never for how it will run: caches and
// connections are cold, and counters' windows reach back before its start.
const young = 2

// A Track is the memory of one signal on one side of a release: the value of
// the cohort in every frame, what its instances did, and what was missing.
// It is bounded however long the release takes.
type Track struct {
	Values  stats.History // mean over the instances that are not young
	Pods    []Pod         // the first 8 instances, in order of appearance
	Spread  float64       // sum over frames of the variance across instances
	Spreads float64       // frames with at least two instances
	Size    float64       // sum over frames of the number of instances
	Frames  float64       // frames with a value
	Events  float64       // events in the last frame; NaN when unknown
	N       float64       // observations in the last frame; NaN when unknown
	Counted float64       // observations in all frames, 0 when never known
	Happens float64       // events in all frames, 0 when never known
	First   int           // frame of the first value, young ones included; −1 before
	Missed  int           // frames in a row without a value until now
	Gaps    float64       // frames without a value after the first one
	Unasked int           // frames in a row until now in which it was not asked for
	Limit   float64       // the limit in force in the last frame; NaN when none
	Level   float64       // normal now, from memory; NaN when none
	Normal  float64       // spread of normal now; NaN when none
	// Usual is Level at every Per-th frame from the origin on, or as soon after
	// as it was known; nil when it was not known with the first value.
	Usual   []float32
	Per     int
	Strange float64   // frames with a value and no Level since then
	Known   float64   // the last Level
	ahead   []float64 // what will be normal, as of frame told; not kept
	told    int
	order   order // of the values; not kept
	waver   waver // of the values; not kept
}

// A Pod is one instance's running mean and variance.
type Pod struct {
	Instance string
	N        float64
	Mean     float64
	M2       float64 // sum of squared deviations
	Last     float64 // value in the last frame it was seen
}

// NewTrack returns an empty track whose frames are counted from origin.
func NewTrack(origin int) *Track {
	nan := math.NaN()
	return &Track{Values: *stats.NewHistory(origin), Events: nan, N: nan, First: -1, Limit: nan, Level: nan, Normal: nan, Per: knots}
}

// Add takes the readings of one frame. A cell that was not asked for is no
// silence: nothing is known of that frame.
func (t *Track) Add(frame int, c signal.Cell, interval float64) {
	t.ahead, t.told = c.Ahead, frame
	if !c.Asked() {
		t.Unasked++
		t.Events, t.N = math.NaN(), math.NaN()
		t.Values.Add(frame, math.NaN())
		t.recall(frame, false)
		return
	}
	t.Unasked = 0
	t.Limit, t.Level, t.Normal = c.Limit, math.NaN(), math.NaN()
	t.Events, t.N = counts(c.Readings)
	if t.N > 0 {
		t.Counted += t.N
		if t.Events > 0 {
			t.Happens += t.Events
		}
	}
	mature := slices.ContainsFunc(c.Readings, func(r signal.Reading) bool {
		return r.Presence == signal.Present && r.Age.Seconds() >= young*interval
	})
	var sum, squares, n float64
	seen := false
	for _, r := range c.Readings {
		if r.Presence != signal.Present {
			continue
		}
		seen = true
		if mature && r.Age.Seconds() < young*interval {
			continue
		}
		t.pod(r)
		n++
		sum += r.Value
		squares += r.Value * r.Value
		t.Level, t.Normal = r.Level, r.Spread
	}
	t.note(frame, seen)
	if !mature || n == 0 {
		t.Values.Add(frame, math.NaN())
		t.recall(frame, false)
		return
	}
	if n > 1 {
		t.Spread += math.Max(0, squares-sum*sum/n) / (n - 1)
		t.Spreads++
	}
	t.Size += n
	t.Frames++
	t.Values.Add(frame, sum/n)
	t.recall(frame, true)
}

// note keeps the books of presence.
func (t *Track) note(frame int, seen bool) {
	switch {
	case seen && t.First < 0:
		t.First, t.Missed = frame, 0
	case seen:
		t.Missed = 0
	default:
		t.Missed++
		if t.First >= 0 {
			t.Gaps++
		}
	}
}

func (t *Track) pod(r signal.Reading) {
	i := slices.IndexFunc(t.Pods, func(p Pod) bool { return p.Instance == r.Instance })
	if i < 0 {
		if len(t.Pods) == maxPods {
			return
		}
		t.Pods = append(t.Pods, Pod{Instance: r.Instance})
		i = len(t.Pods) - 1
	}
	p := &t.Pods[i]
	p.N++
	d := r.Value - p.Mean
	p.Mean += d / p.N
	p.M2 += d * (r.Value - p.Mean)
	p.Last = r.Value
}

// counts sums events and observations over instances; NaN when any instance
// that is present does not know them.
func counts(rs []signal.Reading) (events, n float64) {
	events, n = math.NaN(), math.NaN()
	for _, r := range rs {
		if math.IsNaN(r.N) {
			if r.Presence == signal.Present {
				return math.NaN(), math.NaN()
			}
			continue
		}
		n = add(n, r.N)
		events = add(events, r.Events)
	}
	return events, n
}

// add treats a NaN sum as empty.
func add(sum, x float64) float64 {
	if math.IsNaN(sum) {
		return x
	}
	if math.IsNaN(x) {
		return sum
	}
	return sum + x
}

// Instances returns how many instances stand behind a value on average, ≥ 1.
func (t *Track) Instances() float64 {
	if t.Frames == 0 {
		return 1
	}
	return math.Max(1, t.Size/t.Frames)
}

// Persistent returns the variance between the instances' own levels, beyond
// what chance gives: how much one pod differs from another for good. 0 when
// fewer than two instances were seen long enough.
func (t *Track) Persistent() float64 {
	var means []float64
	var within, n float64
	for _, p := range t.Pods {
		if p.N < 4 {
			continue
		}
		means = append(means, p.Mean)
		within += p.M2 / (p.N - 1) / p.N
		n++
	}
	if n < 2 {
		return 0
	}
	m := stats.Mean(means)
	var v float64
	for _, x := range means {
		v += (x - m) * (x - m)
	}
	return math.Max(0, v/(n-1)-within/n)
}

// Tail returns the last up to n ≤ 16 values that are present, oldest first.
func Tail(t *Track, n int) []float64 { return TailInto(nil, t, n) }

// TailInto is [Tail], appended to out.
func TailInto(out []float64, t *Track, n int) []float64 {
	var buf [stats.Width]float64
	return stats.FiniteInto(out, t.Values.TailInto(buf[:0], n))
}

// Deviation returns the standard deviation from block to block.
func (t *Track) Deviation() float64 {
	v := stats.Finite(t.Values.Means())
	m := stats.Mean(v)
	var sum float64
	for _, x := range v {
		sum += (x - m) * (x - m)
	}
	return math.Sqrt(sum / math.Max(1, float64(len(v)-1)))
}
