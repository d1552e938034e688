package release_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/topology"
)

// A swap is a release that gets all of the traffic in frame 0, or in frame
// until where a control goes along until then. Of cart traffic, latency and
// memory are measured, of front, which calls it, the traffic.
type swap struct {
	frames   int
	strategy release.Strategy
	until    int                          // the frame in which the control goes; 0 for a release without one
	rate     func(k int) float64          // requests/s that are served
	gone     func(k int) bool             // frames in which the new version reports nothing
	calls    func(k int) float64          // requests/s that front serves; nil where nothing is known of it
	more     func(k int, f *signal.Frame) // what else is seen
}

func (w swap) system() release.System {
	sys := smallSystem(release.Safe)
	sys.Services = append(sys.Services, release.Service{Name: "front", Criticality: 1})
	sys.Graph = topology.New(2, []topology.Edge{{From: 1, To: 0}})
	sys.Signals = append(sys.Signals, perCohort("traffic", signal.Traffic, "requests/s"), perCohort("memory", signal.Memory, "bytes"))
	sys.Releases[0].Canary, sys.Releases[0].Strategy = `version="2"`, w.strategy
	sys.Releases[0].Steps[0].Weight = 1
	if w.until == 0 {
		sys.Releases[0].Control = ""
	}
	return sys
}

// play returns the assessments since the release began.
func (w swap) play(t *testing.T) []release.Assessment {
	t.Helper()
	rng := rand.New(rand.NewPCG(31, 32))
	s := release.New(w.system(), prevention.DefaultPolicy())
	var out []release.Assessment
	for k := -foldBegins; k < w.frames; k++ {
		f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
		add := func(service, id, of int, c signal.Cohort, value float64) {
			r := present(value)
			if math.IsNaN(value) {
				r = signal.Missing(signal.Empty, "")
			}
			f.Cells = append(f.Cells, signal.Cell{Service: service, Signal: id, Release: of, Cohort: c, Limit: math.NaN(), Readings: []signal.Reading{r}})
		}
		version := func(of int, c signal.Cohort, rate float64) {
			latency, memory := 0.1+0.003*rng.NormFloat64(), 1e8*(1+0.01*rng.NormFloat64())
			if !(rate > 0) {
				latency = math.NaN()
			}
			if math.IsNaN(rate) {
				memory = math.NaN()
			}
			add(0, 0, of, c, latency)
			add(0, 1, of, c, rate)
			add(0, 2, of, c, memory)
		}
		rate := w.rate(k) * (1 + 0.02*rng.NormFloat64())
		if w.gone != nil && w.gone(k) {
			rate = math.NaN()
		}
		old := signal.Control
		of := 0
		if w.until == 0 {
			old, of = signal.Whole, -1
		}
		switch {
		case k < 0:
			version(of, old, rate)
		case k < w.until:
			f.Exposure[0] = signal.Exposure{Weight: 0.5, Step: 1}
			version(0, signal.Canary, rate/2)
			version(0, signal.Control, w.rate(-1)/2)
		default:
			f.Exposure[0] = signal.Exposure{Weight: 1, Step: 1}
			if w.until > 0 {
				f.Exposure[0].Step = 2
			}
			version(0, signal.Canary, rate)
			if w.until == 0 {
				version(-1, signal.Whole, rate)
			} else {
				version(0, signal.Control, math.NaN())
			}
		}
		if w.calls != nil {
			add(1, 1, -1, signal.Whole, w.calls(k))
		}
		if w.more != nil {
			w.more(k, &f)
		}
		out = append(out, s.Step(f)...)
	}
	return out
}

func served100(int) float64 { return 100 }

// nothingFrom serves a hundred requests a second until a frame.
func nothingFrom(frame int) func(int) float64 {
	return func(k int) float64 {
		if k >= frame {
			return 0
		}
		return 100
	}
}

// TestNothingServed: where no other version serves, what was served before is
// the reference: a hold first, and a rollback when no start takes so long.
func TestNothingServed(t *testing.T) {
	tests := []struct {
		name       string
		w          swap
		hold, back int
	}{
		// Five frames of silence may be a restart; what starts takes twelve, three minutes.
		{"at once", swap{strategy: release.BlueGreen, rate: nothingFrom(0)}, 4, 16},
		{"later", swap{strategy: release.BlueGreen, rate: nothingFrom(20)}, 24, 36},
		{"with a control that went", swap{until: 10, rate: nothingFrom(20)}, 24, 36},
		{"with a caller that serves", swap{strategy: release.BlueGreen, rate: nothingFrom(20), calls: served100}, 24, 36},
		{"as rates over a minute show it", swap{strategy: release.BlueGreen, rate: func(k int) float64 {
			return 100 * math.Max(0, math.Min(1, float64(24-k)/4))
		}}, 28, 40},
		{"where the old one goes first", swap{strategy: release.Recreate, rate: nothingFrom(0)}, 11, 16},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.w.frames = 60
			as := tt.w.play(t)
			h, r := first(as, prevention.Hold), first(as, prevention.Rollback)
			if h != tt.hold || r != tt.back {
				t.Fatalf("hold in frame %d, rollback in %d, want %d and %d", h, r, tt.hold, tt.back)
			}
			if as[h].Reason != "silent" || !as[h].Blames || !strings.Contains(as[h].Sentence, "; before, it served ") {
				t.Errorf("frame %d: %s, blames %v, %s", h, as[h].Reason, as[h].Blames, as[h].Sentence)
			}
			if last := as[len(as)-1]; last.Shadow != "rollback" {
				t.Errorf("at the end without the latch: %s, want rollback", last.Shadow)
			}
		})
	}
}

