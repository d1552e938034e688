package release

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// influence is how long after a release began an incident is still laid at
// its door with half the weight or more, in frames: fourteen.
const influence = 20

// silence reads what the absence of a release's samples means.
func (s *State) silence(i int, weight float64) pattern.Silence {
	x := &s.mem.Subjects[i]
	sil := pattern.Silent(pattern.Presence{
		Frames:  s.mem.Frame - x.Stepped - x.Lost,
		StartUp: s.startUp(), Back: s.policy.StartUpFrames,
		Seen: x.Seen >= 0, Missed: x.Missed,
		ServedMissed: x.Idle, Serves: s.hasServed(),
		Control: x.Reports, ControlServe: x.Serves,
		Due: x.Due, Rests: s.rests(i),
		Alone: s.alone(i, weight), Swaps: s.sys.Releases[i].Strategy == Recreate,
		Owed: x.Work.Owed, Quiet: x.Work.Quiet, Lull: x.Work.Lull, Worked: x.Work.Worked,
		Share: s.takesShare(i, weight),
	})
	if s.sys.Releases[i].Canary == "" && silent(sil) { // nobody has said how to know it
		sil.Kind, sil.Alone = pattern.SilenceAlone, true
	}
	return sil
}

// startUp returns how many frames a new version may take to start.
func (s *State) startUp() int {
	return max(s.policy.StartUpFrames, int(math.Ceil(s.policy.StartUp.Seconds()/s.sys.Interval.Seconds())))
}

func (s *State) hasServed() bool {
	return slices.ContainsFunc(s.sys.Signals, serves)
}

// takesShare returns the log odds that the canary takes its share, from the
// control's traffic before and during the release.
func (s *State) takesShare(i int, weight float64) float64 {
	x := &s.mem.Subjects[i]
	sum := math.NaN()
	for id, sig := range s.sys.Signals {
		before, now := x.Before[id], x.Control[id]
		if sig.Kind != signal.Traffic || sig.Unit.Dimension != signal.Rate || before == nil || now == nil {
			continue
		}
		tail := pattern.Tail(now, 8)
		mean := before.Values.Mean() * before.Instances()
		if len(tail) < 3 || !(mean > 0) {
			continue
		}
		var total float64
		for _, v := range tail {
			total += v / float64(len(tail))
		}
		// perShare has divided whole cohorts by their share of traffic.
		factor := now.Instances()
		if whole := len(now.Pods) == 1 && now.Pods[0].Instance == ""; whole {
			factor = 1 - weight
		}
		sd := before.Deviation() / before.Values.Mean() / math.Sqrt(float64(len(tail))/2)
		if lr := pattern.TakesShare(mean, total*factor, weight, sd); !math.IsNaN(lr) {
			sum = lr
		}
	}
	return sum
}

// attribute fills in incidents and blame.
func (s *State) attribute(f signal.Frame, sc *scene) {
	for j := range s.mem.Services {
		s.incidents(j, sc)
	}
	cs := make([]prediction.Candidate, len(s.mem.Subjects))
	for i := range s.mem.Subjects {
		if i < len(s.sys.Releases) {
			s.excuse(i, sc)
			cs[i] = s.candidate(i, f, sc)
			sc.laid[i] = s.laid(i, sc)
		} else {
			cs[i] = s.changeCandidate(i, sc)
		}
	}
	sc.blame = prediction.Attribute(s.sys.Graph, cs, sc.incidents, influence)
}

// incidents finds what is worse with service j than before, whichever
// version serves.
func (s *State) incidents(j int, sc *scene) {
	best, overload, onset := 0.0, false, pattern.Onset{}
	consider := func(fs []finding) {
		for k := range fs {
			fd := &fs[k]
			symptom := prevention.Symptom(fd.Kind) && fd.Kind != signal.Dependency
			if fd.Rejected && fd.Active && fd.LogE > best && (symptom || fd.full()) {
				best, overload, onset = fd.LogE, !symptom, s.dated(j, fd)
			}
		}
	}
	consider(sc.services[j])
	for i, r := range s.sys.Releases {
		if r.Service == j {
			consider(sc.alike[i])
		}
	}
	if best > 0 {
		sc.incidents = append(sc.incidents, prediction.Incident{Service: j, Onset: onset.P50, Earliest: onset.P10, Overload: overload})
	}
}

