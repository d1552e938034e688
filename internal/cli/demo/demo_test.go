package demo

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestDescription reads back what a demo writes of itself.
func TestDescription(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 250e6, time.UTC)
	d := description{
		name: "try", what: "A try.", start: start, end: start.Add(time.Minute), interval: 2 * time.Second,
		steps: []step{{at: start.Add(20 * time.Second), weight: 0.1}, {at: start.Add(40 * time.Second), weight: 1}},
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "recording.yaml"), []byte(d.text()), 0o644); err != nil {
		t.Fatal(err)
	}
	rec, err := recording.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.Warnings) > 0 {
		t.Errorf("the description gives warnings: %v", rec.Warnings)
	}
	if !rec.Start.Equal(start) || rec.Interval != 2*time.Second || len(rec.System.Services) != 5 {
		t.Errorf("read back start %s, interval %s and %d services, want %s, 2s and 5", rec.Start, rec.Interval, len(rec.System.Services), start)
	}
	r := rec.System.Releases[0]
	if len(r.Steps) != 2 || r.Steps[0].Weight != 0.1 || !r.Steps[1].At.Equal(d.steps[1].at) {
		t.Errorf("read back steps %+v, want those that were written", r.Steps)
	}
	names, err := metricsOf(rec.System.Signals)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"up", "edge_upstream_request_duration_seconds_bucket", "app_memory_limit_bytes", "cache_requests_total"} {
		if !names[want] {
			t.Errorf("metricsOf lacks %s", want)
		}
	}
	if _, err := metricsOf([]signal.Signal{{Name: "bad", Query: "rate("}}); err == nil {
		t.Error("metricsOf of a broken query gives no error")
	}
}

// TestStrain tells a calm machine from a busy one.
func TestStrain(t *testing.T) {
	s := &strain{}
	if s.tooBusy() {
		t.Error("nothing measured yet, and it is too busy")
	}
	for range 140 {
		s.add(time.Millisecond)
	}
	for range 10 {
		s.add(time.Second) // one in fifteen
	}
	if s.tooBusy() {
		t.Error("one late wake-up in fifteen is too busy, want calm")
	}
	for range 10 {
		s.add(30 * time.Millisecond)
	}
	if !s.tooBusy() {
		t.Error("two late wake-ups in fifteen are calm, want too busy")
	}
	for range strainKeep {
		s.add(0)
	}
	if s.tooBusy() {
		t.Error("it stays too busy after it calmed down")
	}
}

func TestWhole(t *testing.T) {
	rs := []signal.Reading{{Value: 2}, {Value: math.NaN()}, {Value: 4}}
	if got := whole(rs, signal.ParseUnit("requests/s")); got != 6 {
		t.Errorf("rates of instances are %v together, want 6", got)
	}
	if got := whole(rs, signal.ParseUnit("s")); got != 3 {
		t.Errorf("times of instances are %v together, want 3", got)
	}
	if got := whole(rs[1:2], signal.ParseUnit("s")); !math.IsNaN(got) {
		t.Errorf("nothing is %v together, want NaN", got)
	}
}

// TestBlind takes the readings out and leaves the cells.
func TestBlind(t *testing.T) {
	f := signal.Frame{Cells: []signal.Cell{{Signal: 3, Readings: []signal.Reading{{Value: 1}}}}}
	blind(&f)
	if len(f.Cells) != 1 || f.Cells[0].Readings != nil {
		t.Errorf("blind leaves %+v, want the cell without readings", f.Cells)
	}
}

// TestNote: of several limits the one that is told first is what was foretold,
// and what is said once the callers suffer is not.
func TestNote(t *testing.T) {
	at := func(p50 release.Number) release.Prediction {
		return release.Prediction{Kind: "fails-at", Weight: &release.Quantiles{P50: p50}}
	}
	var r Result
	r.note(release.Assessment{Predictions: []release.Prediction{at(60), at(50), {Kind: "fails-at", Reason: "not yet"}}}, false)
	r.note(release.Assessment{Predictions: []release.Prediction{at(40)}}, true)
	if r.Foretold == nil || r.Foretold.Weight == nil || r.Foretold.Weight.P50 != 60 {
		t.Errorf("foretold %+v, want that of 60 %%", r.Foretold)
	}
}

// TestHeldNeedsPromote: what was held is let on by a promote, and not by an unknown
// that follows when the evidence has gone.
func TestHeldNeedsPromote(t *testing.T) {
	p := &player{o: Options{Brakes: true}}
	for _, tt := range []struct {
		verdict prevention.Verdict
		held    bool
	}{
		{prevention.Unknown, false},
		{prevention.Hold, true},
		{prevention.Unknown, true},
		{prevention.Promote, false},
		{prevention.Unknown, false},
	} {
		if p.heed(release.Assessment{Verdict: tt.verdict.String()}); p.hold != tt.held {
			t.Errorf("after %v: held %v, want %v", tt.verdict, p.hold, tt.held)
		}
	}
}

// TestStepsWaitForPromote holds that with brakes no step begins while nothing can
// be told, not even when nothing was held, and that the wait ends with the story.
func TestStepsWaitForPromote(t *testing.T) {
	for _, tt := range []struct {
		name    string
		brakes  bool
		promote time.Duration // when it comes; 0 means never
		after   time.Duration // when the step begins, or the wait ends
		goesOn  bool
	}{
		{"a promote comes", true, 20 * time.Second, 20 * time.Second, true},
		{"none comes", true, 0, time.Minute, false},
		{"no brakes", false, 0, 0, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			p := &player{o: Options{Brakes: tt.brakes, Hold: 10 * time.Second, Interval: time.Second}, latest: began.Add(time.Minute)}
			p.heed(release.Assessment{Verdict: prevention.Unknown.String()})
			if tt.promote > 0 {
				time.AfterFunc(tt.promote, func() { p.heed(release.Assessment{Verdict: prevention.Promote.String()}) })
			}
			goesOn := p.clear(t.Context())
			if took := time.Since(began); goesOn != tt.goesOn || (took-tt.after).Abs() > time.Second {
				t.Errorf("%s: it goes on %v after %s, want %v after %s", tt.name, goesOn, took, tt.goesOn, tt.after)
			}
		})
	}
}
