package backtest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
	"github.com/foreshock/foreshock/topology"
)

// preamble says what the table means.
const preamble = `# Measured error rates and power

This page is made by ` + "`make truth`" + `; do not edit it. Every row is one situation, played as synthetic releases (package
simulate) whose truth is known, through the same fold and default policy as any release. False alarms and power stand
together, because either alone can be had for nothing.

Unless a row says otherwise: frames of one minute, 60 before the release and 60 of it at 20 % of the traffic, a second
step planned after the end; two cohorts of one instance each; level 100, standard deviation 5, Gaussian, no
autocorrelation; five signals: two latencies, cpu, memory, saturation. Their units are opaque, so that no absolute
floor of the policy hides what the statistics do. More signals are, in turn, database, network (either direction is
worse), cache (down is worse), dependency and latency: the kinds that measure a level. Errors and the other shares of
work have rows of their own; traffic is not compared between cohorts. Ratios of events look back over four frames, as
the rate() of a recording does.

*Warned* is a rollback, or a hold that blames, in any frame. *Promoted*, *unknown* and *held* are the verdict of the
last frame. *Skewed* is lognormal with σ = 0.6, *heavy-tailed* Student's t with 3 degrees of freedom. A must is broken
when the rate is beyond it by more than chance allows (binomial tail under 2.3 %, two standard errors).

For comparison: ten measurements of which none may fall under 99 %, as Argo Rollouts has it when nothing else is said,
abort a truly healthy service of 99.9 % in 18 % of releases at 20 requests a measurement, and in 39 % at 50 (exact
binomial).
`

// A scenario is a system with the model that plays it.
type scenario struct {
	system release.System
	model  simulate.System
}

// A plan is a scenario in the making. Its zero value is the one of the
// preamble without signals.
type plan struct {
	frames   int  // of the release; 0 means 60
	services int  // 0 means 1
	calls    bool // service 1 calls service 0
	signals  []signal.Signal
	series   []simulate.Series
}

const before = 60 // frames before the release

var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// add adds a signal, and returns its index.
func (p *plan) add(kind signal.Kind, unit string, scope signal.Scope) int {
	name := kind.String()
	if n := len(p.signals); slices.ContainsFunc(p.signals, func(s signal.Signal) bool { return s.Name == name }) {
		name = fmt.Sprintf("%s-%d", kind, n)
	}
	p.signals = append(p.signals, signal.Signal{Name: name, Family: name, Kind: kind, Unit: signal.ParseUnit(unit), Scope: scope})
	return len(p.signals) - 1
}

// both adds a signal of both cohorts, with effects on the new version.
func (p *plan) both(kind signal.Kind, unit string, x simulate.Series, effects ...simulate.Effect) {
	x.Signal = p.add(kind, unit, signal.PerCohort)
	p.series = append(p.series, x.Between(effects...)...)
}

// windowed returns the signals with the windows that their values look back
// over, as the engine reads them off the queries.
func (p *plan) windowed() []signal.Signal {
	out := slices.Clone(p.signals)
	for _, x := range p.series {
		out[x.Signal].Window = max(out[x.Signal].Window, x.Window)
	}
	return out
}

// scenario completes the plan.
func (p *plan) scenario() scenario {
	frames, services := p.frames, max(1, p.services)
	if frames == 0 {
		frames = 60
	}
	at := func(frame int) time.Time { return start.Add(time.Duration(frame) * time.Minute) }
	sys := release.System{
		Interval: time.Minute, Signals: p.windowed(),
		Releases: []release.Release{{
			ID: "cart", From: "1", To: "2", Strategy: release.CanaryRelease, Rollback: release.Safe,
			Canary: `version="2"`, Control: `version="1"`,
			Steps: []release.Step{
				{At: at(before), CompletedAt: at(before), Weight: 0.2},
				{At: at(before + frames + 1), CompletedAt: at(before + frames + 1), Weight: 1},
			},
		}},
	}
	for i := range services {
		sys.Services = append(sys.Services, release.Service{Name: []string{"cart", "shop"}[i], Selector: "x", Criticality: 1})
	}
	var edges []topology.Edge
	if p.calls {
		edges = []topology.Edge{{From: 1, To: 0}}
	}
	sys.Graph = topology.New(services, edges)
	return scenario{system: sys, model: simulate.System{
		Start: start, Interval: time.Minute, Frames: before + frames, Series: p.series,
		Rollouts: []simulate.Rollout{{Steps: []simulate.Step{{Frame: before, Weight: 0.2}}}},
	}}
}

