package release

import (
	"testing"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// TestNoWorse: what is no worse by its own values than before is not held against a
// change, as the others do better.
func TestNoWorse(t *testing.T) {
	for _, tt := range []struct {
		last float64
		want bool
	}{{last: 81, want: false}, {last: 70, want: false}, {last: 120, want: true}} {
		var r pattern.Ring
		for k := range 60 {
			v := 81.0
			if k >= 50 {
				v = tt.last
			}
			r.Add(v)
		}
		cs, _ := pattern.Lately([]pattern.Recent{{Ring: &r, Frame: 59, Worse: signal.Up, Size: pattern.Size{Relative: 0.15}}})
		fd := finding{Comparison: cs[0], LogE: 20, Rejected: true, Active: true}
		fd.Now = tt.last
		if fd.noWorse(); fd.Rejected != tt.want || fd.Active != tt.want {
			t.Errorf("81 before and %v now: rejected %v, want %v", tt.last, fd.Rejected, tt.want)
		}
	}
}
