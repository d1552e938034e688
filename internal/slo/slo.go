package slo

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/internal/strictyaml"
	"github.com/foreshock/foreshock/signal"
)

// An Objective says how good a service is to be.
type Objective struct {
	Name    string
	Service string        // "" where the file names none
	Target  float64       // share of the work, or for a threshold of the time, that is to be good, 0..1
	Budget  float64       // share that may be bad: 1 − Target
	Window  time.Duration // over which the target is meant; 0 where the file does not say
	// Signal measures it per version. Of a share of work it is that which fails,
	// with the budget as the limit: at the limit, the budget is spent just as
	// fast as it may be.
	Signal signal.Signal
	File   string
	Line   int
	// Refused says why it cannot be measured: it asks for what is not read. It
	// is a fault only where the objective is asked for; those of other services
	// may stand in the same file. Nil means that Signal measures it.
	Refused *strictyaml.SyntaxError
}

// mend says which forms are read.
const mend = "objectives are read as Sloth, Pyrra and OpenSLO write them; what of them is read stands in docs/how-to/slo.md"

// maxObjectives is the most objectives of one file.
const maxObjectives = 1000

// Load reads the objectives of a file.
func Load(path string) ([]Objective, error) {
	text, err := strictyaml.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read objectives: %w", err)
	}
	out, err := Parse(path, text)
	if err != nil {
		return nil, fmt.Errorf("read objectives: %w", err)
	}
	return out, nil
}

// Parse reads the objectives of a text, which may have several documents. The
// file is for messages. Errors are [*strictyaml.SyntaxError].
func Parse(file string, text []byte) ([]Objective, error) {
	r := &reader{Decoder: strictyaml.Decoder{File: file, Mend: mend}, indicators: map[string]*yaml.Node{}, sources: map[string]string{}}
	docs := r.Documents(text, "objectives")
	items := itemsOf(docs)
	for _, n := range items {
		r.refer(n)
	}
	for _, n := range items {
		r.document(n)
	}
	r.distinguish()
	switch {
	case r.Err != nil || len(r.out) > 0:
	case r.alien != nil:
		r.Err = r.alien
	default:
		r.Fail(docs[0], "there is no objective in the file")
	}
	if r.Err != nil {
		return nil, r.Err
	}
	return r.out, nil
}

// reader reads documents. It keeps the first fault; what is read after a
// fault is zero.
type reader struct {
	strictyaml.Decoder
	out        []Objective
	indicators map[string]*yaml.Node   // the specs of OpenSLO's SLIs, by name
	sources    map[string]string       // the types of OpenSLO's DataSources, by name
	refused    *strictyaml.SyntaxError // why the objective that is being read cannot be measured
	alien      *strictyaml.SyntaxError // of the first document that is nobody's; a fault where no other has an objective
}

// refuse says why the objective that is being read cannot be measured.
func (r *reader) refuse(n *yaml.Node, format string, args ...any) {
	if r.refused == nil {
		r.refused = &strictyaml.SyntaxError{File: r.File, Line: n.Line, Mend: mend, Msg: fmt.Sprintf(format, args...)}
	}
}

// itemsOf takes lists apart: a document that is a list of objects, and a List
// as kubectl writes it.
func itemsOf(docs []*yaml.Node) []*yaml.Node {
	mapping := func(n *yaml.Node) bool { return n.Kind == yaml.MappingNode }
	var out []*yaml.Node
	for _, n := range docs {
		list := n
		if mapping(n) {
			list = listed(n)
		}
		if list.Kind == yaml.SequenceNode && len(list.Content) > 0 && !slices.ContainsFunc(list.Content, func(n *yaml.Node) bool { return !mapping(n) }) {
			out = append(out, list.Content...)
			continue
		}
		out = append(out, n)
	}
	return out
}

// listed returns the items of a List, and any other mapping as it is.
func listed(n *yaml.Node) *yaml.Node {
	kind, items := "", n
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch n.Content[i].Value {
		case "kind":
			kind = n.Content[i+1].Value
		case "items":
			items = n.Content[i+1]
		}
	}
	if !strings.HasSuffix(kind, "List") {
		return n
	}
	return items
}

// The forms that are read, as their files say them.
const (
	slothVersion  = "prometheus/v1"
	slothAPI      = "sloth.slok.dev/v1"
	pyrraAPI      = "pyrra.dev/v1alpha1"
	openSLOAPI    = "openslo/v1"
	openSLOAPICom = "openslo.com/v1"
	openSLOAlpha  = "openslo/v1alpha"
)

// ours are the words by which a document is told to be meant for us: with one
// of them as the kind, or as the group of the apiVersion, it is a mistake if it
// cannot be read. A document with neither is another's, such as a Namespace.
var (
	ourKinds  = []string{"PrometheusServiceLevel", "ServiceLevelObjective", "SLO", "SLI"}
	ourGroups = []string{"sloth.slok.dev", "pyrra.dev", "openslo", "openslo.com"}
)

