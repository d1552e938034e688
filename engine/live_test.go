package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// now lets every frame of a live run be asked at once.
func now(context.Context, time.Time) error { return nil }

// fleet is a system of n services with a release each, and minutes of its
// metrics: requests with their latency, and the Go runtime.
func fleet(n, minutes int, long bool) (release.System, string) {
	rng := rand.New(rand.NewPCG(7, 8))
	var text strings.Builder
	sys := release.System{Interval: time.Minute}
	for i := range n {
		name := fmt.Sprintf("svc-%03d", i)
		if long {
			name = longName(i)
		}
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

// longName is a name of 40 characters and more, as platforms make them.
func longName(i int) string {
	teams := []string{"payments", "search", "logistics", "identity", "growth"}
	parts := []string{"api", "worker", "gateway", "indexer", "scheduler", "ledger", "profile", "notifier"}
	return fmt.Sprintf("%s-%s-%s-%02d.production.eu-central-1", teams[i%5], parts[i/5%8], parts[i/3%8], i)
}

// TestManyReleases holds that a tick costs one query a signal and counter,
// however many releases are watched, and that the frames are those of a
// replay that asks for each release by itself.
func TestManyReleases(t *testing.T) {
	const minutes = 8
	// Signals: of generic_http traffic, errors and four latencies; six of
	// go_runtime. Counters: all requests, those with errors, all in the
	// histogram, its count, and the waits of go_runtime/db_pool_wait.
	const signals, counters = 6 + 6, 5
	for _, tt := range []struct {
		n    int
		long bool
	}{{2, false}, {200, false}, {200, true}} {
		n := tt.n
		sys, text := fleet(n, minutes, tt.long)
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

// TestGivenSignals holds that queries that people wrote are asked as they
// wrote them, for each release and cohort by itself.
func TestGivenSignals(t *testing.T) {
	sys, text := fleet(3, 2, false)
	sys.Signals = []signal.Signal{gauge(`sum by (pod) (go_goroutines{$sel})`)}
	q := &asked{Querier: open(t, text)}
	src, err := engine.New(t.Context(), q, sys, engine.Options{Start: t0, End: t0, Wait: now})
	if err != nil {
		t.Fatal(err)
	}
	q.queries = nil
	for range src.Frames(t.Context()) {
	}
	slices.Sort(q.queries)
	if len(q.queries) != 6 || q.queries[0] != `sum by (pod) (go_goroutines{service="svc-000",version="1"})` {
		t.Errorf("queries\n%s\nwant one for each of 3 canaries and 3 controls", strings.Join(q.queries, "\n"))
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

// A failing querier refuses what fails says, at the instant of a frame.
type failing struct {
	engine.Querier
	fails func(at time.Time, query string) error
}

func (q failing) Range(ctx context.Context, query string, from, to time.Time, step time.Duration) ([]engine.Series, error) {
	if err := q.fails(to, query); err != nil {
		return nil, err
	}
	return q.Querier.Range(ctx, query, from, to, step)
}

var errRefused = errors.New("connection refused")

// ratioOfErrors is a signal with counts, and slow one without.
func ratioOfErrors() signal.Signal {
	return signal.Signal{Name: "errors", Kind: signal.Errors, Unit: signal.ParseUnit("ratio"), Scope: signal.PerCohort, Query: `sum(rate(e_total{$sel}[$window])) / sum(rate(a_total{$sel}[$window]))`}
}

// TestLiveOutage holds that an outage of the source ends nothing: its frames
// have cells without readings and a warning, and what was counted meanwhile
// is counted after it.
func TestLiveOutage(t *testing.T) {
	text := points(`a_total{service="cart"}`, 0, 10, 20, 30, 40, 50, 60, 70) + points(`e_total{service="cart"}`, 0, 1, 2, 3, 4, 5, 6, 7) + points(`x{service="cart",pod="a"}`, 1, 2, 3, 4, 5, 6, 7, 8)
	limited := gauge(`x{$sel}`)
	limited.Limit = signal.Limit{Set: true, Query: `max(x{$sel})`}
	q := failing{open(t, text), func(at time.Time, query string) error {
		switch k := at.Sub(t0) / time.Minute; {
		case k == 3 || k == 4:
			return errRefused
		case k == 6 && strings.HasPrefix(query, "a_total"):
			return errRefused
		case k == 6 && strings.HasPrefix(query, "max"):
			return errRefused
		}
		return nil
	}}
	src, err := engine.New(t.Context(), q, cart(ratioOfErrors(), limited), engine.Options{Start: t0, End: minute(7), Wait: now})
	if err != nil {
		t.Fatal(err)
	}
	const unreachable = "source-unreachable: the metrics source has not answered since 2026-01-01T10:03:00Z: connection refused"
	want := []string{ // value of errors, its counts and x; the limit of x; warnings
		"NaN NaN/NaN 1 limit 1 | ", "0.1 10/1 2 limit 2 | ", "0.1 10/1 3 limit 3 | ",
		"- - limit 3 | " + unreachable, "- - limit 3 | " + unreachable,
		"0.1 30/3 6 limit 6 | ",
		"0.1 NaN/NaN 7 limit 6 | query-failed: no answer since 2026-01-01T10:06:00Z to queries of errors, x: connection refused",
		"0.1 20/1 8 limit 8 | ",
	}
	k := 0
	for f, err := range src.Frames(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for i, c := range f.Cells {
			switch {
			case len(c.Readings) == 0:
				got += "- "
			case i == 0:
				got += fmt.Sprintf("%.3g %v/%v ", c.Readings[0].Value, c.Readings[0].N, c.Readings[0].Events)
			default:
				got += fmt.Sprint(c.Readings[0].Value, " ")
			}
		}
		got += fmt.Sprint("limit ", f.Cells[1].Limit, " | ")
		for _, w := range src.Warnings() {
			got += w.Code + ": " + w.Text
		}
		if got != want[k] {
			t.Errorf("frame %d:\n got %s\nwant %s", k, got, want[k])
		}
		k++
	}
	if k != len(want) {
		t.Errorf("%d frames, want %d", k, len(want))
	}
	replayed, err := engine.New(t.Context(), q, cart(ratioOfErrors()), engine.Options{Start: t0, End: minute(3)})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range replayed.Frames(t.Context()) {
		if !errors.Is(err, errRefused) {
			t.Errorf("a replay goes on after %v, want the error", err)
		}
	}
}

// TestLiveEnds holds that the end of the context ends the frames, and so does
// an error of Wait.
func TestLiveEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	src, err := engine.New(t.Context(), open(t, points(`x{service="cart"}`, 1)), cart(gauge("x{$sel}")), engine.Options{Start: t0, Wait: func(_ context.Context, at time.Time) error {
		if at.Equal(minute(9)) {
			return errRefused
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		cancelAt, n int
		want        error
	}{{0, 10, errRefused}, {3, 4, context.Canceled}} {
		n, last := 0, error(nil)
		for _, err := range src.Frames(ctx) {
			if n, last = n+1, err; n == tt.cancelAt {
				cancel()
			}
		}
		if !errors.Is(last, tt.want) || n != tt.n {
			t.Errorf("%d frames, the last with %v, want %d, %v", n, last, tt.n, tt.want)
		}
	}
}

// A slow querier answers each query after a time.
type slow struct {
	after func(query string) time.Duration
	asked []string
}

func (q *slow) Range(ctx context.Context, query string, _, to time.Time, _ time.Duration) ([]engine.Series, error) {
	q.asked = append(q.asked, query)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(q.after(query)):
		return []engine.Series{{Labels: map[string]string{"__name__": query}, Samples: []engine.Sample{{At: to, Value: 1}}}}, nil
	}
}

// TestLiveSlow holds that a frame waits for no answer longer than an
// interval, and that those which came too late come first in the next one.
func TestLiveSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &slow{after: func(string) time.Duration { return 25 * time.Second }}
		sys := release.System{Interval: time.Minute, Services: []release.Service{{Name: "cart"}}}
		for _, name := range []string{"a_sum", "b_sum", "c_sum", "d_sum"} {
			sys.Signals = append(sys.Signals, signal.Signal{Name: name, Kind: signal.Memory, Query: name, Unit: signal.ParseUnit("")})
		}
		began := time.Now()
		src, err := engine.New(t.Context(), q, sys, engine.Options{Start: began, End: began.Add(2 * time.Minute), Parallel: 1, Now: time.Now, Wait: func(_ context.Context, at time.Time) error {
			time.Sleep(time.Until(at))
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for f, err := range src.Frames(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if late := time.Since(f.At); late > time.Minute {
				t.Errorf("the frame at %v is ready %v later, want at most 1m", f.At, late)
			}
			frame := ""
			for _, c := range f.Cells {
				frame += fmt.Sprint(len(c.Readings))
			}
			got = append(got, frame+" "+strings.Join(q.asked, ""))
			q.asked = nil
		}
		if g := strings.Join(got, ", "); g != "1100 a_sumb_sumc_sum, 0011 c_sumd_suma_sum, 1100 a_sumb_sumc_sum" {
			t.Errorf("answered and asked: %s", g)
		}
		if w := src.Warnings(); len(w) != 1 || w[0].Code != "query-failed" || !strings.HasSuffix(w[0].Text, "to queries of c_sum, d_sum: no answer within one interval (1m0s)") {
			t.Errorf("warnings %v", w)
		}
	})
}

// TestLiveStall holds that after a pause at most a few stale frames come, and
// that the others are said to be skipped.
func TestLiveStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &slow{after: func(string) time.Duration { return 0 }}
		sys := release.System{Interval: time.Minute, Services: []release.Service{{Name: "cart"}}, Signals: []signal.Signal{gauge("x_sum")}}
		sys.Signals[0].Scope = signal.PerService
		began := time.Now()
		src, err := engine.New(t.Context(), q, sys, engine.Options{Start: began, End: began.Add(100 * time.Minute), Now: time.Now, Wait: func(_ context.Context, at time.Time) error {
			time.Sleep(time.Until(at.Add(time.Minute)))
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		var at []string
		for f, err := range src.Frames(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			at = append(at, f.At.Sub(began).String())
			switch f.At.Sub(began).Minutes() {
			case 2:
				time.Sleep(3 * time.Minute) // a short pause is made up for
			case 7:
				time.Sleep(90 * time.Minute)
			}
		}
		if g := strings.Join(at, " "); g != "0s 1m0s 2m0s 3m0s 4m0s 5m0s 6m0s 7m0s 1h37m0s 1h38m0s 1h39m0s 1h40m0s" {
			t.Errorf("frames at %s", g)
		}
		want := fmt.Sprintf("89 frames were skipped, the last ones from %s to %s: the clock ran ahead of them, as after a pause of the machine",
			began.Add(8*time.Minute).UTC().Format(time.RFC3339), began.Add(96*time.Minute).UTC().Format(time.RFC3339))
		if w := src.Warnings(); len(w) != 1 || w[0].Code != "frames-skipped" || w[0].Text != want {
			t.Errorf("warnings %v\nwant %s", w, want)
		}
	})
}

// TestLiveHung holds that frames which are skipped because the source hangs
// are not said to be skipped for the clock.
func TestLiveHung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := release.System{Interval: time.Minute, Services: []release.Service{{Name: "cart"}}, Signals: []signal.Signal{gauge("x_sum")}}
		sys.Signals[0].Scope = signal.PerService
		began := time.Now()
		hangs := func() bool { d := time.Since(began); return d > 5*time.Minute && d < 10*time.Minute }
		o := engine.Options{Start: began, End: began.Add(20 * time.Minute), Now: time.Now}
		o.Exposure = func(time.Time) []signal.Exposure { // as a weight that is asked for
			if hangs() {
				time.Sleep(3 * time.Minute)
			}
			return nil
		}
		o.Wait = func(_ context.Context, at time.Time) error {
			time.Sleep(time.Until(at.Add(time.Minute)))
			return nil
		}
		src, err := engine.New(t.Context(), &slow{after: func(string) time.Duration { return 0 }}, sys, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range src.Frames(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if w := src.Warnings(); len(w) != 1 || w[0].Code != "frames-skipped" || !strings.HasSuffix(w[0].Text, "took longer to answer than a frame lasts") {
			t.Errorf("warnings %v; want frames skipped for the source", w)
		}
	})
}

// TestLiveDiscovery holds that exporters are looked for by one query at the
// start and again every 20 frames, that only the signals of those that are
// there are asked for, and that one which appears later is found.
func TestLiveDiscovery(t *testing.T) {
	n := make([]float64, 50)
	late := append(slices.Repeat([]float64{gap}, 25), n[:25]...)
	text := points(`go_goroutines{service="cart",pod="a"}`, n...) + points(`redis_connected_clients{service="cart",instance="i"}`, late...) + points(`redis_up{service="cart",instance="i"}`, late...)
	down := false
	q := &asked{Querier: failing{open(t, text), func(at time.Time, query string) error {
		if down && at.Equal(minute(39)) {
			return errRefused
		}
		return nil
	}}}
	for _, down = range []bool{false, true} {
		q.queries = nil
		src, err := engine.New(t.Context(), q, cart(), engine.Options{Start: t0, End: minute(49), Wait: now})
		if err != nil {
			t.Fatal(err)
		}
		if exporters, _ := engine.Catalogue(); len(src.System().Signals) < 2*len(exporters) {
			t.Errorf("a live system has %d signals, want those of all exporters", len(src.System().Signals))
		}
		detects := func() (n int) {
			for _, query := range q.queries {
				if strings.Contains(query, "count(redis_up)") {
					n++
				}
			}
			return n
		}
		if detects() != 1 {
			t.Errorf("exporters are looked for %d times at the start, want once:\n%s", detects(), strings.Join(q.queries, "\n"))
		}
		frame, redis := 0, -1
		for f, err := range src.Frames(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range f.Cells {
				if name := src.System().Signals[c.Signal].Name; name == "redis_exporter/clients" && redis < 0 {
					redis = frame
				} else if down && (frame == 39 && len(c.Readings) == 0 || frame == 40 && c.Readings[0].Presence == signal.NeverSeen) {
					continue // without an answer it may be there
				} else if name != "redis_exporter/clients" && name != "go_runtime/goroutines" && name != "redis_exporter/cache" {
					t.Errorf("frame %d has a cell of %s", frame, name)
				}
			}
			frame++
			for _, query := range q.queries {
				if strings.Contains(query, "mysql") && !strings.Contains(query, "count(mysql_up)") {
					t.Errorf("frame %d asks %s, though there is no exporter", frame, query)
				}
			}
		}
		// It is there from frame 25, and looked for with frames 19 and 39.
		want, times := 40, 3
		if down {
			want, times = 41, 4
		}
		if redis != want || detects() != times {
			t.Errorf("source down %v: found for frame %d, looked for %d times, want %d and %d", down, redis, detects(), want, times)
		}
	}
}

// TestLiveRefused holds that a signal that is looked for, and whose query has no answer
// before it ever had a sample, is said to have none: it may be there. It is not spoken
// of any more once the answer is that it is not.
func TestLiveRefused(t *testing.T) {
	text := points(`go_goroutines{service="cart",pod="a"}`, 1, 2, 3, 4, 5, 6, 7, 8)
	q := failing{open(t, text), func(at time.Time, query string) error {
		if at.After(minute(1)) && at.Before(minute(5)) && strings.Contains(query, "go_memstats") {
			return errRefused
		}
		return nil
	}}
	src, err := engine.New(t.Context(), q, cart(), engine.Options{Start: t0, End: minute(7), Wait: now})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for f, err := range src.Frames(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		told := "none "
		for _, c := range f.Cells {
			switch {
			case src.System().Signals[c.Signal].Name != "go_runtime/memory":
			case len(c.Readings) == 0:
				told = "unanswered "
			default:
				told = fmt.Sprint(c.Readings[0].Presence, " ")
			}
		}
		got += told
	}
	if want := "none none unanswered unanswered unanswered never seen none none "; got != want {
		t.Errorf("cells of the memory:\n got %s\nwant %s", got, want)
	}
}

// TestLiveNothing holds that where there is no exporter it is said why, that one
// is looked for every other frame, and that nothing is said once it has come.
func TestLiveNothing(t *testing.T) {
	gone, n := slices.Repeat([]float64{gap}, 10), make([]float64, 40)
	ones := slices.Repeat([]float64{1}, 40)
	for _, tt := range []struct{ name, text, want string }{
		{"just started", points(`y`, append(slices.Clone(gone), ones...)...), `has no samples yet, not even of up`},
		{"targets are down", points(`up`, append(make([]float64, 10), ones...)...), "only up is known"},
	} {
		text := tt.text + points(`go_goroutines{service="cart",pod="a"}`, append(slices.Clone(gone), n[:30]...)...)
		src, err := engine.New(t.Context(), open(t, text), cart(), engine.Options{Start: t0, End: minute(20), Wait: now})
		if err != nil {
			t.Fatal(err)
		}
		frame := 0
		for range src.Frames(t.Context()) {
			w := src.Warnings()
			if said := len(w) == 1 && w[0].Code == "nothing-discovered"; said != (frame <= 11) || len(w) > 1 {
				t.Errorf("%s: frame %d: warnings %v", tt.name, frame, w)
			}
			if frame == 0 && !strings.Contains(fmt.Sprint(w), tt.want) {
				t.Errorf("%s: %v; want %q", tt.name, w, tt.want)
			}
			if asked := src.Asked() > 3; asked != (frame >= 11) {
				t.Errorf("%s: frame %d: %d signals are asked", tt.name, frame, src.Asked())
			}
			frame++
		}
	}
}

// TestLiveBlank holds that a source that goes away before there was anything
// to ask for is said not to answer.
func TestLiveBlank(t *testing.T) {
	q := failing{open(t, points(`y`, 1)), func(at time.Time, _ string) error {
		if at.After(minute(2)) {
			return errRefused
		}
		return nil
	}}
	src, err := engine.New(t.Context(), q, cart(), engine.Options{Start: t0, End: minute(5), Wait: now})
	if err != nil {
		t.Fatal(err)
	}
	for range src.Frames(t.Context()) {
	}
	if w := src.Warnings(); len(w) != 1 || w[0].Code != "source-unreachable" || !strings.HasSuffix(w[0].Text, "connection refused") {
		t.Errorf("warnings %v; want that it does not answer", w)
	}
}

// TestLiveHistograms holds that what answered native histograms just before
// the start is expanded.
func TestLiveHistograms(t *testing.T) {
	var native strings.Builder
	native.WriteString("# TYPE n histogram\n")
	for k := range 9 {
		fmt.Fprintf(&native, "n{service=\"cart\",pod=\"a\"} {count:%d,sum:%d,schema:0,zero_threshold:0.001,zero_count:0,positive_spans:[0:2],positive_buckets:[%d,%d]} %d\n", 3*k, 4*k, k, 2*k, minute(k).Unix())
	}
	db := open(t, native.String())
	const four = "latency:p50 latency:p90 latency:p99 latency:mean"
	for start, want := range map[int]string{5: four, 20: four, -1: "latency", 40: "latency"} {
		src, err := engine.New(t.Context(), db, cart(latency(`sum by (pod) (rate(n{$sel}[$window]))`)), engine.Options{Start: minute(start), Wait: now})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range src.System().Signals {
			names = append(names, s.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("from minute %d: signals %s, want %s", start, got, want)
		}
	}
}

// TestExposureGiven holds that the caller says how far a release has got, and
// that a canary without a selector exists from the first step that was
// taken, not from the one that was planned.
func TestExposureGiven(t *testing.T) {
	sys := cart(gauge("x{$sel}"))
	plan := []release.Step{{Weight: 0.1}, {Weight: 0.5}, {Weight: 1}}
	sys.Releases = []release.Release{{ID: "a", Steps: plan}, {ID: "b", Steps: []release.Step{{At: minute(2), CompletedAt: minute(2), Weight: 1}}}}
	src, err := engine.New(t.Context(), open(t, points(`x{service="cart"}`, 1, 1, 1, 1)), sys, engine.Options{Start: t0, End: minute(3), Exposure: func(at time.Time) []signal.Exposure {
		if at.Before(minute(1)) {
			return []signal.Exposure{{}}
		}
		return []signal.Exposure{{Weight: 0.1, Step: 1, Moving: at.Equal(minute(1))}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range collect(t, src) {
		text := fmt.Sprint(f.Exposure)
		for _, c := range f.Cells {
			if c.Cohort == signal.Canary {
				text += fmt.Sprint(" ", c.Readings[0].Value)
			}
		}
		got = append(got, text)
	}
	want := "[{0 0 false} {0 0 false}] NaN NaN; [{0.1 1 true} {0 0 false}] 1 NaN; [{0.1 1 false} {1 1 false}] 1 1; [{0.1 1 false} {1 1 false}] 1 1"
	if g := strings.Join(got, "; "); g != want {
		t.Errorf("exposure and canaries\n got %s\nwant %s", g, want)
	}
}

// A flood answers every query with n series, which are others in every frame.
type flood struct{ n int }

func (q flood) Range(_ context.Context, _ string, from, to time.Time, step time.Duration) ([]engine.Series, error) {
	out := make([]engine.Series, q.n)
	for i := range out {
		pod := fmt.Sprintf("pod-%d-%d", to.Unix(), i)
		out[i] = engine.Series{Labels: map[string]string{"service": "cart", "pod": pod}, Samples: []engine.Sample{{At: to, Value: 1}}}
	}
	return out, nil
}

// TestFlood holds that a frame of 100,000 series, and another 100,000 in the
// next, are not kept: a label that explodes must not fill the memory.
func TestFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const series = 100_000
	traffic := signal.Signal{Name: "traffic", Kind: signal.Traffic, Unit: signal.ParseUnit("requests/s"), Scope: signal.PerCohort, Query: `rate(r_total{$sel}[$window])`}
	src, err := engine.New(t.Context(), flood{series}, cart(traffic), engine.Options{Start: t0, End: minute(3), Wait: now})
	if err != nil {
		t.Fatal(err)
	}
	held := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / (1 << 20)
	}
	before, frame := held(), 0
	for f, err := range src.Frames(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if n := len(f.Cells[0].Readings); n != 64 {
			t.Errorf("frame %d has %d readings, want 64", frame, n)
		}
		if r := f.Cells[0].Readings[0]; !math.IsNaN(r.N) {
			t.Errorf("frame %d counts %v, though it cannot keep all series", frame, r.N)
		}
		if f.At.Equal(minute(3)) {
			t.Logf("after %d frames of %d series %.0f MiB are held", frame+1, series, held()-before)
			if held()-before > 64 {
				t.Errorf("%.0f MiB are held after %d frames, want at most 64", held()-before, frame+1)
			}
		}
		frame++
	}
	runtime.KeepAlive(src)
	var codes []string
	for _, w := range src.Warnings() {
		codes = append(codes, w.Code)
	}
	if got := strings.Join(codes, " "); got != "too-many-instances too-many-series" {
		t.Errorf("warnings %v", src.Warnings())
	}
}
