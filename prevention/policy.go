package prevention

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/signal"
)

// A Policy is what counts as harm and how sure one must be. The defaults need
// no tuning: [DefaultPolicy].
type Policy struct {
	// Alpha is the false discovery rate over the signals of a release, for
	// signals whose noise must be estimated; CountAlpha that of counted
	// events, whose test needs no estimate. Both hold over all looks together.
	Alpha, CountAlpha float64
	// SuspectAlpha is the false discovery rate at which a release is suspected:
	// enough to wait before the next step, not to go back. It takes Alpha's
	// place; counted events keep their ratio to it.
	SuspectAlpha float64
	// PromoteBelow and RollbackAbove are the two levels of the probability of
	// harm at the next step between which a release is held.
	PromoteBelow, RollbackAbove float64
	// Blame is the probability of being the culprit from which a release is
	// blamed.
	Blame float64
	// MinFrames is how many frames of the new version are needed to say that
	// it does well.
	MinFrames int
	// Clear is how many frames a hold's evidence must be gone for.
	Clear int
	// StartUp is how long a new version may take to start, and StartUpFrames
	// the same in frames; the longer one counts. While its callers suffer the
	// frames alone count.
	StartUp       time.Duration
	StartUpFrames int
	// MaxHold is the least time after which a hold becomes escalate.
	MaxHold time.Duration
	// Major is how many times its size of consequence a lasting, flat rise of
	// a resource must be to count as harm by itself. A version that merely
	// uses more is a cost and not a failure.
	Major float64
	// CountFloor is the least excess share of failing work that is looked for
	// where events are counted, and CountRisk the probability of a larger
	// excess below which they are taken as harmless.
	CountFloor, CountRisk float64
	// Sizes are the changes of consequence by kind of signal.
	Sizes map[signal.Kind]Size
	// Signals overrides Sizes for signals by name.
	Signals map[string]Size
}

// Size is the change of a signal that is of consequence, and the least spread
// a signal is believed to have.
type Size struct {
	Relative float64 // share of the reference level, ≥ 0
	Absolute float64 // floor in the unit of the signal's dimension; see [Policy.SizeOf]
	Most     float64 // the floor is at most so many reference levels; 0 means no bound
	Noise    float64 // least standard deviation from frame to frame, same unit
}

// DefaultPolicy returns the policy that is used when nothing is said. The
// numbers are argued in docs/method/policy.md.
func DefaultPolicy() Policy {
	resource := Size{Relative: 0.15, Absolute: 0.05, Noise: 0.01}
	errs := Size{Relative: 0.2, Absolute: 0.002, Noise: 0.002}
	return Policy{
		Alpha: 0.002, CountAlpha: 0.02, SuspectAlpha: 0.02,
		PromoteBelow: 0.2, RollbackAbove: 0.8, Blame: 0.5,
		MinFrames: 5, Clear: 3,
		StartUp: 3 * time.Minute, StartUpFrames: 5,
		MaxHold:    10 * time.Minute,
		Major:      5,
		CountFloor: 0.0005, CountRisk: 0.1,
		Sizes: map[signal.Kind]Size{
			signal.Latency: {Relative: 0.1, Absolute: 0.01, Most: 2, Noise: 0.001}, signal.Errors: errs, signal.CPU: resource, signal.Memory: resource,
			signal.Network: resource, signal.Database: resource, signal.Cache: resource,
			signal.Dependency: errs, signal.Traffic: resource, signal.Retries: errs,
			signal.Timeouts: errs, signal.Crashes: errs, signal.Saturation: resource,
			signal.Infra: resource,
		},
		Signals: map[string]Size{},
	}
}

// Validate says what is wrong with the policy, if anything.
func (p Policy) Validate() error {
	for _, share := range []struct {
		name  string
		value float64
	}{{"alpha", p.Alpha}, {"countAlpha", p.CountAlpha}, {"suspectAlpha", p.SuspectAlpha}, {"blame", p.Blame}, {"countFloor", p.CountFloor}, {"countRisk", p.CountRisk}} {
		if !(share.value > 0 && share.value < 1) {
			return fmt.Errorf("policy: %s is %v; want between 0 and 1", share.name, share.value)
		}
	}
	if !(p.PromoteBelow > 0 && p.PromoteBelow < p.RollbackAbove && p.RollbackAbove < 1) {
		return fmt.Errorf("policy: promoteBelow is %v and rollbackAbove %v; want 0 < promoteBelow < rollbackAbove < 1",
			p.PromoteBelow, p.RollbackAbove)
	}
	if p.MinFrames < 3 || p.Clear < 1 || p.StartUpFrames < 1 {
		return fmt.Errorf("policy: minFrames is %d, clear %d and startUpFrames %d; want at least 3, 1 and 1",
			p.MinFrames, p.Clear, p.StartUpFrames)
	}
	if !(p.Major >= 1) {
		return fmt.Errorf("policy: major is %v; want at least 1", p.Major)
	}
	for _, k := range slices.Sorted(maps.Keys(p.Sizes)) {
		s := p.Sizes[k]
		if !(s.Relative >= 0 && s.Absolute >= 0 && s.Noise >= 0) || math.IsInf(s.Relative+s.Absolute+s.Noise, 0) {
			return fmt.Errorf("policy: the size of %s is %+v; want numbers ≥ 0", k, s)
		}
	}
	return nil
}

// SizeOf returns the size of consequence of a signal in its base unit. The
// absolute floors by kind are shares, seconds and cores; for signals in bytes
// they are taken of a gibibyte, numbers of things have one thing, and signals
// in other units have none: nothing is known of their scale.
func (p Policy) SizeOf(s signal.Signal) Size {
	if own, ok := p.Signals[s.Name]; ok {
		return own
	}
	size := p.Sizes[s.Kind]
	switch s.Unit.Dimension {
	case signal.Ratio, signal.CPUTime:
		if s.Kind == signal.Latency || s.Kind == signal.Traffic { // what comes of a request may be rare
			size.Absolute, size.Noise = 0, 0
		}
	case signal.Bytes:
		size.Absolute, size.Noise = 0.01*(1<<30), 0.001*(1<<30)
	case signal.Time:
		if s.Kind != signal.Latency {
			size.Absolute, size.Noise = 0.01, 0.001
		}
	case signal.Things:
		size.Absolute, size.Noise = 1, 0
	case signal.Rate, signal.Opaque:
		size.Absolute, size.Noise = 0, 0
	default:
		size.Absolute, size.Noise = 0, 0
	}
	return size
}

// Symptom says whether a kind of signal shows harm to users by itself.
func Symptom(k signal.Kind) bool {
	switch k {
	case signal.Latency, signal.Errors, signal.Dependency, signal.Retries, signal.Timeouts, signal.Crashes:
		return true
	case signal.CPU, signal.Memory, signal.Network, signal.Database, signal.Cache, signal.Traffic, signal.Saturation, signal.Infra:
		return false
	default:
		return false
	}
}
