package release_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestOutage: while the source does not answer nothing is known, and nothing
// is held against the release; when it has answered three times all is as before.
func TestOutage(t *testing.T) {
	out := during(30, 45, unasked)
	as := story{frames: 60, canary: out, control: out}.play(t, fresh(release.Safe))
	for k, a := range as[25:] {
		k += 25
		switch {
		case k == 45 || k == 46:
			if a.Verdict != "unknown" || a.Unknown == nil || !strings.HasPrefix(a.Unknown.Needs, fmt.Sprint(47-k, " more frame")) {
				t.Errorf("frame %d: %s, %+v, want unknown, so many more frames", k, a.Verdict, a.Unknown)
			}
		case k < 30 || k >= 45:
			if a.Verdict != "promote" || len(a.Warnings) != 0 {
				t.Errorf("frame %d: %s, warnings %v, want promote and none", k, a.Verdict, a.Warnings)
			}
		case a.Verdict != "unknown" || a.Reason != "thin" || a.Unknown == nil || a.Unknown.Needs != "answers from the metrics source":
			t.Errorf("frame %d: %s, %s, %+v, want unknown, thin, answers from the metrics source", k, a.Verdict, a.Reason, a.Unknown)
		case a.Sentence != "Cannot tell yet about r1: the metrics source has not answered since 09:17:30; it takes answers from the metrics source.":
			t.Errorf("frame %d: %s", k, a.Sentence)
		case len(a.Warnings) != 1 || a.Warnings[0].Code != "not-asked":
			t.Errorf("frame %d: warnings %v, want not-asked", k, a.Warnings)
		}
	}
}

// TestOutageOfCanary: it is enough that the new version is not answered for.
func TestOutageOfCanary(t *testing.T) {
	as := story{frames: 40, canary: during(30, 35, unasked), control: always(1)}.play(t, fresh(release.Safe))
	for k, a := range as[28:] {
		if want := map[bool]string{true: "unknown", false: "promote"}[k >= 2 && k < 9]; a.Verdict != want {
			t.Errorf("frame %d: %s, want %s", k+28, a.Verdict, want)
		}
	}
}

// TestOutageThenGap: after an outage rates take two scrapes to come back; the
// frames of the outage do not make a silence of that.
func TestOutageThenGap(t *testing.T) {
	canary := func(k int) float64 {
		switch {
		case k >= 30 && k < 45:
			return unasked
		case k >= 45 && k < 47:
			return math.NaN()
		}
		return 1
	}
	as := story{frames: 60, canary: canary, control: during(30, 45, unasked)}.play(t, fresh(release.Safe))
	if h := first(as, prevention.Hold); h >= 0 {
		t.Errorf("frame %d: hold, %s", h, as[h].Sentence)
	}
}

// TestOutageAtStart: a new version whose start was not watched gets the time
// to start after it.
func TestOutageAtStart(t *testing.T) {
	const answers = 30
	canary := func(k int) float64 {
		if k < answers {
			return unasked
		}
		return math.NaN()
	}
	as := story{frames: 60, canary: canary, control: during(0, answers, unasked)}.play(t, fresh(release.Safe))
	h := first(as, prevention.Hold)
	plain := first(story{frames: 60, canary: always(math.NaN()), control: always(1)}.play(t, fresh(release.Safe)), prevention.Hold)
	if plain < 1 || h != plain+answers {
		t.Errorf("silence holds in frame %d, and in frame %d without an outage of %d frames", h, plain, answers)
	}
}

// TestOutageKeepsHold: an outage leaves a hold as it is, and its time stands
// still.
func TestOutageKeepsHold(t *testing.T) {
	canary := func(k int) float64 {
		switch {
		case k >= 40 && k < 60:
			return unasked
		case k >= 20:
			return math.NaN()
		}
		return 1
	}
	as := story{frames: 100, canary: canary, control: during(40, 60, unasked)}.play(t, fresh(release.Safe))
	h, e := first(as, prevention.Hold), first(as, prevention.Escalate)
	if h < 20 || h >= 40 || e != h+40+20 {
		t.Errorf("hold from frame %d, escalate from %d, want 60 later, 20 of which are not counted", h, e)
	}
	for k, a := range as[40:60] {
		if a.Verdict != "hold" || a.Reason != "silent" {
			t.Errorf("frame %d: %s, %s, want hold, silent", 40+k, a.Verdict, a.Reason)
		}
	}
}

