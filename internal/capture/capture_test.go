package capture

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// source is a Prometheus that scraped some series every 15 s for ever.
type source struct {
	series []map[string]string
	now    func() time.Time
	raws   []string
	fail   func(selector string, window time.Duration) error
}

func (s *source) Range(_ context.Context, query string, from, _ time.Time, _ time.Duration) ([]engine.Series, error) {
	expr, err := engine.ParseQuery(query)
	if err != nil {
		return nil, err
	}
	var out []engine.Series
	exporter := "" // of label_replace(count(DETECT), "exporter", ID, …) or …
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.Call:
			if id, ok := n.Args[2].(*parser.StringLiteral); ok {
				exporter = id.Val
			}
		case *parser.VectorSelector:
			for _, l := range s.pick(n.LabelMatchers) {
				if exporter != "" {
					l = map[string]string{"exporter": exporter}
				}
				out = append(out, engine.Series{Labels: l, Samples: []engine.Sample{{At: from, Value: 1}}})
			}
		}
		return nil
	})
	return out, nil
}

func (s *source) pick(ms []*labels.Matcher) (out []map[string]string) {
	for _, l := range s.series {
		if !slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return !m.Matches(l[m.Name]) }) {
			out = append(out, l)
		}
	}
	return out
}

func (s *source) Raw(ctx context.Context, selector string, at time.Time, window time.Duration) ([]engine.Series, error) {
	s.raws = append(s.raws, fmt.Sprintf("%s %s+%s", selector, at.Add(-window).Format("15:04:05"), window))
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if s.fail != nil {
		if err := s.fail(selector, window); err != nil {
			return nil, err
		}
	}
	expr, err := engine.ParseQuery(selector)
	if err != nil {
		return nil, err
	}
	var out []engine.Series
	for _, l := range s.pick(expr.(*parser.VectorSelector).LabelMatchers) {
		one := engine.Series{Labels: l}
		for t := at.Add(-window).Truncate(15 * time.Second); !t.After(at) && !t.After(s.now()); t = t.Add(15 * time.Second) {
			if t.After(at.Add(-window)) {
				one.Samples = append(one.Samples, engine.Sample{At: t, Value: float64(t.Unix())})
			}
		}
		out = append(out, one)
	}
	return out, nil
}

func sleep(ctx context.Context, until time.Time) error {
	select {
	case <-time.After(time.Until(until)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// shop is a system with one release, and signals of its own.
func shop(signals ...signal.Signal) release.System {
	return release.System{
		Interval: 15 * time.Second,
		Services: []release.Service{{Name: "cart", Criticality: 1}},
		Signals:  signals,
		Releases: []release.Release{{ID: "cart", Canary: `service="cart",version="v2"`, Control: `service="cart",version="v1"`}},
	}
}

var errorRatio = signal.Signal{
	Name: "errors", Kind: signal.Errors, Unit: signal.ParseUnit("ratio"), Scope: signal.PerCohort,
	Query: `sum(rate(requests_total{$sel,code=~"5.."}[$window])) / sum(rate(requests_total{$sel}[$window]))`,
}

func cart(name, version string, more ...string) map[string]string {
	l := map[string]string{"__name__": name, "service": "cart", "version": version}
	for i := 0; i+1 < len(more); i += 2 {
		l[more[i]] = more[i+1]
	}
	return l
}

// text returns the lines that a capture saves.
func text(t *testing.T, c *Capture) []string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Save(&b); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(all), "\n"), "\n")
}