var fair = []signal.Kind{
	signal.Latency, signal.Latency, signal.CPU, signal.Memory, signal.Saturation,
	signal.Database, signal.Network, signal.Cache, signal.Dependency, signal.Latency,
}

// level is the gauge of the preamble.
func level(rho float64) simulate.Series { return simulate.Series{Level: 100, SD: 5, Rho: rho} }

// usual adds n gauges. The effects are those of the signals by number.
func (p *plan) usual(n int, x simulate.Series, effects map[int]simulate.Effect) *plan {
	for i := range n {
		var es []simulate.Effect
		if e := effects[i]; e != nil {
			es = append(es, e)
		}
		p.both(fair[i%len(fair)], "", x, es...)
	}
	return p
}

// Numbers of usual's signals.
const (
	latency = 0
	memory  = 3
)

func warned(o outcome) bool     { return o.warned }
func rolledBack(o outcome) bool { return o.rolledBack }
func promoted(o outcome) bool   { return o.everPromoted }

func ends(verdict string) func(outcome) bool {
	return func(o outcome) bool { return o.verdict == verdict }
}

func situations() []situation {
	return slices.Concat(nothing(), changes(), errorsOf(), healthy(), bimodal(), silences(), traffic())
}

// nothing is a release that changes nothing, under noise of all sorts.
func nothing() []situation {
	type cell struct {
		frames, signals int
		rho             float64
		noise           simulate.Marginal
	}
	var cells []cell
	for _, frames := range []int{12, 60, 200} {
		for _, rho := range []float64{0, 0.5, 0.8, 0.95} {
			cells = append(cells, cell{frames, 5, rho, simulate.Gaussian})
		}
	}
	for _, noise := range []simulate.Marginal{simulate.Skewed, simulate.HeavyTailed} {
		for _, rho := range []float64{0, 0.5, 0.8, 0.95} {
			cells = append(cells, cell{60, 5, rho, noise})
		}
		cells = append(cells, cell{12, 5, 0, noise}, cell{200, 5, 0, noise})
	}
	for _, signals := range []int{10, 20} {
		cells = append(cells, cell{60, signals, 0, simulate.Gaussian}, cell{60, signals, 0.8, simulate.Gaussian}, cell{60, signals, 0, simulate.Skewed})
	}
	names := map[simulate.Marginal]string{simulate.Gaussian: "Gaussian", simulate.Skewed: "skewed", simulate.HeavyTailed: "heavy-tailed"}
	var out []situation
	for _, c := range cells {
		s := situation{
			group: "No change",
			name:  fmt.Sprintf("%d frames, %d signals, ρ = %g, %s", c.frames, c.signals, c.rho, names[c.noise]),
			dear:  max(1, c.frames/60) * max(1, c.signals/5),
			model: func(uint64) scenario {
				x := level(c.rho)
				x.Noise = c.noise
				return (&plan{frames: c.frames}).usual(c.signals, x, nil).scenario()
			},
			must: []must{atMost(0.01, "warned", warned)},
		}
		if effective := float64(c.frames) * (1 - c.rho) / (1 + c.rho); effective >= 10 && c.rho <= 0.5 {
			s.must = append(s.must, atLeast(0.95, "promoted", ends("promote")))
		} else if effective >= 10 && c.rho <= 0.8 {
			s.must = append(s.must, atLeast(0.85, "promoted", ends("promote")))
		}
		out = append(out, s)
	}
	other := func(name string, x simulate.Series, musts ...must) situation {
		return situation{
			group: "No change", name: name, must: musts,
			model: func(uint64) scenario { return (&plan{}).usual(5, x, nil).scenario() },
		}
	}
	drift, window := level(0.95), level(0)
	drift.Jitter, window.Window = drift.SD, 4
	brief, half, most := level(0.8), level(0.5), level(0.8)
	brief.Jitter, half.Window, most.Window = brief.SD, 4, 4
	return append(out,
		other("60 frames, 5 signals, ρ = 0.95 with as much independent noise on top", drift,
			atMost(0.01, "warned", warned).but("Drift that turns twice in an hour hardly shows in sixty frames: how alike they are is found too small in a part of the releases.")),
		other("60 frames, 5 signals, means over 4 frames", window, atMost(0.01, "warned", warned), atLeast(0.95, "promoted", ends("promote"))),
		other("60 frames, 5 signals, ρ = 0.8 with as much independent noise on top", brief, atMost(0.01, "warned", warned)),
		other("60 frames, 5 signals, ρ = 0.5, means over 4 frames", half, atMost(0.01, "warned", warned)),
		other("60 frames, 5 signals, ρ = 0.8, means over 4 frames", most, atMost(0.01, "warned", warned)),
	)
}

