package release

import (
	"testing"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// TestContrast: what went on since it began is told by its last frames as well as by
// the mean since then; what stands as it did, or is counted, by the mean.
func TestContrast(t *testing.T) {
	s := New(System{Releases: []Release{{ID: "cart"}}, Signals: []signal.Signal{{Name: "p99", Kind: signal.Latency, Unit: signal.ParseUnit("s")}}}, prevention.DefaultPolicy())
	for _, tt := range []struct {
		last    float64
		counted bool
		want    string
	}{
		{8.6, false, "p99 is 8.5 s against 100 ms before since 00:00:00"},
		{83, false, "p99 is 83 s by now, and has been 8.5 s in the mean since 00:00:00, against 100 ms before"},
		{0.1, false, "p99 is 8.5 s against 100 ms before since 00:00:00"},
		{83, true, "p99 is 8.5 s against 100 ms before since 00:00:00"},
	} {
		fd := finding{Kind: signal.Latency, Counted: tt.counted, Subject: pattern.NewTrack(0)}
		fd.Now, fd.Level = 8.5, 0.1
		for k := range 8 {
			r := signal.Missing(signal.Present, "")
			r.Value, r.Age = tt.last, time.Hour
			fd.Subject.Add(k, signal.Cell{Readings: []signal.Reading{r}}, 15)
		}
		if got := s.contrast(0, fd); got != tt.want {
			t.Errorf("last at %v: %q, want %q", tt.last, got, tt.want)
		}
	}
	if got := numbered(1, "signal") + " " + shows(1) + ", " + numbered(2, "signal") + " " + shows(2); got != "1 signal shows, 2 signals show" {
		t.Errorf("numbered and shows: %q", got)
	}
}
