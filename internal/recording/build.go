package recording

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/topology"
)

// builder makes a system of the parts of a spec.
type builder struct {
	decoder
	services map[string]int // by name, index into the system's services
	ids      map[string]int // of releases and changes, the line
	warnings []signal.Warning
}

func (b *builder) warn(code, format string, args ...any) {
	b.warnings = append(b.warnings, signal.Warning{Code: code, Text: fmt.Sprintf(format, args...)})
}

// service returns the index of a service, which is added when it is new.
func (b *builder) service(sys *release.System, name string) int {
	i, ok := b.services[name]
	if !ok {
		i = len(sys.Services)
		b.services[name] = i
		sys.Services = append(sys.Services, release.Service{Name: name, Criticality: 1})
	}
	return i
}

func (b *builder) id(n *yaml.Node, id string) {
	if line, twice := b.ids[id]; twice {
		b.fail(n, "id %q stands already in line %d; give each release and change an id of its own", id, line)
	}
	b.ids[id] = n.Line
}

func (b *builder) releases(sys *release.System, spec object) {
	nodes := spec.list("releases")
	objects := make([]object, len(nodes))
	times := map[string]int{}
	for i, n := range nodes {
		objects[i] = b.object(n, fmt.Sprintf("spec.releases[%d]", i), "service steps ? id from to strategy cohorts change")
		times[objects[i].text("service")]++
	}
	for _, o := range objects {
		if b.err != nil {
			return
		}
		r := b.release(sys, o)
		if r.ID == "" {
			r.ID = o.text("service")
			if times[r.ID] > 1 && r.To == "" {
				b.fail(o.node, "%s has no id, and service %s is released more than once; give an id or the field to", o.where, r.ID)
			} else if times[r.ID] > 1 {
				r.ID += "@" + r.To
			}
		}
		b.id(o.node, r.ID)
		sys.Releases = append(sys.Releases, r)
	}
}

var strategies = []string{"canary", "blue-green", "rolling", "recreate"}

func (b *builder) release(sys *release.System, o object) release.Release {
	r := release.Release{
		ID: o.text("id"), Service: b.service(sys, o.text("service")), From: o.text("from"), To: o.text("to"),
		Strategy: release.CanaryRelease, Rollback: release.SafetyUnknown, Steps: b.steps(o),
	}
	if o.has("strategy") {
		s := o.text("strategy")
		i := slices.Index(strategies, s)
		if i < 0 {
			b.fail(o.at("strategy"), "unknown strategy %q; want one of %s", s, strings.Join(strategies, ", "))
		}
		r.Strategy = release.Strategy(i + 1)
	}
	if o.has("cohorts") {
		c := b.object(o.at("cohorts"), o.where+".cohorts", "canary ? control")
		r.Canary, r.Control = b.selector(c, "canary"), b.selector(c, "control")
	}
	if o.has("change") {
		b.facts(&r, b.object(o.at("change"), o.where+".change", "? rollback *"))
	}
	return r
}

func (b *builder) selector(o object, name string) string {
	if !o.has(name) {
		return ""
	}
	s := strings.TrimSpace(o.text(name))
	if err := engine.CheckSelector(s); b.err == nil && err != nil {
		b.fail(o.at(name), "%s.%s: %v", o.where, name, err)
	}
	return s
}

func (b *builder) steps(o object) []release.Step {
	var steps []release.Step
	for i, n := range o.list("steps") {
		s := b.object(n, fmt.Sprintf("%s.steps[%d]", o.where, i), "at weight ? completedAt canaryReplicas controlReplicas")
		step := release.Step{
			At: s.time("at"), CompletedAt: s.time("completedAt"), Weight: s.number("weight", 0, 100, 0) / 100,
			CanaryReplicas: s.count("canaryReplicas"), ControlReplicas: s.count("controlReplicas"),
		}
		if !s.has("completedAt") {
			step.CompletedAt = step.At
		}
		if step.CompletedAt.Before(step.At) {
			b.fail(s.at("completedAt"), "%s is completed before it begins; want completedAt at or after at", s.where)
		}
		if i > 0 && !step.At.After(steps[i-1].At) {
			b.fail(s.at("at"), "%s begins no later than the step before it; sort the steps by time", s.where)
		}
		steps = append(steps, step)
	}
	if len(steps) == 0 {
		b.fail(o.at("steps"), "%s.steps is empty; want at least one step {at, weight}", o.where)
	}
	return steps
}

var safeties = []string{"unknown", "safe", "unsafe"}

// facts keeps what is said of a change as text for people, sorted by name.
func (b *builder) facts(r *release.Release, o object) {
	if o.has("rollback") {
		s := o.text("rollback")
		i := slices.Index(safeties, s)
		if i < 0 {
			b.fail(o.at("rollback"), "unknown rollback %q in %s; want safe, unsafe or unknown", s, o.where)
		}
		r.Rollback = release.Safety(i + 1)
	}
	for name, n := range o.fields {
		if name != "rollback" {
			r.Facts = append(r.Facts, name+": "+b.fact(n, o.where+"."+name))
		}
	}
	slices.Sort(r.Facts)
}

