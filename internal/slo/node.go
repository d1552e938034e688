package slo

import (
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// object is a mapping of which some fields are read. The others are another
// tool's.
type object struct {
	*reader
	node   *yaml.Node
	where  string // "spec.objectives[2]"
	fields map[string]*yaml.Node
}

func (r *reader) object(n *yaml.Node, where string) object {
	o := object{reader: r, node: n, where: where, fields: map[string]*yaml.Node{}}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s is %s; want a mapping of fields", where, kindOf(n))
		return o
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if _, twice := o.fields[key.Value]; twice {
			r.fail(key, "field %s stands twice in %s; drop one", key.Value, where)
		}
		if value.Tag != "!!null" {
			o.fields[key.Value] = value
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

// in reads a mapping that must be there.
func (o object) in(name string) object {
	if !o.has(name) {
		o.fail(o.node, "%s has no %s; it must be given", o.where, name)
		return object{reader: o.reader, node: o.node, where: o.where + "." + name, fields: map[string]*yaml.Node{}}
	}
	return o.object(o.at(name), o.name(name))
}

// name says where a field is.
func (o object) name(field string) string {
	if o.where == "the document" {
		return field
	}
	return o.where + "." + field
}

// text returns a field, "" where it is missing.
func (o object) text(name string) string {
	n := o.fields[name]
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		o.fail(n, "%s is %s; want text", o.name(name), kindOf(n))
		return ""
	}
	return n.Value
}

// must returns a field that must be given.
func (o object) must(name string) string {
	s := o.text(name)
	if strings.TrimSpace(s) == "" {
		o.fail(o.at(name), "%s has no %s; it must be given", o.where, name)
	}
	return s
}

// number returns a field that must be a number.
func (o object) number(name string) float64 {
	s := o.must(name)
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || x-x != 0 {
		o.fail(o.at(name), "%s is %q; want a number", o.name(name), s)
	}
	return x
}

// span returns a field such as 30d, 0 where it is missing.
func (o object) span(name string) time.Duration {
	s := o.text(name)
	if s == "" {
		return 0
	}
	d, err := model.ParseDuration(s)
	if err != nil {
		o.fail(o.at(name), "%s is %q; want a span such as 30d or 4w", o.name(name), s)
	}
	return time.Duration(d)
}

// list returns the items of a field that must be a list with at least one.
func (o object) list(name string) []*yaml.Node {
	n := o.fields[name]
	if n == nil || n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		o.fail(o.at(name), "%s is no list with an item; want one objective or more", o.name(name))
		return nil
	}
	return n.Content
}
