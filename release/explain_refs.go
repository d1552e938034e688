package release

import (
	"fmt"
	"slices"
	"strings"

	"github.com/foreshock/foreshock/signal"
)

// ref returns the mark of a signal's queries, "[3]", and lists them.
func (x *explaining) ref(service, id int) string {
	return fmt.Sprintf("[%d]", x.number(service, id))
}

func (x *explaining) number(service, id int) int {
	key := [2]int{service, id}
	if n, ok := x.numbers[key]; ok {
		return n
	}
	sig, svc := x.sys.Signals[id], x.sys.Services[service]
	r := Reference{Number: len(x.refs) + 1, Signal: sig.Name, Service: svc.Name}
	asked := func(query, selector string) string { return fill(query, svc.Name, selector, x.sys.Interval) }
	selector := x.selector(service)
	if subject, stable := x.lines(service, id); subject.cohort == signal.Canary {
		rel := x.sys.Releases[subject.release]
		if rel.Canary != "" {
			selector = rel.Canary
		}
		if stable.cohort == signal.Control {
			r.Stable = asked(sig.Query, rel.Control)
		}
	}
	r.New = asked(sig.Query, selector)
	if sig.Limit.Set && sig.Limit.Query != "" {
		r.Limit = asked(sig.Limit.Query, selector)
	}
	x.refs = append(x.refs, r)
	x.numbers[key] = r.Number
	return r.Number
}

// selector returns the matchers of a service: its own, or else what the
// cohorts of a release of it share, as the engine has it.
func (x *explaining) selector(service int) string {
	if s := x.sys.Services[service].Selector; s != "" {
		return s
	}
	for _, r := range x.sys.Releases {
		if r.Service != service || r.Canary == "" {
			continue
		}
		var shared []string
		others := strings.Split(r.Control, ",")
		for m := range strings.SplitSeq(r.Canary, ",") {
			if slices.Contains(others, m) {
				shared = append(shared, m)
			}
		}
		return strings.Join(shared, ",")
	}
	return ""
}

// lines returns where the values of a signal stand: of the new version, and of
// the stable one. Without a live stable version both are of the whole service.
func (x *explaining) lines(service, id int) (subject, stable line) {
	whole := line{release: -1, service: service, signal: id, cohort: signal.Whole}
	subject = line{release: x.subject, service: service, signal: id, cohort: signal.Canary}
	if x.courses.byLine[subject] == nil {
		return x.others(whole)
	}
	if x.release.Control == "" {
		return subject, whole
	}
	return subject, line{release: x.subject, service: service, signal: id, cohort: signal.Control}
}

// others returns where the values of a signal stand that is measured of a
// service as a whole, or of another release's versions.
func (x *explaining) others(whole line) (subject, stable line) {
	if x.courses.byLine[whole] != nil {
		return whole, whole
	}
	for i := range x.sys.Releases {
		canary, control := whole, whole
		canary.release, canary.cohort = i, signal.Canary
		control.release, control.cohort = i, signal.Control
		switch {
		case x.courses.byLine[canary] == nil:
			continue
		case x.courses.byLine[control] == nil:
			return canary, canary
		default:
			return canary, control
		}
	}
	return whole, whole
}

// call names a signal, with its service where that is another one.
func (x *explaining) call(service, id int) string {
	if service == x.own {
		return plainName(x.sys.Signals[id].Name)
	}
	return plainName(x.sys.Signals[id].Name) + " of " + x.sys.Services[service].Name
}

// plainName writes the name of a signal as words, without the exporter that
// the catalogue puts before it.
func plainName(name string) string {
	name = name[strings.LastIndexByte(name, '/')+1:]
	return strings.NewReplacer("_", " ", ":", " ").Replace(name)
}

// find returns the indices of a service and a signal by their names; false
// when there is none of them.
func (x *explaining) find(service, name string) (svc, id int, ok bool) {
	svc = slices.IndexFunc(x.sys.Services, func(s Service) bool { return s.Name == service })
	id = slices.IndexFunc(x.sys.Signals, func(s signal.Signal) bool { return s.Name == name })
	return svc, id, svc >= 0 && id >= 0
}

func (x *explaining) format(id int, v float64) string { return x.sys.Signals[id].Unit.Format(v) }
