package release

import (
	"iter"
	"math"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
	"github.com/foreshock/foreshock/trend"
)

// A finding is what one signal says of one release or service.
type finding struct {
	pattern.Comparison
	Service, Signal int
	Kind            signal.Kind
	Harm            float64 // probability that it is of consequence, weighed by its kind
	Counted         bool    // whether LogE comes from counts
	LogE            float64 // evidence that it is worse, 0 when not of consequence
	Rejected        bool    // worse beyond the false-alarm rate, and of consequence
	Suspicion       float64 // log e-value to wait for, where that is more than LogE; else 0
	Suspected       bool    // the same at the rate for suspicions
	Certain         bool    // rejected by counted events so clearly that one frame is enough
	Active          bool    // and still so in the last frames
	Grows           bool    // it is the growth that is of consequence
	Needs           float64 // observations still needed to tell; 0 when enough
	Ahead           float64 // probability that its growth comes to be of consequence
	Harmless        bool    // load and not trouble
	Past            float64 // probability that it is past its limit, as callers feel it, and its reference well below
	Felt            bool    // of consequence only because of that
	Starts          int     // starts of the new version's processes that are no chance; 0 where there are none
	Young           bool    // certainly fuller, and too young to tell whether it goes on
	Share           float64 // by how many of all requests more fail, where a rate of failures was counted against them
	Small           bool    // certain, but too small to matter
	Subject         *pattern.Track
	Control         *pattern.Track
	Runs            *trend.Growth // when what grows meets its limit; nil where it does not grow or has none
}

// each yields findings where they lie: they are large.
func each(fs []finding) iter.Seq[*finding] {
	return func(yield func(*finding) bool) {
		for k := range fs {
			if !yield(&fs[k]) {
				return
			}
		}
	}
}

// A scene is all that one frame shows.
type scene struct {
	releases  [][]finding // by subject
	services  [][]finding // by service, signals of the whole service
	alike     [][]finding // by release: its control against what it was before
	incidents []prediction.Incident
	blame     prediction.Blame
	silences  []pattern.Silence
	lacks     []lack // by subject
	suffer    []bool
	laid      []*finding  // by release: what is worse with its whole service since a step of it
	together  []bool      // both versions fail since it began
	lately    []finding   // of all services; only where a change has no service
	failures  [][]failure // by release: limits that its exposure meets
	inferred  [][]failure // of each release, what fills up unmeasured
	collapses []collapse  // of the release that is assessed
	shared    []finding   // what runs out in both versions of it alike
}

// examine compares everything with its reference.
func (s *State) examine(f signal.Frame) *scene {
	n := len(s.mem.Subjects)
	sc := &scene{
		releases: make([][]finding, n), services: s.examineServices(), alike: make([][]finding, len(s.sys.Releases)),
		silences: make([]pattern.Silence, n), lacks: make([]lack, n), suffer: make([]bool, n), together: make([]bool, n),
		laid: make([]*finding, len(s.sys.Releases)),
	}
	if len(s.sys.Changes) > 0 {
		sc.lately = s.examineLately()
	}
	for i := range s.sys.Releases {
		if x := &s.mem.Subjects[i]; x.Begun >= 0 {
			weight := 0.0
			if i < len(f.Exposure) {
				weight = f.Exposure[i].Weight
			}
			sc.releases[i] = s.examineRelease(i, weight)
			sc.alike[i] = s.examineAlike(i)
			sc.silences[i], sc.lacks[i] = s.silence(i, weight), s.lacks(i)
		}
	}
	return sc
}

// examineRelease compares the canary of a release, at a weight, with its control.
func (s *State) examineRelease(i int, weight float64) []finding {
	x := &s.mem.Subjects[i]
	out := s.room(&s.found, i)
	traffic := s.traffic(i)
	for id, canary := range x.Canary {
		if canary == nil || !s.compared(i, id) {
			continue
		}
		before := x.Before[id]
		if before == nil && s.sys.Releases[i].Control == "" {
			before = s.mem.Services[s.sys.Releases[i].Service].Before[id]
		}
		// Growth matters where something fills up, or meets a limit.
		size := s.sizes[id]
		size.Still = !stock(s.sys.Signals[id]) && math.IsNaN(canary.Limit)
		size.Alone = s.sys.Releases[i].Control == ""
		size.Idle = !size.Alone && weight >= 1 && goesWithLoad(s.sys.Signals[id].Kind) || size.Alone && s.busier(i)
		loads := traffic
		if !goesWithLoad(s.sys.Signals[id].Kind) {
			loads = pattern.Loads{}
		}
		c, ok := s.work.Compare(loads, canary, x.Control[id], before, s.sys.Signals[id].Direction(), size)
		if !ok {
			continue
		}
		fd := s.finding(c, s.sys.Releases[i].Service, id, canary)
		fd.Onset = fd.Onset.From(float64(x.Begun))
		fd.Control = x.Control[id]
		s.countedFinding(i, &fd, before)
		s.tailFinding(&fd, x.Tails[id])
		s.atRest(&fd, weight)
		s.runsOut(&fd, &x.Exposed)
		if fd.near() {
			fd.Harm = math.Max(fd.Harm, float64(fd.runs()))
		}
		out = append(out, fd)
	}
	s.reject(out)
	s.suspect(out)
	return out
}

