package release

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// memoryShare is the weight of one frame in running shares: about the last
// eight frames count.
const memoryShare = 1.0 / 8

// observe takes one frame into the memory.
func (s *State) observe(f signal.Frame) {
	if s.mem.Frame == 0 {
		s.mem.Start = f.At
	}
	s.skip(f)
	f.Cells = s.none(f)
	s.mem.At = f.At
	s.begin(f)
	seen := make([]sight, len(s.sys.Releases))
	var services, all view
	tails := make([]tails, len(s.sys.Releases))
	shares := shares{exposure: f.Exposure, measured: s.sharesOf(f)}
	for _, c := range f.Cells {
		c.Readings = inOrder(c.Readings)
		if c.Signal < 0 || c.Signal >= len(s.sys.Signals) {
			continue
		}
		c.Readings = failed(c.Readings, s.sys.Signals[c.Signal])
		all.add(c, s.sys.Signals[c.Signal])
		if c.Release < 0 {
			services.add(c, s.sys.Signals[c.Signal])
			s.observeService(c)
			s.standIn(c, seen)
			continue
		}
		if c.Release < len(s.sys.Releases) {
			s.observeRelease(c, shares, &seen[c.Release])
			tails[c.Release].add(c)
		}
	}
	s.expose(f)
	s.cascade(f)
	for i := range s.mem.Subjects {
		x := &s.mem.Subjects[i]
		if i >= len(s.sys.Releases) {
			x.hear(services.silent(all), s.mem.Frame, f.At, s.sys.Interval)
			continue
		}
		s.count(i)
		s.countWanted(i)
		s.countPast(i)
		s.countTails(i, tails[i])
		x.hear(seen[i].canary.silent(seen[i].control, all), s.mem.Frame, f.At, s.sys.Interval)
		x.note(seen[i], s.mem.Frame, i < len(f.Exposure) && f.Exposure[i].Weight > 0)
	}
}

// skip counts frames on that never came: a live run that was held up leaves
// out those it is too late for. Nothing is known of them.
func (s *State) skip(f signal.Frame) {
	if s.mem.Frame == 0 || s.sys.Interval <= 0 {
		return
	}
	gap := int(math.Round(float64(f.At.Sub(s.mem.At))/float64(s.sys.Interval))) - 1
	if gap <= 0 {
		return
	}
	s.mem.Frame += gap
	for i := range s.mem.Subjects {
		s.mem.Subjects[i].lose(gap, s.sys.Interval)
	}
	for j := range s.mem.Services {
		for _, r := range s.mem.Services[j].Rings {
			for range min(gap, stats.Width) {
				if r != nil {
					r.Add(math.NaN())
				}
			}
		}
	}
}

// lose notes frames of which nothing is known. The time of a hold stands
// still meanwhile.
func (x *subject) lose(frames int, interval time.Duration) {
	if x.Begun >= 0 {
		x.Lost += frames
	}
	if !x.Held.IsZero() {
		x.Held = x.Held.Add(time.Duration(frames) * interval)
	}
}

// begin notes which releases and changes have begun.
func (s *State) begin(f signal.Frame) {
	for i := range s.mem.Subjects {
		x := &s.mem.Subjects[i]
		step := 0
		if i < len(s.sys.Releases) {
			if i < len(f.Exposure) {
				step = f.Exposure[i].Step
			}
		} else if c := s.sys.Changes[i-len(s.sys.Releases)]; !c.At.After(f.At) {
			step = 1
		}
		if step > x.Step {
			x.step(step, s.mem.Frame)
		}
		if step > 0 && x.Begun < 0 {
			x.Begun = s.mem.Frame
			x.Served = x.Serves
			if s.mem.Begun < 0 {
				s.mem.Begun = s.mem.Frame
			}
		}
	}
}

// step notes that a step begins.
func (x *subject) step(step, frame int) {
	x.Step, x.Stepped, x.Lost = step, frame, 0
	for _, t := range x.Tails {
		if t != nil {
			t.Stepped()
		}
	}
}

