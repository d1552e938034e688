package strictyaml

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// An Object is a mapping. What it reads of a field that does not stand is zero,
// or what the caller names.
type Object struct {
	*Decoder
	Node   *yaml.Node
	Where  string                // "spec.releases[2]", or "the recording" for a whole document
	Fields map[string]*yaml.Node // those that stand, by name
}

// Object reads a mapping with these fields; those before the "?" must stand,
// and "*" among the others allows any.
func (d *Decoder) Object(n *yaml.Node, where, names string) Object {
	o := Object{Decoder: d, Node: n, Where: where, Fields: map[string]*yaml.Node{}}
	if n.Kind != yaml.MappingNode {
		d.Fail(n, "%s is %s; want a mapping of fields", where, Describe(n))
		return o
	}
	needed, optional, _ := strings.Cut(names, "?")
	need := strings.Fields(needed)
	known := append(slices.Clone(need), strings.Fields(optional)...)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !slices.Contains(known, key.Value) && !slices.Contains(known, "*") {
			d.Fail(key, "unknown field %q in %s; want one of %s", key.Value, where, strings.Join(known, ", "))
		}
		if o.Has(key.Value) {
			d.Fail(key, "field %s stands twice in %s; drop one", key.Value, where)
		}
		o.Fields[key.Value] = value
	}
	for _, name := range need {
		if !o.Has(name) {
			d.Fail(n, "%s has no %s; it must be given", where, name)
		}
	}
	return o
}

// Describe says what a node is, for messages.
func Describe(n *yaml.Node) string {
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

// Has says whether the field stands.
func (o Object) Has(name string) bool { return o.Fields[name] != nil }

// At returns the node of a field, or of the object where it is missing.
func (o Object) At(name string) *yaml.Node {
	if n := o.Fields[name]; n != nil {
		return n
	}
	return o.Node
}

// Name says where a field is: "spec.start", or just "kind" in a document.
func (o Object) Name(field string) string {
	if strings.HasPrefix(o.Where, "the ") {
		return field
	}
	return o.Where + "." + field
}

// Child reads a field that is a mapping; when it does not stand, neither does
// any field of it.
func (o Object) Child(name, names string) Object {
	if !o.Has(name) {
		return Object{Decoder: o.Decoder, Node: o.Node, Where: o.Name(name)}
	}
	return o.Object(o.At(name), o.Name(name), names)
}

// Scalar returns the text of a field, and whether it has one. What is wanted
// is said when it is a mapping, a list or empty.
func (o Object) Scalar(name, want string) (string, bool) {
	n := o.Fields[name]
	if n == nil {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		o.Fail(n, "%s is %s; want %s", o.Name(name), Describe(n), want)
		return "", false
	}
	return n.Value, true
}

// Text returns a field that must not be blank when it stands.
func (o Object) Text(name string) string {
	s, ok := o.Scalar(name, "text")
	if ok && strings.TrimSpace(s) == "" {
		o.Fail(o.At(name), "%s is empty; want text", o.Name(name))
	}
	return s
}

// Texts returns a list of texts.
func (o Object) Texts(name string) []string {
	var out []string
	o.each(name, func(item Object, at string) { out = append(out, item.Text(at)) })
	return out
}

// Flag returns a field that is true or false.
func (o Object) Flag(name string) bool {
	s, ok := o.Scalar(name, "true or false")
	if ok && s != "true" && s != "false" {
		o.Fail(o.At(name), "%s is %q; want true or false", o.Name(name), s)
	}
	return s == "true"
}

// Time returns an instant, in UTC.
func (o Object) Time(name string) time.Time {
	s, ok := o.Scalar(name, "a time such as 2006-01-02T15:04:05Z")
	if !ok {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		o.Fail(o.At(name), "%s %q is no time; want RFC 3339, such as 2006-01-02T15:04:05Z", o.Name(name), s)
	}
	return t.UTC()
}

// Duration returns a duration above zero.
func (o Object) Duration(name string) time.Duration {
	s, ok := o.Scalar(name, "a duration such as 60s")
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		o.Fail(o.At(name), "%s %q is no duration; want one above zero, such as 60s or 1m30s", o.Name(name), s)
	}
	return d
}

// Number returns a field from low to high, either of which may be infinite,
// though the number may not.
func (o Object) Number(name string, low, high, missing float64) float64 {
	s, ok := o.Scalar(name, "a number")
	if !ok {
		return missing
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(x >= low && x <= high) || math.IsInf(x, 0) {
		o.Fail(o.At(name), "%s is %q; want %s", o.Name(name), s, span(low, high))
		return missing
	}
	return x
}

func span(low, high float64) string {
	switch {
	case math.IsInf(low, -1) && math.IsInf(high, 1):
		return "a number"
	case math.IsInf(high, 1):
		return "a number ≥ " + number(low)
	}
	return fmt.Sprintf("a number between %s and %s", number(low), number(high))
}

// number writes a number as one would type it: 1000000 rather than 1e+06.
func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// Numbers returns a list of numbers from low to high.
func (o Object) Numbers(name string, low, high float64) []float64 {
	var out []float64
	o.each(name, func(item Object, at string) { out = append(out, item.Number(at, low, high, 0)) })
	return out
}

// Whole returns a whole number from low to a million.
func (o Object) Whole(name string, low, missing int) int {
	x := o.Number(name, float64(low), 1e6, float64(missing))
	if x != math.Trunc(x) {
		o.Fail(o.At(name), "%s is %v; want a whole number", o.Name(name), x)
	}
	return int(x)
}

// List returns the items of a field; none when it is missing or empty.
func (o Object) List(name string) []*yaml.Node {
	n := o.Fields[name]
	if n == nil || n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		o.Fail(n, "%s is %s; want a list", o.Name(name), Describe(n))
		return nil
	}
	return n.Content
}

// each hands out the items of a list, each as a field "name[i]" of an object.
func (o Object) each(name string, read func(item Object, at string)) {
	for i, n := range o.List(name) {
		at := fmt.Sprintf("%s[%d]", name, i)
		read(Object{Decoder: o.Decoder, Node: n, Where: o.Where, Fields: map[string]*yaml.Node{at: n}}, at)
	}
}
