package release

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// likelyHarm is the probability of harm over which a doubt is said to be one.
const likelyHarm = 0.5

// doubt names the signal that is the least sure, of those that are still away where
// only these are wanted; "" when none is.
func (s *State) doubt(i int, sc *scene, away bool) string {
	best := -1
	for k, fd := range sc.releases[i] {
		if away && !(fd.Mean != fd.Level && fd.Stands(fd.Size)) {
			continue
		}
		if fd.Harm >= s.policy.PromoteBelow && (best < 0 || fd.Harm > sc.releases[i][best].Harm) {
			best = k
		}
	}
	if best < 0 {
		return ""
	}
	fd := sc.releases[i][best]
	sig := s.sys.Signals[fd.Signal]
	if fd.Ahead == fd.Harm {
		return sig.Name + " has been growing against the control, and may go on"
	}
	if c, ok := s.tallyOf(i, &fd); ok && !(c.events/math.Max(1, c.n) > c.rate) {
		share := signal.ParseUnit("ratio") // also of what comes as a rate
		than := "more"
		if sig.Good() {
			than = "less"
		}
		return fmt.Sprintf("%s is %s of %s requests of the new version, too few to rule out %s than the %s %s",
			sig.Name, share.Format(s.mayFail(fd.Signal, c.events/math.Max(1, c.n))), signal.Thousands(c.n), than, share.Format(s.mayFail(fd.Signal, c.rate)), s.reference(i))
	}
	text := fmt.Sprintf("%s is %s against %s %s, ", sig.Name, sig.Unit.Format(fd.Mean), sig.Unit.Format(fd.Level), s.reference(i))
	if by := fd.Mean - fd.Level; by == 0 || sig.Direction() != signal.Both && (by < 0) == (sig.Direction() == signal.Up) {
		return text + "and too little was seen to rule harm out"
	}
	if fd.Harm > likelyHarm {
		return text + "which is more likely harm than chance, and not proven"
	}
	return text + "which may be chance"
}

// reference names what a release is compared with.
func (s *State) reference(i int) string {
	if i >= len(s.sys.Releases) || s.sys.Releases[i].Control == "" {
		return "before"
	}
	return "on the control"
}

// calmText says what was worse a moment ago: what is less certain than it was is not
// gone.
func (s *State) calmText(i int, a *Assessment, sc *scene) string {
	expired := a.Reason == prevention.HoldExpired.String()
	doubt := s.doubt(i, sc, true)
	switch {
	case doubt != "" && a.Verdict == prevention.Rollback.String() && i < len(s.sys.Releases):
		return doubt + " any more." // it was proven when it was stopped
	case doubt != "" && !expired && i < len(s.sys.Releases):
		return doubt + "; it is watched a little longer."
	case a.Verdict == prevention.Rollback.String() && len(a.Evidence) == 0:
		return "what made it suspect is gone by now."
	case len(a.Evidence) == 0 && expired:
		return "what made it suspect is gone."
	case len(a.Evidence) == 0:
		return "what made it suspect has just gone; it is watched a little longer."
	}
	e := a.Evidence[0]
	name, u := e.Signal, s.signalNamed(e.Signal).Unit
	if i >= len(s.sys.Releases) {
		name += " of " + e.Service
	}
	value, was := u.Format(float64(e.Value)), u.Format(float64(e.Was))
	just := "just "
	if expired {
		just = "" // it may be long ago
	}
	if value == was {
		return fmt.Sprintf("%s had moved away, and has %scome back to %s.", name, just, was)
	}
	return fmt.Sprintf("%s stood at %s against %s, and has %scalmed down.", name, value, was, just)
}

// unheardText names the signals that are asked for and have never had a value of either
// version, nor of any other service: it may be a slip in their queries. That nothing
// failed has no value is usual.
func (s *State) unheardText(i int) string {
	if i >= len(s.sys.Releases) {
		return ""
	}
	x := &s.mem.Subjects[i]
	var names []string
	for id := range s.sys.Signals {
		asked := x.Canary[id] != nil || x.Control[id] != nil
		if sig := &s.sys.Signals[id]; asked && !fails(sig) && !hasValues(x.Canary[id]) && !hasValues(x.Control[id]) && !hasValues(x.Before[id]) && !s.elsewhereSeen(id) {
			names = append(names, sig.Name)
		}
	}
	switch n := len(names); {
	case n == 0:
		return ""
	case n > mostUnheard:
		return fmt.Sprintf("; of %s and %d more signals nothing was ever seen", strings.Join(names[:mostUnheard-1], ", "), n-mostUnheard+1)
	default:
		return fmt.Sprintf("; of %s nothing was ever seen", strings.Join(names, ", "))
	}
}

// mostUnheard is how many of them are named.
const mostUnheard = 3

// warmText says until when what is proven is waited for, as it may be a cold start; ""
// where it is not for that.
func (s *State) warmText(i int, fd *finding, a *Assessment, sc *scene) string {
	if a.Verdict != prevention.Hold.String() || i >= len(s.sys.Releases) || !s.warming(fd, i) || s.stays(fd, i, sc) {
		return ""
	}
	until := s.mem.Subjects[i].Seen + s.startUp()
	if until <= s.mem.Frame {
		return ", and may still be warming up"
	}
	return ", and may still be warming up until " + s.instant(float64(until)).UTC().Format(s.clock())
}

// elsewhereSeen says whether a signal has had a value of some service as a whole.
func (s *State) elsewhereSeen(id int) bool {
	return slices.ContainsFunc(s.mem.Services, func(x service) bool { return hasValues(x.Before[id]) || hasValues(x.After[id]) })
}
