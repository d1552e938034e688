package release

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/signal"
)

// A felt is what one frame shows of a service as a whole, for the chain of a
// cascade; NaN where it was not measured.
type felt struct {
	rates            [3]float64 // requests per second: whole, canary, control
	rateBy           int        // the signal they come from; −1 before any
	rate             float64    // of both versions together
	retries          gather
	timeouts, errors gather
	calls            gather // failing calls to others
	busy             float64
	quick, slow      float64 // the least and the largest latency that is measured
	quickBy          int     // the signal of the least; −1 without one
}

// A gather is a mean over the versions of a service by their traffic; that of
// the whole service counts where there is one.
type gather struct {
	whole, sum, weight float64
}

func (g *gather) add(value, weight float64, whole bool) {
	switch {
	case math.IsNaN(value):
	case whole:
		g.whole = math.Max(g.whole, value)
	case weight > 0:
		g.sum, g.weight = g.sum+weight*value, g.weight+weight
	}
}

// value is the mean, NaN of nothing.
func (g gather) value() float64 {
	if !math.IsInf(g.whole, -1) {
		return g.whole
	}
	return g.sum / g.weight
}

// chained says whether the signals of a system can show a cascade at all: a
// rate of requests, how long they take, and that callers try again or fail.
func chained(signals []signal.Signal) bool {
	var rate, wait, again bool
	for _, sig := range signals {
		rate = rate || sig.Kind == signal.Traffic && sig.Unit.Dimension == signal.Rate
		wait = wait || sig.Kind == signal.Latency && sig.Unit.Dimension == signal.Time
		again = again || sig.Unit.Dimension != signal.Rate && (sig.Kind == signal.Retries || sig.Kind == signal.Timeouts || sig.Kind == signal.Dependency && sig.Unit.Dimension == signal.Ratio)
	}
	return rate && wait && again
}

// cascade lets every service that is measured well enough take its frame.
// Retries, timeouts and errors of a service are read as its callers see it, and
// its errors as what it refuses as well; failing calls are read at the callers,
// along the graph.
func (s *State) cascade(f signal.Frame) {
	if !s.chained {
		return
	}
	all := s.feel(f)
	for j := range s.mem.Services {
		x := &all[j]
		if x.quickBy < 0 || x.rateBy < 0 {
			continue
		}
		calling, failing := s.callers(j, all)
		l := prediction.Link{
			Calling: calling, Attempts: x.rate, Retries: x.retries.value(), Timeouts: x.timeouts.value(),
			Failing: most(failing, x.timeouts.value(), x.errors.value()), Refused: x.errors.value(), Busy: x.busy, Latency: x.quick, Tail: x.slow,
			Before: s.mem.Begun < 0, Gone: s.gone(f), Changed: s.changed(j, f),
		}
		if math.IsNaN(l.Retries) && (math.IsNaN(calling) || math.IsNaN(l.Failing)) {
			continue // nothing would show that calls multiply
		}
		svc := &s.mem.Services[j]
		if svc.Cascade == nil {
			svc.Cascade = &prediction.Cascade{}
		}
		svc.Cascade.Step(l)
		svc.Waits = x.quickBy
	}
}

// gone says whether every release that has begun has been taken back.
func (s *State) gone(f signal.Frame) bool {
	begun := false
	for i := range s.mem.Subjects {
		if s.mem.Subjects[i].Begun < 0 {
			continue
		}
		if begun = true; i >= len(f.Exposure) || f.Exposure[i].Weight > 0 {
			return false
		}
	}
	return begun
}

// changed says whether a new version calls a service now.
func (s *State) changed(j int, f signal.Frame) bool {
	for i, r := range s.sys.Releases {
		if i < len(f.Exposure) && f.Exposure[i].Weight > 0 && slices.Contains(s.sys.Graph.Callers(j), r.Service) {
			return true
		}
	}
	return false
}

// callers returns the requests per second at the callers of a service, and the
// share of their calls that fail; NaN where a caller's is not known.
func (s *State) callers(j int, all []felt) (rate, failing float64) {
	var g gather
	g.whole = math.Inf(-1)
	for _, u := range s.sys.Graph.Callers(j) {
		rate += all[u].rate // NaN of one makes it NaN
		g.add(all[u].calls.value(), all[u].rate, false)
	}
	if rate == 0 {
		rate = math.NaN()
	}
	return rate, g.value()
}

// most is the most of what is there; NaN of nothing.
func most(xs ...float64) float64 {
	out := math.NaN()
	for _, x := range xs {
		if !(x <= out) && !math.IsNaN(x) {
			out = x
		}
	}
	return out
}

