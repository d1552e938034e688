package release

import (
	"math"
	"strconv"
	"time"
)

// Number is a number on the wire: six significant digits, and null for a
// missing one (NaN).
type Number float64

// MarshalJSON writes the number.
func (n Number) MarshalJSON() ([]byte, error) {
	f := float64(n)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, f, 'g', 6, 64), nil
}

// UnmarshalJSON reads a number; null is NaN.
func (n *Number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return err
	}
	*n = Number(f)
	return nil
}

// An Assessment is what is said of one release in one frame, in its wire
// form (foreshock.dev/v1alpha1).
type Assessment struct {
	Type        string        `json:"type"` // "assessment"
	Recording   string        `json:"recording"`
	ID          string        `json:"id"`
	Service     string        `json:"service"` // "" for a change of the whole system
	At          time.Time     `json:"at"`
	Weight      Number        `json:"weight"` // percent of traffic on the new version
	Moving      bool          `json:"moving"`
	Phase       string        `json:"phase"`
	PhaseSince  time.Time     `json:"phaseSince"`
	PhaseEnds   string        `json:"phaseEnds"`
	Verdict     string        `json:"verdict"`
	Reason      string        `json:"reason"`
	Blames      bool          `json:"blames"`
	Shadow      string        `json:"shadow"` // what would be said without the latch
	Sentence    string        `json:"sentence"`
	Ladder      []Climbed     `json:"ladder"`
	Next        *Next         `json:"next"`
	Patterns    []PatternSeen `json:"patterns"`
	Stress      []Stress      `json:"stress"`
	Predictions []Prediction  `json:"predictions"`
	Cause       []CauseClass  `json:"cause"`
	Culprit     Number        `json:"culprit"`
	Culprits    []Culprit     `json:"culprits"`
	BlastRadius *BlastRadius  `json:"blastRadius"`
	WhatNext    []Happening   `json:"whatNext"`
	NextStep    *NextStep     `json:"nextStep"`
	Harm        Number        `json:"harm"` // probability that going on does harm, at the next step or one after it, from the signals
	Unknown     *Unknowing    `json:"unknown"`
	Evidence    []Evidence    `json:"evidence"`
	Unchanged   int           `json:"unchanged"` // signals without a sign of harm
	Warnings    []WarningText `json:"warnings"`
}

// Quantiles are the 10, 50 and 90 % points of something uncertain.
type Quantiles struct {
	P10 Number `json:"p10"`
	P50 Number `json:"p50"`
	P90 Number `json:"p90"`
}

// Times are the 10, 50 and 90 % points of an instant.
type Times struct {
	P10 time.Time `json:"p10"`
	P50 time.Time `json:"p50"`
	P90 time.Time `json:"p90"`
}

// Durations are the 10, 50 and 90 % points of a time span, as Go writes
// durations ("4m30s").
type Durations struct {
	P10 string `json:"p10"`
	P50 string `json:"p50"`
	P90 string `json:"p90"`
}

// Climbed is a rung of the failure ladder that was reached.
type Climbed struct {
	Rung   string `json:"rung"`
	Signal string `json:"signal"`
	Onset  Times  `json:"onset"`
}

// Next is the rung to expect next.
type Next struct {
	Rung  string     `json:"rung"`
	Order string     `json:"order"` // the known order that fits best
	In    *Durations `json:"in"`    // null when one rung alone gives no pace
	// Record is how right such predictions were; null without a record.
	Record *Past `json:"record,omitempty"`
}

// PatternSeen is a shape in a signal.
type PatternSeen struct {
	Kind        string `json:"kind"`
	Signal      string `json:"signal"`
	Onset       Times  `json:"onset"`
	Probability Number `json:"probability"`
	Evidence    string `json:"evidence"`
	Against     string `json:"against,omitempty"`
}

// Stress is how much more the new version asks of a domain per unit of work.
type Stress struct {
	Domain string    `json:"domain"`
	Signal string    `json:"signal"`
	Ratio  Quantiles `json:"ratio"` // new version over stable one
}

