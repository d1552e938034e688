package signal

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Signal says how one quantity is measured, for every service and cohort
// alike.
type Signal struct {
	Name  string
	Kind  Kind
	Query string // PromQL with $service, $sel and $window
	Unit  Unit
	Scope Scope
	Worse Direction // 0 means [Kind.Worse]
	Limit Limit
	// Window is over how many frames one value looks back, as rate() does over
	// its range; neighbouring values share what lies in both. 0 counts as 1.
	Window int
	// Quantile is which quantile of its observations a value is, 0..1, where the
	// query asks for one of a histogram; 0 else.
	Quantile float64
	// Family is the name of the signal as the user wrote it, when one
	// histogram was expanded into several signals ("latency" of
	// "latency:p99"); otherwise it is Name.
	Family string
}

// Direction returns the direction in which the signal gets worse.
func (s Signal) Direction() Direction {
	if s.Worse != 0 {
		return s.Worse
	}
	return s.Kind.Worse()
}

// Good says whether a signal is a share of what goes well, such as of requests
// that succeed: a ratio of which less is worse. What is missing to all of it is
// what fails.
func (s Signal) Good() bool { return s.Unit.Dimension == Ratio && s.Direction() == Down }

// Limit is a value that a signal must not pass, in the signal's base unit:
// either a constant or the answer to a query.
type Limit struct {
	Set   bool
	Value float64 // used when Query is ""
	Query string
	// Over is the time that a share which may fail is meant for, as the window of
	// an objective; 0 where it is no budget, or that is not known.
	Over time.Duration
}

// Scope says of what a signal is measured.
type Scope uint8

// The scopes, as they are written in a recording.
const (
	PerCohort  Scope = iota + 1 // of each version apart
	PerService                  // of the service as a whole
)

var scopeNames = [...]string{PerCohort: "cohort", PerService: "service"}

// String returns the scope as it is written in a recording.
func (s Scope) String() string {
	if s == 0 || int(s) >= len(scopeNames) {
		return fmt.Sprintf("Scope(%d)", uint8(s))
	}
	return scopeNames[s]
}

// ParseScope reads a scope.
func ParseScope(s string) (Scope, error) {
	for c := PerCohort; int(c) < len(scopeNames); c++ {
		if scopeNames[c] == s {
			return c, nil
		}
	}
	return 0, fmt.Errorf("unknown scope %q; want cohort or service", s)
}

// Dimension is what a unit measures. A value of an Opaque unit can be
// compared only with values of the same signal.
type Dimension uint8

// The dimensions.
const (
	Opaque  Dimension = iota + 1
	Time              // seconds
	Bytes             // bytes
	Ratio             // a share, mostly 0..1
	Rate              // events per second: requests, errors, packets, bytes
	Things            // a number of things: pods, connections, threads
	CPUTime           // cores: CPU seconds per second
)

// A Unit is a unit of measure with the factor to its base unit.
type Unit struct {
	Name      string // as the user wrote it
	Base      string // the base unit: "s", "B", "ratio", "/s", "cores" or Name for things and opaque units
	Scale     float64
	Dimension Dimension
}

var units = map[string]Unit{
	"":        {Base: "", Scale: 1, Dimension: Opaque},
	"s":       {Base: "s", Scale: 1, Dimension: Time},
	"ms":      {Base: "s", Scale: 1e-3, Dimension: Time},
	"us":      {Base: "s", Scale: 1e-6, Dimension: Time},
	"µs":      {Base: "s", Scale: 1e-6, Dimension: Time},
	"ns":      {Base: "s", Scale: 1e-9, Dimension: Time},
	"min":     {Base: "s", Scale: 60, Dimension: Time},
	"h":       {Base: "s", Scale: 3600, Dimension: Time},
	"B":       {Base: "B", Scale: 1, Dimension: Bytes},
	"kB":      {Base: "B", Scale: 1e3, Dimension: Bytes},
	"MB":      {Base: "B", Scale: 1e6, Dimension: Bytes},
	"GB":      {Base: "B", Scale: 1e9, Dimension: Bytes},
	"KiB":     {Base: "B", Scale: 1 << 10, Dimension: Bytes},
	"MiB":     {Base: "B", Scale: 1 << 20, Dimension: Bytes},
	"GiB":     {Base: "B", Scale: 1 << 30, Dimension: Bytes},
	"ratio":   {Base: "ratio", Scale: 1, Dimension: Ratio},
	"percent": {Base: "ratio", Scale: 1e-2, Dimension: Ratio},
	"cores":   {Base: "cores", Scale: 1, Dimension: CPUTime},
}

var unitAliases = map[string]string{
	"second": "s", "seconds": "s", "sec": "s", "millisecond": "ms", "milliseconds": "ms", "microseconds": "us",
	"nanoseconds": "ns", "minutes": "min", "hours": "h", "byte": "B", "bytes": "B", "kilobytes": "kB",
	"megabytes": "MB", "gigabytes": "GB", "kibibytes": "KiB", "mebibytes": "MiB", "gibibytes": "GiB",
	"1": "ratio", "fraction": "ratio", "share": "ratio", "%": "percent", "pct": "percent", "core": "cores", "cpus": "cores",
}

// countable are the things a number of which may be measured.
var countable = "requests errors packets events messages operations queries calls retries timeouts restarts pods " +
	"instances connections threads goroutines processes descriptors files items keys jobs"

// ParseUnit reads a unit. A unit that is not known is opaque: its values are
// taken as they are. "x/s" is a rate of x; bytes are scaled in rates too.
func ParseUnit(name string) Unit {
	key := strings.TrimSpace(name)
	if long, ok := unitAliases[key]; ok {
		key = long
	}
	if u, ok := units[key]; ok {
		u.Name = name
		return u
	}
	if num, per, ok := strings.Cut(key, "/"); ok && (per == "s" || per == "sec" || per == "second" || per == "min") {
		u := ParseUnit(num)
		scale := u.Scale
		if per == "min" {
			scale /= 60
		}
		if u.Dimension == Time { // CPU seconds per second
			return Unit{Name: name, Base: "cores", Scale: scale, Dimension: CPUTime}
		}
		if u.Dimension == Ratio { // "1/s": nobody says of what, and no share
			if num == "1" {
				num = ""
			}
			return Unit{Name: name, Base: num + "/s", Scale: scale / u.Scale, Dimension: Rate}
		}
		base := u.Base + "/s"
		if u.Base == "" || u.Dimension == Opaque {
			base = num + "/s"
		}
		return Unit{Name: name, Base: base, Scale: scale, Dimension: Rate}
	}
	if slices.Contains(strings.Fields(countable), key) {
		return Unit{Name: name, Base: name, Scale: 1, Dimension: Things}
	}
	return Unit{Name: name, Base: name, Scale: 1, Dimension: Opaque}
}
