// Package queriertest is the conformance test of [engine.Querier]: what the
// embedded database and a live Prometheus must have in common.
//
// Its data are laid out so that every expected number can be said by hand:
// counters grow evenly, and no sample falls on an instant that is asked for,
// where versions of Prometheus differ. It is imported by tests only.
package queriertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/engine"
)

// LookBack is what the tested querier must be set to.
const LookBack = 30 * time.Second

// The data: one sample every 15 s for 20 min, 7 s after the instants that
// are asked for.
const (
	step   = 15 * time.Second
	offset = 7 * time.Second
	length = 20 * time.Minute
)

// Start is the first instant with data behind it.
var Start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// A family is one metric: its value at the k-th sample, NaN where there is
// none, of each set of labels.
type family struct {
	name   string
	labels []string
	value  func(series int, t float64) float64 // t in seconds since Start
}

var families = []family{
	// Requests grow by 3 a second on v1 and 1 a second on v2.
	{"shop_requests_total", []string{
		`service="cart",version="v1",pod="cart-1"`, `service="cart",version="v2",pod="cart-2"`,
	}, func(s int, t float64) float64 { return 1000*float64(s+1) + t*float64(3-2*s) }},
	// A gauge counts the samples.
	{"shop_ticks", []string{`service="cart"`}, func(_ int, t float64) float64 { return math.Round((t - offset.Seconds()) / step.Seconds()) }},
	// One series ends after 5 min, one begins there.
	{"shop_life", []string{`which="ends"`, `which="begins"`}, func(s int, t float64) float64 {
		if (t < 300) == (s == 0) {
			return 1
		}
		return math.NaN()
	}},
	// Labels that are hard to write.
	{"shop_odd", []string{`name="say \"hi\" \\ 100 %"`, `name="größer"`, `name="two\nlines"`}, func(s int, _ float64) float64 { return float64(s) }},
	// A classic histogram: 4 a second, a quarter up to 0.1, three quarters up to 0.5.
	{"shop_seconds_bucket", []string{`le="0.1"`, `le="0.5"`, `le="+Inf"`}, func(s int, t float64) float64 { return t * []float64{1, 3, 4}[s] }},
}

// Text returns the data as OpenMetrics text with timestamps in seconds.
func Text() string {
	var b strings.Builder
	each(func(name, labels string, at time.Time, v float64) {
		fmt.Fprintf(&b, "%s{%s} %g %d\n", name, labels, v, at.Unix())
	})
	return b.String() + "# EOF\n"
}

// ImportText returns the data in Prometheus' older text format, with
// timestamps in milliseconds.
func ImportText() string {
	var b strings.Builder
	each(func(name, labels string, at time.Time, v float64) {
		fmt.Fprintf(&b, "%s{%s} %g %d\n", name, labels, v, at.UnixMilli())
	})
	return b.String()
}

func each(sample func(name, labels string, at time.Time, v float64)) {
	for _, f := range families {
		for s, labels := range f.labels {
			for at := Start.Add(offset); at.Before(Start.Add(length)); at = at.Add(step) {
				if v := f.value(s, at.Sub(Start).Seconds()); !math.IsNaN(v) {
					sample(f.name, labels, at, v)
				}
			}
		}
	}
}

// Options say in what a querier may differ. The zero value is the strictest.
type Options struct {
	// OwnLookBack means that the server decides for how long a sample serves,
	// whatever it is asked: at least one interval.
	OwnLookBack bool
}

// Run holds a querier over [Text] with a look-back of [LookBack] to what
// every querier must do.
func Run(t *testing.T, q engine.Querier, o Options) {
	t.Run("values", func(t *testing.T) { values(t, q) })
	t.Run("one instant", func(t *testing.T) { oneInstant(t, q) })
	t.Run("presence", func(t *testing.T) { presence(t, q, o) })
	t.Run("labels", func(t *testing.T) { oddLabels(t, q) })
	t.Run("errors", func(t *testing.T) { faults(t, q) })
	t.Run("cancel", func(t *testing.T) { cancelled(t, q) })
	t.Run("at once", func(t *testing.T) { atOnce(t, q) })
}

