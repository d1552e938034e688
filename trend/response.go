package trend

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/stats"
)

// A Response is how one signal answers to the exposure of one release, with
// all that is needed to say where it meets its limit.
type Response struct {
	Before  *stats.History // values before the first step, at weight 0; nil when there are none
	Since   *stats.History // and since; nil when there are none
	Exposed *Exposed       // the release's weight; needed
	Limit   float64        // in the signal's unit; NaN when there is none
	// Idle is what it is believed to be with nothing to do, give or take IdleSE,
	// in the signal's unit: it stands for weight 0 where the signal is of the new
	// version alone and goes with its work. IdleSE of 0 means that nothing is.
	Idle, IdleSE float64
	// Before the limit itself, at Limit − Early, callers feel that something
	// fills up, give or take Zone: standard deviations in the signal's unit, ≥ 0.
	Early, Zone float64
	Falls       bool    // whether worse is down
	Own         bool    // of what serves the release's share alone, so that its load goes with the weight
	Wait        bool    // a latency or another wait, which may grow as a queue does; otherwise a use, which adds up
	Next        float64 // the weight of which it is asked what the signal comes to; 0 for none
	Window      int     // frames that one value looks back over; 0 counts as 1
	// LoadBefore and Load are the traffic in the same frames, in any unit; nil
	// when it is not known.
	LoadBefore, Load *stats.History
	// Cost is what a request costs the new version over what it costs the
	// stable one, where both were measured apart, with its standard error; NaN
	// or 0 when they were not.
	Cost, CostSE float64
	Again        *Again // what is tried again; nil when it is not known, or nothing is
}

// leastBefore is for how many frames the time before the first step counts at
// least. It counts for no longer than the release lasts: the hour before tells
// more of now than the day before.
const leastBefore = stats.Width

// maxRows is how many stretches there are at most, before and since.
const maxRows = 2 * stats.Width

// rows are the stretches of frames at one weight each, oldest first.
type rows struct {
	n      int
	weight [maxRows]float64 // of the release, in effect
	time   [maxRows]float64 // of the middle, in frames from now, ≤ 0
	load   [maxRows]float64 // traffic over that of now
	again  [maxRows]float64 // attempts for each first attempt, where r.Again is known
	value  [maxRows]float64 // turned so that worse is up
	frames [maxRows]float64 // with a value, in blocks of the time since
	loads  bool             // whether the traffic of all of them is known
	loadSE float64          // standard error of the traffic now, as a share of it
	span   float64          // from the first to now, in frames
	began  float64          // the first step, in frames from now, ≤ 0
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
		current, x.loadSE = present(r.Load)
	}
	x.loads = current > 0
	if b := r.Before; b != nil {
		back := b.Newest - max(leastBefore, now-r.Since.Origin+1)
		for i := range b.Blocks {
			from := b.Origin + i*b.Size
			if to := min(from+b.Size-1, b.Newest); to > back {
				x.add(r, stretch{from: from, to: to, sum: b.Sum[i], count: b.Count[i], before: true}, current)
			}
		}
	}
	lag, most := max(1, r.Window-1), r.Exposed.Most()
	for i := range r.Since.Blocks {
		from := r.Since.Origin + i*r.Since.Size
		to := min(from+r.Since.Size-1, now)
		if w, apart := r.Exposed.around(from-lag, to); apart <= most/20 {
			x.add(r, stretch{from: from, to: to, sum: r.Since.Sum[i], count: r.Since.Count[i], weight: w}, current)
		}
	}
	x.began = float64(r.Exposed.First() - now)
	for i := range x.n {
		x.span = math.Max(x.span, -x.time[i])
	}
}

// present returns the traffic now, and its standard error as a share of it, by
// a straight line through the last 16 frames; NaN with fewer than 8 of them.
func present(load *stats.History) (now, se float64) {
	y := load.Tail(16)
	x := make([]float64, len(y))
	for i := range x {
		x[i] = float64(i - len(y) + 1)
	}
	l := stats.OLS(x, y)
	if l.N < 8 {
		return math.NaN(), math.NaN()
	}
	n := float64(l.N)
	// Of the last of n points in a row, 1/n + (x − x̄)²/Σ(x − x̄)².
	return l.Intercept, l.Residual / l.Intercept * math.Sqrt((4*n-2)/(n*(n+1)))
}

