package release

import "time"

// An Explanation says in writing what became of one release, and why, from
// metrics, signals and patterns alone. It is in its wire form
// (foreshock.dev/v1alpha1, explanation.schema.json); whoever shows it sets it
// out and adds nothing.
//
// A number in a text is followed by "[3]" where a query stands behind it: the
// third of References.
type Explanation struct {
	Type      string    `json:"type"` // "explanation"
	Recording string    `json:"recording"`
	ID        string    `json:"id"`
	Service   string    `json:"service"` // "" for a change of the whole system
	From      string    `json:"from"`    // versions; "" when unknown, and for a change
	To        string    `json:"to"`
	Start     time.Time `json:"start"` // the first frame that was looked at
	End       time.Time `json:"end"`   // the last one
	Frames    int       `json:"frames"`
	Interval  string    `json:"interval"` // between frames, as Go writes durations

	Outcome    string        `json:"outcome"` // one of the Outcome… constants
	Verdict    string        `json:"verdict"` // of the last frame; "" when it has not begun
	Reason     string        `json:"reason"`
	At         *time.Time    `json:"at"` // the moment that is explained; null when it has not begun
	Title      string        `json:"title"`
	Headline   string        `json:"headline"` // one sentence: what happened, and what to do
	Details    []string      `json:"details"`  // what more is to be said at once
	Blame      Number        `json:"blame"`    // probability that this release hurt the system
	Cause      *CauseSaid    `json:"cause"`    // null when nothing is wrong, or nobody can tell
	Timeline   []Moment      `json:"timeline"` // ascending in time
	Stages     []Stage       `json:"stages"`   // what it was at each step that was taken
	Columns    []Column      `json:"columns"`  // of the stages' values
	Charts     []Chart       `json:"charts"`   // what matters most first
	Said       []Remark      `json:"said"`     // what was to come, as it was said at At
	Seen       []Remark      `json:"seen"`     // what came after At
	RuledOut   []Excluded    `json:"ruledOut"` // what it was not, and why
	Unseen     []Remark      `json:"unseen"`   // what could not be seen
	Do         []Action      `json:"do"`       // what to do now, the most urgent first
	References []Reference   `json:"references"`
	Warnings   []WarningText `json:"warnings"`
}

// The outcomes, as on the wire.
const (
	OutcomeStopped   = "stopped"   // a rollback was said
	OutcomeWarned    = "warned"    // a hold that blames, or a person was called
	OutcomeCleared   = "cleared"   // it was warned of, and that has passed
	OutcomeHeld      = "held"      // a hold that does not blame
	OutcomeElsewhere = "elsewhere" // held for somebody else's incident
	OutcomeUnknown   = "unknown"   // it could not be told
	OutcomeHealthy   = "healthy"   // nothing is its doing
	OutcomeNotBegun  = "not-begun" // no step was taken
)

// CauseSaid is the likeliest class of cause.
type CauseSaid struct {
	Class       string   `json:"class"`
	Probability Number   `json:"probability"`
	Text        string   `json:"text"` // the class and how sure it is, as a sentence
	For         []string `json:"for"`
	Against     []string `json:"against"`
}

// A Moment is one entry of the timeline.
type Moment struct {
	At    time.Time `json:"at"`
	Onset *Times    `json:"onset"` // of an onset: how sure its time is; null otherwise
	Kind  string    `json:"kind"`  // "step", "onset", "pattern", "limit", "restart", "verdict", "seen" or "end"
	Text  string    `json:"text"`
	Later bool      `json:"later"` // seen after the moment that is explained
}

// A Stage is one step of the rollout with what the new version was during it.
type Stage struct {
	Step    int       `json:"step"` // 1 is the first
	At      time.Time `json:"at"`
	End     time.Time `json:"end"`    // the next step, or the last frame
	Weight  Number    `json:"weight"` // percent
	Verdict string    `json:"verdict"`
	Later   bool      `json:"later"`  // begun after the moment that is explained
	Values  []Pair    `json:"values"` // of the columns: means over the second half of the step
}

// A Column is a signal that the stages are told by.
type Column struct {
	Name      string `json:"name"` // for people
	Signal    string `json:"signal"`
	Service   string `json:"service"`
	Unit      string `json:"unit"`
	Reference int    `json:"reference"`
}

// A Pair is a value of the new version and one of the stable one.
type Pair struct {
	New    Number `json:"new"`
	Stable Number `json:"stable"`
	Text   string `json:"text"` // both, for people
}

// A Chart holds one signal over time, of the new version and of the stable
// one: at most [MostPoints] points, each the mean over as many frames.
type Chart struct {
	Name      string      `json:"name"` // for people
	Signal    string      `json:"signal"`
	Service   string      `json:"service"`
	Unit      string      `json:"unit"` // the base unit
	Reference int         `json:"reference"`
	Text      string      `json:"text"` // what is to be seen in it
	Times     []time.Time `json:"times"`
	New       []Number    `json:"new"`
	Stable    []Number    `json:"stable"` // empty when there is none
	Limit     Number      `json:"limit"`  // null when there is none
	Onset     *Times      `json:"onset"`  // null when it did not move
}

// A Remark is something that was said or seen.
type Remark struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// Excluded is a cause that was weighed and set aside.
type Excluded struct {
	Kind        string `json:"kind"` // "cause", "release", "elsewhere", "look-alike" or "unchanged"
	What        string `json:"what"`
	Probability Number `json:"probability"` // null when none was given
	Text        string `json:"text"`
}

// An Action is something to do.
type Action struct {
	Text string `json:"text"`
	Why  string `json:"why"`
}

// A Reference is where numbers come from: the queries of one signal. They can
// be asked again as they stand.
type Reference struct {
	Number  int    `json:"number"` // from 1 on
	Signal  string `json:"signal"`
	Service string `json:"service"`
	New     string `json:"new"`    // of the new version, or of a whole service
	Stable  string `json:"stable"` // of the stable version; "" when there is none
	Limit   string `json:"limit"`  // of the limit; "" when it is none or a constant
}
