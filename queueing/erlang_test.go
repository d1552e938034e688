package queueing_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/queueing"
)

// near compares within a share of the wanted value.
func near(got, want, within float64) bool {
	if math.IsNaN(want) || math.IsInf(want, 0) {
		return math.IsNaN(got) && math.IsNaN(want) || got == want
	}
	return math.Abs(got-want) <= within*math.Abs(want)+1e-12
}

func TestErlangB(t *testing.T) {
	tests := []struct {
		load    float64
		servers int
		want    float64
	}{
		{0, 0, 1},
		{1, 1, 0.5},         // by hand
		{1, 2, 0.2},         // by hand
		{8.108, 15, 0.01},   // Westbay's manual, "How much traffic?": 15 lines, 1 % blocking
		{8, 10, 0.121661},   // codingace.net, table of call blocking
		{10, 12, 0.119739},  // the same
		{12.5, 15, 0.10049}, // the same
		{18, 22, 0.065451},  // the same
		{4.461, 10, 0.01},   // Erlang B tables, 10 trunks at 1 %
		{-1, 1, math.NaN()},
		{1, -1, math.NaN()},
	}
	for _, tt := range tests {
		if got := queueing.ErlangB(tt.load, tt.servers); !near(got, tt.want, 1e-3) {
			t.Errorf("ErlangB(%v, %d) = %v, want %v", tt.load, tt.servers, got, tt.want)
		}
	}
}

func TestErlangC(t *testing.T) {
	tests := []struct {
		load    float64
		servers int
		want    float64
	}{
		{0, 3, 0},
		{0.7, 1, 0.7},           // M/M/1: C = ρ
		{1, 2, 1.0 / 3},         // by hand: B(2) = 1/5
		{2, 3, 4.0 / 9},         // by hand: 4/3·3 / (1+2+2+4)
		{10, 13, 0.28527},       // the usual call centre example, 10 Erlangs and 13 agents: 79.56 % answered in 20 s of calls of 180 s, solved for C
		{6, 10, 0.1013},         // "about 0.10" by the curves of Bertsekas and Gallager; digits by the sum of factorials
		{900, 1000, 0.00059267}, // no overflow; the sum of a^k/k! by its logarithms
		{3, 3, 1},
		{1, 0, math.NaN()},
	}
	for _, tt := range tests {
		if got := queueing.ErlangC(tt.load, tt.servers); !near(got, tt.want, 2e-3) {
			t.Errorf("ErlangC(%v, %d) = %v, want %v", tt.load, tt.servers, got, tt.want)
		}
	}
}

func TestBlocking(t *testing.T) {
	tests := []struct {
		load           float64
		servers, queue int
		want           float64
	}{
		{1, 1, 1, 1.0 / 3},   // by hand: three states alike
		{0.5, 1, 1, 1.0 / 7}, // by hand: 1, ½, ¼
		{2, 2, 2, 2.0 / 9},   // by hand: 1, 2, 2, 2, 2
		{1, 2, 0, 0.2},       // Erlang B
		{1, 0, 1, math.NaN()},
		{1, 1, -1, math.NaN()},
	}
	for _, tt := range tests {
		if got := queueing.Blocking(tt.load, tt.servers, tt.queue); !near(got, tt.want, 1e-12) {
			t.Errorf("Blocking(%v, %d, %d) = %v, want %v", tt.load, tt.servers, tt.queue, got, tt.want)
		}
	}
}

// FuzzErlangC holds the laws of a waiting probability: it is one, it grows
// with load, and one more server never makes it worse.
func FuzzErlangC(f *testing.F) {
	f.Add(900.0, 1000)
	f.Fuzz(func(t *testing.T, load float64, servers int) {
		if !(load >= 0) || math.IsInf(load, 1) || servers < 1 || servers > 1000 {
			return
		}
		c := queueing.ErlangC(load, servers)
		if !(c >= 0 && c <= 1) {
			t.Fatalf("ErlangC(%v, %d) = %v, not a probability", load, servers, c)
		}
		if more := queueing.ErlangC(1.01*load, servers); more < c-1e-12 {
			t.Errorf("ErlangC(%v, %d) = %v falls to %v with 1 %% more load", load, servers, c, more)
		}
		if more := queueing.ErlangC(load, servers+1); more > c+1e-12 {
			t.Errorf("ErlangC(%v, %d) = %v rises to %v with one more server", load, servers, c, more)
		}
	})
}

