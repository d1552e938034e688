package pattern

import "math"

// SilenceKind says what a missing signal means.
type SilenceKind uint8

// The kinds of silence. The names are those of the pattern kinds on the wire.
const (
	NotSilent       SilenceKind = iota + 1
	SilenceStarting             // no sample yet, and it may still be starting
	SilenceShared               // the control is silent as well: the witness is missing
	SilenceTraffic              // it reports, or could, but serves nothing while the control does
	SilenceStopped              // it had samples and they stopped
	SilenceTarget               // its exporter is gone: the control's traffic shows that it takes its share
	SilenceAlone                // nothing of it reports, and no other version is left that could tell why
)

var silenceNames = [...]string{
	NotSilent: "", SilenceStarting: "silence-starting", SilenceShared: "silence-target",
	SilenceTraffic: "silence-traffic", SilenceStopped: "silence-stopped", SilenceTarget: "silence-target",
	SilenceAlone: "silence-stopped",
}

// String returns the pattern kind on the wire; "" for NotSilent.
func (k SilenceKind) String() string { return silenceNames[k] }

// Presence is what is known of the samples of one release now.
type Presence struct {
	Frames       int     // since the step in force began
	StartUp      int     // frames a new version may take to start
	Back         int     // frames in which one that had come may come back; 0 means StartUp
	Seen         bool    // whether the canary ever had a sample
	Missed       int     // frames in a row without any sample of the canary
	ServedMissed int     // frames in a row without a sample that only served work gives
	Serves       bool    // whether signals of served work exist for this release at all
	Control      float64 // share of the last frames in which the control had samples, 0..1
	ControlServe float64 // the same of signals of served work
	Due          float64 // requests that it should have got since it last served, by the control's traffic; NaN when unknown
	Alone        bool    // no other version is left that serves, by the plan: what it served before is the reference
	Swaps        bool    // the old version goes before the new one comes, so that nothing serves in between, by the plan
	Owed         float64 // requests due since any version served, by what was served before; NaN when unknown
	Quiet        int     // frames in a row in which no version served
	Lull         int     // the longest such run that ended
	Worked       int     // frames in which some version served
	Rests        bool    // whether it has signals that it gives without work, so that no work alone is no full silence
	Share        float64 // log odds that the canary takes its share of traffic; NaN when unknown
}

// A Silence is what the absence of samples means.
type Silence struct {
	Kind  SilenceKind
	For   int  // frames
	Alone bool // the reference is what was served before, as no other version serves
	Lasts bool // it serves nothing for longer than any start takes, so that it does not come back by itself
}

// LeastDue is how many requests must have been due before it means something
// that none came: by chance alone that is one time in a thousand.
var LeastDue = math.Log(1000)

// unwitnessed is how many times as much must be due where no other version
// serves: one time in a million, as the demand itself is not seen to go on.
const unwitnessed = 2

// stopped says whether the work of a service that nobody else does has stopped:
// more was due than chance explains, and nothing like it was seen before. Who
// has often had nothing to do may have nothing to do now.
func (p Presence) stopped() bool {
	// What was silent beside a control that served goes on being so without it.
	known := p.Quiet > 2 || p.ServedMissed-p.Quiet >= p.StartUp
	return p.Alone && p.Serves && known && p.Quiet > 2*p.Lull && p.Worked >= p.Back && p.Owed >= unwitnessed*LeastDue
}

// Silent reads the presence of a release's samples. Gaps of up to two frames
// are scrapes that came late, and mean nothing.
//
// A canary that serves nothing speaks only when the control reports and
// serves, and only past its start-up time. Where hardly a request was due it says
// nothing either: with λ due by chance none comes with probability e^−λ.
//
// Where no other version is left to serve, what was served before is the
// reference.
func Silent(p Presence) Silence {
	missed := p.Missed
	wholly := missed > 2 || !p.Seen
	if p.Alone && p.ControlServe < 0.75 && !wholly {
		return p.alone()
	}
	idle := p.Serves && p.ServedMissed > 2 && p.ControlServe >= 0.75
	if p.Due < LeastDue {
		idle = false
		wholly = wholly && p.Rests
	}
	long := missed
	if !wholly {
		long = p.ServedMissed
	}
	// What had come within the step in force and is gone for long is not starting, nor
	// is what was gone before that began.
	gone := p.Back > 0 && p.Seen && long > p.Back && (long < p.Frames || long > p.Frames+atStep)
	switch {
	case !wholly && !idle:
		return Silence{Kind: NotSilent}
	case wholly && p.Control < 0.5 && !p.Alone:
		return Silence{Kind: SilenceShared, For: missed}
	case !gone && p.Frames < p.StartUp && long <= p.StartUp: // what was silent before the step is not starting
		return Silence{Kind: SilenceStarting, For: min(missed, p.Frames)}
	case !wholly:
		if !gone && p.ServedMissed < p.StartUp {
			return Silence{Kind: NotSilent}
		}
		return Silence{Kind: SilenceTraffic, For: p.ServedMissed}
	case p.Share > 0:
		return Silence{Kind: SilenceTarget, For: missed}
	case !p.Seen && p.Control >= 0.5:
		return Silence{Kind: SilenceTraffic, For: missed}
	case !gone && missed < p.StartUp:
		return Silence{Kind: SilenceStarting, For: missed}
	case p.Control < 0.5:
		return Silence{Kind: SilenceAlone, For: missed, Alone: true}
	default:
		return Silence{Kind: SilenceStopped, For: missed}
	}
}

// atStep is how many frames before a step what stops may have stopped for it.
const atStep = 2

// alone reads the silence of a version that reports, and beside which no other
// one serves. It is known to be able to start once it has served; and where the
// old version goes first, nothing serves while it does.
func (p Presence) alone() Silence {
	least := p.StartUp
	if p.Back > 0 && !p.Swaps {
		least = p.Back
	}
	if !p.stopped() || p.ServedMissed < least {
		return Silence{Kind: NotSilent}
	}
	return Silence{Kind: SilenceTraffic, For: p.ServedMissed, Alone: true, Lasts: p.Quiet >= p.StartUp+p.Back}
}

// TakesShare returns the log odds that a silent canary of the given weight
// takes its share of traffic, judged by the control's own: with the share
// taken the control keeps 1−weight of what it had, otherwise all of it.
//
//	before, now  the control's traffic, > 0
//	sd           relative standard deviation of now against before
//
// The two Gaussians' log likelihood ratio; NaN when it cannot be told.
func TakesShare(before, now, weight, sd float64) float64 {
	if !(before > 0 && now >= 0 && weight > 0.01 && weight < 0.99) {
		return math.NaN()
	}
	sd = math.Max(sd, 0.05)
	r := now / before
	all, rest := (r-1)/sd, (r-(1-weight))/sd
	return (all*all - rest*rest) / 2
}
