package simulate

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/foreshock/foreshock/signal"
)

// The signals of a model, as indices into [ModelSignals].
const (
	sigRequests = iota
	sigErrors
	sigP50
	sigP99
	sigCPU
	sigMemory
	sigThreads
	sigPool
	sigCalls
	sigRetries
	sigTimeouts
	sigGivenUp
	sigHits
	sigCrashes
	signals
)

// busiest is the share of processors, threads and connections from which on a
// limit counts as passed: above it waits grow without bound.
const busiest = 0.95

// ModelSignals returns the signals that a model's frames have. What a service
// has not (a cache, a pool) has no cell.
func ModelSignals() []signal.Signal {
	s := make([]signal.Signal, signals)
	for i, x := range []struct {
		name  string
		kind  signal.Kind
		unit  string
		worse signal.Direction
	}{
		sigRequests: {"requests", signal.Traffic, "requests/s", 0},
		sigErrors:   {"errors", signal.Errors, "ratio", 0},
		sigP50:      {"latency_p50", signal.Latency, "s", 0},
		sigP99:      {"latency_p99", signal.Latency, "s", 0},
		sigCPU:      {"cpu", signal.CPU, "ratio", 0},
		sigMemory:   {"memory", signal.Memory, "B", 0},
		sigThreads:  {"threads", signal.Saturation, "ratio", 0},
		sigPool:     {"pool", signal.Saturation, "ratio", 0},
		sigCalls:    {"calls_per_request", signal.Network, "", signal.Up},
		sigRetries:  {"retries", signal.Retries, "ratio", 0},
		sigTimeouts: {"timeouts", signal.Timeouts, "ratio", 0},
		sigGivenUp:  {"calls_given_up", signal.Dependency, "ratio", 0},
		sigHits:     {"cache_hits", signal.Cache, "ratio", 0},
		sigCrashes:  {"restarts", signal.Crashes, "restarts", 0},
	} {
		s[i] = signal.Signal{
			Name: x.name, Family: x.name, Kind: x.kind, Worse: x.worse, Unit: signal.ParseUnit(x.unit),
			Scope: signal.PerCohort, Query: "simulated " + x.name,
		}
	}
	s[sigP50].Quantile, s[sigP99].Quantile = 0.5, 0.99
	s[sigRetries].Scope, s[sigTimeouts].Scope = signal.PerService, signal.PerService
	return s
}

// A camera turns windows into frames.
type camera struct {
	*plant
	rng    *rand.Rand
	seen   map[[3]int]int // frames with a value, of a cell
	missed map[[3]int]int // frames since
	smooth bool           // the windows are means: draw counts and noise
}

// take makes the frame of the present, and begins new windows.
func (c *camera) take() signal.Frame {
	f := signal.Frame{At: c.Start.Add(time.Duration(math.Round(c.now * 1e9)))}
	if len(c.Rollout.Steps) > 0 {
		w, step := c.Rollout.weight(c.now)
		f.Exposure = []signal.Exposure{{Weight: w, Step: step}}
	}
	for _, g := range c.groups {
		if !g.client {
			f.Cells = append(f.Cells, c.cells(g, f.At)...)
		}
	}
	for i := range c.Services {
		f.Cells = append(f.Cells, c.before(i, f.At)...)
	}
	return f
}

// before is what a proxy before a service measures: how often its callers try
// again, and give up. That belongs to the service that is called, whichever
// version answers; how clients do is seen by nobody here.
func (c *camera) before(service int, at time.Time) (out []signal.Cell) {
	var sum tries
	called := false
	for _, g := range c.groups {
		for k, call := range g.spec.Calls {
			if call.To == service && !g.client {
				called = true
				sum = sum.plus(g.win.calls[k])
			}
		}
	}
	if !called {
		return nil
	}
	add := func(sig int, r signal.Reading) {
		x := signal.Cell{Service: service, Signal: sig, Release: -1, Cohort: signal.Whole, Limit: math.NaN()}
		x.Readings = []signal.Reading{c.present(x, r, at)}
		out = append(out, x)
	}
	add(sigRetries, c.gauge(sum.all/sum.first-1, 0.02))
	add(sigTimeouts, c.ratio(sum.timeouts, sum.all))
	return out
}

// clear begins new windows.
func (c *camera) clear() {
	for _, g := range c.groups {
		g.win = g.fresh0()
	}
	for _, b := range c.boxes {
		b.win = boxWindow{}
	}
}

