package discover

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/signal"
)

// A Source is a live Prometheus.
type Source interface {
	engine.Querier
	Rawer
	// MetricNames returns the names of all metrics between two instants.
	MetricNames(ctx context.Context, from, to time.Time) ([]string, error)
	// Vector answers a query at one instant.
	Vector(ctx context.Context, query string, at time.Time) ([]engine.Series, error)
}

// Found is what a Prometheus has to say.
type Found struct {
	At        time.Time
	Services  []Service     // those with a release in flight first, then by name
	Exporters []string      // ids of the catalogue, of which there are series
	Interval  time.Duration // of the slowest scrape of a service with a release, or else of any; 0 when it cannot be told
	Slowest   string        // the metric with that interval
	Warnings  []signal.Warning
}

// A Service is what bears one name in one namespace.
type Service struct {
	Name      string
	Selector  string        // label matchers
	Exporters []string      // ids of the catalogue that have series of it
	Kinds     []signal.Kind // what can be seen of it
	// Canary and Control are the two versions of a release in flight: the
	// newest that lives, and the one beside it. Nil when there is none.
	Canary, Control *Version
	Others          []Version // further versions that live
	Doubt           string    // what to check before the cohorts are trusted; "" for nothing
	Weight          string    // a query for the share of traffic on the canary, in percent; "" for none

	id     identity
	values map[string][]string // by cohort label, the values that live
	by     map[string]string   // by cohort label, an exporter whose series have it
}

// A Version is one side of a release.
type Version struct {
	Name     string    // the value that tells it from others: "v2"
	Selector string    // label matchers
	First    time.Time // of its first sample, to within ten minutes to two hours; zero when not known
}

// mostServices is how many services are looked at closely.
const mostServices = 200

// Discover asks a Prometheus what it knows at an instant. It costs a query
// for each exporter that is there, and a few for each service.
func Discover(ctx context.Context, src Source, at time.Time) (*Found, error) {
	d := &discovery{src: src, at: at, found: &Found{At: at}}
	var err error
	if d.catalogue, err = engine.Catalogue(); err != nil {
		return nil, err
	}
	if err := d.services(ctx); err != nil {
		return nil, err
	}
	for i := range d.found.Services {
		s := &d.found.Services[i]
		if i >= mostServices {
			d.warn("many-services", fmt.Sprintf("there are %d services; only the first %d were looked at closely", len(d.found.Services), mostServices))
			break
		}
		if err := d.cohorts(ctx, s); err != nil {
			return nil, err
		}
		if err := d.signals(ctx, s); err != nil {
			return nil, err
		}
	}
	d.sort()
	return d.found, d.interval(ctx)
}

// discovery is one run of Discover.
type discovery struct {
	src       Source
	at        time.Time
	catalogue []engine.Exporter
	found     *Found
}

func (d *discovery) warn(code, text string) {
	d.found.Warnings = append(d.found.Warnings, signal.Warning{Code: code, Text: text})
}

// services finds what bears a name, exporter by exporter.
func (d *discovery) services(ctx context.Context) error {
	names, err := d.src.MetricNames(ctx, d.at.Add(-time.Hour), d.at)
	if err != nil {
		return fmt.Errorf("ask for the names of metrics: %w", err)
	}
	there := map[string]bool{}
	for _, n := range names {
		there[n] = true
	}
	byID := map[identity]*Service{}
	for _, e := range d.catalogue {
		of, err := metricsOf(e.Detect)
		if err != nil || len(of) != 1 || !there[of[0]] {
			continue
		}
		query := fmt.Sprintf("count by (%s) (%s)", strings.Join(slices.Concat(namesOf(e.ID), namespaces, splits), ", "), e.Detect)
		groups, err := d.src.Vector(ctx, query, d.at)
		if err != nil {
			return fmt.Errorf("look for services by %s: %w", e.Name, err)
		}
		if len(groups) > 0 {
			d.found.Exporters = append(d.found.Exporters, e.ID)
		}
		for _, g := range groups {
			id, ok := identify(e.ID, g.Labels)
			if !ok {
				continue
			}
			s := byID[id]
			if s == nil {
				s = &Service{id: id, values: map[string][]string{}, by: map[string]string{}}
				byID[id] = s
			}
			s.add(e.ID, g.Labels)
		}
	}
	d.found.Services = named(byID)
	return nil
}

// add notes one group of series of a service.
func (s *Service) add(exporter string, of map[string]string) {
	if !slices.Contains(s.Exporters, exporter) {
		s.Exporters = append(s.Exporters, exporter)
	}
	for _, l := range splits {
		v, ok := of[l]
		if !ok && (l != ingressCanary || exporter != "ingress_nginx") {
			continue
		}
		if s.by[l] == "" {
			s.by[l] = exporter
		}
		if !slices.Contains(s.values[l], v) {
			s.values[l] = append(s.values[l], v)
		}
	}
}

