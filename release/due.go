package release

import (
	"math"

	"github.com/foreshock/foreshock/signal"
)

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
