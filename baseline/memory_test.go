package baseline_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/foreshock/foreshock/baseline"
)

// A sample is one value to learn.
type sample struct {
	at     time.Time
	signal string
	value  float64
	span   time.Duration
}

// genSamples draws values over up to ten weeks, of up to three series.
func genSamples(t *rapid.T) []sample {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	size := rapid.SampledFrom([]float64{1e-6, 1, 1e9}).Draw(t, "size")
	out := make([]sample, rapid.IntRange(0, 3000).Draw(t, "samples"))
	for i := range out {
		out[i] = sample{
			at: monday.Add(time.Duration(rng.Int64N(int64(10 * 7 * 24 * time.Hour)))), signal: string(rune('a' + rng.IntN(3))),
			value: size * (1 + rng.NormFloat64()), span: time.Duration(1 + rng.Int64N(int64(time.Hour))),
		}
	}
	return out
}

func learned(samples []sample) *baseline.Memory {
	m := baseline.New(baseline.Options{})
	for _, s := range samples {
		m.Learn("shop", s.signal, s.at, s.value, s.span)
	}
	return m
}

func merged(t *rapid.T, ms ...*baseline.Memory) *baseline.Memory {
	out := ms[0]
	for _, m := range ms[1:] {
		var err error
		if out, err = out.Merge(m); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// alike compares two memories by what they say over a week.
func alike(t *rapid.T, what string, a, b *baseline.Memory) {
	if a.Len() != b.Len() {
		t.Fatalf("%s: %d and %d series", what, a.Len(), b.Len())
	}
	for _, signal := range []string{"a", "b", "c"} {
		if x, y := a.Hours("shop", signal), b.Hours("shop", signal); math.Abs(x-y) > 1e-9*x {
			t.Fatalf("%s: %v and %v hours of %s", what, x, y, signal)
		}
		for k := range 168 * 2 {
			at := monday.Add(10*7*24*time.Hour + time.Duration(k)*30*time.Minute)
			la, sa := a.Level("shop", signal, at)
			lb, sb := b.Level("shop", signal, at)
			if math.IsNaN(la) != math.IsNaN(lb) || math.Abs(la-lb) > 1e-6*sa || math.Abs(sa-sb) > 1e-6*sa {
				t.Fatalf("%s: %s at %s is %v ± %v and %v ± %v", what, signal, at, la, sa, lb, sb)
			}
		}
	}
}

// TestLawMerge holds that memories of parts merge into the memory of the
// whole, in any order and however the parts are grouped.
func TestLawMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := genSamples(t)
		var parts [3][]sample
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "split"), 0))
		for _, s := range all {
			k := rng.IntN(3)
			parts[k] = append(parts[k], s)
		}
		a, b, c := learned(parts[0]), learned(parts[1]), learned(parts[2])
		whole := learned(all)
		alike(t, "parts and whole", merged(t, a, b, c), whole)
		alike(t, "another order", merged(t, c, a, b), whole)
		alike(t, "another grouping", merged(t, a, merged(t, b, c)), whole)
		rng.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
		alike(t, "learned in another order", learned(all), whole)
	})
}

// TestLawSave holds that a memory that is saved and loaded is the same, to the
// byte, and within its bound.
func TestLawSave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := learned(genSamples(t))
		data, err := m.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		back, err := baseline.Load(data)
		if err != nil {
			t.Fatal(err)
		}
		again, err := back.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if string(again) != string(data) {
			t.Fatalf("%d bytes were saved, and %d others after they were loaded", len(data), len(again))
		}
		if most := 100 + m.Len()*(4096+64); len(data) > most {
			t.Fatalf("%d series take %d bytes, want at most %d", m.Len(), len(data), most)
		}
	})
}