// dated returns when a finding of service j began, as far as it is known: what its
// counts alone prove is not dated, and began no later than it was first seen.
func (s *State) dated(j int, fd *finding) pattern.Onset {
	at := float64(s.mem.Frame)
	switch first := s.mem.Services[j].Onset; {
	case fd.Onset != pattern.Onset{}:
		return fd.Onset
	case first > 0:
		at = float64(first)
	}
	return pattern.Onset{P10: at, P50: at, P90: at}
}

// full says whether what fills up has less room left than what matters. More
// of something without a limit, such as goroutines, is not yet an overload.
func (f *finding) full() bool {
	return f.Kind == signal.Saturation && f.Now+f.Size >= f.Subject.Limit
}

// candidate sums up the evidence about one release.
func (s *State) candidate(i int, f signal.Frame, sc *scene) prediction.Candidate {
	x, r := &s.mem.Subjects[i], s.sys.Releases[i]
	c := prediction.Candidate{Service: r.Service, Begun: x.Begun >= 0, Since: float64(x.Begun), Seen: math.NaN()}
	if x.Seen >= 0 {
		c.Seen = float64(x.Seen)
	}
	if i < len(f.Exposure) {
		c.Weight = f.Exposure[i].Weight
	}
	for fd := range each(sc.releases[i]) {
		if fd.Rejected && fd.Active && fd.Kind != signal.Infra {
			c.Direct = math.Max(c.Direct, fd.LogE)
		}
		c.Direct = math.Max(c.Direct, fd.alone())
	}
	for _, inc := range sc.incidents {
		if inc.Service == r.Service && inc.Onset >= c.Since-1 {
			c.Suffer = true
		}
	}
	c.Starved = x.Served >= 0.75 && x.Starved >= 3
	c.Suffer = c.Suffer || s.callersSuffer(r.Service, c.Since, sc)
	sc.suffer[i] = c.Suffer
	if c.Suffer {
		s.suffersSilence(i, sc)
	}
	c.Silent = silent(sc.silences[i])
	c.Shared = unwitnessed(sc.silences[i].Kind) || sc.silences[i].Alone && !c.Suffer && s.unasks(r.Service)
	for fd := range each(sc.alike[i]) {
		c.Alike = c.Alike || fd.Rejected && fd.Active
	}
	c.AtOnce = s.atOnce(i, sc)
	sc.together[i] = c.AtOnce
	return c
}

// suffersSilence reads the silence of a release whose callers suffer.
func (s *State) suffersSilence(i int, sc *scene) {
	x, sil := &s.mem.Subjects[i], &sc.silences[i]
	if unwitnessed(sil.Kind) {
		// It does take its share, and fails it: more than its exporter is gone.
		sil.Kind = pattern.SilenceTraffic
	}
	if sil.Kind == pattern.SilenceStarting && x.Reports >= 0.5 && s.mem.Frame-x.Stepped-x.Lost >= s.policy.StartUpFrames {
		// It may still be starting, and is sent work already.
		sil.Kind = pattern.SilenceTraffic
	}
}

// silent says whether a silence counts: past the start-up time, with the
// control serving, or with nothing beside it where it served all there was.
func silent(p pattern.Silence) bool {
	return p.Kind == pattern.SilenceTraffic || p.Kind == pattern.SilenceStopped || unwitnessed(p.Kind)
}

// unwitnessed says whether a silence may be that of the metrics alone.
func unwitnessed(k pattern.SilenceKind) bool {
	return k == pattern.SilenceTarget || k == pattern.SilenceAlone
}

// callersSuffer says whether a direct caller of the service fails more since a
// frame than before anything began.
func (s *State) callersSuffer(service int, since float64, sc *scene) bool {
	for _, caller := range s.sys.Graph.Callers(service) {
		for fd := range each(sc.services[caller]) {
			failing := fd.Kind == signal.Dependency || fd.Kind == signal.Errors || fd.Kind == signal.Timeouts
			if failing && fd.Rejected && fd.Active && fd.Onset.P50 >= since-1 {
				return true
			}
		}
	}
	return false
}

// changeCandidate sums up the evidence about a change of the whole system:
// whatever reacted after it and is no release's own doing.
func (s *State) changeCandidate(i int, sc *scene) prediction.Candidate {
	x := &s.mem.Subjects[i]
	c := prediction.Candidate{Service: -1, Begun: x.Begun >= 0, Since: float64(x.Begun), Seen: math.NaN(), Weight: 1}
	if x.Begun < 0 {
		return c
	}
	for _, fd := range sc.lately { // a copy: it is this change's from here on
		if fd.Onset.P50 >= c.Since-1 {
			s.runsOut(&fd, nil)
			fd.noWorse()
			sc.releases[i] = append(sc.releases[i], fd)
			if fd.Rejected && fd.Active {
				c.Direct = math.Max(c.Direct, fd.LogE)
			}
		}
	}
	return c
}

