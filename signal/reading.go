package signal

import (
	"fmt"
	"math"
	"time"
)

// Presence says whether a reading has a value, and if not, why.
type Presence uint8

// The presences. Only a Present reading has a value that is not NaN.
const (
	NeverSeen  Presence = iota + 1 // no sample since the signal was first asked for
	Present                        // a value
	Empty                          // the query answered nothing now, for the first time in a row
	NotANumber                     // the query answered NaN or an infinity
	Stopped                        // there were samples, and two scrapes or more were missed
)

var presenceNames = [...]string{
	NeverSeen: "never seen", Present: "present", Empty: "empty", NotANumber: "not a number", Stopped: "stopped",
}

// String returns the presence in plain words.
func (p Presence) String() string {
	if p == 0 || int(p) >= len(presenceNames) {
		return fmt.Sprintf("Presence(%d)", uint8(p))
	}
	return presenceNames[p]
}

// Cohort says on which side of a release a value was measured.
type Cohort uint8

// The cohorts. Whole is the service as a whole, for signals that are not
// measured per version and for services without a release.
const (
	Whole Cohort = iota + 1
	Canary
	Control
)

var cohortNames = [...]string{Whole: "whole", Canary: "canary", Control: "control"}

// String returns the cohort in small letters.
func (c Cohort) String() string {
	if c == 0 || int(c) >= len(cohortNames) {
		return fmt.Sprintf("Cohort(%d)", uint8(c))
	}
	return cohortNames[c]
}

// A Reading is one value of one signal at one instant, of one instance or of
// a whole cohort.
type Reading struct {
	Value    float64 // in base units; NaN unless Presence is Present
	N        float64 // observations behind Value since the last frame, ≥ 0; NaN when unknown
	Events   float64 // events among N, for ratios; NaN when unknown
	Presence Presence
	Instance string        // which instance (pod); "" for a value of the whole cohort
	Age      time.Duration // of the instance, since its first sample
	Level    float64       // what is normal now, from memory; NaN when there is none
	Spread   float64       // standard deviation of what is normal now; NaN when there is none
}

// Missing returns a reading without a value.
func Missing(p Presence, instance string) Reading {
	nan := math.NaN()
	return Reading{Value: nan, N: nan, Events: nan, Presence: p, Instance: instance, Level: nan, Spread: nan}
}

// A Cell holds the readings of one signal, of one service and cohort, at one
// instant. No readings means that the query was not asked, or got no answer.
type Cell struct {
	Service  int // index into the system's services
	Signal   int // index into the system's signals
	Release  int // index into the system's releases; −1 for a value of the whole service
	Cohort   Cohort
	Limit    float64 // the value that must not be passed now, in base units; NaN when there is none
	Readings []Reading
	// Buckets are the observations since the last frame by their size, where
	// the signal is a quantile of a histogram; nil when unknown.
	Buckets []Bucket
	// Ahead is what will be normal for a reading of the cell in 1, 2, 3, … hours,
	// from memory: a day of it, as Level of its readings is what is normal now.
	// Nil where memory does not know all of it, or there is no limit.
	Ahead []float64
}

// A Bucket counts the observations between the bound of the bucket before it
// and its own. Those of a cell ascend, and the last has no bound.
type Bucket struct {
	Bound float64 // the largest observation in it, in base units; +Inf for the last
	N     float64 // observations, ≥ 0
}

// Asked says whether the cell was asked for and answered, be it with nothing.
func (c Cell) Asked() bool { return len(c.Readings) > 0 }

// Exposure is how far one release has got at one instant.
type Exposure struct {
	Weight float64 // share of traffic on the new version, 0..1
	Step   int     // steps begun; 0 before the first
	Moving bool    // the weight is changing now
}

// A Frame is one instant of a whole system.
type Frame struct {
	At       time.Time
	Exposure []Exposure // one for each release of the system
	Cells    []Cell
}

// A Warning is something about a result that its reader must know. It is
// part of the result; an error replaces it.
type Warning struct {
	Code string // stable, kebab-case
	Text string // one sentence
}