// repeats learns weeks that are all alike: a value for each hour of the week
// and part of it, and one more or less in turns that go with no slope.
func repeats(weeks int, value func(hour float64) float64) *baseline.Memory {
	m := baseline.New(baseline.Options{})
	for k := range weeks * 168 * 60 {
		noise := []float64{1, -1, -1, 1}[k%4]
		m.Learn("shop", "a", monday.Add(time.Duration(k)*time.Minute), value(math.Mod((float64(k)+0.5)/60, 168))+noise, time.Minute)
	}
	return m
}

// TestLevel holds levels and spreads against what is known by hand.
func TestLevel(t *testing.T) {
	m := repeats(3, func(hour float64) float64 { return 100 + 10*math.Mod(hour, 24) })
	later := monday.Add(3 * 7 * 24 * time.Hour)
	for _, tt := range []struct {
		at   time.Duration
		want float64
	}{
		{10*time.Hour + 30*time.Minute, 205}, // the middle of an hour
		{11 * time.Hour, 210},                // half way between 205 and 215
		{10*time.Hour + 45*time.Minute, 207.5},
		{34*time.Hour + 30*time.Minute, 205}, // Tuesday
		{164 * time.Hour, 300},               // Sunday 20:00
	} {
		level, spread := m.Level("shop", "a", later.Add(tt.at))
		if math.Abs(level-tt.want) > 1e-9 || math.Abs(spread-1) > 0.02 {
			t.Errorf("Level %s into the week = %v ± %v, want %v ± 1", tt.at, level, spread, tt.want)
		}
	}
}

// TestLevelIsSmooth holds that nothing jumps at the full hour.
func TestLevelIsSmooth(t *testing.T) {
	m := repeats(2, func(hour float64) float64 { return math.Mod(37*math.Floor(hour), 24) })
	later := monday.Add(2 * 7 * 24 * time.Hour)
	last, lastSpread := m.Level("shop", "a", later)
	for k := 1; k <= 168*60; k++ {
		level, spread := m.Level("shop", "a", later.Add(time.Duration(k)*time.Minute))
		if math.Abs(level-last) > 24.0/60+1e-9 || math.Abs(spread-lastSpread) > 1 {
			t.Fatalf("minute %d: from %v ± %v to %v ± %v", k, last, lastSpread, level, spread)
		}
		last, lastSpread = level, spread
	}
}

// TestUnknown holds that what was not seen often enough is not known.
func TestUnknown(t *testing.T) {
	flat := func(from, to int) *baseline.Memory {
		m := baseline.New(baseline.Options{})
		for k := from * 60; k < to*60; k++ {
			m.Learn("shop", "a", monday.Add(time.Duration(k)*time.Minute), 5+float64(k%2), time.Minute)
		}
		return m
	}
	gap := flat(0, 80)
	gap, _ = gap.Merge(flat(81, 168)) // Thursday 08:00 is missing
	for _, tt := range []struct {
		name string
		m    *baseline.Memory
		at   time.Duration
		want bool
	}{
		{"nothing was learned", flat(0, 0), 0, false},
		{"a single day tells nothing of how days differ", flat(0, 24), 10 * time.Hour, false},
		{"three days do", flat(0, 72), 10 * time.Hour, true},
		{"a day that was not seen", flat(0, 72), 82 * time.Hour, false},
		{"an hour that was seen on other days", gap, 80*time.Hour + 30*time.Minute, true},
		{"four half-lives later", flat(0, 168), 16 * 7 * 24 * time.Hour, false},
	} {
		if level, spread := tt.m.Level("shop", "a", monday.Add(tt.at)); math.IsNaN(level) == tt.want || math.IsNaN(spread) == tt.want {
			t.Errorf("%s: %v ± %v, want it known: %v", tt.name, level, spread, tt.want)
		}
	}
	if level, _ := flat(0, 168).Level("shop", "b", monday); !math.IsNaN(level) {
		t.Errorf("a signal that was never seen has the level %v", level)
	}
}

