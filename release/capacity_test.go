package release_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestCapacity: ten instances, at 40 % of their processors and five points
// more a minute. At 65 % it must come out as a sentence with a time, an
// interval, what would hold it, and what would show that it is wrong.
func TestCapacity(t *testing.T) {
	sys := smallSystem(release.Safe)
	sys.Signals = []signal.Signal{{
		Name: "cpu", Family: "cpu", Kind: signal.CPU, Unit: signal.ParseUnit("ratio"), Scope: signal.PerCohort,
		Limit: signal.Limit{Set: true, Value: 1},
	}}
	state := release.New(sys, prevention.DefaultPolicy())
	rng := rand.New(rand.NewPCG(1, 2))
	pods := func(c signal.Cohort, n int, level float64) signal.Cell {
		cell := signal.Cell{Cohort: c, Limit: 1}
		for i := range n {
			r := signal.Missing(signal.Present, fmt.Sprintf("%v-%d", c, i))
			r.Value, r.Age = level+0.01*rng.NormFloat64(), time.Hour
			cell.Readings = append(cell.Readings, r)
		}
		return cell
	}
	const perFrame = 0.05 / 4 // frames are 15 s apart
	var last release.Assessment
	for k := -foldBegins; k <= 20; k++ {
		f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
		f.Cells = append(f.Cells, pods(signal.Control, 10, 0.4))
		if k >= 0 {
			f.Exposure[0] = signal.Exposure{Weight: 0.1, Step: 1}
			f.Cells = append(f.Cells, pods(signal.Canary, 10, 0.4+perFrame*float64(k)))
		}
		if as := state.Step(f); len(as) > 0 {
			last = as[0]
		}
	}
	// 65 % now; 35 points to go at five a minute: seven minutes.
	for _, h := range last.WhatNext {
		if h.Kind != "exhausted" {
			continue
		}
		in, err := time.ParseDuration(h.In.P50)
		if err != nil || math.Abs(in.Minutes()-7) > 1.5 {
			t.Errorf("in %s, want about 7m", h.In.P50)
		}
		if !regexp.MustCompile(`^cpu reaches its limit of 100 % on 10 instances; 1[0-9] would hold it under 80 % for that long$`).MatchString(h.Text) {
			t.Errorf("text %q", h.Text)
		}
		if !regexp.MustCompile(`^if cpu is still under 7\d(\.\d)? % in 3m`).MatchString(h.Watch) {
			t.Errorf("watch %q", h.Watch)
		}
		var sum float64
		for _, x := range last.WhatNext {
			sum += float64(x.Probability)
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("the probabilities of what happens next add up to %v", sum)
		}
		return
	}
	t.Errorf("nothing is said to run out: %+v", last.WhatNext)
}

// TestHeldBack: memory that every request takes some of grows four times as
// fast at 40 % as at 10 %; what is said to run out says what holding it back
// would give. What grows in its own time says nothing of it.
func TestHeldBack(t *testing.T) {
	const stepped, frames = 40, 60
	memory := perCohort("memory", signal.Memory, "MiB")
	for _, tt := range []struct {
		name string
		pace func(weight float64) float64
		want string
	}{
		{"with every request", func(w float64) float64 { return 30 * w }, "; held at 10 % it would take 4 times as long"},
		{"in its own time", func(float64) float64 { return 6 }, ""},
	} {
		sys := smallSystem(release.Safe)
		sys.Signals = []signal.Signal{memory}
		at := sys.Releases[0].Steps[0].At.Add(stepped * 15 * time.Second)
		sys.Releases[0].Steps = append(sys.Releases[0].Steps, release.Step{At: at, CompletedAt: at, Weight: 0.4}, release.Step{At: at.Add(time.Hour), Weight: 1})
		state := release.New(sys, prevention.DefaultPolicy())
		rng := rand.New(rand.NewPCG(3, 4))
		level, said := 100.0, ""
		for k := -foldBegins; k < frames; k++ {
			f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
			cell := func(c signal.Cohort, v float64) signal.Cell {
				return signal.Cell{Cohort: c, Limit: 1500 << 20, Readings: []signal.Reading{present((v + rng.NormFloat64()) * (1 << 20))}}
			}
			f.Cells = append(f.Cells, cell(signal.Control, 100))
			if k >= 0 {
				f.Exposure[0] = signal.Exposure{Weight: 0.1, Step: 1}
				if k >= stepped {
					f.Exposure[0] = signal.Exposure{Weight: 0.4, Step: 2}
				}
				level += tt.pace(f.Exposure[0].Weight)
				f.Cells = append(f.Cells, cell(signal.Canary, level))
			}
			for _, a := range state.Step(f) {
				for _, h := range a.WhatNext {
					if h.Kind == "exhausted" {
						said = h.Text
					}
				}
			}
		}
		if want := "memory reaches its limit of 1.46 GiB" + tt.want; said != want {
			t.Errorf("what grows %s: %q, want %q", tt.name, said, want)
		}
	}
}
