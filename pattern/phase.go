package pattern

// Phase is where a release is in its life.
type Phase uint8

// The phases of a release, in their usual order.
const (
	Deploy    Phase = iota + 1 // the new version is being put in place; nothing of it is seen
	Warmup                     // its first samples: caches are cold, code is not yet compiled
	Stabilize                  // settled, but seen too briefly to judge
	Observe                    // judged at a steady weight
	Scale                      // its share of traffic is being raised
	Normalize                  // all traffic is on it
)

var phaseNames = [...]string{
	Deploy: "deploy", Warmup: "warmup", Stabilize: "stabilize", Observe: "observe", Scale: "scale", Normalize: "normalize",
}

// String returns the phase in small letters.
func (p Phase) String() string {
	if p == 0 || int(p) >= len(phaseNames) {
		return ""
	}
	return phaseNames[p]
}

// Ends says what ends the phase, as the rest of a sentence.
func (p Phase) Ends() string {
	switch p {
	case Deploy:
		return "the first sample of the new version"
	case Warmup:
		return "its signals settle"
	case Stabilize:
		return "there are frames enough to judge"
	case Observe:
		return "the next step"
	case Scale:
		return "the weight stands still"
	case Normalize:
		return "the release is closed"
	default:
		return ""
	}
}

// Life is what the phase is read from.
type Life struct {
	Seen     bool    // whether the new version ever had a sample
	Frames   float64 // frames in which it had values
	Settled  bool    // whether its signals no longer fall from their first values
	Moving   bool    // whether the weight is changing
	Step     int     // steps begun
	Weight   float64 // share of traffic, 0..1
	MinJudge float64 // frames needed to judge
}

// PhaseOf returns the phase of a release.
func PhaseOf(l Life) Phase {
	switch {
	case !l.Seen:
		return Deploy
	case l.Moving && l.Step > 1:
		return Scale
	case l.Frames < young+1 || (!l.Settled && l.Frames < l.MinJudge):
		return Warmup
	case l.Weight >= 1 && !l.Moving:
		return Normalize
	case l.Frames < l.MinJudge:
		return Stabilize
	default:
		return Observe
	}
}