// changes are changes of gauges.
func changes() []situation {
	one := func(rho float64, id int, e simulate.Effect) func(uint64) scenario {
		return func(uint64) scenario {
			return (&plan{}).usual(5, level(rho), map[int]simulate.Effect{id: e}).scenario()
		}
	}
	over := func(rho float64) func(uint64) scenario {
		return func(uint64) scenario {
			x := level(rho)
			x.Window = 4
			return (&plan{}).usual(5, x, map[int]simulate.Effect{latency: simulate.Scale(1.5)}).scenario()
		}
	}
	leak := func(o outcome) bool { return o.leak }
	return []situation{
		{
			group: "Changes of a gauge", name: "latency +1 % where the spread is 1 %",
			model: func(uint64) scenario {
				return (&plan{}).usual(5, simulate.Series{Level: 100, SD: 1}, map[int]simulate.Effect{latency: simulate.Shift(1)}).scenario()
			},
			must: []must{atMost(0.01, "warned", warned), atLeast(0.9, "said to be small", func(o outcome) bool { return o.small })},
		},
		{
			group: "Changes of a gauge", name: "latency ×2 in only the last 10 % of the frames", model: one(0, latency, simulate.Burst(54, 60, 2)),
			must: []must{atLeast(0.8, "warned", warned)},
		},
		{
			group: "Changes of a gauge", name: "latency ×2 in only the last 20 % of the frames", model: one(0, latency, simulate.Burst(48, 60, 2)),
			must: []must{atLeast(0.95, "warned", warned)},
		},
		{
			group: "Changes of a gauge", name: "latency ×1.5 from the first step on, means over 4 frames, 15 frames",
			model: func(uint64) scenario {
				x := level(0)
				x.Window = 4
				return (&plan{frames: 15}).usual(5, x, map[int]simulate.Effect{latency: simulate.Scale(1.5)}).scenario()
			},
			must: []must{atLeast(0.95, "warned", warned).but("Windows make frames alike: 15 of them count as about three.")},
		},
		{
			group: "Changes of a gauge", name: "latency ×1.5 from the first step on, ρ = 0.5, means over 4 frames", model: over(0.5),
			must: []must{atLeast(0.8, "warned", warned)},
		},
		{
			group: "Changes of a gauge", name: "latency ×1.5 from the first step on, ρ = 0.8, means over 4 frames", model: over(0.8),
		},
		{
			group: "Changes of a gauge", name: "memory leak of 0.2 per frame", model: one(0, memory, simulate.Leak(0.2)),
			must: []must{atLeast(0.75, "warned", warned), atLeast(0.75, "named a leak", leak)},
		},
		{
			group: "Changes of a gauge", name: "memory leak of 0.4 per frame", model: one(0, memory, simulate.Leak(0.4)),
			must: []must{atLeast(0.99, "warned", warned), atLeast(0.99, "named a leak", leak)},
		},
		{group: "Changes of a gauge", name: "memory leak of 0.2 per frame, ρ = 0.5", model: one(0.5, memory, simulate.Leak(0.2))},
		{group: "Changes of a gauge", name: "memory leak of 0.4 per frame, ρ = 0.5", model: one(0.5, memory, simulate.Leak(0.4))},
	}
}

// requests is a ratio of errors.
func requests(perSecond, errors float64) simulate.Series {
	return simulate.Series{Level: errors, Rate: perSecond, Window: 4}
}

// bursts returns three stretches of four frames each at random places: 20 %
// of 60 frames.
func bursts(seed uint64) []int {
	rng := rand.New(rand.NewPCG(seed, 1))
	var out []int
	for k := range 3 {
		from := 20*k + rng.IntN(17)
		out = append(out, from, from+1, from+2, from+3)
	}
	return out
}

