package simulate_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/signal"
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

// TestFull: a leak that harms nobody while a share is held fills the memory
// later, and when it does is when the first instance is killed, in both players.
// By hand: 600 MB at 200 requests a second of 20 kB on 4 instances are 300 s of a
// mean instance, and the one that leaks fastest has them by 1.1 times sooner.
func TestFull(t *testing.T) {
	m := shop(200)
	m.New.Memory.Leak = 20e3
	m.Rollout.Steps = []simulate.Raise{{At: 60, Weight: 1}}
	m.Length = 10 * time.Minute
	b, err := m.Breaks(simulate.Fluid, 1, 120)
	if err != nil {
		t.Fatal(err)
	}
	if b.Harmed || !(b.Full > 265 && b.Full < 300) {
		t.Errorf("Breaks = harmed %v, full after %v s; want not harmed and full after 300 s less a tenth", b.Harmed, b.Full)
	}
	for _, p := range []simulate.Player{simulate.Exact, simulate.Fluid} {
		first := math.NaN()
		for _, tick := range play(t, m, p, 1) {
			for _, c := range tick.Frame.Cells {
				if simulate.ModelSignals()[c.Signal].Name == "restarts" && c.Cohort == signal.Canary && c.Readings[0].Value > 0 && math.IsNaN(first) {
					first = tick.Frame.At.Sub(m.Start).Seconds() - 60
				}
			}
		}
		if !(math.Abs(first-b.Full) <= 15) {
			t.Errorf("%s: the first instance is killed %v s after the step, want %v within a frame", p, first, b.Full)
		}
	}
	m.New.Memory.Leak = 0
	if b, err = m.Breaks(simulate.Fluid, 1, 120); err != nil || !math.IsInf(b.Full, 1) {
		t.Errorf("without a leak, Breaks = full after %v s, %v; want never", b.Full, err)
	}
}

// TestObjectiveIsTheCallers: attempts are held against what callers may suffer
// only where an attempt is all they make, and only at the service they call.
func TestObjectiveIsTheCallers(t *testing.T) {
	tests := []struct {
		tries  int
		budget float64
		want   float64 // limit of the errors of the service that clients call
	}{
		{1, inf, 0.02},
		{3, 0, 0.02}, // nothing to try again with
		{3, inf, math.NaN()},
	}
	for _, tt := range tests {
		m := shop(100)
		m.Clients.Tries, m.Clients.Budget, m.Objective.Latency = tt.tries, tt.budget, 0.5
		got := map[string]float64{}
		for _, c := range play(t, m, simulate.Fluid, 1)[0].Frame.Cells {
			got[fmt.Sprint(m.Services[c.Service].Name, " ", simulate.ModelSignals()[c.Signal].Name)] = c.Limit
		}
		want := map[string]float64{"shop errors": tt.want, "db errors": math.NaN(), "shop latency_p99": 0.5, "db latency_p99": math.NaN()}
		for name, limit := range want {
			if have, ok := got[name]; !ok || have != limit && !(math.IsNaN(have) && math.IsNaN(limit)) {
				t.Errorf("with %d tries and a budget of %v, the limit of %s is %v, want %v", tt.tries, tt.budget, name, have, limit)
			}
		}
	}
}

// TestTriedAtCallee: that callers try again and give up is measured at the
// service that they call, of all its callers together and of both versions, and
// at those who call only as what they gave up. By hand: db's calls take 2 ms and
// are given up after 1, so that some are, at every try.
func TestTriedAtCallee(t *testing.T) {
	m := shop(100)
	m.Services[0].Calls[0].Timeout, m.Services[0].Calls[0].Tries, m.Services[0].Calls[0].Budget = 0.001, 3, inf
	m.New = m.Services[0]
	ticks := play(t, m, simulate.Exact, 1)
	got := map[string]float64{}
	for _, c := range ticks[len(ticks)-1].Frame.Cells {
		if c.Readings[0].Presence == signal.Present {
			got[fmt.Sprint(m.Services[c.Service].Name, " ", simulate.ModelSignals()[c.Signal].Name, " ", c.Cohort)] = c.Readings[0].Value
		}
	}
	late, again := got["db timeouts whole"], got["db retries whole"]
	if !(late > 0.1 && late < 0.9) || math.Abs(again-late-late*late) > 0.1 {
		t.Errorf("at db %v of the attempts are given up and %v of the calls made again, want some, and f + f² of them", late, again)
	}
	for name := range got {
		if strings.HasPrefix(name, "shop retries") || strings.HasPrefix(name, "shop timeouts") {
			t.Errorf("%s is measured; want it at db", name)
		}
	}
	if _, ok := got["shop calls_given_up canary"]; !ok {
		t.Errorf("what shop gives up is not measured of each version: %v", got)
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
