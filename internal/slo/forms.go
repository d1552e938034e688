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
	if r.err != nil {
		return
	}
	for i, n := range o.list("slos") {
		s := r.object(n, fmt.Sprintf("%s[%d]", o.name("slos"), i))
		name, target := s.must("name"), s.number("objective")/100
		sli := s.in("sli")
		query := ""
		switch {
		case sli.has("events"):
			e := sli.in("events")
			bad := r.template(e.at("error_query"), e.name("error_query"), e.must("error_query"), false)
			query = failing(bad, r.template(e.at("total_query"), e.name("total_query"), e.must("total_query"), false))
		case sli.has("raw"):
			e := sli.in("raw")
			query = r.template(e.at("error_ratio_query"), e.name("error_ratio_query"), e.must("error_ratio_query"), false)
		case sli.has("plugin"):
			r.fail(sli.at("plugin"), "%s is a plugin of Sloth's; write its queries out as events or raw", sli.name("plugin"))
		default:
			r.fail(sli.node, "%s has neither events nor raw; want one of them", sli.where)
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
	if meta.has("labels") {
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
		return sum(r.template(m.at("metric"), m.name("metric"), m.must("metric"), true))
	}
	switch {
	case r.err != nil:
	case indicator.has("ratio"):
		in := indicator.in("ratio")
		out.Signal.Query = failing(metric(in, "errors"), metric(in, "total"))
	case indicator.has("latency"):
		in := indicator.in("latency")
		out.Signal.Query = rest(metric(in, "success"), metric(in, "total"))
	case indicator.has("latencyNative"):
		in := indicator.in("latencyNative")
		out.Signal.Query = fmt.Sprintf("1 - histogram_fraction(0, %g, %s)", in.span("latency").Seconds(), metric(in, "total"))
		if in.text("latency") == "" {
			r.fail(in.node, "%s has no latency; it must be given", in.where)
		}
	case indicator.has("bool_gauge"):
		in := indicator.in("bool_gauge")
		out.Signal.Query = "1 - avg(" + r.template(in.at("metric"), in.name("metric"), in.must("metric"), false) + ")"
	default:
		r.fail(indicator.node, "%s has none of ratio, latency, latencyNative and bool_gauge; want one of them", indicator.where)
	}
	r.add(o.node, out)
}

// indicator keeps an SLI of OpenSLO's, to which objectives may refer.
func (r *reader) indicator(n *yaml.Node) {
	if n.Kind != yaml.MappingNode || r.err != nil {
		return
	}
	o := r.object(n, "the document")
	if api := o.text("apiVersion"); (api == openSLOAPI || api == openSLOAPICom) && o.text("kind") == "SLI" {
		r.indicators[o.in("metadata").must("name")] = o.in("spec").node
	}
}

// openSLO reads OpenSLO's form: github.com/OpenSLO/OpenSLO, version 1. Objects
// other than objectives and their indicators are left out.
func (r *reader) openSLO(o object, kind string) {
	kinds := strings.Fields("SLO SLI Service DataSource AlertPolicy AlertCondition AlertNotificationTarget")
	switch {
	case !slices.Contains(kinds, kind):
		r.fail(o.at("kind"), "kind is %q; want one of %s", kind, strings.Join(kinds, ", "))
		return
	case kind != "SLO":
		return
	}
	name, spec := o.in("metadata").must("name"), o.in("spec")
	indicator := r.indicatorOf(spec)
	out := Objective{Name: name, Service: spec.must("service")}
	if spec.has("timeWindow") {
		out.Window = r.object(spec.list("timeWindow")[0], spec.name("timeWindow")+"[0]").span("duration")
	}
	objectives := spec.list("objectives")
	for i, n := range objectives {
		one, at := r.object(n, fmt.Sprintf("%s[%d]", spec.name("objectives"), i)), out
		if len(objectives) > 1 {
			at.Name = fmt.Sprintf("%s %d", name, i+1)
			if display := one.text("displayName"); display != "" {
				at.Name = name + " " + display
			}
		}
		switch {
		case one.has("target"):
			at.Target = one.number("target")
		case one.has("targetPercent"):
			at.Target = one.number("targetPercent") / 100
		default:
			r.fail(n, "%s has neither target nor targetPercent; want one of them", one.where)
		}
		if r.err != nil {
			return
		}
		switch {
		case indicator.has("ratioMetric"):
			at.Signal.Query = r.ratio(indicator.in("ratioMetric"))
		case indicator.has("thresholdMetric"):
			r.threshold(&at.Signal, indicator.in("thresholdMetric"), one)
		default:
			r.fail(indicator.node, "%s has neither ratioMetric nor thresholdMetric; want one of them", indicator.where)
		}
		r.add(n, at)
	}
}

// indicatorOf returns the spec of the indicator of an objective.
func (r *reader) indicatorOf(spec object) object {
	if ref := spec.text("indicatorRef"); ref != "" && !spec.has("indicator") {
		n := r.indicators[ref]
		if n == nil {
			r.fail(spec.at("indicatorRef"), "%s is %q, and there is no SLI of this name in the file; put it there", spec.name("indicatorRef"), ref)
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
	case o.has("raw"):
		query := r.source(o.in("raw"), false)
		switch kind := o.text("rawType"); kind {
		case "failure":
			return query
		case "success":
			return "1 - (" + query + ")"
		default:
			r.fail(o.at("rawType"), "%s is %q; want success or failure", o.name("rawType"), kind)
			return ""
		}
	case o.has("bad"):
		return failing(sum(r.source(o.in("bad"), counter)), sum(r.source(o.in("total"), counter)))
	case o.has("good"):
		return rest(sum(r.source(o.in("good"), counter)), sum(r.source(o.in("total"), counter)))
	default:
		r.fail(o.node, "%s has none of good, bad and raw; want one of them", o.where)
		return ""
	}
}

// source returns the query of a metric.
func (r *reader) source(o object, counter bool) string {
	s := o.in("metricSource")
	if kind := s.text("type"); kind != "" && !strings.EqualFold(kind, "prometheus") {
		r.fail(s.at("type"), "%s is %q; only Prometheus is asked", s.name("type"), kind)
		return ""
	}
	spec := s.in("spec")
	return r.template(spec.at("query"), spec.name("query"), spec.must("query"), counter)
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
		r.fail(objective.at("op"), "%s is %q; want lte, lt, gte or gt", objective.name("op"), op)
	}
}
