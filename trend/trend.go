// Package trend says where things are heading: when what grows reaches its
// limit, when the next rung of the failure ladder is due, and at which share of
// traffic a limit is met as a release gets more of it.
//
// Times are in frames from now, weights in shares of traffic, both with the
// 10, 50 and 90 % points of what is known of them. Nothing here is a promise
// that growth goes on as it did; where the data cannot tell, the answer is why.
package trend

import (
	"math"

	"github.com/foreshock/foreshock/pattern"
)

// Ahead is a time from now, in frames.
type Ahead struct{ P10, P50, P90 float64 }

// Exhausts returns when a signal whose difference from its reference grows
// reaches its limit, by [Forecast] of its own values. ok is false when it does
// not grow beyond doubt, has no limit, or is past it.
func Exhausts(c *pattern.Comparison, now float64, r Growing) (g Growth, ok bool) {
	past := now >= r.Limit
	if r.Falls {
		past = now <= r.Limit
	}
	if math.IsNaN(r.Limit) || !c.Growing() || past {
		return Growth{}, false
	}
	return Forecast(r)
}

// NextRung returns when the next rung is due, in frames from now. The gaps
// between the rungs climbed so far, and the time since the last, are taken as
// exponential of one unknown rate, believed beforehand as 1/rate: with k gaps
// in T frames from the first onset to now the next comes within
//
//	tₚ = T·((1−p)^(−1/k) − 1)
//
// frames with probability p (a Lomax distribution). So it is the later, the
// longer none came. ok is false while fewer than two rungs, or rungs within
// one frame, give no pace.
func NextRung(climbed []pattern.Climb, now float64) (a Ahead, ok bool) {
	if len(climbed) < 2 {
		return Ahead{}, false
	}
	first, last := climbed[0].Onset.P50, climbed[len(climbed)-1].Onset.P50
	if last-first < 1 {
		return Ahead{}, false
	}
	k, seen := float64(len(climbed)-1), math.Max(last, now)-first
	at := func(p float64) float64 { return seen * (math.Pow(1-p, -1/k) - 1) }
	return Ahead{P10: at(0.1), P50: at(0.5), P90: at(0.9)}, true
}
