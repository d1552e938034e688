package slo

import (
	"fmt"

	"github.com/foreshock/foreshock/signal"
)

// sloth reads Sloth's form: github.com/slok/sloth, pkg/prometheus/api/v1, which
// spells error_query, and pkg/kubernetes/api/sloth/v1, which spells errorQuery.
// Either is read in both. The window is a setting of Sloth's and not in the
// file.
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
			bad := r.query(e, e.spelled("error_query", "errorQuery"), false)
			query = failing(bad, r.query(e, e.spelled("total_query", "totalQuery"), false))
		case sli.Has("raw"):
			e := sli.in("raw")
			query = r.query(e, e.spelled("error_ratio_query", "errorRatioQuery"), false)
		case sli.Has("plugin"):
			r.refuse(sli.At("plugin"), "%s is a plugin of Sloth's; write its queries out as events or raw", sli.Name("plugin"))
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
		return sum(r.query(in.in(name), "metric", true))
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
		out.Signal.Query = "1 - avg(" + r.query(in, "metric", false) + ")"
	default:
		r.Fail(indicator.Node, "%s has none of ratio, latency, latencyNative and bool_gauge; want one of them", indicator.Where)
	}
	r.add(o.Node, out)
}
