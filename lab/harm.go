package lab

import (
	"slices"
	"time"

	"github.com/foreshock/foreshock/lab/part"
)

// A Harm is what a release did to the callers, by their own count: requests
// that failed or were slower than the objective beyond the share that did so
// before the release.
type Harm struct {
	Background float64   // share of requests harmed before the release, 0..1
	PerFrame   []float64 // harmed beyond that in (frame − interval, frame]
	Total      float64
	// Share is, for each step, the share of all requests that were harmed
	// beyond the background in it, and New the same of the requests that went
	// to the new version; NaN-free: 0 without requests.
	Share, New []float64
}

// A Grid says when frames and steps are.
type Grid struct {
	Start, End time.Time
	Interval   time.Duration
	Steps      []time.Time // begin of each step, ascending
}

// fails is the share of requests from which a step is said to fail: 2 % of
// all requests, or 5 % of those to the new version.
const fails, failsNew = 0.02, 0.05

// FailsAt returns the first step that fails; false when none does.
func (h Harm) FailsAt() (step int, ok bool) {
	for i := range h.Share {
		if h.Share[i] > fails || h.New[i] > failsNew {
			return i, true
		}
	}
	return 0, false
}

// Measure counts the harm in tallies on a grid.
func Measure(tallies []part.Tally, g Grid) Harm {
	n := int(g.End.Sub(g.Start)/g.Interval) + 1
	h := Harm{PerFrame: make([]float64, n), Share: make([]float64, len(g.Steps)), New: make([]float64, len(g.Steps))}
	all, fresh := make([]counts, len(g.Steps)), make([]counts, len(g.Steps))
	frames := make([]counts, n)
	var before counts
	for _, t := range tallies {
		at := time.Unix(t.Second, 0)
		var sum counts
		for _, c := range t.Versions {
			sum.add(c)
		}
		if step := stepAt(g.Steps, at); step < 0 {
			before = before.plus(sum)
		} else if at.Before(g.End) {
			all[step] = all[step].plus(sum)
			fresh[step].add(t.Versions["v2"])
		}
		// The second ends a second later: it belongs to the first frame then.
		k := int((at.Add(time.Second).Sub(g.Start) + g.Interval - 1) / g.Interval)
		if k >= 0 && k < n && stepAt(g.Steps, at) >= 0 {
			frames[k] = frames[k].plus(sum)
		}
	}
	h.Background = before.share()
	for i := range all {
		h.Share[i] = max(all[i].share()-h.Background, 0)
		h.New[i] = max(fresh[i].share()-h.Background, 0)
	}
	for k, c := range frames {
		h.PerFrame[k] = max(c.bad-h.Background*c.sent, 0)
		h.Total += h.PerFrame[k]
	}
	return h
}

// stepAt returns the step that has begun last; −1 before the first.
func stepAt(steps []time.Time, at time.Time) int {
	i, _ := slices.BinarySearchFunc(steps, at, func(s, t time.Time) int {
		if s.After(t) {
			return 1
		}
		return -1
	})
	return i - 1
}

type counts struct{ sent, bad float64 }

func (c *counts) add(n part.Count) {
	c.sent += float64(n.Sent)
	c.bad += float64(n.Failed + n.Slow)
}

func (c counts) plus(o counts) counts { return counts{c.sent + o.sent, c.bad + o.bad} }

func (c counts) share() float64 {
	if c.sent == 0 {
		return 0
	}
	return c.bad / c.sent
}
