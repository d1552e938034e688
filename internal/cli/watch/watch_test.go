package watch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/internal/tsdb"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestMeter reads weights that are set, fixed and measured.
func TestMeter(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name   string
		w      Weighing
		shares []float64
		want   string // weight/step of each frame, ~ where it moves
	}{
		{"set", Weighing{Exact: true}, []float64{0, 0.1, 0.1, nan, 0.5, 0.2}, "0/0 0.1/1 0.1/1 0.1/1 0.5/2 0.2/2"},
		{"beyond all", Weighing{Exact: true}, []float64{-1, 1.5}, "0/0 1/1"},
		{"fixed", Weighing{Fixed: 0.1}, []float64{nan, 0, 0.1, 0.1, nan}, "0/0 0/0 0.1/1 0.1/1 0.1/1"},
		{"measured, one step", Weighing{}, []float64{0, nan, 0.03, 0.07, 0.1, 0.11, 0.09, 0.1}, "0/0 0/0 0.03/1~ 0.03/1~ 0.07/1~ 0.1/1~ 0.1/1 0.1/1"},
		{"measured, two steps", Weighing{}, []float64{0.1, 0.1, 0.1, 0.2, 0.4, 0.5, 0.5, 0.5, 0.52}, "0.1/1~ 0.1/1~ 0.1/1 0.1/1 0.2/1~ 0.4/1~ 0.5/2 0.5/2 0.5/2"},
		{"measured, taken back and again", Weighing{}, []float64{0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.5, 0.5, 0.5}, "0.5/1~ 0.5/1~ 0.5/1 0.5/1 0.1/1~ 0.1/1 0.1/1 0.5/1~ 0.5/2"},
		{"probes", Weighing{}, []float64{0.0002, 0.0004, 0.0002}, "0/0 0/0 0/0"},
	}
	for _, tt := range tests {
		m := &meter{Weighing: tt.w}
		var got []string
		for _, s := range tt.shares {
			e := m.read(s)
			text := fmt.Sprintf("%g/%d", e.Weight, e.Step)
			if e.Moving {
				text += "~"
			}
			got = append(got, text)
		}
		if g := strings.Join(got, " "); g != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, g, tt.want)
		}
	}
}

// TestPlanAhead holds that a step of the plan that was taken is not one to come,
// also where it was measured a little short of it.
func TestPlanAhead(t *testing.T) {
	for _, tt := range []struct {
		w      Weighing
		weight float64
		want   string
	}{
		{Weighing{Exact: true}, 0.4, "0.4 0.5 0.95 1"},
		{Weighing{Exact: true}, 0.39, "0.39 0.4 0.5 0.95 1"},
		{Weighing{}, 0.39, "0.39 0.5 0.95 1"},
		{Weighing{}, 0.37, "0.37 0.4 0.5 0.95 1"},
		{Weighing{}, 0.41, "0.41 0.5 0.95 1"},
		{Weighing{}, 0.963, "0.963 1"}, // it is nearer to the step of 95 % than to the last one
	} {
		w := &watching{Options: Options{Plan: []float64{0.1, 0.4, 0.5, 0.95, 1}}, meter: &meter{Weighing: tt.w}}
		w.meter.now = signal.Exposure{Weight: tt.weight, Step: 1}
		steps, _ := w.steps(time.Now(), w.meter.now)
		got := ""
		for _, s := range steps {
			got += fmt.Sprint(s.Weight, " ")
		}
		if strings.TrimSpace(got) != tt.want {
			t.Errorf("at %v the steps are %s; want %s", tt.weight, got, tt.want)
		}
	}
}

// TestMeterNoise holds that counting noise makes no step: shares of 200
// requests a frame, of which a tenth, and later a half, go to the canary.
func TestMeterNoise(t *testing.T) {
	const frames = 300
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		m := &meter{}
		var e signal.Exposure
		for k := range 2 * frames {
			share, p := 0.0, 0.1
			if k >= frames {
				p = 0.5
			}
			for range 200 {
				if rng.Float64() < p {
					share += 1.0 / 200
				}
			}
			e = m.read(share)
			if k == frames-1 && (e.Step != 1 || math.Abs(e.Weight-0.1) > 0.015) {
				t.Errorf("seed %d: weight %v at step %d before the second step; want 0.1 at 1", seed, e.Weight, e.Step)
			}
		}
		if e.Step != 2 || math.Abs(e.Weight-0.5) > 0.03 {
			t.Errorf("seed %d: weight %v at step %d; want 0.5 at 2", seed, e.Weight, e.Step)
		}
	}
}

