package release

import (
	"math"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
	"github.com/foreshock/foreshock/trend"
)

// signs reads the signs of a cause off everything seen of a subject.
func (s *State) signs(i int, f signal.Frame, sc *scene, shapes []pattern.Pattern) prediction.Signs {
	var g prediction.Signs
	if i < len(s.sys.Releases) {
		x := &s.mem.Subjects[i]
		g.NeverServed = x.Seen < 0 && silent(sc.silences[i])
		g.Stopped = sc.silences[i].Kind == pattern.SilenceStopped
		g.ExporterOut = sc.silences[i].Kind == pattern.SilenceTarget || sc.lacks[i].Gone
		g.Idle = x.Seen >= 0 && sc.silences[i].Kind == pattern.SilenceTraffic
		g.Restarts = s.restarts(i)
		_, g.Misrouted = s.misrouted(i, f)
		g.Unreached = s.unreached(i)
		g.Starved = s.starved(i, f, sc)
		g.Together = x.AtOnce >= atOnceFrames
		s.counts(i, &g)
		s.downstream(i, sc, &g)
		keep(&g, x.Signs)
	}
	for fd := range each(sc.releases[i]) {
		s.hint(fd, &g)
		if !fd.Rejected || !fd.Active {
			g.CPU = g.CPU || fd.Kind == signal.CPU && certainlyMore(fd)
			g.Memory = g.Memory || fd.Kind == signal.Memory && certainlyMore(fd)
			continue
		}
		s.sign(fd, &g)
	}
	for _, p := range shapes {
		switch p.Kind {
		case pattern.Leak:
			g.Leak = true
		case pattern.Ramp:
			g.Gradual = g.Gradual || p.Signal >= 0 && s.sys.Signals[p.Signal].Kind == signal.Errors
		case pattern.Bimodal:
			g.OneInstance = true
		default:
		}
	}
	g.Refused = g.Refused && g.AllErrors && g.Calls
	return g
}

// certainlyMore says whether something is used beyond doubt, and by twice what
// matters: a sign, though no harm yet.
func certainlyMore(fd *finding) bool { return fd.Comparison.LogE > 8 && fd.Effect > 2*fd.Size }

// sign reads one decided finding.
func (s *State) sign(fd *finding, g *prediction.Signs) {
	switch fd.Kind {
	case signal.Errors, signal.Timeouts, signal.Crashes:
		if s.sys.Signals[fd.Signal].Unit.Dimension == signal.Ratio && fd.Now >= 0.95 {
			g.AllErrors = true
		} else {
			g.SomeErrors = true
		}
	case signal.Latency:
		g.Slow = true
	case signal.CPU:
		g.CPU = true
	case signal.Memory:
		g.Memory = true
	case signal.Dependency:
		g.Calls = g.Calls || s.sys.Signals[fd.Signal].Unit.Dimension == signal.Ratio
	case signal.Cache:
		g.Cache = true
	case signal.Database:
		g.Database = true
	case signal.Network:
		// Fewer than were, or some where none were (drops), is loss; more is work.
		lost := fd.Falls || !(fd.Level > fd.ControlSD)
		g.Network, g.Chatty = g.Network || lost, g.Chatty || !lost
	case signal.Infra:
		g.Node = true
	case signal.Retries, signal.Traffic, signal.Saturation:
	}
}

// restarts says whether the canary's memory fell to almost nothing twice or
// more: a process that starts again and again. Where starts are counted they say that
// better, and a heap that is swept falls so on the stable version, too.
func (s *State) restarts(i int) bool {
	x := &s.mem.Subjects[i]
	for id, t := range x.Canary {
		sig := s.sys.Signals[id]
		if t == nil || sig.Kind != signal.Crashes || sig.Unit.Dimension != signal.Things || t.Values.N < usualFrames {
			continue
		}
		return starts(t, sig.Window) >= again
	}
	for id, t := range x.Canary {
		if t == nil || s.sys.Signals[id].Kind != signal.Memory || s.sys.Signals[id].Unit.Dimension == signal.Rate {
			continue
		}
		if control := x.Control[id]; collapses(t) >= again && (control == nil || collapses(control) == 0) {
			return true
		}
	}
	return false
}

// collapses counts the falls of a series to under a quarter of what it had come to.
func collapses(t *pattern.Track) (falls int) {
	high := 0.0
	var buf [stats.Width]float64
	for _, v := range t.Values.MeansInto(buf[:0], 1) {
		switch {
		case math.IsNaN(v):
		case v < high/4:
			falls++
			high = v
		default:
			high = math.Max(high, v)
		}
	}
	return falls
}

