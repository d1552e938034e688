package release

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// needs is what is missing to answer.
type needs struct {
	unasked  string  // the signal whose query has had no answer for long; "" for none
	frames   float64 // frames of the new version still to be seen; ≤ 0 when enough
	requests float64 // observations still to be counted; 0 when enough
	perFrame float64 // observations counted per frame
	noisy    string  // the signal that is too noisy to tell yet; "" for none
	young    bool    // it is certainly fuller, and may level off
	more     float64 // frames until that signal can be told; NaN when it cannot be said
	never    bool    // it has had no traffic
	unproven bool    // no failure of it has a series, and its requests are too few to say that there are none
	scraped  bool    // nothing of it is told but how it is scraped
	blind    bool    // of a change: no signal could be compared with the time before it
	exposure float64 // weight from which a limit ahead would be known; 0 when none is in doubt
}

// enough says whether nothing of that is missing but what probabilities tell.
func (n *needs) enough() bool {
	return n.frames <= 0 && n.unasked == "" && !n.never && !n.scraped && !n.unproven && !n.blind
}

// lateAnswer is for how many frames in a row one signal of the new version may
// be without an answer: as many as a silence takes to count.
const lateAnswer = 2

// longestWait is how long at most anybody is told to wait for requests: what takes
// longer at this traffic will not be known by waiting.
const longestWait = 30 * 24 * time.Hour

// heardFrames is how many frames must have been answered after an outage of the
// source before a release may go on: a version may have changed meanwhile.
const heardFrames = 3

// needs looks for what keeps the evidence thin.
//
// Enough frames means that at least one signal of served work was seen in the
// policy's number of frames, or, where the stable version gives no such signal either,
// any one signal: that a scrape fails is a value too, and none of the new version.
func (s *State) needs(i int, sc *scene) needs {
	n := needs{frames: float64(s.policy.MinFrames), more: math.NaN()}
	most, anySymptom := 0.0, s.tellsSymptoms(i)
	for fd := range each(sc.releases[i]) {
		symptom := prevention.Symptom(fd.Kind)
		if symptom && !anySymptom {
			most, anySymptom = 0, true
		}
		if symptom == anySymptom {
			most = math.Max(most, fd.Frames)
		}
		if fd.Counted && fd.Needs > n.requests {
			n.requests = fd.Needs
			c, _ := s.tallyOf(i, fd)
			n.perFrame = math.Max(c.n/math.Max(1, fd.Subject.Frames), fd.Subject.N) // it gets more with every step
		}
		if !fd.Counted && fd.Harm >= s.policy.PromoteBelow && !fd.Rejected && n.noisy == "" {
			n.noisy = s.sys.Signals[fd.Signal].Name
			n.more = fd.MoreFrames()
			if fd.Young {
				n.more, n.young = levelsOff-fd.Frames, true
			}
		}
	}
	x := &s.mem.Subjects[i]
	n.scraped = i < len(s.sys.Releases) && !slices.ContainsFunc(sc.releases[i], func(fd finding) bool { return fd.Kind != signal.Infra })
	if i >= len(s.sys.Releases) {
		most = float64(s.mem.Frame - x.Begun - x.Lost)
		n.blind = len(sc.lately) == 0
	}
	if need, each := s.uncounted(i, sc); need > n.requests {
		n.requests, n.perFrame, n.unproven = need, each, true
	}
	n.frames -= most
	s.unanswered(x, &n)
	return n
}

// uncounted returns how many more requests it takes to rule out that the new version
// fails more, where failures are asked for and have no series of either version, as
// long as nobody's have: then there were none, or the query is wrong. As many are
// needed as where they are told to be none; 0 where they are told, or nobody counts
// the requests.
func (s *State) uncounted(i int, sc *scene) (need, perFrame float64) {
	if i >= len(s.sys.Releases) || slices.ContainsFunc(sc.releases[i], func(fd finding) bool { return fd.Kind == signal.Errors }) {
		return 0, 0
	}
	x := &s.mem.Subjects[i]
	asked, n, of := false, 0.0, 0.0
	for id, sig := range s.sys.Signals {
		canary, control := x.Canary[id], x.Control[id]
		asked = asked || sig.Kind == signal.Errors && sig.Unit.Dimension == signal.Ratio && canary != nil
		if n == 0 && sig.Kind == signal.Traffic && !directed(sig) && canary != nil && control != nil {
			n, of = canary.Counted, control.Counted
			perFrame = math.Max(n/math.Max(1, canary.Frames), canary.N)
		}
	}
	if !asked || !(n > 0) || stats.ExcessProbability(0, n, 0, of, s.policy.CountFloor) < s.policy.CountRisk {
		return 0, 0
	}
	return math.Ceil(math.Max(n/4, stats.RequestsNeeded(0, s.policy.CountFloor, 1-s.policy.CountRisk)-n)), perFrame
}

