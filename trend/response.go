package trend

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

// A Response is how one signal answers to the exposure of one release, with
// all that is needed to say where it meets its limit.
type Response struct {
	Before  *stats.History // values before the first step, at weight 0; nil when there are none
	Since   *stats.History // and since; nil when there are none
	Exposed *Exposed       // the release's weight
	Limit   float64        // in the signal's unit; NaN when there is none
	Falls   bool           // whether worse is down
	Wait    bool           // a latency or another wait, which may grow as a queue does; otherwise a use, which adds up
	Window  int            // frames that one value looks back over; 0 counts as 1
	// LoadBefore and Load are the traffic in the same frames, in any unit; nil
	// when it is not known.
	LoadBefore, Load *stats.History
	// Cost is what a request costs the new version over what it costs the
	// stable one, where both were measured apart, with its standard error; NaN
	// or 0 when they were not.
	Cost, CostSE float64
}

// leastBefore is for how many frames the time before the first step counts at
// least. It counts for no longer than the release lasts: the hour before tells
// more of now than the day before.
const leastBefore = 32

// maxRows is how many stretches there are at most, before and since.
const maxRows = 2 * stats.Width

// rows are the stretches of frames at one weight each, oldest first.
type rows struct {
	n      int
	weight [maxRows]float64 // of the release, in effect
	time   [maxRows]float64 // of the middle, in frames from now, ≤ 0
	load   [maxRows]float64 // traffic over that of now
	value  [maxRows]float64 // turned so that worse is up
	frames [maxRows]float64 // with a value, in blocks of the time since
	loads  bool             // whether the traffic of all of them is known
	level  float64          // mean size of the values
	span   float64          // from the first to now, in frames
}

// lay fills in the stretches in which the weight stood still for long enough
// to show in the signal.
//
// A value answers to the frames that it looks back over, and at least to the
// one before, because nothing answers at once. A stretch is left out when the
// weight of those frames lies apart by more than a twentieth of the largest.
func (x *rows) lay(r *Response) {
	now := r.Since.Newest
	current := math.NaN()
	if r.Load != nil {
		current = stats.Mean(stats.Finite(r.Load.Tail(8)))
	}
	x.loads = current > 0
	if b := r.Before; b != nil {
		back := max(leastBefore, now-r.Since.Origin+1)
		first := b.Blocks
		for got := 0; first > 0 && got < back; got += b.Size {
			first--
		}
		for i := first; i < b.Blocks; i++ {
			x.add(r, b, i, 0, current)
		}
	}
	lag, most := max(1, r.Window-1), r.Exposed.Most()
	for i := range r.Since.Blocks {
		from := r.Since.Origin + i*r.Since.Size
		w, apart := r.Exposed.around(from-lag, min(from+r.Since.Size-1, now))
		if apart <= most/20 {
			x.add(r, r.Since, i, w, current)
		}
	}
	for i := range x.n {
		x.level += math.Abs(x.value[i]) / float64(x.n)
		x.span = math.Max(x.span, -x.time[i])
	}
}

// add adds block i of a history, if it has a value.
func (x *rows) add(r *Response, h *stats.History, i int, weight, current float64) {
	if h.Count[i] == 0 {
		return
	}
	from := h.Origin + i*h.Size
	to := min(from+h.Size-1, h.Newest)
	k := x.n
	x.n++
	x.weight[k] = weight
	x.time[k] = float64(from+to)/2 - float64(r.Since.Newest)
	x.value[k] = r.sign() * h.Sum[i] / h.Count[i]
	x.frames[k] = h.Count[i] / float64(r.Since.Size)
	if !x.loads {
		return
	}
	load := r.Load
	if h == r.Before {
		load = r.LoadBefore
	}
	if load != nil {
		x.load[k] = load.Over(from, to) / current
	}
	x.loads = x.load[k] > 0
}

// sign turns values so that worse is up.
func (r *Response) sign() float64 {
	if r.Falls {
		return -1
	}
	return 1
}

// least is how many frames at one weight count as having seen it, in blocks.
const leastFrames = 3

// exposures returns how many weights were seen, to within half a percent of
// the traffic.
func (x *rows) exposures(size int) int {
	var at, frames [maxRows]float64
	n, seen := 0, 0
	for i := range x.n {
		k := 0
		for k < n && math.Abs(at[k]-x.weight[i]) >= 0.005 {
			k++
		}
		if k == n {
			at[k] = x.weight[i]
			n++
		}
		was := frames[k]
		frames[k] += x.frames[i] * float64(size)
		if was < leastFrames && frames[k] >= leastFrames {
			seen++
		}
	}
	return seen
}
