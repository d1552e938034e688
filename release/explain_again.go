package release

import (
	"fmt"
	"math"
	"time"

	"github.com/foreshock/foreshock/signal"
)

// A begunAgain is when processes of the new version were first seen to start
// again while none of the stable one's ever did. That is too few to be tested,
// rarely chance, and how a version dies that takes too much memory.
type begunAgain struct {
	signal int
	at     time.Time
	most   float64 // on one instance, as the signal counts
}

// startedAgain looks for it in [from, until].
func (x *explaining) startedAgain(from, until time.Time) (out begunAgain, ok bool) {
	if x.release == nil {
		return out, false
	}
	for id, s := range x.sys.Signals {
		subject, stable := x.lines(x.own, id)
		if s.Kind != signal.Crashes || s.Unit.Dimension != signal.Things || subject.cohort != signal.Canary {
			continue
		}
		if stable.cohort == signal.Control && x.courses.most(stable, x.start, x.end).most > 0 {
			continue // both do
		}
		if n := x.courses.most(subject, from, until); n.most > 0 {
			n.signal = id
			return n, true
		}
	}
	return out, false
}

// most returns the largest value of any instance in [from, until], and when the
// first above zero was.
func (c *courses) most(k line, from, until time.Time) (out begunAgain) {
	x := c.byLine[k]
	if x == nil {
		return out
	}
	for b, v := range x.worst {
		if at := c.times[b]; at.Before(from) || at.After(until) || !(v > 0) {
			continue
		}
		if out.most == 0 {
			out.at = c.times[b]
		}
		out.most = math.Max(out.most, v)
	}
	return out
}

// againText says it, with the memory that was nearly full just before.
func (x *explaining) againText(n begunAgain) string {
	text := "processes of the new version start again"
	if x.release.Control != "" {
		text += " while none of the stable version's does"
	}
	text += fmt.Sprintf(" (%s: up to %.3g in one instance)", plainName(x.sys.Signals[n.signal].Name), n.most)
	for id, s := range x.sys.Signals {
		subject, _ := x.lines(x.own, id)
		c := x.courses.byLine[subject]
		if s.Kind != signal.Memory || c == nil || math.IsNaN(c.limit) {
			continue
		}
		// A rate shows for as long as it looks back over.
		before := x.courses.most(subject, n.at.Add(-max(4*x.sys.Interval, time.Duration(2*x.courses.per)*x.sys.Interval)), n.at)
		if before.most >= nearlyFull*c.limit {
			return text + fmt.Sprintf("; just before, %s of one had come to %s of its limit of %s", plainName(s.Name), x.format(id, before.most), x.format(id, c.limit))
		}
	}
	return text
}

// nearlyFull is from which share of a limit on memory is said to be why a
// process was killed: between two samples it takes the rest.
const nearlyFull = 0.8

// mostLimits is how many limits that are met the timeline tells.
const mostLimits = 4

// eventMoments are what is seen in the values by itself: processes that start
// again, and limits that are met since the release began and not before.
func (x *explaining) eventMoments() (out []Moment) {
	if x.release == nil {
		return nil
	}
	if n, ok := x.startedAgain(x.begun(), x.end); ok {
		out = append(out, Moment{At: n.at, Kind: "restart", Text: x.againText(n)})
	}
	limits := 0
	for _, k := range x.courses.ordered {
		c := x.courses.byLine[k]
		mine := k.release == x.subject && k.cohort == signal.Canary || k.cohort == signal.Whole && x.near(k.service) && k.service != x.own
		if !mine || c.frames == 0 || math.IsNaN(c.limit) || limits == mostLimits {
			continue
		}
		_, stable := x.lines(k.service, k.signal)
		_, at, met := x.courses.passes(k, x.begun(), c.limit)
		if _, before, was := x.courses.passes(stable, x.start, c.limit); !met || was && !before.After(at) {
			continue
		}
		limits++
		name := x.call(k.service, k.signal)
		if c.several {
			name += " of one instance"
		}
		out = append(out, Moment{At: at, Kind: "limit", Text: fmt.Sprintf("%s comes to its limit of %s, or within a hundredth of it", name, x.format(k.signal, c.limit))})
	}
	return out
}
