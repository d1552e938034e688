package prevention

// Verdict is what to do about the next step.
type Verdict uint8

// The five verdicts, as on the wire.
const (
	Promote  Verdict = iota + 1 // the next step is safe to take now
	Hold                        // wait: harm is likely enough, or somebody else's incident is on
	Rollback                    // this release does harm
	Unknown                     // the evidence is too thin to tell
	Escalate                    // a person is needed
)

var verdictNames = [...]string{Promote: "promote", Hold: "hold", Rollback: "rollback", Unknown: "unknown", Escalate: "escalate"}

// String returns the verdict as on the wire.
func (v Verdict) String() string {
	if v == 0 || int(v) >= len(verdictNames) {
		return ""
	}
	return verdictNames[v]
}

// Reason says why a verdict is not a plain promote.
type Reason uint8

// The reasons, as on the wire.
const (
	None           Reason = iota + 1 // nothing is wrong
	Suspect                          // its signals are worse
	Elsewhere                        // somebody else's incident is on
	Thin                             // too little was seen
	Silent                           // it serves nothing, or most of its metrics are missing
	UnsafeRollback                   // going back is not safe
	HoldExpired                      // a hold outlived its time
	Together                         // both versions fail since it began
)

var reasonNames = [...]string{
	None: "none", Suspect: "suspect", Elsewhere: "elsewhere", Thin: "thin", Silent: "silent",
	UnsafeRollback: "unsafe-rollback", HoldExpired: "hold-expired",
	Together: "both-versions",
}

// String returns the reason as on the wire.
func (r Reason) String() string {
	if r == 0 || int(r) >= len(reasonNames) {
		return ""
	}
	return reasonNames[r]
}

// A Case is what is known of one release in one frame when it is decided.
type Case struct {
	Unasked   bool    // the metrics source did not answer: nothing is known of this frame
	Harm      float64 // probability that going on does harm, at the next step or one after it, from the signals, 0..1
	Breach    float64 // probability that the next step meets a limit which this exposure does not, 0..1
	Guess     float64 // the same of limits that lie too far from what was seen to be known, 0..1
	Proven    bool    // the new version is worse beyond the policy's false-alarm rate
	Suspected bool    // the same at the policy's rate for suspicions: enough to wait
	Culprit   float64 // probability that this release hurts the system, 0..1
	Enough    bool    // the new version was seen long enough
	Silence   bool    // it serves nothing past its start-up time while the control does
	Dim       bool    // it serves, and most of what the control says of itself it does not
	Dimming   bool    // the same, so briefly that it may still be starting
	Starting  bool    // it has no samples, and may be starting or unseen
	Suffer    bool    // its callers suffer since it began
	Lasting   bool    // no version serves anything, for longer than a start takes
	Elsewhere bool    // somebody else's incident touches it
	Misrouted bool    // it gets far more of the traffic than its step says
	Laid      bool    // its whole service is worse since a step of it, and nobody else did anything then
	Together  bool    // both versions fail since its first frames, and nobody else did anything then
	Unsafe    bool    // going back is not safe
	Held      bool    // it is held for its evidence
}

// BreachFrom returns the probability from which a limit that the next step may meet
// holds a release: what is held already waits until it is half as likely. A probability
// close to the level goes over it and back by chance, and a step taken at one such
// moment is not taken back.
func (p Policy) BreachFrom(held bool) float64 {
	if held {
		return p.PromoteBelow / 2
	}
	return p.PromoteBelow
}

// A Decision is a verdict with its reason.
type Decision struct {
	Verdict Verdict
	Reason  Reason
	Blames  bool
}

// Decide weighs one case. It knows nothing of earlier frames: latches and
// expiry are the fold's.
func (p Policy) Decide(c Case) Decision {
	blames := c.Culprit >= p.Blame
	d := Decision{Blames: blames}
	switch {
	case c.Unasked:
		d.Verdict, d.Reason = Unknown, Thin
	case c.Silence && (c.Suffer || c.Lasting) && blames:
		d.Verdict, d.Reason = Rollback, Silent
	case c.Silence:
		d.Verdict, d.Reason = Hold, Silent
	case c.Starting:
		d.Verdict, d.Reason = Unknown, Thin
	case c.Proven && blames && c.Harm >= p.RollbackAbove:
		d.Verdict, d.Reason = Rollback, Suspect
	case c.Proven && blames:
		d.Verdict, d.Reason = Hold, Suspect
	case c.Together:
		d.Verdict, d.Reason = Escalate, Together
	case c.Breach >= p.BreachFrom(c.Held):
		d.Verdict, d.Reason = Hold, Suspect // it does well here, and the next step breaks it
	case c.Misrouted, c.Laid:
		d.Verdict, d.Reason = Hold, Suspect
	case c.Elsewhere:
		d.Verdict, d.Reason = Hold, Elsewhere
	case c.Dim:
		d.Verdict, d.Reason = Hold, Silent
	case c.Dimming:
		d.Verdict, d.Reason = Unknown, Thin
	case !c.Enough:
		d.Verdict, d.Reason = Unknown, Thin
	case c.Harm >= p.PromoteBelow && (c.Proven || c.Suspected):
		d.Verdict, d.Reason = Hold, Suspect
	case c.Harm >= p.RollbackAbove:
		d.Verdict, d.Reason = Hold, Suspect
	case c.Harm >= p.PromoteBelow, c.Guess >= p.PromoteBelow:
		d.Verdict, d.Reason = Unknown, Thin
	default:
		d.Verdict, d.Reason = Promote, None
	}
	if d.Verdict != Rollback && d.Verdict != Hold {
		d.Blames = false
	}
	if d.Verdict == Rollback && c.Unsafe {
		d.Verdict, d.Reason = Escalate, UnsafeRollback
	}
	return d
}
