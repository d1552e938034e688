package release

import (
	"math"
	"testing"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/trend"
)

// TestAtRest: what a version at a tenth of the traffic uses in all is no more than
// the stable one does: for its share that is three times as much, and no harm.
// More than that, of one instance, past a limit or where callers feel it, it stays what it was.
func TestAtRest(t *testing.T) {
	nan := math.NaN()
	for _, tt := range []struct {
		name     string
		kind     signal.Kind
		unit     string
		instance string
		limit    float64
		now      float64 // by share, against 300 of the stable version
		weight   float64
		kept     bool
	}{
		{"no more in all", signal.Memory, "B/s", "", nan, 900, 0.1, false},
		{"more in all", signal.Memory, "B/s", "", nan, 3000, 0.1, true},
		{"at half of the traffic", signal.Memory, "B/s", "", nan, 900, 0.5, true},
		{"of one instance", signal.Memory, "B/s", "pod-1", nan, 900, 0.1, true},
		{"under its limit", signal.Memory, "B/s", "", 1e4, 900, 0.1, false},
		{"past its limit", signal.Memory, "B/s", "", 800, 900, 0.1, true},
		{"not by share", signal.Memory, "B", "", nan, 900, 0.1, true},
		{"callers feel it", signal.Errors, "req/s", "", nan, 900, 0.1, true},
		{"the weight is not known", signal.Memory, "B/s", "", nan, 900, nan, true},
	} {
		s := New(System{Signals: []signal.Signal{{Name: "x", Kind: tt.kind, Unit: signal.ParseUnit(tt.unit)}}}, prevention.DefaultPolicy())
		subject := pattern.NewTrack(0)
		subject.Limit, subject.Pods = tt.limit, []pattern.Pod{{Instance: tt.instance}}
		fd := finding{Kind: tt.kind, LogE: 30, Active: true, Harm: 0.9, Subject: subject, Control: pattern.NewTrack(0)}
		fd.Now, fd.Level = tt.now, 300
		fd.Past = s.beyond(&fd)
		s.atRest(&fd, tt.weight)
		if got := fd.LogE == 30 && fd.Active && fd.Harm == 0.9; got != tt.kept || !got && (fd.LogE != 0 || fd.Active || fd.Harm != 0 || !fd.Harmless) {
			t.Errorf("%s: kept %v (%+v), want %v", tt.name, got, fd.LogE, tt.kept)
		}
	}
}

// TestShareOfLimit: a limit of a whole cohort goes with what is divided by its share,
// so that a tenth of the traffic that uses a tenth of the limit is far from it.
func TestShareOfLimit(t *testing.T) {
	s := New(System{Signals: []signal.Signal{{Name: "cpu", Kind: signal.CPU, Unit: signal.ParseUnit("cores")}}}, prevention.DefaultPolicy())
	r := signal.Missing(signal.Present, "")
	r.Value = 0.3
	got := s.perShare(signal.Cell{Limit: 2, Readings: []signal.Reading{r}}, 0.1)
	if value := got.Readings[0].Value; math.Abs(value-3) > 1e-9 || math.Abs(got.Limit-20) > 1e-9 {
		t.Errorf("0.3 of 2 cores at a tenth of the traffic are %v of %v, want 3 of 20", value, got.Limit)
	}
	if got := s.perShare(signal.Cell{Limit: 2, Readings: []signal.Reading{r}}, 0.005); !math.IsNaN(got.Limit) {
		t.Errorf("where there is no value for want of traffic the limit is %v, want none", got.Limit)
	}
}

// TestRunsOutSoon: what is surer and runs out a little later is not hidden by what
// may run out before it.
func TestRunsOutSoon(t *testing.T) {
	s := New(System{}, prevention.DefaultPolicy())
	runs := func(met, in, frames float64) finding {
		fd := finding{Runs: &trend.Growth{Met: met, Ahead: trend.Ahead{P50: in}}}
		fd.SlopeLogE, fd.Frames = 20, frames
		return fd
	}
	for _, tt := range []struct {
		name string
		fs   []finding
		want float64 // P50 of the one that is held for; 0 for none
	}{
		{"a doubtful one first", []finding{runs(0.3, 2, 20), runs(0.95, 5, 20)}, 5},
		{"two that are sure", []finding{runs(0.95, 5, 20), runs(0.9, 3, 20)}, 3},
		{"too far", []finding{runs(0.95, levelsOff+1, 20)}, 0},
		{"too young", []finding{runs(0.95, 5, levelsOff-1)}, 0},
		{"what does not run out", make([]finding, 2), 0},
	} {
		got := 0.0
		if fd := runsOutSoon(&scene{shared: tt.fs}, s.policy.RollbackAbove); fd != nil {
			got = fd.Runs.P50
		}
		if got != tt.want {
			t.Errorf("%s: in %v frames, want %v", tt.name, got, tt.want)
		}
	}
}

// TestNever: of a release at no traffic it is not known what it does under some,
// whatever is planned; one that has or had some, or a copy of it, or of which it is
// not known, tells.
func TestNever(t *testing.T) {
	for _, tt := range []struct {
		name   string
		weight float64
		steps  []float64
		routed int     // when it first had some; −1 for never
		copied float64 // requests a second that it is seen to get
		want   bool
	}{
		{"nothing planned", 0, []float64{0}, -1, 0, true},
		{"some planned", 0, []float64{0, 0.1}, -1, 0, true},
		{"some now", 0.1, []float64{0}, 7, 0, false},
		{"some before", 0, []float64{0.1, 0}, 7, 0, false},
		{"a copy of it", 0, []float64{0, 0.1}, -1, 3, false},
		{"not known", math.NaN(), []float64{0}, -1, 0, false},
		{"no plan", 0, nil, -1, 0, false},
	} {
		r := Release{ID: "cart"}
		for _, w := range tt.steps {
			r.Steps = append(r.Steps, Step{Weight: w})
		}
		s := New(System{Releases: []Release{r}, Signals: []signal.Signal{{Name: "traffic", Kind: signal.Traffic, Unit: signal.ParseUnit("req/s")}}}, prevention.DefaultPolicy())
		x := &s.mem.Subjects[0]
		x.Routed, x.Canary[0] = tt.routed, pattern.NewTrack(0)
		for k := range 9 {
			reading := signal.Missing(signal.Present, "pod-1")
			reading.Value, reading.Age = tt.copied, time.Hour
			x.Canary[0].Add(k, signal.Cell{Limit: math.NaN(), Readings: []signal.Reading{reading}}, 15)
		}
		if got := s.never(0, signal.Frame{Exposure: []signal.Exposure{{Weight: tt.weight}}}); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
