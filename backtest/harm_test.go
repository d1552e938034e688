package backtest

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/foreshock/foreshock/release"
)

// TestSplitOf against reference values of FNV-1a with 64 bits: of "" it is
// cbf29ce484222325, of "a" af63dc4c8601ec8c, of "foobar" 85944171f73967e8.
func TestSplitOf(t *testing.T) {
	for folder, want := range map[string]string{"": Tune, "a": Test, "foobar": Test} {
		if got := SplitOf(folder); got != want {
			t.Errorf("SplitOf(%q) = %s, want %s", folder, got, want)
		}
	}
}

// scores are four recordings and one whose requests nobody counted. Rates by
// hand: nobody 100, 300 and 20; ours 10, 0 and 20.
func scores() []Score {
	nan := release.Number(math.NaN())
	stop := &time.Time{}
	bad := func(fails release.Number, later bool) Subject {
		return Subject{Bad: true, FailsAt: fails, FailsLater: later, Exposure: nan, Delay: nan, Culprit: nan}
	}
	well := Subject{FailsAt: nan, Exposure: nan, Delay: nan, Culprit: nan}
	played := func(harmed release.Number, as ...Acted) []Played {
		return []Played{{Policy: Guard, Harmed: harmed, Releases: as}, {Policy: "argo", Harmed: 2 * harmed, Releases: make([]Acted, len(as))}}
	}
	waits := well
	waits.StepDelays = []StepDelay{{1, 60, false}, {2, 120, true}}
	return []Score{
		{
			Recording: "leak-1", Split: Tune, Counted: true, Fault: "leak", Nobody: 100, Subjects: []Subject{bad(50, true), well}, Class: []string{"code"}, Cause: "code", Right: true,
			Policies: played(10, Acted{ID: "cart", Bad: true, StoppedAt: stop, StoppedWeight: 20, RolledBack: true, Averted: true, InFirst: true}, Acted{ID: "web", StoppedWeight: nan}),
		},
		{
			Recording: "leak-2", Split: Test, Counted: true, Fault: "leak", Nobody: 300, Subjects: []Subject{bad(5, false)}, Class: []string{"code"},
			Policies: played(0, Acted{ID: "cart", Bad: true, StoppedAt: stop, StoppedWeight: 20, RolledBack: true, InFirst: true}),
		},
		{
			Recording: "config", Split: Test, Counted: true, Fault: "config", Nobody: 20, Subjects: []Subject{bad(nan, false)}, Class: []string{"config"}, Cause: "config", Right: true,
			Policies: played(20, Acted{ID: "cart", Bad: true, Averted: true, InFirst: true, Blind: true, StoppedWeight: nan}),
		},
		{
			Recording: "alike", Split: Tune, Counted: true, Nobody: nan, Subjects: []Subject{waits, well, well},
			Policies: played(nan, Acted{ID: "a", StoppedAt: stop, StoppedWeight: 50, RolledBack: true}, Acted{ID: "b", StoppedAt: stop, StoppedWeight: 100}, Acted{ID: "c", Held: true, Waiting: true, Unknown: true, StoppedWeight: nan, BlockedStep: 2}),
		},
		{Recording: "uncounted", Split: Tune, Nobody: nan, Subjects: []Subject{well}, Policies: played(nan, Acted{ID: "d", StoppedAt: stop})},
	}
}

func TestCompare(t *testing.T) {
	got := Compare(scores())
	nan := release.Number(math.NaN())
	// Ours: 10, 0 and 20 in all 30, the middle 10. Of four healthy releases two
	// were stopped, one of them rolled back, and of one it is unknown at the end.
	all := Standing{
		Recordings: 4, Faulty: 3, Nobody: 420, NobodyMedian: 100, Later: 1, AtOnce: 1, Healthy: 4,
		Policies: []PolicyStanding{
			{Policy: Guard, Harmed: 30, Median: 10, Averted: 1, InFirst: 1, Stopped: 2, RolledBack: 1, Held: 1, Waiting: 1, Unknown: 1, Blind: 1},
			{Policy: "argo", Harmed: 60, Median: 20},
		},
		Delay:      Delay{Steps: 2, Censored: 1, Median: 60},
		CauseRight: 2, CauseOf: 3, MajorityClass: release.Number(2. / 3),
	}
	if d := cmp.Diff(all, got.All, sameNumbers); d != "" {
		t.Errorf("all (-want +got):\n%s", d)
	}
	if got.Tune.Nobody != 100 || got.Tune.Policies[0].Harmed != 10 || got.Test.Nobody != 320 || got.Test.NobodyMedian != 160 || got.Test.Policies[0].Median != 10 {
		t.Errorf("halves are %+v and %+v", got.Tune, got.Test)
	}
	faults := []FaultHarm{
		{Fault: "config", Recordings: 1, Nobody: 20, Policies: []PolicyHarm{{Guard, 20}, {"argo", 40}}},
		{Fault: "leak", Recordings: 2, Nobody: 200, Policies: []PolicyHarm{{Guard, 5}, {"argo", 10}}},
	}
	if d := cmp.Diff(faults, got.Faults, sameNumbers); d != "" {
		t.Errorf("faults (-want +got):\n%s", d)
	}
	if h := Compare(scores()[4:]); h != nil {
		t.Errorf("Compare of nothing counted = %+v, want nil", h)
	}
	healthy := Compare(scores()[3:4])
	if healthy.All.Nobody != 0 || !isNaN(healthy.All.NobodyMedian) || !cmp.Equal(healthy.All.MajorityClass, nan, sameNumbers) || len(healthy.Faults) > 0 {
		t.Errorf("Compare of a healthy recording = %+v", healthy)
	}
}

func TestGolden(t *testing.T) {
	got := Golden(scores()[:4])
	for _, want := range []string{
		"leak-1 tune harms 100 cause code right\n",
		"leak-2 test harms 300 cause none wrong\n",
		"alike tune\n",
		"  foreshock harms 10 cart:stopped-20% web:on\n",
		"  foreshock harms 20 cart:blind\n",
		"  foreshock a:stopped-50% b:stopped-100% c:blocked-2\n",
		"all: 4 recordings, nobody 420\n  foreshock harms 30 median 10, averted 1/1 at once 1/1, healthy stopped 2 kept 1 held 0 unknown 1 of 4\n",
		"tune: 2 recordings, nobody 100\n",
		"test: 2 recordings, nobody 320\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("Golden has no %q:\n%s", want, got)
		}
	}
	if got := Golden(scores()[4:]); strings.Contains(got, "all:") || !strings.Contains(got, "total: ") {
		t.Errorf("Golden without counted requests:\n%s", got)
	}
}