// errorsOf are changes of the share of errors.
func errorsOf() []situation {
	intermittent := func(uncounted bool) func(uint64) scenario {
		return func(seed uint64) scenario {
			p := (&plan{}).usual(5, level(0), nil)
			x := requests(50, 0)
			x.Uncounted = uncounted
			p.both(signal.Errors, "ratio", x, simulate.Bursts(bursts(seed), 0.02))
			return p.scenario()
		}
	}
	rare := func(rate float64) func(uint64) scenario {
		return func(uint64) scenario {
			p := (&plan{}).usual(5, level(0), nil)
			p.both(signal.Errors, "ratio", requests(rate, 1e-4), simulate.Scale(1.5))
			return p.scenario()
		}
	}
	group := "Errors"
	return []situation{
		{group: group, name: "0 against 2 % in three stretches of 4 min in an hour, 50 req/s, counted", model: intermittent(false), must: []must{atLeast(0.95, "warned", warned)}},
		{group: group, name: "0 against 2 % in three stretches of 4 min in an hour, 50 req/s, a gauge", model: intermittent(true), must: []must{atLeast(0.95, "warned", warned)}},
		{group: group, name: "1 in 10,000 → 1.5 in 10,000, 2,000 req/s, counted", model: rare(2000), must: []must{atLeast(0.8, "warned", warned)}},
		{
			group: group, name: "1 in 10,000 → 1.5 in 10,000, 2 req/s, counted", model: rare(2),
			must: []must{
				atLeast(0.95, "unknown at the end", ends("unknown")),
				atLeast(0.95, "says how many requests it needs", func(o outcome) bool { return o.needs }),
			},
		},
	}
}

// healthy is a service that keeps its objective, under a limit that a handful
// of bad requests passes.
func healthy() []situation {
	var out []situation
	for _, uncounted := range []bool{false, true} {
		for _, rate := range []float64{0.5, 5, 50} {
			how, musts := "counted", []must{atMost(0.005, "rolled back", rolledBack), atMost(0.01, "warned", warned)}
			if uncounted {
				how = "a gauge"
			}
			out = append(out, situation{
				group: "Healthy, 99.9 % under an objective of 99 %", name: fmt.Sprintf("%g req/s, %s", rate, how),
				model: func(uint64) scenario {
					p := (&plan{}).usual(5, level(0), nil)
					x := requests(rate, 0.001)
					x.Uncounted, x.Limit = uncounted, signal.Limit{Set: true, Value: 0.01}
					p.both(signal.Errors, "ratio", x)
					return p.scenario()
				},
				must: musts,
			})
		}
	}
	return out
}

// bimodal is a latency that splits in two. Requests are lognormal with σ =
// 0.25 about 100; in the new version a fifth of them takes twice as long and
// all are 7.6 % faster, so that the median stays. By numeric inversion of the
// mixture, p90 is then ×1.36, p99 ×1.56 and the mean ×1.11.
func bimodal() []situation {
	group, must := "Latency turns bimodal, same median", []must{atLeast(0.9, "warned", warned)}
	quantile := func(p *plan, of, sd, by float64) {
		p.both(signal.Latency, "", simulate.Series{Level: 100 * of, SD: sd}, simulate.Scale(by))
	}
	pods := func(slow int) func(uint64) scenario {
		return func(uint64) scenario {
			p := &plan{}
			x := level(0)
			x.Instances, x.Apart = 4, 2
			return p.usual(5, x, map[int]simulate.Effect{latency: simulate.Only(slow, simulate.Scale(2))}).scenario()
		}
	}
	return []situation{
		{group: group, name: "seen through p90", must: must, model: func(uint64) scenario {
			p := &plan{}
			quantile(p, 1.38, 7, 1.36)
			return p.usual(5, level(0), nil).scenario()
		}},
		{group: group, name: "seen through p50, p90, p99 and mean", must: must, model: func(uint64) scenario {
			p := &plan{}
			quantile(p, 1, 5, 1)
			quantile(p, 1.38, 7, 1.36)
			quantile(p, 1.79, 18, 1.56)
			quantile(p, 1.03, 5, 1.11)
			return p.usual(5, level(0), nil).scenario()
		}},
		{group: group, name: "one of four instances ×2", must: must, model: pods(1)},
		{group: group, name: "two of four instances ×2", must: must, model: pods(2)},
	}
}

// A hush is what is silent, and what is seen of it.
type hush struct {
	canary  simulate.Effect // of everything of the new version
	control simulate.Effect // of everything of the control
	alive   bool            // the new version's cpu and memory are there all the same
	idle    bool            // the control keeps all traffic
	harm    bool            // the service and its caller fail from the first step on
}

