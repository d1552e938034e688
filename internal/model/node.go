package model

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/signal"
)

// A SyntaxError is a fault in a model.
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

// Hint says where the format is described.
func (e *SyntaxError) Hint() string {
	return "the fields are described in docs/how-to/simulate.md; 'foreshock simulate --print slack-2022-02-22' shows a model to begin with"
}

// maxYAML is the most YAML that is read.
const maxYAML = 1 << 20

// parse reads one YAML document without anchors, which could make little text
// huge.
func parse(file string, b []byte) (*yaml.Node, error) {
	if len(b) > maxYAML {
		return nil, &SyntaxError{File: file, Msg: "more than 1 MiB of YAML; a model has a few lines"}
	}
	var doc, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, &SyntaxError{File: file, Msg: "the file is empty; want a document with apiVersion, kind, metadata and spec"}
	} else if err != nil {
		msg := strings.TrimPrefix(err.Error(), "yaml: ")
		var line int
		if _, scan := fmt.Sscanf(msg, "line %d: ", &line); scan == nil {
			_, msg, _ = strings.Cut(msg, ": ")
		}
		return nil, &SyntaxError{File: file, Line: line, Msg: "this is no YAML: " + msg}
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, &SyntaxError{File: file, Line: second.Line, Msg: "a second document, or none that is well formed; want one document a file"}
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, &SyntaxError{File: file, Line: 1, Msg: "want a mapping of fields"}
	}
	if n := alias(doc.Content[0]); n != nil {
		return nil, &SyntaxError{File: file, Line: n.Line, Msg: "anchors and aliases are not read; write the value out"}
	}
	return doc.Content[0], nil
}

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

// decoder keeps the first fault; what is read after it is of no use.
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
	where  string
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
		if !slices.Contains(known, key.Value) {
			d.fail(key, "unknown field %q in %s; want one of %s", key.Value, where, strings.Join(known, ", "))
		}
		if o.fields[key.Value] != nil {
			d.fail(key, "field %s stands twice in %s; drop one", key.Value, where)
		}
		o.fields[key.Value] = value
	}
	for _, name := range need {
		if o.fields[name] == nil {
			d.fail(n, "%s has no %s; it must be given", where, name)
		}
	}
	return o
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return "empty"
	case n.Kind == yaml.ScalarNode:
		return strconv.Quote(n.Value)
	default:
		return "not a value"
	}
}

func (o object) has(name string) bool { return o.fields[name] != nil }

// at returns the node of a field, or of the object where it is missing.
func (o object) at(name string) *yaml.Node {
	if n := o.fields[name]; n != nil {
		return n
	}
	return o.node
}

// child reads a field that is a mapping; all of it is missing when it is.
func (o object) child(name, names string) object {
	if !o.has(name) {
		return object{decoder: o.decoder, node: o.node, where: o.where + "." + name, fields: map[string]*yaml.Node{}}
	}
	return o.object(o.at(name), o.where+"."+name, names)
}

func (o object) scalar(name, want string) (string, bool) {
	n := o.fields[name]
	if n == nil {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || strings.TrimSpace(n.Value) == "" {
		o.fail(n, "%s.%s is %s; want %s", o.where, name, kindOf(n), want)
		return "", false
	}
	return n.Value, true
}

func (o object) text(name string) string {
	s, _ := o.scalar(name, "text")
	return s
}

// texts reads a list of texts.
func (o object) texts(name string) []string {
	var out []string
	for i, n := range o.list(name) {
		if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" {
			o.fail(n, "%s.%s[%d] is %s; want text", o.where, name, i, kindOf(n))
		}
		out = append(out, n.Value)
	}
	return out
}

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

// seconds reads a span; "none" is endless.
func (o object) seconds(name string, missing float64) float64 {
	s, ok := o.scalar(name, "a span such as 50ms")
	if !ok {
		return missing
	}
	if s == "none" {
		return math.Inf(1)
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		o.fail(o.at(name), "%s.%s is %q; want a span ≥ 0 such as 50ms, 2s or 1m30s", o.where, name, s)
	}
	return d.Seconds()
}

// span reads a span above zero.
func (o object) span(name string, missing time.Duration) time.Duration {
	x := o.seconds(name, missing.Seconds())
	if !(x > 0) || math.IsInf(x, 1) || x > 1e7 {
		o.fail(o.at(name), "%s.%s is %v s; want a span above 0, such as 10s", o.where, name, x)
		return missing
	}
	return time.Duration(math.Round(x * 1e9))
}

// number reads a number from low to high; "none" is endless where high is.
func (o object) number(name string, low, high, missing float64) float64 {
	s, ok := o.scalar(name, "a number")
	if !ok {
		return missing
	}
	if s == "none" && math.IsInf(high, 1) {
		return math.Inf(1)
	}
	x, err := strconv.ParseFloat(s, 64)
	switch {
	case err == nil && x >= low && x <= high && !math.IsInf(x, 0):
		return x
	case math.IsInf(high, 1):
		o.fail(o.at(name), "%s.%s is %q; want a number ≥ %g", o.where, name, s, low)
	default:
		o.fail(o.at(name), "%s.%s is %q; want a number between %g and %g", o.where, name, s, low, high)
	}
	return missing
}

// count reads a whole number of at least 1.
func (o object) count(name string, missing int) int {
	x := o.number(name, 1, 1e6, float64(missing))
	if x != math.Trunc(x) {
		o.fail(o.at(name), "%s.%s is %v; want a whole number", o.where, name, x)
	}
	return int(x)
}

// bytes reads an amount such as 512MiB; "none" is endless.
func (o object) bytes(name string, missing float64) float64 {
	s, ok := o.scalar(name, "an amount such as 512MiB")
	if !ok {
		return missing
	}
	if s == "none" {
		return math.Inf(1)
	}
	digits := strings.TrimRight(s, "BKMGTikmgt")
	x, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	u := signal.ParseUnit(strings.TrimSpace(s[len(digits):]))
	if err != nil || x < 0 || (u.Dimension != signal.Bytes && s != digits) {
		o.fail(o.at(name), "%s.%s is %q; want an amount ≥ 0 such as 512MiB, 2GB or 4096", o.where, name, s)
		return missing
	}
	if s == digits {
		return x
	}
	return x * u.Scale
}
