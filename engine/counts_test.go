package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/signal"
)

func TestCountingOf(t *testing.T) {
	tests := []struct {
		query string
		kind  signal.Kind
		want  string // n | events | rest
	}{
		{`rate(a_total{x="1"}[4m])`, signal.Traffic, `a_total{x="1"} | `},
		{`sum by (pod) (increase(a_total[4m]))`, signal.Errors, `a_total | a_total`},
		{`sum(rate(a_total[4m])) + sum(rate(b_total[4m]))`, signal.Timeouts, `a_total,b_total | a_total,b_total`},
		{`rate(a_total[4m])`, signal.CPU, ` | `},
		{`rate(a_seconds_total[4m])`, signal.Traffic, ` | `},
		{`sum(rate(a_total{code="500"}[4m])) / sum(rate(a_total[4m]))`, signal.Errors, `a_total{code="500"} of a_total`},
		{`100 * (sum(rate(a_total{code="500"}[4m])) / sum(rate(a_total[4m])))`, signal.Errors, `a_total{code="500"} of a_total`},
		{`(sum(rate(e_total[4m])) or 0 * sum(rate(a_total[4m]))) / sum(rate(a_total[4m]))`, signal.Errors, `e_total of a_total`},
		{`(sum(rate(e_total[4m])) or vector(0)) / sum(rate(a_total[4m]))`, signal.Errors, `e_total of a_total`},
		{`sum(rate(h_total[4m])) / (sum(rate(h_total[4m])) + sum(rate(m_total[4m])))`, signal.Cache, `h_total of h_total,m_total`},
		{`1 - sum(rate(ok_total[4m])) / sum(rate(a_total[4m]))`, signal.Errors, `rest ok_total of a_total`},
		{`2 - sum(rate(ok_total[4m])) / sum(rate(a_total[4m]))`, signal.Errors, ` | `},
		{`rate(a_seconds_sum[4m]) / rate(a_seconds_count[4m])`, signal.Latency, `a_seconds_count | `},
		{`sum(rate(h_bucket{le="0.5"}[4m])) / sum(rate(h_count[4m]))`, signal.Latency, `h_bucket{le="0.5"} of h_count`},
		{`sum(rate(h_bucket[4m])) / sum(rate(h_count[4m]))`, signal.Latency, `h_count | `},
		{`histogram_quantile(0.9, sum by (le) (rate(h_bucket{x="1"}[4m])))`, signal.Latency, `h_bucket{x="1"} | `},
		{`histogram_quantile(0.9, sum(rate(h_seconds[4m])))`, signal.Latency, `h_seconds | `},
		{`histogram_avg(rate(h_seconds[4m]))`, signal.Latency, `h_seconds | `},
		{`1 - avg by (pod) (ratio)`, signal.Errors, ` | `},
		{`max(rate(a_total[4m]))`, signal.Errors, ` | `},
		{`rate(a_total[4m]) / on (pod) group_left () rate(b_total[4m])`, signal.Errors, ` | `},
		{`rate(a_total[4m]) / 2`, signal.Errors, `a_total | a_total`},
		{`a`, signal.Errors, ` | `},
		{`(`, signal.Errors, ` | `},
	}
	for _, tt := range tests {
		c := countingOf(tt.query, tt.kind)
		n, events := strings.Join(c.n, ","), strings.Join(c.events, ",")
		got := n + " | " + events
		if n != events && events != "" {
			got = events + " of " + n
		}
		if c.rest {
			got = "rest " + got
		}
		if got != tt.want {
			t.Errorf("countingOf(%s, %v) = %s, want %s", tt.query, tt.kind, got, tt.want)
		}
	}
}

func TestClassicMean(t *testing.T) {
	tests := []struct{ template, want string }{
		{`sum by (le) (rate(h_bucket{$sel}[$window]))`, `(sum by () (rate(h_sum{$sel}[$window]))) / (sum by () (rate(h_count{$sel}[$window])))`},
		{`sum(rate(h_bucket{$sel}[$window])) by (pod,le)`, `(sum(rate(h_sum{$sel}[$window])) by (pod)) / (sum(rate(h_count{$sel}[$window])) by (pod))`},
	}
	for _, tt := range tests {
		if got := classicMean(tt.template, "h_bucket"); got != tt.want {
			t.Errorf("classicMean(%s) = %s, want %s", tt.template, got, tt.want)
		}
		if err := CheckTemplate(tt.want); err != nil {
			t.Error(err)
		}
	}
}

func TestFill(t *testing.T) {
	b := binding{service: `a"b\`, selector: `x="$service"`, window: window(15e9)}
	if got, want := b.fill(`f{s="$service",$sel,t=~"a$"}[$window] $sell ${1}`), `f{s="a\"b\\",x="$service",t=~"a$"}[1m] $sell ${1}`; got != want {
		t.Errorf("fill = %s, want %s", got, want)
	}
	if got := window(60e9); got != "4m" {
		t.Errorf("window = %s, want 4m", got)
	}
}

func TestSharedMatchers(t *testing.T) {
	for _, tt := range []struct{ a, b, want string }{
		{`service="cart",version="v2"`, `service="cart",version="v1"`, `service="cart"`},
		{`a="1",b=~"x.*",c="3"`, `c="4",b=~"x.*",a="1"`, `a="1",b=~"x.*"`},
		{`a="1"`, `a="2"`, ``},
		{`a=`, `a="2"`, ``},
	} {
		if got := sharedMatchers(tt.a, tt.b); got != tt.want {
			t.Errorf("sharedMatchers(%s, %s) = %s, want %s", tt.a, tt.b, got, tt.want)
		}
	}
}

// FuzzCheckTemplate holds that what passes can be asked with every variable
// filled in, and that a fault has its place in the text.
func FuzzCheckTemplate(f *testing.F) {
	for _, s := range []string{`sum(rate(a{$sel}[$window]))`, `a{s="$service"}`, "a{\n", "µ", "a @ end()", "$ns", `label_replace(a, "x", "${1}", "y", "(.*)$")`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, template string) {
		err := CheckTemplate(template)
		var q *QueryError
		if err == nil {
			if _, err := ParseQuery(binding{service: "s", selector: `a="b",c!="d"`, window: "60s"}.fill(template)); err != nil && strings.Contains(template, "$") {
				t.Skip() // a variable where no variable belongs, such as in a string
			}
			countingOf(example.fill(template), signal.Errors)
			return
		}
		if !errors.As(err, &q) || err.Error() == "" || q.Offset < 0 {
			t.Errorf("CheckTemplate(%q) = %T %v", template, err, err)
		}
	})
}
