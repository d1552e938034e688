package release

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// failed returns the readings with their events counted as failures, also where a
// signal is of what goes well.
func failed(rs []signal.Reading, sig signal.Signal) []signal.Reading {
	if !sig.Good() || !counted(sig) {
		return rs
	}
	rs = slices.Clone(rs)
	for i := range rs {
		rs[i].Events = math.Max(0, rs[i].N-rs[i].Events) // NaN where either is not known
	}
	return rs
}

// counted says whether events of a signal are counted against observations. A
// rate or a number of events has no observations beside them.
func counted(s signal.Signal) bool {
	if s.Unit.Dimension != signal.Ratio {
		return false
	}
	switch s.Kind {
	case signal.Errors, signal.Dependency, signal.Retries, signal.Timeouts, signal.Crashes:
		return true
	default:
		return false
	}
}

// rated says whether a signal is a rate or a number of failures, which says how many
// there are and not of how many: they are counted against the requests.
func rated(sig signal.Signal) bool {
	d := sig.Unit.Dimension
	many := d == signal.Rate || d == signal.Things || d == signal.Opaque
	return many && (sig.Kind == signal.Errors || sig.Kind == signal.Timeouts || sig.Kind == signal.Retries)
}

// mayFail returns which share may fail by the limit of a signal, 0 to 1.
func (s *State) mayFail(id int, limit float64) float64 {
	if s.sys.Signals[id].Good() {
		return 1 - limit
	}
	return limit
}

// matters returns by how much more must fail than is usual to be of consequence: of what
// goes well in terms of what is missing to all or nothing, where that is less.
func (s *State) matters(id int, usual float64) float64 {
	if s.sys.Signals[id].Good() {
		usual = math.Min(usual, 1-usual)
	}
	return s.sizes[id].Relative * usual
}

// count feeds the tests on counted events.
func (s *State) count(i int) {
	x := &s.mem.Subjects[i]
	for id, control := range x.Control {
		if control != nil {
			s.past(&x.Alike[id], x.Before[id], control, id)
		}
	}
	for id, canary := range x.Canary {
		if canary == nil || math.IsNaN(canary.Events) {
			continue
		}
		switch sig := s.sys.Signals[id]; {
		case rated(sig):
			n, m := s.arrived(x)
			s.countOf(x, id, math.Max(n, canary.Events), math.Max(m, eventsOf(x.Control[id])))
		case counted(sig) && !math.IsNaN(canary.N):
			s.countOf(x, id, canary.N, observedOf(x.Control[id]))
			if limit := s.mayFail(id, canary.Limit); limit > 0 {
				if x.Limits[id] == nil {
					x.Limits[id] = &stats.LimitTest{}
				}
				x.Limits[id].Add(canary.Events, canary.N, limit)
			}
		}
	}
}

// countOf feeds the test of one signal with one frame: the events of the canary among
// n, those of the control among m observations. Without the control, which leaves when
// its last traffic does, they are held against what it counted as long as it was there;
// unless that failed more and more itself: then what would be usual now is not known.
func (s *State) countOf(x *subject, id int, n, m float64) {
	y, z := x.Canary[id].Events, eventsOf(x.Control[id])
	if math.IsNaN(n) {
		return
	}
	if x.Counts[id] == nil {
		x.Counts[id] = &stats.CountTest{}
	}
	c := x.Counts[id]
	if !math.IsNaN(z) && m > 0 {
		c.Add(y, n, z, m)
	}
	if a := x.Alike[id]; m > 0 || a != nil && a.LogEValue() > -math.Log(s.policy.CountAlpha) {
		return
	}
	if z, m = x.usually(id); m > 0 {
		limit := math.Max(stats.RateQuantile(math.Min(z, m), m, 0.99), c.Control/math.Max(1, c.NControl))
		c.AddAlone(y, n, math.Max(limit, s.policy.CountFloor))
	}
}

// usually returns how many of how many observations of the control were events, before
// the release began and since.
func (x *subject) usually(id int) (events, n float64) {
	if c := x.Counts[id]; c != nil {
		events, n = c.Control, c.NControl
	}
	if b := x.Before[id]; b != nil && b.Happens < b.Counted { // of failures by themselves all observations are events
		events, n = events+b.Happens, n+b.Counted
	}
	return events, n
}

func eventsOf(t *pattern.Track) float64 {
	if t == nil {
		return math.NaN()
	}
	return t.Events
}

func observedOf(t *pattern.Track) float64 {
	if t == nil {
		return math.NaN()
	}
	return t.N
}

// arrived returns how many requests were counted of either version of a release in
// this frame, by the first traffic signal that counts them of both, else of the canary;
// NaN without one. What fails before it is counted as a request is one all the same.
func (s *State) arrived(x *subject) (canary, control float64) {
	canary, control = math.NaN(), math.NaN()
	for id, sig := range s.sys.Signals {
		if sig.Kind != signal.Traffic || sig.Unit.Dimension != signal.Rate || directed(sig) || x.Canary[id] == nil || math.IsNaN(x.Canary[id].N) {
			continue // what comes of requests is none of them
		}
		if m := observedOf(x.Control[id]); !math.IsNaN(m) {
			return x.Canary[id].N, m
		}
		if math.IsNaN(canary) {
			canary = x.Canary[id].N
		}
	}
	return canary, control
}

