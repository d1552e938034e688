package engine

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/foreshock/foreshock/signal"
)

const (
	maxInstances = 64 // of one cell; further ones are dropped with a warning
	forgetAfter  = 20 // frames without an answer after which an instance is dropped
)

// cursor walks one series from frame to frame.
type cursor struct {
	key    string
	series Series
	next   int
}

// newCursors returns one cursor a series, in the order of their labels.
func newCursors(series []Series) []*cursor {
	out := make([]*cursor, len(series))
	for i, s := range series {
		out[i] = &cursor{key: key(s.Labels, names(s.Labels)), series: s}
	}
	slices.SortFunc(out, func(a, b *cursor) int {
		if c := strings.Compare(a.key, b.key); c != 0 {
			return c
		}
		return strings.Compare(a.series.Labels["__name__"], b.series.Labels["__name__"])
	})
	return out
}

// at returns the sample at an instant. Instants only go forward.
func (c *cursor) at(t time.Time) (Sample, bool) {
	for c.next < len(c.series.Samples) && c.series.Samples[c.next].At.Before(t) {
		c.next++
	}
	if c.next < len(c.series.Samples) && c.series.Samples[c.next].At.Equal(t) {
		return c.series.Samples[c.next], true
	}
	return Sample{}, false
}

// An instance is one series of the answers to one query.
type instance struct {
	key, name string
	names     []string // of its labels
	first     time.Time
	missed    int // frames in a row without an answer
}

// A tracker follows the instances of one cell through the frames.
type tracker struct {
	ask
	sig        signal.Signal
	discovered bool
	query      string
	template   string // the query with $sel left open, when it is asked together with others
	limit      string // a query; "" when there is none
	counting   counting
	templates  counting    // the same as template, of counting
	fixed      []string    // labels that the query itself fixes, which tell no instances apart
	instances  []*instance // by name
	gone       bool        // all instances were dropped
	unknown    bool        // it had no answer in the last frame: it may be there
	bound      float64     // the limit in the last frame in which it was answered
}

func newTracker(s *Source, a ask) *tracker {
	sig, b := s.sys.Signals[a.signal], s.binding(a)
	t := &tracker{ask: a, sig: sig, query: b.fill(sig.Query), limit: b.fill(sig.Limit.Query), bound: math.NaN()}
	t.discovered = s.discovered(a.signal)
	t.counting, t.fixed = countingOf(t.query, sig.Kind), fixedLabels(t.query)
	if !t.discovered {
		return t
	}
	b.selector = "$sel"
	t.template = b.fill(sig.Query)
	b.selector = hole + `=""`
	if open := countingOf(b.fill(sig.Query), sig.Kind); len(open.n) == len(t.counting.n) && len(open.events) == len(t.counting.events) {
		t.templates = open
	}
	return t
}

// value returns what the cell wants.
func (t *tracker) value() want {
	return want{query: t.query, template: t.template, selector: t.selector}
}

// counts returns what its counts want.
func (t *tracker) counts() []want {
	templates := slices.Concat(t.templates.n, t.templates.events)
	var out []want
	for i, q := range slices.Concat(t.counting.n, t.counting.events) {
		w := want{query: q, selector: t.selector, raw: true}
		if i < len(templates) {
			w.template = strings.Replace(templates[i], hole+`=""`, "$sel", 1)
		}
		out = append(out, w)
	}
	return out
}

// unanswered says whether anything that the tracker wants was not answered.
func (t *tracker) unanswered(r *run) bool {
	return r.failed[t.query] || r.failed[t.limit] ||
		slices.ContainsFunc(slices.Concat(t.counting.n, t.counting.events), func(q string) bool { return r.failed[q] })
}

// fixedLabels returns the labels that a query compares with one value.
func fixedLabels(query string) []string {
	out := []string{model.MetricNameLabel}
	expr, err := ParseQuery(query)
	if err != nil {
		return out
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			for _, m := range s.LabelMatchers {
				if m.Type == labels.MatchEqual {
					out = append(out, m.Name)
				}
			}
		}
		return nil
	})
	return out
}

// cell returns the cell at an instant; false where there is none, because a
// discovered signal has had no sample yet. A cell whose query was not answered has no
// readings; that is told of a discovered signal too, which may be there.
func (t *tracker) cell(r *run, at time.Time, exposure []signal.Exposure) (signal.Cell, bool) {
	c := signal.Cell{Service: t.service, Signal: t.signal, Release: t.release, Cohort: t.cohort, Limit: t.limitAt(r, at)}
	there := !t.discovered || t.gone || t.unknown || len(t.instances) > 0
	t.unknown = r.failed[t.query]
	exists := there || t.unknown
	if r.failed[t.query] || !exists && len(r.answers[t.query]) == 0 {
		return c, exists
	}
	var values map[*instance]Sample
	if !t.afterStep || exposure[t.release].Step > 0 {
		values = t.match(r, at)
	}
	for _, i := range t.instances {
		v, ok := values[i]
		c.Readings = append(c.Readings, t.reading(r, i, v, ok, at))
	}
	c.Buckets = t.buckets(r)
	t.forget()
	if len(c.Readings) == 0 {
		presence := signal.NeverSeen
		if t.gone {
			presence = signal.Stopped
		}
		c.Readings = []signal.Reading{signal.Missing(presence, "")}
	}
	return c, there || len(t.instances) > 0
}

