package release

import (
	"math"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// directed says whether a signal of traffic is one of which somebody said in
// which direction it is worse, such as orders that are completed. What merely
// arrives is none: more or less of it is nobody's doing. Nor is a number of pods, which
// the plan of a release sets.
func directed(sig signal.Signal) bool {
	return sig.Kind == signal.Traffic && serves(sig) && (sig.Worse == signal.Up || sig.Worse == signal.Down)
}

// symptom says whether a signal shows harm to users by itself.
func symptom(sig signal.Signal) bool { return prevention.Symptom(sig.Kind) || directed(sig) }

// compared says whether the versions of a release are compared by a signal. What
// is wanted of the traffic is so only beside a live control: it follows the
// demand, of which the time before knows nothing.
func (s *State) compared(i, id int) bool {
	sig := s.sys.Signals[id]
	if sig.Kind != signal.Traffic {
		return true
	}
	x := &s.mem.Subjects[i]
	return directed(sig) && x.Control[id] != nil && x.Reports >= 0.75
}

// sharesOf returns which share of the requests the new version of every release
// is measured to get in a frame, by the first signal of them; NaN where it is not. The weight
// is a plan, and values that look back over a window follow it late; the
// requests are late by as much as what becomes of them.
func (s *State) sharesOf(f signal.Frame) []float64 {
	sides := make([][2]flow, len(s.sys.Releases))
	for _, c := range f.Cells {
		if c.Release < 0 || !s.flows(c) || directed(s.sys.Signals[c.Signal]) || !present(c) {
			continue
		}
		side := 0
		if c.Cohort == signal.Control {
			side = 1
		}
		if at := &sides[c.Release][side]; !at.asked {
			*at = flow{asked: true, rate: total(c)}
		}
	}
	out := make([]float64, len(sides))
	for i, x := range sides {
		out[i] = math.NaN()
		if sum := x[0].rate + x[1].rate; x[0].asked && x[1].asked && sum > 0 {
			out[i] = x[0].rate / sum
		}
	}
	return out
}

// shares are which share of the traffic goes to the new version of each
// release: as planned, and as it is measured.
type shares struct {
	exposure []signal.Exposure
	measured []float64
}

// of returns the share that a cell's signal goes by.
func (x shares) of(c signal.Cell, sig signal.Signal) (share float64, ok bool) {
	if c.Release >= len(x.exposure) {
		return 0, false
	}
	if m := x.measured[c.Release]; directed(sig) && !math.IsNaN(m) {
		return m, true
	}
	return x.exposure[c.Release].Weight, true
}

// idle says whether the control of a release has nothing to do: all of the traffic is
// planned for the new version, and none is seen to go elsewhere.
func (x shares) idle(release int) bool {
	return release < len(x.exposure) && x.exposure[release].Weight >= allTraffic && !(x.measured[release] < allTraffic)
}

// countWanted feeds the tests of what is wanted of the requests, such as orders,
// and is counted: of how many requests of either version something came. The
// versions change places in them: it is worse where the old one has more.
func (s *State) countWanted(i int) {
	x := &s.mem.Subjects[i]
	n, m := s.arrived(x)
	for id, sig := range s.sys.Signals {
		canary, control := x.Canary[id], x.Control[id]
		if !directed(sig) || sig.Worse != signal.Down || canary == nil || control == nil {
			continue
		}
		y, z, of, ofControl := canary.N, control.N, math.Max(n, canary.N), math.Max(m, control.N)
		if sig.Unit.Dimension == signal.Ratio { // its own query says of how many
			y, z, of, ofControl = canary.Events, control.Events, canary.N, control.N
		}
		if math.IsNaN(y + z + of + ofControl) {
			continue
		}
		if x.Wanted[id] == nil {
			x.Wanted[id] = &stats.CountTest{}
		}
		x.Wanted[id].Add(z, ofControl, y, of)
	}
}

// wantedFinding replaces what the values of what is wanted say by what its counts
// say, as [State.countFinding] does for failures.
func (s *State) wantedFinding(f *finding, c *stats.CountTest) {
	relative := s.sizes[f.Signal].Relative
	was, now := c.Events/math.Max(c.N, 1), c.ControlRate()
	f.Counted, f.LogE, f.Active, f.Grows = true, 0, false, false
	if c.Events >= 3 && now <= was*(1-relative) {
		f.LogE = math.Max(0, c.LogEValue()+math.Log(s.policy.CountAlpha/s.policy.Alpha))
		f.Active = f.LogE > 0 && f.Stands(f.Size)
	}
	if f.LogE == 0 {
		excess := stats.ExcessProbability(c.Events, c.N, now*c.NControl, c.NControl, relative*was)
		f.Harm = math.Min(f.Harm, excess*s.policy.PromoteBelow/s.policy.CountRisk)
	}
}