// Prediction is a statement about the future.
type Prediction struct {
	Kind        string     `json:"kind"` // "exhausts", "daily-peak", "fails-at" or "cascade"
	Signal      string     `json:"signal"`
	Service     string     `json:"service,omitempty"`
	Probability Number     `json:"probability"`        // of failing by 100 % of traffic; null when a reason is given
	Weight      *Quantiles `json:"weight,omitempty"`   // percent of traffic, may be over 100
	NextStep    *Number    `json:"nextStep,omitempty"` // probability that the next step does it
	Limit       *Number    `json:"limit,omitempty"`    // the value that is met, in the signal's base unit
	At          *Times     `json:"at,omitempty"`
	Reason      string     `json:"reason,omitempty"` // why no weight or threshold is given, and what it needs
	Record      *Past      `json:"record,omitempty"` // how right such predictions were; null without a record

	// Of a cascade, null where it is not known.
	Phase         string  `json:"phase,omitempty"`         // calm, slower, queueing, retrying, multiplying, collapsed or stuck
	Amplification *Number `json:"amplification,omitempty"` // calls for each that would be made if none failed
	LoopGain      *Number `json:"loopGain,omitempty"`      // above 1 it feeds itself
	Tips          *Number `json:"tips,omitempty"`          // first attempts per second at which it goes down by itself
	Recovers      *Number `json:"recovers,omitempty"`      // and under which it comes back by itself
	Margin        *Number `json:"margin,omitempty"`        // share by which the load may grow before it would not come back
	Shed          *Number `json:"shed,omitempty"`          // share of the load, 0..1, to keep away until it is back
	Tries         *Number `json:"tries,omitempty"`         // most tries with which it comes back by itself
	Text          string  `json:"text,omitempty"`

	// AtNextStep is what the signal of a fails-at comes to at the next step, in its
	// base unit; null where that is not identifiable, its P90 +Inf (null) where it may have none.
	AtNextStep *Quantiles `json:"valueAtNextStep,omitempty"`
}

// CauseClass is a class of cause with its probability.
type CauseClass struct {
	Class       string   `json:"class"`
	Probability Number   `json:"probability"`
	For         []string `json:"for,omitempty"`
	Against     []string `json:"against,omitempty"`
}

// Culprit is a release, or "none", with the share of blame it gets when one
// cause is to be named.
type Culprit struct {
	ID          string `json:"id"`
	Probability Number `json:"probability"`
}

// BlastRadius is whom it would hurt: the share of the service's requests that
// reach the new version, 0..1, and what follows from it.
type BlastRadius struct {
	Now      Number `json:"now"`
	NextStep Number `json:"nextStep"`
	// Severity is the share of the requests to the new version that are harmed,
	// 0..1, by what was measured; null where no symptom is worse.
	Severity Number `json:"severity"`
	// PerMinute is how many requests a minute reach it, and would after the next
	// step; null where traffic is not measured.
	PerMinute     Number `json:"perMinute"`
	PerMinuteNext Number `json:"perMinuteNext"`
	// Harmed is how many requests are harmed within ten minutes if nobody acts;
	// null without severity or traffic.
	Harmed   Number   `json:"harmedIn10m"`
	Services []Hit    `json:"services"` // whose requests fail with it, worst first
	Budget   *Budget  `json:"budget"`   // null without a limit on errors
	Choices  []Choice `json:"choices"`  // what promoting, holding and rolling back cost
	// ChoicesAt is when they were weighed, where that is past: a decision that
	// stands is what it was decided by.
	ChoicesAt *time.Time `json:"choicesAt,omitempty"`
	Users     *Users     `json:"users,omitempty"`
}

// Users is whom it would hurt in users of the service: the visits that one
// horizon of ten minutes sees. It is there where the system says how many
// requests one makes.
type Users struct {
	In10m Number `json:"in10m"` // visits within ten minutes, of both versions; null where traffic is not measured
	// Now and NextStep are the shares of them, 0..1, that meet the new version
	// at this weight and at the next.
	Now      Number `json:"now"`
	NextStep Number `json:"nextStep"`
	// Feel and FeelNext are the shares that have a request of theirs harmed;
	// null without severity.
	Feel     Number `json:"feel"`
	FeelNext Number `json:"feelNextStep"`
}

