package backtest

import (
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/backtest/peer"
	"github.com/foreshock/foreshock/release"
)

// Truth is what really happened in a recording.
type Truth struct {
	Faulty    []string  // ids of releases, or services
	Class     []string  // any of these causes counts as right
	OnsetAt   time.Time // zero when unknown
	CrashedAt time.Time // zero when it did not crash
	Fault     string    // in the words of who made the recording
	FailsAt   float64   // share of traffic at which the faulty release fails, 0..1; NaN when unknown
	Requests  *Requests // nil when nobody counted them
}

// A Score is how well one recording was judged.
type Score struct {
	Recording string    `json:"recording"`
	Subjects  []Subject `json:"subjects"`
	// Rank is the place of the first faulty release among the culprits, or of
	// the first faulty service among the subsystems when no release is
	// faulty; 1 is the best, 0 when nothing was faulty.
	Rank int `json:"rank"`
	// Both says whether every faulty service stands before every other one
	// (only for changes of the whole system).
	Both          bool `json:"both"`
	HealthyFrames int  `json:"healthyFrames"`
	FalseFrames   int  `json:"falseFrames"` // healthy frames with a warning
	// Cause is what was said, "" when nothing was; Right says whether it is
	// among the right ones, of which there are none when they are unknown.
	Cause string   `json:"cause"`
	Class []string `json:"class"`
	Right bool     `json:"causeRight"`

	Fault string `json:"fault"` // "" when nothing was, or nobody says
	Split string `json:"split"` // tune or test; see SplitOf
	// Counted says whether the harmed requests were counted, and Nobody how
	// many they are if nobody acts; null unless a release is faulty.
	Counted  bool           `json:"counted"`
	Nobody   release.Number `json:"harmedIfNobodyActs"`
	Policies []Played       `json:"policies"` // what each would have done; none without releases
	// Predictions are what was foretold with what came of it, in the order in
	// which it was said.
	Predictions []Kept `json:"predictions"`
}

// A Subject is one release or change of a recording with how it was judged.
type Subject struct {
	ID          string         `json:"id"`
	Bad         bool           `json:"bad"`
	Change      bool           `json:"change"` // of the whole system
	Warned      bool           `json:"warned"`
	RolledBack  bool           `json:"rolledBack"`
	Contained   bool           `json:"contained"`     // never promoted before its second step; means nothing for a change
	InTime      bool           `json:"inTime"`        // promoted before its second step
	InWindow    bool           `json:"inWindow"`      // warned of between onset and crash
	Exposure    release.Number `json:"exposure"`      // percent when first warned; null without a warning
	Delay       release.Number `json:"delaySeconds"`  // from onset, or else the first step, to the warning; null without one
	Window      release.Number `json:"windowSeconds"` // from onset to crash; null when unknown
	Culprit     release.Number `json:"culprit"`       // at the end of the first step
	Verdict     string         `json:"verdict"`
	Reason      string         `json:"reason"`
	FailsAt     release.Number `json:"failsAtWeight"` // percent of traffic at which a bad one fails; null when unknown
	FailsLater  bool           `json:"failsLater"`    // its first step is below that
	Foretold    *Foretold      `json:"foretold"`      // null when nothing was
	NotForetold string         `json:"notForetold"`   // why no weight was foretold, as it was said last before it failed; "" when nothing was
	StepDelays  []StepDelay    `json:"stepDelays"`    // of healthy releases
}

// A Judge follows one recording's assessments.
type Judge struct {
	truth  Truth
	sys    release.System
	score  Score
	second map[string]time.Time
	first  map[string]time.Time
	index  map[string]int

	contenders []*contender
	promoted   map[stepOf]time.Time
	ledger     ledger
	last       time.Time // of the last assessment
}

// NewJudge returns a judge of one recording.
func NewJudge(name string, sys release.System, truth Truth) *Judge {
	j := &Judge{
		truth: truth, sys: sys, second: map[string]time.Time{}, first: map[string]time.Time{}, index: map[string]int{},
		score:    Score{Recording: name, Subjects: []Subject{}, Class: append([]string{}, truth.Class...), Fault: truth.Fault, Counted: truth.Requests != nil},
		promoted: map[stepOf]time.Time{}, ledger: newLedger(),
	}
	add := func(s Subject) {
		nan := release.Number(math.NaN())
		s.Exposure, s.Delay, s.Window, s.Culprit, s.Contained, s.StepDelays = nan, nan, nan, nan, true, []StepDelay{}
		if crash := truth.CrashedAt; s.Bad && !crash.IsZero() {
			s.Window = release.Number(crash.Sub(j.began(s.ID)).Seconds())
		}
		i := len(j.score.Subjects)
		j.index[s.ID] = i
		j.score.Subjects = append(j.score.Subjects, s)
		j.score.Subjects[i].FailsAt, j.score.Subjects[i].FailsLater = j.failing(i)
	}
	for _, r := range sys.Releases {
		if len(r.Steps) > 0 {
			j.first[r.ID] = r.Steps[0].At
		}
		if len(r.Steps) > 1 {
			j.second[r.ID] = r.Steps[1].At
		}
		add(Subject{ID: r.ID, Bad: slices.Contains(truth.Faulty, r.ID) || slices.Contains(truth.Faulty, sys.Services[r.Service].Name)})
	}
	for _, c := range sys.Changes {
		j.first[c.ID] = c.At
		add(Subject{ID: c.ID, Change: true, Bad: len(truth.Faulty) > 0 && !j.anyBadRelease()})
	}
	j.contenders = []*contender{newContender(Guard, sys, peer.GoOn), newContender(Gate, sys, peer.Wait)}
	return j
}

