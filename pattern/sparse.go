package pattern

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// sparse takes back what single events say. A signal that is nothing in most frames, as
// of errors that come one by one, has no spread to measure a change by: two errors that
// come close together lie far out. It is certain no further than the number of frames
// with something in them is, as if each had some as often as those before:
//
//	ln E ≤ max over the last m ≤ 16 of −ln P(X ≥ k | m, p) − ln 16,  p = (z + ½)/(n + 1)
//
// with k of the last m frames, and z of the n before all of them, over the level.
func (c *Comparison) sparse() {
	if c.Level != 0 || !(c.LogE > 0) || len(c.values) <= Recently {
		return
	}
	past, last := stats.Finite(c.values[:len(c.values)-Recently]), c.values[len(c.values)-Recently:]
	z := 0.0
	for _, v := range past {
		if v != 0 {
			z++
		}
	}
	p := (z + 0.5) / (float64(len(past)) + 1)
	most, k, m := 0.0, 0, 0
	for _, v := range slices.Backward(last) {
		if math.IsNaN(v) {
			continue
		}
		if m++; v != 0 {
			k++
			most = math.Max(most, -atLeast(k, m, p))
		}
	}
	c.LogE = math.Min(c.LogE, math.Max(0, most-math.Log(Recently)))
}

// arise tells what never was before from chance: a signal that was nothing in all of the
// past, of which nothing at all is the spread, and is something without a gap by now. It is as certain
// as so many frames with something in them are, one after the other:
//
//	ln E = m·ln((n + 1)/½)/w − ln 16
//
// for m of the last 16 frames, after n ≥ 10 with nothing, where p = ½/(n + 1) is how
// likely something is in one of them, and w of them share what lies in one.
func (c *Comparison) arise(worse signal.Direction, window float64) {
	if c.Level != 0 || c.SD != 0 || len(c.values) <= Recently {
		return
	}
	past, last := stats.Finite(c.values[:len(c.values)-Recently]), c.values[len(c.values)-Recently:]
	if slices.ContainsFunc(past, func(v float64) bool { return v != 0 }) {
		return
	}
	var run []float64
	from := len(c.values)
	for k, v := range slices.Backward(last) {
		if v == 0 {
			break
		}
		if !math.IsNaN(v) {
			run, from = append(run, v), len(c.values)-Recently+k
		}
	}
	size := stats.Median(run)
	if len(run) == 0 || worse == signal.Up && size < 0 || worse == signal.Down && size > 0 {
		return
	}
	n, m := float64(len(past)), float64(len(run))
	c.LogE = math.Max(0, m*math.Log(2*(n+1))/math.Max(1, window)-math.Log(Recently))
	c.Arisen, c.Falls = true, size < 0
	c.Effect, c.Typical, c.Now = math.Abs(size), math.Abs(size), size
	c.Effective = math.Max(c.Effective, MinEffective)
	c.Onset = Onset{P10: c.frames[max(0, from-1)], P50: c.frames[from], P90: c.frames[from]}
}

// atLeast returns the logarithm of the probability of k or more of m, each with
// probability p.
func atLeast(k, m int, p float64) float64 {
	var sum float64
	term := math.Pow(p, float64(k)) * math.Pow(1-p, float64(m-k)) * choose(m, k)
	for i := k; i <= m; i++ {
		sum += term
		term *= float64(m-i) / float64(i+1) * p / (1 - p)
	}
	return math.Log(sum)
}

// choose returns in how many ways k can be chosen of m.
func choose(m, k int) float64 {
	ways := 1.0
	for i := range k {
		ways *= float64(m-i) / float64(i+1)
	}
	return ways
}
