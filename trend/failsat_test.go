package trend

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/foreshock/foreshock/stats"
)

// A staircase is a release by steps, with the values of one signal.
type staircase struct {
	before  int       // frames
	length  int       // frames per step
	weights []float64 // of the steps
	value   func(frame int, weight float64) float64
	load    func(frame int) float64 // traffic; nil when it is not known
}

// response plays the first n frames since the first step.
func (s staircase) response(n int, limit float64) Response {
	r := Response{Since: stats.NewHistory(s.before), Exposed: &Exposed{}, Limit: limit}
	if s.before > 0 {
		r.Before = stats.NewHistory(0)
	}
	if s.load != nil {
		r.LoadBefore, r.Load = stats.NewHistory(0), stats.NewHistory(s.before)
	}
	for f := range s.before + n {
		h, load, w := r.Before, r.LoadBefore, 0.0
		if f >= s.before {
			h, load, w = r.Since, r.Load, s.weights[(f-s.before)/s.length]
			r.Exposed.Add(f, w)
		}
		h.Add(f, s.value(f, w))
		if s.load != nil {
			load.Add(f, s.load(f))
		}
	}
	return r
}

// wobble is noise that a fit cannot take for anything: it changes its sign in
// every frame.
func wobble(size float64) func(int) float64 {
	return func(f int) float64 { return size * float64(1-2*(f%2)) }
}

// usual is 60 frames before, and 20 each at 10, 25 and 40 %.
func usual(value func(f int, w float64) float64) staircase {
	return staircase{before: 60, length: 20, weights: []float64{0.1, 0.25, 0.4}, value: value}
}

// TestFailsAtByHand: values on a line or a queue's curve meet their limits
// where the formulas say.
func TestFailsAtByHand(t *testing.T) {
	n := wobble(0.01)
	tests := []struct {
		name  string
		value func(f int, w float64) float64
		limit float64
		tune  func(*Response)
		want  float64
		shape Shape
	}{
		{"a use", func(f int, w float64) float64 { return 0.3 + w + n(f) }, 1, nil, 0.7, Linear},
		{"headroom that falls", func(f int, w float64) float64 { return 0.7 - w + n(f) }, 0.1, func(r *Response) { r.Falls = true }, 0.6, Linear},
		{"a queue", func(f int, w float64) float64 { return 0.1 / (0.8 - w) * (1 + n(f)) }, 0.5, func(r *Response) { r.Wait = true }, 0.6, Queue},
		{"a wait that adds up", func(f int, w float64) float64 { return (0.1 + 0.8*w) * (1 + n(f)) }, 0.66, func(r *Response) { r.Wait = true }, 0.7, Linear},
		// Use grows with time as well: what is asked is where it fails now.
		{"a use that drifts", func(f int, w float64) float64 { return 0.2 + w + float64(f)/1190 + n(f) }, 1, nil, 0.7, Linear},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := usual(tt.value).response(60, tt.limit)
			if tt.tune != nil {
				tt.tune(&r)
			}
			f := FailsAt(r)
			if f.Why != Known || math.Abs(f.P50-tt.want) > 0.02 || !(f.P10 <= tt.want && tt.want <= f.P90) || f.Shape != tt.shape {
				t.Errorf("FailsAt = %v, %.3f (%.3f to %.3f), shape %v, want about %v, shape %v", f.Why, f.P50, f.P10, f.P90, f.Shape, tt.want, tt.shape)
			}
			if f.P90-f.P10 > 0.15 {
				t.Errorf("FailsAt: from %.3f to %.3f, want less than 15 points with so little noise", f.P10, f.P90)
			}
		})
	}
}

// TestFailsAtWhy: where it does not speak it says why, and from when it will.
func TestFailsAtWhy(t *testing.T) {
	n := wobble(0.02)
	use := func(slope float64) func(f int, w float64) float64 {
		return func(f int, w float64) float64 { return 0.3 + slope*w + n(f) }
	}
	noisy := rand.New(rand.NewPCG(3, 4))
	tests := []struct {
		name   string
		value  func(f int, w float64) float64
		frames int
		limit  float64
		want   Why
		needs  func(float64) bool
	}{
		{"no limit", use(1), 60, math.NaN(), NoLimit, nil},
		{"nothing since the first step but one frame", use(1), 1, 1, OneExposure, nil},
		{"no answer to exposure", use(0), 60, 1, Flat, nil},
		{"it falls with exposure", use(-0.5), 60, 1, Flat, nil},
		{"one step, far from the limit", use(1), 20, 1, TooFar, func(w float64) bool { return w > 0.15 && w < 0.3 }}, // about 0.7/4
		{"two steps", use(1), 40, 1, Known, nil},
		{"it takes more than there is", use(0.4), 60, 1, Beyond, nil}, // 175 %
		{
			"more noise than answer", func(_ int, w float64) float64 { return 0.3 + 0.7*w + 0.2*noisy.NormFloat64() }, 40, 1, Otherwise,
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := FailsAt(usual(tt.value).response(tt.frames, tt.limit))
			if f.Why != tt.want || (tt.want == Known) == math.IsNaN(f.P50) || tt.needs != nil && !tt.needs(f.Needs) {
				t.Errorf("FailsAt = %v, %.3f (%.3f to %.3f), needs %v, want %v", f.Why, f.P50, f.P10, f.P90, f.Needs, tt.want)
			}
		})
	}
}

