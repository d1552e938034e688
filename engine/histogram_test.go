package engine_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

func latency(query string) signal.Signal {
	return signal.Signal{
		Name: "latency", Kind: signal.Latency, Query: query, Unit: signal.ParseUnit("ms"), Scope: signal.PerCohort,
		Limit: signal.Limit{Set: true, Value: 0.3},
	}
}

// TestHistograms holds the numbers made of histograms against PromQL's own
// answers, asked one instant at a time.
func TestHistograms(t *testing.T) {
	classic := points(`h_bucket{service="cart",pod="a",le="100.0"}`, 0, 5, 10, 10) +
		points(`h_bucket{service="cart",pod="a",le="200.0"}`, 0, 8, 20, 25) +
		points(`h_bucket{service="cart",pod="a",le="+Inf"}`, 0, 10, 25, 35) +
		points(`h_sum{service="cart",pod="a"}`, 0, 900, 2000, 3000) + points(`h_count{service="cart",pod="a"}`, 0, 10, 25, 35)
	var native strings.Builder
	native.WriteString("# TYPE n histogram\n")
	for k, v := range []int{0, 5, 12, 20} {
		fmt.Fprintf(&native, "n{service=\"cart\",pod=\"a\"} {count:%d,sum:%d,schema:0,zero_threshold:0.001,zero_count:0,positive_spans:[0:2],positive_buckets:[%d,%d]} %d\n", 3*v, 4*v, v, 2*v, minute(k).Unix())
	}
	const c, n, sel = `sum by (le, pod) (rate(h_bucket{SEL}[4m]))`, `sum by (pod) (rate(n{SEL}[4m]))`, `service="cart"`
	tests := []struct {
		name, text, query string
		expressions       []string  // of p50, p90, p99 and the mean, as a person would write them
		counts            []float64 // N of frames 1 … 3
	}{
		{
			"classic", classic, `sum by (le, pod) (rate(h_bucket{$sel}[$window]))`,
			[]string{`histogram_quantile(0.5, ` + c + `)`, `histogram_quantile(0.9, ` + c + `)`, `histogram_quantile(0.99, ` + c + `)`, `sum by (pod) (rate(h_sum{SEL}[4m])) / sum by (pod) (rate(h_count{SEL}[4m]))`},
			[]float64{10, 15, 10},
		},
		{
			"bare buckets", classic, `rate(h_bucket{$sel}[$window])`,
			[]string{`histogram_quantile(0.5, ` + c + `)`, `histogram_quantile(0.9, ` + c + `)`, `histogram_quantile(0.99, ` + c + `)`, `rate(h_sum{SEL}[4m]) / rate(h_count{SEL}[4m])`},
			[]float64{10, 15, 10},
		},
		{
			"native", native.String(), `sum by (pod) (rate(n{$sel}[$window]))`,
			[]string{`histogram_quantile(0.5, ` + n + `)`, `histogram_quantile(0.9, ` + n + `)`, `histogram_quantile(0.99, ` + n + `)`, `histogram_avg(` + n + `)`},
			[]float64{15, 21, 24},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames, src := take(t, tt.text, cart(latency(tt.query)), 4)
			var names []string
			for _, s := range src.System().Signals {
				names = append(names, s.Name+" of "+s.Family)
			}
			if got := strings.Join(names, ", "); got != "latency:p50 of latency, latency:p90 of latency, latency:p99 of latency, latency:mean of latency" {
				t.Fatalf("signals %s", got)
			}
			db := open(t, tt.text)
			for k := 1; k < 4; k++ {
				for i, e := range tt.expressions {
					s, err := db.Range(t.Context(), strings.ReplaceAll(e, "SEL", sel), minute(k), minute(k), time.Minute)
					if err != nil || len(s) != 1 {
						t.Fatal(s, err)
					}
					cell := frames[k].Cells[i]
					r := cell.Readings[0]
					if want := s[0].Samples[0].Value / 1000; math.Abs(r.Value-want) > 1e-12 {
						t.Errorf("frame %d: %s = %v, want %v", k, names[i], r.Value, want)
					}
					if r.Instance != "a" || r.N != tt.counts[k-1] || !math.IsNaN(r.Events) {
						t.Errorf("frame %d: %s of %q with N %v, Events %v; want of a with %v, NaN", k, names[i], r.Instance, r.N, r.Events, tt.counts[k-1])
					}
					if limited := !math.IsNaN(cell.Limit); limited != (i == 2) {
						t.Errorf("limit of %s is %v; only p99 has one", names[i], cell.Limit)
					}
				}
			}
		})
	}
}

// TestHistogramUnasked holds that a histogram where a number is wanted is
// said and is no number.
func TestHistogramUnasked(t *testing.T) {
	text := "# TYPE n_ratio histogram\n" + fmt.Sprintf("n_ratio{service=\"cart\"} {count:1,sum:1,schema:0,zero_threshold:0.001,zero_count:0,positive_spans:[0:1],positive_buckets:[1]} %d\n", t0.Unix())
	frames, src := take(t, text, cart(gauge("n_ratio{$sel}")), 1)
	if r := only(t, frames)[0][0]; r.Presence != signal.NotANumber || !math.IsNaN(r.Value) {
		t.Errorf("reading %+v", r)
	}
	if w := src.Warnings(); len(w) != 1 || w[0].Code != "histogram" {
		t.Errorf("warnings %v", w)
	}
}

