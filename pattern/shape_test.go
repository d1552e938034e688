package pattern_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// runs is over how many seeds each shape is drawn.
const runs = 40

// kinds names the shapes of a canary of 48 frames that follows a course, with
// noise 1, beside a control at 100 with noise 1.
func kinds(seed int, kind signal.Kind, course func(*rand.Rand, int) float64) []pattern.Kind {
	rng := seeded(seed)
	before := track(0, noisy(rng, began, 1, flat(100)))
	control := track(began, noisy(rng, 48, 1, flat(100)))
	values := make([]float64, 48)
	for i := range values {
		values[i] = course(rng, i)
	}
	canary := track(began, values)
	s := signal.Signal{Name: "x", Kind: kind}
	c, ok := pattern.Compare(canary, control, before, s.Direction(), tenth)
	if !ok {
		return nil
	}
	var out []pattern.Kind
	for _, p := range pattern.Shapes(3, s, &c, canary, control) {
		if !(p.Probability >= 0 && p.Probability <= 1) || p.Signal != 3 || p.For == "" {
			panic("a pattern without probability, signal or reason")
		}
		out = append(out, p.Kind)
	}
	return out
}

func plus(course func(int) float64) func(*rand.Rand, int) float64 {
	return func(rng *rand.Rand, i int) float64 { return course(i) + rng.NormFloat64() }
}

// TestShapes draws every shape on 40 seeds. least is in how many of them it is
// named; its look-alikes are named in none.
func TestShapes(t *testing.T) {
	tests := []struct {
		name   string
		kind   signal.Kind
		course func(*rand.Rand, int) float64
		want   pattern.Kind
		least  int
		never  []pattern.Kind
	}{
		{
			"a leak", signal.Memory, plus(func(i int) float64 { return 100 + 0.8*float64(i) }),
			pattern.Leak, runs,
			[]pattern.Kind{pattern.CacheFill, pattern.Sawtooth, pattern.WarmupPattern},
		},
		{
			"a cache that fills", signal.Memory, plus(func(i int) float64 { return 100 - 40*math.Exp(-float64(i)/8) }),
			pattern.CacheFill, runs,
			[]pattern.Kind{pattern.Leak, pattern.Ramp, pattern.Step},
		},
		{
			"a hit ratio that climbs", signal.Cache, plus(func(i int) float64 { return 100 - 40*math.Exp(-float64(i)/8) }),
			pattern.CacheFill, runs,
			[]pattern.Kind{pattern.Leak, pattern.WarmupPattern},
		},
		{
			"garbage collection", signal.Memory, plus(func(i int) float64 { return 90 + 2.5*float64(i%12) }),
			pattern.Sawtooth, runs,
			[]pattern.Kind{pattern.Leak, pattern.CacheFill},
		},
		{
			"a warm-up", signal.Latency, plus(func(i int) float64 { return 100 + 60*math.Exp(-float64(i)/4) }),
			pattern.WarmupPattern, runs,
			[]pattern.Kind{pattern.Step, pattern.Ramp, pattern.Sawtooth},
		},
		{
			"a step", signal.Latency, plus(stepAt(16, 30)),
			pattern.Step, runs,
			[]pattern.Kind{pattern.Ramp, pattern.WarmupPattern, pattern.Spike},
		},
		{
			"a ramp", signal.Latency, plus(func(i int) float64 { return 100 + 1.5*float64(i) }),
			pattern.Ramp, runs,
			[]pattern.Kind{pattern.Step, pattern.Leak, pattern.WarmupPattern},
		},
		{
			"a spike", signal.Latency, plus(func(i int) float64 {
				if i == 30 {
					return 180
				}
				return 100
			}),
			pattern.Spike, runs,
			[]pattern.Kind{pattern.Ramp, pattern.WarmupPattern},
		},
		{
			"it swings", signal.CPU, plus(func(i int) float64 { return 100 + 5*float64(1-2*(i%2)) }),
			pattern.Oscillation, runs,
			[]pattern.Kind{pattern.Flatline, pattern.Leak, pattern.Ramp},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found := 0
			for seed := range runs {
				got := kinds(seed, tt.kind, tt.course)
				if slices.Contains(got, tt.want) {
					found++
				}
				for _, k := range tt.never {
					if slices.Contains(got, k) {
						t.Errorf("seed %d: Shapes = %v, with %s", seed, got, k)
					}
				}
			}
			if found < tt.least {
				t.Errorf("%s is named in %d of %d runs, want at least %d", tt.want, found, runs, tt.least)
			}
		})
	}
}

