package slo

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/signal"
)

// sloth reads Sloth's form: github.com/slok/sloth, pkg/prometheus/api/v1. The
// window is a setting of Sloth's and not in the file.
func (r *reader) sloth(o object) {
	service := o.must("service")
	if r.Err != nil {
		return
	}
	for i, n := range o.list("slos") {
		s := r.object(n, fmt.Sprintf("%s[%d]", o.Name("slos"), i))
		name, target := s.must("name"), s.number("objective")/100
		sli := s.in("sli")
		query := ""
		switch {
		case sli.Has("events"):
			e := sli.in("events")
			bad := r.template(e.At("error_query"), e.Name("error_query"), e.must("error_query"), false)
			query = failing(bad, r.template(e.At("total_query"), e.Name("total_query"), e.must("total_query"), false))
		case sli.Has("raw"):
			e := sli.in("raw")
			query = r.template(e.At("error_ratio_query"), e.Name("error_ratio_query"), e.must("error_ratio_query"), false)
		case sli.Has("plugin"):
			r.Fail(sli.At("plugin"), "%s is a plugin of Sloth's; write its queries out as events or raw", sli.Name("plugin"))
		default:
			r.Fail(sli.Node, "%s has neither events nor raw; want one of them", sli.Where)
		}
		r.add(n, Objective{Name: name, Service: service, Target: target, Signal: signal.Signal{Query: query}})
	}
}

// pyrra reads Pyrra's form: github.com/pyrra-dev/pyrra,
// kubernetes/api/v1alpha1. It has no service of its own: one is taken from the
// label "service" of the object or of pyrra.dev, where it stands.
func (r *reader) pyrra(o object) {
	meta, spec := o.in("metadata"), o.in("spec")
	out := Objective{Name: meta.must("name"), Target: spec.number("target") / 100, Window: spec.span("window")}
	if meta.Has("labels") {
		labels := meta.in("labels")
		for _, name := range []string{"service", "pyrra.dev/service"} {
			if s := labels.text(name); s != "" {
				out.Service = s
			}
		}
	}
	indicator := spec.in("indicator")
	metric := func(in object, name string) string {
		m := in.in(name)
		return sum(r.template(m.At("metric"), m.Name("metric"), m.must("metric"), true))
	}
	switch {
	case r.Err != nil:
	case indicator.Has("ratio"):
		in := indicator.in("ratio")
		out.Signal.Query = failing(metric(in, "errors"), metric(in, "total"))
	case indicator.Has("latency"):
		in := indicator.in("latency")
		out.Signal.Query = rest(metric(in, "success"), metric(in, "total"))
	case indicator.Has("latencyNative"):
		in := indicator.in("latencyNative")
		out.Signal.Query = fmt.Sprintf("1 - histogram_fraction(0, %g, %s)", in.span("latency").Seconds(), metric(in, "total"))
		if in.text("latency") == "" {
			r.Fail(in.Node, "%s has no latency; it must be given", in.Where)
		}
	case indicator.Has("bool_gauge"):
		in := indicator.in("bool_gauge")
		out.Signal.Query = "1 - avg(" + r.template(in.At("metric"), in.Name("metric"), in.must("metric"), false) + ")"
	default:
		r.Fail(indicator.Node, "%s has none of ratio, latency, latencyNative and bool_gauge; want one of them", indicator.Where)
	}
	r.add(o.Node, out)
}

// indicator keeps an SLI of OpenSLO's, to which objectives may refer.
func (r *reader) indicator(n *yaml.Node) {
	if n.Kind != yaml.MappingNode || r.Err != nil {
		return
	}
	o := r.object(n, "the document")
	if api := o.text("apiVersion"); (api == openSLOAPI || api == openSLOAPICom) && o.text("kind") == "SLI" {
		r.indicators[o.in("metadata").must("name")] = o.in("spec").Node
	}
}

