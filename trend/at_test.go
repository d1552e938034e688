package trend

import (
	"math/rand/v2"
	"testing"
)

// TestAt: of what a use comes to at 60 % of the traffic, as is said at 40 %, the 80 %
// intervals hold as often as they say, give or take a tenth.
func TestAt(t *testing.T) {
	const n = 400
	said, held := 0.0, 0.0
	for seed := range uint64(n) {
		rng := rand.New(rand.NewPCG(seed, 7))
		slope, sd := 0.5+rng.Float64(), 0.01+0.03*rng.Float64()
		f := FailsAt(usual(func(_ int, w float64) float64 { return 0.3 + slope*w + sd*rng.NormFloat64() }).response(60, 1))
		if f.Why != Known || f.Shape != Linear {
			continue
		}
		said++
		if lo, mid, hi := f.At(0.6); !(lo <= mid && mid <= hi) {
			t.Errorf("seed %d: %v (%v to %v)", seed, mid, lo, hi)
		} else if truth := 0.3 + slope*0.6; lo <= truth && truth <= hi {
			held++
		}
	}
	t.Logf("%.0f said, %.0f %% hold", said, 100*held/said)
	if said < n/2 || held/said < 0.7 || held/said > 0.9 {
		t.Errorf("of %d uses %.0f are said, of which %.0f %% hold; want half of them, and 70 to 90 %%", n, said, 100*held/said)
	}
}
