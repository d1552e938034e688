package trend

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/foreshock/foreshock/stats"
)

// A hidden is a station of which only arrivals and medians are seen, in steps
// of a release after which each request to the released service makes 1 + more
// calls to it for each one before.
type hidden struct {
	servers, busy, more float64
	weights             []float64
	length              int     // frames per step
	noise               float64 // of a median, as a share of it
	rate, service       float64 // arrivals per second at weight 0, of one instance; seconds
	seed                uint64
	drift               float64 // by how much the traffic grows to the end
}

// full returns the weight at which it is full to 90 %.
func (h hidden) full() float64 { return (0.9/h.busy - 1) / h.more }

// drawn draws a station whose rate and service time are what its busy servers
// come to, by Little's law.
func drawHidden(seed uint64) hidden {
	rng := rand.New(rand.NewPCG(seed, 31))
	h := hidden{servers: float64(1 + rng.IntN(10)), more: 0.7 + 2.5*rng.Float64(), length: 16, noise: 0.04, service: 0.002 + 0.02*rng.Float64(), seed: seed}
	at := 0.4 + 0.6*rng.Float64()
	h.busy = 0.9 / (1 + h.more*at)
	h.rate = h.servers * h.busy / h.service
	h.weights = []float64{0.15 * at, 0.27 * at, 0.4 * at}
	return h
}

// seen plays the frames.
func (h hidden) seen() Unmeasured {
	rng := rand.New(rand.NewPCG(h.seed, 33))
	const before = 20
	u := Unmeasured{
		Before: stats.NewHistory(0), Since: stats.NewHistory(before), ArrivalsBefore: stats.NewHistory(0), Arrivals: stats.NewHistory(before),
		LoadBefore: stats.NewHistory(0), Load: stats.NewHistory(before), Exposed: &Exposed{},
	}
	n := before + h.length*len(h.weights)
	for f := range n {
		wait, arrivals, load, w := u.Before, u.ArrivalsBefore, u.LoadBefore, 0.0
		if f >= before {
			wait, arrivals, load, w = u.Since, u.Arrivals, u.Load, h.weights[(f-before)/h.length]
			u.Exposed.Add(f, w)
		}
		traffic := 1 + h.drift*(float64(f)/float64(n)-1)
		more := traffic * (1 + h.more*w)
		load.Add(f, 0.8*h.rate*traffic*(1+0.01*rng.NormFloat64()))
		arrivals.Add(f, h.rate*more*(1+0.01*rng.NormFloat64()))
		wait.Add(f, h.service*medianStay(h.servers, h.busy*more)*(1+h.noise*rng.NormFloat64()))
	}
	return u
}

// TestUnmeasured: where stations fill up of which nothing but arrivals and
// medians is seen, to 40 % of that, is said of most, within 15 points in the
// median, and the intervals hold; with the traffic growing meanwhile as well.
func TestUnmeasured(t *testing.T) {
	for _, drift := range []float64{0, 0.15, 0.4} {
		var off []float64
		held, n := 0, 60
		for seed := range uint64(n) {
			h := drawHidden(seed)
			h.drift = drift
			f := h.seen().FailsAt()
			if f.Why != Known {
				continue
			}
			truth := h.full()
			off = append(off, math.Abs(f.P50-truth))
			if f.P10 <= truth && truth <= f.P90 {
				held++
			}
		}
		said := len(off)
		t.Logf("drift %v: of %d said %d, held %d, off by %.3f", drift, n, said, held, stats.Median(off))
		if said < 8*n/10 || held < 7*said/10 || stats.Median(off) > 0.15 {
			t.Errorf("drift %v: of %d said %d, held %d, off by %.3f in the median", drift, n, said, held, stats.Median(off))
		}
	}
}

// TestUnmeasuredHealthy: a version that calls as often as the old one fills
// nothing up, however slow the station is, and whatever the traffic does.
func TestUnmeasuredHealthy(t *testing.T) {
	for seed := range uint64(40) {
		h := drawHidden(seed)
		h.more, h.drift = 0, []float64{0, 0.2, -0.2}[seed%3]
		if f := h.seen().FailsAt(); f.Why != Flat || f.Breach(1) > 0 {
			t.Errorf("seed %d: FailsAt = %v, P(full by 100 %%) = %v, want %v and 0", seed, f.Why, f.Breach(1), Flat)
		}
	}
}

