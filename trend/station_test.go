package trend

import (
	"math"
	"testing"
)

// TestStation: waits of stations of 1, 2 and 4 servers, seen at 0, 15, 27 and
// 40 % of where they meet their limit. The truth lies within the 80 % interval
// in seven of ten or more, and other units of time are other units of limits.
func TestStation(t *testing.T) {
	for _, c := range []float64{1, 2, 4} {
		held, said := 0, 0
		for seed := range uint64(40) {
			p, truth, rng := drawnStation(c, seed)
			if math.IsNaN(truth) {
				continue
			}
			x := FailsAt(stationSeen(&p, truth, 0.03, []float64{0.15, 0.27, 0.4}, rng))
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
