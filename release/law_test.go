package release_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/foreshock/foreshock/baseline"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
	"github.com/foreshock/foreshock/topology"
)

// The laws of the fold, on small random systems. That the assessments do not
// look ahead needs no test here: Step is given one frame at a time, and what
// it has said cannot change. That frames do not look ahead is the engine's to
// test.

var lawStart = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)

// A world is a random system with its frames.
type world struct {
	sys    release.System
	model  simulate.System
	frames []signal.Frame
	memory bool // the readings say what is normal
}

// genWorld draws a system of one to three services, one or two releases,
// maybe a change, and one to four signals of any kind, unit, scope and noise,
// with effects of any sort.
func genWorld(t *rapid.T) world {
	w := world{model: simulate.System{
		Start: lawStart, Interval: rapid.SampledFrom([]time.Duration{15 * time.Second, time.Minute}).Draw(t, "interval"),
		Frames: rapid.IntRange(12, 60).Draw(t, "frames"),
	}}
	w.sys.Interval = w.model.Interval
	services := rapid.IntRange(1, 3).Draw(t, "services")
	var edges []topology.Edge
	for i := range services {
		w.sys.Services = append(w.sys.Services, release.Service{Name: fmt.Sprintf("s%d", i), Criticality: 1})
		edges = append(edges, topology.Edge{From: i, To: rapid.IntRange(0, services-1).Draw(t, "callee")})
	}
	w.sys.Graph = topology.New(services, edges)
	for i := range rapid.IntRange(1, 2).Draw(t, "releases") {
		w.addRelease(t, i)
	}
	if rapid.Bool().Draw(t, "change") {
		w.sys.Changes = []release.Change{{ID: "change", At: w.at(rapid.IntRange(4, w.model.Frames).Draw(t, "changeAt"))}}
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "signals") {
		w.addSignal(t, i)
	}
	w.frames = slices.Collect(w.model.Play(rapid.Uint64().Draw(t, "seed")))
	if w.memory = rapid.Bool().Draw(t, "memory"); w.memory {
		w.remember()
	}
	return w
}

// remember fills in what is normal, from a memory that knows most hours.
func (w *world) remember() {
	names := baseline.Names{Signals: w.sys.Signals}
	for _, s := range w.sys.Services {
		names.Services = append(names.Services, s.Name)
	}
	for k, f := range w.frames {
		w.frames[k] = baseline.Fill(f, mostly{}, names)
	}
}

// mostly is a memory that does not know every tenth minute.
type mostly struct{}

func (mostly) Level(_, _ string, at time.Time) (level, spread float64) {
	if at.Minute()%10 == 7 {
		return math.NaN(), math.NaN()
	}
	return 50 + float64(at.Minute()) + 5*float64(at.Hour()%7), 4
}

func (w *world) at(frame int) time.Time {
	return lawStart.Add(time.Duration(frame) * w.model.Interval)
}

func (w *world) addRelease(t *rapid.T, i int) {
	first := rapid.IntRange(0, w.model.Frames-4).Draw(t, "first")
	r := release.Release{
		ID: fmt.Sprintf("r%d", i), Service: rapid.IntRange(0, len(w.sys.Services)-1).Draw(t, "service"), Strategy: release.CanaryRelease,
		Rollback: release.Safety(rapid.IntRange(1, 3).Draw(t, "rollback")),
		Control:  rapid.SampledFrom([]string{"", `version="1"`}).Draw(t, "control"),
	}
	var ro simulate.Rollout
	for k, weight := range []float64{0.1, 0.5} {
		s := simulate.Step{Frame: first + 12*k, Frames: rapid.IntRange(0, 3).Draw(t, "moving"), Weight: weight}
		ro.Steps = append(ro.Steps, s)
		r.Steps = append(r.Steps, release.Step{At: w.at(s.Frame), CompletedAt: w.at(s.Frame + s.Frames), Weight: weight})
	}
	w.sys.Releases, w.model.Rollouts = append(w.sys.Releases, r), append(w.model.Rollouts, ro)
}

