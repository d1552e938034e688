package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// asked counts the queries that reach a querier.
type asked struct {
	engine.Querier
	mu      sync.Mutex
	queries []string
}

func (q *asked) Range(ctx context.Context, query string, from, to time.Time, step time.Duration) ([]engine.Series, error) {
	q.mu.Lock()
	q.queries = append(q.queries, query)
	q.mu.Unlock()
	return q.Querier.Range(ctx, query, from, to, step)
}

// strange are values of labels with whatever means something in a regular
// expression or in PromQL.
var strange = []string{"a", "b", "a.b", "a|b", `c"d\e`, "(x)", "ä+", "$1", "a\nb", ""}

// manyServices is the text of metrics of services with strange names, in
// three versions, of which one has no label for it.
func manyServices() string {
	rng := rand.New(rand.NewPCG(5, 6))
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	var b strings.Builder
	for i, service := range strange[:9] {
		for _, version := range []string{"v1", "v2", ""} {
			for p := range 1 + rng.IntN(2) {
				all := fmt.Sprintf(`service="%s",pod="p%d-%d"`, quote.Replace(service), i, p)
				if version != "" {
					all += `,version="` + version + `"`
				}
				for _, code := range []string{"200", "500"} {
					b.WriteString(points(`r_total{`+all+`,code="`+code+`"}`, climbing(rng, 12)...))
				}
				for _, le := range []string{"0.1", "1.0", "+Inf"} {
					b.WriteString(points(`h_bucket{`+all+`,le="`+le+`"}`, climbing(rng, 12)...))
				}
				b.WriteString(points(`g{`+all+`}`, climbing(rng, 12)...))
				b.WriteString(points(`max_g{`+all+`}`, climbing(rng, 12)...))
			}
		}
	}
	return b.String()
}

// climbing returns the values of a counter with gaps and resets.
func climbing(rng *rand.Rand, n int) []float64 {
	out, v := make([]float64, n), 0.0
	for k := range out {
		v += rng.Float64()
		if rng.IntN(15) == 0 {
			v = 0
		}
		if out[k] = v; rng.IntN(10) == 0 {
			out[k] = gap
		}
	}
	return out
}

// templates are queries of every form. Those after the empty one may not share
// a query: what they answer for one selector depends on the others.
var templates = []string{
	`g{$sel}`, `g{$sel} / max_g{$sel}`, `g{$sel} > bool 3`, `-g{$sel}`, `clamp(g{$sel}, 1, 2)`, `g{$sel} offset 1m`,
	`sum by (pod) (rate(r_total{$sel}[$window]))`, `sum(rate(r_total{$sel}[$window]))`, `sum by (pod, version) (g{$sel})`,
	`(sum by (pod) (rate(r_total{$sel,code="500"}[$window])) or 0 * sum by (pod) (rate(r_total{$sel}[$window]))) / sum by (pod) (rate(r_total{$sel}[$window]))`,
	`1 - sum(rate(r_total{$sel,code="200"}[$window])) / sum(rate(r_total{$sel}[$window]))`,
	`histogram_quantile(0.9, sum by (le, pod) (rate(h_bucket{$sel}[$window])))`, `histogram_quantile(0.5, rate(h_bucket{$sel}[$window]))`,
	`time() - max by (pod) (g{$sel})`, `max by (pod) (g{$sel} / (max_g{$sel} > 0))`, `avg(g{$sel})`, `quantile(0.5, g{$sel})`, `stddev by (version) (g{$sel})`,
	`max by (pod) (sum by (pod, version) (g{$sel}))`, `max_over_time(sum by (pod) (g{$sel})[3m:1m])`, `count(g{$sel} unless max_g{$sel} < 2)`, `sum by (service) (g{$sel})`,
	"",
	`topk(1, g{$sel})`, `absent(g{$sel})`, `label_replace(g{$sel}, "service", "x", "pod", ".*")`, `sum without (pod) (g{$sel})`,
	`g{$sel} / on (pod) max_g{$sel}`, `g{$sel} / on (service) group_left () sum by (service) (g{$sel})`, `g{$sel} - ignoring (pod) max_g{$sel}`,
	`sum(g{$sel}) or vector(0)`, `scalar(sum(g{$sel})) + g{$sel}`, `sum by (pod) (g{$sel}) / max_g{$sel}`, `sum(g{$sel}) / sum(g)`, `count_values("v", g{$sel})`,
	`sum by (version) (sum by (pod) (g{$sel}))`, `sum by (pod, version) (g{$sel}) / sum by (pod) (g{$sel})`, `vector(1) - sum(g{$sel})`, `g{$sel} + on () sum(g{$sel})`, `sort(g{$sel})`,
}