// feel gathers the cells of a frame by service.
func (s *State) feel(f signal.Frame) []felt {
	nan, none := math.NaN(), gather{whole: math.Inf(-1)}
	out := make([]felt, len(s.mem.Services))
	for j := range out {
		out[j] = felt{rates: [3]float64{nan, nan, nan}, rateBy: -1, retries: none, timeouts: none, errors: none, calls: none, busy: nan, quick: nan, slow: nan, quickBy: -1}
	}
	for _, c := range f.Cells {
		if s.flows(c) && c.Service >= 0 && c.Service < len(out) {
			out[c.Service].flow(c)
		}
	}
	for j := range out {
		out[j].rate = out[j].rates[0]
		if math.IsNaN(out[j].rate) {
			out[j].rate = sumOf(out[j].rates[1], out[j].rates[2])
		}
	}
	waits := make([]waited, len(out))
	for _, c := range f.Cells {
		if c.Signal < 0 || c.Signal >= len(s.sys.Signals) || c.Service < 0 || c.Service >= len(out) || !present(c) {
			continue
		}
		if sig := s.sys.Signals[c.Signal]; sig.Kind == signal.Latency && sig.Unit.Dimension == signal.Time {
			waits[c.Service].add(c, out[c.Service].weight(c))
			continue
		}
		out[c.Service].take(c, s.sys.Signals[c.Signal])
	}
	for j := range out {
		out[j].quick, out[j].slow, out[j].quickBy = waits[j].ends()
	}
	return out
}

// sumOf adds what is there; NaN of nothing.
func sumOf(a, b float64) float64 {
	switch {
	case math.IsNaN(a):
		return b
	case math.IsNaN(b):
		return a
	default:
		return a + b
	}
}

// flow takes a cell of traffic. The first such signal counts.
func (x *felt) flow(c signal.Cell) {
	if x.rateBy >= 0 && x.rateBy != c.Signal || !present(c) {
		return
	}
	x.rateBy = c.Signal
	x.rates[side(c)] = total(c)
}

// side is the place of a cell's cohort: whole, canary or control.
func side(c signal.Cell) int {
	switch {
	case c.Release < 0:
		return 0
	case c.Cohort == signal.Canary:
		return 1
	default:
		return 2
	}
}

// weight is the traffic behind a cell.
func (x *felt) weight(c signal.Cell) float64 { return x.rates[side(c)] }

// take takes a cell of the other kinds.
func (x *felt) take(c signal.Cell, sig signal.Signal) {
	if sig.Unit.Dimension != signal.Ratio && sig.Kind != signal.Retries {
		return
	}
	whole, w := c.Release < 0, x.weight(c)
	switch sig.Kind {
	case signal.Retries:
		if sig.Unit.Dimension != signal.Rate {
			x.retries.add(average(c), w, whole)
		}
	case signal.Timeouts:
		x.timeouts.add(average(c), w, whole)
	case signal.Errors:
		x.errors.add(average(c), w, whole)
	case signal.Dependency:
		x.calls.add(math.Min(1, highest(c)), w, whole)
	case signal.CPU, signal.Saturation:
		if v := average(c); v <= 1.05 {
			x.busy = most(x.busy, math.Min(1, v)) // the fuller version is full first
		}
	default:
	}
}

// average is the mean over the instances of a cell.
func average(c signal.Cell) float64 {
	var sum, n float64
	for _, r := range c.Readings {
		if r.Presence == signal.Present {
			sum, n = sum+r.Value, n+1
		}
	}
	return sum / n
}

// highest is the most over the readings of a cell.
func highest(c signal.Cell) float64 {
	out := math.NaN()
	for _, r := range c.Readings {
		if r.Presence == signal.Present {
			out = most(out, r.Value)
		}
	}
	return out
}

// A waited gathers the latencies of a service by signal: there are a few.
type waited struct {
	by []int
	g  []gather
}

func (w *waited) add(c signal.Cell, weight float64) {
	k := 0
	for k < len(w.by) && w.by[k] != c.Signal {
		k++
	}
	if k == len(w.by) {
		w.by, w.g = append(w.by, c.Signal), append(w.g, gather{whole: math.Inf(-1)})
	}
	w.g[k].add(average(c), weight, c.Release < 0)
}

// ends returns the least and the largest latency, and the signal of the least.
func (w *waited) ends() (quick, slow float64, by int) {
	quick, slow, by = math.NaN(), math.NaN(), -1
	for k, g := range w.g {
		v := g.value()
		if !(v > 0) {
			continue
		}
		if !(v >= quick) {
			quick, by = v, w.by[k]
		}
		slow = most(slow, v)
	}
	return quick, slow, by
}
