package release_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// fails is a cohort's share of n requests, of which a share fails: as a share of
// those that fail, or of those that go well; counted, or as a gauge alone.
func fails(rng *rand.Rand, n, share float64, good, counted bool) signal.Reading {
	var failed float64
	for range int(n) {
		if rng.Float64() < share {
			failed++
		}
	}
	events := failed
	if good {
		events = n - failed
	}
	r := present(events / n)
	if counted {
		r.N, r.Events = n, events
	}
	return r
}

// shares plays a release at half of the traffic, and from a frame on alone on all of
// it, of which the new version fails the share that goes with the frame.
func shares(sig signal.Signal, alone, frames int, counted bool, control float64, canary func(k int) float64) []release.Assessment {
	rng := rand.New(rand.NewPCG(51, 52))
	exposure := func(k int) signal.Exposure {
		if k >= alone {
			return signal.Exposure{Weight: 1, Step: 2}
		}
		return signal.Exposure{Weight: 0.5, Step: 1}
	}
	return play([]signal.Signal{sig}, frames, exposure, func(k int, c signal.Cohort) []signal.Reading {
		n, share := 400.0, control
		switch {
		case c == signal.Control && k >= alone:
			return []signal.Reading{signal.Missing(signal.Empty, ""), signal.Missing(signal.Empty, "")}
		case c == signal.Control && k >= 0:
			n = 200
		case c == signal.Canary:
			if share = canary(k); k < alone {
				n = 200
			}
		}
		return []signal.Reading{present(0.1 * (1 + 0.02*rng.NormFloat64())), fails(rng, n, share, sig.Good(), counted)}
	})
}

// TestCountsAlone: what is counted of a new version that has taken over all traffic
// is held against what the stable one counted while it was there: it is found when it
// begins to fail then, and known to do well when it does.
func TestCountsAlone(t *testing.T) {
	for _, tt := range []struct {
		name    string
		alone   int     // frame from which it has all traffic
		begins  int     // frame in which it begins to fail
		by      float64 // of its requests
		verdict string
	}{
		{"it fails once it is alone", 12, 20, 0.05, "rollback"},
		{"it fails long after", 12, 100, 0.05, "rollback"},
		{"all at once, and it fails", 0, 3, 0.05, "rollback"},
		{"it does well, and was hardly seen beside the stable one", 6, math.MaxInt, 0, "promote"},
	} {
		as := shares(perCohort("errors", signal.Errors, "ratio"), tt.alone, 130, true, 0.001, func(k int) float64 {
			if k >= tt.begins {
				return tt.by
			}
			return 0.001
		})
		if last := as[len(as)-1]; last.Verdict != tt.verdict {
			t.Errorf("%s: %s: %s", tt.name, last.Verdict, last.Sentence)
		}
		first := slices.IndexFunc(as, func(a release.Assessment) bool { return a.Verdict == "rollback" })
		if first >= 0 && (first < tt.begins || first > tt.begins+2) {
			t.Errorf("%s: rolled back in frame %d, want it within 2 of frame %d", tt.name, first, tt.begins)
		}
	}
}

// TestGoodShares: of a share of what goes well, less is worse by what is missing to
// all of it, whether it is counted or not; and more is better.
func TestGoodShares(t *testing.T) {
	good := perCohort("success", signal.Errors, "ratio")
	good.Worse = signal.Down
	for _, tt := range []struct {
		name           string
		counted        bool
		before, now    float64 // what fails
		verdict, while string  // in the end, and what is said of it
	}{
		{"counted, 99.9 to 95 %", true, 0.001, 0.05, "rollback", "success is 95.2 %"},
		{"a gauge, 99.9 to 95 %", false, 0.001, 0.05, "rollback", "success is 9"},
		{"counted, 79 to 99.8 %", true, 0.21, 0.002, "promote", "safe to take"},
		{"a gauge, 79 to 99.8 %", false, 0.21, 0.002, "promote", "safe to take"},
		{"counted, 97 % as ever", true, 0.03, 0.03, "promote", "safe to take"},
	} {
		as := shares(good, math.MaxInt, 60, tt.counted, tt.before, func(int) float64 { return tt.now })
		if last := as[len(as)-1]; last.Verdict != tt.verdict || !strings.Contains(last.Sentence, tt.while) {
			t.Errorf("%s: %s: %s", tt.name, last.Verdict, last.Sentence)
		}
	}
}