// genSelector draws matchers of every type over service, version and pod.
func genSelector(t *rapid.T) string {
	value := func(of []string) string {
		v := rapid.SampledFrom(of).Draw(t, "value")
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(v)
	}
	escaped := make([]string, len(strange))
	for i, s := range strange {
		escaped[i] = strings.NewReplacer(`\`, `\\`, `|`, `\|`, `.`, `\.`, `(`, `\(`, `)`, `\)`, `+`, `\+`, `$`, `\$`).Replace(s)
	}
	service := rapid.SampledFrom([]string{`service="` + value(strange) + `"`, `service="` + value(strange) + `"`, `service=~"` + value(escaped) + `"`, `service=~"(?i)A.*"`}).Draw(t, "service")
	version := rapid.SampledFrom([]string{``, `version="` + value([]string{"v1", "v2", ""}) + `"`, `version="` + value([]string{"v1", "v2"}) + `"`, `version=~"v.|x"`, `version!="v1"`, `version!~"v1|v3",version=~"v.*"`, `version=~"|v2"`}).Draw(t, "version")
	pod := rapid.SampledFrom([]string{``, ``, `pod=~"p.-0"`, `pod!="p0-0"`}).Draw(t, "pod")
	return strings.Join(slices.DeleteFunc([]string{service, version, pod}, func(s string) bool { return s == "" }), ",")
}

// TestBatched holds that asking for many releases at once gives the same
// frames, to the last bit, as asking for each by itself.
func TestBatched(t *testing.T) {
	db := open(t, manyServices())
	fewer := 0
	rapid.Check(t, func(t *rapid.T) {
		sys := release.System{Interval: time.Minute}
		for range rapid.IntRange(2, 6).Draw(t, "services") {
			sel := rapid.SampledFrom(strange[:9]).Draw(t, "name")
			sys.Services = append(sys.Services, release.Service{Name: sel, Selector: fmt.Sprintf("service=%q", sel)})
			r := release.Release{Service: len(sys.Services) - 1, Canary: genSelector(t)}
			if rapid.Bool().Draw(t, "has control") {
				r.Control = genSelector(t)
			}
			sys.Releases = append(sys.Releases, r)
		}
		for i, query := range rapid.SliceOfN(rapid.SampledFrom(slices.DeleteFunc(slices.Clone(templates), func(q string) bool { return q == "" })), 1, 3).Draw(t, "queries") {
			kind := rapid.SampledFrom([]signal.Kind{signal.Errors, signal.Traffic, signal.Memory}).Draw(t, "kind")
			sys.Signals = append(sys.Signals, signal.Signal{Name: fmt.Sprint(i), Kind: kind, Query: query, Unit: signal.ParseUnit("ms"), Scope: signal.PerCohort})
		}
		o := engine.Options{Start: t0, End: minute(11)}
		if rapid.Bool().Draw(t, "live") {
			o.Wait = func(context.Context, time.Time) error { return nil }
		}
		together, n := framesOf(t, db, sys, o)
		apart, m := framesOf(t, db, sys, engine.Unbatched(o))
		if got, want := fmt.Sprintf("%+v", together), fmt.Sprintf("%+v", apart); got != want {
			t.Fatalf("together:\n%s\nby itself:\n%s", got, want)
		}
		if n < m {
			fewer++
		}
	})
	if fewer == 0 {
		t.Error("no draw has asked anything together")
	}
}

// TestAnyOf holds that a long list of values is matched as it stands, and by
// nothing else.
func TestAnyOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.StringMatching(`(a|ä|b|\.|\||\(|\n|){0,4}`)
		values := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom([]string{"", "team-", strings.Repeat("x", 40)}).Draw(t, "head") + words.Draw(t, "middle") +
				rapid.SampledFrom([]string{"", ".prod", strings.Repeat("y", 40)}).Draw(t, "tail")
		}), 1, 60).Draw(t, "values")
		patterns := rapid.SampledFrom([][]string{nil, {"(?:q[0-9]+)"}}).Draw(t, "patterns")
		re := regexp.MustCompile("^(?s:" + engine.AnyOf(slices.Clone(values), patterns) + ")$")
		for _, v := range values {
			if !re.MatchString(v) {
				t.Fatalf("%s does not match %q", re, v)
			}
		}
		for _, v := range append(slices.Clone(values), "", "q", "q17") {
			for _, other := range []string{v + "a", "a" + v, v + ".prod", v[:len(v)/2], v} {
				want := slices.Contains(values, other) || patterns != nil && other == "q17"
				if re.MatchString(other) != want {
					t.Fatalf("%s on %q: %t", re, other, !want)
				}
			}
		}
	})
	var long []string
	for i := range 200 {
		long = append(long, longName(i))
	}
	if plain, got := len(strings.Join(long, "|")), len(engine.AnyOf(long, nil)); got > plain/2 {
		t.Errorf("200 long names take %d bytes of %d", got, plain)
	}
}

// framesOf returns the frames of a system whose signals pass for discovered
// ones, and how many queries they took.
func framesOf(t interface {
	Fatal(...any)
	Context() context.Context
}, q engine.Querier, sys release.System, o engine.Options,
) ([]signal.Frame, int) {
	count := &asked{Querier: q}
	src, err := engine.New(t.Context(), count, sys, o)
	if err != nil {
		t.Fatal(err)
	}
	src.Discovered()
	count.queries = nil
	var out []signal.Frame
	for f, err := range src.Frames(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out, len(count.queries)
}

// TestBatchRefused holds that what the data of one release refuse is lost for
// none of the others, and so is what a server finds too much at once.
func TestBatchRefused(t *testing.T) {
	var text strings.Builder
	sys := release.System{Interval: time.Minute, Signals: []signal.Signal{{
		Name: "x", Kind: signal.Memory, Scope: signal.PerCohort, Unit: signal.ParseUnit(""), Query: `rate({__name__=~"a_total|b_total",$sel}[$window])`,
	}}}
	for i := range 9 {
		name := fmt.Sprint("s", i)
		sys.Services = append(sys.Services, release.Service{Name: name, Selector: fmt.Sprintf("service=%q", name)})
		text.WriteString(points(`a_total{service="`+name+`"}`, 0, 1, 2, 3, 4, 5))
		if i == 4 { // two rates of the same labels
			text.WriteString(points(`b_total{service="`+name+`"}`, gap, gap, 2, 3, gap, gap))
		}
	}
	db := open(t, text.String())
	small := failing{db, func(_ time.Time, query string) error {
		if strings.Count(query, "|") > 3 {
			return errRefused
		}
		return nil
	}}
	for name, tt := range map[string]struct {
		engine.Querier
		wait func(context.Context, time.Time) error
		most int // queries for 6 frames, of which 9 are for what is refused in every second one
	}{"replay": {db, nil, 30}, "live": {db, now, 60}, "small": {small, nil, 30}} {
		o := engine.Options{Start: t0, End: minute(5), Wait: tt.wait}
		together, n := framesOf(t, tt.Querier, sys, o)
		apart, _ := framesOf(t, db, sys, engine.Unbatched(o))
		if got, want := fmt.Sprintf("%+v", together), fmt.Sprintf("%+v", apart); got != want {
			t.Errorf("%s: together:\n%s\nby itself:\n%s", name, got, want)
		}
		if n > tt.most {
			t.Errorf("%s: %d queries for 6 frames of 9 services", name, n)
		}
	}
	lost, _ := framesOf(t, small, sys, engine.Options{Start: t0, End: minute(5), Wait: now})
	for _, f := range lost {
		if slices.ContainsFunc(f.Cells, func(c signal.Cell) bool { return len(c.Readings) > 0 }) {
			t.Errorf("live, a source that fails has answered: %+v", f.Cells)
		}
	}
}

// BenchmarkTick is one live frame of 200 releases with 15 signals on two
// cohorts, together and each by itself, on the embedded database.
func BenchmarkTick(b *testing.B) {
	const minutes = 8
	sys, text := fleet(200, minutes, false)
	db := open(b, text)
	for _, bm := range []struct {
		name string
		o    engine.Options
	}{{"together", engine.Options{}}, {"apart", engine.Unbatched(engine.Options{})}} {
		b.Run(bm.name, func(b *testing.B) {
			bm.o.Start, bm.o.End, bm.o.Wait = t0, minute(minutes-1), now
			q := &asked{Querier: db}
			frames := 0
			for b.Loop() {
				src, err := engine.New(b.Context(), q, sys, bm.o)
				if err != nil {
					b.Fatal(err)
				}
				q.queries = nil
				frames = len(collect(b, src))
			}
			b.ReportMetric(float64(len(q.queries))/float64(frames), "queries/frame")
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(frames), "ns/frame")
		})
	}
}
