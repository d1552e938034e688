package pattern

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

// ownBursts is how many times its own largest burst before something must be, and
// othersBursts how many times that of others: the largest of a few is not yet the
// largest that comes, and no two are the same to the last digit.
const ownBursts, othersBursts = 2, 1.25

// bursts takes back what is no more than what the service, or one like it, did before for as
// long: work that comes by the clock or by chance, heavy tails, a wave that goes from
// one to the other. It has to stand for longer than that, or further out:
//
//	min(median, mean of d since the onset)/scale > max(2·own, 1.25·others)
//
// own is the largest mean of as many differences in a row in the service's past, others
// that of any of the services. Growth is not asked: it has its own look at the whole window.
func bursts(cs []Comparison, ok []bool) {
	var known [Recently + 1]float64 // by length, the largest of all services, and 1
	for i := range cs {
		c := &cs[i]
		if !ok[i] || !(c.LogE > 0) {
			continue
		}
		since := c.fromOnset()
		m := min(len(since), Recently)
		if m == 0 {
			continue
		}
		if known[m] == 0 {
			for j := range cs {
				if ok[j] {
					known[m] = math.Max(known[m], cs[j].burst(m)/cs[j].unit())
				}
			}
			known[m]++
		}
		now, own := math.Min(stats.Median(since), stats.Mean(since)), c.burst(m)
		if now <= math.Max(ownBursts*own, othersBursts*(known[m]-1)*c.unit()) {
			c.LogE = 0
		}
	}
}

// unit is the scale, or 1 where that is 0: of what has neither a level nor a size of
// consequence the services are compared as they are.
func (c *Comparison) unit() float64 {
	if scale := c.scale(); scale > 0 {
		return scale
	}
	return 1
}

// fromOnset returns the differences since the onset.
func (c *Comparison) fromOnset() []float64 {
	var out []float64
	for k, d := range c.Difference {
		if c.frames[k] >= c.Onset.P50 && !math.IsNaN(d) {
			out = append(out, d)
		}
	}
	return out
}

// burst returns the largest mean of n differences in a row in the past of a service, at
// least 0.
func (c *Comparison) burst(n int) float64 {
	past := stats.Finite(c.Difference[:max(0, len(c.Difference)-Recently)])
	most, sum := 0.0, 0.0
	for k, d := range past {
		sum += d
		if k >= n {
			sum -= past[k-n]
		}
		if k >= n-1 {
			most = math.Max(most, sum/float64(n))
		}
	}
	return most
}
