package release

import (
	"fmt"
	"math"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/trend"
)

// levelsOff is how many frames it takes to say that something levels off: what
// has just begun to grow bends as it likes.
const levelsOff = 12

// likelyMet is the probability from which something that grows is taken to
// meet its limit: more likely than not.
const likelyMet = 0.5

// runsOut fills in when what grows meets its limit. What more likely than not
// levels off below it, or has just fallen back, fills up and does not run out:
// its growth counts as likely as it meets the limit, and proves nothing.
func (s *State) runsOut(fd *finding, e *trend.Exposed) {
	s.young(fd)
	var buf [3]float64
	tail := pattern.TailInto(buf[:0], fd.Subject, 3)
	if len(tail) == 0 {
		return
	}
	sig := s.sys.Signals[fd.Signal]
	r := trend.Growing{
		Values: &fd.Subject.Values, Limit: fd.Subject.Limit, Falls: sig.Direction() == signal.Down, Window: sig.Window,
		Season: s.season(fd.Subject),
	}
	if e != nil && len(e.Knots) > 0 {
		r.Exposed = e
	}
	g, ok := trend.Exhausts(&fd.Comparison, tail[len(tail)-1], r)
	switch {
	case ok:
		runs := g // what never runs out is not kept
		fd.Runs = &runs
		if g.Met >= likelyMet || fd.pastLimit() || fd.Frames < levelsOff {
			return
		}
		fd.Ahead = math.Min(fd.Ahead, g.Met)
	case math.IsNaN(r.Limit) || fd.pastLimit() || fd.Frames < levelsOff:
		return
	case !fd.Grows:
		s.peaks(fd, r)
		return
	}
	// It may level off; or it has fallen back just now, or grows by no law: then
	// it is not known whether it goes on.
	if fd.Grows {
		fd.Grows, fd.LogE, fd.Active, fd.Harm = false, 0, false, fd.Ahead
	}
}

// season is how a signal usually goes, as far as this frame tells.
func (s *State) season(t *pattern.Track) *pattern.Season {
	return t.Season(s.mem.Frame, float64(time.Hour)/float64(s.sys.Interval))
}

// peaks fills in when what does not grow of itself meets its limit because of
// how it goes every day.
func (s *State) peaks(fd *finding, r trend.Growing) {
	if fd.Falls || !(math.Max(fd.Typical, fd.Whole) >= fd.Size) {
		return
	}
	if g, ok := trend.Peaks(r); ok {
		runs := g // what never runs out is not kept
		fd.Runs = &runs
	}
}

// dailyPeak is the kind of what does not run out of itself: how the signal goes
// every day carries it to its limit.
const dailyPeak = "daily-peak"

// certainRise is the log e-value from which it is certain that more is used.
const certainRise = 5

// young notes a stock that is certainly fuller by what matters, and was seen
// for too few frames to tell whether it goes on: then it is not known yet.
func (s *State) young(fd *finding) {
	rises := stock(s.sys.Signals[fd.Signal]) && !fd.Falls && fd.Comparison.LogE > certainRise && math.Max(fd.Typical, fd.Whole) >= fd.Size
	if fd.Young = rises && fd.Frames < levelsOff && (fd.SlopeSE == 0 || fd.Slope > 0); fd.Young {
		fd.Harm = math.Max(fd.Harm, s.policy.PromoteBelow)
	}
}

// near says whether what grows is to meet its limit before more could be told of
// it, more likely than not, and is not too young to level off: a step that is
// taken then is taken into an outage.
func (f *finding) near() bool {
	return f.Runs != nil && f.Runs.Law != trend.Daily && !f.Harmless && f.Frames >= levelsOff &&
		f.Runs.P50 <= levelsOff && float64(f.runs()) >= likelyMet
}

// alone returns the evidence that what is near its limit grows in the new version
// and not in the stable one beside it; 0 where nothing is near, or stands beside it.
func (f *finding) alone() float64 {
	if !f.near() || f.Control == nil || f.Kind == signal.Infra {
		return 0
	}
	return f.SlopeLogE
}

// nearText says when it does.
func (s *State) nearText(i int, fd *finding) string {
	sig := s.sys.Signals[fd.Signal]
	at := s.instant(float64(s.mem.Frame) + fd.Runs.P50)
	return fmt.Sprintf("%s is to meet its limit of %s at about %s, which is %s likely (%s now against %s %s).",
		sig.Name, sig.Unit.Format(s.limitSaid(i, fd)), at.UTC().Format(s.clock()), chance(float64(fd.runs())),
		sig.Unit.Format(fd.latest()), sig.Unit.Format(fd.Level), s.reference(i))
}

// runs returns the probability that a signal meets its limit as said: that it
// grows, or uses more, at all, and that it does.
func (f *finding) runs() Number {
	by := f.SlopeLogE
	if f.Runs.Law == trend.Daily {
		by = math.Max(by, f.Comparison.LogE)
	}
	return Number(odds(by) * f.Runs.Met)
}

// limitSaid is the limit of a finding as it was given: that of a new version as a whole
// is divided by its share of the traffic with its value.
func (s *State) limitSaid(i int, fd *finding) float64 {
	x := &s.mem.Subjects[i]
	own := i < len(s.sys.Releases) && fd.Subject == x.Canary[fd.Signal]
	if w := x.Exposed.At(s.mem.Frame); own && divided(s.sys.Signals[fd.Signal], fd.Subject) && w > 0 {
		return fd.Subject.Limit * w
	}
	return fd.Subject.Limit
}

// exhaustion says when what grows reaches its limit, where it is more likely
// than not to reach it at all.
func (s *State) exhaustion(i int, sc *scene) []Prediction {
	out := []Prediction{}
	add := func(fd *finding, text string) {
		g := fd.Runs
		if g == nil || g.Met < likelyMet {
			return
		}
		now := float64(s.mem.Frame)
		limit, kind := Number(s.limitSaid(i, fd)), "exhausts"
		if g.Law == trend.Daily {
			kind = dailyPeak
		}
		out = append(out, Prediction{
			Kind: kind, Signal: s.sys.Signals[fd.Signal].Name, Service: s.sys.Services[fd.Service].Name,
			Probability: fd.runs(), Limit: &limit, Text: text,
			At: &Times{P10: s.instant(now + g.P10), P50: s.instant(now + g.P50), P90: s.instant(now + g.P90)},
		})
	}
	for fd := range each(sc.releases[i]) {
		add(fd, "")
	}
	for fd := range each(sc.shared) {
		add(fd, "it grows whichever version serves: this release is not blamed")
	}
	return out
}
