package release_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// pushed plays a change of a system of so many regions: sixty frames before it and
// forty after. values gives traffic, cpu, latency and the share of errors of a region in
// a frame, which is below 0 before the change. It returns the first assessment that
// rolls back, or else the last one.
func pushed(regions int, values func(region, frame int) (traffic, cpu, latency, errors float64)) release.Assessment {
	const requests = 3000
	rng := rand.New(rand.NewPCG(61, 62))
	signals := []signal.Signal{
		perCohort("requests", signal.Traffic, "requests/s"), perCohort("cpu", signal.CPU, "cores"),
		perCohort("latency", signal.Latency, "s"), perCohort("errors", signal.Errors, "ratio"),
	}
	return playChange(regions, signals, 40, func(j, k int) []signal.Reading {
		traffic, cpu, latency, errors := values(j, k)
		n := math.Round(requests * traffic)
		failed := present(errors)
		failed.N, failed.Events = n, math.Round(n*errors*(1+0.1*rng.NormFloat64()))
		failed.Value = failed.Events / n
		noisy := func(x float64) signal.Reading { return present(x * (1 + 0.03*rng.NormFloat64())) }
		return []signal.Reading{noisy(50 * traffic), noisy(cpu), noisy(latency), failed}
	})
}

// TestEverywhere: what all services of a system show from a change on is the change's
// doing, if nothing asks more of them; and what more demand asks of them is not.
func TestEverywhere(t *testing.T) {
	type values = func(region, frame int) (traffic, cpu, latency, errors float64)
	since := func(frame, from int, then float64) float64 {
		if frame >= from {
			return then
		}
		return 1
	}
	failing := func(n int) values {
		return func(j, k int) (float64, float64, float64, float64) {
			if j < n {
				return 1, 1, 0.05, 0.001 * since(k, 0, 50)
			}
			return 1, 1, 0.05, 0.001
		}
	}
	for _, tt := range []struct {
		name    string
		regions int
		values  values
		want    string
	}{
		{"errors in all of eight", 8, failing(8), "rollback"},
		{"errors in half of eight", 8, failing(4), "rollback"},
		{"errors in the only one", 1, failing(1), "rollback"},
		{"errors in one of two", 2, failing(1), "rollback"},
		{"slow everywhere", 8, func(_, k int) (float64, float64, float64, float64) {
			return 1, 1, 0.05 * since(k, 0, 2.5), 0.001
		}, "rollback"},
		{"twice the processor for the same work", 8, func(_, k int) (float64, float64, float64, float64) {
			return 1, since(k, 0, 2), 0.05, 0.001
		}, "rollback"},
		{"twice the work", 8, func(_, k int) (float64, float64, float64, float64) {
			return since(k, 0, 2), since(k, 0, 2), 0.05 * since(k, 0, 1.5), 0.001 * since(k, 0, 10)
		}, "promote"},
		{"half of the work", 8, func(_, k int) (float64, float64, float64, float64) {
			return since(k, 0, 0.5), since(k, 0, 0.5), 0.05, 0.001
		}, "promote"},
		{"slow everywhere, long after", 8, func(_, k int) (float64, float64, float64, float64) {
			return 1, 1, 0.05 * since(k, 20, 2.5), 0.001
		}, "promote"},
		{"cold for three minutes", 8, func(_, k int) (float64, float64, float64, float64) {
			return 1, 1, 0.05 * since(k, 0, 3) / since(k, 3, 3), 0.001
		}, "promote"},
		{"nothing", 1, failing(0), "promote"},
	} {
		a := pushed(tt.regions, tt.values)
		if a.Verdict != tt.want {
			t.Errorf("%s: %s, want %s: %s", tt.name, a.Verdict, tt.want, a.Sentence)
		}
	}
}

// TestNothingCompared: a change does not stay because nothing shows harm where nothing
// could be compared: it is said what would make it known.
func TestNothingCompared(t *testing.T) {
	nothing := func(_, _ int) (float64, float64, float64, float64) {
		nan := math.NaN()
		return nan, nan, nan, nan
	}
	if a := pushed(3, nothing); a.Verdict != "unknown" || a.Unknown == nil {
		t.Errorf("%s (%+v): %s; want unknown, and what would make it known", a.Verdict, a.Unknown, a.Sentence)
	}
}