// openSLO reads OpenSLO's form: github.com/OpenSLO/OpenSLO, version 1. Objects
// other than objectives and their indicators are left out.
func (r *reader) openSLO(o object, kind string) {
	kinds := strings.Fields("SLO SLI Service DataSource AlertPolicy AlertCondition AlertNotificationTarget")
	switch {
	case !slices.Contains(kinds, kind):
		r.Fail(o.At("kind"), "kind is %q; want one of %s", kind, strings.Join(kinds, ", "))
		return
	case kind != "SLO":
		return
	}
	name, spec := o.in("metadata").must("name"), o.in("spec")
	indicator := r.indicatorOf(spec)
	out := Objective{Name: name, Service: spec.must("service")}
	if spec.Has("timeWindow") {
		out.Window = r.object(spec.list("timeWindow")[0], spec.Name("timeWindow")+"[0]").span("duration")
	}
	objectives := spec.list("objectives")
	for i, n := range objectives {
		one, at := r.object(n, fmt.Sprintf("%s[%d]", spec.Name("objectives"), i)), out
		if len(objectives) > 1 {
			at.Name = fmt.Sprintf("%s %d", name, i+1)
			if display := one.text("displayName"); display != "" {
				at.Name = name + " " + display
			}
		}
		switch {
		case one.Has("target"):
			at.Target = one.number("target")
		case one.Has("targetPercent"):
			at.Target = one.number("targetPercent") / 100
		default:
			r.Fail(n, "%s has neither target nor targetPercent; want one of them", one.Where)
		}
		if r.Err != nil {
			return
		}
		switch {
		case indicator.Has("ratioMetric"):
			at.Signal.Query = r.ratio(indicator.in("ratioMetric"))
		case indicator.Has("thresholdMetric"):
			r.threshold(&at.Signal, indicator.in("thresholdMetric"), one)
		default:
			r.Fail(indicator.Node, "%s has neither ratioMetric nor thresholdMetric; want one of them", indicator.Where)
		}
		r.add(n, at)
	}
}

// indicatorOf returns the spec of the indicator of an objective.
func (r *reader) indicatorOf(spec object) object {
	if ref := spec.text("indicatorRef"); ref != "" && !spec.Has("indicator") {
		n := r.indicators[ref]
		if n == nil {
			r.Fail(spec.At("indicatorRef"), "%s is %q, and there is no SLI of this name in the file; put it there", spec.Name("indicatorRef"), ref)
			return spec
		}
		return r.object(n, "spec of SLI "+ref)
	}
	return spec.in("indicator").in("spec")
}

// ratio makes the share that fails.
func (r *reader) ratio(o object) string {
	counter := o.text("counter") == "true"
	switch {
	case o.Has("raw"):
		query := r.source(o.in("raw"), false)
		switch kind := o.text("rawType"); kind {
		case "failure":
			return query
		case "success":
			return "1 - (" + query + ")"
		default:
			r.Fail(o.At("rawType"), "%s is %q; want success or failure", o.Name("rawType"), kind)
			return ""
		}
	case o.Has("bad"):
		return failing(sum(r.source(o.in("bad"), counter)), sum(r.source(o.in("total"), counter)))
	case o.Has("good"):
		return rest(sum(r.source(o.in("good"), counter)), sum(r.source(o.in("total"), counter)))
	default:
		r.Fail(o.Node, "%s has none of good, bad and raw; want one of them", o.Where)
		return ""
	}
}

// source returns the query of a metric.
func (r *reader) source(o object, counter bool) string {
	s := o.in("metricSource")
	if kind := s.text("type"); kind != "" && !strings.EqualFold(kind, "prometheus") {
		r.Fail(s.At("type"), "%s is %q; only Prometheus is asked", s.Name("type"), kind)
		return ""
	}
	spec := s.in("spec")
	return r.template(spec.At("query"), spec.Name("query"), spec.must("query"), counter)
}

// threshold makes a signal of its own with the value as its limit.
func (r *reader) threshold(s *signal.Signal, o, objective object) {
	s.Query = r.source(o, false)
	s.Limit = signal.Limit{Set: true, Value: objective.number("value")}
	s.Kind, s.Unit = signal.Saturation, signal.ParseUnit("")
	if strings.Contains(s.Query, "_seconds") || strings.Contains(s.Query, "latency") || strings.Contains(s.Query, "duration") {
		s.Kind = signal.Latency
		if strings.Contains(s.Query, "_seconds") {
			s.Unit = signal.ParseUnit("s")
		}
	}
	switch op := objective.text("op"); op {
	case "lte", "lt":
		s.Worse = signal.Up
	case "gte", "gt":
		s.Worse = signal.Down
	default:
		r.Fail(objective.At("op"), "%s is %q; want lte, lt, gte or gt", objective.Name("op"), op)
	}
}
