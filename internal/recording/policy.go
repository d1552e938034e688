package recording

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// LoadPolicy reads a policy: the default one with what the file changes of it.
// The fields are those of prevention.Policy, with small first letters. A size
// in sizes may change some of its fields; one in signals is of a signal by
// name, which has no default, and gives all but most.
func LoadPolicy(path string) (prevention.Policy, error) {
	text, err := limited(path)
	if err != nil {
		return prevention.Policy{}, fmt.Errorf("read policy: %w", err)
	}
	p, err := decodePolicy(path, text)
	if err != nil {
		return prevention.Policy{}, fmt.Errorf("read policy: %w", err)
	}
	return p, nil
}

func decodePolicy(path string, text []byte) (prevention.Policy, error) {
	node, err := parseFor(path, text, "fields such as 'alpha: 0.002'")
	if err != nil {
		return prevention.Policy{}, policyFault(err)
	}
	return policyOf(&decoder{file: path}, node)
}

// policyOf reads the fields of a policy.
func policyOf(d *decoder, node *yaml.Node) (prevention.Policy, error) {
	p := prevention.DefaultPolicy()
	o := d.object(node, "policy", "? "+policyFields)
	o.share("alpha", &p.Alpha)
	o.share("countAlpha", &p.CountAlpha)
	o.share("suspectAlpha", &p.SuspectAlpha)
	o.share("promoteBelow", &p.PromoteBelow)
	o.share("rollbackAbove", &p.RollbackAbove)
	o.share("blame", &p.Blame)
	o.share("countFloor", &p.CountFloor)
	o.share("countRisk", &p.CountRisk)
	o.whole("minFrames", 3, &p.MinFrames)
	o.whole("clear", 1, &p.Clear)
	o.whole("startUpFrames", 1, &p.StartUpFrames)
	if o.has("startUp") {
		p.StartUp = o.duration("startUp")
	}
	if o.has("maxHold") {
		p.MaxHold = o.duration("maxHold")
	}
	p.Major = o.number("major", 1, math.MaxFloat64, p.Major)
	if d.err == nil && p.PromoteBelow >= p.RollbackAbove {
		n := o.fields["promoteBelow"]
		if n == nil {
			n = o.at("rollbackAbove")
		}
		d.fail(n, "policy.promoteBelow is %v and policy.rollbackAbove %v; want the first below the second", p.PromoteBelow, p.RollbackAbove)
	}
	d.sizes(o, &p)
	d.signalSizes(o, &p)
	if err := p.Validate(); d.err == nil && err != nil { // what is not seen above
		return p, fmt.Errorf("%s: %w", d.file, err)
	}
	return p, policyFault(d.err)
}

const policyFields = "alpha countAlpha suspectAlpha promoteBelow rollbackAbove blame minFrames clear startUp startUpFrames maxHold major countFloor countRisk sizes signals"

// policyFault points a fault at where the fields of a policy are described.
func policyFault(err error) error {
	if fault, ok := errors.AsType[*SyntaxError](err); ok {
		fault.hint = "the fields and their defaults are described in docs/method/policy.md"
	}
	return err
}

// share reads a number strictly between 0 and 1.
func (o object) share(name string, to *float64) {
	if !o.has(name) {
		return
	}
	x := o.number(name, 0, 1, *to)
	if x <= 0 || x >= 1 {
		o.fail(o.at(name), "%s.%s is %v; want between 0 and 1, and neither of them", o.where, name, x)
	}
	*to = x
}

// whole reads a whole number.
func (o object) whole(name string, least int, to *int) {
	if !o.has(name) {
		return
	}
	n := o.count(name)
	if n < least {
		o.fail(o.at(name), "%s.%s is %d; want %d or more", o.where, name, n, least)
	}
	*to = n
}

// sizes reads the sizes of consequence by kind.
func (d *decoder) sizes(o object, p *prevention.Policy) {
	if !o.has("sizes") {
		return
	}
	var kinds []string
	for _, k := range signal.Kinds() {
		kinds = append(kinds, k.String())
	}
	sizes := d.object(o.at("sizes"), "sizes", "? "+strings.Join(kinds, " "))
	for _, k := range signal.Kinds() {
		if n := sizes.fields[k.String()]; n != nil {
			p.Sizes[k] = size(d.object(n, "sizes."+k.String(), "? relative absolute most noise"), p.Sizes[k])
		}
	}
}

// signalSizes reads the sizes of consequence by signal.
func (d *decoder) signalSizes(o object, p *prevention.Policy) {
	if !o.has("signals") {
		return
	}
	signals := d.object(o.at("signals"), "signals", "? *")
	for _, name := range slices.Sorted(maps.Keys(signals.fields)) { // so that of two faults always the same is said
		p.Signals[name] = size(d.object(signals.fields[name], "signals."+name, "relative absolute noise ? most"), prevention.Size{})
	}
}

func size(o object, s prevention.Size) prevention.Size {
	return prevention.Size{
		Relative: o.number("relative", 0, math.MaxFloat64, s.Relative),
		Absolute: o.number("absolute", 0, math.MaxFloat64, s.Absolute),
		Most:     o.number("most", 0, math.MaxFloat64, s.Most),
		Noise:    o.number("noise", 0, math.MaxFloat64, s.Noise),
	}
}
