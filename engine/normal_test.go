package engine_test

import (
	"math"
	"testing"
	"time"

	"github.com/foreshock/foreshock/engine"
)

// saying says the minute of the hour of one signal of one service.
type saying struct{ service, signal string }

func (s saying) Level(service, signal string, at time.Time) (level, spread float64) {
	if service != s.service || signal != s.signal {
		return math.NaN(), math.NaN()
	}
	return float64(at.Minute()), 2
}

// TestNormal holds that readings carry what is normal at their own instant,
// and nothing where no memory is given.
func TestNormal(t *testing.T) {
	text, sys := points(`x{service="cart"}`, 1, 2, 3), cart(gauge(`x{$sel}`))
	for _, tt := range []struct {
		signal string
		want   bool
	}{{"x", true}, {"y", false}} {
		src, err := engine.New(t.Context(), open(t, text), sys, engine.Options{Start: t0, End: minute(2), Normal: saying{"cart", tt.signal}})
		if err != nil {
			t.Fatal(err)
		}
		for k, rs := range only(t, collect(t, src)) {
			if got := rs[0].Level == float64(k) && rs[0].Spread == 2; got != tt.want || rs[0].Value != float64(k+1) {
				t.Errorf("memory of %s, frame %d: %v beside %v ± %v", tt.signal, k, rs[0].Value, rs[0].Level, rs[0].Spread)
			}
		}
	}
	plain, _ := take(t, text, sys, 3)
	for k, rs := range only(t, plain) {
		if !math.IsNaN(rs[0].Level) || !math.IsNaN(rs[0].Spread) {
			t.Errorf("frame %d has the level %v ± %v from no memory", k, rs[0].Level, rs[0].Spread)
		}
	}
}
