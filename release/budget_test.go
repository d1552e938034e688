package release_test

import (
	"math"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestBudget: a tenth of the traffic that fails in 5 % burns a budget of one in
// a thousand over five times as fast as it may. How long it lasts goes by the
// window of the objective, and by 30 days without one; one that lasts is given
// no end.
func TestBudget(t *testing.T) {
	for _, tt := range []struct {
		failing       float64
		over          time.Duration
		period, spent string
	}{
		{0.05, 7 * 24 * time.Hour, "7d", "30h50m"},
		{0.05, 0, "30d", "5d"},
		{0.0005, 0, "30d", ""},
	} {
		sys := smallSystem(release.Safe)
		errors := perCohort("errors", signal.Errors, "ratio")
		errors.Limit = signal.Limit{Set: true, Value: 0.001, Over: tt.over}
		sys.Signals = append(sys.Signals, errors)
		state := release.New(sys, prevention.DefaultPolicy())
		var last release.Assessment
		for k := -foldBegins; k < 40; k++ {
			f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
			cell := func(c signal.Cohort, share float64) signal.Cell {
				r := present(share)
				r.N, r.Events = 1000, 1000*share
				return signal.Cell{Signal: 1, Cohort: c, Limit: 0.001, Readings: []signal.Reading{r}}
			}
			f.Cells = append(f.Cells, cell(signal.Control, 0.0005))
			if k >= 0 {
				f.Exposure[0] = signal.Exposure{Weight: 0.1, Step: 1}
				f.Cells = append(f.Cells, cell(signal.Canary, tt.failing))
			}
			if as := state.Step(f); len(as) > 0 {
				last = as[0]
			}
		}
		b := last.BlastRadius.Budget
		if b == nil {
			t.Errorf("%+v: no budget", tt)
			continue
		}
		burn := (0.1*tt.failing + 0.9*0.0005) / 0.001
		if math.Abs(float64(b.Burn)-burn) > 0.02*burn || b.Period != tt.period || b.Spent != tt.spent {
			t.Errorf("%+v: burns %v times as fast, %q is spent in %q; want %.3g", tt, b.Burn, b.Period, b.Spent, burn)
		}
	}
}