// TestNumbersOfFailures: a number of failures is counted against the requests, as a
// rate of them is; and a number of restarts against nothing: one is one of one, and a
// new version of which one process started again once is not unknown for ever.
func TestNumbersOfFailures(t *testing.T) {
	for _, tt := range []struct {
		name    string
		failed  float64 // of 100 requests of the new version
		starts  int     // frame in which one of its processes started again; 0 for none
		orders  float64 // that come of its requests, times what come of the others'
		verdict string
	}{
		{"8 of 100 fail, of the others 9 of 900", 8, 0, 1, "rollback"},
		{"1 of 100 as ever", 1, 0, 1, "promote"},
		{"one restart", 1, 5, 1, "promote"},
		{"3 of 100 fail, and four times as many orders come of the rest", 3, 0, 4, "rollback"},
	} {
		rng := rand.New(rand.NewPCG(41, 42))
		orders := perCohort("orders", signal.Traffic, "orders/s") // of which there are few, and which are no requests
		orders.Worse = signal.Down
		signals := []signal.Signal{orders, perCohort("failures", signal.Errors, "failures"), perCohort("requests", signal.Traffic, "requests/s"), perCohort("restarts", signal.Crashes, "restarts")}
		as := play(signals, 60, atATenth, func(k int, c signal.Cohort) []signal.Reading {
			n, failed, started := 900.0, 9.0, 0.0
			if c == signal.Canary {
				n, failed = 100, tt.failed
				if k == tt.starts && k > 0 {
					started = 1
				}
			}
			failures, requests, starts, bought := present(failed), present(n/15), present(started), present(n/150)
			if bought.N = n / 10; c == signal.Canary {
				bought.N, bought.Value = bought.N*tt.orders, bought.Value*tt.orders
			}
			failures.N, failures.Events, requests.N = failed, failed, n
			starts.N, starts.Events = started, started
			return []signal.Reading{present(0.1 * (1 + 0.02*rng.NormFloat64())), bought, failures, requests, starts}
		})
		if last := as[len(as)-1]; last.Verdict != tt.verdict {
			t.Errorf("%s: %s: %s", tt.name, last.Verdict, last.Sentence)
		}
	}
}

// TestRatesAlone: failures that come as a number are held against the requests of the
// stable version also when that has gone, and not against themselves before: then all
// would have been failures.
func TestRatesAlone(t *testing.T) {
	for _, tt := range []struct {
		name    string
		late    float64 // of its requests that fail once it is alone
		verdict string
	}{{"2 of 100 fail", 0.02, "rollback"}, {"1 of 100 as ever", 0.01, "promote"}} {
		rng := rand.New(rand.NewPCG(81, 82))
		signals := []signal.Signal{perCohort("failures", signal.Errors, "failures"), perCohort("requests", signal.Traffic, "requests/s")}
		const alone = 30
		exposure := func(k int) signal.Exposure {
			if k >= alone {
				return signal.Exposure{Weight: 1, Step: 2}
			}
			return signal.Exposure{Weight: 0.5, Step: 1}
		}
		as := play(signals, 90, exposure, func(k int, c signal.Cohort) []signal.Reading {
			n, share := 1000.0, 0.01
			switch {
			case c == signal.Control && k >= alone:
				gone := signal.Missing(signal.Stopped, "")
				return []signal.Reading{gone, gone, gone}
			case k >= alone:
				share = tt.late
			case k >= 0:
				n = 500
			}
			failed := math.Round(n*share + math.Sqrt(n*share)*0.5*rng.NormFloat64())
			failures, requests := present(failed), present(n/15)
			failures.N, failures.Events, requests.N = failed, failed, n
			return []signal.Reading{present(0.1 * (1 + 0.02*rng.NormFloat64())), failures, requests}
		})
		if last := as[len(as)-1]; last.Verdict != tt.verdict {
			t.Errorf("%s: %s: %s", tt.name, last.Verdict, last.Sentence)
		}
	}
}
