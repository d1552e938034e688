package release

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/stats"
	"github.com/foreshock/foreshock/trend"
)

// stateVersion is raised whenever the encoding of a state changes.
const stateVersion = 11

// A State is what is remembered of a system under change between two frames.
// It is bounded, however many frames there were.
type State struct {
	sys    System
	policy prevention.Policy
	sizes  []pattern.Size // by signal
	// chained says whether the signals can show a cascade.
	chained bool
	mem     memory
	// Of one step, kept to be written over in the next.
	work         pattern.Workspace
	found, alike [][]finding // by release: of it, and of its control against before
}

// room returns room for the findings of a release, of one for each signal at
// most: those of the step before are written over.
func (s *State) room(of *[][]finding, i int) []finding {
	for len(*of) <= i {
		*of = append(*of, make([]finding, 0, len(s.sys.Signals)))
	}
	return (*of)[i]
}

// memory is the part of a state that is saved.
type memory struct {
	Frame    int       // frames stepped so far
	Start    time.Time // of the first frame
	At       time.Time // of the last frame
	Begun    int       // frame in which the first release or change began; −1 before
	Episode  int       // frame in which the present episode of trouble began; 0 before any
	Trouble  int       // the last frame with trouble
	Subjects []subject // releases, then changes
	Services []service
	Shown    []bool // by service and signal: failures were seen of some version of it
}

// A subject is what is remembered of one release or one change of the whole
// system.
type subject struct {
	Begun   int // frame of the first step; −1 before
	Stepped int // frame of the last step
	Routed  int // frame from which traffic is planned for it; −1 before
	Step    int
	Canary  []*pattern.Track   // by signal; nil when never measured
	Control []*pattern.Track   // since the first step
	Before  []*pattern.Track   // the control before it
	Counts  []*stats.CountTest // by signal; nil when counts are not known
	Limits  []*stats.LimitTest // by signal, the canary's counts against the limit
	Alike   []*stats.LimitTest // by signal, the control's counts against what they were before
	Tails   []*stats.TailTest  // by signal, observations over what is usual; nil when their sizes are not known
	Wanted  []*stats.CountTest // by signal, what is wanted of the requests, the versions in each other's place; nil when not counted
	Excused []int              // by signal, one more than the last frame in which what it shows began elsewhere; 0 for none
	Seen    int                // frame of the canary's first sample; −1 before
	Missed  int                // frames in a row without a sample of the canary
	Idle    int                // frames in a row without a sample of served work
	Reports float64            // running share of frames in which the control reported
	Serves  float64            // the same of served work
	Served  float64            // what Serves was when the release began
	Unasked time.Time          // since when nothing was answered of it; zero when it is answered
	Deaf    int                // the first frame that was answered after an outage; 0 where there was none
	Lost    int                // frames since the last step of which nothing is known
	Due     float64            // requests that the canary should have got since it last served; NaN when unknown
	Work    demand             // what its service served, in all versions
	Starved int                // frames in a row in which the control served nothing
	Proven  int                // frames in a row in which it was proven worse
	Latched prevention.Decision
	Stopped int      // frames since it latched
	Weighed []Choice // what each decision cost then, by what was known; nil while nothing is latched
	// WeighedAt is when that was.
	WeighedAt time.Time
	AtOnce    int       // frames in a row in which both versions fail since it began
	Held      time.Time // since when it is held; zero when it is not
	Expired   time.Time // since when it was held when that hold expired
	Why       prevention.Reason
	Laid      int     // the finding of a whole service for which it waits, as laidTo has it; 0 for none
	Blamed    bool    // whether the hold blames
	Clear     int     // frames in a row in which a hold's evidence was gone
	Recent    float64 // culprit probability, smoothed
	Worst     float64 // the greatest it ever was
	Phase     pattern.Phase
	// Exposed is the course of its weight, and LoadBefore and Load the traffic
	// at its service before and since anything began; nil when not measured.
	Exposed trend.Exposed
	// Split is which share of the traffic it was seen to get since its last step.
	Split            split
	LoadBefore, Load *stats.History
	// Signs are what the cause was last read from.
	Signs *prediction.Signs
	// PhaseSince is when the phase began.
	PhaseSince time.Time
}

// A service is what is remembered of a service as a whole.
type service struct {
	Before, After []*pattern.Track   // by signal; before and since anything began
	Worse         []*stats.LimitTest // by signal, counts since anything began against those before
	Rings         []*pattern.Ring    // by signal, the last frames; only where a change has no service
	Score         float64            // how badly it reacted, early reactions first
	Signal        int                // the signal that showed it most
	Onset         int                // frame in which it was first worse; 0 when it is not
	// Cascade is what its calls and their time were, and Waits the signal of that
	// time; nil where that is not measured.
	Cascade *prediction.Cascade
	Waits   int
}