func (w *world) addSignal(t *rapid.T, i int) {
	sig := signal.Signal{
		Name: fmt.Sprintf("x%d", i), Family: fmt.Sprintf("x%d", i), Kind: rapid.SampledFrom(signal.Kinds()).Draw(t, "kind"),
		Unit:  signal.ParseUnit(rapid.SampledFrom([]string{"", "s", "ms", "MB", "ratio", "requests/s", "cores", "threads"}).Draw(t, "unit")),
		Worse: signal.Direction(rapid.IntRange(0, 3).Draw(t, "worse")), Scope: signal.PerCohort,
	}
	w.sys.Signals = append(w.sys.Signals, sig)
	x := simulate.Series{
		Signal: i, Level: rapid.SampledFrom([]float64{0, 0.01, 1, 100}).Draw(t, "level"), SD: rapid.SampledFrom([]float64{0, 0.05, 5}).Draw(t, "sd"),
		Rho: rapid.SampledFrom([]float64{0, 0.5, 0.9}).Draw(t, "rho"), Noise: simulate.Marginal(rapid.IntRange(1, 3).Draw(t, "noise")),
		Instances: rapid.SampledFrom([]int{0, 1, 2, 3, 10}).Draw(t, "instances"), Apart: rapid.SampledFrom([]float64{0, 2}).Draw(t, "apart"),
		Shared: rapid.Bool().Draw(t, "shared"),
	}
	if x.Level <= 0.01 && rapid.Bool().Draw(t, "ratio") {
		x.Rate, x.Window, x.Uncounted = rapid.SampledFrom([]float64{0.1, 5, 100}).Draw(t, "rate"), 4, rapid.Bool().Draw(t, "uncounted")
	}
	if rapid.Bool().Draw(t, "limited") {
		x.Limit = signal.Limit{Set: true, Value: 1.5 * x.Level}
	}
	for k, r := range w.sys.Releases {
		x.Release, x.Service = k, r.Service
		w.model.Series = append(w.model.Series, x.Between(genEffect(t))...)
	}
	for j := range w.sys.Services {
		x.Release, x.Service, x.Cohort = -1, j, signal.Whole
		x.Effects = []simulate.Effect{genEffect(t)}
		w.model.Series = append(w.model.Series, x)
	}
}

func genEffect(t *rapid.T) simulate.Effect {
	from := rapid.IntRange(0, 20).Draw(t, "from")
	return rapid.SampledFrom([]simulate.Effect{
		simulate.Scale(1), simulate.Scale(3), simulate.Shift(20), simulate.Leak(0.5), simulate.Burst(from, from+10, 2),
		simulate.Silent(from, simulate.Forever), simulate.Silent(0, from), simulate.Warmup(1, 3), simulate.Only(1, simulate.Scale(2)), simulate.Sawtooth(3, 7),
	}).Draw(t, "effect")
}

// fold plays frames and returns the assessments as JSON, one line a frame.
// After each of the frames in saves the state is saved and loaded.
func fold(t rapid.TB, sys release.System, frames []signal.Frame, saves map[int]bool) [][]byte {
	policy := prevention.DefaultPolicy()
	state := release.New(sys, policy)
	var out [][]byte
	for k, f := range frames {
		line, err := json.Marshal(state.Step(f))
		if err != nil {
			t.Fatalf("frame %d: %v", k, err)
		}
		out = append(out, line)
		if !saves[k] {
			continue
		}
		data, err := state.MarshalBinary()
		if err != nil {
			t.Fatalf("frame %d: %v", k, err)
		}
		if state, err = release.Load(sys, policy, data); err != nil {
			t.Fatalf("frame %d: %v", k, err)
		}
	}
	return out
}

// differ reports the first frame in which two folds differ.
func differ(t rapid.TB, what string, a, b [][]byte) {
	for k := range a {
		if !bytes.Equal(a[k], b[k]) {
			t.Fatalf("%s: frame %d differs:\n%s\n%s", what, k, a[k], b[k])
		}
	}
}