// at returns the instant of minute m.
func at(m float64) time.Time { return Start.Add(time.Duration(m * float64(time.Minute))) }

func values(t *testing.T, q engine.Querier) {
	tests := []struct {
		query string
		want  map[string]float64 // by labels, at minute 10
	}{
		{`shop_ticks`, map[string]float64{`{__name__="shop_ticks", service="cart"}`: 39}}, // sample k = 39 is at 9:52
		{`shop_ticks{service="none"}`, map[string]float64{}},
		{`rate(shop_requests_total[1m])`, map[string]float64{`{pod="cart-1", service="cart", version="v1"}`: 3, `{pod="cart-2", service="cart", version="v2"}`: 1}},
		{`sum by (version) (increase(shop_requests_total[1m]))`, map[string]float64{`{version="v1"}`: 180, `{version="v2"}`: 60}},
		{`sum(rate(shop_requests_total[1m]))`, map[string]float64{`{}`: 4}},
		{`sum(rate(shop_requests_total{version="v2"}[1m])) / sum(rate(shop_requests_total[1m]))`, map[string]float64{`{}`: 0.25}},
		// the middle request lies halfway between 0.1 (1/4) and 0.5 (3/4)
		{`histogram_quantile(0.5, sum by (le) (rate(shop_seconds_bucket[1m])))`, map[string]float64{`{}`: 0.3}},
		{`max(max_over_time(shop_ticks[5m]))`, map[string]float64{`{}`: 39}},
		{`vector(7)`, map[string]float64{`{}`: 7}},
		{`3 * 4`, map[string]float64{`{}`: 12}},
		{`count(shop_life)`, map[string]float64{`{}`: 1}},
	}
	for _, tt := range tests {
		series, err := q.Range(t.Context(), tt.query, at(9.5), at(10.5), step)
		if err != nil {
			t.Errorf("Range(%s): %v", tt.query, err)
			continue
		}
		got := map[string]float64{}
		for _, s := range series {
			if len(s.Samples) != 5 || !s.Samples[2].At.Equal(at(10)) {
				t.Errorf("Range(%s) has samples %v; want 5, the third at %v", tt.query, s.Samples, at(10))
				continue
			}
			got[labelText(s.Labels)] = s.Samples[2].Value
		}
		same(t, "Range("+tt.query+") at minute 10", got, tt.want)
	}
}

func same(t *testing.T, call string, got, want map[string]float64) {
	t.Helper()
	ok := len(got) == len(want)
	for k, w := range want {
		g, there := got[k]
		ok = ok && there && math.Abs(g-w) <= 1e-9*math.Max(1, math.Abs(w))
	}
	if !ok {
		t.Errorf("%s = %v, want %v", call, got, want)
	}
}

