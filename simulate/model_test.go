package simulate_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/queueing"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
)

var inf = math.Inf(1)

// alone is one service of ten cores and 10 ms a request, with a queue of 2000,
// whose clients wait half a second and try three times.
func alone(rate float64, seconds int) simulate.Model {
	s := simulate.Service{
		Name: "shop", Instances: 1, Cores: 10, Work: 0.01, Spread: 1, Threads: inf, Queue: 2000, Rate: rate,
		Memory: simulate.Memory{Limit: inf},
	}
	return simulate.Model{
		Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Interval: 5 * time.Second, Length: time.Duration(seconds) * time.Second,
		Services: []simulate.Service{s}, New: s, Clients: simulate.Caller{Timeout: 0.5, Tries: 3, Budget: inf},
		Objective: simulate.Objective{Latency: inf, Harmed: 0.02},
	}
}

func play(t testing.TB, m simulate.Model, p simulate.Player, seed uint64) []simulate.Tick {
	t.Helper()
	ticks, err := m.Play(p, seed)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(ticks)
}

// TestAgree: single requests, flows and the closed form agree within 5 % on
// the rate at which the service tips over by itself, and on the one at which it
// recovers from a spike.
func TestAgree(t *testing.T) {
	want := queueing.Retried{Service: 0.01, Servers: 10, Queue: 2000, Timeout: 0.5, Tries: 3, Budget: inf}.Thresholds()
	down := func(m simulate.Model, p simulate.Player) bool {
		ticks := play(t, m, p, 1)
		return ticks[len(ticks)-1].Callers.Harmed() > 0.5
	}
	for _, p := range []simulate.Player{simulate.Exact, simulate.Fluid} {
		up := between(900, 1100, func(rate float64) bool { return down(alone(rate, 90), p) })
		stays := between(250, 450, func(rate float64) bool {
			m := alone(rate, 150)
			m.Services[0].Profile = []simulate.Factor{{At: 0, By: 1300 / rate}, {At: 30, By: 1300 / rate}, {At: 31, By: 1}}
			return down(m, p)
		})
		t.Logf("%s: tips at %.0f and recovers at %.0f; the closed form says %.0f and %.0f", p, up, stays, want.Up, want.Down)
		if math.Abs(up/want.Up-1) > 0.05 {
			t.Errorf("%s: tips at %v, the closed form says %v", p, up, want.Up)
		}
		if math.Abs(stays/want.Down-1) > 0.05 {
			t.Errorf("%s: recovers at %v, the closed form says %v", p, stays, want.Down)
		}
	}
}

