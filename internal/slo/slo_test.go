package slo

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/strictyaml"
	"github.com/foreshock/foreshock/signal"
)

// TestParse reads what each tool's own documentation shows the form of.
func TestParse(t *testing.T) {
	tests := []struct {
		file string
		want []Objective
	}{
		{"sloth.yaml", []Objective{
			{Name: "requests-availability", Service: "cart", Target: 0.999, Budget: 0.001, Line: 6, Signal: signal.Signal{
				Name: "slo/requests-availability", Kind: signal.Errors, Limit: signal.Limit{Set: true, Value: 0.001},
				Query: `((sum(rate(http_requests_total{job="cart",code=~"(5..|429)",$sel}[$window]))) or 0 * (sum(rate(http_requests_total{job="cart",$sel}[$window])))) / (sum(rate(http_requests_total{job="cart",$sel}[$window])))`,
			}},
			{Name: "raw", Service: "cart", Target: 0.99, Budget: 0.01, Line: 15, Signal: signal.Signal{
				Name: "slo/raw", Kind: signal.Errors, Limit: signal.Limit{Set: true, Value: 0.01},
				Query: `avg_over_time(errors_ratio{$sel}[$window])`,
			}},
		}},
		{"sloth-crd.yaml", []Objective{
			{Name: "availability", Service: "cart", Target: 0.95, Budget: 0.05, Line: 11, Signal: signal.Signal{
				Name: "slo/availability", Kind: signal.Errors, Limit: signal.Limit{Set: true, Value: 0.05},
				Query: `((rate(bad_total{$sel}[$window])) or 0 * (rate(all_total{$sel}[$window]))) / (rate(all_total{$sel}[$window]))`,
			}},
			{Name: "measured", Service: "cart", Target: 0.99, Budget: 0.01, Line: 24, Signal: signal.Signal{
				Name: "slo/measured", Kind: signal.Errors, Limit: signal.Limit{Set: true, Value: 0.01},
				Query: `avg_over_time(errors_ratio{$sel}[$window])`,
			}},
		}},
		{"list.yaml", []Objective{
			{Name: "a", Service: "cart", Target: 0.99, Budget: 0.01, Line: 18, Signal: signal.Signal{
				Name: "slo/a", Kind: signal.Errors, Limit: signal.Limit{Set: true, Value: 0.01},
				Query: `errors_ratio{$sel}`,
			}},
		}},
		{"openslo-v1alpha.yaml", []Objective{
			{Name: "cart-there", Service: "cart", Target: 0.999, Budget: 0.001, Window: 30 * day, Line: 18, Signal: signal.Signal{
				Name: "slo/cart-there", Kind: signal.Errors, Limit: signal.Limit{Set: true, Value: 0.001},
				Query: `1 - (sum(rate(http_requests_total{code!~"5..",$sel}[$window]))) / (sum(rate(http_requests_total{$sel}[$window])))`,
			}},
			{Name: "cart-quick", Service: "cart", Target: 0.99, Budget: 0.01, Window: 14 * day, Line: 33, Signal: signal.Signal{
				Name: "slo/cart-quick", Kind: signal.Latency, Worse: signal.Up, Limit: signal.Limit{Set: true, Value: 0.5},
				Query: `p99_seconds{$sel}`,
			}},
		}},
		{"pyrra.yaml", []Objective{
			{Name: "cart-errors", Service: "cart", Target: 0.995, Budget: 0.005, Window: 14 * day, Line: 1, Signal: signal.Signal{
				Name: "slo/cart-errors", Kind: signal.Errors, Limit: signal.Limit{Set: true, Value: 0.005},
				Query: `((sum(rate(http_requests_total{job="cart",code=~"5..",$sel}[$window]))) or 0 * (sum(rate(http_requests_total{job="cart",$sel}[$window])))) / (sum(rate(http_requests_total{job="cart",$sel}[$window])))`,
			}},
			{Name: "cart-slow", Target: 0.9, Budget: 0.1, Window: 28 * day, Line: 20, Signal: signal.Signal{
				Name: "slo/cart-slow", Kind: signal.Errors, Limit: signal.Limit{Set: true, Value: 0.1},
				Query: `1 - (sum(rate(http_request_duration_seconds_bucket{job="cart",le="0.5",$sel}[$window]))) / (sum(rate(http_request_duration_seconds_count{job="cart",$sel}[$window])))`,
			}},
			{Name: "cart-native", Target: 0.9, Budget: 0.1, Window: 28 * day, Line: 35, Signal: signal.Signal{
				Name: "slo/cart-native", Kind: signal.Errors, Limit: signal.Limit{Set: true, Value: 0.1},
				Query: `1 - histogram_fraction(0, 0.2, sum(rate(http_request_duration_seconds{$sel}[$window])))`,
			}},
			{Name: "cart-up", Target: 0.99, Budget: 0.01, Window: 7 * day, Line: 48, Signal: signal.Signal{
				Name: "slo/cart-up", Kind: signal.Errors, Limit: signal.Limit{Set: true, Value: 0.01},
				Query: `1 - avg(probe_success{$sel})`,
			}},
		}},
		{"openslo.yaml", []Objective{
			{Name: "cart-availability", Service: "cart", Target: 0.98, Budget: 0.02, Window: 28 * day, Line: 43, Signal: signal.Signal{
				Name: "slo/cart-availability", Kind: signal.Errors, Limit: signal.Limit{Set: true, Value: 0.02},
				Query: `1 - (sum(sum(rate(http_requests_total{code=~"2..|3..",$sel}[$window])))) / (sum(rate(http_requests_total{$sel}[$window])))`,
			}},
			{Name: "cart-latency tight", Service: "cart", Target: 0.9999, Budget: 0.0001, Line: 60, Signal: signal.Signal{
				Name: "slo/cart-latency tight", Kind: signal.Latency, Worse: signal.Up, Limit: signal.Limit{Set: true, Value: 0.2},
				Query: `histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{$sel}[5m])))`,
			}},
			{Name: "cart-latency 2", Service: "cart", Target: 0.99, Budget: 0.01, Line: 61, Signal: signal.Signal{
				Name: "slo/cart-latency 2", Kind: signal.Latency, Worse: signal.Up, Limit: signal.Limit{Set: true, Value: 0.5},
				Query: `histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{$sel}[5m])))`,
			}},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got, err := Load(filepath.Join("testdata", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(tt.want) {
				t.Fatalf("%d objectives, want %d: %+v", len(got), len(tt.want), got)
			}
			for i, g := range got {
				w := tt.want[i]
				w.File = filepath.Join("testdata", tt.file)
				w.Signal.Family, w.Signal.Scope, w.Signal.Unit = w.Signal.Name, signal.PerCohort, signal.ParseUnit("ratio")
				if w.Signal.Kind == signal.Latency {
					w.Signal.Unit = signal.ParseUnit("s")
				} else {
					w.Signal.Limit.Over = w.Window // what may fail may do so over all of it
				}
				if g != w {
					t.Errorf("objective %d is\n%+v, want\n%+v", i, g, w)
				}
			}
		})
	}
}

// TestParseFaults: what is wrong is said with its line and the mend.
func TestParseFaults(t *testing.T) {
	const sloth = "version: prometheus/v1\nservice: cart\nslos:\n- name: a\n  objective: 99\n  sli: "
	tests := []struct{ name, text, want string }{
		{"empty", "---\n---\n", "f.yaml: the file is empty; want objectives"},
		{"no YAML", "a: [", "f.yaml:1: this is no YAML: did not find expected node content"},
		{"a list", "- a", "f.yaml:1: the document is a list; want a mapping of fields"},
		{"nobody's", "a: b", `f.yaml:1: the document has neither version nor apiVersion; want version "prometheus/v1" or apiVersion sloth.slok.dev/v1 (Sloth), apiVersion pyrra.dev/v1alpha1 (Pyrra), or apiVersion openslo/v1 (OpenSLO)`},
		{"unknown version", "version: prometheus/v2", `f.yaml:1: version is "prometheus/v2"; want version "prometheus/v1" or`},
		{"unknown apiVersion", "kind: SLO\napiVersion: openslo/v2", `f.yaml:2: apiVersion is "openslo/v2"; want version`},
		{"unknown apiVersion beside a good one", sloth + "{raw: {error_ratio_query: a}}\n---\nkind: Other\napiVersion: pyrra.dev/v2", `f.yaml:9: apiVersion is "pyrra.dev/v2"; want version`},
		{"another's", "kind: ConfigMap\napiVersion: v1", `f.yaml:2: apiVersion is "v1"; want version`},
		{"two spellings", sloth + "{raw: {error_ratio_query: a, errorRatioQuery: a}}", "f.yaml:6: slos[0].sli.raw has both error_ratio_query and errorRatioQuery, which say the same; leave one out"},
		{"unknown unit", "apiVersion: openslo/v1alpha\nkind: SLO\nmetadata: {name: a}\nspec: {service: cart, timeWindows: [{unit: Moon, count: 1}], objectives: [{target: 0.9}]}", `f.yaml:4: spec.timeWindows[0].unit is "Moon"; want Second, Minute, Hour, Day, Week, Month, Quarter or Year`},
		{"unknown kind", "apiVersion: pyrra.dev/v1alpha1\nkind: SLO", `f.yaml:2: kind is "SLO"; want ServiceLevelObjective`},
		{"unknown OpenSLO kind", "apiVersion: openslo/v1\nkind: Slo", `f.yaml:2: kind is "Slo"; want one of SLO, SLI, Service`},
		{"only a service", "apiVersion: openslo/v1\nkind: Service", "f.yaml:1: there is no objective in the file"},
		{"no service", "version: prometheus/v1\nslos: []", "f.yaml:1: the document has no service; it must be given"},
		{"no objective", "version: prometheus/v1\nservice: cart\nslos: []", "f.yaml:3: slos is no list with an item; want one objective or more"},
		{"not a number", strings.Replace(sloth, "99", "many", 1) + "{}", `f.yaml:5: slos[0].objective is "many"; want a number`},
		{"all", strings.Replace(sloth, "99", "100", 1) + "{raw: {error_ratio_query: a}}", "f.yaml:4: the objective of a is 100; want between 0 and 100 %, without the ends"},
		{"no indicator", sloth + "{}", "f.yaml:6: slos[0].sli has neither events nor raw; want one of them"},
		{"no query", sloth + "{events: {error_query: a}}", "f.yaml:6: slos[0].sli.events has no total_query; it must be given"},
		{"no PromQL", sloth + "{raw: {error_ratio_query: 'sum(a[{{.window}}'}}", "f.yaml:6: slos[0].sli.raw.error_ratio_query: this is no PromQL: "},
		{"another template", sloth + "{raw: {error_ratio_query: 'a{b=\"{{.x}}\"}'}}", "f.yaml:6: slos[0].sli.raw.error_ratio_query has a template other than {{.window}}; write it out"},
		{"looks ahead", sloth + "{raw: {error_ratio_query: 'a offset -5m'}}", "f.yaml:6: slos[0].sli.raw.error_ratio_query: this is no PromQL: "},
		{"no SLI of the name", "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: {service: cart, indicatorRef: b, objectives: [{target: 0.9}]}", `f.yaml:4: spec.indicatorRef is "b", and there is no SLI of this name in the file; put it there`},
		{"one name twice", sloth + "{raw: {error_ratio_query: a}}\n- name: a\n  objective: 90\n  sli: {raw: {error_ratio_query: b}}", `f.yaml:7: objective "a" stands already in line 4; give each a name of its own`},
		{"an anchor", "a: &b c", "f.yaml:1: anchors and aliases are not read; write the value out"},
		{"much", strings.Repeat("#", strictyaml.MaxBytes+1), "f.yaml: more than 1 MiB of YAML; want objectives"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse("f.yaml", []byte(tt.text))
			var fault *strictyaml.SyntaxError
			if !errors.As(err, &fault) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse = %+v, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// TestRefused: what cannot be measured is left to whoever asks for it, with
// its line and the mend, and the rest of the file is read.
func TestRefused(t *testing.T) {
	tests := []struct {
		file string
		want map[string]string // by name of the objective; "" where it is measured
	}{
		{"sloth-plugin.yaml", map[string]string{
			"availability": "testdata/sloth-plugin.yaml:8: slos[0].sli.plugin is a plugin of Sloth's; write its queries out as events or raw",
			"slow":         "",
		}},
		{"openslo-window.yaml", map[string]string{
			"cart-there": "",
			"bank-there": `testdata/openslo-window.yaml:40: spec.indicator.spec.ratioMetric.raw.metricSource.metricSourceRef leads to "Datadog"; only Prometheus is asked`,
			"shop-all":   "testdata/openslo-window.yaml:49: spec.objectives[0].compositeWeight makes a composite objective, of several indicators; write each as an SLO of its own",
		}},
	}
	for _, tt := range tests {
		all, err := Load(filepath.Join("testdata", tt.file))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, o := range all {
			if got[o.Name] = ""; o.Refused != nil {
				got[o.Name] = o.Refused.Error()
			}
		}
		if !maps.Equal(got, tt.want) {
			t.Errorf("%s refuses\n%q, want\n%q", tt.file, got, tt.want)
		}
	}
}

// TestWindow: OpenSLO's months, quarters and years, which Prometheus has not.
func TestWindow(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
	}{
		{"[{duration: 1M}]", 30 * day},
		{"[{duration: 2Q, isRolling: true}]", 180 * day},
		{"[{duration: 1Y}]", 365 * day},
		{"[{duration: 28d}]", 28 * day},
	}
	for _, tt := range tests {
		text := "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: {service: c, timeWindow: " + tt.text +
			", indicator: {spec: {ratioMetric: {rawType: failure, raw: {metricSource: {spec: {query: e}}}}}}, objectives: [{target: 0.9}]}"
		got, err := Parse("f.yaml", []byte(text))
		if err != nil || got[0].Window != tt.want {
			t.Errorf("timeWindow %s is read as %+v, %v; want %v", tt.text, got, err, tt.want)
		}
	}
}

// TestOf: the objectives of some services, and those of none.
func TestOf(t *testing.T) {
	all := []Objective{{Name: "a", Service: "cart"}, {Name: "b", Service: "web"}, {Name: "c"}}
	got := Of(all, []string{"cart", "db"})
	if len(got) != 2 || got[0].Name != "a" || got[1].Name != "c" {
		t.Errorf("Of(cart, db) = %+v, want a and c", got)
	}
}

// TestDistinguish: two services may have objectives of one name.
func TestDistinguish(t *testing.T) {
	const one = "version: prometheus/v1\nservice: %\nslos: [{name: a, objective: 99, sli: {raw: {error_ratio_query: e}}}]\n---\n"
	got, err := Parse("f.yaml", []byte(strings.Replace(one, "%", "cart", 1)+strings.Replace(one, "%", "web", 1)))
	if err != nil || len(got) != 2 || got[0].Signal.Name != "slo/cart a" || got[1].Signal.Name != "slo/web a" {
		t.Errorf("Parse = %+v, %v; want signals slo/cart a and slo/web a", got, err)
	}
}

// FuzzParse holds that no text makes it panic, and that what is read can be
// asked of one version.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no examples: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("version: prometheus/v1\nservice: c\nslos: [{name: a, objective: 9, sli: {raw: {error_ratio_query: 'a{b=\"}\",} offset 5m'}}}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := Parse("f.yaml", text)
		if err != nil {
			if _, ok := errors.AsType[*strictyaml.SyntaxError](err); !ok {
				t.Fatalf("Parse: %v is no SyntaxError", err)
			}
			return
		}
		for _, o := range all {
			if o.Refused != nil {
				continue
			}
			if err := engine.CheckTemplate(o.Signal.Query); err != nil {
				t.Errorf("the query of %s: %v", o.Name, err)
			}
			if !(o.Budget > 0 && o.Budget < 1) || !o.Signal.Limit.Set {
				t.Errorf("%+v has no budget or no limit", o)
			}
		}
	})
}
