package peer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// Word is what a policy says about the next step of a release.
type Word uint8

// The words. What is said after Stop does not matter.
const (
	GoOn Word = iota + 1 // nothing speaks against the next step
	Wait                 // not the next step, not now
	Stop                 // back to the old version, for good
)

var wordNames = [...]string{GoOn: "go on", Wait: "wait", Stop: "stop"}

// String returns the word in small letters.
func (w Word) String() string {
	if w == 0 || int(w) >= len(wordNames) {
		return fmt.Sprintf("Word(%d)", uint8(w))
	}
	return wordNames[w]
}

// Said is what a policy says of one release at one frame.
type Said struct {
	Release int // index into the system's releases
	At      time.Time
	Word    Word
	Why     string // what its last look found, in its own terms; "" before the first
	// Blind means that nothing it could judge by has ever been there.
	Blind bool
}

// Options tune a peer. The zero value is ready to use, but for End.
type Options struct {
	// End is the end of the recording, until which the last step lasts.
	End time.Time
	// Objective is how long a request may take. 0 means the limit of the
	// latency signal; without one, Argo's analysis has no latency condition.
	Objective time.Duration
	// Seed makes the noise that Kayenta adds to two constants.
	Seed uint64
}

// The names of the peers.
const (
	Argo       = "argo"   // Argo Rollouts, analysis as in the example of its manual
	ArgoStrict = "argo-0" // the same with the default failureLimit, 0
	Flagger    = "flagger"
	Kayenta    = "kayenta"
)

// Names returns the names that [New] knows.
func Names() []string { return []string{Argo, ArgoStrict, Flagger, Kayenta} }

// A Peer follows all releases of one system, frame by frame, as one tool
// would.
type Peer struct {
	name     string
	sys      release.System
	policies []policy // one a release
}

// A policy follows one release. It hears of every frame, also of those before
// the first step.
type policy interface {
	step(f signal.Frame) Said
}

// New returns a peer that has seen nothing. The error lists the known names.
func New(name string, sys release.System, o Options) (*Peer, error) {
	p := &Peer{name: name, sys: sys}
	for i := range sys.Releases {
		p.policies = append(p.policies, newPolicy(name, sys, i, o))
	}
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("unknown tool %q; want one of %s", name, strings.Join(Names(), ", "))
	}
	return p, nil
}

func newPolicy(name string, sys release.System, i int, o Options) policy {
	switch name {
	case ArgoStrict:
		return newArgo(sys, i, o, 0)
	case Flagger:
		return newFlagger(sys, i, o)
	case Kayenta:
		return newKayenta(sys, i, o)
	default:
		return newArgo(sys, i, o, argoFailureLimit)
	}
}

// Name returns the name the peer was made by.
func (p *Peer) Name() string { return p.name }

// Step takes one frame, in the order of time, and returns what is said of
// each release that has begun.
func (p *Peer) Step(f signal.Frame) []Said {
	var out []Said
	for i, x := range p.policies {
		said := x.step(f)
		if steps := p.sys.Releases[i].Steps; len(steps) > 0 && !steps[0].At.After(f.At) {
			out = append(out, said)
		}
	}
	return out
}

// leastInterval is the shortest interval that Flagger allows, and how soon
// Argo asks again after an error.
const leastInterval = 10 * time.Second

// interval returns how often a policy that looks by the clock looks at a
// release: four times in its first step, in whole frames, but not more often
// than there are frames, nor than Flagger allows.
func interval(sys release.System, r release.Release, end time.Time) time.Duration {
	var length time.Duration
	switch {
	case len(r.Steps) > 1:
		length = r.Steps[1].At.Sub(r.Steps[0].At)
	case len(r.Steps) == 1:
		length = end.Sub(r.Steps[0].At)
	}
	length /= 4
	if sys.Interval > 0 {
		length = length.Truncate(sys.Interval)
	}
	return max(leastInterval, sys.Interval, length)
}

// A schedule says when a policy looks. The first look is one interval after
// the first step begins, so that the window holds nothing from before it.
type schedule struct {
	every time.Duration
	next  time.Time // zero when nothing is released
}

func newSchedule(sys release.System, i int, o Options) schedule {
	r := sys.Releases[i]
	s := schedule{every: interval(sys, r, o.End)}
	if len(r.Steps) > 0 {
		s.next = r.Steps[0].At.Add(s.every)
	}
	return s
}

// due says whether there is a look at this time. Looks keep to their grid:
// one that is late does not make the next one late.
func (s *schedule) due(at time.Time) bool {
	if s.next.IsZero() || at.Before(s.next) {
		return false
	}
	for !at.Before(s.next) {
		s.next = s.next.Add(s.every)
	}
	return true
}

// soon makes the next look come after a short while.
func (s *schedule) soon(at time.Time, after time.Duration) {
	if again := at.Add(after); again.Before(s.next) {
		s.next = again
	}
}
