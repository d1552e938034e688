package prediction

import (
	"math"

	"github.com/foreshock/foreshock/stats"
	"github.com/foreshock/foreshock/topology"
)

// The log odds of the evidence, argued in docs/method/attribution.md. They
// are sums of log likelihood ratios, rounded to halves.
const (
	priorLogOdds    = -3.0 // one release in twenty hurts
	directLogOdds   = 4.0  // the new version is worse than the stable one beside it
	directMost      = 5.0  // more, as the e-value grows
	silentLogOdds   = 4.5  // it serves nothing while the stable version serves
	sufferLogOdds   = 2.5  // and its callers suffer
	suspectLogOdds  = 1.5  // it stands where an incident nobody owns could come from
	alikeLogOdds    = -2.0 // both versions fail alike
	togetherLogOdds = 5.0  // and do so from its first frames on, when nobody else did anything
	unlistedLogOdds = 1.0  // an incident nobody owns may have a cause nobody listed
)

// A Candidate is one release in flight, as attribution sees it.
type Candidate struct {
	Service int
	Begun   bool
	Since   float64 // frame of its first step
	Seen    float64 // frame of the canary's first sample; NaN before
	Weight  float64 // share of traffic now
	Direct  float64 // log e-value of its being worse than its control; 0 when not of consequence
	Silent  bool    // it serves nothing past its start-up time while the control does
	Shared  bool    // its silence is its exporter's: the control's traffic shows it
	Suffer  bool    // its callers began to suffer after it began
	Starved bool    // its control no longer gets work: the trouble is before it in the chain
	Alike   bool    // both of its versions are worse than the service was before
	AtOnce  bool    // and have been since its first frames, when nothing else began
}

// An Incident is a service that is worse than it was before, in all its
// versions alike.
type Incident struct {
	Service  int
	Onset    float64 // frame
	Earliest float64 // frame before which it hardly began
	Overload bool    // saturation: it travels to callees, errors and latency to callers
}

// Blame is who hurts the system.
type Blame struct {
	Culprit []float64 // for each candidate the probability that it does, 0..1
	Share   []float64 // for each candidate its share when one cause is to be named
	None    float64   // the share of "no release"; shares and None add up to 1
	Owned   []bool    // for each incident whether a candidate with evidence of its own explains it
}

// Attribute weighs all releases against each other and against "none".
//
// Evidence of a release's own (it is worse than its control, or silent while
// the control serves) stands by itself: it cannot be a victim, for what hurts
// both versions alike shows in neither. An incident that no such release
// explains is shared among the releases it could have travelled from, nearer
// and more recent ones first, and "unlisted" is always among them.
//
// frames is how many frames an influence fades over.
func Attribute(g topology.Graph, cs []Candidate, incidents []Incident, frames float64) Blame {
	logw := make([]float64, len(cs))
	for i, c := range cs {
		logw[i] = own(c)
	}
	owned, near := make([]bool, len(incidents)), make([]float64, len(cs))
	none := 0.0
	for k, inc := range incidents {
		owned[k] = explained(g, cs, inc)
		if owned[k] {
			continue
		}
		none = unlistedLogOdds
		for i, c := range cs {
			near[i] = math.Max(near[i], proximity(g, c, inc, frames))
		}
	}
	for i := range cs {
		// Incidents that nobody owns are often one, seen in its callers too.
		logw[i] += suspectLogOdds * near[i]
	}
	for i, c := range cs {
		if !c.Begun {
			logw[i] = math.Inf(-1)
		}
	}
	b := Blame{Culprit: make([]float64, len(cs)), Share: make([]float64, len(cs)), Owned: owned}
	all := stats.LogSumExp(append([]float64{none}, logw...))
	b.None = math.Exp(none - all)
	for i, w := range logw {
		b.Share[i] = math.Exp(w - all)
		if w0 := own(cs[i]); cs[i].Begun && w0 > 0 {
			// Its own evidence needs no comparison with the others'.
			b.Culprit[i] = math.Max(b.Share[i], 1/(1+math.Exp(-w0)))
		} else {
			b.Culprit[i] = b.Share[i]
		}
	}
	return b
}

// own returns the log odds of a candidate by its own evidence.
func own(c Candidate) float64 {
	w := priorLogOdds
	if c.Direct > 0 {
		w += directLogOdds + math.Min(directMost, c.Direct/4)
	}
	if c.Silent && !c.Shared {
		w += silentLogOdds
		if c.Suffer {
			w += sufferLogOdds
		}
	} else if c.Suffer && c.Direct > 0 {
		w += sufferLogOdds / 2
	}
	switch {
	case c.AtOnce:
		w += togetherLogOdds
	case c.Alike && c.Direct == 0:
		w += alikeLogOdds
	}
	return w
}

// explained says whether a candidate with evidence of its own stands where
// the incident could have travelled from.
func explained(g topology.Graph, cs []Candidate, inc Incident) bool {
	for _, c := range cs {
		if c.Begun && own(c) > 0 && reaches(g, c.Service, inc) >= 0 {
			return true
		}
	}
	return false
}

// reaches returns how many calls lie between a service and the incident it
// could have caused, −1 when it could not.
func reaches(g topology.Graph, service int, inc Incident) int {
	if inc.Service >= g.Len() || service >= g.Len() {
		if inc.Service == service {
			return 0
		}
		return -1
	}
	if inc.Overload {
		return g.Downstream(service)[inc.Service]
	}
	return g.Upstream(service)[inc.Service]
}

// proximity weighs how well a candidate explains an incident, 0..1: the
// incident must not be older than the release, and near to it in calls and in
// time.
func proximity(g topology.Graph, c Candidate, inc Incident, frames float64) float64 {
	if !c.Begun || inc.Onset < c.Since-1 {
		return 0
	}
	d := reaches(g, c.Service, inc)
	if d < 0 || (d == 0 && c.Alike) || c.Starved {
		return 0
	}
	from := c.Since
	if !math.IsNaN(c.Seen) {
		from = c.Seen
	}
	late := math.Abs(inc.Onset - from)
	return math.Exp(-late/frames) / (1 + float64(d)/2) * (0.75 + 0.25*math.Min(1, 2*c.Weight))
}