// labelText writes labels as Prometheus does.
func labelText(labels map[string]string) string {
	var parts []string
	for _, n := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, fmt.Sprintf("%s=%q", n, labels[n]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// oneInstant holds that a range of one instant says what a longer one says
// there.
func oneInstant(t *testing.T, q engine.Querier) {
	for _, query := range []string{`shop_ticks`, `sum by (version) (rate(shop_requests_total[1m]))`, `1 + 1`, `shop_odd`} {
		long, err := q.Range(t.Context(), query, at(9), at(11), step)
		if err != nil {
			t.Fatal(err)
		}
		short, err := q.Range(t.Context(), query, at(10), at(10), step)
		if err != nil {
			t.Fatal(err)
		}
		if len(short) != len(long) || len(short) == 0 {
			t.Errorf("Range(%s) of one instant has %d series, of two minutes %d", query, len(short), len(long))
			continue
		}
		for i, s := range short {
			if labelText(s.Labels) != labelText(long[i].Labels) || len(s.Samples) != 1 || s.Samples[0] != long[i].Samples[4] {
				t.Errorf("Range(%s) of one instant = %v, want the middle of %v", query, s, long[i])
			}
		}
	}
}

// presence holds that a sample serves for just under the look-back, and that
// nothing is made up before, after and between.
func presence(t *testing.T, q engine.Querier, o Options) {
	tests := []struct {
		which, want string
		more        bool // may go on, or end, as the server likes
	}{
		{"ends", "4.5 4.75 5 5.25", false}, // the last sample is at 4:52
		{"begins", "5.25 5.5 5.75 6", false},
	}
	if o.OwnLookBack {
		tests[0].want, tests[0].more = "4.5 4.75 5", true
	}
	for _, tt := range tests {
		series, err := q.Range(t.Context(), fmt.Sprintf("shop_life{which=%q}", tt.which), at(4.5), at(6), step)
		if err != nil || len(series) != 1 {
			t.Fatalf("shop_life %s: %d series, %v; want 1", tt.which, len(series), err)
		}
		var got []string
		for _, s := range series[0].Samples {
			got = append(got, fmt.Sprint(s.At.Sub(Start).Minutes()))
		}
		if g := strings.Join(got, " "); g != tt.want && (!tt.more || !strings.HasPrefix(g, tt.want)) {
			t.Errorf("the series that %s is there at minutes %s, want %s", tt.which, g, tt.want)
		}
	}
	series, err := q.Range(t.Context(), "shop_ticks", at(-5), at(-4), step)
	if err != nil || len(series) != 0 {
		t.Errorf("before the data there is %v, %v; want nothing", series, err)
	}
}

// oddLabels holds that labels come whole, and series in the order of theirs.
func oddLabels(t *testing.T, q engine.Querier) {
	for _, to := range []time.Time{at(10), at(11)} {
		series, err := q.Range(t.Context(), "shop_odd", at(10), to, step)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range series {
			got = append(got, s.Labels["name"])
		}
		want := []string{"größer", `say "hi" \ 100 %`, "two\nlines"}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("shop_odd has labels %q, want %q", got, want)
		}
	}
}

func faults(t *testing.T, q engine.Querier) {
	for _, query := range []string{
		`sum(rate(shop_ticks[5m]`, `rate(shop_ticks)`, `shop_ticks @ end()`, `shop_ticks offset -1m`, `"text"`, `shop_ticks[5m]`, `no_such_function(shop_ticks)`,
	} {
		_, err := q.Range(t.Context(), query, at(10), at(11), step)
		if wrong, ok := errors.AsType[*engine.QueryError](err); !ok || wrong.Query != query || wrong.Hint() == "" {
			t.Errorf("Range(%s): %v; want a *engine.QueryError of it", query, err)
		}
	}
	for _, to := range []time.Time{at(10), at(11)} {
		query := `shop_requests_total * on (service) shop_requests_total`
		_, err := q.Range(t.Context(), query, at(10), to, step)
		if refused, ok := errors.AsType[*engine.EvaluationError](err); !ok || refused.Query != query {
			t.Errorf("Range(%s): %v (%T); want a *engine.EvaluationError of it", query, err, err)
		}
	}
	if _, err := q.Range(t.Context(), "shop_ticks", at(11), at(10), step); err == nil {
		t.Errorf("Range with the end before the start has no error")
	}
	if _, err := q.Range(t.Context(), "shop_ticks", at(10), at(11), 0); err == nil {
		t.Errorf("Range with a step of 0 has no error")
	}
}

// cancelled holds that the cause of the caller comes back, whatever was
// under way.
func cancelled(t *testing.T, q engine.Querier) {
	cause := errors.New("the caller has had enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := q.Range(ctx, "shop_ticks", at(10), at(11), step); !errors.Is(err, cause) {
		t.Errorf("Range with a cancelled context: %v; want its cause", err)
	}
}

// atOnce holds that queriers may be asked by several goroutines.
func atOnce(t *testing.T, q engine.Querier) {
	done := make(chan error)
	for i := range 8 {
		go func() {
			series, err := q.Range(t.Context(), fmt.Sprintf("shop_ticks + %d", i), at(10), at(10), step)
			if err == nil && (len(series) != 1 || series[0].Samples[0].Value != float64(39+i)) {
				err = fmt.Errorf("shop_ticks + %d = %v", i, series)
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
