package release_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestSharedRunsOut: processors that get fuller whichever version serves are told
// of with a time, long before; shortly before nothing more is let on, and nobody
// is blamed. Where they stay as they are nothing is said.
func TestSharedRunsOut(t *testing.T) {
	const perFrame = 0.02 // at 90 % of the limit in frame 25
	for _, tt := range []struct {
		name  string
		noise float64
		grows bool
		whole bool // one series for both versions
	}{
		{"both versions", 0.01, true, false},
		{"both versions, to the last digit", 0, true, false},
		{"what they share", 0.01, true, true},
		{"both versions, steady", 0.01, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sys := smallSystem(release.Safe)
			sys.Signals = append(sys.Signals, signal.Signal{
				Name: "cpu", Family: "cpu", Kind: signal.CPU, Unit: signal.ParseUnit("ratio"), Scope: signal.PerCohort,
				Limit: signal.Limit{Set: true, Value: 1},
			})
			state, rng := release.New(sys, prevention.DefaultPolicy()), rand.New(rand.NewPCG(1, 2))
			cell := func(id int, c signal.Cohort, v float64) signal.Cell {
				r := signal.Missing(signal.Present, fmt.Sprint(c))
				r.Value, r.Age = v*(1+tt.noise*rng.NormFloat64()), time.Hour
				x := signal.Cell{Signal: id, Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{r}}
				if id == 1 {
					x.Limit = 1
				}
				return x
			}
			if tt.whole {
				sys.Signals[1].Scope = signal.PerService
			}
			said, held := -1, -1
			for k := -foldBegins; k <= 27; k++ {
				f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
				level := 0.4
				if tt.grows {
					level += perFrame * math.Max(0, float64(k))
				}
				cohorts := []signal.Cohort{signal.Control}
				if k >= 0 {
					f.Exposure[0] = signal.Exposure{Weight: 0.1, Step: 1}
					cohorts = append(cohorts, signal.Canary)
				}
				for _, c := range cohorts {
					f.Cells = append(f.Cells, cell(0, c, 0.1))
					if !tt.whole {
						f.Cells = append(f.Cells, cell(1, c, level))
					}
				}
				if tt.whole {
					x := cell(1, signal.Whole, level)
					x.Release = -1
					f.Cells = append(f.Cells, x)
				}
				for _, a := range state.Step(f) {
					for _, p := range a.Predictions {
						if p.Kind == "exhausts" && said < 0 {
							said = k
						}
						if left := p.At.P50.Sub(a.At).Seconds() / 15; k > 20 && math.Abs(left-float64(30-k)) > 3 {
							t.Errorf("frame %d: in %.1f frames, want about %d", k, left, 30-k)
						}
					}
					if a.Verdict == "hold" && held < 0 {
						held = k
						if a.Reason != "elsewhere" || a.Blames || !strings.Contains(a.Sentence, "cpu of cart, whichever version serves, is to meet its limit of 100 % at about") {
							t.Errorf("frame %d: %s, blames %v: %s", k, a.Reason, a.Blames, a.Sentence)
						}
					}
					if a.Warns() {
						t.Errorf("frame %d warns: %s", k, a.Sentence)
					}
				}
			}
			if got := said >= 0; got != tt.grows || got && said > 18 {
				t.Errorf("told in frame %d, want that by 18: %v", said, tt.grows)
			}
			if got := held >= 0; got != tt.grows || got && (held < 12 || held > 22) {
				t.Errorf("held in frame %d, want that about 18 to 22: %v", held, tt.grows)
			}
		})
	}
}

// TestLeakIsToldOnce: what runs out in the new version alone is not told again as
// everybody's when the stable version has gone.
func TestLeakIsToldOnce(t *testing.T) {
	sys := smallSystem(release.Safe)
	sys.Signals = []signal.Signal{perCohort("memory", signal.Memory, "MiB")}
	state, rng := release.New(sys, prevention.DefaultPolicy()), rand.New(rand.NewPCG(1, 2))
	told := 0
	for k := -foldBegins; k <= 40; k++ {
		f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
		add := func(c signal.Cohort, v float64) {
			r := signal.Missing(signal.Present, fmt.Sprint(c))
			if r.Value, r.Age = (v+rng.NormFloat64())*(1<<20), time.Hour; v == 0 {
				r = signal.Missing(signal.Empty, fmt.Sprint(c))
			}
			f.Cells = append(f.Cells, signal.Cell{Cohort: c, Limit: 1000 << 20, Readings: []signal.Reading{r}})
		}
		stable := 200.0
		if k >= 20 {
			stable = 0 // it has gone
		}
		add(signal.Control, stable)
		if k >= 0 {
			f.Exposure[0] = signal.Exposure{Weight: 0.1, Step: 1}
			add(signal.Canary, 200+15*float64(k))
		}
		for _, a := range state.Step(f) {
			n := 0
			for _, p := range a.Predictions {
				if p.Kind == "exhausts" {
					n++
				}
			}
			if n > 1 {
				t.Fatalf("frame %d: told %d times: %+v", k, n, a.Predictions)
			}
			if k > 25 {
				told += n
			}
		}
	}
	if told == 0 {
		t.Error("nothing is told once the stable version has gone; the test shows nothing")
	}
}