// TestDiscovery holds that the catalogue serves a system without signals,
// and that a discovered signal does not exist before its first sample.
func TestDiscovery(t *testing.T) {
	text := points(`http_requests_total{service="cart",pod="a",status="200"}`, gap, gap, 10, 20, 30) + points(`go_goroutines{service="cart",pod="a"}`, 7, 8, 9, 10, 11)
	sys := cart()
	frames, src := take(t, text, sys, 5)
	want := []string{
		"go_runtime/goroutines=7/NaN/NaN",
		"go_runtime/goroutines=8/NaN/NaN",
		"go_runtime/goroutines=9/NaN/NaN",
		"generic_http_status/traffic=0.0625/10/NaN generic_http_status/errors=0/10/0 go_runtime/goroutines=10/NaN/NaN",
		"generic_http_status/traffic=0.10416666666666666/10/NaN generic_http_status/errors=0/10/0 go_runtime/goroutines=11/NaN/NaN",
	}
	for k, f := range frames {
		var got []string
		for _, c := range f.Cells {
			r := c.Readings[0]
			got = append(got, fmt.Sprintf("%s=%v/%v/%v", src.System().Signals[c.Signal].Name, r.Value, r.N, r.Events))
		}
		if g := strings.Join(got, " "); g != want[k] {
			t.Errorf("frame %d:\n got %s\nwant %s", k, g, want[k])
		}
	}
	if _, src := take(t, points("x", 1), sys, 1); len(src.Warnings()) != 1 || src.Warnings()[0].Code != "nothing-discovered" {
		t.Errorf("warnings of nothing: %v", src.Warnings())
	}
}

func TestScopes(t *testing.T) {
	sys := cart(gauge(`x{service="$service"}`), gauge(`x`))
	sys.Signals[1].Name = "global"
	sys.Services = append(sys.Services, release.Service{Name: "db"})
	sys.Releases = []release.Release{{Canary: `v="2"`, Control: `v="1"`}}
	text := points(`x{service="cart"}`, 1) + points(`x{service="db"}`, 2)
	frames, src := take(t, text, sys, 1)
	var got []string
	for _, c := range frames[0].Cells {
		got = append(got, fmt.Sprintf("%d/%d/%v/%d=%v", c.Service, c.Release, c.Cohort, c.Signal, c.Readings[0].Value))
	}
	if g := strings.Join(got, " "); g != "0/-1/whole/0=1 1/-1/whole/0=2" {
		t.Errorf("cells %s", g)
	}
	var codes []string
	for _, w := range src.Warnings() {
		codes = append(codes, w.Code)
	}
	if g := strings.Join(codes, " "); g != "not-per-cohort of-no-service" {
		t.Errorf("warnings %v", src.Warnings())
	}
}

func TestExposure(t *testing.T) {
	sys := cart(gauge("x{$sel}"))
	sys.Releases = []release.Release{{Steps: []release.Step{
		{At: minute(1), CompletedAt: minute(3), Weight: 0.2},
		{At: minute(4), CompletedAt: minute(8), Weight: 1},
		{At: minute(6), CompletedAt: minute(6), Weight: 0}, // back, before the step was done
	}}}
	frames, _ := take(t, points("x", 1), sys, 9)
	want := []string{"0 0 false", "0 1 true", "0.1 1 true", "0.2 1 false", "0.2 2 true", "0.4 2 true", "0 3 false", "0 3 false", "0 3 false"}
	for k, f := range frames {
		e := f.Exposure[0]
		if got := fmt.Sprintf("%.3g %d %v", e.Weight, e.Step, e.Moving); got != want[k] {
			t.Errorf("minute %d: exposure %s, want %s", k, got, want[k])
		}
	}
	var _ engine.Querier = open(t, points("x", 1))
}

// TestToldOnce: what two exporters of the catalogue tell of one service is told by the
// first; a service of which only the second one tells is not left out for it.
func TestToldOnce(t *testing.T) {
	text := points(`http_requests_total{service="cart",pod="a",code="200"}`, 7, 8)
	text += points(`http_request_duration_seconds_count{service="cart",pod="a",code="200"}`, 7, 8) + points(`http_request_duration_seconds_count{service="web",pod="a",code="200"}`, 7, 8)
	for service, want := range map[string]string{"cart": "generic_http/traffic generic_http/errors", "web": "http_duration_code/traffic http_duration_code/errors"} {
		sys := cart()
		sys.Services[0].Name, sys.Services[0].Selector = service, `service="`+service+`"`
		frames, src := take(t, text, sys, 2)
		var got []string
		for _, c := range frames[1].Cells {
			got = append(got, src.System().Signals[c.Signal].Name)
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("of %s is told %s, want %s", service, g, want)
		}
	}
}
