package release

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
	"github.com/foreshock/foreshock/trend"
)

// A failure is where one signal meets its limit as a release's exposure grows.
type failure struct {
	trend.Failure
	service, signal int
	cohort          signal.Cohort
	limit           float64
	inferred        bool    // nothing measures how full it is
	usual           float64 // what is usual now, where the limit is from memory; else 0
}

// A flow is the traffic of one cell in one frame.
type flow struct {
	asked  bool
	rate   float64 // NaN when it was not seen
	normal float64 // what is normal at this hour; NaN when unknown
}

// expose keeps the books of exposure and traffic of every release, which the
// answers of signals to exposure are read against.
func (s *State) expose(f signal.Frame) {
	loads, sides := s.loads(f)
	for i := range s.sys.Releases {
		x := &s.mem.Subjects[i]
		s.split(i, f, sides[i])
		s.owe(i, f, sides[i])
		s.ask(i, loads[i].rate, loads[i].normal)
		if x.Begun >= 0 && i < len(f.Exposure) {
			x.Exposed.Add(s.mem.Frame, f.Exposure[i].Weight)
		}
		side, origin := &x.LoadBefore, 0
		if s.mem.Begun >= 0 {
			side, origin = &x.Load, s.mem.Begun
		}
		if *side == nil && !math.IsNaN(loads[i].rate) {
			*side = stats.NewHistory(origin)
		}
		if *side != nil {
			(*side).Add(s.mem.Frame, loads[i].rate)
		}
	}
}

// loads returns the traffic that arrives at the service of each release, of
// both versions together; of the nearest caller where that is not measured,
// and NaN where neither is known. sides are canary and control of each apart.
func (s *State) loads(f signal.Frame) (out []flow, sides [][2]flow) {
	whole := make([]flow, len(s.sys.Services))
	sides = make([][2]flow, len(s.sys.Releases))
	for _, c := range f.Cells {
		if !s.flows(c) {
			continue
		}
		at := &whole[c.Service]
		if c.Release >= 0 {
			at = &sides[c.Release][0]
			if c.Cohort == signal.Control {
				at = &sides[c.Release][1]
			}
		}
		if at.asked {
			continue // the first such signal counts
		}
		*at = flow{asked: true, rate: math.NaN(), normal: math.NaN()}
		if present(c) {
			at.rate = total(c)
		}
		if len(c.Readings) == 1 && c.Readings[0].Instance == "" {
			at.normal = c.Readings[0].Level
		}
	}
	out = make([]flow, len(sides))
	for i := range sides {
		weight := 0.0
		if i < len(f.Exposure) {
			weight = f.Exposure[i].Weight
		}
		out[i] = s.load(s.sys.Releases[i].Service, weight, sides[i], whole)
	}
	return out, sides
}

// flows says whether a cell holds a rate of work that arrives.
func (s *State) flows(c signal.Cell) bool {
	if c.Signal < 0 || c.Signal >= len(s.sys.Signals) || c.Release >= len(s.sys.Releases) {
		return false
	}
	sig := s.sys.Signals[c.Signal]
	return sig.Kind == signal.Traffic && sig.Unit.Dimension == signal.Rate
}

// load returns the traffic at one release. A side that should serve and does
// not report makes it unknown: half of the traffic is no fall of it.
func (s *State) load(service int, weight float64, sides [2]flow, whole []flow) flow {
	canary, control := sides[0], sides[1]
	switch {
	case whole[service].asked:
		return whole[service]
	case weight == 0 && control.asked:
		return control
	case weight == 1 && canary.asked:
		return canary
	case canary.asked || control.asked:
		return flow{asked: true, rate: canary.rate + control.rate, normal: canary.normal + control.normal}
	}
	best, load := math.MaxInt, flow{rate: math.NaN(), normal: math.NaN()}
	for j, calls := range s.sys.Graph.Upstream(service) {
		if calls > 0 && calls < best && whole[j].asked {
			best, load = calls, whole[j]
		}
	}
	return load
}

// foresee looks for the exposure at which each release meets a limit.
func (s *State) foresee(f signal.Frame, sc *scene) {
	sc.failures = make([][]failure, len(s.sys.Releases))
	sc.inferred = make([][]failure, len(s.sys.Releases))
	for i := range s.sys.Releases {
		if s.mem.Subjects[i].Begun >= 0 && i < len(f.Exposure) && f.Exposure[i].Weight < 1 {
			sc.failures[i], sc.inferred[i] = s.failuresOf(i, f, sc), slices.Concat(s.unmeasured(i), s.unusual(i, f, sc))
		}
	}
	rivalry(sc.failures)
	rivalry(sc.inferred)
}