// A Hit is a service whose requests fail with the new version's, through the
// calls between them.
type Hit struct {
	Service     string `json:"service"`
	Now         Number `json:"now"`         // share of its requests that need the new version, 0..1
	NextStep    Number `json:"nextStep"`    // the same after the next step
	Criticality Number `json:"criticality"` // as it was given; 1 else
}

// A Budget is how fast the errors of the release use up what its limit allows.
type Budget struct {
	Signal string `json:"signal"`
	Limit  Number `json:"limit"` // share of requests that may fail
	// Burn is how many times faster than allowed the service burns it now, both
	// versions together: 1 uses it up just in its period.
	Burn Number `json:"burn"`
	Next Number `json:"burnAtNextStep"`
	// Period is what the limit is a budget for, 30 days where nobody says it, and
	// Spent how long a whole one lasts at the rate of now; "" where it lasts.
	Period string `json:"period"`
	Spent  string `json:"spentIn"`
}

// A Choice is what one decision about the next step is expected to cost.
type Choice struct {
	Action string `json:"action"`      // promote, hold or rollback
	Harmed Number `json:"harmedIn10m"` // requests; null without traffic or severity
	Loss   Number `json:"loss"`        // in harmful steps taken; the least is best
}

// A Happening is one thing that may happen next.
type Happening struct {
	Kind        string     `json:"kind"` // rung, limit, exhausted, collapse or nothing
	Text        string     `json:"text"`
	Probability Number     `json:"probability"`     // that it is the first of them; all add up to 1
	In          *Durations `json:"in,omitempty"`    // null when its time is not known
	Watch       string     `json:"watch,omitempty"` // what would show that it is wrong
}

// NextStep is the step that the verdict is about.
type NextStep struct {
	Weight Number `json:"weight"` // percent
	Safe   Number `json:"safe"`   // percent that is believed safe now
	// Record is how often harm was said to be more likely than not of a step that
	// did some, and less of one that did none; null without a record.
	Record *Past `json:"record,omitempty"`
}

// Unknowing says what would make the answer known.
type Unknowing struct {
	Needs string `json:"needs"`
	ETA   string `json:"eta"` // "" when it cannot be told
}

// Evidence is one signal that spoke.
type Evidence struct {
	Signal   string   `json:"signal"`
	Service  string   `json:"service"`
	Cohort   string   `json:"cohort"`
	Value    Number   `json:"value"`
	Was      Number   `json:"was"` // of the reference
	Unit     string   `json:"unit"`
	Query    string   `json:"query"`
	Strength Number   `json:"strength"` // log e-value
	Decided  bool     `json:"decided"`  // beyond the false-alarm rate and of consequence
	Small    bool     `json:"small"`    // certain, but too small to matter
	Tail     []Number `json:"tail"`     // the last values of the new version
	WasTail  []Number `json:"wasTail"`  // and of the stable one
}

// WarningText is something about the result that its reader must know.
type WarningText struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// A Summary is what is said of a whole recording, in its wire form.
type Summary struct {
	Type       string        `json:"type"` // "summary"
	Recording  string        `json:"recording"`
	Releases   []Outcome     `json:"releases"`
	Culprits   []Culprit     `json:"culprits"`
	Subsystems []Subsystem   `json:"subsystems"`
	Warnings   []WarningText `json:"warnings"`
}

// An Outcome is what is said of one release over a whole recording.
type Outcome struct {
	ID              string     `json:"id"`
	Service         string     `json:"service"`
	Verdict         string     `json:"verdict"` // of the last frame
	Reason          string     `json:"reason"`
	FirstPromoteAt  *time.Time `json:"firstPromoteAt"`
	FirstWarnAt     *time.Time `json:"firstWarnAt"`
	FirstWarnWeight *Number    `json:"firstWarnWeight"`
	FirstStopAt     *time.Time `json:"firstStopAt"`
	FirstStopWeight *Number    `json:"firstStopWeight"`
	Culprit         Number     `json:"culprit"`
	Cause           string     `json:"cause"` // the likeliest class when it was warned of; "" without a warning
	Sentence        string     `json:"sentence"`
}

// Subsystem is a service with how badly it reacted, worst first.
type Subsystem struct {
	Service string `json:"service"`
	Score   Number `json:"score"` // in sizes of consequence, early reactions first
	Signal  string `json:"signal"`
}