// limitAt returns the limit of a cell in base units; NaN when there is none.
// Of several answers the lowest counts; without an answer, the last one.
func (t *tracker) limitAt(r *run, at time.Time) float64 {
	switch {
	case !t.sig.Limit.Set:
		return math.NaN()
	case t.limit == "":
		return t.sig.Limit.Value
	case r.failed[t.limit]:
		return t.bound
	}
	lowest := math.NaN()
	for _, c := range r.answers[t.limit] {
		if s, ok := c.at(at); ok && !(s.Value >= lowest) && !math.IsInf(s.Value, 0) {
			lowest = s.Value
		}
	}
	t.bound = lowest * t.sig.Unit.Scale
	return t.bound
}

// match finds the instance of each answer, or makes one.
func (t *tracker) match(r *run, at time.Time) map[*instance]Sample {
	values := map[*instance]Sample{}
	many := false
	for _, c := range r.answers[t.query] {
		sample, ok := c.at(at)
		if !ok {
			continue
		}
		i := t.find(c.key)
		if i == nil && len(t.instances) >= maxInstances {
			many = true
			continue
		}
		if i == nil {
			i = t.add(c, at)
		}
		values[i] = sample
	}
	if many {
		r.warn("too-many-instances", fmt.Sprintf("signal %s of service %s has more than %d instances; the later ones are left out, so aggregate in the query",
			t.sig.Name, r.sys.Services[t.service].Name, maxInstances))
	}
	return values
}

func (t *tracker) find(key string) *instance {
	for _, i := range t.instances {
		if i.key == key {
			return i
		}
	}
	return nil
}

func (t *tracker) add(c *cursor, at time.Time) *instance {
	i := &instance{key: c.key, names: names(c.series.Labels), first: at}
	i.name = t.name(c.series.Labels)
	pos, _ := slices.BinarySearchFunc(t.instances, i.name, func(a *instance, name string) int { return strings.Compare(a.name, name) })
	t.instances = slices.Insert(t.instances, pos, i)
	return i
}

// name tells an instance from others by the labels that the query leaves
// open: by the pod where there is one, else instance, node or host, else all
// of them. The name depends on series seen before, never on later ones.
func (t *tracker) name(all map[string]string) string {
	open := maps.Clone(all)
	for _, n := range t.fixed {
		delete(open, n)
	}
	short := ""
	for _, n := range []string{"pod", "instance", "node", "host"} {
		if v := open[n]; v != "" {
			short = v
			break
		}
	}
	var long []string
	for _, n := range names(open) {
		long = append(long, n+"="+open[n])
	}
	if short == "" && len(long) == 1 {
		_, short, _ = strings.Cut(long[0], "=")
	}
	for _, name := range []string{cmp.Or(short, strings.Join(long, ",")), strings.Join(long, ",")} {
		if !t.taken(name) {
			return name
		}
	}
	for n := 2; ; n++ {
		if name := fmt.Sprintf("%s#%d", strings.Join(long, ","), n); !t.taken(name) {
			return name
		}
	}
}

func (t *tracker) taken(name string) bool {
	return slices.ContainsFunc(t.instances, func(i *instance) bool { return i.name == name })
}

// reading returns what one instance reads now.
func (t *tracker) reading(r *run, i *instance, v Sample, ok bool, at time.Time) signal.Reading {
	if !ok {
		i.missed++
		presence := signal.Empty
		if i.missed > 1 {
			presence = signal.Stopped
		}
		out := signal.Missing(presence, i.name)
		out.Age = at.Sub(i.first)
		return out
	}
	i.missed = 0
	out := signal.Missing(signal.Present, i.name)
	out.Age = at.Sub(i.first)
	out.Value = v.Value * t.sig.Unit.Scale
	if v.Histogram != nil {
		out.Value = math.NaN()
		r.warn("histogram", fmt.Sprintf("signal %s answers histograms where numbers are wanted; put histogram_quantile around its query", t.sig.Name))
	}
	if math.IsNaN(out.Value) || math.IsInf(out.Value, 0) {
		out.Presence, out.Value = signal.NotANumber, math.NaN()
	}
	out.N, out.Events = t.increase(r, i)
	return out
}

// increase returns the observations of an instance since the last frame and
// the events among them; NaN where they are not known.
func (t *tracker) increase(r *run, i *instance) (n, events float64) {
	n, events = t.sum(r, t.counting.n, i), t.sum(r, t.counting.events, i)
	if t.counting.rest {
		events = n - events
	}
	if !(events >= 0 && events <= n) { // not a part of the whole: retries of one call
		events = math.NaN()
	}
	return n, events
}

// sum returns the increase of some selectors since the last frame; NaN when it
// is not known of all.
func (t *tracker) sum(r *run, selectors []string, i *instance) float64 {
	if selectors == nil {
		return math.NaN()
	}
	total := 0.0
	for _, q := range selectors {
		switch {
		case r.failed[q]:
			return math.NaN()
		case r.counters[q].full:
			r.warn("too-many-series", fmt.Sprintf("the counters behind signal %s of service %s have more than %d series; nothing is counted, so give a narrower selector",
				t.sig.Name, r.sys.Services[t.service].Name, maxCounted))
			return math.NaN()
		}
		total += r.counters[q].sum(i, t.counting.sized)
	}
	return total
}

// forget drops instances that stopped long ago.
func (t *tracker) forget() {
	before := len(t.instances)
	t.instances = slices.DeleteFunc(t.instances, func(i *instance) bool { return i.missed > forgetAfter })
	t.gone = len(t.instances) == 0 && (t.gone || before > 0)
}