// inOrder returns the readings by instance, as the engine gives them: sums
// must not depend on who asked in which order.
func inOrder(rs []signal.Reading) []signal.Reading {
	by := func(a, b signal.Reading) int { return cmp.Compare(a.Instance, b.Instance) }
	if slices.IsSortedFunc(rs, by) {
		return rs
	}
	rs = slices.Clone(rs)
	slices.SortStableFunc(rs, by)
	return rs
}

// A sight is what was seen of a release in one frame.
type sight struct {
	canary, control view
	serves          bool // there are signals that only served work gives
}

// A view is what was seen of one side of a release, or of more, in one frame.
type view struct {
	value, below        bool // some value of its own; one of what it runs on, or of its scraping
	own                 bool // there is a cell of its own
	served              bool // some value that only served work gives
	asked, askedSymptom bool // some cell was answered; one of a symptom
	missing, noServed   bool // some cell was not; one that only served work gives
	symptom             bool // there is a cell of a symptom
}

func (v *view) add(c signal.Cell, sig signal.Signal) {
	there, symptom := present(c), prevention.Symptom(sig.Kind)
	if sig.Kind == signal.Infra {
		v.below = v.below || there
	} else {
		v.own, v.value = true, v.value || there
	}
	v.served = v.served || there && serves(sig) && !(sig.Kind == signal.Traffic && total(c) == 0)
	v.symptom = v.symptom || symptom
	v.asked = v.asked || c.Asked()
	v.askedSymptom = v.askedSymptom || c.Asked() && symptom
	v.missing = v.missing || !c.Asked()
	v.noServed = v.noServed || !c.Asked() && serves(sig)
}

// seen says whether it reports. What it runs on, and that its scrape fails, is told
// whether it lives or not: that counts only where nothing else is asked of it.
func (v view) seen() bool { return v.value || !v.own && v.below }

// silent says whether the source did not answer for a view: not for any
// symptom in it, or, without a symptom, for nothing. A view without cells is
// taken for the first of the others that has some.
func (v view) silent(others ...view) bool {
	switch {
	case v.symptom:
		return !v.askedSymptom
	case v.asked || v.missing:
		return !v.asked
	case len(others) > 0:
		return others[0].silent(others[1:]...)
	default:
		return false
	}
}

// standIn lets the whole service stand for the control of releases that have
// none: is it still there?
func (s *State) standIn(c signal.Cell, seen []sight) {
	sig := s.sys.Signals[c.Signal]
	for i, r := range s.sys.Releases {
		if r.Service != c.Service || r.Control != "" || sig.Scope == signal.PerService {
			continue
		}
		seen[i].control.add(c, sig)
		seen[i].serves = seen[i].serves || serves(sig)
	}
}

// present says whether a cell has a value.
func present(c signal.Cell) bool {
	return slices.ContainsFunc(c.Readings, func(r signal.Reading) bool { return r.Presence == signal.Present })
}

func (s *State) observeService(c signal.Cell) {
	x := &s.mem.Services[c.Service]
	side, origin := x.Before, 0
	if s.mem.Begun >= 0 {
		side, origin = x.After, s.mem.Begun
	}
	t := track(side, c.Signal, origin)
	t.Add(s.mem.Frame, c, s.sys.Interval.Seconds())
	if s.mem.Begun >= 0 {
		s.past(&x.Worse[c.Signal], x.Before[c.Signal], t, c.Signal)
	}
	if len(s.sys.Changes) == 0 {
		return
	}
	if x.Rings[c.Signal] == nil {
		x.Rings[c.Signal] = &pattern.Ring{}
	}
	x.Rings[c.Signal].Add(t.Values.Tail(1)[0])
}

// track returns the track of a signal, a new one when there is none.
func track(side []*pattern.Track, id, origin int) *pattern.Track {
	if side[id] == nil {
		side[id] = pattern.NewTrack(origin)
	}
	return side[id]
}

