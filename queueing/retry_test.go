package queueing_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/queueing"
)

func TestAmplification(t *testing.T) {
	none := math.Inf(1)
	tests := []struct {
		failing float64
		tries   int
		budget  float64
		want    float64
	}{
		{0, 3, none, 1},
		{1, 3, none, 3},
		{0.5, 3, none, 1.75}, // by hand: 1 + ½ + ¼
		{1, 4, 0.1, 1.1},     // a budget of 10 %, as in Site Reliability Engineering, ch. 21
		{0.5, 1, none, 1},
		{-0.1, 3, none, math.NaN()},
		{0.5, 0, none, math.NaN()},
	}
	for _, tt := range tests {
		if got := queueing.Amplification(tt.failing, tt.tries, tt.budget); !near(got, tt.want, 1e-12) {
			t.Errorf("Amplification(%v, %d, %v) = %v, want %v", tt.failing, tt.tries, tt.budget, got, tt.want)
		}
	}
	// Site Reliability Engineering, ch. 22: three layers that try four times
	// make 64 attempts.
	if got := queueing.Nested(4, 4, 4); got != 64 {
		t.Errorf("Nested(4, 4, 4) = %v, want 64", got)
	}
}

// TestLatencyLaw: by hand, with b = 10 ms, s = 10 ms and T = 28 ms the load is
// (1 − 10/28)/0.01 = 64.3 per second, and with three tries the service recovers
// at a third of it.
func TestLatencyLaw(t *testing.T) {
	law := queueing.LatencyLaw{Base: 0.010, PerLoad: 0.010}
	th := law.Thresholds(0.028, 3, math.Inf(1))
	if !near(th.Up, 64.29, 1e-3) || !near(th.Down, 21.43, 1e-3) || th.Capacity != 100 {
		t.Errorf("Thresholds = %+v, want 64.29 and 21.43 of 100", th)
	}
	if got := law.At(64.2857142857); !near(got, 0.028, 1e-6) {
		t.Errorf("At(64.29) = %v, want 0.028", got)
	}
	if got := law.At(100); !math.IsInf(got, 1) {
		t.Errorf("At(capacity) = %v, want +Inf", got)
	}
	for rate, want := range map[float64]queueing.State{21: queueing.Stable, 40: queueing.Vulnerable, 65: queueing.Overloaded} {
		if got := th.State(rate); got != want {
			t.Errorf("State(%v) = %v, want %v", rate, got, want)
		}
	}
	tests := []struct {
		name      string
		got, want float64
	}{
		{"margin", th.Margin(42.857), -0.5},
		{"shed", th.Shed(42.857), 0.5},
		{"shed of none", th.Shed(20), 0},
		{"tries", float64(th.MaxTries(30)), 2},
		{"no tries", float64(th.MaxTries(70)), 0},
		{"gain", queueing.LoopGain([2]float64{1.1, 1.21}, [2]float64{50, 52.5}), math.Log(1.1) / math.Log(1.05)},
	}
	for _, tt := range tests {
		if !near(tt.got, tt.want, 1e-3) {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	fit := queueing.FitLatencyLaw([]float64{10, 50, 70, 20}, []float64{law.At(10), law.At(50), law.At(70), math.NaN()})
	if !near(fit.Base, 0.010, 1e-9) || !near(fit.PerLoad, 0.010, 1e-9) {
		t.Errorf("FitLatencyLaw = %+v, want %+v", fit, law)
	}
	if fit := queueing.FitLatencyLaw([]float64{10, 50}, []float64{0.02, 0.01}); !math.IsNaN(fit.Base) {
		t.Errorf("FitLatencyLaw of falling latencies = %+v, want NaN", fit)
	}
	for s, want := range map[queueing.State]string{queueing.Stable: "stable", queueing.Vulnerable: "vulnerable", queueing.Overloaded: "overloaded", 0: "unknown"} {
		if s.String() != want {
			t.Errorf("State %d is %q, want %q", s, s, want)
		}
	}
}

// ten is ten servers of 10 ms with a queue that holds 2 s of work, before
// callers that wait for 0.5 s and try three times.
func ten() queueing.Retried {
	return queueing.Retried{Service: 0.01, Servers: 10, Queue: 2000, Timeout: 0.5, Tries: 3, Budget: math.Inf(1)}
}

// TestThresholds: for a long queue the fold lies where the asymptotes are, and
// the fluid, which shares no code with it, tips and recovers within 5 % of
// the same rates.
func TestThresholds(t *testing.T) {
	budget := ten()
	budget.Budget = 0.2
	endless := ten()
	endless.Queue = math.Inf(1)
	tight := ten()
	tight.Timeout = 0.1
	tests := []struct {
		name     string
		r        queueing.Retried
		up, down float64 // by the asymptotes c/s and c/s/min(R, 1+b)
	}{
		{"ten", ten(), 1000, 1000.0 / 3},
		{"budget of 20 %", budget, 1000, 1000 / 1.2},
		{"no limit", endless, 1000, 1000.0 / 3},
		{"tight timeout", tight, 960, 1000.0 / 3}, // P(W > 90 ms) turns the curve before capacity: read off the fold
	}
	for _, tt := range tests {
		th := tt.r.Thresholds()
		if !near(th.Up, tt.up, 0.03) || !near(th.Down, tt.down, 0.03) {
			t.Errorf("%s: Thresholds = %+v, want %v and %v", tt.name, th, tt.up, tt.down)
		}
		if up := bisect(th.Down, 1.3*th.Capacity, func(x float64) bool { return tt.r.Tips(x, 60, false) }); !near(up, th.Up, 0.05) {
			t.Errorf("%s: the fluid tips at %v, the fold is at %v", tt.name, up, th.Up)
		}
		if down := bisect(0.1*th.Down, th.Up, func(x float64) bool { return tt.r.Tips(x, 120, true) }); !near(down, th.Down, 0.05) {
			t.Errorf("%s: the fluid recovers at %v, the fold is at %v", tt.name, down, th.Down)
		}
	}
}

// bisect returns where ok turns true.
func bisect(low, high float64, ok func(float64) bool) float64 {
	for range 9 {
		if mid := (low + high) / 2; ok(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return (low + high) / 2
}

// TestNoFold: without retries, or with a queue too short to hold stale work,
// there is nothing to tip into, and the thresholds are the capacity.
func TestNoFold(t *testing.T) {
	once, short := ten(), ten()
	once.Tries = 1
	short.Queue = 50
	for name, r := range map[string]queueing.Retried{"one try": once, "short queue": short} {
		if th := r.Thresholds(); th.Up != 1000 || th.Down != 1000 {
			t.Errorf("%s: Thresholds = %+v, want the capacity 1000 twice", name, th)
		}
	}
	if !ten().Stale() || short.Stale() {
		t.Errorf("Stale of 2000 places = %v, of 50 = %v; want true, false", ten().Stale(), short.Stale())
	}
	hopeless := ten()
	hopeless.Timeout = 0.005
	if th := hopeless.Thresholds(); th.Up != 0 || th.Down != 0 {
		t.Errorf("a timeout under the service time: Thresholds = %+v, want 0 and 0", th)
	}
	if th := (queueing.Retried{}).Thresholds(); !math.IsNaN(th.Up) {
		t.Errorf("nothing given: Thresholds = %+v, want NaN", th)
	}
}

// TestAttemptFails by hand: M/M/1/2 at ρ = 1 is full in a third of the time;
// with a timeout of s + t, one who finds one there waits longer than t with
// e^(−t/s).
func TestAttemptFails(t *testing.T) {
	r := queueing.Retried{Service: 1, Servers: 1, Queue: 1, Timeout: math.Inf(1), Tries: 1, Budget: 0}
	if got := r.AttemptFails(1); !near(got, 1.0/3, 1e-12) {
		t.Errorf("AttemptFails(1) = %v, want 1/3", got)
	}
	r.Timeout = 3
	if got := r.AttemptFails(1); !near(got, (1+math.Exp(-2))/3, 1e-12) {
		t.Errorf("AttemptFails(1) with a timeout = %v, want %v", got, (1+math.Exp(-2))/3)
	}
	if got := r.AttemptFails(-1); !math.IsNaN(got) {
		t.Errorf("AttemptFails(-1) = %v, want NaN", got)
	}
	m := queueing.Retried{Service: 0.01, Servers: 10, Queue: math.Inf(1), Timeout: 0.06, Tries: 1, Budget: 0}
	if got, want := m.AttemptFails(900), queueing.Markov(900, 0.01, 10).WaitTail(0.05); !near(got, want, 1e-6) {
		t.Errorf("AttemptFails(900) without a limit = %v, want M/M/c's tail %v", got, want)
	}
}

// TestLawRetried: failing is a probability that grows with load; all times
// scaled scale the thresholds; a longer timeout never lowers the tipping
// point, and fewer tries never the recovery point.
func TestLawRetried(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 60 {
		r := queueing.Retried{
			Service: math.Exp(4*rng.Float64() - 6), Servers: 1 + rng.IntN(20), Queue: float64(rng.IntN(800)),
			Tries: 1 + rng.IntN(4), Budget: math.Inf(1),
		}
		r.Timeout = r.Service * (2 + 20*rng.Float64())
		capacity, last := float64(r.Servers)/r.Service, 0.0
		for x := 0.1; x < 2; x += 0.1 {
			f := r.AttemptFails(x * capacity)
			if !(f >= last-1e-9 && f <= 1) {
				t.Errorf("%+v: fails with %v at %v of capacity, after %v", r, f, x, last)
			}
			last = f
		}
		th := r.Thresholds()
		if !(th.Down <= th.Up && th.Up <= 1.25*capacity && th.Down >= 0) {
			t.Errorf("%+v: Thresholds = %+v", r, th)
		}
		slow := r
		slow.Service, slow.Timeout = 7*r.Service, 7*r.Timeout
		if s := slow.Thresholds(); !near(s.Up, th.Up/7, 1e-6) || !near(s.Down, th.Down/7, 1e-6) {
			t.Errorf("%+v: Thresholds = %+v, seven times slower %+v", r, th, s)
		}
		fewer := r
		fewer.Tries = max(1, r.Tries-1)
		if f := fewer.Thresholds(); f.Down < th.Down*(1-0.01) {
			t.Errorf("%+v: recovers at %v, with one try fewer at %v", r, th.Down, f.Down)
		}
		if got, want := r.Sustained(th.Up/2), th.Up/2; got > want {
			t.Errorf("%+v: %v attempts are sustained by %v first ones", r, want, got)
		}
	}
}

// TestHittingTime by hand: a fair walk between 0 and 2 with rates 1 takes
// 1 + (1 + 1) = 3; by Karlin and Taylor's sum for the second.
func TestHittingTime(t *testing.T) {
	if got := queueing.HittingTime([]float64{1, 1}, []float64{0, 1}); got != 3 {
		t.Errorf("HittingTime = %v, want 3", got)
	}
	if got := queueing.HittingTime([]float64{1, 1, 2}, []float64{0, 2, 2}); got != 1+3+3.5 {
		t.Errorf("HittingTime = %v, want 7.5", got)
	}
	r := ten()
	slow, fast := r.TipsIn(900), r.TipsIn(990)
	if !(slow > fast && fast > 10) {
		t.Errorf("TipsIn(900) = %v, TipsIn(990) = %v; want the busier one to tip sooner", slow, fast)
	}
	r.Queue = 100
	if got := r.TipsIn(990); !math.IsInf(got, 1) {
		t.Errorf("TipsIn with a short queue = %v, want +Inf", got)
	}
	if got := r.TipsIn(0); !math.IsNaN(got) {
		t.Errorf("TipsIn(0) = %v, want NaN", got)
	}
}

// TestFluidQueue: at rest the fluid has the station's mean wait, whatever the
// step; over capacity it grows by the difference; a full one refuses it.
func TestFluidQueue(t *testing.T) {
	for _, load := range []float64{0.3, 0.7, 0.9, 0.95} {
		for _, dt := range []float64{0.01, 1} {
			var q queueing.FluidQueue
			s := queueing.Markov(load*1000, 0.01, 10)
			var f queueing.Flow
			for range int(60 / dt) {
				f = q.Step(s, math.Inf(1), dt)
			}
			if got, want := f.Wait(), s.Wait(); math.Abs(got-want) > 0.1*want+2e-4 {
				t.Errorf("load %v, dt %v: the fluid waits %v, the station %v", load, dt, got, want)
			}
			if !near(f.Served, s.Arrivals, 1e-3) {
				t.Errorf("load %v: serves %v of %v", load, f.Served, s.Arrivals)
			}
		}
	}
	var q queueing.FluidQueue
	s := queueing.Markov(1200, 0.01, 10)
	for range 100 {
		q.Step(s, 1500, 0.1)
	}
	f := q.Step(s, 1500, 0.1)
	if !near(q.Queue, 1500, 1e-9) || !near(f.Refused, 200, 0.02) || f.Late(1) != 1 || f.Late(2) > 1e-4 || f.Late(-1) != 1 {
		t.Errorf("full: %+v with queue %v, want 1500 places and 200 refused per second", f, q.Queue)
	}
}

// BenchmarkThresholds is the closed form, as a prediction would ask for it.
func BenchmarkThresholds(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ten().Thresholds()
	}
}
