package trend

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/foreshock/foreshock/stats"
)

var leaks = flag.Int("leaks", 60, "simulated leaks a row of TestLeaks")

// A leak is a simulated use that grows to its limit.
type leak struct {
	law          Law
	noise, rho   float64 // noise in shares of the limit, and its autocorrelation
	wander       float64 // how much the pace itself wanders
	resets, saw  bool
	frames       int // from its last reset to the limit
	start, shape float64
}

// leakRow is one kind of leak.
type leakRow struct {
	name string
	draw func(rng *rand.Rand) leak
}

func leakRows() []leakRow {
	any := func(rng *rand.Rand, l leak) leak {
		l.noise, l.rho = 0.005+0.025*rng.Float64(), 0.6*rng.Float64()
		l.frames, l.start = 40+rng.IntN(360), 0.1+0.5*rng.Float64()
		l.shape = 1 + 2*rng.Float64()
		return l
	}
	return []leakRow{
		{"steady", func(rng *rand.Rand) leak { return any(rng, leak{law: Steadily}) }},
		{"steady, restarted before", func(rng *rand.Rand) leak { return any(rng, leak{law: Steadily, resets: true}) }},
		{"steady, its pace wanders", func(rng *rand.Rand) leak { return any(rng, leak{law: Steadily, wander: 0.3}) }},
		{"steady under a saw", func(rng *rand.Rand) leak { return any(rng, leak{law: Steadily, saw: true}) }},
		{"ever faster", func(rng *rand.Rand) leak { return any(rng, leak{law: Quickening}) }},
		{"ever slower, but not enough", func(rng *rand.Rand) leak {
			l := any(rng, leak{law: Slowing})
			l.shape = 0.3 + 0.7*rng.Float64()
			return l
		}},
	}
}

// level returns the use at a share of the way to the limit, 0..1 → start..1.
func (l leak) level(t float64) float64 {
	switch l.law {
	case Quickening:
		return l.start + (1-l.start)*(math.Exp(l.shape*t)-1)/(math.Exp(l.shape)-1)
	case Slowing:
		return l.start + (1-l.start)*(1-math.Exp(-l.shape*t))/(1-math.Exp(-l.shape))
	default:
		return l.start + (1-l.start)*t
	}
}

// play returns the values up to half of the way, and the frames that remain.
func (l leak) play(rng *rand.Rand) (h *stats.History, remain float64) {
	h = stats.NewHistory(0)
	frame, z, pace := 0, 0.0, 0.0
	noise := func() float64 {
		z = l.rho*z + math.Sqrt(1-l.rho*l.rho)*rng.NormFloat64()
		return l.noise * z
	}
	if l.resets {
		for range 1 + rng.IntN(2) {
			n := l.frames / 4
			for k := range n {
				h.Add(frame, l.level(float64(k)/float64(l.frames))+noise())
				frame++
			}
		}
	}
	way := 0.0
	half := l.frames / 2
	for k := 0; ; k++ {
		pace = 0.97*pace + math.Sqrt(1-0.97*0.97)*rng.NormFloat64()
		way += math.Max(0, 1+l.wander*pace) / float64(l.frames)
		v := l.level(way)
		if l.saw {
			v -= 0.3 * l.start * (1 - float64(k%12)/11)
		}
		if k < half {
			h.Add(frame, v+noise())
			frame++
		}
		if v >= 1 {
			return h, float64(k - half + 1)
		}
	}
}

// A leakRecord is how well it was said when leaks meet their limit.
type leakRecord struct {
	said, held, covered float64
	errors              []float64
	n                   float64
}

func (r leakRow) measure(n int, seed uint64) leakRecord {
	rng := rand.New(rand.NewPCG(seed, 77))
	var out leakRecord
	for range n {
		l := r.draw(rng)
		h, remain := l.play(rng)
		g, ok := Forecast(Growing{Values: h, Limit: 1})
		out.n++
		if !ok || g.Met < 0.5 {
			continue
		}
		out.said++
		if g.P10 <= remain && remain <= g.P90 {
			out.covered++
		}
		out.errors = append(out.errors, math.Abs(g.P50-remain)/remain)
	}
	slices.Sort(out.errors)
	return out
}

// TestLeaks measures, half-way to the limit, when it is said to be met.
func TestLeaks(t *testing.T) {
	for _, r := range leakRows() {
		m := r.measure(*leaks, 1)
		fmt.Printf("| %s | %.0f | %.0f %% | %.0f %% | %.0f %% |\n", r.name, m.n, 100*m.said/m.n, 100*stats.SortedQuantile(m.errors, 0.5), 100*m.covered/m.said)
	}
}