// tellsSymptoms says whether the stable version of a release gives signals of what
// its callers feel.
func (s *State) tellsSymptoms(i int) bool {
	if i >= len(s.sys.Releases) {
		return false
	}
	x, before := &s.mem.Subjects[i], s.mem.Services[s.sys.Releases[i].Service].Before
	for id, sig := range s.sys.Signals {
		if prevention.Symptom(sig.Kind) && (hasValues(x.Control[id]) || hasValues(x.Before[id]) || s.sys.Releases[i].Control == "" && hasValues(before[id])) {
			return true
		}
	}
	return false
}

// unanswered adds what the source has not answered, or not for long enough.
func (s *State) unanswered(x *subject, n *needs) {
	for id, t := range x.Canary {
		if t != nil && t.Unasked > lateAnswer && n.unasked == "" {
			n.unasked = s.sys.Signals[id].Name
		}
	}
	if x.Deaf > 0 {
		n.frames = math.Max(n.frames, float64(x.Deaf+heardFrames-s.mem.Frame-1))
	}
}

// never says whether a release has had no traffic so far, by its plan and by what is
// measured: what it does under traffic is not known, however long it is watched.
// A copy of the traffic that is sent to it is some.
func (s *State) never(i int, f signal.Frame) bool {
	if i >= len(s.sys.Releases) || i >= len(f.Exposure) || f.Exposure[i].Weight != 0 {
		return false
	}
	x, steps := &s.mem.Subjects[i], s.sys.Releases[i].Steps
	if k := f.Exposure[i].Step - 1; k >= 0 && k < len(steps) && steps[k].Weight > 0 {
		return false // it is on its way
	}
	for id, t := range x.Canary {
		sig := s.sys.Signals[id]
		if t == nil || sig.Kind != signal.Traffic || sig.Unit.Dimension != signal.Rate {
			continue
		}
		if last := pattern.Tail(t, 1); len(last) > 0 && last[0] > 0 {
			return false
		}
	}
	return x.Routed < 0 && len(steps) > 0
}

// unknowing says what would make it known.
func (s *State) unknowing(i int, n needs) *Unknowing {
	interval := s.sys.Interval
	x := &s.mem.Subjects[i]
	switch {
	case x.unasked():
		return &Unknowing{Needs: "answers from the metrics source", ETA: ""}
	case i < len(s.sys.Releases) && x.Seen < 0:
		return &Unknowing{Needs: "the first sample of the new version", ETA: ""}
	case n.never:
		return &Unknowing{Needs: "exposure: a share of the traffic", ETA: ""}
	case n.frames > 0:
		eta := time.Duration(n.frames) * interval
		return &Unknowing{Needs: frames(n.frames) + " of the new version", ETA: shortDuration(eta)}
	case n.scraped:
		return &Unknowing{Needs: "a signal of what it serves: its latency, its errors or its requests", ETA: ""}
	case n.blind:
		return &Unknowing{Needs: fmt.Sprintf("%d frames of a signal", pattern.LeastRecent), ETA: ""}
	case n.unasked != "":
		return &Unknowing{Needs: "answers to the query of " + n.unasked, ETA: ""}
	case n.requests > 0:
		eta := ""
		if wait := n.requests / n.perFrame * interval.Seconds(); wait < longestWait.Seconds() {
			eta = shortDuration(time.Duration(wait * float64(time.Second)))
		}
		return &Unknowing{Needs: signal.Thousands(n.requests) + " more requests", ETA: eta}
	case n.exposure > 0 && n.noisy == "":
		return &Unknowing{Needs: fmt.Sprintf("%.0f %% of the traffic on it", math.Min(100, math.Ceil(100*n.exposure-1e-9))), ETA: ""}
	case n.noisy != "" && !math.IsNaN(n.more) && n.more < 200:
		why := ", which is too noisy to tell yet"
		if n.young {
			why = ", to see whether it levels off"
		}
		return &Unknowing{
			Needs: frames(n.more) + " of " + n.noisy + why,
			ETA:   shortDuration(time.Duration(n.more) * interval),
		}
	case n.noisy != "":
		return &Unknowing{Needs: "more traffic on the new version, or a longer step: " + n.noisy + " wavers too much to tell by waiting", ETA: ""}
	default:
		return &Unknowing{Needs: "the new version reporting again", ETA: ""}
	}
}

// frames writes how many more frames are needed.
func frames(n float64) string {
	if n <= 1 {
		return "1 more frame"
	}
	return fmt.Sprintf("%.0f more frames", math.Ceil(n))
}

// shortDuration writes a span as a person would: "6m", "1h30m", "45s".
func shortDuration(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	case d >= time.Hour:
		d = d.Round(time.Minute)
		if m := int(d.Minutes()) % 60; m > 0 {
			return fmt.Sprintf("%dh%dm", int(d.Hours()), m)
		}
		return fmt.Sprintf("%dh", int(d.Hours()))
	case d >= 5*time.Minute:
		return fmt.Sprintf("%dm", int(math.Ceil(d.Minutes())))
	default:
		return d.Round(time.Second).String()
	}
}
