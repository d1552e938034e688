package pattern

import (
	"cmp"
	"slices"

	"github.com/foreshock/foreshock/signal"
)

// Rung is one step of the failure ladder.
type Rung uint8

// The rungs: memory, where leaks begin, and the six that overload climbs.
const (
	RungMemory Rung = iota + 1
	RungLatency
	RungErrors
	RungCPU
	RungRetries
	RungTimeouts
	RungCrashes
)

var rungNames = [...]string{
	RungMemory: "memory", RungLatency: "latency", RungErrors: "errors", RungCPU: "cpu",
	RungRetries: "retries", RungTimeouts: "timeouts", RungCrashes: "crashes",
}

// String returns the rung as it stands on the wire.
func (r Rung) String() string {
	if r == 0 || int(r) >= len(rungNames) {
		return ""
	}
	return rungNames[r]
}

// RungOf returns the rung that a kind of signal stands on, 0 when none.
func RungOf(k signal.Kind) Rung {
	switch k {
	case signal.Latency:
		return RungLatency
	case signal.Errors, signal.Dependency:
		return RungErrors
	case signal.CPU, signal.Saturation:
		return RungCPU
	case signal.Memory:
		return RungMemory
	case signal.Retries:
		return RungRetries
	case signal.Timeouts:
		return RungTimeouts
	case signal.Crashes:
		return RungCrashes
	case signal.Network, signal.Database, signal.Cache, signal.Traffic, signal.Infra:
		return 0
	default:
		return 0
	}
}

// A Climb is a rung that was climbed.
type Climb struct {
	Rung   Rung
	Signal int // index of the signal that showed it first
	Onset  Onset
}

// Ladder returns the rungs climbed, one climb for each, in the order of their
// onsets.
func Ladder(climbs []Climb) []Climb {
	sorted := slices.Clone(climbs)
	slices.SortStableFunc(sorted, func(a, b Climb) int {
		return cmp.Or(cmp.Compare(a.Onset.P50, b.Onset.P50), cmp.Compare(a.Rung, b.Rung), cmp.Compare(a.Signal, b.Signal))
	})
	var out []Climb
	for _, c := range sorted {
		if !slices.ContainsFunc(out, func(o Climb) bool { return o.Rung == c.Rung }) {
			out = append(out, c)
		}
	}
	return out
}

// An Order is a known order of the rungs for one kind of cause.
type Order struct {
	Name  string
	Rungs []Rung
}

// Orders returns the known orders. The first is the general one.
func Orders() []Order {
	return []Order{
		{Name: "overload", Rungs: []Rung{RungLatency, RungErrors, RungCPU, RungRetries, RungTimeouts, RungCrashes}},
		{Name: "leak", Rungs: []Rung{RungMemory, RungCPU, RungLatency, RungErrors, RungTimeouts, RungCrashes}},
		{Name: "inefficient code", Rungs: []Rung{RungCPU, RungLatency, RungTimeouts, RungErrors, RungRetries, RungCrashes}},
		{Name: "broken code or config", Rungs: []Rung{RungErrors, RungRetries, RungLatency, RungTimeouts, RungCPU, RungCrashes}},
		{Name: "slow dependency", Rungs: []Rung{RungLatency, RungTimeouts, RungErrors, RungRetries, RungCPU, RungCrashes}},
	}
}

// Match returns the known order that the climbed rungs fit best, and the rung
// that it expects next (0 when all are climbed). Pairs count only when their
// onset intervals do not overlap: +1 in order, −1 against it, and −½ for a
// rung of the order that was passed over.
func Match(climbed []Climb) (Order, Rung) {
	orders := Orders()
	if len(climbed) == 0 {
		return orders[0], orders[0].Rungs[0]
	}
	best, score := orders[0], -1e9
	for _, o := range orders {
		if s := fit(o, climbed); s > score {
			best, score = o, s
		}
	}
	last := -1
	for i, r := range best.Rungs {
		if has(climbed, r) {
			last = i
		}
	}
	for _, r := range best.Rungs[last+1:] {
		return best, r
	}
	for _, r := range best.Rungs {
		if !has(climbed, r) {
			return best, r
		}
	}
	return best, 0
}

func has(climbed []Climb, r Rung) bool {
	return slices.ContainsFunc(climbed, func(c Climb) bool { return c.Rung == r })
}

func fit(o Order, climbed []Climb) float64 {
	var s float64
	last := -1
	for i, r := range o.Rungs {
		if has(climbed, r) {
			last = i
		}
	}
	for i := range last {
		if !has(climbed, o.Rungs[i]) {
			s -= 0.5
		}
	}
	for i, a := range climbed {
		pa := slices.Index(o.Rungs, a.Rung)
		if pa < 0 {
			s-- // the order does not know this rung
		}
		for _, b := range climbed[i+1:] {
			pb := slices.Index(o.Rungs, b.Rung)
			switch {
			case pa < 0 || pb < 0 || a.Onset.P90 > b.Onset.P10:
			case pa < pb:
				s++
			default:
				s--
			}
		}
	}
	return s
}
