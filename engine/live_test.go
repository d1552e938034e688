package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// now lets every frame of a live run be asked at once.
func now(context.Context, time.Time) error { return nil }

// fleet is a system of n services with a release each, and minutes of its
// metrics: requests with their latency, and the Go runtime.
func fleet(n, minutes int) (release.System, string) {
	rng := rand.New(rand.NewPCG(7, 8))
	var text strings.Builder
	sys := release.System{Interval: time.Minute}
	for i := range n {
		name := fmt.Sprintf("svc-%03d", i)
		sys.Services = append(sys.Services, release.Service{Name: name, Selector: fmt.Sprintf("service=%q", name)})
		sys.Releases = append(sys.Releases, release.Release{
			ID: name, Service: i, Canary: fmt.Sprintf(`service=%q,version="2"`, name), Control: fmt.Sprintf(`service=%q,version="1"`, name),
			Steps: []release.Step{{At: minute(2), CompletedAt: minute(2), Weight: 0.1}},
		})
		for _, version := range []string{"1", "2"} {
			all := fmt.Sprintf(`service="%s",version="%s",pod="%s-%s"`, name, version, name, version)
			text.WriteString(points(`http_requests_total{`+all+`,code="200"}`, climbing(rng, minutes)...))
			text.WriteString(points(`http_requests_total{`+all+`,code="500"}`, climbing(rng, minutes)...))
			for _, le := range []string{"0.1", "1.0", "+Inf"} {
				text.WriteString(points(`http_request_duration_seconds_bucket{`+all+`,le="`+le+`"}`, climbing(rng, minutes)...))
			}
			text.WriteString(points(`go_goroutines{`+all+`}`, climbing(rng, minutes)...))
		}
	}
	return sys, text.String()
}

// TestManyReleases holds that a tick costs one query a signal and counter,
// however many releases are watched, and that the frames are those of a
// replay that asks for each release by itself.
func TestManyReleases(t *testing.T) {
	const minutes = 8
	// Signals: of generic_http traffic, errors and four latencies; nine of
	// go_runtime. Counters: all requests, those with errors, all in the
	// histogram, its count, and the waits of go_runtime/db_pool_wait.
	const signals, counters = 6 + 9, 5
	for _, n := range []int{2, 200} {
		sys, text := fleet(n, minutes)
		q := &asked{Querier: open(t, text)}
		src, err := engine.New(t.Context(), q, sys, engine.Options{Start: t0, End: minute(minutes - 1), Wait: now})
		if err != nil {
			t.Fatal(err)
		}
		var live []signal.Frame
		q.queries = nil
		for f, err := range src.Frames(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if got := len(q.queries); got != signals+counters {
				t.Errorf("frame %d of %d releases takes %d queries, want %d:\n%s", len(live), n, got, signals+counters, strings.Join(q.queries, "\n"))
			}
			q.queries = nil
			live = append(live, f)
		}
		apart, err := engine.New(t.Context(), q, sys, engine.Unbatched(engine.Options{Start: t0, End: minute(minutes - 1)}))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := said(src, live), said(apart, collect(t, apart)); got != want {
			t.Errorf("%d releases: live and together differs from replayed and by itself", n)
		}
		t.Logf("%d releases: %d queries by themselves", n, len(q.queries))
	}
}

// said writes frames with the names of their signals: a live system has the
// signals of all exporters, also of those that are not there.
func said(src *engine.Source, frames []signal.Frame) string {
	var b strings.Builder
	for _, f := range frames {
		fmt.Fprintln(&b, f.At, f.Exposure)
		for _, c := range f.Cells {
			fmt.Fprintln(&b, c.Service, src.System().Signals[c.Signal].Name, c.Release, c.Cohort, c.Limit, c.Readings)
		}
	}
	return b.String()
}
