package model

import (
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/internal/strictyaml"
	"github.com/foreshock/foreshock/signal"
)

// decoder reads the nodes of a model, and object one mapping of it, with the
// units that models have.
type (
	decoder struct{ strictyaml.Decoder }
	object  struct{ strictyaml.Object }
)

// object reads a mapping with these fields; those before the "?" must stand.
func (d *decoder) object(n *yaml.Node, where, names string) object {
	return object{d.Object(n, where, names)}
}

func (o object) object(n *yaml.Node, where, names string) object {
	return object{o.Decoder.Object(n, where, names)}
}

// child reads a field that is a mapping; all of it is missing when it is.
func (o object) child(name, names string) object { return object{o.Child(name, names)} }

// seconds reads a span; "none" is endless.
func (o object) seconds(name string, missing float64) float64 {
	s, ok := o.Scalar(name, "a span such as 50ms")
	if !ok {
		return missing
	}
	if s == "none" {
		return math.Inf(1)
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		o.Fail(o.At(name), "%s is %q; want a span ≥ 0 such as 50ms, 2s or 1m30s", o.Name(name), s)
	}
	return d.Seconds()
}

// span reads a span above zero.
func (o object) span(name string, missing time.Duration) time.Duration {
	x := o.seconds(name, missing.Seconds())
	if !(x > 0) || math.IsInf(x, 1) || x > 1e7 {
		o.Fail(o.At(name), "%s is %v s; want a span above 0, such as 10s", o.Name(name), x)
		return missing
	}
	return time.Duration(math.Round(x * 1e9))
}

// number reads a number from low to high; "none" is endless where high is.
func (o object) number(name string, low, high, missing float64) float64 {
	if s, _ := o.Scalar(name, "a number"); s == "none" && math.IsInf(high, 1) {
		return high
	}
	return o.Number(name, low, high, missing)
}

// count reads a whole number of at least 1.
func (o object) count(name string, missing int) int { return o.Whole(name, 1, missing) }

// cores reads how many cores an instance has, and how many times longer its work
// takes on them: the part of a core that Kubernetes writes as 0.5 or 500m is one
// that is so much slower.
func (o object) cores() (n int, slower float64) {
	text, ok := o.Scalar("cores", "a number of cores")
	if !ok {
		return 1, 1
	}
	digits, milli := strings.CutSuffix(text, "m")
	x, err := strconv.ParseFloat(digits, 64)
	if milli {
		x /= 1000
	}
	switch {
	case err != nil || !(x >= 0.001 && x <= 1e6):
		o.Fail(o.At("cores"), "%s is %q; want a number of cores from 0.001 to 1000000, such as 4, 0.5 or 500m", o.Name("cores"), text)
	case x < 1:
		return 1, 1 / x
	case x != math.Trunc(x):
		o.Fail(o.At("cores"), "%s is %s; above one core want a whole number: write %.0f or %.0f, as a request runs on one core at a time", o.Name("cores"), text, math.Floor(x), math.Ceil(x))
	}
	return int(x), 1
}

// bytes reads an amount such as 512MiB; "none" is endless.
func (o object) bytes(name string, missing float64) float64 {
	s, ok := o.Scalar(name, "an amount such as 512MiB")
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
		o.Fail(o.At(name), "%s is %q; want an amount ≥ 0 such as 512MiB, 2GB or 4096", o.Name(name), s)
		return missing
	}
	if s == digits {
		return x
	}
	return x * u.Scale
}
