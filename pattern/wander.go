package pattern

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

// ofReference is the least number of frames of a reference that show how far it
// wanders.
const ofReference = 20

// farthest is how many times further than the reference wanders the subject is at least,
// if that is to say anything.
const farthest = 4.5

// believed is how many standard deviations the reference is believed to wander at least.
const believed = 3

// beyond tests whether the subject now lies further out than its reference has
// wandered in all that is known of it. It is for a reference that drifts. Of
// that only a few values are independent, so that suffix has no degrees of
// freedom left to tell a jump of fifty standard deviations from chance. How far
// it came in a hundred frames is well known nevertheless, however alike
// neighbours are: the range of a process that drifts has a far lighter lower
// tail than a variance of as few degrees of freedom.
//
//	z = low/√(W²·max(1, τ/N) + 9·fixed)    W = max(range·√scale, 3·SD)
//	m = √(z·J)                             for z ≥ 1, J as [Comparison.jump] has it
//	ln E = 1.5·max(z, m) + 0.5             for z ≥ 4.5 or m ≥ 3.5, else nothing
//
// low is what three quarters of the last differences are at least, over one
// window and three frames more, so that no single reading makes it, and of a gauge that
// keeps its values over three of them; range is
// that of the reference's N blocks before and during together, scale how much
// more the subject wavers for having fewer instances; τ/N is over 1 where less
// than one independent value was seen of the drift. Only beside a control that has a value
// now, where what both versions do at the same time is no departure, or of a subject
// that is what the reference was. And only at a load
// that the reference has had: what it would do beyond that nobody has seen.
//
// The scale of E is measured, not derived: over releases of 60 to 200 frames
// with all looks together it is over 4.5 in under 0.1 % of them, Gaussian or
// heavy-tailed, with ρ from 0 to 0.999 (TestBeyondHolds), and in 0.2 % with log-normal shocks, so that E
// stays far from a false alarm in five hundred. Less of z would be a suspicion: a
// hold, which runs out while the t-test is still on its way to a proof. The idea,
// to scale by what a statistic's own path did and not by an estimate of its
// long-run variance, is that of N. M. Kiefer, T. J. Vogelsang, H. Bunzel,
// Simple robust testing of regression hypotheses, Econometrica 68 (2000).
func (c *Comparison) beyond() {
	if !(c.wanders > 0) {
		return
	}
	var buf [stats.Width]float64
	last, need := c.lately(buf[:0])
	if len(last) < need || (c.beside < need || c.behind > 0) && !c.alone {
		return
	}
	mean, low := stats.Mean(last), stats.Quantile(last, 0.25)
	z, m := low/math.Sqrt(c.wanders*c.wanders+9*c.fixed), 0.0
	if z >= 1 {
		m = math.Sqrt(z * c.jump(low, need))
	}
	if c.away = z; m >= leaped {
		c.away = math.Max(z, m)
	}
	e := 1.5*c.away + 0.5
	if !(z >= farthest || m >= leaped) || c.Effective >= MinEffective && c.LogE >= e {
		return
	}
	if !(c.LogE > 0) {
		c.Onset = c.left(low / 2) // else the stretches tell more of when it began
	}
	c.Beyond, c.LogE = true, e
	c.Effect, c.Typical = math.Max(c.Effect, mean), math.Max(c.Typical, low)
}

// lately appends the last differences to out, as many as it takes to be beyond.
func (c *Comparison) lately(out []float64) (last []float64, need int) {
	need = int(math.Ceil(max(reach/c.block+c.window, reach*c.held)))
	for j := len(c.Difference) - 1; j >= 0 && len(out) < need; j-- {
		if d := c.Difference[j]; !math.IsNaN(d) {
			out = append(out, d)
		}
	}
	return out, need
}

// within says whether none of the last differences is so large, in standard deviations of
// the reference, that the subject could be beyond: then nothing else need be known.
func (c *Comparison) within(sd float64) bool {
	var buf [stats.Width]float64
	last, _ := c.lately(buf[:0])
	for _, d := range last {
		if math.Abs(d) >= believed*sd {
			return false
		}
	}
	return true
}

// left returns when the differences that lie over a bound now came to lie there.
func (c *Comparison) left(bound float64) Onset {
	at := len(c.Difference) - 1
	for j := at; j >= 0 && !(c.Difference[j] < bound); j-- {
		at = j
	}
	return Onset{P10: c.frames[max(0, at-1)], P50: c.frames[at], P90: c.frames[min(len(c.frames)-1, at+1)]}
}

// Told says whether enough was seen to claim anything: enough effective
// observations, or a departure beyond all that the reference ever did.
func (c *Comparison) Told() bool { return c.Effective >= MinEffective || c.Beyond }

// wandering notes how far the reference has wandered, before and during
// together, in blocks of size frames, raised for what is not known of a drift, and
// how far at once. It is nothing without a live control, but of a subject that is what
// the reference was, and where too little is known.
func (c *Comparison) wandering(r reference, size int, n noise, scale, sd float64, alone bool) {
	live := !r.during.empty() && r.during.Missed < gone
	if c.alone = alone && r.during.empty() && !r.before.empty(); r.seasonal || !live && !c.alone {
		return
	}
	low, high, blocks, held := math.Inf(1), math.Inf(-1), 0.0, 0.0
	var buf, all [stats.Width]float64
	_, need := c.lately(buf[:0])
	for _, t := range [...]*Track{r.before, r.during} {
		if t.empty() {
			continue
		}
		means := stats.FiniteInto(buf[:0], t.Values.MeansInto(all[:0], size))
		for _, x := range means {
			low, high, blocks = math.Min(low, x), math.Max(high, x), blocks+1
		}
		held = math.Max(held, kept(means, float64(t.Values.Size)/float64(size)))
		c.leap = math.Max(c.leap, leap(means, max(1, need*size/t.Values.Size)))
	}
	if blocks*float64(size) < ofReference {
		return
	}
	c.held = held
	scale = math.Sqrt(scale)
	c.leap = max(c.leap*scale, sd)
	c.wanders = math.Max((high-low)*scale, believed*sd) * math.Sqrt(math.Max(1, n.Tau/blocks))
	if c.alone {
		c.prior = r.before.last(size, need)
		for i := range c.prior {
			c.prior[i] -= c.Level
		}
	}
}

// overReach is by how much more than the reference ever had to do the subject
// may have, and still be said to do no more.
const overReach = 0.1

// reached says whether the reference has had the load that the subject has now,
// as far as loads are known.
func (l Loads) reached() bool {
	if !l.known() {
		return true
	}
	var buf [stats.Width]float64
	most := math.Inf(-1)
	for _, t := range [...]*Track{l.During, l.Before} {
		if t == nil {
			continue
		}
		for _, x := range t.Values.MeansInto(buf[:0], 1) {
			if x > most {
				most = x
			}
		}
	}
	return !(stats.Mean(stats.FiniteInto(buf[:0], l.Subject.Values.Tail(reach))) > (1+overReach)*most)
}
