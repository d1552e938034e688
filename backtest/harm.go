package backtest

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"

	"github.com/foreshock/foreshock/release"
)

// The two halves of a collection of recordings: one to look at while the
// engine is changed, one to look at when it is done.
const (
	Tune = "tune"
	Test = "test"
)

// SplitOf returns the half that a recording belongs to, by the name of its
// folder: the test half where the FNV-1a hash (64 bits) is even, else the tune
// half. So it depends on nothing else, and new recordings move no old one.
func SplitOf(folder string) string {
	h := fnv.New64a()
	h.Write([]byte(folder))
	if h.Sum64()%2 == 0 {
		return Test
	}
	return Tune
}

// A Harm compares policies by the users they let be harmed, over recordings
// whose harmed requests were counted.
type Harm struct {
	All    Standing    `json:"all"`
	Tune   Standing    `json:"tune"`
	Test   Standing    `json:"test"`
	Faults []FaultHarm `json:"faults"` // by fault, in the order of their names
}

// A Standing is how policies stand over some recordings.
type Standing struct {
	Recordings int `json:"recordings"`
	Faulty     int `json:"faulty"` // recordings with a faulty release

	Nobody       release.Number `json:"harmedIfNobodyActs"` // requests, in all
	NobodyMedian release.Number `json:"medianIfNobodyActs"` // of a faulty recording; null when there is none

	Later   int `json:"failsLater"`  // bad releases that fail above their first step
	AtOnce  int `json:"failsAtOnce"` // bad releases that fail in their first step
	Healthy int `json:"healthy"`     // releases

	Policies []PolicyStanding `json:"policies"`

	Delay Delay `json:"healthyStepDelay"`

	CauseRight    int            `json:"causeRight"`
	CauseOf       int            `json:"causeOf"`
	MajorityClass release.Number `json:"majorityBaseline"` // share that always the commonest class would get; null of nothing
}

// A PolicyStanding is how one policy stands.
type PolicyStanding struct {
	Policy     string         `json:"policy"`
	Harmed     release.Number `json:"harmed"` // requests, in all
	Median     release.Number `json:"median"` // of a faulty recording; null when there is none
	Averted    int            `json:"averted"`
	InFirst    int            `json:"inFirstStep"`
	Stopped    int            `json:"healthyStopped"`
	RolledBack int            `json:"healthyRolledBack"`
	Held       int            `json:"healthyHeld"`    // kept from a step, or held at the end
	Waiting    int            `json:"healthyWaiting"` // held or unknown at the end: the last word is to wait
	Unknown    int            `json:"healthyUnknown"` // of these, by an unknown
	Blind      int            `json:"blind"`          // releases of which it could judge nothing
}

// A Delay says how long healthy releases stood at a step before the next one
// was promoted.
type Delay struct {
	Steps    int `json:"steps"`
	Censored int `json:"censored"` // steps whose next one was not promoted before it began
	// Median is the Kaplan-Meier median in seconds, which takes a censored
	// delay as at least what was seen; null when too many are censored.
	Median release.Number `json:"medianSeconds"`
}

// A FaultHarm is the harm of one kind of fault, as the truth names it.
type FaultHarm struct {
	Fault      string         `json:"fault"`
	Recordings int            `json:"recordings"`
	Nobody     release.Number `json:"medianIfNobodyActs"`
	Policies   []PolicyHarm   `json:"policies"`
}

// A PolicyHarm is the harm under one policy.
type PolicyHarm struct {
	Policy string         `json:"policy"`
	Median release.Number `json:"median"`
}

// Compare sums scores up by policy; nil when no harmed requests were counted.
func Compare(scores []Score) *Harm {
	counted := keep(scores, func(s Score) bool { return s.Counted })
	if len(counted) == 0 {
		return nil
	}
	return &Harm{
		All:    standing(counted),
		Tune:   standing(keep(counted, func(s Score) bool { return s.Split == Tune })),
		Test:   standing(keep(counted, func(s Score) bool { return s.Split == Test })),
		Faults: byFault(counted),
	}
}

func keep(scores []Score, want func(Score) bool) []Score {
	return slices.DeleteFunc(slices.Clone(scores), func(s Score) bool { return !want(s) })
}

// faulty says whether a recording counts for the harm: a release did it.
func (s Score) faulty() bool { return !isNaN(s.Nobody) }

func isNaN(n release.Number) bool { return math.IsNaN(float64(n)) }

