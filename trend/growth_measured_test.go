package trend

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/internal/doctable"
	"github.com/foreshock/foreshock/stats"
)

var leaks = flag.Int("leaks", 0, "simulated leaks a row of TestLeaks; 0 means as many as an everyday run affords")

// growthFile holds the table of TestLeaks.
const growthFile = "../docs/method/growth.md"

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
	draw := func(rng *rand.Rand, l leak) leak {
		l.noise, l.rho = 0.005+0.025*rng.Float64(), 0.6*rng.Float64()
		l.frames, l.start = 40+rng.IntN(360), 0.1+0.5*rng.Float64()
		l.shape = 1 + 2*rng.Float64()
		return l
	}
	return []leakRow{
		{"steady", func(rng *rand.Rand) leak { return draw(rng, leak{law: Steadily}) }},
		{"steady, restarted before", func(rng *rand.Rand) leak { return draw(rng, leak{law: Steadily, resets: true}) }},
		{"steady, its pace wanders", func(rng *rand.Rand) leak { return draw(rng, leak{law: Steadily, wander: 0.3}) }},
		{"steady under a saw", func(rng *rand.Rand) leak { return draw(rng, leak{law: Steadily, saw: true}) }},
		{"ever faster", func(rng *rand.Rand) leak { return draw(rng, leak{law: Quickening}) }},
		{"ever slower, but not enough", func(rng *rand.Rand) leak {
			l := draw(rng, leak{law: Slowing})
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
	said, covered float64
	errors        []float64
	n             float64
}

func (r leakRow) measure(n int, seed uint64) leakRecord {
	rng := rand.New(rand.NewPCG(seed, 77))
	var out leakRecord
	for range n {
		l := r.draw(rng)
		h, remain := l.play(rng)
		out.add(remain)(Forecast(Growing{Values: h, Limit: 1}))
	}
	return out
}

// add returns what takes an answer about a limit that is met in so many frames.
func (m *leakRecord) add(remain float64) func(Growth, bool) {
	return func(g Growth, ok bool) {
		m.n++
		if !ok || g.Met < 0.5 {
			return
		}
		m.said++
		if g.P10 <= remain && remain <= g.P90 {
			m.covered++
		}
		m.errors = append(m.errors, math.Abs(g.P50-remain)/remain)
	}
}

// TestLeaks measures, half-way to the limit, how well it is said when it is
// met: in the median within a fifth of the time that remains, and 8 in 10
// intervals right, over all kinds together. With -leaks 1000 -update it writes
// the table of docs/method/growth.md.
func TestLeaks(t *testing.T) {
	n := cmp.Or(*leaks, 100)
	var b strings.Builder
	b.WriteString("| they grow | n | said | median error, of the time that remains | 80 % intervals that hold |\n|---|---|---|---|---|\n")
	var all leakRecord
	line := func(name string, m leakRecord) {
		slices.Sort(m.errors)
		fmt.Fprintf(&b, "| %s | %.0f | %.0f %% | %.0f %% | %.0f %% |\n", name, m.n, 100*m.said/m.n, 100*stats.SortedQuantile(m.errors, 0.5), 100*m.covered/m.said)
	}
	for _, r := range leakRows() {
		m := r.measure(n, 1)
		line(r.name, m)
		all.n, all.said, all.covered = all.n+m.n, all.said+m.said, all.covered+m.covered
		all.errors = append(all.errors, m.errors...)
	}
	line("all together", all)
	t.Log("\n" + b.String())
	slices.Sort(all.errors)
	if e := stats.SortedQuantile(all.errors, 0.5); e > 0.2 {
		t.Errorf("off by %.0f %% of the time that remains in the median, want at most 20 %%", 100*e)
	}
	if c, wide := all.covered/all.said, 3*math.Sqrt(0.16/all.said); c < 0.75-wide || c > 0.9+wide {
		t.Errorf("%.0f %% of the 80 %% intervals hold the truth, want 75 to 90 %%", 100*c)
	}
	if all.said < 0.8*all.n {
		t.Errorf("something is said of %.0f of %.0f, want 8 in 10", all.said, all.n)
	}
	if *update && *leaks > 0 {
		doctable.Write(t, growthFile, "leaks", b.String())
	}
}

// TestLevelsOff: what fills up below its limit is hardly said to meet it: in
// one of five at most, where what is asked before, that it grows beyond doubt,
// is not.
func TestLevelsOff(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	for _, end := range []float64{0.3, 0.5, 0.7} {
		said := 0
		for range 50 {
			h := stats.NewHistory(0)
			for k := range 80 {
				h.Add(k, 0.1+(end-0.1)*(1-math.Exp(-float64(k)/12))+0.01*rng.NormFloat64())
			}
			if g, ok := Forecast(Growing{Values: h, Limit: 1}); ok && g.Met >= 0.5 {
				said++
			}
		}
		if said > 10 {
			t.Errorf("what levels off at %v of its limit is said to meet it in %d of 50", end, said)
		}
	}
}

// TestForecastScales: another unit of the values says the same, where much was
// seen, and where little was that wavers slowly.
func TestForecastScales(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, frames := range []int{9, 15, 50} {
		for _, unit := range []float64{1. / (1 << 30), 4096, 1 << 30} {
			a, b := stats.NewHistory(0), stats.NewHistory(0)
			for k := range frames {
				v := 0.2 + 0.01*float64(k) + 0.01*math.Sin(float64(k)/2) + 0.002*rng.NormFloat64()
				a.Add(k, v)
				b.Add(k, unit*v)
			}
			x, okX := Forecast(Growing{Values: a, Limit: 1})
			y, okY := Forecast(Growing{Values: b, Limit: unit})
			if !okX || !okY || math.Abs(x.Met-y.Met) > 1e-6 || math.Abs(x.P50-y.P50) > 1e-6*x.P50 || math.Abs(x.P90-y.P90) > 1e-6*x.P90 || x.Law != y.Law {
				t.Errorf("%d frames in a unit of %v: %+v and %+v, want the same", frames, unit, x, y)
			}
		}
	}
}

// TestForecastUnderWork: what grows with every request grows faster from the
// frame on in which it gets more of them.
func TestForecastUnderWork(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	h, e := stats.NewHistory(0), &Exposed{}
	v := 0.1
	for k := range 60 {
		w := 0.1
		if k >= 40 {
			w = 0.4
		}
		e.Add(k, w)
		v += 0.02 * w
		h.Add(k, v+0.003*rng.NormFloat64())
	}
	remain := (1 - v) / (0.02 * 0.4)
	g, ok := Forecast(Growing{Values: h, Exposed: e, Limit: 1})
	if !ok || g.P10 > remain || remain > g.P90 || math.Abs(g.P50/remain-1) > 0.3 {
		t.Errorf("under four times the work: %+v, want about %.0f frames", g, remain)
	}
}
