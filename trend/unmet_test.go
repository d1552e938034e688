package trend

import (
	"math"
	"testing"
)

// TestUnmet: a use that fails at 60 %, give or take 7, and is seen to do well at a
// share of the traffic, fails beyond that. By hand: the points of a normal
// distribution that is cut off there, with Φ(−0.714) = 0.2376 left of 55 %. Where it
// is nearly all cut off, and where nothing is seen to do well, it stays as it was.
// What it says of a step stays anyway.
func TestUnmet(t *testing.T) {
	n := wobble(0.002)
	for _, tt := range []struct {
		well          float64
		p10, p50, p90 float64
	}{
		{0, 0.510, 0.600, 0.690},
		{0.3, 0.510, 0.600, 0.690},
		{0.55, 0.566, 0.621, 0.700},
		{0.8, 0.510, 0.600, 0.690},
	} {
		r := usual(func(f int, w float64) float64 { return 0.3 + w + n(f) }).response(60, 1)
		r.Early, r.Zone = 0.1, 0.07
		f := FailsAt(r)
		breach := f.Breach(0.6)
		f.Unmet(tt.well)
		for _, p := range [][2]float64{{f.P10, tt.p10}, {f.P50, tt.p50}, {f.P90, tt.p90}} {
			if !(math.Abs(p[0]-p[1]) < 0.004) {
				t.Errorf("seen to do well at %v: %.3f (%.3f to %.3f), want %.3f (%.3f to %.3f)", tt.well, f.P50, f.P10, f.P90, tt.p50, tt.p10, tt.p90)
				break
			}
		}
		if got := f.Breach(0.6); got != breach {
			t.Errorf("seen to do well at %v: Breach(0.6) = %v, want %v as before", tt.well, got, breach)
		}
	}
}
