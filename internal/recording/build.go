package recording

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/strictyaml"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/topology"
)

// builder makes a system of the parts of a spec.
type builder struct {
	strictyaml.Decoder
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
		b.Fail(n, "id %q stands already in line %d; give each release and change an id of its own", id, line)
	}
	b.ids[id] = n.Line
}

func (b *builder) releases(sys *release.System, spec strictyaml.Object) {
	nodes := spec.List("releases")
	objects := make([]strictyaml.Object, len(nodes))
	times := map[string]int{}
	for i, n := range nodes {
		objects[i] = b.Object(n, fmt.Sprintf("spec.releases[%d]", i), "service steps ? id from to strategy cohorts change")
		times[objects[i].Text("service")]++
	}
	for _, o := range objects {
		if b.Err != nil {
			return
		}
		r := b.release(sys, o)
		if r.ID == "" {
			r.ID = o.Text("service")
			if times[r.ID] > 1 && r.To == "" {
				b.Fail(o.Node, "%s has no id, and service %s is released more than once; give an id or the field to", o.Where, r.ID)
			} else if times[r.ID] > 1 {
				r.ID += "@" + r.To
			}
		}
		b.id(o.Node, r.ID)
		sys.Releases = append(sys.Releases, r)
	}
}

var strategies = []string{"canary", "blue-green", "rolling", "recreate"}

func (b *builder) release(sys *release.System, o strictyaml.Object) release.Release {
	r := release.Release{
		ID: o.Text("id"), Service: b.service(sys, o.Text("service")), From: o.Text("from"), To: o.Text("to"),
		Strategy: release.CanaryRelease, Rollback: release.SafetyUnknown, Steps: b.steps(o),
	}
	if o.Has("strategy") {
		s := o.Text("strategy")
		i := slices.Index(strategies, s)
		if i < 0 {
			b.Fail(o.At("strategy"), "unknown strategy %q; want one of %s", s, strings.Join(strategies, ", "))
		}
		r.Strategy = release.Strategy(i + 1)
	}
	if o.Has("cohorts") {
		r.Canary, r.Control = b.cohorts(o)
	}
	if o.Has("change") {
		b.facts(&r, b.Object(o.At("change"), o.Name("change"), "? rollback *"))
	}
	return r
}

// cohorts reads who is new and who is stable. A version beside itself would never be
// worse.
func (b *builder) cohorts(o strictyaml.Object) (canary, control string) {
	c := b.Object(o.At("cohorts"), o.Name("cohorts"), "canary ? control")
	canary, control = b.selector(c, "canary"), b.selector(c, "control")
	if b.Err == nil && control != "" && engine.SameSelector(canary, control) {
		b.Fail(o.At("cohorts"), "%s: canary and control both select {%s}; want the labels of the new version and of the stable one, such as version=\"v2\" and version=\"v1\"", o.Name("cohorts"), canary)
	}
	return canary, control
}

func (b *builder) selector(o strictyaml.Object, name string) string {
	if !o.Has(name) {
		return ""
	}
	s := strings.TrimSpace(o.Text(name))
	if err := engine.CheckSelector(s); b.Err == nil && err != nil {
		b.Fail(o.At(name), "%s: %v", o.Name(name), err)
	}
	return s
}

func (b *builder) steps(o strictyaml.Object) []release.Step {
	var steps []release.Step
	for i, n := range o.List("steps") {
		s := b.Object(n, fmt.Sprintf("%s.steps[%d]", o.Where, i), "at weight ? completedAt canaryReplicas controlReplicas")
		step := release.Step{
			At: s.Time("at"), CompletedAt: s.Time("completedAt"), Weight: s.Number("weight", 0, 100, 0) / 100,
			CanaryReplicas: s.Whole("canaryReplicas", 0, 0), ControlReplicas: s.Whole("controlReplicas", 0, 0),
		}
		if !s.Has("completedAt") {
			step.CompletedAt = step.At
		}
		if step.CompletedAt.Before(step.At) {
			b.Fail(s.At("completedAt"), "%s is completed before it begins; want completedAt at or after at", s.Where)
		}
		if i > 0 && !step.At.After(steps[i-1].At) {
			b.Fail(s.At("at"), "%s begins no later than the step before it; sort the steps by time", s.Where)
		}
		steps = append(steps, step)
	}
	if len(steps) == 0 {
		b.Fail(o.At("steps"), "%s is empty; want at least one step {at, weight}", o.Name("steps"))
	}
	return steps
}

var safeties = []string{"unknown", "safe", "unsafe"}

// facts keeps what is said of a change as text for people, sorted by name.
func (b *builder) facts(r *release.Release, o strictyaml.Object) {
	if o.Has("rollback") {
		s := o.Text("rollback")
		i := slices.Index(safeties, s)
		if i < 0 {
			b.Fail(o.At("rollback"), "unknown rollback %q in %s; want safe, unsafe or unknown", s, o.Where)
		}
		r.Rollback = release.Safety(i + 1)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Fields)) { // so that of two faults always the same is said
		if name != "rollback" {
			r.Facts = append(r.Facts, name+": "+b.fact(o.At(name), o.Where+"."+name))
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
		b.Fail(n, "%s is %s; want a value or a list of values", where, strictyaml.Describe(n))
		return ""
	}
}

func (b *builder) changes(sys *release.System, spec strictyaml.Object) {
	for i, n := range spec.List("changes") {
		o := b.Object(n, fmt.Sprintf("spec.changes[%d]", i), "id at ? what")
		c := release.Change{ID: o.Text("id"), At: o.Time("at"), What: o.Text("what")}
		b.id(n, c.ID)
		sys.Changes = append(sys.Changes, c)
	}
}

