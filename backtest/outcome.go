package backtest

import (
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// failsBetween returns the weights in percent between which a release really
// begins to fail: after the first and no later than the second. Where the truth
// names the weight of a step, that is the first step in which it fails, and the
// step before it is all that is known to have held. A weight between two steps
// is taken as it is.
//
//	truth 75 under steps of 25, 50, 75  (50, 75]
//	truth 60 under the same             [60, 60]
//	truth 25                            (0, 25]
func failsBetween(steps []release.Step, failsAt float64) (from, to float64) {
	const alike = 1e-9
	held := 0.0
	for _, s := range steps {
		if math.Abs(s.Weight-failsAt) < alike {
			return 100 * held, 100 * failsAt
		}
		if s.Weight < failsAt {
			held = math.Max(held, s.Weight)
		}
	}
	return 100 * failsAt, 100 * failsAt
}

// closeFails says what came of a prediction of where a release fails.
//
// One that never failed, healthy or with its harm counted and no weight of
// failure, did so as far as it went: by all of the traffic, or as far as
// matters. What was said to fail below that was false.
func (j *Judge) closeFails(i int, k *Kept) {
	steps := j.sys.Releases[i].Steps
	bad := j.score.Subjects[i].Bad
	if bad && !math.IsNaN(j.truth.FailsAt) {
		lead := math.NaN()
		if when, ok := reaches(steps, j.truth.FailsAt); ok {
			lead = when.Sub(k.At).Seconds()
		}
		from, to := failsBetween(steps, j.truth.FailsAt)
		k.came(from, to, lead)
		return
	}
	if bad && j.truth.Requests == nil {
		return // nobody says
	}
	reached := 0.0
	for _, s := range steps {
		if !s.At.After(j.last) {
			reached = math.Max(reached, 100*s.Weight)
		}
	}
	if reached >= 100 || float64(k.P90) <= reached {
		k.failed(float64(k.P50) > 100)
	}
}

// watchGrowth follows the signals that are said to run out.
//
// A signal has met its limit when the reading of any instance is at or past
// it; or falls from over nine tenths of it to under a half at once, as that of
// an instance does which is killed at it between two looks.
func (j *Judge) watchGrowth(f signal.Frame) {
	for at, g := range j.ledger.grows {
		if g.Came != nil {
			continue
		}
		c := cellOf(f, at.subject, g)
		if c == nil {
			continue
		}
		met := false
		for _, r := range c.Readings {
			if r.Presence != signal.Present {
				continue
			}
			was, known := g.values[r.Instance]
			met = met || g.meets(was, r.Value, known)
			g.values[r.Instance], g.seen = r.Value, f.At
		}
		if met {
			from, to := j.ledger.last.Sub(g.At).Seconds(), f.At.Sub(g.At).Seconds()
			g.came(math.Max(0, math.Min(from, to)), to, to)
		}
	}
	j.ledger.last = f.At
}

// cellOf finds where a growth is measured: of the canary, or else of the whole
// service.
func cellOf(f signal.Frame, subject int, g *growth) *signal.Cell {
	var whole *signal.Cell
	for k := range f.Cells {
		c := &f.Cells[k]
		if c.Signal != g.signal || c.Service != g.service {
			continue
		}
		if c.Release == subject && c.Cohort == signal.Canary {
			return c
		}
		if c.Cohort == signal.Whole {
			whole = c
		}
	}
	return whole
}

func (g *growth) meets(was, now float64, known bool) bool {
	if g.falls {
		return now <= g.limit
	}
	killed := known && was > 0.9*g.limit && now < 0.5*g.limit
	return now >= g.limit || killed
}

// closeGrowth says what came of a signal that was to run out. One that did not
// by its p90 was wrong. Of a recording that ends sooner nobody can tell. A crash
// by then is what was foretold of the service that crashed, not of another one.
func (j *Judge) closeGrowth(at growing, g *growth) {
	crash, own := j.truth.CrashedAt, j.score.Subjects[at.subject]
	blames := own.Bad && (!own.Change || j.faulty(j.sys.Services[g.service].Name))
	if in := crash.Sub(g.At).Seconds(); g.Came == nil && blames && crash.After(g.At) && in <= float64(g.P90) {
		g.came(in, in, in)
	}
	if g.Came == nil && g.seen.Sub(g.At).Seconds() >= float64(g.P90) {
		g.failed(false)
	}
}

// closeRung says what came of a rung that was to be climbed. With a time it was
// wrong when it had not come by p90; without one, when it did not come by the
// end. Of a rung that no signal shows nobody can tell.
func (j *Judge) closeRung(at climbing, k *Kept) {
	shows := func(s signal.Signal) bool { return pattern.RungOf(s.Kind).String() == at.rung }
	if k.Came != nil || !slices.ContainsFunc(j.sys.Signals, shows) {
		return
	}
	if left := j.last.Sub(k.At).Seconds(); !k.dated() || left >= float64(k.P90) {
		k.failed(false)
	}
}

// closeStep says whether a step did the harm that it was said to do, and
// whether going on with it did, at that step or after it; false leaves it out.
// A healthy release does none. A faulty one harms from the step on in which it
// fails, or else, where requests were counted, while some are harmed. Steps
// after the one in which it fails are left out: by then nothing is foretold.
func (j *Judge) closeStep(at stepOf, step, on *Kept) bool {
	steps := j.sys.Releases[at.release].Steps
	s := steps[at.step]
	if s.At.After(j.last) {
		return false // the recording ends before it
	}
	until := j.last
	if at.step+1 < len(steps) {
		until = steps[at.step+1].At
	}
	switch failsAt := j.truth.FailsAt; {
	case !j.score.Subjects[at.release].Bad:
		step.settle(false)
		on.settle(false)
	case !math.IsNaN(failsAt):
		if steps[at.step-1].Weight >= failsAt {
			return false
		}
		when, reached := reaches(steps, failsAt)
		step.settle(s.Weight >= failsAt)
		on.settle(reached && !when.After(j.last))
	case j.truth.Requests != nil:
		step.settle(j.truth.Requests.between(s.At, until) > 0)
		on.settle(j.truth.Requests.between(s.At, j.last) > 0)
	}
	return true
}

// settle notes whether something without an interval came.
func (k *Kept) settle(came bool) { k.Came = &came }

// between returns the requests harmed in the frames after one instant and no
// later than another.
func (r Requests) between(from, to time.Time) float64 {
	var sum float64
	for i, harmed := range r.PerFrame {
		if at := r.Start.Add(time.Duration(i) * r.Interval); at.After(from) && !at.After(to) {
			sum += harmed
		}
	}
	return sum
}
