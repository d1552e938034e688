package slo

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/signal"
)

// isOpenSLO says whether an apiVersion is one of OpenSLO's that are read.
func isOpenSLO(api string) bool {
	return api == openSLOAPI || api == openSLOAPICom || api == openSLOAlpha
}

// refer keeps what OpenSLO's objectives may refer to: an SLI, and the kind of
// server of a DataSource.
func (r *reader) refer(n *yaml.Node) {
	if n.Kind != yaml.MappingNode || r.Err != nil {
		return
	}
	o := r.object(n, "the document")
	if !isOpenSLO(o.text("apiVersion")) {
		return
	}
	switch o.text("kind") {
	case "SLI":
		r.indicators[o.in("metadata").must("name")] = o.in("spec").Node
	case "DataSource":
		r.sources[o.in("metadata").must("name")] = o.in("spec").text("type")
	}
}

// openSLO reads OpenSLO's form: github.com/OpenSLO/OpenSLO, version 1 and the
// v1alpha before it. Objects other than objectives and what they refer to are
// left out.
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
	out := Objective{Name: name, Service: spec.must("service"), Window: r.over(spec)}
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
		r.measured(&at.Signal, spec, one)
		r.add(n, at)
	}
}

// measured reads how one of the objectives of a spec is measured.
func (r *reader) measured(s *signal.Signal, spec, one object) {
	for _, part := range []string{"compositeWeight", "indicator", "indicatorRef"} {
		if one.Has(part) {
			r.refuse(one.At(part), "%s makes a composite objective, of several indicators; write each as an SLO of its own", one.Name(part))
			return
		}
	}
	if one.Has("ratioMetrics") { // v1alpha says it here
		s.Query = r.ratio(one.in("ratioMetrics"))
		return
	}
	indicator := r.indicatorOf(spec)
	switch {
	case r.Err != nil:
	case indicator.Has("ratioMetric"):
		s.Query = r.ratio(indicator.in("ratioMetric"))
	case indicator.Has("thresholdMetric"):
		r.threshold(s, indicator.in("thresholdMetric"), one)
	default:
		r.Fail(indicator.Node, "%s has neither ratioMetric nor thresholdMetric; want one of them", indicator.Where)
	}
}

// indicatorOf returns what the indicator of an objective says.
func (r *reader) indicatorOf(spec object) object {
	if ref := spec.text("indicatorRef"); ref != "" && !spec.Has("indicator") {
		n := r.indicators[ref]
		if n == nil {
			r.Fail(spec.At("indicatorRef"), "%s is %q, and there is no SLI of this name in the file; put it there", spec.Name("indicatorRef"), ref)
			return spec
		}
		return r.object(n, "spec of SLI "+ref)
	}
	indicator := spec.in("indicator")
	if indicator.Has("thresholdMetric") && !indicator.Has("spec") { // v1alpha has no spec between
		return indicator
	}
	return indicator.in("spec")
}

// ratio makes the share that fails.
func (r *reader) ratio(o object) string {
	counter := o.text("counter") == "true" || o.text("incremental") == "true"
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

// source returns the query of a metric: under metricSource, or as v1alpha says
// it, beside the name of its source.
func (r *reader) source(o object, counter bool) string {
	at, kind, in := "type", "", o
	if o.Has("source") {
		at, kind = "source", o.text("source")
	} else {
		in = o.in("metricSource")
		kind = in.text("type")
		if ref := in.text("metricSourceRef"); kind == "" && ref != "" {
			at, kind = "metricSourceRef", r.sources[ref]
		}
	}
	if kind != "" && !strings.EqualFold(kind, "prometheus") {
		r.refuse(in.At(at), "%s leads to %q; only Prometheus is asked", in.Name(at), kind)
		return ""
	}
	if at != "source" {
		in = in.in("spec")
	}
	return r.query(in, in.spelled("query", "promql"), counter)
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