// TestPast takes an hour that has passed: every sample once, with the time
// that the first frame looks back to.
func TestPast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().Add(-2 * time.Hour)
		src := &source{now: time.Now, series: []map[string]string{
			cart("requests_total", "v1", "code", "200"), cart("requests_total", "v1", "code", "500"), cart("requests_total", "v2", "code", "200"),
			cart("requests_total", "v3", "code", "200"), cart("other_total", "v1"),
		}}
		var told []time.Time
		c, err := Take(t.Context(), src, Options{
			System: shop(errorRatio), Start: start, End: start.Add(time.Hour), Now: time.Now, Wait: sleep,
			Progress: func(until time.Time, _ int) { told = append(told, until) },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		// $window is 1 min, and a sample serves for 30 s.
		const each = (60 + 1.5) * 4
		lines := text(t, c)
		if c.Samples() != 3*each || len(lines) != 3*each+1 || c.Series() != 3 || fmt.Sprint(c.Metrics()) != "[requests_total]" {
			t.Errorf("%d samples of %d series of %v in %d lines; want %d of 3", c.Samples(), c.Series(), c.Metrics(), len(lines), int(3*each))
		}
		if want := fmt.Sprintf(`requests_total{code="200",service="cart",version="v1"} %v %d`, float64(start.Unix()-75), start.Unix()-75); lines[0] != want {
			t.Errorf("the first line is %s, want %s", lines[0], want)
		}
		if lines[len(lines)-1] != "# EOF" || !c.Until().Equal(start.Add(time.Hour)) || len(told) != 7 {
			t.Errorf("it ends in %q until %v, told %d times", lines[len(lines)-1], c.Until(), len(told))
		}
		for _, raw := range src.raws {
			if strings.Contains(raw, "code") {
				t.Errorf("asked for %s, which is within what else is asked", raw)
			}
		}
	})
}

// TestDiscovered takes the metrics of exporters that are found, and one
// series by which a replay finds an exporter that is known by another metric.
func TestDiscovered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &source{now: time.Now, series: []map[string]string{
			cart("go_goroutines", "v1"), cart("go_goroutines", "v2"), cart("nodejs_active_handles_total", "v2"),
			{"__name__": "nodejs_eventloop_lag_seconds", "job": "a"},
			{"__name__": "nodejs_eventloop_lag_seconds", "job": "b"},
		}}
		start := time.Now().Add(-time.Hour)
		c, err := Take(t.Context(), src, Options{System: shop(), Start: start, End: start.Add(10 * time.Minute), Now: time.Now, Wait: sleep})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got := fmt.Sprint(c.Metrics(), c.Series()); got != "[go_goroutines nodejs_active_handles_total nodejs_eventloop_lag_seconds] 4" {
			t.Errorf("taken: %s", got)
		}
		none := &source{now: time.Now, series: []map[string]string{{"__name__": "mine_total"}}}
		_, err = Take(t.Context(), none, Options{System: shop(), Start: start, End: start.Add(time.Minute), Now: time.Now, Wait: sleep})
		var hint interface{ Hint() string }
		if !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "signals") {
			t.Errorf("nothing known: %v", err)
		}
	})
}

// TestRunning takes time as it passes, and keeps what it has when it is
// interrupted.
func TestRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now().Truncate(time.Minute)
		src := &source{now: time.Now, series: []map[string]string{cart("requests_total", "v1"), cart("requests_total", "v2")}}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(200 * time.Second)
			cancel()
		}()
		c, err := Take(ctx, src, Options{System: shop(errorRatio), Start: begin, End: begin.Add(time.Hour), Now: time.Now, Wait: sleep})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if lost := begin.Add(200 * time.Second).Sub(c.Until()); lost < 0 || lost > runningTime+15*time.Second {
			t.Errorf("taken until %v; want no more than %s lost", c.Until(), runningTime+15*time.Second)
		}
		lines := text(t, c)
		if want := int(c.Until().Sub(begin.Add(-90*time.Second))/(15*time.Second)) * 2; len(lines)-1 != want {
			t.Errorf("%d lines until %v; want %d", len(lines)-1, c.Until(), want)
		}
	})
}