// scenario is a service of 50 requests per second with two latencies, errors,
// traffic, cpu and memory, called by another service; the errors of both are
// measured as a whole too.
func (h hush) scenario(uint64) scenario {
	p := &plan{services: 2, calls: true}
	add := func(kind signal.Kind, unit string, x simulate.Series, quiet bool) {
		x.Signal = p.add(kind, unit, signal.PerCohort)
		pair := x.Between()
		if kind == signal.Traffic && h.idle {
			pair[0].Shared = false
		}
		if h.control != nil {
			pair[0].Effects = append(pair[0].Effects, h.control)
		}
		if quiet {
			pair[1].Effects = append(pair[1].Effects, h.canary)
		}
		p.series = append(p.series, pair...)
	}
	add(signal.Latency, "", level(0), true)
	add(signal.Latency, "", level(0), true)
	add(signal.Errors, "ratio", requests(50, 0.001), true)
	add(signal.Traffic, "requests/s", simulate.Series{Level: 50, SD: 2.5, Shared: true}, true)
	add(signal.CPU, "", level(0), !h.alive)
	add(signal.Memory, "", level(0), !h.alive)
	whole := p.add(signal.Errors, "ratio", signal.PerService)
	for service := range 2 {
		x := simulate.Series{Service: service, Signal: whole, Release: -1, Cohort: signal.Whole, Level: 0.001, Rate: 50, Window: 4, Uncounted: true}
		if h.harm {
			x.Effects = []simulate.Effect{simulate.Shift(0.2)}
		}
		p.series = append(p.series, x)
	}
	return p.scenario()
}

// silences are new versions of which nothing is heard.
func silences() []situation {
	always := simulate.Silent(0, simulate.Forever)
	group, never := "The new version is silent", never("promoted", promoted)
	held := func(o outcome) bool { return o.held }
	blamed := func(o outcome) bool { return o.held && o.blamed }
	unblamed := func(o outcome) bool { return o.held && !o.blamed && !o.warned }
	waiting := []must{atLeast(1, "unknown in the first 4 frames", func(o outcome) bool { return o.early }), atMost(0.01, "warned", warned)}
	dead := []must{atLeast(0.9, "held", held), atLeast(0.9, "held and blamed", blamed), {what: "never rolled back", of: rolledBack}, never}
	return []situation{
		{group: group, name: "for its first 4 frames, then well", model: hush{canary: simulate.Silent(0, 4)}.scenario, must: waiting},
		{
			group: group, name: "and so is the control", model: hush{canary: always, control: always}.scenario,
			must: []must{atLeast(1, "unknown at the end", ends("unknown")), {what: "never warned", of: warned}, never},
		},
		{group: group, name: "it never reports; the control keeps all traffic", model: hush{canary: always, idle: true}.scenario, must: dead},
		{group: group, name: "it reports cpu and memory but serves nothing; the control keeps all traffic", model: hush{canary: always, idle: true, alive: true}.scenario, must: dead},
		{
			group: group, name: "only its exporter is gone: the control's traffic falls by its share", model: hush{canary: always}.scenario,
			must: []must{atLeast(0.9, "held, not blamed", unblamed), never},
		},
		{
			group: group, name: "and the service and its caller fail", model: hush{canary: always, idle: true, harm: true}.scenario,
			must: []must{atLeast(0.95, "warned", warned), never},
		},
		{
			group: group, name: "and the service and its caller fail; the control's traffic falls by its share", model: hush{canary: always, harm: true}.scenario,
			must: []must{atLeast(0.95, "warned", warned), never},
		},
	}
}

// traffic is a change of load that hits both versions.
func traffic() []situation {
	var out []situation
	for _, c := range []struct {
		name string
		by   float64
	}{{"doubles", 2}, {"falls to a tenth", 0.1}} {
		out = append(out, situation{
			group: "Traffic changes in both cohorts", name: "traffic " + c.name + " 20 frames into the release, cpu follows",
			model: func(uint64) scenario {
				p := (&plan{}).usual(2, level(0), nil)
				follow := simulate.Burst(20, simulate.Forever, c.by)
				follows := func(kind signal.Kind, unit string, x simulate.Series) {
					x.Effects = []simulate.Effect{follow}
					p.both(kind, unit, x)
				}
				follows(signal.Traffic, "requests/s", simulate.Series{Level: 50, SD: 2.5, Shared: true})
				follows(signal.CPU, "cores", simulate.Series{Level: 4, SD: 0.2, Shared: true})
				x := requests(50, 0.001)
				x.Load = follow
				p.both(signal.Errors, "ratio", x)
				p.both(signal.Memory, "", level(0))
				return p.scenario()
			},
			must: []must{atMost(0.01, "warned", warned)},
		})
	}
	return out
}
