package release

import (
	"time"

	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/topology"
)

// A System is what is known of a system under change before anything is
// measured. Frames refer to its services, signals and releases by index.
type System struct {
	Interval time.Duration // between frames
	Services []Service
	Graph    topology.Graph // over Services
	Signals  []signal.Signal
	Releases []Release
	Changes  []Change
}

// A Service is one service of the system.
type Service struct {
	Name string
	// Selector holds label matchers ('service="cart"') that pick the
	// service's series; "" when only its name is known.
	Selector string
	// Criticality weighs the service in the blast radius, as OpenTelemetry's
	// service.criticality does; 1 when nothing is said.
	Criticality float64
	Visits      Visits // the zero value when nothing is said
}

// Visits say how users come to a service.
type Visits = prediction.Visits

// Strategy says how a release replaces the old version.
type Strategy uint8

// The strategies, as they are written in a recording.
const (
	CanaryRelease Strategy = iota + 1
	BlueGreen
	Rolling
	Recreate
)

// A Release is one new version of one service on its way into use.
type Release struct {
	ID       string // unique in the system
	Service  int    // index into System.Services
	From, To string // versions
	Strategy Strategy
	Canary   string // label matchers of the new version
	Control  string // label matchers of the stable version; "" means the service before the first step
	Steps    []Step // ascending in time; of those not yet begun the weights count and the times do not
	Rollback Safety
	Facts    []string // optional facts about the change, for people
}

// A Step is one raise of the new version's share of traffic.
//
// A live rollout, whose steps come when they come, gives its plan as steps and
// says in each frame how many of them have begun ([signal.Exposure]). The times
// of its steps may be zero: not known. Where they are given, they say how long
// a step is meant to take.
type Step struct {
	At, CompletedAt time.Time
	Weight          float64 // share of traffic on the new version when completed, 0..1
	CanaryReplicas  int     // 0 when unknown
	ControlReplicas int     // 0 when unknown
}

// Safety says whether going back to the old version is safe.
type Safety uint8

// The answers to "is rollback safe?".
const (
	SafetyUnknown Safety = iota + 1
	Safe
	Unsafe
)

// A Change is an event in the whole system that has no service of its own:
// what reacted badly to it?
type Change struct {
	ID   string
	At   time.Time
	What string // for people
}
