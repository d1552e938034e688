package engine

import (
	"fmt"
	"strings"
	"testing"
)

// TestBatchedQueries holds which wants share a query, and what it is.
func TestBatchedQueries(t *testing.T) {
	const a, b, c = `service="a",version="1"`, `service="b.c",version="1"`, `service=~"d|e",version="2"`
	tests := []struct {
		name, template string
		selectors      []string
		want           string // queries, one a line
	}{
		{"raw", `x{$sel,code="1"}`, []string{a, b, c}, `x{code="1",service=~"a|b\\.c|(?:d|e)",version=~"1|2"}`},
		{"the same of all", `x{$sel}`, []string{a, b}, `x{service=~"a|b\\.c",version="1"}`},
		{"not of all", `x{$sel}`, []string{a, `service="b",version!="1"`}, `x{service=~"a|b"}`},
		{"nothing named", `x{$sel}`, []string{`service!="a"`, `service!="b"`}, "x{service!=\"a\"}\nx{service!=\"b\"}"},
		{"other labels", `x{$sel}`, []string{a, b, `pod="1"`, `pod="2"`, `zone="1"`}, "x{service=~\"a|b\\\\.c\",version=\"1\"}\nx{pod=~\"1|2\"}\nx{zone=\"1\"}"},
		{"sum", `sum(x{$sel})`, []string{a, b}, `sum by (service, version) (x{service=~"a|b\\.c",version="1"})`},
		{"sum by", `sum by (pod, version) (x{$sel})`, []string{a, b}, `sum by (pod, version, service) (x{service=~"a|b\\.c",version="1"})`},
		{"one of them is several groups", `sum by (version) (x{$sel})`, []string{a, b, c}, "sum by (version) (x{" + c + "})\nsum by (version, service) (x{service=~\"a|b\\\\.c\",version=\"1\"})"},
		{"kept by the query", `sum by (service) (x{$sel})`, []string{a, c}, `sum by (service, version) (x{service=~"a|(?:d|e)",version=~"1|2"})`},
		{"alone", `sum(x{$sel})`, []string{a}, `sum(x{` + a + `})`},
		{"the same twice", `sum(x{$sel})`, []string{a, a}, `sum(x{` + a + `})`},
		{"a name", `x{$sel}`, []string{`__name__="x",a="1"`, `__name__="x",a="2"`}, "x{__name__=\"x\",a=\"1\"}\nx{__name__=\"x\",a=\"2\"}"},
		{"inner and outer", `sum by (version) (sum by (pod) (x{$sel}))`, []string{a, b}, "sum by (version) (sum by (pod) (x{" + a + "}))\nsum by (version) (sum by (pod) (x{" + b + "}))"},
		{"on", `x{$sel} + on () y{$sel}`, []string{a, b}, "x{" + a + "} + on () y{" + a + "}\nx{" + b + "} + on () y{" + b + "}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var wants []want
			for _, sel := range tt.selectors {
				wants = append(wants, want{query: binding{selector: sel}.fill(tt.template), template: tt.template, selector: sel})
			}
			var got []string
			for _, r := range batched(wants) {
				got = append(got, r.query)
			}
			if g := strings.Join(got, "\n"); g != tt.want {
				t.Errorf("queries\n%s\nwant\n%s", g, tt.want)
			}
		})
	}
}

// TestBatchedLength holds that no query grows over the limit, and that none
// is lost when it is split.
func TestBatchedLength(t *testing.T) {
	const template = `sum by (pod) (rate(requests_total{$sel,code="500"}[4m])) / sum by (pod) (rate(requests_total{$sel}[4m]))`
	var wants []want
	for i := range 1000 {
		sel := fmt.Sprintf(`namespace="production-%d",service="a-service-with-a-long-name-%d"`, i, i)
		wants = append(wants, want{query: binding{selector: sel}.fill(template), template: template, selector: sel, raw: i == 999})
	}
	members, raw := 0, 0
	requests := batched(wants)
	for _, r := range requests {
		if len(r.query) > maxQuery {
			t.Errorf("a query has %d bytes, want at most %d", len(r.query), maxQuery)
		}
		members += len(r.batch.members)
		if r.raw {
			raw++
		}
	}
	if members != 1000 || len(requests) > 32 || raw != 1 {
		t.Errorf("%d wants in %d queries, %d of them raw, want 1000 in at most 32, 1 raw", members, len(requests), raw)
	}
}

// TestCatalogueIsBatched holds that every signal of the catalogue is asked
// for all releases at once.
func TestCatalogueIsBatched(t *testing.T) {
	exporters, err := Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range exporters {
		for _, s := range e.Signals {
			if _, ok := newMould(binding{selector: "$sel", window: "1m"}.fill(s.Query), []string{"service", "version"}); !ok {
				t.Errorf("signal %s is asked release by release: %s", s.Name, s.Query)
			}
		}
	}
}
