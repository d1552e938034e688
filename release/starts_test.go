package release_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestStaysSlow: what is four times as slow as the stable version from its first frame
// on, and comes down by nothing, is rolled back within the time that a start may take;
// what comes down is waited for, and so is twice as slow.
func TestStaysSlow(t *testing.T) {
	for _, tt := range []struct {
		name  string
		times func(k int) float64
		by    int // the frame by which it is rolled back; 0 for not within a start
	}{
		{"stays", func(int) float64 { return 4 }, 11},
		{"comes down", func(k int) float64 { return 1 + 3*math.Exp(-float64(k)/5) }, 0},
		{"twice as slow", func(int) float64 { return 2 }, 0},
	} {
		rng := rand.New(rand.NewPCG(47, 48))
		as := play(nil, 12, atATenth, func(k int, c signal.Cohort) []signal.Reading {
			v := 0.1 + 0.003*rng.NormFloat64()
			if c == signal.Canary {
				v *= tt.times(k)
			}
			return []signal.Reading{present(v)}
		})
		if h := first(as, prevention.Hold); h < 0 || !strings.Contains(as[h].Sentence, "may still be warming up until 09:") {
			t.Errorf("%s: in frame %d: %s", tt.name, h, as[max(0, h)].Sentence)
		}
		if r := first(as, prevention.Rollback); tt.by == 0 && r >= 0 || tt.by > 0 && (r < 7 || r > tt.by) {
			t.Errorf("%s: rollback in frame %d, want one by %d: %s", tt.name, r, tt.by, as[11].Sentence)
		}
	}
}

// scraped plays a release of which latency, memory, a request every ten frames and
// whether its scrape works are told; of the new version as long as the function says so,
// and then that its scrape fails.
func scraped(lives func(k int, c signal.Cohort) bool, exposure func(int) signal.Exposure) []release.Assessment {
	rng := rand.New(rand.NewPCG(49, 50))
	up := perCohort("up", signal.Infra, "ratio")
	up.Worse = signal.Down
	more := []signal.Signal{up, perCohort("memory", signal.Memory, "bytes"), perCohort("traffic", signal.Traffic, "requests/s")}
	return play(more, 60, exposure, func(k int, c signal.Cohort) []signal.Reading {
		if !lives(k, c) {
			gone := signal.Missing(signal.Stopped, "")
			return []signal.Reading{gone, present(0), gone, gone}
		}
		out := []signal.Reading{present(0.1 + 0.003*rng.NormFloat64()), present(1), present(1e8 + 1e6*rng.NormFloat64()), present(0.1 / 15)}
		out[3].N = 0.1
		return out
	})
}

// TestScrapeFails: a version that hangs gives nothing but its failing scrape, which is
// no sign of life: also where the steps are shorter than a start may take, and where too
// few requests come to miss any.
func TestScrapeFails(t *testing.T) {
	steps := func(k int) signal.Exposure {
		return signal.Exposure{Weight: []float64{0.1, 0.25, 0.4, 0.5, 0.6, 0.7}[min(5, k/8)], Step: 1 + min(5, k/8)}
	}
	as := scraped(func(k int, c signal.Cohort) bool { return c == signal.Control || k < 14 }, steps)
	stopped := -1
	for k, a := range as {
		if stopped < 0 && k >= 14 && a.Reason == prevention.Silent.String() && (a.Verdict == "hold" || a.Verdict == "rollback") {
			stopped = k
		}
	}
	if stopped < 17 || stopped > 24 {
		t.Errorf("it hangs from frame 14 on, and is held for its silence in frame %d: %s", stopped, as[30].Sentence)
	}
}

// TestOnlyScraped: of what nothing but its scraping is told it is not known what it
// does, and it is not let on.
func TestOnlyScraped(t *testing.T) {
	rng := rand.New(rand.NewPCG(57, 58))
	slip := []signal.Signal{perCohort("p99 of a slip", signal.Latency, "s"), perCohort("errors", signal.Errors, "ratio")}
	as := play(slip, 60, atATenth, func(int, signal.Cohort) []signal.Reading {
		return []signal.Reading{present(0.1 + 0.003*rng.NormFloat64()), signal.Missing(signal.Empty, ""), signal.Missing(signal.Empty, "")}
	})
	if last := as[59]; last.Verdict != "promote" || !strings.Contains(last.Sentence, "; of p99 of a slip nothing was ever seen") {
		t.Errorf("with a slip in a query: %s: %s", last.Verdict, last.Sentence)
	}
	up := perCohort("up", signal.Infra, "ratio")
	up.Worse = signal.Down
	as = play([]signal.Signal{up}, 60, atATenth, func(int, signal.Cohort) []signal.Reading {
		return []signal.Reading{{}, present(1)}
	})
	last := as[59]
	if last.Verdict != "unknown" || !strings.Contains(last.Unknown.Needs, "a signal of what it serves") || !strings.Contains(last.Sentence, "nothing is told of it but how it is scraped") {
		t.Errorf("%s: %s", last.Verdict, last.Sentence)
	}
}

// TestNoFailureCounted: where no failure has a series of either version, because there
// was none or because the query is wrong, as many requests are waited for as where
// they are told to be none.
func TestNoFailureCounted(t *testing.T) {
	for _, told := range []bool{false, true} {
		rng := rand.New(rand.NewPCG(55, 56))
		more := []signal.Signal{perCohort("errors", signal.Errors, "ratio"), perCohort("traffic", signal.Traffic, "requests/s")}
		as := play(more, 60, atATenth, func(_ int, c signal.Cohort) []signal.Reading {
			n := 1350.0
			if c == signal.Canary {
				n = 150
			}
			out := []signal.Reading{present(0.1 + 0.003*rng.NormFloat64()), signal.Missing(signal.Empty, ""), present(n / 15)}
			if told {
				out[1] = present(0)
				out[1].N, out[1].Events = n, 0
			}
			out[2].N = n
			return out
		})
		p := first(as, prevention.Promote)
		if p < 14 || p > 25 {
			t.Errorf("told %v: promoted in frame %d", told, p)
		}
		if !told && !strings.Contains(as[10].Sentence, "no failed request of it was counted") {
			t.Errorf("in frame 10: %s", as[10].Sentence)
		}
	}
}