// countedFinding adds what is counted of a signal, in the ways in which it is.
func (s *State) countedFinding(i int, fd *finding, before *pattern.Track) {
	x, id := &s.mem.Subjects[i], fd.Signal
	if c := x.Counts[id]; c != nil && c.N+c.Alone.N > 0 {
		s.countFinding(fd, x.tallied(id), x.Limits[id])
	}
	if s.sys.Releases[i].Control == "" {
		s.freshFinding(fd, before, x.Alike[id])
	}
	if w := x.Wanted[id]; w != nil && w.N > 0 {
		s.wantedFinding(fd, w)
	}
}

// goesWithLoad says whether a kind goes with the traffic of an instance: what is
// used, not what callers feel.
func goesWithLoad(k signal.Kind) bool {
	return !prevention.Symptom(k) && k != signal.Infra && k != signal.Traffic
}

// traffic returns the traffic of the instances of a release.
func (s *State) traffic(i int) pattern.Loads {
	x := &s.mem.Subjects[i]
	for t := range s.sys.Signals {
		sig := &s.sys.Signals[t]
		perInstance := x.Canary[t] != nil && len(x.Canary[t].Pods) > 0 && x.Canary[t].Pods[0].Instance != ""
		if sig.Kind == signal.Traffic && sig.Unit.Dimension == signal.Rate && perInstance {
			return pattern.Loads{Subject: x.Canary[t], During: x.Control[t], Before: x.Before[t]}
		}
	}
	return pattern.Loads{}
}

// examineAlike compares the control of a release with what it was before:
// what shows here hurts both versions.
func (s *State) examineAlike(i int) []finding {
	x := &s.mem.Subjects[i]
	out := s.room(&s.alike, i)
	for id, control := range x.Control {
		sig := s.sys.Signals[id]
		if control == nil || x.Before[id] == nil || !prevention.Symptom(sig.Kind) || control.Missed > s.startUp() {
			continue // what it last showed is of another time
		}
		size := s.sizes[id]
		size.Still = true
		if c, ok := s.work.Compare(pattern.Loads{}, control, nil, x.Before[id], sig.Direction(), size); ok {
			fd := s.finding(c, s.sys.Releases[i].Service, id, control)
			s.pastFinding(&fd, x.Alike[id])
			out = append(out, fd)
		}
	}
	s.reject(out)
	return out
}

// examineServices compares the services as a whole with what they were
// before anything began, and with each other.
func (s *State) examineServices() [][]finding {
	out := make([][]finding, len(s.mem.Services))
	for id, sig := range s.sys.Signals {
		var subjects []pattern.Subject
		var who []int
		for j := range s.mem.Services {
			x := &s.mem.Services[j]
			if x.After[id] == nil || x.Before[id] == nil || sig.Kind == signal.Traffic {
				continue
			}
			subjects = append(subjects, pattern.Subject{After: x.After[id], Before: x.Before[id], Worse: sig.Direction(), Size: s.sizes[id]})
			who = append(who, j)
		}
		cs, ok := pattern.Among(subjects)
		for k, c := range cs {
			if ok[k] {
				fd := s.finding(c, who[k], id, subjects[k].After)
				s.pastFinding(&fd, s.mem.Services[who[k]].Worse[id])
				out[who[k]] = append(out[who[k]], fd)
			}
		}
	}
	var all []finding
	for j := range out {
		all = append(all, out[j]...)
	}
	s.reject(all)
	k := 0
	for j := range out {
		k += copy(out[j], all[k:k+len(out[j])])
	}
	return out
}

// examineLately compares the services of a system under a change that has no
// service of its own, each with its recent past and with the others.
func (s *State) examineLately() []finding {
	var all []finding
	for id, sig := range s.sys.Signals {
		if sig.Kind == signal.Traffic {
			continue
		}
		var subjects []pattern.Recent
		var who []int
		for j := range s.mem.Services {
			if r := s.mem.Services[j].Rings[id]; r != nil {
				subjects = append(subjects, pattern.Recent{Ring: r, Frame: s.mem.Frame, Worse: sig.Direction(), Size: s.sizes[id], Horizon: float64(s.mem.Frame - s.mem.Begun)})
				who = append(who, j)
			}
		}
		cs, ok := pattern.Lately(subjects)
		for k, c := range cs {
			if !ok[k] {
				continue
			}
			x := &s.mem.Services[who[k]]
			t := x.After[id]
			if t == nil {
				t = x.Before[id]
			}
			all = append(all, s.finding(c, who[k], id, t))
		}
	}
	s.arisen(all)
	all = s.everywhere(all)
	s.reject(all)
	return all
}