// New returns the state of a system before its first frame.
func New(sys System, policy prevention.Policy) *State {
	s := &State{sys: sys, policy: policy, mem: memory{Begun: -1}}
	for range len(sys.Releases) + len(sys.Changes) {
		s.mem.Subjects = append(s.mem.Subjects, newSubject(len(sys.Signals)))
	}
	for range sys.Services {
		s.mem.Services = append(s.mem.Services, service{
			Before: make([]*pattern.Track, len(sys.Signals)), After: make([]*pattern.Track, len(sys.Signals)),
			Worse: make([]*stats.LimitTest, len(sys.Signals)), Rings: make([]*pattern.Ring, len(sys.Signals)),
		})
	}
	s.measure()
	return s
}

// Plan replaces the steps of one release, the index of which is given: those
// begun, and after them the plan for the rest. It is for live rollouts whose
// plan changes as they go; how far a release has got is said by the frames. A
// state is saved without its plan: [Load] takes the system with the steps in force.
func (s *State) Plan(release int, steps []Step) {
	s.sys.Releases = slices.Clone(s.sys.Releases)
	s.sys.Releases[release].Steps = slices.Clone(steps)
}

func newSubject(signals int) subject {
	return subject{
		Begun: -1, Routed: -1, Seen: -1, Due: math.NaN(), Work: newDemand(),
		Canary: make([]*pattern.Track, signals), Control: make([]*pattern.Track, signals),
		Before: make([]*pattern.Track, signals), Counts: make([]*stats.CountTest, signals),
		Limits: make([]*stats.LimitTest, signals), Alike: make([]*stats.LimitTest, signals),
		Tails: make([]*stats.TailTest, signals), Wanted: make([]*stats.CountTest, signals), Excused: make([]int, signals),
	}
}

// measure looks up the size of consequence of every signal.
func (s *State) measure() {
	s.sizes = make([]pattern.Size, len(s.sys.Signals))
	s.chained = chained(s.sys.Signals)
	for i, sig := range s.sys.Signals {
		z := s.policy.SizeOf(sig)
		s.sizes[i] = pattern.Size{Relative: z.Relative, Absolute: z.Absolute, Most: z.Most, Noise: z.Noise, Window: float64(sig.Window), Good: sig.Good()}
		if !symptom(sig) {
			s.sizes[i].Major = s.policy.Major
		}
	}
}

// wire is the saved form. Slices with holes are kept sparse, because gob
// cannot carry nil pointers inside slices.
type wire struct {
	Version  int
	Frame    int
	Start    time.Time
	At       time.Time
	Begun    int
	Episode  int
	Trouble  int
	Subjects []subject
	Services []service
	Holes    [][]bool
	Shown    []bool
}

// MarshalBinary returns the state in its versioned binary form.
func (s *State) MarshalBinary() ([]byte, error) {
	w := wire{
		Version: stateVersion, Frame: s.mem.Frame, Start: s.mem.Start, At: s.mem.At, Begun: s.mem.Begun,
		Episode: s.mem.Episode, Trouble: s.mem.Trouble, Shown: s.mem.Shown,
		Subjects: make([]subject, len(s.mem.Subjects)), Services: make([]service, len(s.mem.Services)),
	}
	for i, x := range s.mem.Subjects {
		x.Canary, w.Holes = dense(x.Canary, w.Holes)
		x.Control, w.Holes = dense(x.Control, w.Holes)
		x.Before, w.Holes = dense(x.Before, w.Holes)
		x.Counts, w.Holes = dense(x.Counts, w.Holes)
		x.Limits, w.Holes = dense(x.Limits, w.Holes)
		x.Alike, w.Holes = dense(x.Alike, w.Holes)
		x.Tails, w.Holes = dense(x.Tails, w.Holes)
		x.Wanted, w.Holes = dense(x.Wanted, w.Holes)
		w.Subjects[i] = x
	}
	for i, x := range s.mem.Services {
		x.Before, w.Holes = dense(x.Before, w.Holes)
		x.After, w.Holes = dense(x.After, w.Holes)
		x.Worse, w.Holes = dense(x.Worse, w.Holes)
		x.Rings, w.Holes = dense(x.Rings, w.Holes)
		w.Services[i] = x
	}
	var b bytes.Buffer
	b.Write(make([]byte, sealed))
	if err := gob.NewEncoder(&b).Encode(w); err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	out := b.Bytes()
	binary.BigEndian.PutUint32(out, crc32.ChecksumIEEE(out[sealed:]))
	binary.BigEndian.PutUint64(out[4:], s.sys.fingerprint())
	return out, nil
}