// TestNothingServedSentence says what is known, and no more.
func TestNothingServedSentence(t *testing.T) {
	const want = "Hold r1 before closing the release: cart has served nothing since 09:15:00; before, it served "
	as := swap{frames: 30, strategy: release.BlueGreen, rate: nothingFrom(20)}.play(t)
	if got := as[24].Sentence; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " requests/s. Look whether it gets ready, and whether traffic reaches it.") {
		t.Errorf("sentence: %s", got)
	}
}

// TestLittleServed: what looks like it, and is none of the release's doing.
func TestLittleServed(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	tests := []struct {
		name string
		w    swap
		want string // the worst that is said for silence
	}{
		{"a tenth of the traffic", swap{rate: func(k int) float64 {
			if k >= 20 {
				return 10
			}
			return 100
		}}, "none"},
		// Five requests in 100 s: most frames are empty.
		{"hardly any traffic", swap{rate: func(int) float64 {
			if rng.Float64() < 0.5 {
				return 0.1
			}
			return 0
		}}, "none"},
		{"work that comes now and then", swap{rate: func(k int) float64 {
			if k > -15 && k < -3 || k >= 20 && k < 35 {
				return 0
			}
			return 100
		}}, "none"},
		{"work that ebbs away", swap{rate: func(k int) float64 {
			if k >= 20 {
				return 0
			}
			return 100 * math.Exp(-float64(k+foldBegins)/5)
		}}, "none"},
		{"a night that comes in ten minutes", swap{rate: func(k int) float64 {
			return 100 * math.Max(0, 1-math.Max(0, float64(k+20))/40)
		}}, "none"},
		{"nobody asks", swap{rate: nothingFrom(20), calls: nothingFrom(20)}, "hold"},
		{"a restart", swap{rate: func(k int) float64 {
			if k >= 20 && k < 24 {
				return 0
			}
			return 100
		}}, "none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.w.frames, tt.w.strategy = 60, release.BlueGreen
			worst := "none"
			for _, a := range tt.w.play(t) {
				switch {
				case a.Reason == "silent" && (a.Verdict == "rollback" || a.Blames):
					worst = "blamed"
				case a.Reason == "silent" && worst == "none":
					worst = a.Verdict
				}
			}
			if worst != tt.want {
				t.Errorf("said: %s, want %s", worst, tt.want)
			}
		})
	}
}

// TestNormallyNothing: where memory knows that nothing is served at this hour,
// nothing is due.
func TestNormallyNothing(t *testing.T) {
	as := swap{frames: 60, strategy: release.BlueGreen, rate: nothingFrom(20), more: func(k int, f *signal.Frame) {
		for i, c := range f.Cells {
			if c.Signal == 1 {
				f.Cells[i].Readings[0].Level = nothingFrom(18)(k)
			}
		}
	}}.play(t)
	for k, a := range as {
		if a.Reason == "silent" {
			t.Errorf("frame %d: %s", k, a.Sentence)
		}
	}
}

// TestGoneAlone: a version beside which no other one is, and whose metrics are
// gone, is held, and a person called: whether it serves nobody knows.
func TestGoneAlone(t *testing.T) {
	tests := []struct {
		name string
		from int
		text string
	}{
		{"later", 20, "the new version has reported nothing since 09:15:00, and no other version is there to tell whether it serves; look whether it runs, and mend its metrics."},
		{"never there", 0, "nothing of the new version has ever been seen, and no other version is there to tell whether it serves; look whether it runs, and mend its metrics."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			as := swap{frames: 80, strategy: release.BlueGreen, rate: served100, gone: func(k int) bool { return k >= tt.from }}.play(t)
			h, e := first(as, prevention.Hold), first(as, prevention.Escalate)
			if h < 0 || e != h+40 || first(as, prevention.Rollback) >= 0 {
				t.Fatalf("hold in frame %d, escalate in %d, rollback in %d, want a person after ten minutes and no rollback", h, e, first(as, prevention.Rollback))
			}
			for _, a := range []release.Assessment{as[h], as[79]} {
				if a.Blames || !strings.HasSuffix(a.Sentence, tt.text) {
					t.Errorf("%s: blames %v, %s", a.Verdict, a.Blames, a.Sentence)
				}
			}
		})
	}
}

// TestNoLabels: a new version that nobody said how to know is not said to be missing.
func TestNoLabels(t *testing.T) {
	sys := swap{strategy: release.BlueGreen}.system()
	sys.Releases[0].Canary = ""
	s := release.New(sys, prevention.DefaultPolicy())
	var last release.Assessment
	for k := range 40 {
		f := signal.Frame{At: foldStart.Add(time.Duration(k) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
		if k >= 10 {
			f.Exposure[0] = signal.Exposure{Weight: 1, Step: 1}
		}
		f.Cells = append(f.Cells, signal.Cell{Release: -1, Cohort: signal.Whole, Limit: math.NaN(), Readings: []signal.Reading{present(0.1)}})
		for _, a := range s.Step(f) {
			last = a
		}
	}
	if last.Verdict == "promote" || !strings.Contains(last.Sentence, "give its label matchers") {
		t.Errorf("%s: %s", last.Verdict, last.Sentence)
	}
}