// rivalry weighs the releases that one signal may answer to against each
// other: what speaks for the others speaks against each.
func rivalry(failures [][]failure) {
	type series struct{ service, signal int }
	all := map[series][]*failure{}
	for _, fs := range failures {
		for k := range fs {
			if x := &fs[k]; x.cohort == signal.Whole {
				at := series{x.service, x.signal}
				all[at] = append(all[at], x)
			}
		}
	}
	for _, xs := range all {
		was := make([]float64, len(xs))
		for k, x := range xs {
			was[k] = x.Evidence
		}
		for k, x := range xs {
			others := append([]float64{0}, was[:k]...) // 0 is "none"
			x.Evidence -= stats.LogSumExp(append(others, was[k+1:]...))
		}
	}
}

// failuresOf looks at the signals that have a limit: of the release's own
// cohorts, and of the services that its load or its slowness can reach. The
// nearest limit comes first.
func (s *State) failuresOf(i int, f signal.Frame, sc *scene) []failure {
	var out []failure
	s.candidates(i, func(a failure, before, since *pattern.Track) {
		if s.meets(i, &a, before, since, f, sc) {
			out = append(out, a)
		}
	})
	if len(out) > 0 {
		well := s.well(i, sc)
		for k := range out {
			out[k].Unmet(well)
		}
	}
	out = append(out, s.defects(i, f, sc)...)
	s.byWeight(out)
	return once(out)
}

// candidates gives every series in which a release may meet a limit to visit,
// with its values before and since the first step.
func (s *State) candidates(i int, visit func(a failure, before, since *pattern.Track)) {
	x, r := &s.mem.Subjects[i], s.sys.Releases[i]
	reached := s.reached(r.Service)
	for id := range s.sys.Signals {
		for _, j := range reached {
			visit(failure{service: j, signal: id, cohort: signal.Whole}, s.mem.Services[j].Before[id], s.mem.Services[j].After[id])
		}
		visit(failure{service: r.Service, signal: id, cohort: signal.Canary}, nil, x.Canary[id])
		visit(failure{service: r.Service, signal: id, cohort: signal.Control}, x.Before[id], x.Control[id])
	}
}

// once leaves the first of several cohorts of one signal.
func once(out []failure) []failure {
	seen := map[[2]int]bool{}
	return slices.DeleteFunc(out, func(a failure) bool {
		at := [2]int{a.service, a.signal}
		was := seen[at]
		seen[at] = true
		return was
	})
}

// unplaced orders failures of which the weight is known before the others.
func unplaced(x failure) int {
	if x.Why == trend.Known {
		return 0
	}
	return 1
}

// reached returns the services that a release of one can move: those it
// calls, directly or not, as load travels; those that call it, as slowness
// does; and those of which nobody said who calls them.
func (s *State) reached(service int) []int {
	var out []int
	up, down := s.sys.Graph.Upstream(service), s.sys.Graph.Downstream(service)
	for j := range s.sys.Services {
		alone := len(s.sys.Graph.Callers(j))+len(s.sys.Graph.Callees(j)) == 0
		if j == service || alone || j < len(up) && (up[j] >= 0 || down[j] >= 0) {
			out = append(out, j)
		}
	}
	return out
}

// meets fills in where one signal meets its limit, and says whether it
// answers to exposure, or may.
func (s *State) meets(i int, a *failure, before, since *pattern.Track, f signal.Frame, sc *scene) bool {
	if since == nil || !steady(before, since) {
		return false
	}
	sig, x := s.sys.Signals[a.signal], &s.mem.Subjects[i]
	limit := limitOf(sig, since)
	if a.usual > 0 {
		limit = usualTimes * a.usual
	}
	if math.IsNaN(limit) {
		return false
	}
	wait, ok := answers(sig)
	if !ok || divided(sig, since) && a.cohort != signal.Whole {
		return false // what perShare has divided is not what the limit is of
	}
	r := trend.Response{
		Since: &since.Values, Exposed: &x.Exposed, Limit: limit, Falls: sig.Direction() == signal.Down, Wait: wait,
		Own: a.cohort == signal.Canary && (since.Pods[0].Instance != "" || s.samePods(i, f)), Window: sig.Window, LoadBefore: x.LoadBefore, Load: x.Load,
	}
	if before != nil {
		r.Before = &before.Values
	}
	if a.cohort == signal.Whole && a.service == s.sys.Releases[i].Service && !wait {
		r.Cost, r.CostSE = s.cost(i, sig.Kind, f, sc)
	}
	if !wait {
		r.Again = s.again(i, a.service)
	}
	r.Early, r.Zone = zone(sig, limit)
	r.Next = s.nextWeight(i, f)
	if a.cohort == signal.Canary && !wait && s.samePods(i, f) {
		r.Idle, r.IdleSE = s.idle(i, a.signal)
	}
	a.Failure, a.limit = trend.FailsAt(r), limit
	return a.Answers()
}

