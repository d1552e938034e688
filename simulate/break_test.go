package simulate_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/simulate"
)

// TestStepRefusesNobody: where nothing is near a limit, no request is lost in
// the moment in which the new version gets its first instances.
func TestStepRefusesNobody(t *testing.T) {
	for _, p := range []simulate.Player{simulate.Exact, simulate.Fluid} {
		m := shop(100)
		m.Clients.Tries = 1
		for _, tick := range play(t, m, p, 1) {
			if tick.Callers.Failed > 0 {
				t.Errorf("%s: %v of %v requests fail in the frame of %v, want none", p, tick.Callers.Failed, tick.Callers.Requests, tick.Frame.At.Sub(m.Start))
			}
		}
	}
}

// TestLeakAgrees: single requests and flows fill the same memory while one
// share is held: 100 requests a second that leave 20 kB behind, on 4 instances
// for 300 s, are 150 MB of the 600 on top of 300, and 1.1 times that in
// the instance that leaks fastest, so 77 % at most.
func TestLeakAgrees(t *testing.T) {
	for _, p := range []simulate.Player{simulate.Exact, simulate.Fluid} {
		m := shop(100)
		m.Services[0].Calls, m.New.Calls, m.Clients.Tries = nil, nil, 1
		m.New.Memory.Leak = 20e3
		b, err := m.Breaks(p, 1, 300)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Limits) == 0 || b.Limits[0].What != "memory" || math.Abs(b.Limits[0].Share-0.77) > 0.03 || b.Share > 0 {
			t.Errorf("%s: Breaks = %v harmed, limits %v; want none harmed, and memory at about 77 %%", p, b.Share, b.Limits)
		}
	}
}

// TestBreaksAtPeak: the share is held at the busiest time of the rollout, not
// at the traffic of the start. Twice the work on 16 cores of 5 ms fills them at
// 1600 requests a second, so 400 are nothing and 2000 are too many.
func TestBreaksAtPeak(t *testing.T) {
	profiles := map[string][]simulate.Factor{
		"rises":    {{At: 120, By: 1}, {At: 500, By: 5}},
		"a burst":  {{At: 300, By: 1}, {At: 301, By: 5}, {At: 330, By: 5}, {At: 331, By: 1}},
		"too soon": {{At: 0, By: 5}, {At: 20, By: 5}, {At: 21, By: 1}}, // over before the first step
	}
	for name, profile := range profiles {
		m := shop(400)
		m.Services[0].Calls, m.Services[0].Memory.Limit = nil, inf
		m.New = m.Services[0]
		m.New.Work *= 2
		m.Services[0].Profile, m.Length = profile, 10*time.Minute
		m.Objective.Latency = 0.3
		b, err := m.Breaks(simulate.Fluid, 1, 120)
		if err != nil {
			t.Fatal(err)
		}
		want := 2000.0
		if name == "too soon" {
			want = 400
		}
		if got := b.Harmed; got != (want == 2000) || math.Abs(b.Rate-want) > 20 {
			t.Errorf("traffic %s: Breaks = harmed %v at %v requests a second, want %v at %v", name, got, b.Rate, want == 2000, want)
		}
		if b.Harmed && !strings.Contains(b.Limits[0].String(), "cpu of") {
			t.Errorf("traffic %s: limits %v, want cpu first", name, b.Limits)
		}
	}
}