// TestUnmeasuredLaws holds on random stations: the probability grows with the
// weight, nothing is left for weights that were seen to do well, other units of
// time change nothing, and of instances that are told apart the arrivals of one
// tell the servers.
func TestUnmeasuredLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHidden(rapid.Uint64Range(0, 1000).Draw(t, "seed"))
		h.noise = rapid.SampledFrom([]float64{0.005, 0.03, 0.1}).Draw(t, "noise")
		u := h.seen()
		u.Calls, u.One = rapid.Bool().Draw(t, "calls"), rapid.Bool().Draw(t, "one")
		f := u.FailsAt()
		was := 0.0
		for w := 0.0; w <= 1.5; w += 0.02 {
			p := f.Breach(w)
			if !(p >= was-1e-9 && p <= 1) || w <= h.weights[2]-0.02 && p > 1e-6 {
				t.Fatalf("Breach(%.2f) = %v after %v", w, p, was)
			}
			was = p
		}
		h.rate, h.service = h.rate/1000, 1000*h.service
		v := h.seen()
		v.Calls, v.One = u.Calls, u.One
		if g := v.FailsAt(); g.Why != f.Why || !alike(f.P10, g.P10) || !alike(f.P50, g.P50) || !alike(f.P90, g.P90) {
			t.Fatalf("a thousand times as slow: %v %v %v %v, want as before %v %v %v %v", g.Why, g.P10, g.P50, g.P90, f.Why, f.P10, f.P50, f.P90)
		}
	})
}

// TestUnmeasuredWidth: longer steps narrow the intervals, in the median of 30
// stations.
func TestUnmeasuredWidth(t *testing.T) {
	last := math.Inf(1)
	for _, length := range []int{8, 24, 80} {
		var widths []float64
		for seed := range uint64(30) {
			h := drawHidden(seed)
			h.length, h.noise = length, 0.1
			if f := h.seen().FailsAt(); f.Why == Known {
				widths = append(widths, f.P90-f.P10)
			}
		}
		w := stats.Median(widths)
		t.Logf("steps of %d frames: %.3f wide, of %d", length, w, len(widths))
		if w >= last {
			t.Errorf("steps of %d frames: %.3f wide in the median, want less than %.3f", length, w, last)
		}
		last = w
	}
}

// BenchmarkUnmeasured is what one station costs in one frame: one that fills up,
// and one that does not.
func BenchmarkUnmeasured(b *testing.B) {
	for name, more := range map[string]float64{"fills": 1.5, "healthy": 0} {
		h := drawHidden(1)
		h.more = more
		u := h.seen()
		u.Calls = true
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				u.FailsAt()
			}
		})
	}
}

// TestMedianStay: by hand for M/M/1, whose time in the station is exponential of
// mean s/(1−ρ), where Sakasegawa's share is exact; of many servers it is that of
// service alone until they are nearly full; and the table reads between its
// points to two thousandths.
func TestMedianStay(t *testing.T) {
	for rho := 0.0; rho < 0.98; rho += 0.07 {
		if got, want := medianStay(1, rho), math.Ln2/(1-rho); math.Abs(got-want) > 2e-3*want {
			t.Errorf("medianStay(1, %.2f) = %v, want %v", rho, got, want)
		}
	}
	if got := medianStay(32, 0.6); math.Abs(got-math.Ln2) > 0.01 {
		t.Errorf("medianStay(32, 0.6) = %v, want about ln 2", got)
	}
	var m medians
	m.fill()
	for i, c := range unmeasuredServers {
		for rho := 0.005; rho < 0.95; rho += 0.05 {
			if got, want := m.at(i, rho), math.Log(medianStay(c, rho)); math.Abs(got-want) > 2e-3 {
				t.Errorf("%v servers at %.3f: %v between points, want %v", c, rho, got, want)
			}
		}
	}
}

// TestUnhinged: how much more there is at a weight than at 0 is not asked of lines that
// begin at some weight.
func TestUnhinged(t *testing.T) {
	if got := unhinged([]rival{{a: 1}, {a: -3, hinge: 0.1}, {a: 2}}); len(got) != 2 || got[0].a != 1 || got[1].a != 2 {
		t.Errorf("%d rivals are left, want the two without a hinge", len(got))
	}
}
