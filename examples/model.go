package main

import (
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// A fleet is the pods of one version of one service. What depends on time is
// a function of the seconds since the recording's start.
type fleet struct {
	service, version string
	pods             []pod
	// load is the requests per second of the whole fleet.
	load func(sec float64) float64
	// errors is the share of requests that fail, 0..1; nil means one in 5,000.
	errors func(sec float64) float64
	// latency is the median duration of a request, in seconds, whose
	// durations are lognormal with the given sigma (0 means 0.45).
	latency func(sec float64) float64
	sigma   float64
	// heap is the memory of a pod in bytes, by seconds since its start.
	heap func(age float64) float64
	cost float64 // CPU seconds a request
	mute bool    // nothing of the fleet is ever scraped
	// calls are the services called, once a request, with the share that fails.
	calls map[string]func(sec float64) float64
}

// A pod runs from..until, in seconds since the recording's start.
type pod struct {
	name        string
	from, until float64
}

// forever is past the end of every recording.
const forever = 1e9

// buckets are the upper bounds of the histograms, in seconds.
var buckets = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}

// A counted is what one pod's counters stand at.
type counted struct {
	good, bad  float64
	buckets    []float64 // not cumulative; the last one is beyond all bounds
	seconds    float64   // sum of durations
	cpu        float64   // seconds
	calls      map[string]*[2]float64
	heap       float64
	goroutines float64
}

// A meter advances one pod's counters from scrape to scrape.
type meter struct {
	fleet *fleet
	pod   pod
	rng   *rand.Rand
	now   counted
	drift float64 // AR(1) noise of the latency, ρ = 0.6
}

func newMeter(f *fleet, p pod, seed uint64) *meter {
	m := &meter{fleet: f, pod: p, rng: rand.New(rand.NewPCG(seed, 77))}
	m.now.buckets = make([]float64, len(buckets)+1)
	m.now.calls = map[string]*[2]float64{}
	for to := range f.calls {
		m.now.calls[to] = &[2]float64{}
	}
	if p.from < 0 { // it ran before: counters do not begin at nothing
		m.now.good = 100_000 + math.Floor(1e6*m.rng.Float64())
		m.now.bad = math.Floor(m.now.good / 5000)
		m.now.cpu = m.now.good * f.cost
		m.spread(m.now.good, f.latency(0))
	}
	return m
}

// advance lets the time to a scrape pass.
func (m *meter) advance(sec float64, interval time.Duration) {
	f, dt := m.fleet, interval.Seconds()
	m.drift = 0.6*m.drift + 0.8*m.rng.NormFloat64()
	n := poisson(m.rng, f.load(sec)*dt/running(f, sec))
	bad := binomial(m.rng, n, shareAt(f.errors, sec, 0.0002))
	m.now.good, m.now.bad = m.now.good+n-bad, m.now.bad+bad
	median := f.latency(sec) * math.Exp(0.02*m.drift)
	m.spread(n, median)
	m.now.cpu += n*f.cost*(1+0.03*m.rng.NormFloat64()) + 0.01*dt
	m.now.heap = f.heap(sec-m.pod.from) * (1 + 0.004*m.rng.NormFloat64())
	// Little's law, and what the runtime needs for itself.
	m.now.goroutines = math.Round(24 + n/dt*median*1.1 + math.Abs(m.rng.NormFloat64()))
	for _, to := range callees(f) {
		failed := binomial(m.rng, n, shareAt(f.calls[to], sec, 0.0002))
		m.now.calls[to][0] += n - failed
		m.now.calls[to][1] += failed
	}
}

// spread puts n requests into the buckets of a lognormal distribution.
func (m *meter) spread(n, median float64) {
	sigma := m.fleet.sigma
	if sigma == 0 {
		sigma = 0.45
	}
	d := distuv.LogNormal{Mu: math.Log(median), Sigma: sigma}
	m.now.seconds += n * d.Mean()
	left, below := n, 0.0
	for i, le := range buckets {
		p := d.CDF(le)
		k := binomial(m.rng, left, math.Min(1, (p-below)/math.Max(1e-12, 1-below)))
		m.now.buckets[i] += k
		left, below = left-k, p
	}
	m.now.buckets[len(buckets)] += left
}

// running counts the pods that serve now.
func running(f *fleet, sec float64) float64 {
	n := 0.0
	for _, p := range f.pods {
		if sec >= p.from && sec < p.until {
			n++
		}
	}
	return math.Max(1, n)
}

func shareAt(f func(float64) float64, sec, normal float64) float64 {
	if f == nil {
		return normal
	}
	return math.Min(1, math.Max(0, f(sec)))
}

func poisson(rng *rand.Rand, mean float64) float64 {
	if !(mean > 0) {
		return 0
	}
	return distuv.Poisson{Lambda: mean, Src: rng}.Rand()
}

func binomial(rng *rand.Rand, n, p float64) float64 {
	switch {
	case n == 0 || !(p > 0):
		return 0
	case p >= 1:
		return n
	default:
		return distuv.Binomial{N: n, P: p, Src: rng}.Rand()
	}
}
