package slo

import (
	"math"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/internal/strictyaml"
)

// object is a mapping of which some fields are read. The others are another
// tool's, and one that is empty does not stand.
type object struct{ strictyaml.Object }

func (r *reader) object(n *yaml.Node, where string) object {
	return without(r.Object(n, where, "? *"))
}

// without drops the fields that are empty.
func without(o strictyaml.Object) object {
	for name, n := range o.Fields {
		if n.Tag == "!!null" {
			delete(o.Fields, name)
		}
	}
	return object{o}
}

// in reads a mapping that must be there.
func (o object) in(name string) object {
	if !o.Has(name) {
		o.Fail(o.Node, "%s has no %s; it must be given", o.Where, name)
	}
	return without(o.Child(name, "? *"))
}

// text returns a field, "" where it is missing.
func (o object) text(name string) string {
	s, _ := o.Scalar(name, "text")
	return s
}

// must returns a field that must be given.
func (o object) must(name string) string {
	s := o.text(name)
	if strings.TrimSpace(s) == "" {
		o.Fail(o.At(name), "%s has no %s; it must be given", o.Where, name)
	}
	return s
}

// spelled returns which of two spellings of a field stands, the first where
// none does.
func (o object) spelled(first, second string) string {
	switch {
	case !o.Has(second):
		return first
	case o.Has(first):
		o.Fail(o.At(second), "%s has both %s and %s, which say the same; leave one out", o.Where, first, second)
	}
	return second
}

// number returns a field that must be a number.
func (o object) number(name string) float64 {
	o.must(name)
	return o.Number(name, math.Inf(-1), math.Inf(1), 0)
}

// span returns a field such as 30d, 0 where it is missing.
func (o object) span(name string) time.Duration {
	s := o.text(name)
	if s == "" {
		return 0
	}
	d, err := model.ParseDuration(s)
	if err != nil {
		o.Fail(o.At(name), "%s is %q; want a span such as 30d or 4w", o.Name(name), s)
	}
	return time.Duration(d)
}

// list returns the items of a field that must be a list with at least one.
func (o object) list(name string) []*yaml.Node {
	n := o.Fields[name]
	if n == nil || n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		o.Fail(o.At(name), "%s is no list with an item; want one objective or more", o.Name(name))
		return nil
	}
	return n.Content
}