func TestStation(t *testing.T) {
	slotted := queueing.Station{Arrivals: 0.5, Service: 1, Servers: 1, ArrivalSCV: 1}
	tests := []struct {
		name      string
		got, want float64
	}{
		{"M/M/1 wait ρs/(1−ρ)", queueing.Markov(0.5, 1, 1).Wait(), 1},
		{"M/D/1 waits half", slotted.Wait(), 0.5},
		{"M/M/2 wait, Kleinrock's ρ²s/(1−ρ²)", queueing.Markov(1, 1, 2).Wait(), 1.0 / 3},
		{"M/M/1 response", queueing.Markov(0.5, 1, 1).Response(), 2},
		{"M/M/1 queue ρ²/(1−ρ)", queueing.Markov(0.5, 1, 1).Waiting(), 0.5},
		{"M/M/1 tail ρe^(−(1−ρ)t)", queueing.Markov(0.5, 1, 1).WaitTail(2), 0.5 * math.Exp(-1)},
		{"M/M/1 median", queueing.Markov(0.5, 1, 1).WaitQuantile(0.5), 0},
		{"M/M/1 quantile ln(ρ/(1−p))/(1−ρ)", queueing.Markov(0.5, 1, 1).WaitQuantile(0.9), 2 * math.Log(5)},
		{"no wait at rest", queueing.Markov(0, 1, 1).Waiting(), 0},
		{"full", queueing.Markov(1, 1, 1).Wait(), math.Inf(1)},
		{"full, tail", queueing.Markov(2, 1, 1).WaitTail(5), 1},
		{"full, quantile", queueing.Markov(2, 1, 1).WaitQuantile(0.5), math.Inf(1)},
		{"no server", queueing.Markov(1, 1, 0).Wait(), math.NaN()},
		{"clockwork", queueing.Station{Arrivals: 0.9, Service: 1, Servers: 1}.WaitTail(0), 0},
		{"utilisation", queueing.Markov(30, 0.1, 4).Utilisation(), 0.75},
		{"capacity", queueing.Markov(30, 0.1, 4).Capacity(), 40},
		{"Little", queueing.Little(30, 0.2), 6},
		{"demand", queueing.Demand(3, 30), 0.1},
		{"no demand of nothing", queueing.Demand(3, 0), math.NaN()},
		{"M/M/1 for a wait of s is ρ = ½", queueing.Markov(0, 0.1, 1).LargestArrivals(0.1), 5},
		{"no such wait", queueing.Markov(0, 0.1, 1).LargestArrivals(-1), math.NaN()},
	}
	for _, tt := range tests {
		if !near(tt.got, tt.want, 1e-9) {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

// TestLawStation: more load never shortens the wait, more variability neither;
// all times scaled scale the wait; tails are probabilities that fall, and their
// quantiles invert them.
func TestLawStation(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		s := queueing.Station{
			Service: math.Exp(6*rng.Float64() - 6), Servers: 1 + rng.IntN(40),
			ArrivalSCV: 3 * rng.Float64(), ServiceSCV: 4 * rng.Float64(),
		}
		s.Arrivals = s.Capacity() * rng.Float64() * 0.98
		w := s.Wait()
		more := s
		more.Arrivals *= 1.01
		if more.Wait() < w {
			t.Errorf("%+v waits %v, and %v with more load", s, w, more.Wait())
		}
		more = s
		more.ServiceSCV++
		if more.Wait() < w {
			t.Errorf("%+v waits %v, and %v with more variability", s, w, more.Wait())
		}
		slow := s
		slow.Service, slow.Arrivals = 3*s.Service, s.Arrivals/3
		if !near(slow.Wait(), 3*w, 1e-9) {
			t.Errorf("%+v waits %v, and %v with all times three times as long", s, w, slow.Wait())
		}
		p := s.WaitTail(w)
		if !(p >= 0 && p <= 1) || s.WaitTail(2*w) > p {
			t.Errorf("%+v: P(W > %v) = %v, P(W > %v) = %v", s, w, p, 2*w, s.WaitTail(2*w))
		}
		if q := s.WaitQuantile(0.999); q > 0 && !near(s.WaitTail(q), 0.001, 1e-6) {
			t.Errorf("%+v: P(W > %v) = %v, want 0.001", s, q, s.WaitTail(q))
		}
	}
}