// past feeds the test of counted events against the rate they had before: its
// limit is what that rate is at most, with 99 % probability, or what is usual
// at this hour where that is more.
func (s *State) past(test **stats.LimitTest, before, now *pattern.Track, id int) {
	if before == nil || before.Counted == 0 || !counted(s.sys.Signals[id]) || math.IsNaN(now.Events) || math.IsNaN(now.N) {
		return
	}
	if *test == nil {
		limit := stats.RateQuantile(math.Min(before.Happens, before.Counted), before.Counted, 0.99)
		*test = &stats.LimitTest{Limit: math.Max(limit, s.policy.CountFloor)}
	}
	(*test).Add(now.Events, now.N, math.Max((*test).Limit, s.usualRate(now, id)))
}

// A tally is what was counted of a canary, and what is held against it.
type tally struct {
	events, n float64 // of the canary
	rate, of  float64 // the control's share of events, and of how many observations
	logE      float64 // that more of the canary's are events
}

// tallied sums up what was counted of a signal: with the control beside it, and since
// the control has gone. What began since then has the quiet time before not against it.
func (x *subject) tallied(id int) tally {
	c := x.Counts[id]
	t := tally{events: c.Events, n: c.N, rate: c.ControlRate(), of: c.NControl, logE: c.LogEValue()}
	a := &c.Alone
	if a.N == 0 {
		return t
	}
	if z, m := x.usually(id); m > 0 && a.N > c.N { // it was hardly seen beside the control
		t.rate, t.of = z/m, m
	}
	if e := a.LogEValue() / c.Dispersion(); e > math.Max(0, t.logE) {
		t.events, t.n, t.logE = a.LateY, a.LateN, e-math.Ln2 // the mean of two e-values is one
		return t
	}
	t.events, t.n = t.events+a.Y, t.n+a.N
	return t
}

// tallyOf returns the tally behind a finding of subject i; false where it has none.
func (s *State) tallyOf(i int, fd *finding) (tally, bool) {
	x := &s.mem.Subjects[i]
	if c := x.Counts[fd.Signal]; !fd.Counted || c == nil || c.N+c.Alone.N == 0 {
		return tally{}, false
	}
	return x.tallied(fd.Signal), true
}

// countFinding replaces what a ratio says by what its counts say, which need
// no estimate of noise.
func (s *State) countFinding(f *finding, c tally, l *stats.LimitTest) {
	f.Counted = true
	p, q := c.events/math.Max(c.n, 1), c.rate
	sig := s.sys.Signals[f.Signal]
	more := s.matters(f.Signal, q)
	delta := math.Max(more, s.policy.CountFloor)
	switch {
	case rated(sig):
		f.Share = math.Max(0, p-q) // its values are not shares
	default:
		f.Effect, f.Now, f.Level, f.Size = p-q, s.mayFail(f.Signal, p), s.mayFail(f.Signal, q), delta
	}
	logE := c.logE
	if l != nil && q < s.mayFail(f.Signal, f.Subject.Limit) {
		logE = math.Max(logE, l.LogEValue())
	}
	f.LogE, f.Active, f.Grows = 0, false, false
	// The policy's two rates differ; the e-value is put on the gauges' scale.
	if p-q >= more && c.events >= 3 {
		f.LogE = math.Max(0, logE+math.Log(s.policy.CountAlpha/s.policy.Alpha))
		f.Active = f.LogE > 0
	}
	if now := s.since(f); f.Active && !rated(sig) && s.mayFail(f.Signal, now) > p {
		f.Now = now // what was well before it began is no part of how bad it is
	}
	excess := stats.ExcessProbability(c.events, c.n, q*c.of, c.of, delta)
	f.Harm = math.Min(1, excess*s.policy.PromoteBelow/s.policy.CountRisk)
	if excess >= s.policy.CountRisk {
		// When enough were seen for an even rate, a quarter more may tell.
		f.Needs = math.Ceil(math.Max(c.n/4, stats.RequestsNeeded(math.Max(q, p), delta, 1-s.policy.CountRisk)-c.n))
	}
	if f.LogE == 0 {
		f.Harm = math.Min(f.Harm, s.policy.RollbackAbove-0.01)
	}
}

// since returns the mean of a finding's values since it began; NaN where there are none.
func (s *State) since(f *finding) float64 {
	if math.IsNaN(f.Onset.P50) {
		return math.NaN()
	}
	return f.Subject.Values.Over(int(math.Round(f.Onset.P50)), s.mem.Frame)
}

// pastFinding adds what counted events say against the time before.
func (s *State) pastFinding(f *finding, l *stats.LimitTest) {
	if l == nil || l.N == 0 || l.Y < 3 {
		return
	}
	e := l.LogEValue() + math.Log(s.policy.CountAlpha/s.policy.Alpha)
	if s.mayFail(f.Signal, f.Level) < l.Y/l.N && e > f.LogE && f.Stands(f.Size) {
		f.Counted, f.LogE, f.Active = true, e, true
	}
}
