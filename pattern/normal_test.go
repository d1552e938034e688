package pattern_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// recalling returns the track of values, each beside what is normal with the
// given spread.
func recalling(origin int, values []float64, normal func(frame int) float64, spread float64) *pattern.Track {
	t := pattern.NewTrack(origin)
	for i, v := range values {
		r := signal.Missing(signal.Present, "")
		r.Value, r.Age = v, 24*time.Hour
		r.Level, r.Spread = normal(origin+i), spread
		if math.IsNaN(v) {
			r = signal.Missing(signal.Empty, "")
		}
		t.Add(origin+i, signal.Cell{Limit: math.NaN(), Readings: []signal.Reading{r}}, 60)
	}
	return t
}

// rising is what is normal on a morning: 100 until the release, and one more
// each frame from then on.
func rising(frame int) float64 { return 100 + math.Max(0, float64(frame-began)) }

// over returns a course over a morning.
func over(origin int, by float64) func(int) float64 {
	return func(i int) float64 { return rising(origin+i) + by }
}

// expected is the mean of a morning from a frame on.
func expected(from float64) float64 {
	var sum, n float64
	for f := began + lasts - 1; float64(f) >= math.Max(from, began); f-- {
		sum, n = sum+rising(f), n+1
	}
	return sum / n
}

// TestCompareFollowsTheDay: a rise that is normal is no evidence, and what
// comes on top of it is. The service lies 10 over what is normal today, before
// and after: that is no news either.
func TestCompareFollowsTheDay(t *testing.T) {
	for seed := range 40 {
		rng := seeded(seed)
		before := recalling(0, noisy(rng, began, 5, over(0, 10)), rising, 6)
		for _, by := range []float64{0, 50} {
			values := noisy(rng, lasts, 5, over(began, 10+by))
			c, _ := pattern.Compare(recalling(began, values, rising, 6), nil, before, signal.Up, tenth)
			if !c.Recalled || (c.LogE > sure) != (by > 0) || c.Growing() || by > 0 && c.Typical < c.Size {
				t.Errorf("seed %d, %v over normal: recalled %v, log e-value %.1f, growing %v, effect %.1f", seed, by, c.Recalled, c.LogE, c.Growing(), c.Typical)
			}
			if want := expected(c.Onset.P50) + 10; math.Abs(c.Level-want) > 3 || by > 0 && math.Abs(c.Now-want-by) > 5 {
				t.Errorf("seed %d: %.1f against %.1f expected, want %v more than %v", seed, c.Now, c.Level, by, want)
			}
			plain, _ := pattern.Compare(track(began, values), nil, before, signal.Up, tenth)
			if plain.LogE < sure || plain.Recalled {
				t.Errorf("seed %d: without memory the rise has the log e-value %.1f; the test shows nothing", seed, plain.LogE)
			}
		}
	}
}

// TestCompareLong is the same over so many frames that they are kept in blocks.
func TestCompareLong(t *testing.T) {
	wave := func(frame int) float64 { return 100 + 30*math.Sin(float64(frame)/100) }
	course := func(i int) float64 { return wave(began + i) }
	rng := seeded(3)
	before := recalling(0, noisy(rng, began, 2, wave), wave, 3)
	c, _ := pattern.Compare(recalling(began, noisy(rng, 700, 2, course), wave, 3), nil, before, signal.Up, tenth)
	for _, d := range c.Difference {
		if math.Abs(d) > 4 {
			t.Errorf("a block of 16 frames is %.1f away from what is normal, want under 4", d)
		}
	}
}

// TestCompareWithMemoryAlone: what was never seen before is compared with what
// is normal; a change within it is none.
func TestCompareWithMemoryAlone(t *testing.T) {
	for _, tt := range []struct {
		by   float64
		want bool
	}{{0, false}, {6, false}, {-50, false}, {50, true}} {
		c, ok := pattern.Compare(recalling(began, noisy(seeded(1), lasts, 5, over(began, tt.by)), rising, 6), nil, nil, signal.Up, tenth)
		if !ok || (c.LogE > sure) != tt.want {
			t.Errorf("%v from normal ± 6, and nothing before: ok %v, log e-value %.1f; want it sure: %v", tt.by, ok, c.LogE, tt.want)
		}
	}
	if _, ok := pattern.Compare(track(began, noisy(seeded(1), lasts, 2, over(began, 0))), nil, nil, signal.Up, tenth); ok {
		t.Errorf("with neither a past nor memory there is something to say")
	}
}

