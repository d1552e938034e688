package recording

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/internal/strictyaml"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// LoadPolicy reads a policy: the default one with what the file changes of it.
// The fields are those of prevention.Policy, with small first letters. A size
// in sizes may change some of its fields; one in signals is of a signal by
// name, which has no default, and gives all but most.
func LoadPolicy(path string) (prevention.Policy, error) {
	text, err := strictyaml.ReadFile(path)
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
	d := &strictyaml.Decoder{File: path, Mend: policyMend}
	node := d.Document(text, "fields such as 'alpha: 0.002'")
	if d.Err != nil {
		return prevention.Policy{}, d.Err
	}
	return policyOf(path, node)
}

// policyMend says where the fields of a policy are described.
const policyMend = "the fields and their defaults are described in docs/method/policy.md"

// policyOf reads the fields of a policy that stands in a file.
func policyOf(file string, node *yaml.Node) (prevention.Policy, error) {
	d := &strictyaml.Decoder{File: file, Mend: policyMend}
	p := prevention.DefaultPolicy()
	o := d.Object(node, "policy", "? "+policyFields)
	share(o, "alpha", &p.Alpha)
	share(o, "countAlpha", &p.CountAlpha)
	share(o, "suspectAlpha", &p.SuspectAlpha)
	share(o, "promoteBelow", &p.PromoteBelow)
	share(o, "rollbackAbove", &p.RollbackAbove)
	share(o, "blame", &p.Blame)
	share(o, "countFloor", &p.CountFloor)
	share(o, "countRisk", &p.CountRisk)
	integer(o, "minFrames", 3, &p.MinFrames)
	integer(o, "clear", 1, &p.Clear)
	integer(o, "startUpFrames", 1, &p.StartUpFrames)
	if o.Has("startUp") {
		p.StartUp = o.Duration("startUp")
	}
	if o.Has("maxHold") {
		p.MaxHold = o.Duration("maxHold")
	}
	p.Major = o.Number("major", 1, math.Inf(1), p.Major)
	if d.Err == nil && p.PromoteBelow >= p.RollbackAbove {
		n := o.Fields["promoteBelow"]
		if n == nil {
			n = o.At("rollbackAbove")
		}
		d.Fail(n, "policy.promoteBelow is %v and policy.rollbackAbove %v; want the first below the second", p.PromoteBelow, p.RollbackAbove)
	}
	sizesByKind(o, &p)
	sizesBySignal(o, &p)
	if err := p.Validate(); d.Err == nil && err != nil { // what is not seen above
		return p, fmt.Errorf("%s: %w", d.File, err)
	}
	return p, d.Err
}

const policyFields = "alpha countAlpha suspectAlpha promoteBelow rollbackAbove blame minFrames clear startUp startUpFrames maxHold major countFloor countRisk sizes signals"

// share reads a number strictly between 0 and 1.
func share(o strictyaml.Object, name string, to *float64) {
	if !o.Has(name) {
		return
	}
	x := o.Number(name, 0, 1, *to)
	if x <= 0 || x >= 1 {
		o.Fail(o.At(name), "%s is %v; want between 0 and 1, and neither of them", o.Name(name), x)
	}
	*to = x
}

// integer reads a whole number.
func integer(o strictyaml.Object, name string, least int, to *int) {
	if !o.Has(name) {
		return
	}
	n := o.Whole(name, 0, 0)
	if n < least {
		o.Fail(o.At(name), "%s is %d; want %d or more", o.Name(name), n, least)
	}
	*to = n
}

// sizesByKind reads the sizes of consequence by kind.
func sizesByKind(o strictyaml.Object, p *prevention.Policy) {
	if !o.Has("sizes") {
		return
	}
	var kinds []string
	for _, k := range signal.Kinds() {
		kinds = append(kinds, k.String())
	}
	sizes := o.Object(o.At("sizes"), "sizes", "? "+strings.Join(kinds, " "))
	for _, k := range signal.Kinds() {
		if n := sizes.Fields[k.String()]; n != nil {
			p.Sizes[k] = size(o.Object(n, "sizes."+k.String(), "? relative absolute most noise"), p.Sizes[k])
		}
	}
}

// sizesBySignal reads the sizes of consequence by signal.
func sizesBySignal(o strictyaml.Object, p *prevention.Policy) {
	if !o.Has("signals") {
		return
	}
	signals := o.Object(o.At("signals"), "signals", "? *")
	for _, name := range slices.Sorted(maps.Keys(signals.Fields)) { // so that of two faults always the same is said
		p.Signals[name] = size(o.Object(signals.Fields[name], "signals."+name, "relative absolute noise ? most"), prevention.Size{})
	}
}

func size(o strictyaml.Object, s prevention.Size) prevention.Size {
	return prevention.Size{
		Relative: o.Number("relative", 0, math.Inf(1), s.Relative),
		Absolute: o.Number("absolute", 0, math.Inf(1), s.Absolute),
		Most:     o.Number("most", 0, math.Inf(1), s.Most),
		Noise:    o.Number("noise", 0, math.Inf(1), s.Noise),
	}
}
