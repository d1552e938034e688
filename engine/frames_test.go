package engine_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/tsdb"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// t0 is the first frame of every test.
var t0 = time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)

// minute returns the time of the k-th frame.
func minute(k int) time.Time { return t0.Add(time.Duration(k) * time.Minute) }

// points writes one series; NaN leaves a sample out.
func points(series string, values ...float64) string {
	var b strings.Builder
	for k, v := range values {
		if !math.IsNaN(v) {
			fmt.Fprintf(&b, "%s %v %d\n", series, v, minute(k).Unix())
		}
	}
	return b.String()
}

var gap = math.NaN()

// cart is a system of one service with one release at minute 5.
func cart(signals ...signal.Signal) release.System {
	return release.System{
		Interval: time.Minute,
		Services: []release.Service{{Name: "cart", Selector: `service="cart"`, Criticality: 1}},
		Signals:  signals,
	}
}

func gauge(query string) signal.Signal {
	return signal.Signal{Name: "x", Kind: signal.Latency, Query: query, Unit: signal.ParseUnit(""), Scope: signal.PerCohort}
}

func open(t testing.TB, text string) *tsdb.DB {
	t.Helper()
	db, err := tsdb.Read(context.Background(), strings.NewReader(text+"# EOF\n"), "test.om", tsdb.Options{LookBack: 2 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// take returns the first n frames.
func take(t testing.TB, text string, sys release.System, n int) ([]signal.Frame, *engine.Source) {
	t.Helper()
	src, err := engine.New(t.Context(), open(t, text), sys, engine.Options{Start: t0, End: minute(n - 1)})
	if err != nil {
		t.Fatal(err)
	}
	return collect(t, src), src
}

func collect(t testing.TB, src *engine.Source) []signal.Frame {
	t.Helper()
	var out []signal.Frame
	for f, err := range src.Frames(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// only returns the readings of the only cell, frame by frame.
func only(t testing.TB, frames []signal.Frame) [][]signal.Reading {
	t.Helper()
	out := make([][]signal.Reading, len(frames))
	for k, f := range frames {
		if len(f.Cells) != 1 {
			t.Fatalf("frame %d has %d cells, want 1", k, len(f.Cells))
		}
		out[k] = f.Cells[0].Readings
	}
	return out
}

func TestPresence(t *testing.T) {
	n, p, e, x, s := signal.NeverSeen, signal.Present, signal.Empty, signal.NotANumber, signal.Stopped
	inf := math.Inf(1)
	nan := `x{service="cart"} NaN %d` + "\n"
	tests := []struct {
		name, text string
		want       []signal.Presence
	}{
		{"never", points(`y`, 1), []signal.Presence{n, n, n}},
		{"whole", points(`x{service="cart"}`, 1, 2, 3), []signal.Presence{p, p, p}},
		{"late", points(`x{service="cart"}`, gap, gap, 3), []signal.Presence{n, n, p}},
		// A look-back of two intervals bridges one lost scrape.
		{"one lost", points(`x{service="cart"}`, 1, gap, 3), []signal.Presence{p, p, p}},
		{"two lost", points(`x{service="cart"}`, 1, gap, gap, 4), []signal.Presence{p, p, e, p}},
		{"stopped", points(`x{service="cart"}`, 1) + points("y", 1), []signal.Presence{p, p, e, s, s}},
		{"back", points(`x{service="cart"}`, 1, gap, gap, gap, 5), []signal.Presence{p, p, e, s, p}},
		{"infinite", points(`x{service="cart"}`, 1, inf, -inf), []signal.Presence{p, x, x}},
		{"NaN", fmt.Sprintf(nan, t0.Unix()) + points("y", 1), []signal.Presence{x, x, e}},
		// Scrapes that jitter by up to a second around the frame.
		{"jitter", fmt.Sprintf("x{service=\"cart\"} 1 %d\nx{service=\"cart\"} 2 %d.4\nx{service=\"cart\"} 3 %d.9\n", t0.Unix(), minute(1).Unix(), minute(2).Unix()), []signal.Presence{p, p, p, p, p, e}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames, _ := take(t, tt.text, cart(gauge("x{$sel}")), len(tt.want))
			for k, rs := range only(t, frames) {
				if len(rs) != 1 || rs[0].Presence != tt.want[k] || rs[0].Instance != "" {
					t.Errorf("frame %d = %+v, want %v", k, rs, tt.want[k])
				}
				if present := rs[0].Presence == p; present == math.IsNaN(rs[0].Value) {
					t.Errorf("frame %d: value %v while %v", k, rs[0].Value, rs[0].Presence)
				}
			}
		})
	}
}

// TestInstances follows pods that come and go.
func TestInstances(t *testing.T) {
	a := points(`x{service="cart",pod="a"}`, 1, 1, 1)
	b := points(`x{service="cart",pod="b",zone="z"}`, gap, gap, 2, 2, 2, 2)
	keep := points(`y`, make([]float64, 40)...)
	frames, _ := take(t, a+b+keep, cart(gauge("x{$sel}")), 40)
	rs := only(t, frames)
	if got := fmt.Sprintf("%d %s %v %v %s %v %v", len(rs[0]), rs[0][0].Instance, rs[0][0].Age, rs[2][0].Age, rs[2][1].Instance, rs[2][1].Age, rs[5][1].Age); got != "1 a 0s 2m0s b 0s 3m0s" {
		t.Errorf("instances and ages: %s", got)
	}
	// a: last sample at 2, empty at 4, stopped at 5 … 24, dropped at 25.
	if len(rs[24]) != 2 || rs[24][0].Presence != signal.Stopped || len(rs[25]) != 1 || rs[25][0].Instance != "b" {
		t.Errorf("frames 24 and 25: %+v, %+v", rs[24], rs[25])
	}
	// b: last sample at 5, stopped at 8 … 27; then only that it stopped is known.
	if rs[27][0].Instance != "b" || rs[28][0].Instance != "" || rs[39][0].Presence != signal.Stopped || len(rs[39]) != 1 {
		t.Errorf("frames 27, 28 and 39: %+v, %+v, %+v", rs[27], rs[28], rs[39])
	}
}

func TestInstanceNames(t *testing.T) {
	tests := []struct{ name, text, query, want string }{
		{"fixed by the query", points(`x{service="cart"}`, 1), "x{$sel}", "[]"},
		{"pod before instance", points(`x{service="cart",pod="a",instance="i"}`, 1), "x{$sel}", "[a]"},
		{"node", points(`x{service="cart",node="n",z="1"}`, 1), "x{$sel}", "[n]"},
		{"one label", points(`x{service="cart",zone="z"}`, 1), "x{$sel}", "[z]"},
		{"two labels", points(`x{service="cart",zone="z",az="1"}`, 1), "x{$sel}", "[az=1,zone=z]"},
		{"same pod", points(`x{service="cart",pod="a",c="1"}`, 1) + points(`x{service="cart",pod="a",c="2"}`, 1), "x{$sel}", "[a c=2,pod=a]"},
		{"aggregated", points(`x{service="cart",pod="a"}`, 1), "sum(x{$sel})", "[]"},
	}
	for _, tt := range tests {
		frames, _ := take(t, tt.text, cart(gauge(tt.query)), 1)
		var got []string
		for _, r := range only(t, frames)[0] {
			got = append(got, r.Instance)
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%s: instances %v, want %s", tt.name, got, tt.want)
		}
	}
}

func TestTooManyInstances(t *testing.T) {
	var b strings.Builder
	for i := range 70 {
		b.WriteString(points(fmt.Sprintf(`x{service="cart",pod="p%02d"}`, i), 1))
	}
	frames, src := take(t, b.String(), cart(gauge("x{$sel}")), 1)
	if rs := only(t, frames)[0]; len(rs) != 64 || rs[63].Instance != "p63" {
		t.Errorf("%d instances, want p00 … p63", len(rs))
	}
	if w := src.Warnings(); len(w) != 1 || w[0].Text != "signal x of service cart has more than 64 instances; the later ones are left out, so aggregate in the query" {
		t.Errorf("warnings %v", w)
	}
}

func TestUnitsAndLimits(t *testing.T) {
	s := gauge("x{$sel}")
	s.Unit, s.Limit = signal.ParseUnit("ms"), signal.Limit{Set: true, Value: 0.5}
	q := gauge("x{$sel}")
	q.Name, q.Unit, q.Limit = "y", signal.ParseUnit("percent"), signal.Limit{Set: true, Query: "limit{$sel}"}
	text := points(`x{service="cart"}`, 250, 500) + points(`limit{service="cart",pod="a"}`, gap, 90) + points(`limit{service="cart",pod="b"}`, gap, 80)
	frames, _ := take(t, text, cart(s, q, gauge("x{$sel}")), 2)
	for k, want := range []string{"0.25 0.5 2.5 NaN 250 NaN", "0.5 0.5 5 0.8 500 NaN"} {
		var got []string
		for _, c := range frames[k].Cells {
			got = append(got, fmt.Sprint(c.Readings[0].Value, c.Limit))
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("frame %d: values and limits %s, want %s", k, g, want)
		}
	}
}

// TestCounts holds that every observation counts once, through resets and
// gaps, though the windows of the rates overlap.
func TestCounts(t *testing.T) {
	text := points(`req_total{service="cart",pod="a",code="200"}`, 100, 110, 130, gap, 160, 5, 15) +
		points(`req_total{service="cart",pod="a",code="500"}`, 0, 0, 4, gap, 4, 1, 1) +
		points(`req_total{service="cart",pod="b",code="200"}`, gap, gap, 7, 8, 9, 10, 11)
	ratio := signal.Signal{Name: "errors", Kind: signal.Errors, Unit: signal.ParseUnit("ratio"), Scope: signal.PerCohort, Query: `sum(rate(req_total{$sel,code="500"}[$window])) / sum(rate(req_total{$sel}[$window]))`}
	pods := signal.Signal{Name: "traffic", Kind: signal.Traffic, Unit: signal.ParseUnit("requests/s"), Scope: signal.PerCohort, Query: `sum by (pod) (rate(req_total{$sel}[$window]))`}
	good := ratio
	good.Query = `1 - ` + strings.Replace(ratio.Query, "500", "200", 1)
	frames, _ := take(t, text, cart(ratio, pods, good), 7)
	want := []string{
		"", // one sample makes no rate
		"10/0 a:10/NaN 10/0",
		"24/4 a:24/NaN 24/4", // b is new: 7 were before
		"1/0 a:0/NaN b:1/NaN 1/0",
		"31/0 a:30/NaN b:1/NaN 31/0", // a: 30 in two minutes
		"7/1 a:6/NaN b:1/NaN 7/1",    // the counters of a began anew: 5 and 1
		"11/0 a:10/NaN b:1/NaN 11/0",
	}
	for k, f := range frames {
		var got []string
		for _, c := range f.Cells {
			for _, r := range c.Readings {
				name := r.Instance
				if name != "" {
					name += ":"
				}
				if r.Presence == signal.Present {
					got = append(got, fmt.Sprintf("%s%v/%v", name, r.N, r.Events))
				}
			}
		}
		if g := strings.Join(got, " "); g != want[k] {
			t.Errorf("frame %d: counts %s, want %s", k, g, want[k])
		}
	}
}

// TestCountsOfNoPart holds that events which are not among the observations
// have no count: here there are more calls out than in.
func TestCountsOfNoPart(t *testing.T) {
	s := signal.Signal{Name: "fanout", Kind: signal.Retries, Scope: signal.PerCohort, Unit: signal.ParseUnit("ratio"), Query: `rate(out_total{$sel}[$window]) / rate(in_total{$sel}[$window])`}
	frames, _ := take(t, points(`out_total{service="cart"}`, 0, 30)+points(`in_total{service="cart"}`, 0, 10), cart(s), 2)
	if r := only(t, frames)[1][0]; r.N != 10 || !math.IsNaN(r.Events) || r.Value != 3 {
		t.Errorf("reading %+v, want 3 of 10 observations and no count of events", r)
	}
}

// TestTwoReleases holds that the whole service is asked when one of its
// releases names no control.
func TestTwoReleases(t *testing.T) {
	sys := cart(gauge("x{$sel}"))
	sys.Releases = []release.Release{{Canary: `v="2"`}, {Canary: `v="3"`, Control: `v="2"`}}
	frames, _ := take(t, points(`x{service="cart",v="1"}`, 1), sys, 1)
	var got []string
	for _, c := range frames[0].Cells {
		got = append(got, fmt.Sprintf("%d/%v", c.Release, c.Cohort))
	}
	if g := strings.Join(got, " "); g != "-1/whole 0/canary 1/canary 1/control" {
		t.Errorf("cells %s", g)
	}
}

// TestCountsFromBefore holds that the first frame counts from the sample
// before it, when there is one.
func TestCountsFromBefore(t *testing.T) {
	s := signal.Signal{Name: "traffic", Kind: signal.Traffic, Scope: signal.PerCohort, Unit: signal.ParseUnit("requests/s"), Query: `rate(r_total{$sel}[$window])`}
	text := fmt.Sprintf("r_total{service=\"cart\"} 3 %d\n", minute(-1).Unix()) + points(`r_total{service="cart"}`, 10, 12)
	frames, _ := take(t, text, cart(s), 2)
	if rs := only(t, frames); rs[0][0].N != 7 || rs[1][0].N != 2 {
		t.Errorf("N = %v and %v, want 7 and 2", rs[0][0].N, rs[1][0].N)
	}
}

func TestCohorts(t *testing.T) {
	text := points(`x{service="cart",version="v1"}`, 1, 1, 1) + points(`x{service="cart",version="v2"}`, gap, 2, 2) + points(`x{service="db"}`, 3, 3, 3)
	steps := []release.Step{{At: minute(1), CompletedAt: minute(1), Weight: 0.5}}
	tests := []struct {
		name    string
		release release.Release
		want    string // service/release/cohort=value of minute 0, then of minute 2
	}{
		{
			"canary and control",
			release.Release{Steps: steps, Canary: `service="cart",version="v2"`, Control: `service="cart",version="v1"`},
			"0/0/canary=NaN 0/0/control=1 1/-1/whole=3|0/0/canary=2 0/0/control=1 1/-1/whole=3",
		},
		{
			"no control",
			release.Release{Steps: steps, Canary: `service="cart",version="v2"`},
			"0/-1/whole=1 0/0/canary=NaN 1/-1/whole=3|0/-1/whole=1 0/-1/whole=2 0/0/canary=2 1/-1/whole=3",
		},
		{
			"no cohorts",
			release.Release{Steps: steps},
			"0/-1/whole=1 0/0/canary=NaN 1/-1/whole=3|0/-1/whole=1 0/-1/whole=2 0/0/canary=1 0/0/canary=2 1/-1/whole=3",
		},
	}
	for _, tt := range tests {
		sys := cart(gauge("x{$sel}"))
		sys.Services = append(sys.Services, release.Service{Name: "db", Selector: `service="db"`}, release.Service{Name: "unknown"})
		sys.Releases = []release.Release{tt.release}
		frames, _ := take(t, text, sys, 3)
		var got []string
		for _, f := range []signal.Frame{frames[0], frames[2]} {
			var cells []string
			for _, c := range f.Cells {
				for _, r := range c.Readings {
					cells = append(cells, fmt.Sprintf("%d/%d/%v=%v", c.Service, c.Release, c.Cohort, r.Value))
				}
			}
			got = append(got, strings.Join(cells, " "))
		}
		if g := strings.Join(got, "|"); g != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, g, tt.want)
		}
	}
}

func TestRefused(t *testing.T) {
	text := points(`x{service="cart",pod="a"}`, 1, 1, 1, 1, 1) + points(`x{service="cart",pod="b"}`, gap, gap, 2) + points(`y`, 1, 1, 1, 1, 1)
	frames, src := take(t, text, cart(gauge("x{$sel} + on() y")), 5)
	var got []string
	for _, rs := range only(t, frames) {
		got = append(got, rs[0].Presence.String())
	}
	if g := strings.Join(got, ", "); g != "present, present, empty, stopped, present" {
		t.Errorf("presence %s", g)
	}
	if w := src.Warnings(); len(w) == 0 || w[0].Code != "query-refused" {
		t.Errorf("warnings %v", w)
	}
}

func TestNewErrors(t *testing.T) {
	db := open(t, points("x", 1))
	tests := []struct {
		sys  release.System
		o    engine.Options
		want string
	}{
		{release.System{}, engine.Options{}, "frames: the interval is 0s; want one of at least 1ms"},
		{cart(gauge("x")), engine.Options{Start: t0, End: t0.Add(-1)}, "frames: the end 2026-01-01T09:59:59Z is before the start 2026-01-01T10:00:00Z"},
		{cart(gauge("x{")), engine.Options{Start: t0, End: t0}, "signal x: query: unexpected end of input inside braces\n  x{\n    ^"},
		{cart(gauge("x @ end()")), engine.Options{Start: t0, End: t0}, "signal x: query: the @ modifier looks ahead of the frame; leave it out\n  x @ end()\n  ^"},
	}
	for _, tt := range tests {
		if _, err := engine.New(t.Context(), db, tt.sys, tt.o); err == nil || err.Error() != tt.want {
			t.Errorf("New:\n got %v\nwant %s", err, tt.want)
		}
	}
	for _, err := range engine.Frames(t.Context(), db, release.System{}, engine.Options{}) {
		if err == nil {
			t.Error("Frames of no system has no error")
		}
	}
}

// busy is a system with every sort of query, and n minutes of its data,
// series by series.
func busy(n int) (release.System, []string) {
	rng := rand.New(rand.NewPCG(1, 2))
	var series []string
	add := func(name string, start int, next func(float64) float64) {
		values, v := make([]float64, n), 0.0
		for k := range values {
			if v = next(v); k < start || rng.IntN(12) == 0 {
				values[k] = gap
			} else {
				values[k] = v
			}
		}
		series = append(series, points(name, values...))
	}
	up := func(v float64) float64 {
		if rng.IntN(40) == 0 {
			return 0
		}
		return v + float64(rng.IntN(50))
	}
	for i, start := range []int{0, 0, n / 3, n / 2} {
		pod := string(rune('a' + i))
		labels := fmt.Sprintf(`service="cart",version="v%d",pod="%s"`, 1+start/(n/3), pod)
		add(`x{`+labels+`}`, start, func(float64) float64 { return rng.Float64() })
		for _, code := range []string{"200", "500"} {
			add(`http_requests_total{`+labels+`,code="`+code+`"}`, start, up)
		}
		for _, le := range []string{"0.1", "1.0", "+Inf"} {
			add(`http_request_duration_seconds_bucket{`+labels+`,le="`+le+`"}`, start, up)
		}
		add(`http_request_duration_seconds_sum{`+labels+`}`, start, up)
		add(`http_request_duration_seconds_count{`+labels+`}`, start, up)
	}
	slices.Sort(series)
	sys := cart(
		gauge("x{$sel}"),
		signal.Signal{Name: "errors", Kind: signal.Errors, Unit: signal.ParseUnit("ratio"), Scope: signal.PerCohort, Query: `sum by (pod) (rate(http_requests_total{$sel,code="500"}[$window])) / sum by (pod) (rate(http_requests_total{$sel}[$window]))`},
		signal.Signal{Name: "latency", Kind: signal.Latency, Unit: signal.ParseUnit("s"), Scope: signal.PerCohort, Query: `sum by (le) (rate(http_request_duration_seconds_bucket{$sel}[$window]))`},
	)
	sys.Releases = []release.Release{{
		Canary: `service="cart",version="v2"`, Control: `service="cart",version="v1"`,
		Steps: []release.Step{{At: minute(n / 3), CompletedAt: minute(n/3 + 2), Weight: 0.5}},
	}}
	return sys, series
}

// TestNoLookAhead holds that the frames up to t are the same bytes whether
// or not data after t exist.
func TestNoLookAhead(t *testing.T) {
	const n = 60
	sys, series := busy(n)
	all, _ := take(t, strings.Join(series, ""), sys, n)
	for _, cut := range []int{0, 1, 17, n / 3, n / 2, n - 2} {
		var text strings.Builder
		for _, s := range series {
			for line := range strings.Lines(s) {
				var at int64
				fmt.Sscan(line[strings.LastIndexByte(line, ' '):], &at)
				if at <= minute(cut).Unix() {
					text.WriteString(line)
				}
			}
		}
		part, _ := take(t, text.String(), sys, cut+1)
		if got, want := fmt.Sprintf("%+v", part), fmt.Sprintf("%+v", all[:cut+1]); got != want {
			t.Errorf("frames up to %d differ:\n got %s\nwant %s", cut, got, want)
		}
	}
}

// TestSameBytes holds that the frames depend on neither the order of the
// series, nor the number of processors, nor on how many frames are asked at
// once.
func TestSameBytes(t *testing.T) {
	const n = 300 // more than one chunk
	sys, series := busy(n)
	frames, _ := take(t, strings.Join(series, ""), sys, n)
	want := fmt.Sprintf("%+v", frames)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, procs := range []int{1, 2, 4} {
		old := runtime.GOMAXPROCS(procs)
		rng.Shuffle(len(series), func(i, j int) { series[i], series[j] = series[j], series[i] })
		frames, _ := take(t, strings.Join(series, ""), sys, n)
		if fmt.Sprintf("%+v", frames) != want {
			t.Errorf("frames differ with %d processors and another order", procs)
		}
		runtime.GOMAXPROCS(old)
	}
	for _, o := range []engine.Options{{Parallel: 1}, {Parallel: 5}, {Wait: func(context.Context, time.Time) error { return nil }}} {
		o.Start, o.End = t0, minute(n-1)
		src, err := engine.New(t.Context(), open(t, strings.Join(series, "")), sys, o)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%+v", collect(t, src)) != want {
			t.Errorf("frames differ with %+v", o)
		}
	}
}