// TestShapesNoise: of noise alone nothing is named in at least 39 of 40 runs,
// whatever the kind.
func TestShapesNoise(t *testing.T) {
	for _, k := range signal.Kinds() {
		finds := 0
		for seed := range runs {
			if got := kinds(seed, k, plus(flat(100))); len(got) > 0 {
				finds++
				t.Logf("%v, seed %d: %v", k, seed, got)
			}
		}
		if finds > 1 {
			t.Errorf("%v: shapes in %d of %d runs of noise alone, want at most 1", k, finds, runs)
		}
	}
}

// TestShapesBimodal: one of four instances apart is bimodal, unless the
// control's instances lie as far apart.
func TestShapesBimodal(t *testing.T) {
	pods := func(rng *rand.Rand, origin, n int, last float64) *pattern.Track {
		tr := pattern.NewTrack(origin)
		for i := range n {
			var rs []signal.Reading
			for _, p := range []struct {
				name  string
				level float64
			}{{"a", 100}, {"b", 100}, {"c", 100}, {"d", last}} {
				rs = append(rs, reading(p.level+rng.NormFloat64(), p.name))
			}
			tr.Add(origin+i, cell(rs...), frame)
		}
		return tr
	}
	tests := []struct {
		name            string
		canary, control float64
		want            bool
	}{{"all alike", 100, 100, false}, {"one apart", 160, 100, true}, {"one apart on both sides", 160, 160, false}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range runs {
				rng := seeded(seed)
				before, control, canary := pods(rng, 0, began, tt.control), pods(rng, began, 40, tt.control), pods(rng, began, 40, tt.canary)
				s := signal.Signal{Name: "x", Kind: signal.Latency}
				c, _ := pattern.Compare(canary, control, before, signal.Up, tenth)
				got := slices.ContainsFunc(pattern.Shapes(0, s, &c, canary, control), func(p pattern.Pattern) bool { return p.Kind == pattern.Bimodal })
				if got != tt.want {
					t.Errorf("seed %d: bimodal = %v, want %v", seed, got, tt.want)
				}
			}
		})
	}
}

// TestTeeth: only a sudden fall that ends a rise is a tooth.
func TestTeeth(t *testing.T) {
	tests := []struct {
		name string
		y    []float64
		want int
	}{
		{"nothing", nil, 0},
		{"one value", []float64{1}, 0},
		{"three rises and falls", []float64{0, 10, 20, 0, 10, 20, 0, 10, 20, 0}, 3},
		{"a gap at the top", []float64{0, 10, 20, nan, 0, 10, 20, 0}, 2},
		{"a rise", []float64{0, 10, 20, 30, 40}, 0},
		{"a fall by steps", []float64{60, 40, 25, 15, 8, 3, 0}, 0},
		{"a fall, then still", []float64{60, 0, 0, 0}, 0},
		{"wiggles", []float64{0, 3, 0, 3, 0, 3, 0}, 0},
	}
	for _, tt := range tests {
		if got := pattern.Teeth(tt.y, 1); got != tt.want {
			t.Errorf("Teeth(%v, 1) = %d, want %d (%s)", tt.y, got, tt.want, tt.name)
		}
	}
}