// quiet is after how many frames without any service that is worse an episode
// is over, and fading is what a frame takes off a service that is no longer
// worse: half in ten frames.
const (
	quiet  = 10
	fading = 0.933
)

// A react is how badly one service reacts in one frame.
type react struct {
	score    float64
	signal   int
	rejected bool // something is worse beyond the false-alarm rate
}

// react keeps the books of how badly every service reacted. What reacts first
// in an episode counts most: cause before victim. What is over fades.
func (s *State) react(sc *scene) {
	now := s.mem.Frame
	reacts := s.reacts(sc)
	for _, r := range reacts {
		if !r.rejected {
			continue
		}
		if now-s.mem.Trouble > quiet || s.mem.Episode == 0 {
			s.mem.Episode = now
		}
		s.mem.Trouble = now
	}
	for j := range s.mem.Services {
		x, r := &s.mem.Services[j], reacts[j]
		if (r.rejected || x.Onset > 0) && sc.lately != nil {
			if score, id := lasting(sc.services[j]); score > r.score {
				r.score, r.signal = score, id
			}
		}
		x.keep(r, now, s.mem.Episode, sc.services[j])
	}
}

// reacts finds the worst reaction of every service in this frame.
func (s *State) reacts(sc *scene) []react {
	out := make([]react, len(s.mem.Services))
	consider := func(fs []finding) {
		for fd := range each(fs) {
			r := &out[fd.Service]
			if score := reaction(fd); score > r.score {
				r.score, r.signal = score, fd.Signal
			}
			r.rejected = r.rejected || fd.Rejected && fd.Active
		}
	}
	if sc.lately == nil {
		for _, fs := range sc.services {
			consider(fs)
		}
	}
	consider(sc.lately)
	for i := range s.sys.Releases {
		consider(sc.releases[i])
		consider(sc.alike[i])
	}
	return out
}

// keep takes one frame's reaction into a service's book.
func (x *service) keep(r react, now, episode int, fs []finding) {
	from := now
	if r.rejected && x.Onset == 0 {
		x.Onset = now
	}
	if x.Onset > 0 {
		from = x.Onset
	}
	fade := math.Exp(-math.Max(0, float64(from-episode)) / influence)
	if score := fade * r.score; score > x.Score {
		x.Score, x.Signal = score, r.signal
		return
	}
	if r.score < x.Score/4 && !lasts(fs, x.Signal) {
		x.Score *= fading
		if x.Score < 0.05 {
			x.Onset = 0
		}
	}
}

// lasting returns the largest change of a service against the time before
// anything began, as [reaction] measures it: a slow ramp hardly shows against
// the last hour. A signal with a limit counts by half to one and a half, as it
// has eaten up its headroom.
func lasting(fs []finding) (score float64, id int) {
	for fd := range each(fs) {
		if fd.Size <= 0 || fd.Harmless {
			continue
		}
		r := math.Log1p(math.Max(0, fd.Away()) / fd.Size)
		if fd.Kind == signal.Network {
			r /= 2
		}
		if room := math.Abs(fd.Subject.Limit - fd.Level); room > 0 {
			r *= 0.5 + math.Min(1, fd.Away()/room)
		}
		if r > score {
			score, id = r, fd.Signal
		}
	}
	return score, id
}

// lasts says whether a signal of a service is still away from what it was
// before anything began.
func lasts(fs []finding, id int) bool {
	for fd := range each(fs) {
		if fd.Signal == id {
			return fd.Away() >= fd.Size
		}
	}
	return false
}

// reaction is how badly a service reacted in one signal: the logarithm of its
// change in sizes of consequence, times how sure it is. What is not beyond
// the false-alarm rate counts a quarter.
func reaction(fd *finding) float64 {
	size := fd.Typical
	switch {
	case fd.Grows:
		size = fd.Projected()
	case fd.Rejected:
		size = fd.Effect
	}
	if !(size > 0) || fd.Size <= 0 || !(fd.SE > 0) || fd.Harmless {
		return 0
	}
	score := math.Log1p(size/fd.Size) * math.Min(1, size/fd.SE/10)
	if fd.Kind == signal.Network {
		score /= 2 // traffic that one loses another one may have
	}
	if !fd.Rejected || !fd.Active {
		score /= 4
	}
	return score
}