// TestMeterSteps: short steps of a release that is measured over windows of four frames,
// each counted by itself, are told within a window and a half of each.
func TestMeterSteps(t *testing.T) {
	plan := []float64{0.1, 0.25, 0.5, 1}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 2))
		m := &meter{}
		var frames []float64
		for k := range 4 * 8 {
			n := 0.0
			for range 200 {
				if rng.Float64() < plan[k/8] {
					n++
				}
			}
			frames = append(frames, n/200)
			share := 0.0 // of a window that begins empty
			for j := max(0, k-3); j <= k; j++ {
				share += frames[j] / 4
			}
			m.of = 800
			e := m.read(share)
			if k%8 == 7 && math.Abs(e.Weight-plan[k/8]) > 0.1*plan[k/8]+0.02 {
				t.Errorf("seed %d: weight %v at the end of the step to %v", seed, e.Weight, plan[k/8])
			}
		}
		if m.now.Step != 4 {
			t.Errorf("seed %d: %d steps; want 4", seed, m.now.Step)
		}
	}
}

type querier func(query string) ([]engine.Series, error)

func (f querier) Range(_ context.Context, query string, _, _ time.Time, _ time.Duration) ([]engine.Series, error) {
	return f(query)
}

func TestAsk(t *testing.T) {
	one := func(v float64) []engine.Series { return []engine.Series{{Samples: []engine.Sample{{Value: v}}}} }
	tests := []struct {
		name   string
		w      Weighing
		series []engine.Series
		err    error
		want   float64
		says   string
	}{
		{"share", Weighing{}, one(0.25), nil, 0.25, ""},
		{"percent", Weighing{Scale: 100}, one(25), nil, 0.25, ""},
		{"nothing", Weighing{}, nil, nil, math.NaN(), ""},
		{"fixed and there", Weighing{Fixed: 0.1}, one(3), nil, 0.1, ""},
		{"fixed and gone", Weighing{Fixed: 0.1}, one(0), nil, 0, ""},
		{"two", Weighing{Query: "q"}, append(one(1), one(2)...), nil, math.NaN(), "answers 2 series; want one: q"},
		{"error", Weighing{}, nil, errors.New("down"), math.NaN(), "ask for the weight: down"},
	}
	for _, tt := range tests {
		m := &meter{Weighing: tt.w}
		got, err := m.ask(t.Context(), querier(func(string) ([]engine.Series, error) { return tt.series, tt.err }), time.Now(), time.Second)
		if got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) || (tt.says == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, %v; want %v, %q", tt.name, got, err, tt.want, tt.says)
		}
	}
}