// named gives services their names and matchers. The namespace stands in a
// name only where two services bear the same, and the label that names it
// only where that does not help.
func named(byID map[identity]*Service) []Service {
	times := map[string]int{}
	for id := range byID {
		times[id.name]++
		times[id.qualified()]++
	}
	var out []Service
	for id, s := range byID {
		s.Name, s.Selector = id.name, id.matchers()
		if times[id.name] > 1 {
			s.Name = id.qualified()
		}
		if id.namespace == "" && times[id.name] > 2 || id.namespace != "" && times[id.qualified()] > 1 {
			s.Name += "-" + id.label
		}
		for _, vs := range s.values {
			slices.Sort(vs)
		}
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Service) int { return cmp.Compare(a.Name, b.Name) })
	return pairs(out)
}

// signals finds what can be seen of a service, of its canary where there is
// one: the kinds of those signals of the catalogue whose metrics all exist.
func (d *discovery) signals(ctx context.Context, s *Service) error {
	names, err := Names(nil)
	if err != nil {
		return err
	}
	sel := s.Selector
	if s.Control != nil {
		sel = s.Control.Selector // the canary may have only begun to report
	}
	there, err := d.metrics(ctx, names, sel)
	if err != nil {
		return err
	}
	if err := d.byPod(ctx, s, names, there); err != nil {
		return err
	}
	var telling []string
	for _, e := range d.catalogue {
		kinds := kindsOf(e, there)
		told := slices.ContainsFunc(e.Unless, func(id string) bool { return slices.Contains(telling, id) })
		if len(kinds) == 0 || told || !s.has(e, there) {
			continue
		}
		telling = append(telling, e.ID)
		s.Kinds = append(s.Kinds, kinds...)
	}
	slices.Sort(s.Kinds)
	s.Kinds, s.Exporters = slices.Compact(s.Kinds), telling
	return nil
}

// kindsOf returns the kinds of those signals of an exporter whose metrics are
// all there.
func kindsOf(e engine.Exporter, there map[string]bool) []signal.Kind {
	var out []signal.Kind
	for _, s := range e.Signals {
		of, err := metricsOf(s.Query)
		if err == nil && !slices.ContainsFunc(of, func(n string) bool { return !there[n] }) {
			out = append(out, s.Kind)
		}
	}
	return out
}

// metrics returns which metrics have series with these matchers.
func (d *discovery) metrics(ctx context.Context, names []string, sel string) (map[string]bool, error) {
	groups, err := d.src.Vector(ctx, "count by (__name__) ("+ofNames(names, sel)+")", d.at)
	if err != nil {
		return nil, fmt.Errorf("look for signals of {%s}: %w", sel, err)
	}
	there := map[string]bool{}
	for _, g := range groups {
		there[g.Labels[model.MetricNameLabel]] = true
	}
	return there, nil
}

// has says whether an exporter tells of a service: it was found by it, or
// its metric is there and needs no further matchers.
func (s *Service) has(e engine.Exporter, there map[string]bool) bool {
	if slices.Contains(s.Exporters, e.ID) {
		return true
	}
	expr, err := engine.ParseQuery(e.Detect)
	sel, ok := expr.(*parser.VectorSelector)
	if err != nil || !ok || len(sel.LabelMatchers) != 1 || sel.LabelMatchers[0].Type != labels.MatchEqual || !there[sel.LabelMatchers[0].Value] {
		return false
	}
	return true
}

// sort puts releases in flight first, those that can be seen best before
// others.
func (d *discovery) sort() {
	rank := func(s Service) int {
		if s.Canary == nil {
			return 0
		}
		return -1 - len(s.Kinds)
	}
	slices.SortStableFunc(d.found.Services, func(a, b Service) int { return rank(a) - rank(b) })
}

// interval finds how often the services are scraped.
func (d *discovery) interval(ctx context.Context) error {
	names, err := Names(nil)
	if err != nil {
		return err
	}
	var matchers []string
	for _, s := range d.found.Services {
		if s.Control != nil {
			matchers = append(matchers, s.Control.Selector)
		}
		matchers = append(matchers, s.Selector)
		if len(matchers) > 3 {
			break
		}
	}
	d.found.Interval, d.found.Slowest, err = Interval(ctx, d.src, names, matchers, d.at)
	return err
}

// Blind returns the kinds of signals that cannot be seen of a service.
func (s *Service) Blind() []signal.Kind {
	var out []signal.Kind
	for _, k := range signal.Kinds() {
		if !slices.Contains(s.Kinds, k) {
			out = append(out, k)
		}
	}
	return out
}
