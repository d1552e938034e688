package release_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// A served frame of one version: requests a second, the share that fails,
// whether anything is reported of the work, and signals that are missing.
type served struct {
	rate, failing float64
	silent        bool
	lacks         []int
}

// serve plays forty frames before and so many of a release at a tenth of the
// traffic, of which errors, latency, traffic and memory are measured, and
// returns its assessments.
func serve(frames int, version func(k int) (canary, control served)) []release.Assessment {
	return planned(frames, 0, version)
}

// planned plays the same of a release that stands at no traffic for so many
// frames first.
func planned(frames, ahead int, version func(k int) (canary, control served)) []release.Assessment {
	rng := rand.New(rand.NewPCG(21, 22))
	signals := []signal.Signal{
		perCohort("errors", signal.Errors, "ratio"), perCohort("traffic", signal.Traffic, "requests/s"), perCohort("memory", signal.Memory, "bytes"),
	}
	exposure := func(k int) signal.Exposure {
		switch {
		case k < ahead:
			return signal.Exposure{Step: 1}
		case ahead > 0:
			return signal.Exposure{Weight: 0.1, Step: 2}
		}
		return atATenth(k)
	}
	return play(signals, frames, exposure, func(k int, c signal.Cohort) []signal.Reading {
		v := served{rate: 100}
		if k >= 0 {
			canary, control := version(k)
			if v = control; c == signal.Canary {
				v = canary
			}
		}
		return v.readings(rng)
	})
}

// readings are latency, errors, traffic and memory.
func (v served) readings(rng *rand.Rand) []signal.Reading {
	n := math.Round(15 * v.rate)
	out := make([]signal.Reading, 0, 4)
	for id, x := range []float64{0.1 + 0.003*rng.NormFloat64(), v.failing, v.rate * (1 + 0.02*rng.NormFloat64()), 1e8 * (1 + 0.01*rng.NormFloat64())} {
		r := present(x)
		if v.silent && id != 3 || slices.Contains(v.lacks, id) {
			r = signal.Missing(signal.Empty, "")
		}
		if id == 1 && !v.silent {
			r.N, r.Events = n, math.Round(v.failing*n)
		}
		out = append(out, r)
	}
	return out
}

func reasons(as []release.Assessment, reason prevention.Reason) (first int) {
	return slices.IndexFunc(as, func(a release.Assessment) bool { return a.Reason == reason.String() })
}

// TestBothVersions: both failing from the first frames on calls a person; the
// same in the middle of a step is somebody else's.
func TestBothVersions(t *testing.T) {
	since := func(from int) func(int) (canary, control served) {
		return func(k int) (canary, control served) {
			failing := 0.0
			if k >= from {
				failing = 0.5
			}
			return served{rate: 10, failing: failing}, served{rate: 90, failing: failing}
		}
	}
	as := serve(20, since(0))
	k := reasons(as, prevention.Together)
	if k < 0 || k > 8 || as[k].Verdict != "escalate" || !as[k].Warns() || as[k].Culprit < 0.5 {
		t.Errorf("both fail at once: both-versions in frame %d of %d, want an escalate that warns within 8", k, len(as))
	}
	if h := reasons(as, prevention.Elsewhere); h < 0 || h >= k || strings.Contains(as[h].Sentence, "not this release") || !strings.Contains(as[h].Sentence, "began as this release began. It may be chance, or what the release does to both: a migration") {
		t.Errorf("both fail at once: in frame %d %q, want no acquittal before the person is called", h, as[max(h, 0)].Sentence)
	}
	as = serve(40, since(20))
	if k := reasons(as, prevention.Together); k >= 0 {
		t.Errorf("both fail from frame 20 on: both-versions in frame %d", k)
	}
	if k := reasons(as, prevention.Elsewhere); k < 20 {
		t.Errorf("both fail from frame 20 on: elsewhere in frame %d, want it after", k)
	} else if !strings.Contains(as[k].Sentence, "so it is not this release") {
		t.Errorf("both fail from frame 20 on, long after a step: %q", as[k].Sentence)
	}
}

// TestSplit: a new version that gets half of the traffic where a tenth was
// planned is held for that; one that gets its tenth, or a little more, is not.
func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		share float64
		held  bool
	}{{0.5, true}, {0.3, true}, {0.1, false}, {0.15, false}} {
		as := serve(30, func(int) (canary, control served) {
			return served{rate: 100 * tt.share}, served{rate: 100 * (1 - tt.share)}
		})
		k := slices.IndexFunc(as, func(a release.Assessment) bool { return strings.Contains(a.Sentence, "were planned") })
		if (k >= 0) != tt.held || tt.held && as[k].Verdict != "hold" {
			t.Errorf("a share of %v where 0.1 was planned: said in frame %d, want %v", tt.share, k, tt.held)
		}
	}
}

// TestDue: that a version serves nothing means something only where requests
// were due: at 90 a second to the control, and not at one in two minutes.
func TestDue(t *testing.T) {
	for _, tt := range []struct {
		rate   float64
		silent bool
	}{{90, true}, {0.008, false}} {
		as := serve(40, func(int) (canary, control served) {
			return served{silent: true}, served{rate: tt.rate}
		})
		if k := reasons(as, prevention.Silent); (k >= 0) != tt.silent {
			t.Errorf("control at %v requests a second: silent in frame %d, want %v", tt.rate, k, tt.silent)
		}
	}
}

// TestOneBadFrame: what failed in one frame alone calls nobody, though all values
// that look back over it show it for four.
func TestOneBadFrame(t *testing.T) {
	verdicts := func(bad int) []release.Assessment {
		rng := rand.New(rand.NewPCG(23, 24))
		signals := []signal.Signal{perCohort("errors", signal.Errors, "ratio"), perCohort("traffic", signal.Traffic, "requests/s"), perCohort("memory", signal.Memory, "bytes")}
		return play(signals, 30, atATenth, func(k int, c signal.Cohort) []signal.Reading {
			v := served{rate: 90}
			if c == signal.Canary {
				v.rate = 10
			}
			rs := v.readings(rng)
			if k >= 0 && k < bad+3 {
				rs[1].Value = 0.2
			}
			if k >= 0 && k < bad {
				rs[1].Events = math.Round(0.5 * rs[1].N)
			}
			return rs
		})
	}
	if k := first(verdicts(1), prevention.Escalate); k >= 0 {
		t.Errorf("one bad frame: a person is called in frame %d", k)
	}
	if k := first(verdicts(30), prevention.Escalate); k < 0 {
		t.Error("they go on failing, and nobody is called")
	}
}

// TestSpared: what the stable version alone suffers is not said of both, and does not
// hold the new one, which mends it.
func TestSpared(t *testing.T) {
	for _, tt := range []struct {
		canary float64
		held   bool
	}{{0, false}, {0.1, true}} {
		as := serve(40, func(k int) (canary, control served) {
			canary, control = served{rate: 10}, served{rate: 90}
			if k >= 6 {
				canary.failing, control.failing = tt.canary, 0.1
			}
			return canary, control
		})
		last := as[len(as)-1]
		if both := strings.Contains(last.Sentence, "both versions"); both != tt.held || (last.Verdict == "promote") == tt.held {
			t.Errorf("new version failing in %v of its requests, the stable one in 0.1: %s: %s", tt.canary, last.Verdict, last.Sentence)
		}
	}
}