// A stretch is what one row is made of.
type stretch struct {
	from, to   int // frames
	sum, count float64
	weight     float64
	before     bool
}

// add adds a stretch, if it has a value.
func (x *rows) add(r *Response, s stretch, current float64) {
	if s.count == 0 {
		return
	}
	k := x.n
	x.n++
	x.weight[k] = s.weight
	x.time[k] = float64(s.from+s.to)/2 - float64(r.Since.Newest)
	x.value[k] = r.sign() * s.sum / s.count
	x.frames[k] = s.count / float64(r.Since.Size)
	if r.Again != nil {
		x.tried(r, k, s)
	}
	if !x.loads {
		return
	}
	load := r.Load
	if s.before {
		load = r.LoadBefore
	}
	if load != nil {
		// A scrape may be missing, and requests come by chance.
		x.load[k] = load.Over(s.from-2, s.to+2) / current
	}
	x.loads = x.load[k] > 0
}

// felt returns where callers feel that a limit is met: no nearer than half-way
// from what was normal at weight 0, with how sure that is.
func (r *Response) felt(x *rows) (limit, sd float64) {
	limit, sd = r.sign()*r.Limit-r.Early, r.Zone
	var sum, n float64
	for i := range x.n {
		if x.weight[i] < 0.005 {
			sum, n = sum+x.frames[i]*x.value[i], n+x.frames[i]
		}
	}
	if n == 0 || r.Early == 0 {
		return limit, sd
	}
	room := r.sign()*r.Limit - sum/n
	if half := r.sign()*r.Limit - room/2; limit < half {
		limit, sd = half, math.Min(sd, math.Max(0, room/4))
	}
	return limit, sd
}

// sign turns values so that worse is up.
func (r *Response) sign() float64 {
	if r.Falls {
		return -1
	}
	return 1
}

// leastFrames is how many frames at one weight count as having seen it.
const leastFrames = 3

// An exposure is all that was seen at one weight, to within half a percent of
// the traffic.
type exposure struct {
	weight, frames, sum float64
}

// exposures gathers the rows by their weights.
func (x *rows) exposures(size int) []exposure {
	var out []exposure
	for i, w := range x.weight[:x.n] {
		k := slices.IndexFunc(out, func(e exposure) bool { return math.Abs(e.weight-w) < 0.005 })
		if k < 0 {
			k = len(out)
			out = append(out, exposure{weight: w})
		}
		out[k].frames += x.frames[i] * float64(size)
		out[k].sum += x.frames[i] * float64(size) * x.value[i]
	}
	return slices.DeleteFunc(out, func(e exposure) bool { return e.frames < leastFrames })
}

// full is how near to its limit a use counts as having met it: what is full
// cannot get fuller, and chance alone keeps its mean below.
const full = 0.02

// fill takes out the weights at which a use has met its limit, as it cannot
// grow any further there. It returns the other weights that were seen, and the
// least at which it was met; infinite when it was at none.
func (x *rows) fill(r *Response) (seen []exposure, met float64) {
	met = math.Inf(1)
	es := x.exposures(r.Since.Size)
	if r.Wait {
		return es, met
	}
	limit := r.sign()*r.Limit - full*math.Abs(r.Limit)
	for _, e := range es {
		if e.sum/e.frames >= limit {
			met = math.Min(met, e.weight)
		}
	}
	n := 0
	for i := range x.n {
		if x.weight[i] <= met-0.005 {
			x.weight[n], x.time[n], x.load[n], x.value[n], x.frames[n] = x.weight[i], x.time[i], x.load[i], x.value[i], x.frames[i]
			x.again[n] = x.again[i]
			n++
		}
	}
	x.n = n
	return slices.DeleteFunc(es, func(e exposure) bool { return e.weight > met-0.005 }), met
}