// between bisects for where ok turns true.
func between(low, high float64, ok func(float64) bool) float64 {
	for range 5 {
		if mid := (low + high) / 2; ok(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return (low + high) / 2
}

// shop calls a database through a pool and a cache, and is rolled out.
func shop(rate float64) simulate.Model {
	m := alone(rate, 600)
	m.Interval = 10 * time.Second
	db := simulate.Service{
		Name: "db", Instances: 1, Cores: 8, Work: 0.002, Spread: 1, Threads: inf, Queue: 1000, Memory: simulate.Memory{Limit: inf},
	}
	s := &m.Services[0]
	s.Instances, s.Cores, s.Threads, s.Work = 4, 4, 64, 0.005
	s.Memory = simulate.Memory{Base: 300e6, PerRequest: 1e6, Limit: 600e6, Restart: 10}
	s.Calls = []simulate.Call{{
		Caller: simulate.Caller{Timeout: 0.2, Tries: 2, Backoff: 0.01, Budget: 0.1},
		To:     1, Calls: 2, Pool: 20, Hits: 0.5,
	}}
	m.Services = append(m.Services, db)
	m.New = *s
	m.Rollout = simulate.Plan{Service: 0, Steps: []simulate.Raise{{At: 120, Weight: 0.25}, {At: 240, Weight: 0.5}, {At: 360, Weight: 1}}}
	return m
}

// TestPlayersAgree: at rest, single requests and flows measure the same of
// each signal, within what sampling allows.
func TestPlayersAgree(t *testing.T) {
	m := shop(400)
	m.New.Work *= 1.5
	sums := map[simulate.Player]map[string][]float64{}
	for _, p := range []simulate.Player{simulate.Exact, simulate.Fluid} {
		sums[p] = map[string][]float64{}
		for _, tick := range play(t, m, p, 3) {
			for _, c := range tick.Frame.Cells {
				if r := c.Readings[0]; r.Presence == signal.Present {
					key := fmt.Sprint(c.Service, c.Cohort, tick.Weight, " ", simulate.ModelSignals()[c.Signal].Name)
					sums[p][key] = append(sums[p][key], r.Value)
				}
			}
		}
	}
	if len(sums[simulate.Exact]) != len(sums[simulate.Fluid]) {
		t.Errorf("%d series of single requests, %d of flows", len(sums[simulate.Exact]), len(sums[simulate.Fluid]))
	}
	for key, xs := range sums[simulate.Exact] {
		a, b := mean(xs), mean(sums[simulate.Fluid][key])
		within := 0.06*math.Abs(a) + 0.004
		if strings.Contains(key, "latency") {
			within = 0.15 * a
		}
		if strings.Contains(key, "memory") {
			within = 0.03 * a
		}
		if math.Abs(a-b) > within {
			t.Errorf("%s: %v of single requests, %v of flows", key, a, b)
		}
	}
}

func mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// TestExactWaits: one service without retries waits as M/M/c does.
func TestExactWaits(t *testing.T) {
	m := alone(900, 600)
	m.Clients = simulate.Caller{Timeout: inf, Tries: 1}
	var p50 []float64
	for _, tick := range play(t, m, simulate.Exact, 5)[4:] {
		for _, c := range tick.Frame.Cells {
			if simulate.ModelSignals()[c.Signal].Name == "latency_p50" {
				p50 = append(p50, c.Readings[0].Value)
			}
		}
	}
	// The median of the response by hand: with C = 0.669 and 1/(cμ−λ) = 10 ms,
	// P(R > t) = (1 − C + C·(1 + 100t))·e^(−100t) is ½ at 13.3 ms.
	if got := mean(p50); math.Abs(got-0.0133) > 0.0008 {
		t.Errorf("the median response is %v, want 13.3 ms", got)
	}
}

// TestSameFrames: a seed gives the same frames, another one others.
func TestSameFrames(t *testing.T) {
	for _, p := range []simulate.Player{simulate.Exact, simulate.Fluid} {
		m := shop(200)
		m.Length = 3 * time.Minute
		a, b, c := play(t, m, p, 1), play(t, m, p, 1), play(t, m, p, 2)
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%s: one seed gives different frames", p)
		}
		if reflect.DeepEqual(fmt.Sprint(a), fmt.Sprint(c)) {
			t.Errorf("%s: another seed gives the same frames", p)
		}
	}
}

// TestBreaks: each kind of change is met at the limit that it is known to meet,
// near the share where it is known to.
func TestBreaks(t *testing.T) {
	if raced {
		t.Skip("it plays forty times, and nothing here runs at once")
	}
	tests := []struct {
		name      string
		change    func(*simulate.Model)
		low, high float64 // of the share that harms; NaN for never
		limit     string
	}{
		{"nothing", func(*simulate.Model) {}, math.NaN(), math.NaN(), ""},
		// Both versions share 16 cores at ρ = 0.75; twice the work fills them at
		// a third of the traffic.
		{"twice the work", func(m *simulate.Model) { m.New.Work *= 2 }, 0.25, 0.36, "cpu of shop"},
		// 5 % of errors reach 2 % of the requests at 40 %; clients do not retry.
		{"errors", func(m *simulate.Model) { m.New.Errors = 0.05; m.Clients.Tries = 1 }, 0.38, 0.44, "errors of new shop"},
		// The database has 8 cores of 2 ms: 4000 calls a second. 2400 requests
		// make 2400 calls; without the cache 4800, so it is full at two thirds.
		{"no cache", func(m *simulate.Model) { m.New.Calls[0].Hits = 0; m.New.Calls[0].Pool = 200 }, 0.55, 0.70, "cpu of db"},
		// At work of 5 ms and a timeout of the database's 2 ms most calls fail.
		{"timeout", func(m *simulate.Model) { m.New.Calls[0].Timeout = 0.002; m.Clients.Tries = 1 }, 0.01, 0.10, "timeout of db of new shop"},
	}
	for _, tt := range tests {
		m := shop(2400)
		m.Rollout.Shared = true
		m.New.Calls = slices.Clone(m.New.Calls)
		tt.change(&m)
		b, err := m.Breaks(simulate.Fluid, 1, 40)
		if err != nil {
			t.Fatal(err)
		}
		if math.IsNaN(tt.low) {
			if b.Harmed || !math.IsNaN(b.Weight) {
				t.Errorf("%s: breaks at %v by %v; want never", tt.name, b.Weight, b.Limits)
			}
			continue
		}
		if !(b.Weight >= tt.low && b.Weight <= tt.high) {
			t.Errorf("%s: breaks at %v (harmed %v, before %v), want %v to %v", tt.name, b.Weight, b.Share, b.Baseline, tt.low, tt.high)
		}
		if len(b.Limits) == 0 || !strings.HasPrefix(b.Limits[0].String(), tt.limit+" at") {
			t.Errorf("%s: limits %v, want %s first", tt.name, b.Limits, tt.limit)
		}
	}
}

// TestBreaksAgree: single requests and flows break at about the same share of
// a new version, whichever limit it is that is passed.
func TestBreaksAgree(t *testing.T) {
	if raced {
		t.Skip("it plays a hundred times, and nothing here runs at once")
	}
	tests := []struct {
		name   string
		change func(*simulate.Model)
	}{
		{"work", func(m *simulate.Model) { m.New.Work *= 5 }},
		{"errors", func(m *simulate.Model) { m.New.Errors = 0.08 }},
		{"cache", func(m *simulate.Model) { m.New.Calls[0].Hits = 0; m.New.Calls[0].Calls = 4 }},
		{"timeout", func(m *simulate.Model) { m.New.Calls[0].Timeout = 0.006; m.New.Calls[0].Tries = 1 }},
		{"retries", func(m *simulate.Model) {
			m.New.Calls[0].Calls = 8
			m.New.Calls[0].Tries = 4
			m.New.Calls[0].Budget = inf
		}},
		{"threads, apart", func(m *simulate.Model) {
			m.Rollout.Shared = false
			m.New.Threads, m.New.Work, m.New.Queue = 1, 0.014, 20
		}},
	}
	for _, tt := range tests {
		m := shop(240)
		m.Rollout.Shared = true
		m.Clients.Tries = 1
		m.Services[0].Instances, m.Services[0].Cores, m.Services[0].Memory.Limit = 4, 1, inf
		m.Services[1].Cores, m.Services[1].Work = 1, 0.0015
		m.New = m.Services[0]
		m.New.Calls = slices.Clone(m.New.Calls)
		tt.change(&m)
		var at [2]float64
		var limits [2][]simulate.Use
		for i, p := range []simulate.Player{simulate.Exact, simulate.Fluid} {
			b, err := m.Breaks(p, 1, 60)
			if err != nil {
				t.Fatal(err)
			}
			at[i], limits[i] = b.Weight, b.Limits
		}
		t.Logf("%s: single requests break at %v by %v, flows at %v by %v", tt.name, at[0], limits[0][0], at[1], limits[1][0])
		if !(math.Abs(at[0]-at[1]) <= 0.08) {
			t.Errorf("%s: single requests break at %v by %v, flows at %v by %v", tt.name, at[0], limits[0], at[1], limits[1])
		}
	}
}

// TestLeak: memory that is never given back kills instances, in both players.
func TestLeak(t *testing.T) {
	for _, p := range []simulate.Player{simulate.Exact, simulate.Fluid} {
		m := shop(200)
		m.New.Memory.Leak = 20e3 // 200 requests a second on 4 instances: 1 MB a second each, 300 s to the limit
		m.Rollout.Steps = []simulate.Raise{{At: 60, Weight: 1}}
		m.Length = 10 * time.Minute
		first := math.NaN()
		for _, tick := range play(t, m, p, 1) {
			for _, c := range tick.Frame.Cells {
				if simulate.ModelSignals()[c.Signal].Name == "restarts" && c.Cohort == signal.Canary && c.Readings[0].Value > 0 && math.IsNaN(first) {
					first = tick.Frame.At.Sub(m.Start).Seconds()
				}
			}
		}
		if !(first > 330 && first < 390) {
			t.Errorf("%s: the first instance is killed after %v s, want about 60 + 300", p, first)
		}
	}
}

func TestCircle(t *testing.T) {
	m := shop(100)
	m.Services[1].Calls = []simulate.Call{{Caller: simulate.Caller{Timeout: 1, Tries: 1}, To: 0, Calls: 1, Pool: inf}}
	want := "services call one another in a circle: shop → db → shop; a request must end somewhere, so drop one of these calls"
	if _, err := m.Play(simulate.Auto, 1); err == nil || err.Error() != want {
		t.Errorf("Play says %v, want %s", err, want)
	}
	if _, err := m.AtRest(); err == nil {
		t.Error("AtRest says nothing of a circle")
	}
}

// TestAtRest by hand: 1000 requests of 5 ms on 16 cores are 5/16; 1000 calls
// of 2 ms on 8 cores a quarter; each request holds a thread for 7 ms on
// average, of 256; and the pool of 80 holds 1000 × 2 ms.
func TestAtRest(t *testing.T) {
	uses, err := shop(1000).AtRest()
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(uses)
	want := "[cpu of shop at 31 % cpu of db at 25 % threads of shop at 3 % pool to db of shop at 2 %]"
	if got != want {
		t.Errorf("AtRest = %s, want %s", got, want)
	}
}

// BenchmarkPlay plays ten minutes of a service at 1,000 requests per second,
// each with its own work and a call.
func BenchmarkPlay(b *testing.B) {
	m := shop(1000)
	m.Services[0].Calls[0].Calls, m.Services[0].Calls[0].Hits = 1, 0
	m.New = m.Services[0]
	for _, p := range []simulate.Player{simulate.Exact, simulate.Fluid} {
		b.Run("player="+p.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				play(b, m, p, 1)
			}
		})
	}
}