// TestTrouble holds what is done about a source that fails: halves of what is
// too much, another try while time passes, an error of the past.
func TestTrouble(t *testing.T) {
	series := []map[string]string{cart("requests_total", "v1"), cart("requests_total", "v2")}
	synctest.Test(t, func(t *testing.T) {
		src := &source{now: time.Now, series: series, fail: func(_ string, window time.Duration) error {
			if window > 3*time.Minute {
				return tooMuch{}
			}
			return nil
		}}
		start := time.Now().Add(-time.Hour)
		c, err := Take(t.Context(), src, Options{System: shop(errorRatio), Start: start, End: start.Add(18*time.Minute + 30*time.Second), Now: time.Now, Wait: sleep})
		if err != nil || c.Samples() != 2*80 {
			t.Fatalf("%v; want 2 × 20 min of samples", err)
		}
		c.Close()
		src.fail = func(string, time.Duration) error { return tooMuch{} }
		if _, err = Take(t.Context(), src, Options{System: shop(errorRatio), Start: start, End: start.Add(time.Minute), Now: time.Now, Wait: sleep}); !errors.Is(err, tooMuch{}) {
			t.Errorf("too much in the least of time: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		down := time.Now().Add(time.Minute)
		src := &source{now: time.Now, series: series, fail: func(string, time.Duration) error {
			if time.Now().After(down) && time.Now().Before(down.Add(3*time.Minute)) {
				return errors.New("connection refused")
			}
			return nil
		}}
		begin := time.Now()
		c, err := Take(t.Context(), src, Options{System: shop(errorRatio), Start: begin, End: begin.Add(5 * time.Minute), Now: time.Now, Wait: sleep})
		if err != nil || c.Samples() != 2*26 || len(c.Warnings()) != 1 || c.Warnings()[0].Code != "source-failed" {
			t.Fatalf("%v, %+v; want all samples, and one warning", err, c)
		}
		c.Close()
		src.fail = func(string, time.Duration) error { return errors.New("connection refused") }
		if _, err = Take(t.Context(), src, Options{System: shop(errorRatio), Start: begin, End: begin.Add(time.Minute), Now: time.Now, Wait: sleep}); err == nil {
			t.Errorf("a source of the past that is down gives no error")
		}
	})
}

// tooMuch is an error of a source that would answer less.
type tooMuch struct{}

func (tooMuch) Error() string { return "too much" }
func (tooMuch) TooMuch() bool { return true }

// TestNative holds that native histograms are left out, and said.
func TestNative(t *testing.T) {
	w, err := newMetricsWriter()
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	at := time.Unix(1772445600, 0)
	w.add([]engine.Series{{Labels: map[string]string{"__name__": "h"}, Samples: []engine.Sample{{At: at, Value: math.NaN(), Histogram: &engine.Histogram{}}}}})
	c := &work{w: w}
	c.caveats()
	if len(c.warnings) != 1 || !strings.Contains(c.warnings[0].Text, "native histograms of h are left out") || w.samples != 0 {
		t.Errorf("warnings %v", c.warnings)
	}
}

// TestSelectors holds what of queries is taken, and how far back they look;
// a sample serves for two intervals beyond that.
func TestSelectors(t *testing.T) {
	tests := []struct {
		queries []string
		want    string
		reach   time.Duration
	}{
		{[]string{`a`}, `{__name__="a"}`, 0},
		{[]string{`a offset 7m`}, `{__name__="a"}`, 7 * time.Minute},
		{[]string{`rate(a[5m])`, `a`}, `{__name__="a"}`, 5 * time.Minute},
		{[]string{`max_over_time(rate(a[5m] offset 2m)[10m:1m] offset 1m)`}, `{__name__="a"}`, 18 * time.Minute},
		{[]string{`a{x="1",y="2"} / a{y="2"} + a{x="1"}`}, `{__name__="a",y="2"} {__name__="a",x="1"}`, 0},
		{[]string{`{"größe 5"}`}, `{__name__="größe 5"}`, 0},
		{[]string{`vector(1)`}, ``, 0},
	}
	for _, tt := range tests {
		got, reach, err := selectorsOf(tt.queries, time.Second)
		var texts []string
		for _, p := range got {
			texts = append(texts, p.text)
		}
		if err != nil || strings.Join(texts, " ") != tt.want || reach != tt.reach+2*time.Second {
			t.Errorf("selectorsOf(%s) = %s, %s, %v; want %s, %s", tt.queries, texts, reach, err, tt.want, tt.reach+2*time.Second)
		}
	}
}