// TestLawRestart: fold, or fold, save, load and fold on: the same bytes. So
// is folding twice.
func TestLawRestart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t)
		plain := fold(t, w.sys, w.frames, nil)
		differ(t, "folded twice", plain, fold(t, w.sys, w.frames, nil))
		saves := map[int]bool{}
		for _, k := range rapid.SliceOfN(rapid.IntRange(0, len(w.frames)-1), 1, 8).Draw(t, "saves") {
			saves[k] = true
		}
		differ(t, "saved and loaded", plain, fold(t, w.sys, w.frames, saves))
	})
}

// TestLawOrder: the order of the readings within a cell does not matter.
func TestLawOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t)
		rng := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "shuffle")))
		mixed := mapReadings(w.frames, func(c signal.Cell) signal.Cell {
			rng.Shuffle(len(c.Readings), func(i, j int) { c.Readings[i], c.Readings[j] = c.Readings[j], c.Readings[i] })
			return c
		})
		differ(t, "shuffled", fold(t, w.sys, w.frames, nil), fold(t, w.sys, mixed, nil))
	})
}

// mapReadings copies frames with every cell changed.
func mapReadings(frames []signal.Frame, change func(signal.Cell) signal.Cell) []signal.Frame {
	out := slices.Clone(frames)
	for k := range out {
		out[k].Cells = slices.Clone(out[k].Cells)
		for i, c := range out[k].Cells {
			c.Readings = slices.Clone(c.Readings)
			out[k].Cells[i] = change(c)
		}
	}
	return out
}

// TestLawScale: more traffic on both sides, with all ratios as they were,
// makes nothing surer of the opposite: promote never becomes rollback in the
// same frame, nor the other way round. It is the judgement without the latch
// that is compared: what latched in an earlier frame may well have been seen
// only in the greater numbers.
func TestLawScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t)
		by := rapid.SampledFrom([]float64{2, 10, 100}).Draw(t, "by")
		scaled := mapReadings(w.frames, func(c signal.Cell) signal.Cell {
			for i := range c.Readings {
				r := &c.Readings[i]
				r.N, r.Events = r.N*by, r.Events*by
				if sig := w.sys.Signals[c.Signal]; sig.Kind == signal.Traffic && sig.Unit.Dimension == signal.Rate {
					r.Value *= by
				}
			}
			return c
		})
		policy := prevention.DefaultPolicy()
		a, b := release.New(w.sys, policy), release.New(w.sys, policy)
		for k := range w.frames {
			x, y := a.Step(w.frames[k]), b.Step(scaled[k])
			for i := range x {
				p, q := x[i].Shadow, y[i].Shadow
				if p == "promote" && q == "rollback" || p == "rollback" && q == "promote" {
					t.Fatalf("frame %d, %s: %s becomes %s with %v times the traffic:\n%s\n%s", k, x[i].ID, p, q, by, x[i].Sentence, y[i].Sentence)
				}
			}
		}
	})
}

// stateBound is the greatest size of a state: 2 KiB a series, and as much
// again for the description of the encoding; a release keeps the traffic of its
// service beside, before and since, and the course of its weight. Where a change has no service,
// the last frames of every series are kept beside; that is not kept within
// the bound yet, and gets half as much on top.
func stateBound(sys release.System, series int) int {
	n := 2048*(series+1) + 3072*len(sys.Releases)
	if len(sys.Changes) > 0 {
		n += n / 2
	}
	return n
}

// TestLawSize: a state is at most 2 KiB a series, however long the release,
// and 128 bytes more where memory says what is normal.
func TestLawSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t)
		state := release.New(w.sys, prevention.DefaultPolicy())
		for range rapid.IntRange(1, 10).Draw(t, "times as long") {
			for _, f := range w.frames {
				state.Step(f)
			}
		}
		data, err := state.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		n := stateBound(w.sys, len(w.model.Series))
		if w.memory {
			n += 128 * len(w.model.Series)
		}
		if len(data) > n {
			t.Fatalf("the state of %d series takes %d bytes; want at most %d", len(w.model.Series), len(data), n)
		}
	})
}
