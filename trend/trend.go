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
	"github.com/foreshock/foreshock/stats"
)

// Ahead is a time from now, in frames.
type Ahead struct{ P10, P50, P90 float64 }

// farthest is how many frames ahead anything is said.
const farthest = 1e6

// Exhausts returns when a signal whose difference from its reference grows
// reaches its limit. now is the value in the last frames. ok is false when it
// does not grow beyond doubt, has no limit, or is past it.
//
// The straight line through the differences is thought on:
//
//	frames = (limit − now)/slope,   slope ∓ z₀.₉·SE for the 10 and 90 % points
//
// so that a slope whose lower end is nothing has no 90 % point within reach
// (10⁶ frames).
func Exhausts(c *pattern.Comparison, now, limit float64) (a Ahead, ok bool) {
	if math.IsNaN(limit) || !c.Growing() || c.Falls || !(now < limit) {
		return Ahead{}, false
	}
	z := stats.NormalQuantile(0.9)
	at := func(slope float64) float64 {
		return math.Min((limit-now)/math.Max(slope, 1e-12), farthest)
	}
	return Ahead{P10: at(c.Slope + z*c.SlopeSE), P50: at(c.Slope), P90: at(c.Slope - z*c.SlopeSE)}, true
}

// NextRung returns when the next rung is due, at the pace of those climbed so
// far: their gaps are taken as exponential, whose 10, 50 and 90 % points are
// 0.105, 0.693 and 2.303 of the mean. ok is false while fewer than two rungs
// give no pace.
func NextRung(climbed []pattern.Climb) (a Ahead, ok bool) {
	if len(climbed) < 2 {
		return Ahead{}, false
	}
	span := climbed[len(climbed)-1].Onset.P50 - climbed[0].Onset.P50
	if span <= 0 {
		return Ahead{}, false
	}
	pace := span / float64(len(climbed)-1)
	at := func(p float64) float64 { return -math.Log(1-p) * pace }
	return Ahead{P10: at(0.1), P50: at(0.5), P90: at(0.9)}, true
}