// played returns a recording that comes with it, and its metrics.
func played(t *testing.T, name string) (*recording.Recording, *tsdb.DB) {
	t.Helper()
	rec, err := recording.Load("../../../examples/recordings/" + name)
	if err != nil {
		t.Fatal(err)
	}
	db, err := tsdb.Open(t.Context(), rec.Metrics, tsdb.Options{LookBack: rec.LookBack()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return rec, db
}

// TestAsReplayed holds that a watch says what a replay of the same metrics
// says, frame by frame.
func TestAsReplayed(t *testing.T) {
	rec, db := played(t, "recommendations-slow")
	src, err := engine.New(t.Context(), db, rec.System, engine.Options{Start: rec.Start, End: rec.End})
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	state := release.New(src.System(), prevention.DefaultPolicy())
	for f, err := range src.Frames(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range state.Step(f) {
			want = append(want, fmt.Sprint(a.At, a.Verdict, a.Weight, a.Sentence))
		}
	}
	r, err := Run(t.Context(), db, Options{
		System: rec.System, Policy: prevention.DefaultPolicy(), From: rec.Start, Until: rec.End, Name: "watched",
		Now: func() time.Time { return rec.End.Add(time.Hour) }, Wait: func(context.Context, time.Time) error { return errors.New("nothing is to be waited for") },
	}, func(u Update) error {
		for _, a := range u.Assessments {
			got = append(got, fmt.Sprint(a.At, a.Verdict, a.Weight, a.Sentence))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || len(got) == 0 {
		t.Errorf("a watch says %d things, a replay %d, and they differ", len(got), len(want))
	}
	if r.Last == nil || r.Last.Verdict != "rollback" || r.Summary.Recording != "watched" || len(r.Summary.Releases) != 1 {
		t.Errorf("it came to %+v", r.Last)
	}
}

// TestLearns holds that a watch tells every frame and whether all was well in it, and
// that what is normal reaches the frames.
func TestLearns(t *testing.T) {
	rec, db := played(t, "recommendations-slow")
	well, ill, normal := 0, 0, 0
	r, err := Run(t.Context(), db, Options{
		System: rec.System, Policy: prevention.DefaultPolicy(), From: rec.Start, Until: rec.End, Name: "watched",
		Now: func() time.Time { return rec.End.Add(time.Hour) }, Wait: func(context.Context, time.Time) error { return nil },
		Normal: always(7),
		Learn: func(sys release.System) func(signal.Frame, bool) {
			if len(sys.Signals) == 0 {
				t.Error("learning begins without signals")
			}
			return func(f signal.Frame, healthy bool) {
				if healthy {
					well++
				} else {
					ill++
				}
				for _, c := range f.Cells {
					for _, x := range c.Readings {
						if x.Level == 7 {
							normal++
						}
					}
				}
			}
		},
	}, func(Update) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if well == 0 || ill == 0 || well+ill != r.Frames || normal == 0 {
		t.Errorf("of %d frames %d were well and %d ill; %d readings knew what is normal; want some of each", r.Frames, well, ill, normal)
	}
}

// always is a memory that knows one level for everything.
type always float64

func (x always) Level(string, string, time.Time) (level, spread float64) { return float64(x), 1 }

// TestClock holds that frames of the past come at once, and others one
// interval late; that a weight which is measured makes the steps; and that
// the end of the context is no error.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 10 * time.Second
		start := time.Now()
		q := querier(func(query string) ([]engine.Series, error) {
			if query != "share" {
				return nil, nil
			}
			if time.Since(start) < 45*time.Second {
				return nil, nil
			}
			return []engine.Series{{Samples: []engine.Sample{{Value: 10}}}}, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 101*time.Second)
		defer cancel()
		var late []string
		var past []int
		var steps []release.Step
		r, err := Run(ctx, q, Options{
			System: release.System{
				Interval: interval, Services: []release.Service{{Name: "cart"}},
				Signals:  []signal.Signal{{Name: "x", Kind: signal.Errors, Query: "x{$sel}", Scope: signal.PerCohort, Unit: signal.ParseUnit("ratio")}},
				Releases: []release.Release{{ID: "cart", Canary: `v="2"`, Control: `v="1"`}},
			},
			Policy: prevention.DefaultPolicy(), From: start.Add(-3 * interval), Now: time.Now, Wait: func(ctx context.Context, until time.Time) error {
				select {
				case <-time.After(time.Until(until)):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			},
			Weighing: &Weighing{Query: "share", Scale: 100, Exact: true},
			Plan:     []float64{0.05, 0.1, 0.5, 1},
			Warnings: func() []signal.Warning { return []signal.Warning{{Code: "clock-skew", Text: "an hour"}} },
		}, func(u Update) error {
			late = append(late, fmt.Sprintf("%s/%d", time.Since(u.At), u.Exposure.Step))
			past, steps = append(past, u.Past), u.Steps
			if (len(u.Warnings) > 0) != (len(late) == 1) {
				t.Errorf("frame %d has warnings %v; want them once", len(late), u.Warnings)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(late, " "); got != "30s/0 20s/0 10s/0 10s/0 10s/0 10s/0 10s/0 10s/1 10s/1 10s/1 10s/1 10s/1 10s/1" {
			t.Errorf("frames come late by %s", got)
		}
		if fmt.Sprint(past) != "[2 1 0 0 0 0 0 0 0 0 0 0 0]" {
			t.Errorf("of the past are %v", past)
		}
		if r.Last == nil || r.Last.Verdict != "unknown" || r.Frames != 13 || len(r.Summary.Warnings) == 0 {
			t.Errorf("it came to %+v in %d frames", r.Last, r.Frames)
		}
		if next := r.Last.NextStep; next == nil || next.Weight != 50 {
			t.Errorf("the next step is %+v; want 50, by the plan", next)
		}
		if len(steps) != 3 || steps[0].Weight != 0.1 || !steps[0].At.Equal(start.Add(40*time.Second)) || steps[2].Weight != 1 || !steps[1].At.After(time.Now()) {
			t.Errorf("the steps are %+v; want 10 %% begun, then 50 and 100", steps)
		}
	})
}

// TestStall holds that frames are skipped when the machine sleeps, and those
// of the past never.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = 10 * time.Second
		start := time.Now()
		var ages []time.Duration
		var codes []string
		slept := false
		_, err := Run(t.Context(), querier(func(string) ([]engine.Series, error) { return nil, nil }), Options{
			System: release.System{
				Interval: interval, Services: []release.Service{{Name: "cart"}},
				Signals:  []signal.Signal{{Name: "x", Kind: signal.Errors, Query: "x{$sel}", Scope: signal.PerCohort, Unit: signal.ParseUnit("ratio")}},
				Releases: []release.Release{{ID: "cart", Canary: `v="2"`, Control: `v="1"`}},
			},
			Policy: prevention.DefaultPolicy(), From: start.Add(-20 * interval), Until: start.Add(200 * time.Second), Now: time.Now,
			Wait: func(_ context.Context, until time.Time) error {
				time.Sleep(time.Until(until))
				if !slept && time.Since(start) > 30*time.Second {
					slept = true
					time.Sleep(100 * time.Second)
				}
				return nil
			},
		}, func(u Update) error {
			ages = append(ages, time.Since(u.At))
			for _, w := range u.Warnings {
				codes = append(codes, w.Code)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(ages) < 25 || len(ages) > 41-8 || ages[0] != 20*interval || fmt.Sprint(codes) != "[frames-skipped]" {
			t.Errorf("%d frames with warnings %v; want all of the past, and some skipped", len(ages), codes)
		}
	})
}