// steady says whether the same number of instances stood behind a signal all
// the time: with more of them each takes less, and exposure is not what moved
// it.
func steady(before, since *pattern.Track) bool {
	n := since.Instances()
	whole := math.Round(n)
	if len(since.Pods) == 0 || math.Abs(n-whole) > 0.05 {
		return false
	}
	return before == nil || before.Frames == 0 || math.Abs(before.Instances()-n) <= 0.1
}

// answers says whether a signal is one whose answer to exposure is known in
// form, and whether it is a wait. What fails or is retried is not: that
// belongs to the version and not to the load.
func answers(sig signal.Signal) (wait, ok bool) {
	timed := sig.Unit.Dimension == signal.Time
	switch sig.Kind {
	case signal.Latency:
		return true, timed || sig.Unit.Dimension == signal.Opaque
	case signal.Dependency:
		return true, timed
	case signal.CPU, signal.Memory, signal.Network, signal.Database, signal.Cache, signal.Saturation:
		return timed, true
	case signal.Errors, signal.Traffic, signal.Retries, signal.Timeouts, signal.Crashes, signal.Infra:
		return false, false
	default:
		return false, false
	}
}

// cost returns what a request costs the new version of the release over what
// it costs the stable one, in the kind's domain, with its standard error; 0
// where it was not measured apart.
func (s *State) cost(i int, k signal.Kind, f signal.Frame, sc *scene) (ratio, se float64) {
	for fd := range each(sc.releases[i]) {
		if fd.Kind != k || !(fd.Level > 0) || !(fd.SE > 0) || math.IsNaN(fd.Mean) || len(fd.Subject.Pods) == 0 {
			continue
		}
		per, known := s.loadRatio(i, f)
		if divided(s.sys.Signals[fd.Signal], fd.Subject) {
			per, known = 1, true // perShare has divided it
		}
		if !known {
			continue
		}
		return sides(fd) / per, fd.SE / fd.Level / per
	}
	return 0, 0
}

// An outlook is what the next step does to the limits.
type outlook struct {
	next   float64 // weight of the next step; NaN without one
	breach float64 // probability that it meets a limit, of those whose weight is known
	full   float64 // the same without those of shares of failing work
	filled float64 // probability that one of these is met at the weight of now, from an even chance on; else 0
	guess  float64 // the same as breach of those that lie too far to be known
	from   float64 // the probability of a breach from which it is held
	needs  float64 // the weight from which the likeliest of these would be known
}

// outlook reads the failures of a release for its next step. What is held for
// its evidence waits for limits that were known and are in doubt again, too: the
// evidence crosses its level and comes back by chance, and a probability counts
// the doubt already.
func (s *State) outlook(i int, f signal.Frame, sc *scene) outlook {
	o := outlook{next: s.nextWeight(i, f)}
	if math.IsNaN(o.next) {
		return o
	}
	held := s.mem.Subjects[i].suspect()
	for _, x := range sc.failures[i] {
		p := x.Breach(o.next)
		switch {
		case x.Why == trend.Known, held && (x.Why == trend.Otherwise || x.Why == trend.Weak):
			o.breach = math.Max(o.breach, p)
			if !defective(s.sys.Signals[x.signal]) {
				o.full = math.Max(o.full, p)
				if now := x.Breach(f.Exposure[i].Weight); now >= likelyMet {
					o.filled = math.Max(o.filled, now)
				}
			}
		case x.Why == trend.TooFar && p > o.guess:
			o.guess, o.needs = p, x.Needs
		}
	}
	return o
}

// safe returns the largest weight, up to the next step's, at which no limit
// is met with a probability of the policy's level or more; in whole percent.
// What lies too far from what was seen is not called safe.
func (s *State) safe(i int, o outlook, sc *scene) Number {
	w := o.next
	for _, x := range sc.failures[i] {
		switch x.Why {
		case trend.Known:
			w = math.Min(w, x.Safe(o.from))
		case trend.TooFar:
			w = math.Min(w, math.Min(x.Needs, x.Safe(o.from)))
		default:
		}
	}
	return Number(math.Floor(100*w + 1e-9))
}

// drives says whether a release's exposure moves a service towards a limit,
// so that trouble there is not somebody else's.
func drives(fs []failure, service int) bool {
	return slices.ContainsFunc(fs, func(x failure) bool {
		return (x.Why == trend.Known || x.Why == trend.TooFar) && x.service == service && x.Evidence > 0
	})
}

// limited says whether a limit ahead, and nothing that is proven, keeps a
// release from its next step.
func (s *State) limited(r ruling) bool {
	least := s.policy.PromoteBelow
	if r.Verdict == prevention.Hold {
		return r.Reason == prevention.Suspect && !r.proven && r.ahead.breach >= r.ahead.from
	}
	return r.Verdict == prevention.Unknown && r.harm < least && r.needs.frames <= 0 && r.ahead.guess >= least
}
