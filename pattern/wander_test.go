package pattern

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/signal"
)

// drifting returns n values about 100 of an AR(1) process with standard deviation 2.
func drifting(r *rand.Rand, n int, rho float64, shock func() float64) []float64 {
	out := make([]float64, n)
	x := r.NormFloat64()
	for i := range out {
		x = rho*x + math.Sqrt(1-rho*rho)*shock()
		out[i] = 100 + 2*x
	}
	return out
}

// fill returns a track of values from an origin on.
func fill(origin int, values []float64) *Track {
	t := NewTrack(origin)
	for i, x := range values {
		nan := math.NaN()
		t.Add(origin+i, signal.Cell{Limit: nan, Readings: []signal.Reading{
			{Value: x, N: nan, Events: nan, Level: nan, Spread: nan, Presence: signal.Present, Age: 1 << 40},
		}}, 60)
	}
	return t
}

// TestBeyondHolds: over a release, with all looks together, what is like its
// reference and drifts on its own lies so many times further out than that ever
// wandered in hardly any of them, however alike neighbours are, with little
// seen before, and with heavy tails.
func TestBeyondHolds(t *testing.T) {
	const each = 50
	seen, far := 0, 0
	for _, rho := range []float64{0, 0.8, 0.95, 0.99, 0.999} {
		for _, heavy := range []bool{false, true} {
			for _, before := range []int{5, 60} {
				for seed := range each {
					r := rand.New(rand.NewPCG(uint64(seed), math.Float64bits(rho)))
					shock := r.NormFloat64
					if heavy { // Student's t with 3 degrees of freedom, of unit variance
						shock = func() float64 {
							a, b, c := r.NormFloat64(), r.NormFloat64(), r.NormFloat64()
							return r.NormFloat64() / math.Sqrt(a*a+b*b+c*c)
						}
					}
					seen++
					if beyondAtAll(drifting(r, before+90, rho, shock), drifting(r, 90, rho, shock), before) {
						far++
					}
				}
			}
		}
	}
	if share := float64(far) / float64(seen); share > 0.001 {
		t.Errorf("%d of %d releases (%.2f %%) are said to lie beyond at some time, want at most 0.1 %%", far, seen, 100*share)
	}
}

// TestBeyondHoldsAlone: the same of a service without a control, which goes on as it was, and
// with shocks that are skewed as well.
func TestBeyondHoldsAlone(t *testing.T) {
	const each, before = 60, 60
	seen, far := 0, 0
	for _, rho := range []float64{0, 0.5, 0.8, 0.95, 0.99, 0.999} {
		for seed := range each {
			r := rand.New(rand.NewPCG(uint64(seed), math.Float64bits(rho)))
			for _, shock := range []func() float64{r.NormFloat64, func() float64 { return (math.Exp(r.NormFloat64()) - math.Exp(0.5)) / 2.16 }} {
				all := drifting(r, before+90, rho, shock)
				seen++
				for n := 4; n <= 90; n += 3 {
					c, ok := Compare(fill(before, all[before:before+n]), nil, fill(0, all[:before]), signal.Up, Size{Relative: 0.001, Alone: true})
					if ok && c.away >= farthest {
						far++
						break
					}
				}
			}
		}
	}
	if share := float64(far) / float64(seen); share > 0.003 {
		t.Errorf("%d of %d releases (%.2f %%) are said to lie beyond at some time, want at most 0.3 %%", far, seen, 100*share)
	}
}

// beyondAtAll says whether the subject is found beyond its reference, of which so
// many values come before it, in any of its frames.
func beyondAtAll(reference, subject []float64, before int) bool {
	past := fill(0, reference[:before])
	for n := 4; n <= len(subject); n += 3 {
		c, ok := Compare(fill(before, subject[:n]), fill(before, reference[before:before+n]), past, signal.Up, Size{Relative: 0.001})
		if ok && c.away >= farthest {
			return true
		}
	}
	return false
}

// TestBeyondDrift: where the control drifts so slowly that a hundred frames are
// worth a few, twice its level is known for what it is within ten frames, and
// stays known. Neither one reading that all of a window is about nor the same
// without a live control is.
func TestBeyondDrift(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	slow := make([]float64, 160)
	for i := range slow {
		slow[i] = 100 + 4*math.Sin(float64(i)/25) + 0.3*r.NormFloat64()
	}
	canary := make([]float64, 100)
	for i := range canary {
		canary[i] = 2*slow[60+i] + 0.3*r.NormFloat64()
	}
	size := Size{Relative: 0.1, Window: 4}
	at := func(canary []float64, live bool) Comparison {
		var control *Track
		if live {
			control = fill(60, slow[60:60+len(canary)])
		}
		c, ok := Compare(fill(60, canary), control, fill(0, slow[:60]), signal.Up, size)
		if !ok {
			t.Fatal("nothing to compare")
		}
		return c
	}
	for n := 10; n <= len(canary); n += 5 {
		c := at(canary[:n], true)
		if c.Effective >= MinEffective {
			t.Fatalf("%d frames: %v effective observations; the control is to drift", n, c.Effective)
		}
		if !c.Told() || c.LogE < math.Log(500*20) || c.Typical < 80 || c.Onset.P50 > 62 {
			t.Errorf("%d frames: told %v, LogE %v, Typical %v, Onset %v; want it known", n, c.Told(), c.LogE, c.Typical, c.Onset)
		}
		if c := at(canary[:n], false); c.Beyond {
			t.Errorf("%d frames without a live control are said to be beyond", n)
		}
	}
	once := append([]float64(nil), slow[60:90]...)
	for i := range 4 { // one slow moment, in all values that look back on it
		once[len(once)-1-i] *= 2
	}
	if c := at(once, true); c.Beyond {
		t.Error("one reading is said to be beyond")
	}
}

// TestBeyondLoad: what an instance uses is beyond what the reference ever used only
// at a load that the reference has had, and beside one that has work.
func TestBeyondLoad(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	slow := make([]float64, 100)
	for i := range slow {
		slow[i] = 100 + 4*math.Sin(float64(i)/25) + 0.3*r.NormFloat64()
	}
	canary := make([]float64, 40)
	for i := range canary {
		canary[i] = 2 * slow[60+i]
	}
	even := func(n int, load float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = load + 0.1*r.NormFloat64()
		}
		return out
	}
	tests := []struct {
		name string
		load float64 // of an instance of the new version; those of the stable one have 10
		idle bool
		want bool
	}{
		{"as much work", 10, false, true},
		{"less", 5, false, true},
		{"more than it ever had", 13, false, false},
		{"beside one without work", 10, true, false},
	}
	for _, tt := range tests {
		loads := Loads{Subject: fill(60, even(40, tt.load)), During: fill(60, even(40, 10)), Before: fill(0, even(60, 10))}
		size := Size{Relative: 0.1, Idle: tt.idle}
		c, ok := new(Workspace).Compare(loads, fill(60, canary), fill(60, slow[60:]), fill(0, slow[:60]), signal.Up, size)
		if !ok || c.Beyond != tt.want {
			t.Errorf("%s: beyond %v (%v times as far), want %v", tt.name, c.Beyond, c.away, tt.want)
		}
	}
}
