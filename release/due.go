package release

import (
	"math"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// A demand is what is known of the work that is asked of a service, by what all
// its versions together served. Its fields are for encoding only.
type demand struct {
	Worked int     // frames in which some version served
	Quiet  int     // frames in a row in which none did
	Lull   int     // the longest such run that ended
	Rate   float64 // requests a frame, lately; NaN when not measured
	Usual  float64 // the same when it last served, and no more than before the release; NaN when not measured
	Normal float64 // what is normal at this hour, from memory; NaN when unknown
	Ebb    float64 // by how much Rate has fallen from frame to frame, over some sixteen of them; below 0 where it rose
	Owed   float64 // requests due since any version served; NaN when unknown
}

func newDemand() demand {
	nan := math.NaN()
	return demand{Rate: nan, Usual: nan, Normal: nan, Owed: nan}
}

// see takes what was seen of all versions in one frame.
func (d *demand) see(served, blind bool) {
	switch {
	case served:
		d.Worked++
		d.Lull = max(d.Lull, d.Quiet)
		d.Quiet, d.Owed = 0, 0
	case !blind:
		d.Quiet++
		due := math.Max(0, d.Usual-math.Max(0, d.Ebb)*(float64(d.Quiet)+behind)) // NaN stays so
		if d.Normal < due {
			due = d.Normal
		}
		d.Owed += due
	}
}

// lately is the weight of one frame in what was served lately: about the last
// three count, so that what ebbs away is followed down.
const lately = 1.0 / 3

// behind is how many frames a mean of that weight lags what falls steadily.
const behind = 1/lately - 1

// ebbing is the weight of one frame in how traffic falls: about the last
// sixteen. A night comes slowly; what a rate over a window shows when all
// requests fail to come at once is over in four.
const ebbing = 1.0 / 16

// ask takes the traffic that arrives at the service of release i in one frame.
func (s *State) ask(i int, load, normal float64) {
	x := &s.mem.Subjects[i]
	d, frame := &x.Work, s.sys.Interval.Seconds()
	d.Normal = normal * frame
	if math.IsNaN(load) || !s.measured(i) {
		return
	}
	if math.IsNaN(d.Rate) {
		d.Rate = load * frame
	}
	was := d.Rate
	d.Rate += lately * (load*frame - d.Rate)
	if load > 0 {
		d.Usual = d.Rate
		d.Ebb += ebbing * (was - d.Rate - d.Ebb)
		if b := x.LoadBefore; x.Begun >= 0 && b != nil && b.N > 0 {
			d.Usual = math.Min(d.Usual, b.Mean()*frame)
		}
	}
}

// measured says whether the traffic of a release's own service is measured, and
// not only that of a caller.
func (s *State) measured(i int) bool {
	x, whole := &s.mem.Subjects[i], &s.mem.Services[s.sys.Releases[i].Service]
	for id, sig := range s.sys.Signals {
		own := x.Canary[id] != nil || x.Control[id] != nil || x.Before[id] != nil || whole.Before[id] != nil || whole.After[id] != nil
		if sig.Kind == signal.Traffic && sig.Unit.Dimension == signal.Rate && own {
			return true
		}
	}
	return false
}

// alone says whether no other version than the new one is to serve: there is
// none beside it, or it has all of the traffic.
func (s *State) alone(i int, weight float64) bool {
	return s.sys.Releases[i].Control == "" && weight > 0 || weight >= allTraffic
}

// allTraffic is the share from which on the stable version is not asked.
const allTraffic = 0.99

// unasks says whether nobody asks anything of a service any more: those that
// call it, of which it is known, serve nothing either.
func (s *State) unasks(service int) bool {
	known := false
	for _, caller := range s.sys.Graph.Callers(service) {
		for id, t := range s.mem.Services[caller].After {
			sig := s.sys.Signals[id]
			if t == nil || sig.Kind != signal.Traffic || sig.Unit.Dimension != signal.Rate {
				continue
			}
			last := pattern.Tail(t, 1)
			if len(last) == 0 || math.IsNaN(t.Values.Tail(1)[0]) {
				continue
			}
			if last[0] > 0 {
				return false
			}
			known = true
		}
	}
	return known
}

// owe keeps count of the requests that the canary of a release should have got
// since it last served one: by the control's traffic and its own weight.
func (s *State) owe(i int, f signal.Frame, sides [2]flow) {
	x := &s.mem.Subjects[i]
	canary, control := sides[0], sides[1]
	switch {
	case x.Begun < 0 || i >= len(f.Exposure) || !control.asked || math.IsNaN(control.rate):
		return
	case canary.rate > 0:
		x.Due = 0
		return
	case math.IsNaN(x.Due):
		x.Due = 0
	}
	if w := f.Exposure[i].Weight; w < 1 {
		x.Due += control.rate * w / (1 - w) * s.sys.Interval.Seconds()
	}
}

// rests says whether a release has signals that its versions give without any
// work to do.
func (s *State) rests(i int) bool {
	x := &s.mem.Subjects[i]
	for id, sig := range s.sys.Signals {
		if x.Control[id] == nil && x.Before[id] == nil {
			continue
		}
		switch sig.Kind {
		case signal.CPU, signal.Memory, signal.Saturation, signal.Crashes:
			return true
		case signal.Traffic:
			if sig.Unit.Dimension == signal.Things {
				return true
			}
		case signal.Latency, signal.Errors, signal.Network, signal.Database, signal.Cache, signal.Dependency,
			signal.Retries, signal.Timeouts, signal.Infra:
		}
	}
	return false
}
