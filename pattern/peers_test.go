package pattern_test

import (
	"math"
	"testing"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// peers are n services at levels 100, 200, … before and after frame 60, each
// with noise of a twentieth of its level. What follows is its course as a
// share of the level.
func peers(seed, n int, course func(service, i int) float64) []pattern.Subject {
	rng := seeded(seed)
	out := make([]pattern.Subject, n)
	for j := range out {
		level := 100 * float64(j+1)
		out[j] = pattern.Subject{
			Before: track(0, noisy(rng, began, level/20, flat(level))),
			After:  track(began, noisy(rng, lasts, level/20, func(i int) float64 { return level * course(j, i) })),
			Worse:  signal.Up, Size: tenth,
		}
	}
	return out
}

func only(who int, by float64) func(int, int) float64 {
	return func(service, _ int) float64 {
		if service == who {
			return by
		}
		return 1
	}
}

// TestAmong: over 30 seeds a common move is nobody's, one outlier is found
// and nobody else, also when all move; with four services each has only its
// own past.
func TestAmong(t *testing.T) {
	tests := []struct {
		name   string
		n      int
		course func(service, i int) float64
		worse  func(service int) bool
	}{
		{"nothing", 6, only(-1, 1), func(int) bool { return false }},
		{"all rise", 6, func(int, int) float64 { return 1.5 }, func(int) bool { return false }},
		{"one rises", 6, only(2, 1.5), func(j int) bool { return j == 2 }},
		{"all rise and one more", 6, func(j, _ int) float64 {
			if j == 2 {
				return 2
			}
			return 1.5
		}, func(j int) bool { return j == 2 }},
		{"all of four rise", 4, func(int, int) float64 { return 1.5 }, func(int) bool { return true }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range 30 {
				cs, ok := pattern.Among(peers(seed, tt.n, tt.course))
				for j := range cs {
					if !ok[j] {
						t.Fatalf("seed %d: no comparison of service %d", seed, j)
					}
					if got := cs[j].LogE >= sure && cs[j].Typical >= cs[j].Size; got != tt.worse(j) {
						t.Errorf("seed %d: service %d has LogE %v and %v of %v, worse = %v, want %v", seed, j, cs[j].LogE, cs[j].Typical, cs[j].Size, got, tt.worse(j))
					}
				}
			}
		})
	}
}

// TestAmongNothing: a service without a past has no comparison.
func TestAmongNothing(t *testing.T) {
	ss := peers(1, 2, only(-1, 1))
	ss[1].Before = pattern.NewTrack(0)
	_, ok := pattern.Among(ss)
	if !ok[0] || ok[1] {
		t.Errorf("Among is ok = %v, want [true false]", ok)
	}
}

// recents are n services at level 100 with noise 5 over 64 frames.
func recents(seed, n int, course func(service, i int) float64) []pattern.Recent {
	rng := seeded(seed)
	out := make([]pattern.Recent, n)
	for j := range out {
		out[j] = pattern.Recent{Ring: ring(noisy(rng, 64, 5, func(i int) float64 { return 100 * course(j, i) })), Frame: 163, Worse: signal.Up, Size: tenth}
	}
	return out
}

func ring(values []float64) *pattern.Ring {
	r := &pattern.Ring{}
	for _, v := range values {
		r.Add(v)
	}
	return r
}

// TestLately: over 30 seeds a common move of the last frames is nobody's, and
// one service that departs is found with its onset. The window is frames 100
// to 163.
func TestLately(t *testing.T) {
	late := func(who func(int) bool, by float64) func(int, int) float64 {
		return func(service, i int) float64 {
			if who(service) && i >= 54 {
				return by
			}
			return 1
		}
	}
	all := func(int) bool { return true }
	second := func(j int) bool { return j == 2 }
	nobody := func(int) bool { return false }
	tests := []struct {
		name   string
		course func(service, i int) float64
		worse  func(int) bool
	}{
		{"nothing", only(-1, 1), nobody},
		{"all rise", late(all, 1.5), nobody},
		{"one rises", late(second, 1.6), second},
		{"one falls", late(second, 0.5), nobody},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range 30 {
				cs, ok := pattern.Lately(recents(seed, 7, tt.course))
				for j := range cs {
					got := ok[j] && cs[j].LogE >= sure && cs[j].Typical >= cs[j].Size
					if got != tt.worse(j) {
						t.Errorf("seed %d: service %d has LogE %v and %v of %v, worse = %v, want %v", seed, j, cs[j].LogE, cs[j].Typical, cs[j].Size, got, tt.worse(j))
					}
					if got && math.Abs(cs[j].Onset.P50-154) > 3 {
						t.Errorf("seed %d: Onset = %+v, want about 154", seed, cs[j].Onset)
					}
				}
			}
		})
	}
}

// TestLatelyGrowth: one service that grows over the whole window is told by
// its slope; the others are not.
func TestLatelyGrowth(t *testing.T) {
	for seed := range 30 {
		cs, ok := pattern.Lately(recents(seed, 7, func(j, i int) float64 {
			if j == 2 {
				return 1 + 0.02*float64(i)
			}
			return 1
		}))
		for j := range cs {
			if !ok[j] {
				t.Fatalf("seed %d: no comparison of service %d", seed, j)
			}
			if got, want := cs[j].Growing(), j == 2; got != want {
				t.Errorf("seed %d: service %d: Growing() = %v (slope %v, log e %v), want %v", seed, j, got, cs[j].Slope, cs[j].SlopeLogE, want)
			}
		}
	}
}

// TestLatelyTooShort: without ten values before the last sixteen frames there
// is nothing to compare with.
func TestLatelyTooShort(t *testing.T) {
	values := noisy(seeded(1), 26, 5, flat(100))
	gap := append([]float64{nan}, values[1:]...)
	for _, tt := range []struct {
		name   string
		values []float64
		want   bool
	}{{"25 frames", values[:25], false}, {"26 frames", values, true}, {"26 frames with a gap", gap, false}} {
		_, ok := pattern.Lately([]pattern.Recent{{Ring: ring(tt.values), Frame: 100, Worse: signal.Up, Size: tenth}})
		if ok[0] != tt.want {
			t.Errorf("Lately(%s) is ok = %v, want %v", tt.name, ok[0], tt.want)
		}
	}
}

// TestRing: it holds the last 64 values, oldest first.
func TestRing(t *testing.T) {
	r := &pattern.Ring{}
	if got := r.Last(); len(got) != 0 {
		t.Errorf("Last() of an empty ring = %v", got)
	}
	for i := range 100 {
		r.Add(float64(i))
	}
	got := r.Last()
	if len(got) != 64 || got[0] != 36 || got[63] != 99 {
		t.Errorf("Last() = %v, want 36 to 99", got)
	}
}