// sealed is the length of what stands before the encoded state: a checksum of
// it, and the fingerprint of its system.
const sealed = 4 + 8

// fingerprint tells systems apart: a state is of use only to its own.
func (sys System) fingerprint() uint64 {
	h := fnv.New64a()
	fmt.Fprintln(h, sys.Interval)
	for _, s := range sys.Services {
		fmt.Fprintf(h, "service %q\n", s.Name)
	}
	for _, g := range sys.Signals {
		fmt.Fprintf(h, "signal %q %s %q %q\n", g.Name, g.Kind, g.Query, g.Unit.Name)
	}
	for _, r := range sys.Releases {
		fmt.Fprintf(h, "release %q %d %q %q\n", r.ID, r.Service, r.Canary, r.Control)
	}
	for _, c := range sys.Changes {
		fmt.Fprintf(h, "change %q\n", c.ID)
	}
	return h.Sum64()
}

// Load returns the state that was saved of the same system.
func Load(sys System, policy prevention.Policy, data []byte) (*State, error) {
	if len(data) < sealed || binary.BigEndian.Uint32(data) != crc32.ChecksumIEEE(data[sealed:]) {
		return nil, errors.New("state is damaged: start the fold anew")
	}
	if binary.BigEndian.Uint64(data[4:]) != sys.fingerprint() {
		return nil, errors.New("state is of another system: start the fold anew")
	}
	var w wire
	if err := gob.NewDecoder(bytes.NewReader(data[sealed:])).Decode(&w); err != nil {
		return nil, fmt.Errorf("decode state: start the fold anew: %w", err)
	}
	if w.Version != stateVersion {
		return nil, fmt.Errorf("state has version %d; this program reads %d: start the fold anew", w.Version, stateVersion)
	}
	if len(w.Subjects) != len(sys.Releases)+len(sys.Changes) || len(w.Services) != len(sys.Services) {
		return nil, errors.New("state is of another system: start the fold anew")
	}
	s := &State{sys: sys, policy: policy, mem: memory{
		Frame: w.Frame, Start: w.Start, At: w.At, Begun: w.Begun,
		Episode: w.Episode, Trouble: w.Trouble, Shown: w.Shown, Subjects: w.Subjects, Services: w.Services,
	}}
	holes := w.Holes
	var ok [8]bool
	for i := range s.mem.Subjects {
		x := &s.mem.Subjects[i]
		x.Canary, holes, ok[0] = sparse(x.Canary, holes)
		x.Control, holes, ok[1] = sparse(x.Control, holes)
		x.Before, holes, ok[2] = sparse(x.Before, holes)
		x.Counts, holes, ok[3] = sparse(x.Counts, holes)
		x.Limits, holes, ok[4] = sparse(x.Limits, holes)
		x.Alike, holes, ok[5] = sparse(x.Alike, holes)
		x.Tails, holes, ok[6] = sparse(x.Tails, holes)
		x.Wanted, holes, ok[7] = sparse(x.Wanted, holes)
		if slices.Contains(ok[:8], false) || len(x.Canary) != len(sys.Signals) || len(x.Excused) != len(sys.Signals) {
			return nil, errors.New("state is of another system or damaged: start the fold anew")
		}
	}
	for i := range s.mem.Services {
		x := &s.mem.Services[i]
		x.Before, holes, ok[0] = sparse(x.Before, holes)
		x.After, holes, ok[1] = sparse(x.After, holes)
		x.Worse, holes, ok[2] = sparse(x.Worse, holes)
		x.Rings, holes, ok[3] = sparse(x.Rings, holes)
		if slices.Contains(ok[:4], false) || len(x.After) != len(sys.Signals) {
			return nil, errors.New("state is of another system or damaged: start the fold anew")
		}
	}
	s.measure()
	return s, nil
}

// dense drops the nil pointers of xs and appends where they were.
func dense[T any](xs []*T, holes [][]bool) ([]*T, [][]bool) {
	out, there := make([]*T, 0, len(xs)), make([]bool, len(xs))
	for i, x := range xs {
		if x != nil {
			out, there[i] = append(out, x), true
		}
	}
	return out, append(holes, there)
}

// sparse is the inverse of dense.
func sparse[T any](xs []*T, holes [][]bool) ([]*T, [][]bool, bool) {
	if len(holes) == 0 {
		return nil, holes, false
	}
	out := make([]*T, len(holes[0]))
	for i, there := range holes[0] {
		if !there {
			continue
		}
		if len(xs) == 0 {
			return nil, holes, false
		}
		out[i], xs = xs[0], xs[1:]
	}
	return out, holes[1:], len(xs) == 0
}
