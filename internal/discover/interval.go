package discover

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/signal"
)

// A Rawer gives samples as they were scraped; the live Prometheus is one.
type Rawer interface {
	// Raw returns the samples of a selector after at−window up to at.
	Raw(ctx context.Context, selector string, at time.Time, window time.Duration) ([]engine.Series, error)
}

// Names returns the names of the metrics that signals are made of, sorted;
// those of the catalogue when there are no signals.
func Names(signals []signal.Signal) ([]string, error) {
	if len(signals) == 0 {
		exporters, err := engine.Catalogue()
		if err != nil {
			return nil, err
		}
		for _, e := range exporters {
			signals = append(signals, e.Signals...)
		}
	}
	names := map[string]bool{}
	for _, s := range signals {
		of, err := metricsOf(s.Query)
		if err != nil {
			return nil, fmt.Errorf("signal %s: %w", s.Name, err)
		}
		for _, n := range of {
			names[n] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// metricsOf returns the names of the metrics in a query with $sel, $service
// and $window.
func metricsOf(template string) ([]string, error) {
	if err := engine.CheckTemplate(template); err != nil {
		return nil, err
	}
	expr, err := engine.ParseQuery(filled.Replace(template))
	if err != nil {
		return nil, err
	}
	var out []string
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		for _, m := range s.LabelMatchers {
			if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual && !slices.Contains(out, m.Value) {
				out = append(out, m.Value)
			}
		}
		return nil
	})
	return out, nil
}

// filled stands for any service in a query.
var filled = strings.NewReplacer("$service", "service", "$sel", `sel="sel"`, "$window", "4m")

// ofNames returns the selector of metrics by name that have these matchers.
func ofNames(names []string, matchers string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = regexpQuote.Replace(n)
	}
	sel := "{__name__=~\"" + strings.Join(quoted, "|") + "\""
	if matchers != "" {
		sel += "," + matchers
	}
	return sel + "}"
}

// regexpQuote writes a name as it stands in a regular expression within a
// PromQL string. Names have none of the other characters that would matter.
var regexpQuote = strings.NewReplacer(`\`, `\\\\`, `.`, `\\.`, `"`, `\"`, `+`, `\\+`, `*`, `\\*`, `?`, `\\?`, `(`, `\\(`, `)`, `\\)`, `[`, `\\[`, `|`, `\\|`, `{`, `\\{`, `^`, `\\^`, `$`, `\\$`)

// How far back is looked for the interval: enough for three samples a minute
// or more apart, without thousands of those that are a second apart.
var looks = []time.Duration{2 * time.Minute, 20 * time.Minute}

// Interval returns how often the metrics of some names are scraped, and the
// name of the one that is scraped most rarely, which decides: frames that are
// closer than its samples would find it missing. Of the matchers the first
// that pick any series with two samples before an instant count; zero when
// none does.
func Interval(ctx context.Context, src Rawer, names, matchers []string, at time.Time) (interval time.Duration, slowest string, err error) {
	for _, window := range looks {
		for _, m := range matchers {
			if m == "" {
				continue
			}
			series, err := src.Raw(ctx, ofNames(names, m), at, window)
			if err != nil {
				return 0, "", fmt.Errorf("look for the scrape interval: %w", err)
			}
			if interval, slowest := slowestOf(series); interval > 0 {
				return interval, slowest, nil
			}
		}
	}
	return 0, "", nil
}

// slowestOf returns the longest interval between the samples of a metric: of
// each metric the median over all gaps of its series.
func slowestOf(series []engine.Series) (time.Duration, string) {
	gaps := map[string][]time.Duration{}
	for _, s := range series {
		name := s.Labels[model.MetricNameLabel]
		for i := 1; i < len(s.Samples); i++ {
			gaps[name] = append(gaps[name], s.Samples[i].At.Sub(s.Samples[i-1].At))
		}
	}
	var longest time.Duration
	slowest := ""
	for _, name := range slices.Sorted(maps.Keys(gaps)) {
		g := gaps[name]
		slices.Sort(g)
		if median := even(g[len(g)/2]); median > longest {
			longest, slowest = median, name
		}
	}
	return longest, slowest
}

// even rounds an interval to whole seconds where it is a second or more:
// scrapes come some milliseconds early or late.
func even(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(time.Second)
}
