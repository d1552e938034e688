package trend

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/stats"
)

// TestStation: waits of stations of 1, 4 and 16 servers, seen at 0, 15, 27 and
// 40 % of where they meet their limit. The truth lies within the 80 % interval
// in seven of ten or more, and other units of time are other units of limits.
func TestStation(t *testing.T) {
	for _, c := range []float64{1, 4, 16} {
		held, said := 0, 0
		for seed := range uint64(40) {
			rng := rand.New(rand.NewPCG(seed, 4))
			p := stationPoint{rho: 0.3 + 0.3*rng.Float64(), cost: 1 + 2*rng.Float64(), power: math.Sqrt(2*(c+1)) - 1, base: 0.02, wait: 0.02 / c * math.Exp(rng.NormFloat64())}
			const limit = 0.2
			at := p.meets(limit)
			if at == 0 || at >= stationGrid {
				continue
			}
			truth := stationReach * float64(at) / (stationGrid - 1)
			before, since, e := stats.NewHistory(0), stats.NewHistory(40), &Exposed{}
			draw := func(w float64) float64 { return (p.base + p.wait*p.queue(w)) * (1 + 0.03*rng.NormFloat64()) }
			for f := range 40 {
				before.Add(f, draw(0))
			}
			for f := 40; f < 100; f++ {
				w := truth * []float64{0.15, 0.27, 0.4}[(f-40)/20]
				e.Add(f, w)
				since.Add(f, draw(w))
			}
			x := FailsAt(Response{Before: before, Since: since, Exposed: e, Limit: limit, Wait: true})
			if x.Why != Known {
				continue
			}
			said++
			if x.P10-0.02 <= truth && truth <= x.P90+0.02 {
				held++
			}
		}
		t.Logf("%v servers: said %d, held %d", c, said, held)
		if said >= 10 && held*10 < said*6 {
			t.Errorf("%v servers: %d of %d intervals hold the truth", c, held, said)
		}
	}
}
