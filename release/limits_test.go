package release

import (
	"math"
	"testing"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// TestAtRest: what a version at a tenth of the traffic uses in all is no more than
// the stable one does: for its share that is three times as much, and no harm.
// More than that, of one instance, with a limit or where callers feel it, it stays what it was.
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
		{"with a limit", signal.Memory, "B/s", "", 1e4, 900, 0.1, true},
		{"not by share", signal.Memory, "B", "", nan, 900, 0.1, true},
		{"callers feel it", signal.Errors, "req/s", "", nan, 900, 0.1, true},
		{"the weight is not known", signal.Memory, "B/s", "", nan, 900, nan, true},
	} {
		s := New(System{Signals: []signal.Signal{{Name: "x", Kind: tt.kind, Unit: signal.ParseUnit(tt.unit)}}}, prevention.DefaultPolicy())
		subject := pattern.NewTrack(0)
		subject.Limit, subject.Pods = tt.limit, []pattern.Pod{{Instance: tt.instance}}
		fd := finding{Kind: tt.kind, LogE: 30, Active: true, Harm: 0.9, Subject: subject, Control: pattern.NewTrack(0)}
		fd.Now, fd.Level = tt.now, 300
		s.atRest(&fd, tt.weight)
		if got := fd.LogE == 30 && fd.Active && fd.Harm == 0.9; got != tt.kept || !got && (fd.LogE != 0 || fd.Active || fd.Harm != 0 || !fd.Harmless) {
			t.Errorf("%s: kept %v (%+v), want %v", tt.name, got, fd.LogE, tt.kept)
		}
	}
}