func (b *builder) topology(sys *release.System, spec strictyaml.Object) {
	var edges []topology.Edge
	for i, n := range spec.List("topology") {
		o := b.Object(n, fmt.Sprintf("spec.topology[%d]", i), "from to ? share fallback")
		from, to := o.Text("from"), o.Text("to")
		if from == to && b.Err == nil {
			b.warn("self-call", "%s calls itself; the edge is left out", from)
		}
		share := o.Number("share", 0, 1, 1)
		if share == 0 {
			b.Fail(o.At("share"), "%s is 0: no request needs the call; drop the line, or say which share of the requests does", o.Name("share"))
		}
		edges = append(edges, topology.Edge{
			From: b.service(sys, from), To: b.service(sys, to),
			Share: share, Fallback: o.Number("fallback", 0, 1, 0),
		})
	}
	for _, n := range spec.List("services") { // the graph is over all of them
		if n.Kind == yaml.MappingNode {
			b.service(sys, b.Object(n, "spec.services", serviceFields).Text("name"))
		}
	}
	sys.Graph = topology.New(len(sys.Services), edges)
}

// selectors reads the list of services, all of which are known by now.
func (b *builder) selectors(sys *release.System, spec strictyaml.Object) {
	lines := map[string]int{}
	for i, n := range spec.List("services") {
		o := b.Object(n, fmt.Sprintf("spec.services[%d]", i), serviceFields)
		name := o.Text("name")
		if line, twice := lines[name]; twice {
			b.Fail(n, "service %q stands already in line %d; drop one", name, line)
		}
		lines[name] = n.Line
		if b.Err != nil {
			return
		}
		s := &sys.Services[b.service(sys, name)]
		s.Selector = b.selector(o, "selector")
		s.Criticality = criticality(o)
		s.Visits = visits(o)
	}
}

const serviceFields = "name ? selector criticality requestsPerUser sticky"

// criticalities are the words of OpenTelemetry's service.criticality, each twice
// the one below it; medium is what a service is of which nothing is said.
var criticalities = map[string]float64{"critical": 4, "high": 2, "medium": 1, "low": 0.5}

// criticality reads how much a service weighs: a number, or a word.
func criticality(o strictyaml.Object) float64 {
	text, ok := o.Scalar("criticality", "a number or a word")
	if !ok {
		return 1
	}
	if x, ok := criticalities[text]; ok {
		return x
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= 0) || math.IsInf(x, 1) {
		o.Fail(o.At("criticality"), "%s is %q; want critical, high, medium or low, or a number ≥ 0, where 1 is medium", o.Name("criticality"), text)
	}
	return x
}

// visits reads how users come to a service.
func visits(o strictyaml.Object) release.Visits {
	v := release.Visits{Requests: o.Number("requestsPerUser", 0, math.Inf(1), 0), Sticky: o.Flag("sticky")}
	switch given := o.Has("requestsPerUser"); {
	case given && v.Requests < 1:
		o.Fail(o.At("requestsPerUser"), "%s is %v; want 1 or more, as a visit without a request is none, or nothing when users are not to be counted", o.Name("requestsPerUser"), v.Requests)
	case v.Sticky && !given:
		o.Fail(o.At("sticky"), "%s is of use only with requestsPerUser; give that too", o.Name("sticky"))
	}
	return v
}

func (b *builder) signals(sys *release.System, spec strictyaml.Object) {
	lines := map[string]int{}
	for i, n := range spec.List("signals") {
		o := b.Object(n, fmt.Sprintf("spec.signals[%d]", i), "name kind query ? unit scope worse limit")
		s := b.signal(o)
		if line, twice := lines[s.Name]; twice {
			b.Fail(n, "signal %q stands already in line %d; give each a name of its own", s.Name, line)
		}
		lines[s.Name] = n.Line
		sys.Signals = append(sys.Signals, s)
	}
}

func (b *builder) signal(o strictyaml.Object) signal.Signal {
	unit, _ := o.Scalar("unit", "a unit such as seconds")
	s := signal.Signal{
		Name: o.Text("name"), Family: o.Text("name"), Query: o.Text("query"),
		Unit: signal.ParseUnit(unit), Scope: signal.PerCohort,
	}
	var err error
	if s.Kind, err = signal.ParseKind(o.Text("kind")); err != nil {
		b.Fail(o.At("kind"), "%s: %v", o.Where, err)
	}
	if o.Has("scope") {
		if s.Scope, err = signal.ParseScope(o.Text("scope")); err != nil {
			b.Fail(o.At("scope"), "%s: %v", o.Where, err)
		}
	}
	if o.Has("worse") {
		if s.Worse, err = signal.ParseDirection(o.Text("worse")); err != nil {
			b.Fail(o.At("worse"), "%s: %v", o.Where, err)
		}
	}
	b.template(o, "query", s.Query)
	b.limit(o, &s)
	return s
}

func (b *builder) template(o strictyaml.Object, name, query string) {
	err := engine.CheckTemplate(query)
	var q *engine.QueryError
	if b.Err == nil && errors.As(err, &q) {
		b.Fail(o.At(name), "%s: %v", o.Name(name), q)
	} else if b.Err == nil && err != nil {
		b.Fail(o.At(name), "%s: %v", o.Name(name), err)
	}
}

// limit reads a value in the signal's unit, or a query.
func (b *builder) limit(o strictyaml.Object, s *signal.Signal) {
	n := o.Fields["limit"]
	if n == nil {
		return
	}
	s.Limit.Set = true
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		s.Limit.Query = o.Text("limit")
		b.template(o, "limit", s.Limit.Query)
		return
	}
	s.Limit.Value = o.Number("limit", math.Inf(-1), math.Inf(1), 0) * s.Unit.Scale
}
