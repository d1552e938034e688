package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A SyntaxError is a fault in recording.yaml, truth.yaml or a policy.
type SyntaxError struct {
	File string
	Line int // 1 is the first; 0 when the fault is in no line
	Msg  string
	hint string // "" for recordings
}

// Error returns file:line: message.
func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}

// Hint says where the format is described.
func (e *SyntaxError) Hint() string {
	if e.hint != "" {
		return e.hint
	}
	return "the fields are described in internal/recording/recording.schema.json, a JSON Schema that editors understand"
}

// maxYAML is the most YAML that is read: a recording of a hundred releases
// has 100 kB.
const maxYAML = 1 << 20

// limited reads a file up to just above maxYAML, so that parse can refuse it
// without reading all of it.
func limited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxYAML+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return b, nil
}

// parse reads one YAML document of at most maxYAML bytes.
func parse(path string, b []byte) (*yaml.Node, error) {
	return parseFor(path, b, "a document with apiVersion, kind, metadata and spec")
}

// parseFor is parse of a file that wants something.
func parseFor(path string, b []byte, want string) (*yaml.Node, error) {
	if len(b) > maxYAML {
		return nil, &SyntaxError{File: path, Msg: "more than 1 MiB of YAML; metrics belong in metrics.om.gz"}
	}
	var doc, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, &SyntaxError{File: path, Msg: "the file is empty; want " + want}
	} else if err != nil {
		return nil, yamlError(path, err)
	}
	if err := dec.Decode(&second); err == nil {
		return nil, &SyntaxError{File: path, Line: second.Line, Msg: "a second document; want one document a file"}
	} else if !errors.Is(err, io.EOF) {
		return nil, yamlError(path, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, &SyntaxError{File: path, Line: 1, Msg: "want a mapping of fields"}
	}
	if n := alias(doc.Content[0]); n != nil {
		return nil, &SyntaxError{File: path, Line: n.Line, Msg: "anchors and aliases are not read; write the value out"}
	}
	return doc.Content[0], nil
}

// yamlError takes the line out of the parser's message. It is that of the
// begin of the value that is not well formed, or just above it.
func yamlError(path string, err error) error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	var line int
	if _, scan := fmt.Sscanf(msg, "line %d: ", &line); scan == nil {
		_, msg, _ = strings.Cut(msg, ": ")
	}
	return &SyntaxError{File: path, Line: line, Msg: "this is no YAML: " + msg}
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

// decoder reads nodes strictly. It keeps the first fault; what is read after
// a fault is zero.
type decoder struct {
	file string
	err  error
}

func (d *decoder) fail(n *yaml.Node, format string, args ...any) {
	if d.err == nil {
		d.err = &SyntaxError{File: d.file, Line: n.Line, Msg: fmt.Sprintf(format, args...)}
	}
}

// object is a mapping whose names are known.
type object struct {
	*decoder
	node   *yaml.Node
	where  string // "spec.releases[2]"
	fields map[string]*yaml.Node
}

// object reads a mapping with these fields; those before the "?" must stand.
func (d *decoder) object(n *yaml.Node, where, names string) object {
	o := object{decoder: d, node: n, where: where, fields: map[string]*yaml.Node{}}
	if n.Kind != yaml.MappingNode {
		d.fail(n, "%s is %s; want a mapping of fields", where, kindOf(n))
		return o
	}
	needed, optional, _ := strings.Cut(names, "?")
	need := strings.Fields(needed)
	known := append(slices.Clone(need), strings.Fields(optional)...)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !slices.Contains(known, key.Value) && !slices.Contains(known, "*") {
			d.fail(key, "unknown field %q in %s; want one of %s", key.Value, where, strings.Join(known, ", "))
		}
		if _, twice := o.fields[key.Value]; twice {
			d.fail(key, "field %s stands twice in %s; drop one", key.Value, where)
		}
		o.fields[key.Value] = value
	}
	for _, name := range need {
		if _, ok := o.fields[name]; !ok {
			d.fail(n, "%s has no %s; it must be given", where, name)
		}
	}
	return o
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "empty"
		}
		return strconv.Quote(n.Value)
	default:
		return "not a value"
	}
}

// has says whether the field stands.
func (o object) has(name string) bool { return o.fields[name] != nil }

// at returns the node of a field, or of the object where it is missing.
func (o object) at(name string) *yaml.Node {
	if n := o.fields[name]; n != nil {
		return n
	}
	return o.node
}

// scalar returns the text of a field, "" when it is missing.
func (o object) scalar(name, want string) (string, bool) {
	n := o.fields[name]
	if n == nil {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		o.fail(n, "%s.%s is %s; want %s", o.where, name, kindOf(n), want)
		return "", false
	}
	return n.Value, true
}

// text returns a field that must not be empty when it stands.
func (o object) text(name string) string {
	s, ok := o.scalar(name, "text")
	if ok && strings.TrimSpace(s) == "" {
		o.fail(o.at(name), "%s.%s is empty; want text", o.where, name)
	}
	return s
}

func (o object) time(name string) time.Time {
	s, ok := o.scalar(name, "a time such as 2006-01-02T15:04:05Z")
	if !ok {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		o.fail(o.at(name), "%s.%s %q is no time; want RFC 3339, such as 2006-01-02T15:04:05Z", o.where, name, s)
	}
	return t.UTC()
}

func (o object) duration(name string) time.Duration {
	s, ok := o.scalar(name, "a duration such as 60s")
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		o.fail(o.at(name), "%s.%s %q is no duration; want one above zero, such as 60s or 1m30s", o.where, name, s)
	}
	return d
}

// number returns a field between low and high, missing when it does not
// stand.
func (o object) number(name string, low, high, missing float64) float64 {
	s, ok := o.scalar(name, "a number")
	if !ok {
		return missing
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(x >= low && x <= high) || math.IsInf(x, 0) {
		o.fail(o.at(name), "%s.%s is %q; want %s", o.where, name, s, span(low, high))
		return missing
	}
	return x
}

func span(low, high float64) string {
	switch {
	case low == -math.MaxFloat64 && high == math.MaxFloat64:
		return "a number"
	case high == math.MaxFloat64:
		return fmt.Sprintf("a number ≥ %g", low)
	}
	return fmt.Sprintf("a number between %g and %g", low, high)
}

func (o object) count(name string) int {
	x := o.number(name, 0, 1e6, 0)
	if x != math.Trunc(x) {
		o.fail(o.at(name), "%s.%s is %v; want a whole number", o.where, name, x)
	}
	return int(x)
}

// list returns the items of a field; none when it is missing or empty.
func (o object) list(name string) []*yaml.Node {
	n := o.fields[name]
	if n == nil || n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		o.fail(n, "%s.%s is %s; want a list", o.where, name, kindOf(n))
		return nil
	}
	return n.Content
}