func (s *State) observeRelease(c signal.Cell, shares shares, seen *sight) {
	x := &s.mem.Subjects[c.Release]
	sig := s.sys.Signals[c.Signal]
	switch {
	case c.Cohort == signal.Canary && x.Begun >= 0:
		seen.canary.add(c, sig)
		if share, ok := shares.of(c, sig); ok {
			c = s.perShare(c, share)
		}
		track(x.Canary, c.Signal, x.Begun).Add(s.mem.Frame, c, s.sys.Interval.Seconds())
	case c.Cohort == signal.Control:
		seen.control.add(c, sig)
		side, origin := x.Before, 0
		if x.Begun >= 0 {
			side, origin = x.Control, x.Begun
			if share, ok := shares.of(c, sig); ok {
				c = s.perShare(c, 1-share)
			}
			if shares.idle(c.Release) && goesWithLoad(sig.Kind) { // what it uses with nothing to do is no measure
				c.Readings = []signal.Reading{signal.Missing(signal.Stopped, "")}
			}
		}
		track(side, c.Signal, origin).Add(s.mem.Frame, c, s.sys.Interval.Seconds())
	}
	seen.serves = seen.serves || serves(sig)
}

// serves says whether only served work gives samples of a signal. A number of
// pods is filed under traffic as well, and pods report without any.
func serves(s signal.Signal) bool {
	return s.Kind == signal.Latency || s.Kind == signal.Errors || s.Kind == signal.Traffic && s.Unit.Dimension != signal.Things
}

func total(c signal.Cell) float64 {
	var sum float64
	for _, r := range c.Readings {
		if r.Presence == signal.Present {
			sum += r.Value
		}
	}
	return sum
}

// perShare divides the value of a whole cohort that grows with its share of
// traffic by that share, and its limit with it, so that cohorts of unlike size can be
// compared. Values of single instances are left as they are.
func (s *State) perShare(c signal.Cell, share float64) signal.Cell {
	if !extensive(s.sys.Signals[c.Signal]) || len(c.Readings) != 1 || c.Readings[0].Instance != "" {
		return c
	}
	r := c.Readings[0]
	if share < 0.01 {
		r.Presence, r.Value = signal.Empty, math.NaN()
		c.Limit = math.NaN() // what it would be of nothing is not known
	} else {
		r.Value, r.Level, r.Spread = r.Value/share, r.Level/share, r.Spread/share
		c.Limit /= share // which is of the cohort as it is
	}
	c.Readings = []signal.Reading{r}
	if len(c.Ahead) > 0 && share >= 0.01 {
		ahead := slices.Clone(c.Ahead)
		for i := range ahead {
			ahead[i] /= share
		}
		c.Ahead = ahead
	}
	return c
}

// extensive says whether the value of a whole cohort grows with its share of
// traffic.
func extensive(sig signal.Signal) bool {
	return sig.Unit.Dimension == signal.Rate || sig.Unit.Dimension == signal.CPUTime
}

// divided says whether the values of a track are those of a whole cohort over its
// share of the traffic.
func divided(sig signal.Signal, t *pattern.Track) bool {
	return extensive(sig) && len(t.Pods) == 1 && t.Pods[0].Instance == ""
}

// hear notes whether the source answered for a subject.
func (x *subject) hear(unasked bool, frame int, at time.Time, interval time.Duration) {
	if !unasked {
		if !x.Unasked.IsZero() && at.Sub(x.Unasked) > lateAnswer*interval {
			x.Deaf = frame
		}
		x.Unasked = time.Time{}
		return
	}
	if x.Unasked.IsZero() {
		x.Unasked = at
	}
	x.lose(1, interval)
}

// unasked says whether the source did not answer for a subject in this frame.
func (x *subject) unasked() bool { return !x.Unasked.IsZero() }
