package demo

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/signal"
)

// signalsYAML says how the signals of the lab are asked. It is part of every
// recording.yaml that a demo writes.
//
//go:embed signals.yaml
var signalsYAML string

// description is the text of recording.yaml.
type description struct {
	name       string
	what       string
	start, end time.Time
	interval   time.Duration
	steps      []step
}

// A step is one raise of the weight.
type step struct {
	at     time.Time
	weight float64 // share, 0..1
}

// raise is how long the edge takes to have a new weight.
const raise = 200 * time.Millisecond

func (d description) text() string {
	var b strings.Builder
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
	fmt.Fprintf(&b, "# %s\n", d.what)
	fmt.Fprintf(&b, "apiVersion: foreshock.dev/v1alpha1\nkind: Recording\nmetadata:\n  name: %s\nspec:\n", d.name)
	fmt.Fprintf(&b, "  start: %s\n  end: %s\n  interval: %s\n", stamp(d.start), stamp(d.end), d.interval)
	b.WriteString("  metrics: metrics.om.zst\n")
	b.WriteString("  topology: [{from: edge, to: shop}, {from: shop, to: pricing}, {from: shop, to: db}, {from: shop, to: cache}]\n")
	b.WriteString("  services:\n")
	for _, s := range []string{"edge", "pricing", "db", "cache"} {
		fmt.Fprintf(&b, "  - {name: %s, selector: 'service=\"%s\"'}\n", s, s)
	}
	b.WriteString("  releases:\n  - service: shop\n    from: v1\n    to: v2\n    strategy: canary\n")
	b.WriteString("    cohorts: {canary: 'service=\"shop\",version=\"v2\"', control: 'service=\"shop\",version=\"v1\"'}\n    steps:\n")
	for _, s := range d.steps {
		fmt.Fprintf(&b, "    - {at: %s, completedAt: %s, weight: %g, canaryReplicas: 2, controlReplicas: 2}\n", stamp(s.at), stamp(s.at.Add(raise)), 100*s.weight)
	}
	b.WriteString("  signals:\n" + signalsYAML)
	return b.String()
}

// metricsOf returns the names of the metrics that signals need, and a few that
// other signals of the same system would; a recording holds no others.
func metricsOf(signals []signal.Signal) (map[string]bool, error) {
	names := map[string]bool{}
	for _, also := range []string{"up", "app_build_info", "app_queue_length", "http_server_active_requests", "process_resident_memory_bytes", "db_client_connection_use_time_seconds_count"} {
		names[also] = true
	}
	for _, s := range signals {
		for _, q := range []string{s.Query, s.Limit.Query} {
			if q == "" {
				continue
			}
			q = strings.NewReplacer("$sel", `a="b"`, "$window", "1m", "$service", "s").Replace(q)
			expr, err := engine.ParseQuery(q)
			if err != nil {
				return nil, fmt.Errorf("signal %s: %w", s.Name, err)
			}
			parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
				if v, ok := n.(*parser.VectorSelector); ok {
					names[v.Name] = true
				}
				return nil
			})
		}
	}
	return names, nil
}