// cells are the readings of one version.
func (c *camera) cells(g *group, at time.Time) []signal.Cell {
	w, b := g.win, g.box
	nan := math.NaN()
	seconds := c.Interval.Seconds()
	n := float64(max(1, b.instances))
	cell := signal.Cell{Service: g.service, Release: -1, Cohort: signal.Whole}
	versions := c.versions(g.service)
	if len(versions) > 1 {
		cell.Release, cell.Cohort = 0, signal.Control
		if g.fresh {
			cell.Cohort = signal.Canary
		}
	}
	var out []signal.Cell
	add := func(sig int, limit float64, r signal.Reading) {
		x := cell
		x.Signal, x.Limit = sig, limit
		if shared := len(versions) > 1 && versions[0].box == versions[1].box; shared && (sig == sigCPU || sig == sigMemory || sig == sigThreads || sig == sigCrashes) {
			if g.fresh {
				return // the instances are those of both
			}
			x.Release, x.Cohort = -1, signal.Whole
		}
		x.Readings = []signal.Reading{c.present(x, r, at)}
		out = append(out, x)
	}
	add(sigRequests, nan, c.rate(w.requests, seconds, g, b))
	latency, harmed := c.borne(g.service)
	add(sigErrors, harmed, c.ratio(w.failed, w.requests))
	add(sigP50, nan, c.gauge(w.p50, 0.02+1/math.Sqrt(1+w.requests)))
	add(sigP99, latency, c.gauge(w.p99, 0.02+4/math.Sqrt(1+w.requests)))
	if b.spec.Work > 0 || g.spec.Work > 0 {
		add(sigCPU, 1, c.gauge(math.Min(1, b.win.busy/(seconds*n*float64(b.spec.Cores))), 0.02))
	}
	if b.memory > 0 {
		add(sigMemory, finite(b.spec.Memory.Limit), c.gauge(math.Max(b.memory, b.win.top), 0.005))
		add(sigCrashes, nan, c.plain(b.win.crashes))
	}
	if !math.IsInf(b.spec.Threads, 1) {
		add(sigThreads, 1, c.gauge(math.Min(1, b.win.inside/(seconds*n*b.spec.Threads)), 0.02))
	}
	if len(g.spec.Calls) > 0 {
		c.callCells(g, add)
	}
	return out
}

// callCells are the readings about the calls of a version.
func (c *camera) callCells(g *group, add func(int, float64, signal.Reading)) {
	w := g.win
	pool, cached := 0.0, false
	pooled := false
	for k, call := range g.spec.Calls {
		pooled = pooled || !math.IsInf(call.Pool, 1)
		pool = math.Max(pool, w.byPool[k])
		cached = cached || call.Hits > 0
	}
	// The service has a pool or cache when either version has.
	for _, o := range c.versions(g.service) {
		for _, call := range o.spec.Calls {
			cached = cached || call.Hits > 0
		}
	}
	if pooled {
		add(sigPool, 1, c.gauge(math.Min(1, pool), 0.02))
	}
	tried := w.called()
	add(sigCalls, math.NaN(), c.gauge(tried.first/w.requests, 0.01))
	add(sigGivenUp, math.NaN(), c.ratio(tried.timeouts, tried.all))
	if cached {
		lookups := w.lookups
		if lookups == 0 { // all calls go past the cache
			lookups = tried.first
		}
		add(sigHits, math.NaN(), c.ratio(w.hits, lookups))
	}
}

// faces says whether clients call a service.
func (c *camera) faces(service int) bool { return c.Services[service].Rate > 0 }

// borne is what of the objective is a limit of a service's own signals: the
// objective is of what clients get in the end, with all their tries. What a
// service that only others call fails or takes is none of it, and where clients
// try again, neither is the share of the attempts that fails. A latency that is
// too long for an attempt is too long for them all. NaN is no limit.
func (c *camera) borne(service int) (latency, harmed float64) {
	latency, harmed = math.NaN(), math.NaN()
	if c.faces(service) {
		latency = finite(c.Objective.Latency)
		if c.Clients.Tries == 1 || c.Clients.Budget == 0 {
			harmed = c.Objective.Harmed
		}
	}
	return latency, harmed
}

func finite(x float64) float64 {
	if math.IsInf(x, 0) {
		return math.NaN()
	}
	return x
}

// plain is a reading of a value as it is.
func (c *camera) plain(v float64) signal.Reading {
	r := signal.Missing(signal.Present, "")
	if r.Value = v; math.IsNaN(v) || math.IsInf(v, 0) {
		r = signal.Missing(signal.NotANumber, "")
	}
	return r
}

// gauge is a reading of a value with the noise that sampling has: a share of
// it, of normal distribution. Single requests bring their own noise.
func (c *camera) gauge(v, noise float64) signal.Reading {
	z := c.rng.NormFloat64()
	if c.smooth {
		v *= math.Exp(math.Min(0.3, noise) * z)
	}
	return c.plain(v)
}

// ratio is a reading of events among observations.
func (c *camera) ratio(events, n float64) signal.Reading {
	if c.smooth {
		share := 0.0
		if n > 0 {
			share = math.Min(1, math.Max(0, events/n))
		}
		n = poisson(c.rng, n)
		events = binomial(c.rng, n, share)
	}
	r := c.plain(events / n)
	if r.Presence == signal.Present {
		r.N, r.Events = n, events
	}
	return r
}

func (c *camera) rate(n, seconds float64, g *group, b *box) signal.Reading {
	if c.smooth {
		n = poisson(c.rng, n)
	}
	if n == 0 && g.fresh && b.instances == 0 {
		return signal.Missing(signal.Empty, "")
	}
	return c.plain(n / seconds)
}

// present says of a reading whether its version is there at all.
func (c *camera) present(x signal.Cell, r signal.Reading, at time.Time) signal.Reading {
	key := [3]int{x.Service, x.Signal, int(x.Cohort)}
	gone := x.Cohort == signal.Canary && c.weight == 0 || x.Cohort == signal.Control && c.weight == 1
	if gone {
		c.missed[key]++
		switch {
		case c.seen[key] == 0:
			return signal.Missing(signal.NeverSeen, "")
		case c.missed[key] == 1:
			return signal.Missing(signal.Empty, "")
		default:
			return signal.Missing(signal.Stopped, "")
		}
	}
	c.missed[key] = 0
	r.Age = 24*time.Hour + at.Sub(c.Start)
	if x.Cohort == signal.Canary {
		r.Age = time.Duration(c.seen[key]) * c.Interval
	}
	c.seen[key]++
	return r
}