const forms = `version "` + slothVersion + `" or apiVersion ` + slothAPI + ` (Sloth), apiVersion ` + pyrraAPI + ` (Pyrra), or apiVersion ` + openSLOAPI + ` (OpenSLO)`

// document reads one document by what it says it is.
func (r *reader) document(n *yaml.Node) {
	if r.Err != nil {
		return
	}
	o := r.object(n, "the document")
	version, api, kind := o.text("version"), o.text("apiVersion"), o.text("kind")
	switch {
	case r.Err != nil:
	case version != "" && api == "":
		if version != slothVersion {
			r.Fail(o.At("version"), "version is %q; want %s", version, forms)
		}
		r.sloth(o)
	case api == slothAPI && r.kind(o, kind, "PrometheusServiceLevel"):
		r.sloth(r.object(o.At("spec"), "spec"))
	case api == pyrraAPI && r.kind(o, kind, "ServiceLevelObjective"):
		r.pyrra(o)
	case isOpenSLO(api):
		r.openSLO(o, kind)
	case r.Err == nil && !isOurs(api, kind):
		if r.alien == nil {
			r.alien = &strictyaml.SyntaxError{File: r.File, Line: o.At("apiVersion").Line, Mend: mend, Msg: fmt.Sprintf("apiVersion is %q; want %s", api, forms)}
		}
	case r.Err == nil && api == "":
		r.Fail(n, "the document has neither version nor apiVersion; want %s", forms)
	default:
		r.Fail(o.At("apiVersion"), "apiVersion is %q; want %s", api, forms)
	}
}

// isOurs says whether a document is meant for us. One that does not say what
// it is, is.
func isOurs(api, kind string) bool {
	group, _, _ := strings.Cut(api, "/")
	return api == "" || kind == "" || slices.Contains(ourKinds, kind) || slices.Contains(ourGroups, group)
}

// kind wants a kind.
func (r *reader) kind(o object, kind, want string) bool {
	if kind != want {
		r.Fail(o.At("kind"), "kind is %q; want %s", kind, want)
	}
	return r.Err == nil
}

// add keeps an objective that was read.
func (r *reader) add(n *yaml.Node, o Objective) {
	if r.Err != nil {
		return
	}
	if len(r.out) == maxObjectives {
		r.Fail(n, "more than %d objectives in one file; split it", maxObjectives)
		return
	}
	if !(o.Target > 0 && o.Target < 1) {
		r.Fail(n, "the objective of %s is %v; want between 0 and 100 %%, without the ends: at 100 %% nothing may ever fail", o.Name, 100*o.Target)
		return
	}
	o.Target, o.Budget = tidy(o.Target), tidy(1-o.Target)
	o.File, o.Line, o.Refused = r.File, n.Line, r.refused
	r.refused = nil
	o.Signal.Name, o.Signal.Family, o.Signal.Scope = "slo/"+o.Name, "slo/"+o.Name, signal.PerCohort
	if !o.Signal.Limit.Set {
		o.Signal.Kind, o.Signal.Unit = signal.Errors, signal.ParseUnit("ratio")
		o.Signal.Limit = signal.Limit{Set: true, Value: o.Budget, Over: o.Window}
	}
	r.out = append(r.out, o)
}

// tidy takes off what the arithmetic of percents leaves: 0.001 rather than
// 0.0010000000000000009.
func tidy(share float64) float64 { return math.Round(1e12*share) / 1e12 }

// distinguish names signals by their service too where objectives of several
// have one name.
func (r *reader) distinguish() {
	times := map[string]int{}
	for _, o := range r.out {
		times[o.Name]++
	}
	for i := range r.out {
		o := &r.out[i]
		if times[o.Name] > 1 && o.Service != "" {
			o.Signal.Name = "slo/" + o.Service + " " + o.Name
			o.Signal.Family = o.Signal.Name
		}
	}
	seen := map[string]int{}
	for _, o := range r.out {
		if line, twice := seen[o.Signal.Name]; twice && r.Err == nil {
			r.Err = &strictyaml.SyntaxError{File: r.File, Line: o.Line, Mend: mend, Msg: fmt.Sprintf("objective %q stands already in line %d; give each a name of its own", o.Name, line)}
		}
		seen[o.Signal.Name] = o.Line
	}
}

// Of returns the objectives of some services, with those that name none.
func Of(all []Objective, services []string) []Objective {
	var out []Objective
	for _, o := range all {
		if o.Service == "" || slices.Contains(services, o.Service) {
			out = append(out, o)
		}
	}
	return out
}
