package signal

import (
	"fmt"
	"strings"
)

// Kind says what a signal measures. It decides the stress domain, the
// direction that is worse and the size of change that matters.
type Kind uint8

// The kinds of signals, as they are written in a recording.
const (
	Latency    Kind = iota + 1 // how long work takes
	Errors                     // share or rate of work that fails
	CPU                        // processor use
	Memory                     // memory use
	Network                    // bytes and packets, drops, retransmits
	Database                   // queries, locks, pools, replication
	Cache                      // hits, evictions
	Dependency                 // how the services that are called behave
	Traffic                    // work that arrives
	Retries                    // attempts beyond the first
	Timeouts                   // work given up on
	Crashes                    // restarts, out-of-memory kills
	Saturation                 // queues, pools, threads, connections
	Infra                      // what is below the service: nodes, disks, clocks
)

var kindNames = [...]string{
	Latency: "latency", Errors: "errors", CPU: "cpu", Memory: "memory", Network: "network",
	Database: "database", Cache: "cache", Dependency: "dependency", Traffic: "traffic",
	Retries: "retries", Timeouts: "timeouts", Crashes: "crashes", Saturation: "saturation", Infra: "infra",
}

// Kinds returns every kind, in the order of their declaration.
func Kinds() []Kind {
	ks := make([]Kind, 0, len(kindNames)-1)
	for k := Latency; int(k) < len(kindNames); k++ {
		ks = append(ks, k)
	}
	return ks
}

// String returns the kind as it is written in a recording.
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// ParseKind reads a kind. The error lists the known ones.
func ParseKind(s string) (Kind, error) {
	for k := Latency; int(k) < len(kindNames); k++ {
		if kindNames[k] == s {
			return k, nil
		}
	}
	return 0, fmt.Errorf("unknown kind %q; want one of %s", s, strings.Join(kindNames[1:], ", "))
}

// Domain is one of the seven parts of a system that a release stresses, or
// Symptom for what is measured across them.
type Domain uint8

// The seven stress domains, and the symptoms measured across them.
const (
	DomainSymptom Domain = iota + 1
	DomainCPU
	DomainMemory
	DomainNetwork
	DomainDatabase
	DomainDependency
	DomainCache
	DomainTraffic
)

var domainNames = [...]string{
	DomainSymptom: "symptom", DomainCPU: "cpu", DomainMemory: "memory", DomainNetwork: "network",
	DomainDatabase: "database", DomainDependency: "dependencies", DomainCache: "caches", DomainTraffic: "traffic",
}

// String returns the domain's name in small letters.
func (d Domain) String() string {
	if d == 0 || int(d) >= len(domainNames) {
		return fmt.Sprintf("Domain(%d)", uint8(d))
	}
	return domainNames[d]
}

// Domain returns the stress domain a kind belongs to.
func (k Kind) Domain() Domain {
	switch k {
	case CPU, Infra, Saturation:
		return DomainCPU
	case Memory:
		return DomainMemory
	case Network:
		return DomainNetwork
	case Database:
		return DomainDatabase
	case Dependency:
		return DomainDependency
	case Cache:
		return DomainCache
	case Traffic:
		return DomainTraffic
	case Latency, Errors, Retries, Timeouts, Crashes:
		return DomainSymptom
	default:
		return DomainSymptom
	}
}

// Direction is the way in which a signal gets worse.
type Direction uint8

// The directions, as they are written in a recording.
const (
	Up Direction = iota + 1
	Down
	Both
)

var directionNames = [...]string{Up: "up", Down: "down", Both: "both"}

// String returns the direction as it is written in a recording.
func (d Direction) String() string {
	if d == 0 || int(d) >= len(directionNames) {
		return fmt.Sprintf("Direction(%d)", uint8(d))
	}
	return directionNames[d]
}

// ParseDirection reads a direction.
func ParseDirection(s string) (Direction, error) {
	for d := Up; int(d) < len(directionNames); d++ {
		if directionNames[d] == s {
			return d, nil
		}
	}
	return 0, fmt.Errorf("unknown direction %q; want up, down or both", s)
}

// Worse returns the direction in which signals of this kind get worse when
// nothing else is said: traffic and network either way, caches down, the
// rest up.
func (k Kind) Worse() Direction {
	switch k {
	case Cache:
		return Down
	case Traffic, Network:
		return Both
	default:
		return Up
	}
}

// Shows names, in plain words, the failures that signals of this kind show
// first, and that go unseen where there is none.
func (k Kind) Shows() string {
	switch k {
	case Latency:
		return "answers that get slow"
	case Errors:
		return "requests that fail"
	case CPU:
		return "work that costs more, throttling"
	case Memory:
		return "leaks, memory near its limit"
	case Network:
		return "packets that are dropped or sent again"
	case Database:
		return "pools that run out, lock waits, slow queries"
	case Cache:
		return "a cache that no longer hits"
	case Dependency:
		return "services it calls that slow down or fail"
	case Traffic:
		return "traffic that is lost, doubled or routed wrong"
	case Retries:
		return "retries that feed on themselves"
	case Timeouts:
		return "work that is given up on"
	case Crashes:
		return "restarts, kills for want of memory"
	case Saturation:
		return "queues, threads and connections that fill up"
	case Infra:
		return "refused configuration, sick nodes, missing endpoints"
	default:
		return k.String()
	}
}