func standing(scores []Score) Standing {
	out := Standing{Recordings: len(scores), Policies: []PolicyStanding{}}
	total := Sum(scores)
	out.CauseRight, out.CauseOf, out.MajorityClass = total.CauseRight, total.CauseOf, total.MajorityClass
	var nobody []float64
	var delays []StepDelay
	for _, s := range scores {
		if s.faulty() {
			out.Faulty++
			nobody = append(nobody, float64(s.Nobody))
		}
		for _, x := range s.Subjects {
			delays = append(delays, x.StepDelays...)
			out.Later += count(x.FailsLater)
			out.AtOnce += count(!isNaN(x.FailsAt) && !x.FailsLater)
			out.Healthy += count(!x.Bad && !x.Change)
		}
	}
	out.Nobody, out.NobodyMedian, out.Delay = sum(nobody), median(nobody), delayOf(delays)
	for _, name := range policiesOf(scores) {
		out.Policies = append(out.Policies, policyStanding(scores, name))
	}
	return out
}

// policiesOf lists the names of all policies, in the order in which they stand.
func policiesOf(scores []Score) []string {
	var names []string
	for _, s := range scores {
		for _, p := range s.Policies {
			if !slices.Contains(names, p.Policy) {
				names = append(names, p.Policy)
			}
		}
	}
	return names
}

// Of returns what a policy would have done in the recording; false when it
// was not asked.
func (s Score) Of(policy string) (Played, bool) {
	i := slices.IndexFunc(s.Policies, func(p Played) bool { return p.Policy == policy })
	if i < 0 {
		return Played{}, false
	}
	return s.Policies[i], true
}

func policyStanding(scores []Score, name string) PolicyStanding {
	out := PolicyStanding{Policy: name}
	var harmed []float64
	for _, s := range scores {
		p, _ := s.Of(name)
		if s.faulty() {
			harmed = append(harmed, float64(p.Harmed))
		}
		for i, a := range p.Releases {
			out.Blind += count(a.Blind)
			if a.Bad {
				later := s.Subjects[i].FailsLater
				out.Averted += count(later && a.Averted)
				out.InFirst += count(!isNaN(s.Subjects[i].FailsAt) && !later && a.InFirst)
				continue
			}
			out.Stopped += count(a.StoppedAt != nil)
			out.RolledBack += count(a.RolledBack)
			out.Held += count(a.Held)
			out.Waiting += count(a.Waiting)
			out.Unknown += count(a.Unknown)
		}
	}
	out.Harmed, out.Median = sum(harmed), median(harmed)
	return out
}

// sum adds numbers up; 0 of nothing.
func sum(xs []float64) release.Number {
	var out float64
	for _, x := range xs {
		out += x
	}
	return release.Number(out)
}

// delayOf returns the median of delays of which some are only known to be at
// least so long.
//
// It is the Kaplan-Meier estimate: going up through the delays, the share that
// still waits is multiplied by 1 − 1/(as many as were seen to wait so long) at
// each that ended; the median is where it falls to one half.
//
// Source: E. L. Kaplan, P. Meier, Nonparametric estimation from incomplete
// observations, Journal of the American Statistical Association 53 (1958).
func delayOf(delays []StepDelay) Delay {
	out := Delay{Steps: len(delays), Median: release.Number(math.NaN())}
	// Of equal delays those that ended come first: the others were still there.
	sorted := slices.SortedFunc(slices.Values(delays), func(a, b StepDelay) int {
		return cmp.Or(cmp.Compare(a.Seconds, b.Seconds), count(a.Censored)-count(b.Censored))
	})
	waiting := 1.0
	for i, d := range sorted {
		if d.Censored {
			out.Censored++
			continue
		}
		waiting *= 1 - 1/float64(len(sorted)-i)
		if isNaN(out.Median) && waiting <= 0.5+1e-12 {
			out.Median = d.Seconds
		}
	}
	return out
}

// byFault returns the median harm of each fault.
func byFault(scores []Score) []FaultHarm {
	out := []FaultHarm{}
	scores = keep(scores, Score.faulty)
	for _, s := range scores {
		if slices.ContainsFunc(out, func(f FaultHarm) bool { return f.Fault == s.Fault }) {
			continue
		}
		same := standing(keep(scores, func(x Score) bool { return x.Fault == s.Fault }))
		f := FaultHarm{Fault: s.Fault, Recordings: same.Faulty, Nobody: same.NobodyMedian, Policies: []PolicyHarm{}}
		for _, p := range same.Policies {
			f.Policies = append(f.Policies, PolicyHarm{Policy: p.Policy, Median: p.Median})
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b FaultHarm) int { return cmp.Compare(a.Fault, b.Fault) })
	return out
}