// unreached says whether one instance of the canary gets hardly any work while
// another one does: a tenth of it or less, or none though it reports what it
// uses. That all of the control's instances get work is asked as well.
func (s *State) unreached(i int) bool {
	x := &s.mem.Subjects[i]
	for id, sig := range s.sys.Signals {
		if sig.Kind == signal.Traffic && sig.Unit.Dimension == signal.Rate && x.Canary[id] != nil {
			return s.idlePod(id, x.Canary) && (x.Control[id] == nil || !s.idlePod(id, x.Control))
		}
	}
	return false
}

// idlePod says whether one instance gets no work by a signal of traffic.
func (s *State) idlePod(traffic int, tracks []*pattern.Track) bool {
	work, most := map[string]float64{}, 0.0
	for _, p := range tracks[traffic].Pods {
		work[p.Instance] = p.Mean
		if p.Instance != "" && p.N >= podFrames {
			most = math.Max(most, p.Mean)
		}
	}
	for id, t := range tracks {
		if k := s.sys.Signals[id].Kind; t == nil || k != signal.CPU && k != signal.Memory && k != signal.Traffic {
			continue
		}
		for _, p := range t.Pods {
			if p.Instance != "" && p.N >= podFrames && most > 0 && work[p.Instance] < most/10 {
				return true
			}
		}
	}
	return false
}

const (
	podFrames = 8 // that two instances were seen before one of them counts as idle: a rate begins late

	busier  = 3 // times as busy for the same work, from which a saturation is a sign
	asBusy  = 3 // times what its processor or its slowness explain: overheads that do not go with work make less
	certain = 3 // standard errors
)

// starved says whether something of a limited size is far busier for the same
// work, while the new version neither uses more processor nor is that much
// slower: somebody else uses it.
func (s *State) starved(i int, f signal.Frame, sc *scene) bool {
	per, known := s.loadRatio(i, f)
	if !known {
		return false
	}
	busy, cpu, slow := 0.0, 0.0, 1.0
	for fd := range each(sc.releases[i]) {
		if !(fd.Level > 0) || math.IsNaN(fd.Mean) || fd.Frames < float64(s.policy.MinFrames) {
			continue
		}
		switch ratio := fd.Mean / fd.Level; {
		case fd.Kind == signal.Saturation && s.sys.Signals[fd.Signal].Unit.Dimension == signal.Ratio && (fd.Mean/per-fd.Level)*per > certain*fd.SE:
			busy = math.Max(busy, ratio/per)
		case fd.Kind == signal.CPU:
			cpu = math.Max(cpu, ratio/per)
		case fd.Kind == signal.Latency:
			slow = math.Max(slow, ratio)
		}
	}
	return cpu > 0 && busy >= busier && busy >= asBusy*math.Max(cpu, slow)
}

// downstream reads what the services that are called show of the release: a
// database that fails its queries, or fills up; a cache that is missed.
func (s *State) downstream(i int, sc *scene, g *prediction.Signs) {
	service := s.sys.Releases[i].Service
	for k := range sc.failures[i] {
		x := &sc.failures[i][k]
		g.Filling = g.Filling || x.Why == trend.Known && x.Evidence > 0 && s.sys.Signals[x.signal].Kind == signal.Database
	}
	for _, callee := range s.sys.Graph.Callees(service) {
		failing, database := false, false
		for fd := range each(sc.services[callee]) {
			worse := fd.Rejected && fd.Active || certainlyMore(fd)
			failing = failing || fd.Kind == signal.Errors && worse
			database = database || fd.Kind == signal.Database
			g.Filling = g.Filling || fd.Kind == signal.Database && worse
			g.Cache = g.Cache || fd.Kind == signal.Cache && (worse || fd.HarmProbability() >= likely)
		}
		g.Refused = g.Refused || failing && database
	}
}

// keep holds on to what was plain to see once: where a symptom spreads, what
// it began with is the better witness.
func keep(g, before *prediction.Signs) {
	if before == nil {
		return
	}
	g.Misrouted = g.Misrouted || before.Misrouted
	g.Unreached = g.Unreached || before.Unreached
	g.Starved = g.Starved || before.Starved
	g.Filling = g.Filling || before.Filling
}