// finding weighs a comparison by its kind.
func (s *State) finding(c pattern.Comparison, service, id int, subject *pattern.Track) finding {
	sig := s.sys.Signals[id]
	if limit := subject.Limit; !math.IsNaN(limit) {
		c.Size = sized(c, limit)
	}
	f := finding{Comparison: c, Service: service, Signal: id, Kind: sig.Kind, Subject: subject}
	size := s.consequence(&f)
	// What is more only at the load that it has not is a cost, and no harm yet.
	big := (symptom(sig) || c.Above()) && c.Typical >= size && c.Told() && c.Frames >= 3
	f.Harmless = harmless(sig, c) && !f.pastLimit()
	if big && !f.Harmless && !f.roomy() {
		f.LogE = c.LogE
	}
	// A difference that is certain and grows need not be certain twice.
	if e := math.Max(c.SlopeLogE, c.LogE); stock(sig) && c.Growing() && e > f.LogE {
		f.Grows, f.LogE, f.Onset = true, e, c.Grown
	}
	if c.Typical < c.Size && c.LogE > 5 && !f.Grows {
		f.Small = true
	}
	f.Active = f.LogE > 0 && (f.Grows || c.Stands(size) && !c.Faded(size))
	if stock(sig) {
		f.Ahead = c.GrowthProbability()
	}
	if !f.roomy() && (symptom(sig) || c.Above()) {
		// What befalls both versions alike keeps no one from telling them apart.
		if f.Harm = c.HarmBeyond(size); f.Harm >= s.policy.PromoteBelow {
			f.Harm = math.Min(f.Harm, c.PairedBeyond(size))
		}
	}
	f.Harm = math.Max(f.Harm, f.Ahead)
	return f
}

// consequence returns the change of a finding that matters: of a resource that is
// not past its limit, far more. It notes what matters only as its limit is felt.
func (s *State) consequence(f *finding) float64 {
	f.Past = s.beyond(f)
	major := s.policy.Major * f.Size
	switch {
	case symptom(s.sys.Signals[f.Signal]):
		return f.Size
	case f.pastLimit():
		f.Felt = f.Typical < major
		return f.Size
	default:
		return major
	}
}

// harmless says whether a change is load and not trouble: more bytes or
// packets where some were normal. Fewer are trouble, and so are any where
// none were (drops).
func harmless(sig signal.Signal, c pattern.Comparison) bool {
	return sig.Kind == signal.Network && sig.Direction() == signal.Both && !c.Falls && c.Level > c.ControlSD
}

// stock says whether a signal measures something that fills up: by its kind, or, of the
// network, by its limit, as of connections that are tracked.
func stock(sig signal.Signal) bool {
	return filling(sig.Kind) || sig.Kind == signal.Network && sig.Limit.Set
}

// filling says whether a kind measures what fills up.
func filling(k signal.Kind) bool {
	return k == signal.Memory || k == signal.Saturation || k == signal.Database || k == signal.Infra
}

// twice is how many times the log e-value of a rejection makes it certain in one
// frame: what two frames that show the same, and nothing of each other, would.
const twice = 2

// reject applies e-BH across the signals.
func (s *State) reject(fs []finding) {
	for _, i := range stats.EBH(logEvidence(fs), s.policy.Alpha) {
		if fs[i].LogE > 0 {
			fs[i].Rejected = true
			fs[i].Certain = fs[i].Counted && fs[i].LogE >= twice*math.Log(float64(len(fs))/s.policy.Alpha)
			fs[i].Harm = math.Max(fs[i].Harm, odds(fs[i].LogE-math.Log(float64(len(fs)))))
		}
	}
}

// suspect notes what is no proof of a release's harm, and reason enough to wait.
func (s *State) suspect(fs []finding) {
	logs := logEvidence(fs)
	for i := range fs {
		logs[i] = math.Max(logs[i], fs[i].Suspicion)
	}
	for _, i := range stats.EBH(logs, s.policy.SuspectAlpha) {
		fs[i].Suspected = logs[i] > 0
	}
	for i := range fs {
		s.startedAgain(&fs[i])
	}
}

// logEvidence returns the log e-values of findings.
func logEvidence(fs []finding) []float64 {
	logs := make([]float64, len(fs))
	for i := range fs {
		logs[i] = fs[i].LogE
	}
	return logs
}

func odds(logE float64) float64 { return 1 / (1 + math.Exp(-logE)) }
