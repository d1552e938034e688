package model_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/model"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/simulate"
	"github.com/foreshock/foreshock/stats"
)

var services = flag.Int("services", 24, "simulated services of TestFailsAt")

var unlimited = math.Inf(1)

// randomService draws a system of two services, a new version of the first
// whose limit lies between 35 and 100 % of the traffic, and where that is.
func randomService(rng *rand.Rand, kind int) (f *model.File, fails float64) {
	for {
		m := drawModel(rng, kind)
		uses, err := m.AtRest()
		if err != nil || uses[0].Share > 0.7 || uses[0].Share < 0.15 {
			continue
		}
		b, err := m.Breaks(simulate.Fluid, 1, 120)
		if err != nil || !b.Harmed || b.Weight < 0.35 || b.Baseline > 0.002 {
			continue
		}
		return &model.File{Model: m, From: "v1", To: "v2"}, b.Weight
	}
}

func drawModel(rng *rand.Rand, kind int) simulate.Model {
	between := func(a, b float64) float64 { return a + (b-a)*rng.Float64() }
	rate := 50 * math.Exp(between(0, math.Log(20)))
	work := between(0.002, 0.015)
	shop := simulate.Service{
		Name: "shop", Instances: 2 + rng.IntN(6), Cores: 1 + rng.IntN(4), Work: work, Spread: between(0.5, 1.3), Threads: unlimited, Queue: 500,
		Rate: rate, Memory: simulate.Memory{Limit: unlimited},
	}
	db := simulate.Service{
		Name: "db", Instances: 1, Cores: 2 + rng.IntN(7), Work: between(0.002, 0.02), Spread: between(0.5, 1.3), Threads: unlimited, Queue: 500,
		Memory: simulate.Memory{Limit: unlimited},
	}
	call := simulate.Call{Caller: simulate.Caller{Timeout: 2, Tries: 1, Budget: unlimited}, To: 1, Calls: between(0.5, 2), Pool: unlimited}
	if kind == 2 {
		call.Pool = float64(2 + rng.IntN(12))
	}
	shop.Calls = []simulate.Call{call}
	m := simulate.Model{
		Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Interval: 15 * time.Second,
		Services: []simulate.Service{shop, db}, New: shop, Clients: simulate.Caller{Timeout: 3, Tries: 1, Budget: unlimited},
		Objective: simulate.Objective{Latency: 0.5, Harmed: 0.02},
	}
	m.New.Calls = slices.Clone(shop.Calls)
	m.Rollout.Shared = true
	more := between(1.3, 4)
	switch kind {
	case 0: // processor time of its own, behind a flag
		m.New.Work *= more
	case 1: // more queries than the database can do
		m.New.Calls[0].Calls *= more
	case 2: // more queries than its own pool can hold
		m.New.Calls[0].Calls *= more
	}
	return m
}

// A forecastRecord is how well it was said where services fail.
type forecastRecord struct {
	n, said, held float64
	errors        []float64 // points of traffic
	widths        []float64
}

// forecast plays a service to 40 % of where it fails and keeps what is said
// last. drop takes away signals that show what binds.
func (r *forecastRecord) forecast(f *model.File, fails float64, seed uint64, drop bool) {
	const before, step = 12, 16
	m := &f.Model
	seconds := m.Interval.Seconds()
	m.Rollout.Steps = nil
	for k, share := range []float64{0.15, 0.27, 0.4} {
		m.Rollout.Steps = append(m.Rollout.Steps, simulate.Raise{At: float64(before+k*step) * seconds, Weight: share * fails})
	}
	m.Length = time.Duration((before+3*step-1)*seconds) * time.Second
	sys := f.System()
	r0 := &sys.Releases[0]
	r0.Steps = append(r0.Steps, release.Step{At: m.Start.Add(2 * m.Length), CompletedAt: m.Start.Add(2 * m.Length), Weight: 1})
	state := release.New(sys, prevention.DefaultPolicy())
	ticks, err := m.Play(simulate.Auto, seed)
	if err != nil {
		panic(err)
	}
	var last release.Assessment
	for t := range ticks {
		if drop {
			t.Frame.Cells = slices.Clone(t.Frame.Cells)
			for i := range t.Frame.Cells {
				if n := sys.Signals[t.Frame.Cells[i].Signal].Name; n == "cpu" || n == "pool" || n == "threads" {
					t.Frame.Cells[i].Limit = math.NaN()
				}
			}
		}
		if as := state.Step(t.Frame); len(as) > 0 {
			last = as[0]
		}
	}
	r.n++
	for _, p := range last.Predictions {
		if p.Kind != "fails-at" || p.Weight == nil {
			continue
		}
		r.said++
		r.errors = append(r.errors, math.Abs(float64(p.Weight.P50)-100*fails))
		r.widths = append(r.widths, float64(p.Weight.P90-p.Weight.P10))
		if float64(p.Weight.P10) <= 100*fails && 100*fails <= float64(p.Weight.P90) {
			r.held++
		}
		if testing.Verbose() {
			fmt.Printf("fails %.0f said %s %.0f (%.0f to %.0f)\n", 100*fails, p.Signal, float64(p.Weight.P50), float64(p.Weight.P10), float64(p.Weight.P90))
		}
		return
	}
	if testing.Verbose() {
		why := ""
		for _, p := range last.Predictions {
			why += p.Signal + "@" + p.Service + ": " + p.Reason + "; "
		}
		fmt.Printf("fails %.0f nothing said %s | %s\n", 100*fails, why, last.Sentence)
	}
}

func (r *forecastRecord) String() string {
	slices.Sort(r.errors)
	slices.Sort(r.widths)
	return fmt.Sprintf("%.0f | %.0f %% | %.1f | %.0f %% | %.1f |", r.n, 100*r.said/r.n, stats.SortedQuantile(r.errors, 0.5), 100*r.held/r.said, stats.SortedQuantile(r.widths, 0.5))
}

var kinds = []string{"its processor", "the database's processor", "its pool of connections"}

func TestFailsAt(t *testing.T) {
	for kind, name := range kinds {
		for _, drop := range []bool{false, true} {
			rng := rand.New(rand.NewPCG(uint64(kind), 9))
			var r forecastRecord
			for k := range *services / 3 {
				f, fails := randomService(rng, kind)
				r.forecast(f, fails, uint64(k), drop)
			}
			fmt.Printf("| %s, hidden %v | %s\n", name, drop, &r)
		}
	}
}