// TestForgets holds that a level that changed four weeks ago counts half, and
// one that changed for good is taken over.
func TestForgets(t *testing.T) {
	m := baseline.New(baseline.Options{})
	const week = 7 * 24 * time.Hour
	for k := range 5 * 168 * 4 {
		v := 100.0
		if k >= 4*168*4 {
			v = 200
		}
		if week := k / (168 * 4); week == 0 || week == 4 {
			m.Learn("shop", "a", monday.Add(time.Duration(k)*15*time.Minute), v, 15*time.Minute)
		}
	}
	level, _ := m.Level("shop", "a", monday.Add(5*week+12*time.Hour))
	if want := (100*0.5 + 200) / 1.5; math.Abs(level-want) > 0.01*want {
		t.Errorf("level %v four weeks after a change of 100 to 200 that was seen for a week, want %v", level, want)
	}
}

// TestWeekends holds that a weekend that differs is believed after one week,
// and that days that differ by chance are drawn together.
func TestWeekends(t *testing.T) {
	m := repeats(1, func(hour float64) float64 {
		if hour >= 120 {
			return 50
		}
		return 100
	})
	saturday := monday.Add(7*24*time.Hour + 5*24*time.Hour + 12*time.Hour)
	if level, _ := m.Level("shop", "a", saturday); math.Abs(level-50) > 1 {
		t.Errorf("Saturday is %v after a week of 100 with weekends of 50, want 50", level)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var byDay [168]float64
	for i := range byDay {
		byDay[i] = 100 + 10*rng.NormFloat64()
	}
	m = repeats(1, func(hour float64) float64 { return byDay[int(hour)] })
	var own, drawn float64
	for i := range byDay {
		level, _ := m.Level("shop", "a", monday.Add(7*24*time.Hour+time.Duration(i)*time.Hour+30*time.Minute))
		own, drawn = own+(byDay[i]-100)*(byDay[i]-100), drawn+(level-100)*(level-100)
	}
	if !(drawn < own/4) {
		t.Errorf("hours that differ by chance alone are drawn together to a variance of %.1f of %.1f; want under a quarter", drawn/168, own/168)
	}
}

// TestLearnRefuses holds that what is no number of a span is left out.
func TestLearnRefuses(t *testing.T) {
	m := baseline.New(baseline.Options{})
	m.Learn("shop", "a", monday, math.NaN(), time.Minute)
	m.Learn("shop", "a", monday, math.Inf(1), time.Minute)
	m.Learn("shop", "a", monday, 1e200, time.Minute)
	m.Learn("shop", "a", monday, 1, 0)
	if m.Len() != 0 {
		t.Errorf("%d series after nothing but refused values, want none", m.Len())
	}
}

func TestMergeRefuses(t *testing.T) {
	a, b := baseline.New(baseline.Options{}), baseline.New(baseline.Options{HalfLife: 24 * time.Hour})
	if _, err := a.Merge(b); err == nil || !strings.Contains(err.Error(), "half") {
		t.Errorf("merge of unlike half-lives: %v, want an error that says so", err)
	}
}

// TestLoadErrors holds that every fault is told apart, with its mend.
func TestLoadErrors(t *testing.T) {
	good, err := repeats(1, func(float64) float64 { return 1 }).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	change := func(at int, b byte) []byte {
		out := append([]byte{}, good...)
		out[at] = b
		return out
	}
	for _, tt := range []struct {
		name, want string
		data       []byte
	}{
		{"nothing", "not a memory of normal", nil},
		{"another file", "not a memory of normal", []byte(strings.Repeat("x", 100))},
		{"a later version", "has version 9", change(len("foreshock normal\n"), 9)},
		{"a flipped byte", "checksum", change(len(good)-3, good[len(good)-3]^1)},
		{"a lost end", "checksum", good[:len(good)-1]},
	} {
		_, err := baseline.Load(tt.data)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}

// BenchmarkLevel looks one series up at one instant.
func BenchmarkLevel(b *testing.B) {
	m := repeats(4, func(hour float64) float64 { return math.Mod(hour, 24) })
	at := monday.Add(4 * 7 * 24 * time.Hour)
	for b.Loop() {
		m.Level("shop", "a", at)
		at = at.Add(time.Minute)
	}
}
