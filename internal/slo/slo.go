package slo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

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
}

// A SyntaxError is a fault in a file of objectives.
type SyntaxError struct {
	File string
	Line int // 1 is the first; 0 when the fault is in no line
	Msg  string
}

// Error returns file:line: message.
func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}

// Hint says which forms are read.
func (e *SyntaxError) Hint() string {
	return "objectives are read as Sloth, Pyrra and OpenSLO write them; what of them is read stands in docs/how-to/slo.md"
}

// maxYAML is the most YAML that is read, and maxObjectives the most
// objectives of one file.
const (
	maxYAML       = 1 << 20
	maxObjectives = 1000
)

// Load reads the objectives of a file.
func Load(path string) ([]Objective, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read objectives: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxYAML+1))
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
// file is for messages. Errors are [*SyntaxError].
func Parse(file string, text []byte) ([]Objective, error) {
	if len(text) > maxYAML {
		return nil, &SyntaxError{File: file, Msg: "more than 1 MiB of YAML; want objectives"}
	}
	r := &reader{file: file, indicators: map[string]*yaml.Node{}}
	docs := r.documents(text)
	for _, n := range docs {
		r.indicator(n)
	}
	for _, n := range docs {
		r.document(n)
	}
	r.distinguish()
	switch {
	case r.err != nil:
		return nil, r.err
	case len(docs) == 0:
		return nil, &SyntaxError{File: file, Msg: "the file is empty; want objectives"}
	case len(r.out) == 0:
		return nil, &SyntaxError{File: file, Line: docs[0].Line, Msg: "there is no objective in the file"}
	}
	return r.out, nil
}

// reader reads documents. It keeps the first fault; what is read after a
// fault is zero.
type reader struct {
	file       string
	err        error
	out        []Objective
	indicators map[string]*yaml.Node // the specs of OpenSLO's SLIs, by name
}

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	if r.err == nil {
		r.err = &SyntaxError{File: r.file, Line: n.Line, Msg: fmt.Sprintf(format, args...)}
	}
}

func (r *reader) documents(text []byte) []*yaml.Node {
	var out []*yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			line, msg := 0, strings.TrimPrefix(err.Error(), "yaml: ")
			if _, scan := fmt.Sscanf(msg, "line %d: ", &line); scan == nil {
				_, msg, _ = strings.Cut(msg, ": ")
			}
			r.err = &SyntaxError{File: r.file, Line: line, Msg: "this is no YAML: " + msg}
			return nil
		}
		if len(doc.Content) != 1 || doc.Content[0].Tag == "!!null" {
			continue // an empty document between two lines of "---"
		}
		if n := alias(doc.Content[0]); n != nil {
			r.fail(n, "anchors and aliases are not read; write the value out")
			return nil
		}
		out = append(out, doc.Content[0])
	}
}

// alias finds the first anchor or alias, which could make little text huge.
func alias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return n
	}
	for _, c := range n.Content {
		if found := alias(c); found != nil {
			return found
		}
	}
	return nil
}

// The forms that are read, as their files say them.
const (
	slothVersion  = "prometheus/v1"
	slothAPI      = "sloth.slok.dev/v1"
	pyrraAPI      = "pyrra.dev/v1alpha1"
	openSLOAPI    = "openslo/v1"
	openSLOAPICom = "openslo.com/v1"
)

const forms = `version "` + slothVersion + `" or apiVersion ` + slothAPI + ` (Sloth), apiVersion ` + pyrraAPI + ` (Pyrra), or apiVersion ` + openSLOAPI + ` (OpenSLO)`

// document reads one document by what it says it is.
func (r *reader) document(n *yaml.Node) {
	if r.err != nil {
		return
	}
	o := r.object(n, "the document")
	version, api, kind := o.text("version"), o.text("apiVersion"), o.text("kind")
	switch {
	case r.err != nil:
	case version != "" && api == "":
		if version != slothVersion {
			r.fail(o.at("version"), "version is %q; want %s", version, forms)
		}
		r.sloth(o)
	case api == slothAPI && r.kind(o, kind, "PrometheusServiceLevel"):
		r.sloth(r.object(o.at("spec"), "spec"))
	case api == pyrraAPI && r.kind(o, kind, "ServiceLevelObjective"):
		r.pyrra(o)
	case api == openSLOAPI || api == openSLOAPICom:
		r.openSLO(o, kind)
	case r.err == nil && api == "":
		r.fail(n, "the document has neither version nor apiVersion; want %s", forms)
	default:
		r.fail(o.at("apiVersion"), "apiVersion is %q; want %s", api, forms)
	}
}

// kind wants a kind.
func (r *reader) kind(o object, kind, want string) bool {
	if kind != want {
		r.fail(o.at("kind"), "kind is %q; want %s", kind, want)
	}
	return r.err == nil
}

// add keeps an objective that was read.
func (r *reader) add(n *yaml.Node, o Objective) {
	if r.err != nil {
		return
	}
	if len(r.out) == maxObjectives {
		r.fail(n, "more than %d objectives in one file; split it", maxObjectives)
		return
	}
	if !(o.Target > 0 && o.Target < 1) {
		r.fail(n, "the objective of %s is %v; want between 0 and 100 %%, without the ends: at 100 %% nothing may ever fail", o.Name, 100*o.Target)
		return
	}
	o.Target, o.Budget = tidy(o.Target), tidy(1-o.Target)
	o.File, o.Line = r.file, n.Line
	o.Signal.Name, o.Signal.Family, o.Signal.Scope = "slo/"+o.Name, "slo/"+o.Name, signal.PerCohort
	if !o.Signal.Limit.Set {
		o.Signal.Kind, o.Signal.Unit = signal.Errors, signal.ParseUnit("ratio")
		o.Signal.Limit = signal.Limit{Set: true, Value: o.Budget}
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
		if line, twice := seen[o.Signal.Name]; twice && r.err == nil {
			r.err = &SyntaxError{File: r.file, Line: o.Line, Msg: fmt.Sprintf("objective %q stands already in line %d; give each a name of its own", o.Name, line)}
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