// TestFailsAtTime: what only grew meanwhile does not pass for an answer to
// exposure, straight, bent or begun with the release; nor does traffic.
func TestFailsAtTime(t *testing.T) {
	since := func(f int) float64 { return math.Max(0, float64(f-60)) }
	tests := []struct {
		name  string
		grows func(f int) float64
		load  bool
	}{
		{"straight", func(f int) float64 { return 0.3 + 0.003*float64(f) }, false},
		{"bent", func(f int) float64 { return 0.3 + 0.00003*float64(f*f) }, false},
		{"since the first step", func(f int) float64 { return 0.35 + 0.008*since(f) }, false},
		{"with traffic in waves", func(f int) float64 { return 0.4 * (1 + 0.4*math.Sin(float64(f)/17)) }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			said := 0
			for seed := range uint64(20) {
				rng := rand.New(rand.NewPCG(seed, 8))
				s := usual(func(f int, _ float64) float64 { return tt.grows(f) + 0.02*rng.NormFloat64() })
				s.length = 15
				if tt.load {
					s.load = func(f int) float64 { return 1000 * tt.grows(f) }
				}
				for frames := 1; frames <= 45; frames += 4 {
					if f := FailsAt(s.response(frames, 1)); f.Why == Known {
						said++
						break
					}
				}
			}
			if said > 0 {
				t.Errorf("of %d of 20 it was said that they fail, want none", said)
			}
		})
	}
}

// TestFailsAtTraffic: with twice the traffic it fails earlier, and it is today's
// traffic that counts. By hand: 2·(0.2 + 0.5·w) = 1 at w = 0.6.
func TestFailsAtTraffic(t *testing.T) {
	load := func(f int) float64 { return 1 + math.Min(1, math.Max(0, float64(f-40)/40)) }
	rng := rand.New(rand.NewPCG(5, 6))
	s := usual(func(f int, w float64) float64 { return (0.2+0.5*w)*load(f) + 0.005*rng.NormFloat64() })
	s.load = func(f int) float64 { return 300 * load(f) }
	f := FailsAt(s.response(60, 1))
	if f.Why != Known || math.Abs(f.P50-0.6) > 0.03 || !(f.P10 <= 0.6 && 0.6 <= f.P90) {
		t.Errorf("FailsAt = %v, %.3f (%.3f to %.3f), want 0.6", f.Why, f.P50, f.P10, f.P90)
	}
}

// TestFailsAtCost: what a request costs both versions tells at the first step
// what the weights alone tell at the third, and is not used where it does not
// agree with them.
func TestFailsAtCost(t *testing.T) {
	n := wobble(0.01)
	s := usual(func(f int, w float64) float64 { return 0.4*(1+1.5*w) + n(f) }) // a request costs 2.5 times as much: 1 at w = 1
	alone := FailsAt(s.response(20, 0.9))
	r := s.response(20, 0.9)
	r.Cost, r.CostSE = 2.5, 0.1
	with := FailsAt(r)
	if want := 0.5 / 0.6; alone.Why != TooFar || with.Why != Known || !(with.P10 <= want && want <= with.P90) || with.P90-with.P10 > 0.25 {
		t.Errorf("FailsAt at 10 %%: %v without the cost, %v %.3f (%.3f to %.3f) with it, want TooFar and about %.3f",
			alone.Why, with.Why, with.P50, with.P10, with.P90, want)
	}
	r.Cost, r.CostSE = 1, 0.01 // a request costs the same, and the use grows all the same
	if odd := FailsAt(r); odd.Why != TooFar {
		t.Errorf("FailsAt with a cost that does not agree = %v, want %v as without it", odd.Why, TooFar)
	}
}

// TestFailsAtPast: a use that is at its limit now fails no later than now.
func TestFailsAtPast(t *testing.T) {
	n := wobble(0.01)
	s := usual(func(f int, w float64) float64 { return math.Min(1, 0.4+2*w+n(f)) })
	f := FailsAt(s.response(60, 1))
	if f.Why != Known || f.P90 > 0.4+1e-9 || f.Breach(0.4) < 0.9 || f.Breach(0.75) < 0.9 {
		t.Errorf("FailsAt = %v, %.3f (%.3f to %.3f), breach at 40 %% %.3f, want no later than 40 %%", f.Why, f.P50, f.P10, f.P90, f.Breach(0.4))
	}
}