// TestOutageOfOneSignal: a signal that is not answered for more than two
// frames leaves the evidence thin; a shorter gap does not. Without its only
// symptom nothing is known of a frame.
func TestOutageOfOneSignal(t *testing.T) {
	sys := smallSystem(release.Safe)
	cpu := sys.Signals[0]
	cpu.Name, cpu.Family, cpu.Kind = "cpu", "cpu", signal.CPU
	sys.Signals = append(sys.Signals, cpu)
	s := release.New(sys, prevention.DefaultPolicy())
	rng := rand.New(rand.NewPCG(11, 12))
	for k := -foldBegins; k < 60; k++ {
		f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
		cohorts := []signal.Cohort{signal.Control}
		if k >= 0 {
			f.Exposure[0] = signal.Exposure{Weight: 0.1, Step: 1}
			cohorts = append(cohorts, signal.Canary)
		}
		for _, c := range cohorts {
			for id := range sys.Signals {
				cell := signal.Cell{Cohort: c, Signal: id, Limit: math.NaN()}
				gone := id == 1 && (k >= 30 && k < 32 || k >= 40 && k < 50) || id == 0 && k == 55
				if !gone || c == signal.Control {
					r := signal.Missing(signal.Present, "")
					r.Value, r.Age = 0.1+0.003*rng.NormFloat64(), time.Hour
					cell.Readings = []signal.Reading{r}
				}
				f.Cells = append(f.Cells, cell)
			}
		}
		as := s.Step(f)
		if k < 25 {
			continue
		}
		a, want := as[0], "promote"
		if k >= 42 && k < 50 || k == 55 {
			want = "unknown"
		}
		if a.Verdict != want {
			t.Errorf("frame %d: %s, want %s", k, a.Verdict, want)
		}
		if want == "unknown" && k != 55 && (a.Unknown.Needs != "answers to the query of cpu" || a.Warnings[0].Code != "not-asked" || !strings.Contains(a.Sentence, "cpu has not been answered for more than 2 frames")) {
			t.Errorf("frame %d: %+v, %v, %s", k, a.Unknown, a.Warnings, a.Sentence)
		}
	}
}

// dropped copies frames, of which some cells have no readings.
func dropped(frames []signal.Frame, drop func(k int, c signal.Cell) bool) []signal.Frame {
	out := slices.Clone(frames)
	for k := range out {
		out[k].Cells = slices.Clone(out[k].Cells)
		for i, c := range out[k].Cells {
			if drop(k, c) {
				out[k].Cells[i].Readings = nil
			}
		}
	}
	return out
}

// TestLawUnasked: a frame that was not answered never promotes, and never
// rolls back or escalates what was not rolled back or escalated before; a hold
// stays. Saved and loaded in between: the same bytes.
func TestLawUnasked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t)
		gone := map[int]bool{}
		for range rapid.IntRange(1, 3).Draw(t, "outages") {
			from := rapid.IntRange(0, len(w.frames)-1).Draw(t, "from")
			for k := range rapid.IntRange(1, 15).Draw(t, "for") {
				gone[from+k] = true
			}
		}
		only := rapid.IntRange(-1, len(w.sys.Releases)-1).Draw(t, "only the canary of")
		frames := dropped(w.frames, func(k int, c signal.Cell) bool {
			return gone[k] && (only < 0 || c.Release == only && c.Cohort == signal.Canary)
		})
		s := release.New(w.sys, prevention.DefaultPolicy())
		last := map[string]string{}
		for k, f := range frames {
			for i, a := range s.Step(f) {
				if was := last[a.ID]; gone[k] && (only < 0 || a.ID == fmt.Sprintf("r%d", only)) {
					kept := a.Verdict == was && was != "promote"
					if !kept && a.Verdict != "unknown" || was == "hold" && !kept {
						t.Fatalf("frame %d is not answered, and %s of %s becomes %s: %s", k, was, a.ID, a.Verdict, a.Sentence)
					}
					if a.Shadow == "unknown" && (a.Unknown == nil || a.Unknown.Needs != "answers from the metrics source") {
						t.Fatalf("frame %d is not answered, and %s needs %+v (%d)", k, a.ID, a.Unknown, i)
					}
				}
				last[a.ID] = a.Verdict
			}
		}
		saves := map[int]bool{}
		for _, k := range rapid.SliceOfN(rapid.IntRange(0, len(frames)-1), 1, 8).Draw(t, "saves") {
			saves[k] = true
		}
		differ(t, "saved and loaded", fold(t, w.sys, frames, nil), fold(t, w.sys, frames, saves))
	})
}

