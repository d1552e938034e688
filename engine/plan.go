package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// An ask is one signal of one service and cohort: one cell of every frame.
type ask struct {
	service, signal, release int
	cohort                   signal.Cohort
	selector                 string // what $sel stands for
	// afterStep means that nothing was there before the release's first step.
	afterStep bool
}

// whole is the release of cells that belong to the service as a whole.
const whole = -1

// A target is whose series a query is to pick.
type target struct {
	release   int
	cohort    signal.Cohort
	selector  string
	afterStep bool
}

// plan returns what to ask in every frame, in the order of a frame's cells.
func (s *Source) plan() []ask {
	var asks []ask
	picks := map[signal.Scope][][]target{}
	for _, scope := range []signal.Scope{signal.PerCohort, signal.PerService} {
		for j := range s.sys.Services {
			picks[scope] = append(picks[scope], targets(s.sys, j, scope))
		}
	}
	for i, sig := range s.sys.Signals {
		scope := s.scopeOf(i)
		if scope == 0 {
			continue
		}
		selects := uses(sig.Query, "$sel") || uses(sig.Limit.Query, "$sel")
		for j := range s.sys.Services {
			for _, t := range picks[scope][j] {
				if t.selector == "" && selects {
					s.unselected(t, j)
					continue
				}
				asks = append(asks, ask{
					service: j, signal: i, release: t.release, cohort: t.cohort,
					selector: t.selector, afterStep: t.afterStep && (s.o.Exposure != nil || len(s.sys.Releases[t.release].Steps) > 0),
				})
			}
		}
	}
	slices.SortStableFunc(asks, func(a, b ask) int {
		return cmp.Or(a.service-b.service, a.release-b.release, int(a.cohort)-int(b.cohort), a.signal-b.signal)
	})
	return asks
}

// unselected warns of a release of which nothing says which series are its own.
func (s *Source) unselected(t target, service int) {
	if name := s.sys.Services[service].Name; t.release != whole {
		s.warn("no-selector", fmt.Sprintf("nothing says which series belong to %s, so nothing of it is seen: "+
			"give the release cohorts, or the service a selector, such as services: [{name: %s, selector: 'job=%q'}]", name, name, name))
	}
}

// scopeOf returns the scope a signal can have by the variables in its query;
// 0 when it is of no service.
func (s *Source) scopeOf(i int) signal.Scope {
	sig := s.sys.Signals[i]
	switch {
	case uses(sig.Query, "$sel"):
		return cmp.Or(sig.Scope, signal.PerCohort)
	case uses(sig.Query, "$service") || len(s.sys.Services) == 1:
		if sig.Scope == signal.PerCohort && uses(sig.Query, "$service") {
			s.warn("not-per-cohort", fmt.Sprintf("the query of signal %s has no $sel, so it is measured of the service as a whole", sig.Name))
		}
		return signal.PerService
	}
	s.warn("of-no-service", fmt.Sprintf("the query of signal %s has neither $service nor $sel, so it says nothing of a service and is left out", sig.Name))
	return 0
}

// targets returns whose series a signal of the scope picks for a service.
//
// A release gives a canary and, when it names one, a control. Without a
// control the service as a whole stands beside the canary: before the first
// step it is the old version.
func targets(sys release.System, service int, scope signal.Scope) []target {
	asWhole := target{release: whole, cohort: signal.Whole, selector: selectorOf(sys, service)}
	if scope == signal.PerService {
		return []target{asWhole}
	}
	var out []target
	needWhole, released := false, false
	for i, r := range sys.Releases {
		if r.Service != service {
			continue
		}
		released = true
		canary := target{release: i, cohort: signal.Canary, selector: r.Canary}
		if r.Canary == "" { // the service itself, from the first step on
			canary.selector, canary.afterStep = asWhole.selector, true
		}
		out = append(out, canary)
		if r.Control != "" {
			out = append(out, target{release: i, cohort: signal.Control, selector: r.Control})
		} else {
			needWhole = true
		}
	}
	if needWhole || !released {
		out = append(out, asWhole)
	}
	return out
}

// selectorOf returns the matchers of a service: its own, or else those that
// the cohorts of a release share (service="cart" of version v1 and v2), or
// else, without a control, those of the canary that name the service.
func selectorOf(sys release.System, service int) string {
	if s := sys.Services[service].Selector; s != "" {
		return s
	}
	for _, r := range sys.Releases {
		if r.Service != service || r.Canary == "" {
			continue
		}
		if r.Control != "" {
			return sharedMatchers(r.Canary, r.Control)
		}
		return namingMatchers(r.Canary, sys.Services[service].Name)
	}
	return ""
}

// namingMatchers returns the matchers that say the service's name.
func namingMatchers(selector, service string) string {
	ms, err := promQL.ParseMetricSelector("{" + selector + "}")
	if err != nil {
		return ""
	}
	var out []string
	for _, m := range ms {
		if m.Value == service {
			out = append(out, m.String())
		}
	}
	return strings.Join(out, ",")
}

// sharedMatchers returns the matchers that stand in both selectors.
func sharedMatchers(a, b string) string {
	as, errA := promQL.ParseMetricSelector("{" + a + "}")
	bs, errB := promQL.ParseMetricSelector("{" + b + "}")
	if errA != nil || errB != nil {
		return ""
	}
	out := ""
	for _, m := range as {
		for _, n := range bs {
			if m.String() == n.String() {
				if out != "" {
					out += ","
				}
				out += m.String()
			}
		}
	}
	return out
}

// binding returns what the variables of a query stand for in one cell.
func (s *Source) binding(a ask) binding {
	return binding{service: s.sys.Services[a.service].Name, selector: a.selector, window: window(s.sys.Interval)}
}

// exposures returns how far each release has got at an instant: as the caller
// says, or else by its steps.
func (s *Source) exposures(at time.Time) []signal.Exposure {
	out := make([]signal.Exposure, len(s.sys.Releases))
	for i, r := range s.sys.Releases {
		out[i] = exposure(r.Steps, at)
	}
	if s.o.Exposure != nil {
		copy(out, s.o.Exposure(at))
	}
	return out
}

// exposure walks the steps that have begun. The weight moves linearly from
// the begin of a step to its end; a step that begins early goes on from
// where the weight is then.
func exposure(steps []release.Step, at time.Time) signal.Exposure {
	var e signal.Exposure
	for i, s := range steps {
		if s.At.After(at) {
			break
		}
		until := at
		if i+1 < len(steps) && steps[i+1].At.Before(at) {
			until = steps[i+1].At
		}
		e.Step = i + 1
		if e.Moving = until.Before(s.CompletedAt); e.Moving {
			share := float64(until.Sub(s.At)) / float64(s.CompletedAt.Sub(s.At))
			e.Weight += share * (s.Weight - e.Weight)
		} else {
			e.Weight = s.Weight
		}
	}
	return e
}
