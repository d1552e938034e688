package release_test

import (
	"testing"
	"time"

	"github.com/foreshock/foreshock/release"
)

// TestStakesStand: once a release is rolled back, what was weighed is what it was rolled
// back by, and says when: a version that has come down since looks well. Before, it
// is weighed in every frame.
func TestStakesStand(t *testing.T) {
	var decided time.Time
	var last release.Assessment
	for k, a := range (story{frames: 60, canary: during(20, 35, 5), control: always(1)}).play(t, fresh(release.Safe)) {
		b := a.BlastRadius
		if b == nil || len(b.Choices) != 3 {
			t.Fatalf("frame %d: %+v", k, b)
		}
		if decided.IsZero() && a.Verdict == "rollback" {
			decided = a.At
		}
		switch {
		case decided.IsZero() || a.At.Equal(decided):
			if b.ChoicesAt != nil {
				t.Fatalf("frame %d: weighed at %v, want now", k, b.ChoicesAt)
			}
		case b.ChoicesAt == nil || !b.ChoicesAt.Equal(decided) || b.Choices[0].Action != "rollback":
			t.Fatalf("frame %d: weighed at %v, best %+v; want the rollback at %v", k, b.ChoicesAt, b.Choices[0], decided)
		}
		last = a
	}
	if decided.IsZero() || last.Shadow == "rollback" {
		t.Errorf("rolled back at %v, and without the latch it is still %s; the test shows nothing", decided, last.Shadow)
	}
}