// TestGrowthProbability: what grows past the size of consequence by the
// horizon is expected to; noise, what slows, and what only comes back is not.
func TestGrowthProbability(t *testing.T) {
	tests := []struct {
		name   string
		course func(int) float64
		likely bool
	}{
		{"growth", func(i int) float64 { return 100 + float64(i) }, true},
		{"level", flat(100), false},
		{"it slows", func(i int) float64 { return 120 - 20*math.Exp(-float64(i)/6) }, false},
		{"from below", func(i int) float64 { return 60 + 0.5*float64(i) }, false},
		{"it falls", func(i int) float64 { return 140 - float64(i) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range runs {
				rng := seeded(seed)
				before, control := track(0, noisy(rng, began, 1, flat(100))), track(began, noisy(rng, lasts, 1, flat(100)))
				c, _ := pattern.Compare(track(began, noisy(rng, lasts, 1, tt.course)), control, before, signal.Up, tenth)
				if p := c.GrowthProbability(); !(p >= 0 && p <= 1) || (p > 0.5) != tt.likely {
					t.Errorf("seed %d: GrowthProbability() = %v, want over a half = %v", seed, p, tt.likely)
				}
			}
		})
	}
}

// TestShapesFlatline: it stands still while the control varies by a twentieth;
// beside a control that hardly varies either that says nothing.
func TestShapesFlatline(t *testing.T) {
	for seed := range runs {
		for _, tt := range []struct {
			sd   float64
			want bool
		}{{5, true}, {0.1, false}, {0, false}} {
			rng := seeded(seed)
			before, control := track(0, noisy(rng, began, tt.sd, flat(100))), track(began, noisy(rng, lasts, tt.sd, flat(100)))
			canary := track(began, noisy(rng, lasts, 0, flat(100)))
			s := signal.Signal{Name: "x", Kind: signal.CPU}
			c, _ := pattern.Compare(canary, control, before, signal.Up, tenth)
			got := slices.ContainsFunc(pattern.Shapes(0, s, &c, canary, control), func(p pattern.Pattern) bool { return p.Kind == pattern.Flatline })
			if got != tt.want {
				t.Errorf("seed %d: flatline beside noise of %v = %v, want %v", seed, tt.sd, got, tt.want)
			}
		}
	}
}

// TestComesDown: what halves every eight frames has come down beyond chance after
// fourteen, a fault that stands where it was has not, and neither have values
// that waver too much.
func TestComesDown(t *testing.T) {
	for _, tt := range []struct {
		name     string
		from, sd float64
		halves   float64 // in so many frames
		want     bool
	}{
		{"a cold start", 1, 0.07, 8, true},
		{"a fault", 1, 0.07, math.Inf(1), false},
		{"too noisy to tell", 1, 0.4, 8, false},
		{"nothing was slow", 0, 0.07, 8, false},
	} {
		c := pattern.Comparison{SD: tt.sd, Tau: 1}
		for k := range 14 {
			c.Difference = append(c.Difference, tt.from*math.Exp2(-float64(k)/tt.halves))
		}
		if got := c.ComesDown(); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestLevelled: what rose with a few steps of the traffic, and stands, does not
// grow, and what grows does.
func TestLevelled(t *testing.T) {
	flat := func(int) float64 { return 100 }
	for name, tt := range map[string]struct {
		course func(k int) float64
		want   bool
	}{
		"grows":               {func(k int) float64 { return 100 + 0.4*float64(k) }, true},
		"two steps, one late": {func(k int) float64 { return 100 + 8*float64(min(2, k/30)) }, false},
		"it has levelled off": {func(k int) float64 { return 100 + 0.4*float64(min(k, 45)) }, false},
		"from the middle on":  {func(k int) float64 { return 100 + 0.8*float64(max(0, k-45)) }, true},
	} {
		said := 0
		const seeds = 40
		for seed := range uint64(seeds) {
			rng := rand.New(rand.NewPCG(seed, 9))
			c, ok := pattern.Compare(track(30, noisy(rng, 90, 1, tt.course)), track(30, noisy(rng, 90, 1, flat)), track(0, noisy(rng, 30, 1, flat)), signal.Up, pattern.Size{Relative: 0.1})
			if ok && c.Growing() {
				said++
			}
		}
		if share := float64(said) / seeds; tt.want && share < 0.9 || !tt.want && share > 0.1 {
			t.Errorf("%s: said to grow in %.0f %%", name, 100*share)
		}
	}
}
