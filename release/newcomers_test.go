package release_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// joined plays a release of so many instances at a tenth of the traffic that gets as
// many more in frame 20, and returns its assessments. What is said of the two groups is
// how much slower they are than the control, frames after their start.
func joined(each int, first, second func(age int) float64) []release.Assessment {
	rng := rand.New(rand.NewPCG(81, 82))
	sys := smallSystem(release.Safe)
	sys.Releases[0].Canary = `version="2"`
	sys.Releases[0].Steps = []release.Step{{Weight: 0.1}, {Weight: 0.2}, {Weight: 1}}
	s := release.New(sys, prevention.DefaultPolicy())
	var out []release.Assessment
	for k := -foldBegins; k < 50; k++ {
		f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
		of := func(name string, age int, times float64) signal.Reading {
			r := present(0.1 * times * (1 + 0.02*rng.NormFloat64()))
			r.Instance, r.Age = name, time.Duration(age)*15*time.Second
			return r
		}
		add := func(c signal.Cohort, rs ...signal.Reading) {
			f.Cells = append(f.Cells, signal.Cell{Cohort: c, Limit: math.NaN(), Readings: rs})
		}
		add(signal.Control, of("old-0", k+1000, 1), of("old-1", k+1000, 1))
		if k >= 0 {
			f.Exposure[0] = signal.Exposure{Weight: 0.1, Step: 1}
			var rs []signal.Reading
			for n := range each {
				rs = append(rs, of(fmt.Sprint("new-0", n), k, first(k)))
			}
			if k >= 20 {
				f.Exposure[0] = signal.Exposure{Weight: 0.2, Step: 2}
				for n := range each {
					rs = append(rs, of(fmt.Sprint("new-1", n), k-20, second(k-20)))
				}
			}
			add(signal.Canary, rs...)
		}
		out = append(out, s.Step(f)...)
	}
	return out
}

// TestNewcomers: what is slow since a step because the instance is cold that came with
// it is held, and let on when that is warm; not so where the older one is slow too.
func TestNewcomers(t *testing.T) {
	well := func(int) float64 { return 1 }
	cold := func(age int) float64 { return 1 + 3*math.Exp(-float64(age)/5) }
	for _, tt := range []struct {
		name          string
		each          int
		first, second func(int) float64
		want          bool
	}{
		{"the second is cold", 1, well, cold, false},
		{"the second is slow for good", 1, well, func(int) float64 { return 3 }, true},
		{"more than are told apart are slow for good", 8, well, func(int) float64 { return 3 }, true},
		{"both are slow since the step", 1, func(age int) float64 {
			if age >= 20 {
				return 2
			}
			return 1
		}, cold, true},
	} {
		as := joined(tt.each, tt.first, tt.second)
		if back := first(as, prevention.Rollback); back >= 0 != tt.want {
			t.Errorf("%s: rolled back in frame %d, want a rollback: %v; at last %s", tt.name, back, tt.want, as[len(as)-1].Sentence)
		}
	}
}