func (b *builder) fact(n *yaml.Node, where string) string {
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value
	case yaml.SequenceNode:
		items := make([]string, len(n.Content))
		for i, c := range n.Content {
			items[i] = b.fact(c, where)
		}
		return strings.Join(items, ", ")
	default:
		b.fail(n, "%s is %s; want a value or a list of values", where, kindOf(n))
		return ""
	}
}

func (b *builder) changes(sys *release.System, spec object) {
	for i, n := range spec.list("changes") {
		o := b.object(n, fmt.Sprintf("spec.changes[%d]", i), "id at ? what")
		c := release.Change{ID: o.text("id"), At: o.time("at"), What: o.text("what")}
		b.id(n, c.ID)
		sys.Changes = append(sys.Changes, c)
	}
}

func (b *builder) topology(sys *release.System, spec object) {
	var edges []topology.Edge
	for i, n := range spec.list("topology") {
		o := b.object(n, fmt.Sprintf("spec.topology[%d]", i), "from to ? share fallback")
		from, to := o.text("from"), o.text("to")
		if from == to && b.err == nil {
			b.warn("self-call", "%s calls itself; the edge is left out", from)
		}
		edges = append(edges, topology.Edge{
			From: b.service(sys, from), To: b.service(sys, to),
			Share: o.number("share", 0, 1, 1), Fallback: o.number("fallback", 0, 1, 0),
		})
	}
	for _, n := range spec.list("services") { // the graph is over all of them
		if n.Kind == yaml.MappingNode {
			b.service(sys, b.object(n, "spec.services", "name ? selector criticality").text("name"))
		}
	}
	sys.Graph = topology.New(len(sys.Services), edges)
}

// selectors reads the list of services, all of which are known by now.
func (b *builder) selectors(sys *release.System, spec object) {
	lines := map[string]int{}
	for i, n := range spec.list("services") {
		o := b.object(n, fmt.Sprintf("spec.services[%d]", i), "name ? selector criticality")
		name := o.text("name")
		if line, twice := lines[name]; twice {
			b.fail(n, "service %q stands already in line %d; drop one", name, line)
		}
		lines[name] = n.Line
		if b.err != nil {
			return
		}
		s := &sys.Services[b.service(sys, name)]
		s.Selector = b.selector(o, "selector")
		s.Criticality = o.number("criticality", 0, math.MaxFloat64, 1)
	}
}

func (b *builder) signals(sys *release.System, spec object) {
	lines := map[string]int{}
	for i, n := range spec.list("signals") {
		o := b.object(n, fmt.Sprintf("spec.signals[%d]", i), "name kind query ? unit scope worse limit")
		s := b.signal(o)
		if line, twice := lines[s.Name]; twice {
			b.fail(n, "signal %q stands already in line %d; give each a name of its own", s.Name, line)
		}
		lines[s.Name] = n.Line
		sys.Signals = append(sys.Signals, s)
	}
}

func (b *builder) signal(o object) signal.Signal {
	unit, _ := o.scalar("unit", "a unit such as seconds")
	s := signal.Signal{
		Name: o.text("name"), Family: o.text("name"), Query: o.text("query"),
		Unit: signal.ParseUnit(unit), Scope: signal.PerCohort,
	}
	var err error
	if s.Kind, err = signal.ParseKind(o.text("kind")); err != nil {
		b.fail(o.at("kind"), "%s: %v", o.where, err)
	}
	if o.has("scope") {
		if s.Scope, err = signal.ParseScope(o.text("scope")); err != nil {
			b.fail(o.at("scope"), "%s: %v", o.where, err)
		}
	}
	if o.has("worse") {
		if s.Worse, err = signal.ParseDirection(o.text("worse")); err != nil {
			b.fail(o.at("worse"), "%s: %v", o.where, err)
		}
	}
	b.template(o, "query", s.Query)
	b.limit(o, &s)
	return s
}

func (b *builder) template(o object, name, query string) {
	err := engine.CheckTemplate(query)
	var q *engine.QueryError
	if b.err == nil && errors.As(err, &q) {
		b.fail(o.at(name), "%s.%s: %v", o.where, name, q)
	} else if b.err == nil && err != nil {
		b.fail(o.at(name), "%s.%s: %v", o.where, name, err)
	}
}

// limit reads a value in the signal's unit, or a query.
func (b *builder) limit(o object, s *signal.Signal) {
	n := o.fields["limit"]
	if n == nil {
		return
	}
	s.Limit.Set = true
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		s.Limit.Query = o.text("limit")
		b.template(o, "limit", s.Limit.Query)
		return
	}
	s.Limit.Value = o.number("limit", -math.MaxFloat64, math.MaxFloat64, 0) * s.Unit.Scale
}