func (j *Judge) anyBadRelease() bool {
	return slices.ContainsFunc(j.score.Subjects, func(s Subject) bool { return s.Bad && !s.Change })
}

// Add takes one assessment, in the order of time.
func (j *Judge) Add(a release.Assessment) {
	i, ok := j.index[a.ID]
	if !ok {
		return
	}
	s := &j.score.Subjects[i]
	j.last = a.At
	j.enter(i, &a)
	if i < len(j.sys.Releases) {
		j.ours(i, a)
		j.foretell(i, a)
		if !s.Bad && a.Verdict == "promote" {
			j.promotes(i, a.At)
		}
	}
	before := true
	if second, ok := j.second[a.ID]; ok {
		before = a.At.Before(second)
	}
	if before {
		s.Culprit = a.Culprit
		if a.Verdict == "promote" {
			s.InTime, s.Contained = true, false
		}
	}
	healthy := !s.Bad || (!j.truth.OnsetAt.IsZero() && a.At.Before(j.truth.OnsetAt))
	if healthy {
		j.score.HealthyFrames++
	}
	if held := a.Verdict == "hold" && a.Reason == "silent"; s.Bad && !healthy && len(a.Cause) > 0 && (a.Warns() || held) {
		j.score.Cause = a.Cause[0].Class
	}
	if a.Warns() {
		j.warn(s, a, healthy)
	}
	s.RolledBack = s.RolledBack || a.Verdict == "rollback"
	s.Verdict, s.Reason = a.Verdict, a.Reason
}

// warn takes a warning. One of something bad before its onset is a false
// one, and does not count as having warned.
func (j *Judge) warn(s *Subject, a release.Assessment, healthy bool) {
	if healthy {
		j.score.FalseFrames++
		if s.Bad {
			return
		}
	}
	if s.Warned {
		return
	}
	s.Warned, s.Exposure = true, a.Weight
	s.Delay = release.Number(a.At.Sub(j.began(s.ID)).Seconds())
	s.InWindow = s.Window > 0 && !a.At.After(j.truth.CrashedAt)
}

// began returns when the fault did, or else the first step.
func (j *Judge) began(id string) time.Time {
	if j.truth.OnsetAt.IsZero() {
		return j.first[id]
	}
	return j.truth.OnsetAt
}

// Score returns the recording's score with its summary.
func (j *Judge) Score(sum release.Summary) Score {
	s := j.score
	for i := range j.sys.Releases {
		if !s.Subjects[i].Bad {
			s.Subjects[i].StepDelays = j.delays(i)
		}
	}
	s.Nobody, s.Policies, s.Predictions = j.nobody(), j.played(), j.kept()
	var names []string
	if j.anyBadRelease() {
		for _, c := range sum.Culprits {
			if c.ID != "none" {
				names = append(names, c.ID)
			}
		}
		s.Rank = j.rank(names, func(id string) bool {
			i, ok := j.index[id]
			return ok && s.Subjects[i].Bad
		})
	} else if len(j.truth.Faulty) > 0 {
		for _, x := range sum.Subsystems {
			names = append(names, x.Service)
		}
		s.Rank = j.rank(names, j.faulty)
		s.Both = true
		for _, n := range names[:min(len(names), len(j.truth.Faulty))] {
			s.Both = s.Both && j.faulty(n)
		}
	}
	s.Right = slices.Contains(j.truth.Class, s.Cause)
	return s
}

// faulty says whether a service is a faulty one, or its own database.
func (j *Judge) faulty(name string) bool {
	return slices.ContainsFunc(j.truth.Faulty, func(f string) bool { return name == f || name == f+"-db" })
}

func (j *Judge) rank(names []string, bad func(string) bool) int {
	for i, n := range names {
		if bad(n) {
			return i + 1
		}
	}
	return len(names) + 1
}
