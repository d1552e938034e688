package pattern

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/stats"
)

// leaped is how far a jump must lead at least, as [Comparison.beyond] measures it, if that
// is to say anything.
const leaped = 3.5

// jump returns how many times further the subject moved at once, and stayed at least, than
// its reference ever did, or itself before:
//
//	J = max over j of min(after − before, low − before)/max(S, SD)
//
// before and after are the means of the n differences before block j and from it on, low is
// where the last ones lie at least, and S is the largest change between the means of n
// neighbouring blocks and the n after them: of the reference, and of the differences
// before j. What drifts comes far, and never far at once: the changes of an AR(1)
// process with ρ = 0.95 over four frames are half of its standard deviation, and a
// hundred frames hold a hundred of them, whatever the few are worth that its level is known by.
func (c *Comparison) jump(low float64, n int) float64 {
	var buf [2 * stats.Width]float64
	d := buf[:0]
	for _, x := range c.prior {
		d = append(d, c.direction()*x)
	}
	for _, x := range c.Difference {
		if !math.IsNaN(x) {
			d = append(d, x)
		}
	}
	most, own := 0.0, c.leap
	for j := n; j+n <= len(d); j++ {
		before := stats.Mean(d[j-n : j])
		if j >= 2*n {
			own = math.Max(own, math.Abs(before-stats.Mean(d[j-2*n:j-n])))
		}
		most = math.Max(most, (math.Min(stats.Mean(d[j:j+n]), low)-before)/own)
	}
	return most
}

// leap returns the largest change between the means of n neighbours and of the n after
// them; 0 with too few.
func leap(xs []float64, n int) float64 {
	most := 0.0
	for j := n; j+n <= len(xs); j++ {
		most = math.Max(most, math.Abs(stats.Mean(xs[j:j+n])-stats.Mean(xs[j-n:j])))
	}
	return most
}

// leastRuns is how many values in a row, each kept for a while, show that a gauge is one that
// moves now and then: with the runs of a job. Three of them must lie beyond, for one
// that is repeated says no more than once.
const leastRuns = 4

// kept returns for how many blocks a value is kept, by the share e of equal neighbours:
// 1/(1 − e) where a mean is of one block; of means of long blocks each run has one that is of two
// values, so that two in a run do not count, and it is 2·long/(1 − e). It is 0 where fewer than a
// third of the neighbours are equal, or a tenth of long ones, with fewer than four runs, and where they
// come back to the same values;
// up to twice too much where runs begin with long blocks.
func kept(means []float64, long float64) float64 {
	if len(means) < leastRuns {
		return 0
	}
	same := 0.0
	for i, x := range means[1:] {
		if x == means[i] {
			same++
		}
	}
	e, least, runs := same/float64(len(means)-1), 1./3, 1.0
	if long > 1 {
		least, runs = 0.1, 2*long
	}
	if changed := (1-e)*float64(len(means)-1) + 1; e < least || changed < leastRuns || distinct(means) < comesBack*changed {
		return 0
	}
	return runs / (1 - e)
}

// comesBack is which share of the runs must have a value that none before had: a gauge of whole
// numbers that wavers a little comes back to the same few.
const comesBack = 0.75

// distinct returns how many values there are.
func distinct(xs []float64) float64 {
	var buf [stats.Width]float64
	sorted := append(buf[:0], xs...)
	slices.Sort(sorted)
	return float64(len(slices.Compact(sorted)))
}

// last returns the means of up to n blocks of size frames that came last, as far as
// single frames are known.
func (t *Track) last(size, n int) []float64 {
	var buf [stats.Width]float64
	tail := t.Values.TailInto(buf[:0], stats.Width)
	var out []float64
	for at := len(tail) - min(n, len(tail)/size)*size; at+size <= len(tail); at += size {
		if in := stats.FiniteInto(nil, tail[at:at+size]); len(in) > 0 {
			out = append(out, stats.Mean(in))
		}
	}
	return out
}
