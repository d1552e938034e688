package release

import (
	"cmp"
	"math"
	"slices"

	"github.com/foreshock/foreshock/prevention"
)

// A Tally sums up the assessments of a whole recording.
type Tally struct {
	sums map[string]*Outcome
}

// NewTally returns a tally that has seen nothing.
func NewTally() *Tally {
	return &Tally{sums: map[string]*Outcome{}}
}

// Warns says whether an assessment is a warning: a rollback, or a hold that
// blames. An escalate that stands for a rollback which is not safe, or which
// may not help, is one too.
func (a Assessment) Warns() bool {
	return a.Verdict == prevention.Rollback.String() ||
		(a.Verdict == prevention.Hold.String() && a.Blames) ||
		(a.Verdict == prevention.Escalate.String() && (a.Reason == prevention.UnsafeRollback.String() || a.Reason == prevention.Together.String()))
}

// Calm says whether nothing was wrong, as far as is known, when it was made: no
// hold, no rollback, nobody called. What latched earlier does not count.
func (a Assessment) Calm() bool {
	return a.Shadow == prevention.Promote.String() || a.Shadow == prevention.Unknown.String()
}

// Add takes one assessment, in the order of time.
func (t *Tally) Add(a Assessment) {
	r := t.sums[a.ID]
	if r == nil {
		r = &Outcome{ID: a.ID, Service: a.Service}
		t.sums[a.ID] = r
	}
	at, weight := a.At, a.Weight
	if a.Verdict == prevention.Promote.String() && r.FirstPromoteAt == nil {
		r.FirstPromoteAt = &at
	}
	if a.Warns() {
		if r.FirstWarnAt == nil {
			r.FirstWarnAt, r.FirstWarnWeight = &at, &weight
		}
		if len(a.Cause) > 0 {
			r.Cause = a.Cause[0].Class
		}
	}
	if a.Verdict == prevention.Rollback.String() && r.FirstStopAt == nil {
		r.FirstStopAt, r.FirstStopWeight = &at, &weight
	}
	r.Verdict, r.Reason, r.Sentence = a.Verdict, a.Reason, a.Sentence
	r.Culprit = Number(math.Max(float64(r.Culprit), 0))
	if !a.Warns() || float64(a.Culprit) > float64(r.Culprit) || r.FirstWarnAt == nil {
		r.Culprit = a.Culprit
	}
}

// Summary returns what is said of the whole recording. A release that was
// warned of keeps the culprit's probability of its worst hour: blame is not
// washed off when the symptoms end.
func (t *Tally) Summary(recording string, s *State, warnings []WarningText) Summary {
	out := Summary{Type: "summary", Recording: recording, Releases: []Outcome{}, Culprits: []Culprit{}, Subsystems: s.Subsystems(), Warnings: warnings}
	if out.Warnings == nil {
		out.Warnings = []WarningText{}
	}
	for i := range s.mem.Subjects {
		if r := t.sums[s.id(i)]; r != nil {
			out.Releases = append(out.Releases, *r)
		}
	}
	out.Culprits = s.ranking()
	return out
}

// Subsystems ranks the services by how badly they reacted, the worst first, and a
// cause before its victims.
func (s *State) Subsystems() []Subsystem {
	out := []Subsystem{}
	for j, x := range s.mem.Services {
		name := ""
		if x.Score > 0 {
			name = s.sys.Signals[x.Signal].Name
		}
		out = append(out, Subsystem{Service: s.sys.Services[j].Name, Score: Number(s.asCause(j)), Signal: name})
	}
	slices.SortStableFunc(out, func(a, b Subsystem) int { return cmp.Compare(b.Score, a.Score) })
	return out
}

// asCause returns how badly a service reacted, as a cause: one that suffers as what it
// calls suffers, by half as much or more, comes after that. Not so one of which a release
// or change is blamed.
func (s *State) asCause(j int) float64 {
	x := &s.mem.Services[j]
	if x.Score == 0 || !symptom(s.sys.Signals[x.Signal]) {
		return x.Score
	}
	for i, r := range s.sys.Releases {
		if r.Service == j && s.mem.Subjects[i].Worst >= s.policy.Blame {
			return x.Score
		}
	}
	score := x.Score
	for k, calls := range s.sys.Graph.Downstream(j) {
		y := &s.mem.Services[k]
		if k == j || calls <= 0 || y.Score < x.Score/2 || s.sys.Signals[y.Signal].Kind != s.sys.Signals[x.Signal].Kind {
			continue
		}
		score = math.Min(score, victim*y.Score)
	}
	return score
}

// victim is what a service counts at most that suffers with what it calls.
const victim = 0.95

// ranking returns the culprits by the greatest share of blame each had, and
// "none" by what that leaves.
func (s *State) ranking() []Culprit {
	out := []Culprit{}
	worst := 0.0
	for i, x := range s.mem.Subjects {
		if x.Begun >= 0 {
			out = append(out, Culprit{ID: s.id(i), Probability: Number(x.Worst)})
			worst = math.Max(worst, x.Worst)
		}
	}
	out = append(out, Culprit{ID: none, Probability: Number(1 - worst)})
	slices.SortStableFunc(out, func(a, b Culprit) int { return cmp.Compare(b.Probability, a.Probability) })
	return out
}

// remember keeps the worst that was thought of a subject while anything was
// wrong, smoothed over three frames so that one frame alone does not count,
// and fading while the trouble lasts and shows more of its causes, until it is
// blamed and stopped.
func (s *State) remember(sc *scene) {
	wrong := len(sc.incidents) > 0
	for _, p := range sc.blame.Culprit {
		wrong = wrong || p >= s.policy.Blame
	}
	for i := range s.mem.Subjects {
		x := &s.mem.Subjects[i]
		if x.Begun < 0 || x.unasked() {
			continue
		}
		x.Recent += (sc.blame.Culprit[i] - x.Recent) / 3
		kept := 0.9
		if x.Latched.Blames {
			kept = 1 // what comes after it was stopped says nothing of it
		}
		if wrong {
			x.Worst = math.Max(x.Recent, kept*x.Worst)
		}
	}
}