// TestCompareSlowly: what hours differ by themselves is no evidence and no
// growth, however long it lasts.
func TestCompareSlowly(t *testing.T) {
	course := func(i int) float64 { return 100 + 0.4*float64(i) } // 15 in all
	values, past := noisy(seeded(2), lasts, 1, course), noisy(seeded(4), began, 1, flat(100))
	for _, tt := range []struct {
		spread float64
		want   bool
	}{{1.2, true}, {12, false}} {
		flatly := func(int) float64 { return 100 }
		c, _ := pattern.Compare(recalling(began, values, flatly, tt.spread), nil, recalling(0, past, flatly, tt.spread), signal.Up, tenth)
		if c.Growing() != tt.want || (c.LogE > sure) != tt.want {
			t.Errorf("15 more where normal is ± %v: growing %v, log e-value %.1f; want it believed: %v", tt.spread, c.Growing(), c.LogE, tt.want)
		}
	}
}

// TestLawLiveControl: beside a live control memory changes nothing.
func TestLawLiveControl(t *testing.T) {
	for seed := range 40 {
		rng := seeded(seed)
		before, control, canary := noisy(rng, began, 5, flat(100)), noisy(rng, lasts, 5, flat(100)), noisy(rng, lasts, 5, stepAt(20, float64(seed)))
		control[7], control[lasts-1-seed%3] = math.NaN(), math.NaN() // missed once or twice
		want, _ := pattern.Compare(track(began, canary), track(began, control), track(0, before), signal.Up, tenth)
		got, _ := pattern.Compare(recalling(began, canary, rising, 3), recalling(began, control, rising, 3), recalling(0, before, rising, 3), signal.Up, tenth)
		if math.IsNaN(want.LogE) || !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: with memory %+v\nwithout %+v", seed, got, want)
		}
	}
}

// TestCompareAfterTheControl: when the control has gone, what it last showed
// is moved with the day.
func TestCompareAfterTheControl(t *testing.T) {
	rng := seeded(1)
	before := recalling(0, noisy(rng, began, 5, over(0, 0)), rising, 6)
	control := noisy(rng, lasts, 5, over(began, 0))
	for i := 10; i < lasts; i++ {
		control[i] = math.NaN()
	}
	values := noisy(rng, lasts, 5, over(began, 0))
	c, _ := pattern.Compare(recalling(began, values, rising, 6), recalling(began, control, rising, 6), before, signal.Up, tenth)
	plain, _ := pattern.Compare(track(began, values), track(began, control), before, signal.Up, tenth)
	if c.LogE > 0.5*sure || !c.Recalled || math.Abs(c.Level-expected(c.Onset.P50)) > 3 {
		t.Errorf("over a normal rise after the control had gone: log e-value %.1f, recalled %v, level %.1f; want none, true, about %v", c.LogE, c.Recalled, c.Level, expected(c.Onset.P50))
	}
	if plain.LogE < sure {
		t.Errorf("without memory the log e-value is %.1f; the test shows nothing", plain.LogE)
	}
}

// TestCompareForgetful: a memory that does not know one frame in five does not
// serve, and one that begins later does not either.
func TestCompareForgetful(t *testing.T) {
	values, past := noisy(seeded(1), lasts, 2, flat(100)), noisy(seeded(2), began, 2, flat(100))
	for _, tt := range []struct {
		name   string
		normal func(int) float64
		want   bool
	}{
		{"always known", flat(100), true},
		{"one frame in twenty is not known", unless(func(f int) bool { return f%20 == 5 }), true},
		{"one frame in five is not known", unless(func(f int) bool { return f%5 == 1 }), false},
		{"not known at first", unless(func(f int) bool { return f == began }), false},
		{"not known now", unless(func(f int) bool { return f == began+lasts-1 }), false},
	} {
		c, _ := pattern.Compare(recalling(began, values, tt.normal, 3), nil, recalling(0, past, flat(100), 3), signal.Up, tenth)
		if c.Recalled != tt.want {
			t.Errorf("%s: recalled %v, want %v", tt.name, c.Recalled, tt.want)
		}
	}
}

func unless(unknown func(int) bool) func(int) float64 {
	return func(f int) float64 {
		if unknown(f) {
			return math.NaN()
		}
		return 100
	}
}