// TestFailsAtLaws holds on random staircases: the three points are in order;
// the probability of a breach is one and grows with the weight; Safe is where
// it passes a level; and scaling values and limit alike changes nothing.
func TestFailsAtLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		slope, sd := rapid.Float64Range(-0.5, 3).Draw(t, "slope"), rapid.SampledFrom([]float64{0, 0.003, 0.03, 0.2}).Draw(t, "sd")
		s := staircase{
			before: rapid.IntRange(0, 300).Draw(t, "before"), length: rapid.IntRange(1, 60).Draw(t, "length"),
			weights: []float64{0.1, 0.25, 0.4, 0.6},
		}
		values := make([]float64, s.before+4*s.length)
		for f := range values {
			w := 0.0
			if f >= s.before {
				w = s.weights[(f-s.before)/s.length]
			}
			values[f] = 0.3 + slope*w + sd*rng.NormFloat64()
		}
		s.value = func(f int, _ float64) float64 { return values[f] }
		frames := rapid.IntRange(1, 4*s.length).Draw(t, "frames")
		wait := rapid.Bool().Draw(t, "wait")
		r := s.response(frames, 1)
		r.Wait = wait
		f := FailsAt(r)
		lawful(t, f)
		by := rapid.SampledFrom([]float64{1e-9, 0.01, 7, 1e9}).Draw(t, "by")
		s.value = func(f int, _ float64) float64 { return by * values[f] }
		r = s.response(frames, by)
		r.Wait = wait
		if g := FailsAt(r); g.Why != f.Why || !alike(f.P10, g.P10) || !alike(f.P50, g.P50) || !alike(f.P90, g.P90) || !alike(f.Breach(0.6), g.Breach(0.6)) {
			t.Fatalf("%v times the values and the limit: %v %v %v %v, want as before: %v %v %v %v", by, g.Why, g.P10, g.P50, g.P90, f.Why, f.P10, f.P50, f.P90)
		}
	})
}

func alike(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-2*math.Max(math.Abs(a), 0.01)
}

func lawful(t *rapid.T, f Failure) {
	if f.Why == Known && !(f.P10 >= 0 && f.P10 <= f.P50 && f.P50 <= f.P90) {
		t.Fatalf("p10, p50, p90 = %v, %v, %v: not in order", f.P10, f.P50, f.P90)
	}
	was := 0.0
	for w := 0.0; w <= 1.5; w += 0.05 {
		p := f.Breach(w)
		if !(p >= was-1e-9 && p <= 1) {
			t.Fatalf("Breach(%.2f) = %v after %v: not a growing probability", w, p, was)
		}
		was = p
	}
	if w := f.Safe(0.2); !(w >= 0 && w <= 1) || w > 1e-6 && f.Breach(w) > 0.2+1e-6 || w < 1 && f.Breach(w+0.01) < 0.2 {
		t.Fatalf("Safe(0.2) = %v, where a breach has %v, and %v a point further", w, f.Breach(w), f.Breach(w+0.01))
	}
}

// TestFailsAtWidth: more noise never narrows the interval, more frames never
// widen it. The noise changes its sign in every frame, so that it moves no
// estimate.
func TestFailsAtWidth(t *testing.T) {
	width := func(sd float64, length int) float64 {
		n := wobble(sd)
		s := usual(func(f int, w float64) float64 { return 0.3 + w + n(f) })
		s.before, s.length = 3*length, length
		f := FailsAt(s.response(3*length, 1))
		if f.Why != Known {
			t.Fatalf("noise %v, steps of %d frames: %v", sd, length, f.Why)
		}
		return f.P90 - f.P10
	}
	last := 0.0
	for _, sd := range []float64{0, 0.001, 0.005, 0.01, 0.02, 0.04, 0.06} {
		if w := width(sd, 16); w < last-1e-3 {
			t.Errorf("noise %v: %.4f wide, narrower than %.4f with less", sd, w, last)
		} else {
			last = w
		}
	}
	last = math.Inf(1)
	for _, length := range []int{8, 12, 20, 40, 100, 400} {
		if w := width(0.02, length); w > last+1e-3 {
			t.Errorf("steps of %d frames: %.4f wide, wider than %.4f with fewer", length, w, last)
		} else {
			last = w
		}
	}
}

// TestFailsAtLongBefore: a long time before, of which only block means are left,
// tells as much as a short one, or more.
func TestFailsAtLongBefore(t *testing.T) {
	var known []int
	for _, before := range []int{64, 500, 5000} {
		n := 0
		for seed := range uint64(40) {
			rng := rand.New(rand.NewPCG(seed, 9))
			s := usual(func(_ int, w float64) float64 { return 0.3 + w + 0.04*rng.NormFloat64() })
			s.before, s.length = before, 15
			if f := FailsAt(s.response(30, 1)); f.Why == Known {
				n++
			}
		}
		known = append(known, n)
	}
	if slices.Min(known) < 20 {
		t.Errorf("of 40 services %v were known at 25 %% with 64, 500 and 5000 frames before, want half of them or more", known)
	}
}
