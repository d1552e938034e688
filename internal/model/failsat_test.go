package model_test

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/doctable"
	"github.com/foreshock/foreshock/internal/model"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
	"github.com/foreshock/foreshock/stats"
)

var (
	services = flag.Int("services", 0, "simulated services of TestFailsAt; 0 means as many as an everyday run affords")
	draw     = flag.Uint64("draw", 9, "which services TestFailsAt draws: what is chosen is chosen on others than 9, which the table is of")
	update   = flag.Bool("update", false, "rewrite the measured table in docs/method/exposure.md")
)

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

// What is known of the resource that binds.
const (
	measured    = iota // its use is
	notMeasured        // latencies, errors and calls alone are
)

// A forecastRecord is how well it was said where services fail.
type forecastRecord struct {
	n, said, held float64
	errors        []float64 // points of traffic
	widths        []float64
}

// blur takes away what is not known.
func blur(f *signal.Frame, sys release.System, known int) {
	if known == measured {
		return
	}
	f.Cells = slices.Clone(f.Cells)
	bound := func(c signal.Cell) bool {
		k := sys.Signals[c.Signal].Kind
		return k == signal.CPU || k == signal.Saturation
	}
	f.Cells = slices.DeleteFunc(f.Cells, bound)
}

// forecast plays a service to 40 % of where it fails and keeps what is said
// last.
func (r *forecastRecord) forecast(f *model.File, fails float64, seed uint64, known int) {
	const before, step = 12, 16
	m := &f.Model
	seconds := m.Interval.Seconds()
	m.Rollout.Steps = nil
	for k, share := range []float64{0.15, 0.27, 0.4} {
		m.Rollout.Steps = append(m.Rollout.Steps, simulate.Raise{At: float64(before+k*step) * seconds, Weight: share * fails})
	}
	m.Length = time.Duration((before+3*step-1)*seconds) * time.Second
	sys := f.System()
	at := m.Start.Add(2 * m.Length)
	sys.Releases[0].Steps = append(sys.Releases[0].Steps, release.Step{At: at, CompletedAt: at, Weight: 1})
	state := release.New(sys, prevention.DefaultPolicy())
	ticks, err := m.Play(simulate.Auto, seed)
	if err != nil {
		panic(err)
	}
	var last release.Assessment
	for t := range ticks {
		blur(&t.Frame, sys, known)
		if as := state.Step(t.Frame); len(as) > 0 {
			last = as[0]
		}
	}
	r.n++
	k := slices.IndexFunc(last.Predictions, func(p release.Prediction) bool { return p.Kind == "fails-at" && p.Weight != nil })
	if k < 0 {
		return
	}
	w, truth := last.Predictions[k].Weight, 100*fails
	r.said++
	r.errors = append(r.errors, math.Abs(float64(w.P50)-truth))
	r.widths = append(r.widths, float64(w.P90-w.P10))
	if float64(w.P10) <= truth && truth <= float64(w.P90) {
		r.held++
	}
}

func (r *forecastRecord) String() string {
	if r.said == 0 {
		return fmt.Sprintf("%.0f | 0 %% | – | – | – |", r.n)
	}
	return fmt.Sprintf("%.0f | %.0f %% | %.1f | %.1f | %.0f %% |", r.n, 100*r.said/r.n, stats.Median(r.errors), stats.Median(r.widths), 100*r.held/r.said)
}

// TestFailsAt plays services with a new version to 40 % of the traffic at
// which it fails, by the model's own callers, and holds what is said then
// against it. With -services 500 -update it writes the table of
// docs/method/exposure.md.
func TestFailsAt(t *testing.T) {
	if testing.Short() {
		t.Skip("plays many services; go test ./internal/model -run TestFailsAt")
	}
	n := cmp.Or(*services, 6) / 3
	var b strings.Builder
	b.WriteString("| what binds, and what is known of it | n | said | median error | median width | 80 % intervals that hold |\n|---|---|---|---|---|---|\n")
	var all [2]forecastRecord
	for kind, what := range []string{"its processor", "the database's processor", "its pool of connections"} {
		var rs [2]forecastRecord
		rng := rand.New(rand.NewPCG(uint64(kind), *draw))
		for k := range n {
			f, fails := randomService(rng, kind)
			for known := range rs {
				rs[known].forecast(f, fails, uint64(k), known)
			}
		}
		for known, r := range rs {
			fmt.Fprintf(&b, "| %s, %s | %s\n", what, []string{"measured", "not measured"}[known], &r)
			x := &all[known]
			x.n, x.said, x.held = x.n+r.n, x.said+r.said, x.held+r.held
			x.errors, x.widths = append(x.errors, r.errors...), append(x.widths, r.widths...)
		}
	}
	for known, r := range all {
		fmt.Fprintf(&b, "| all, %s | %s\n", []string{"measured", "not measured"}[known], &r)
	}
	t.Log("\n" + b.String())
	for known, most := range map[int]float64{measured: 8, notMeasured: 15} {
		r := all[known]
		if r.said < 0.8*r.n {
			t.Errorf("of %v services something is said of %v, want 8 in 10", r.n, r.said)
		}
		if e := stats.Median(r.errors); e > most && r.said >= 10 {
			t.Errorf("off by %.1f points of traffic in the median of %v, want at most %v", e, r.said, most)
		}
		if least := 0.75 - 3*math.Sqrt(0.16/math.Max(1, r.said)); r.held/r.said < least {
			t.Errorf("%.0f of %.0f intervals of 80 %% hold", r.held, r.said)
		}
	}
	if *update && *services > 0 && *draw == 9 {
		doctable.Write(t, "../../docs/method/exposure.md", "models", b.String())
	}
}