// TestStall: a live run that was held up leaves frames out; when things began
// does not move by it, and no time runs on.
func TestStall(t *testing.T) {
	const gap = 40
	s := fresh(release.Safe)
	as := story{frames: 35, canary: from(20, 3), control: always(1)}.play(t, s)
	before := as[34]
	if len(before.Ladder) == 0 {
		t.Fatal("nothing is on the ladder")
	}
	f := signal.Frame{At: before.At.Add(gap * 15 * time.Second), Exposure: []signal.Exposure{{Weight: 0.1, Step: 1}}}
	for c, by := range map[signal.Cohort]float64{signal.Control: 0.1, signal.Canary: 0.3} {
		r := signal.Missing(signal.Present, "")
		r.Value, r.Age = by, time.Hour
		f.Cells = append(f.Cells, signal.Cell{Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{r}})
	}
	after := s.Step(f)[0]
	if len(after.Ladder) == 0 {
		t.Fatal("nothing is on the ladder after the pause")
	}
	if moved := after.Ladder[0].Onset.P50.Sub(before.Ladder[0].Onset.P50).Abs(); moved > time.Minute {
		t.Errorf("the onset moved by %v in a pause of 10m", moved)
	}
}

// TestPlan: a rollout that is held longer than planned stays where it is, and
// the next step is the one not yet taken, whenever it was planned. The plan
// may change on the way.
func TestPlan(t *testing.T) {
	at := func(k int) time.Time { return foldStart.Add(time.Duration(k) * 15 * time.Second) }
	planned := []release.Step{{At: at(10), CompletedAt: at(10), Weight: 0.1}, {At: at(20), CompletedAt: at(20), Weight: 0.4}, {At: at(30), CompletedAt: at(30), Weight: 1}}
	unplanned := []release.Step{{Weight: 0.1}, {Weight: 0.4}, {Weight: 1}}
	for _, steps := range [][]release.Step{planned, unplanned} {
		sys := smallSystem(release.Safe)
		sys.Releases[0].Steps = steps
		s := release.New(sys, prevention.DefaultPolicy())
		for k := range 120 {
			f := signal.Frame{At: at(k), Exposure: []signal.Exposure{{}}}
			if k >= 10 {
				f.Exposure[0] = signal.Exposure{Weight: 0.1, Step: 1}
			}
			if k >= 20 {
				f.Exposure[0] = signal.Exposure{Weight: 0.4, Step: 2}
			}
			want := release.Number(40)
			switch {
			case k == 100:
				s.Plan(0, append(slices.Clone(steps[:2]), release.Step{Weight: 0.6}, release.Step{Weight: 1}))
				want = 60
			case k > 100:
				want = 60
			case k >= 20:
				want = 100
			}
			for _, a := range s.Step(f) {
				if a.NextStep == nil || a.NextStep.Weight != want {
					t.Errorf("frame %d: next step %+v, want %v", k, a.NextStep, want)
				}
			}
		}
		if len(sys.Releases[0].Steps) != 3 {
			t.Error("the plan of the caller's system has changed")
		}
	}
}
