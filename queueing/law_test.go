package queueing_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/queueing"
)

// TestQueueLaw: with one server and w = b it is the law of M/M/1, by hand, and
// Load inverts At.
func TestQueueLaw(t *testing.T) {
	l := queueing.QueueLaw{Base: 0.01, Wait: 0.01, Servers: 1, Capacity: 100}
	for _, tt := range []struct{ load, want float64 }{{0, 0.01}, {50, 0.02}, {90, 0.1}, {100, math.Inf(1)}} {
		if got := l.At(tt.load); !(math.Abs(got-tt.want) < 1e-9 || got == tt.want) {
			t.Errorf("At(%v) = %v, want %v", tt.load, got, tt.want)
		}
	}
	for _, latency := range []float64{0.011, 0.03, 0.5} {
		if got := l.At(l.Load(latency)); math.Abs(got-latency) > 1e-6 {
			t.Errorf("At(Load(%v)) = %v", latency, got)
		}
	}
	if got := l.Load(0.005); got != 0 {
		t.Errorf("Load of less than an idle server takes = %v, want 0", got)
	}
}

// TestFitQueueLaw: from the exact means of M/M/c up to 90 % of the capacity,
// with noise of 3 %, the capacity is found to a tenth wherever it is said to be
// known to a quarter. Of many servers it mostly is not: what they show below
// the knee is flat.
func TestFitQueueLaw(t *testing.T) {
	for _, tt := range []struct{ servers, known int }{{1, 20}, {2, 20}, {4, 19}, {10, 0}, {16, 0}} {
		worst, known := 0.0, 0
		for seed := range uint64(20) {
			rng := rand.New(rand.NewPCG(seed, 8))
			var loads, latencies, weights []float64
			capacity := float64(tt.servers) / 0.01
			for rho := 0.3; rho <= 0.9; rho += 0.02 {
				s := queueing.Markov(rho*capacity, 0.01, tt.servers)
				loads, weights = append(loads, rho*capacity), append(weights, 1)
				latencies = append(latencies, s.Response()*math.Exp(0.03*rng.NormFloat64()))
			}
			l := queueing.FitQueueLaw(loads, latencies, weights)
			if !(l.Low <= l.Capacity && l.Capacity <= l.High) {
				t.Errorf("%d servers: capacity %v outside of %v to %v", tt.servers, l.Capacity, l.Low, l.High)
			}
			if l.High <= 1.25*l.Low {
				known++
				worst = math.Max(worst, math.Abs(l.Capacity/capacity-1))
			}
		}
		t.Logf("%d servers: known in %d of 20, off by %.1f %% at most", tt.servers, known, 100*worst)
		if worst > 0.10 || known < tt.known {
			t.Errorf("%d servers: known in %d of 20, off by %.0f %%; want %d, at most 10 %%", tt.servers, known, 100*worst, tt.known)
		}
	}
}

// TestFitQueueLawNothing: what does not tell gives NaN.
func TestFitQueueLawNothing(t *testing.T) {
	ones := []float64{1, 1, 1, 1, 1, 1}
	for name, tt := range map[string][2][]float64{
		"too few":           {{10, 20}, {0.1, 0.2}},
		"one load":          {{10, 10, 10.1, 10, 10, 10}, {0.1, 0.2, 0.1, 0.2, 0.1, 0.2}},
		"no growth":         {{10, 20, 30, 40, 50, 60}, {0.1, 0.1, 0.1, 0.1, 0.1, 0.1}},
		"nothing there":     {{math.NaN(), 0, -1, 20, 30, 40}, {1, 1, 1, math.NaN(), math.Inf(1), 0}},
		"faster under load": {{10, 20, 30, 40, 50, 60}, {0.6, 0.5, 0.4, 0.3, 0.2, 0.1}},
	} {
		if l := queueing.FitQueueLaw(tt[0], tt[1], ones[:len(tt[0])]); !math.IsNaN(l.Capacity) {
			t.Errorf("%s: capacity %v, want NaN", name, l.Capacity)
		}
	}
}

func BenchmarkFitQueueLaw(b *testing.B) {
	var loads, latencies, weights []float64
	for i := range 32 {
		s := queueing.Markov(300+20*float64(i), 0.01, 10)
		loads, latencies, weights = append(loads, 300+20*float64(i)), append(latencies, s.Response()), append(weights, 1)
	}
	for b.Loop() {
		queueing.FitQueueLaw(loads, latencies, weights)
	}
}

// TestTipsFrom: from capacity, timeout and tries alone, within 5 % of the fold
// over M/M/c/K for both thresholds where a queue is long and the timeout is
// many service times; a fluid agrees on which side of them a rate lies.
func TestTipsFrom(t *testing.T) {
	for _, r := range []queueing.Retried{
		{Service: 0.01, Servers: 1, Queue: 300, Timeout: 0.5, Tries: 2, Budget: math.Inf(1)},
		{Service: 0.01, Servers: 4, Queue: 1000, Timeout: 0.4, Tries: 3, Budget: math.Inf(1)},
		{Service: 0.02, Servers: 10, Queue: 2000, Timeout: 0.8, Tries: 5, Budget: math.Inf(1)},
	} {
		want := r.Thresholds()
		got := queueing.TipsFrom(float64(r.Servers)/r.Service, r.Timeout, float64(r.Tries))
		if math.Abs(got.Up/want.Up-1) > 0.05 || math.Abs(got.Down/want.Down-1) > 0.05 {
			t.Errorf("TipsFrom of %+v = %+v, want %+v within 5 %%", r, got, want)
		}
		if r.Tips(0.95*got.Down, 300, true) || !r.Tips(1.1*got.Down, 300, true) {
			t.Errorf("%+v: as a fluid it does not recover between 0.95 and 1.1 of %v", r, got.Down)
		}
		if !r.Tips(1.05*got.Up, 600, false) || r.Tips(0.9*got.Up, 600, false) {
			t.Errorf("%+v: as a fluid it does not tip between 0.9 and 1.05 of %v", r, got.Up)
		}
	}
	if got := queueing.TipsFrom(100, math.Inf(1), 3); got.Up != 100 || math.Abs(got.Down-100.0/3) > 1e-9 {
		t.Errorf("without a timeout %+v, want the capacity and a third of it", got)
	}
	for _, bad := range [][3]float64{{0, 1, 2}, {1, 0, 2}, {1, 1, 0.5}, {math.NaN(), 1, 2}} {
		if got := queueing.TipsFrom(bad[0], bad[1], bad[2]); !math.IsNaN(got.Up) || !math.IsNaN(got.Down) {
			t.Errorf("TipsFrom(%v) = %+v, want NaN", bad, got)
		}
	}
}
