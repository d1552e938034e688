package peer

import (
	"math"
	"strings"
	"time"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// A probe answers the two questions that Argo's and Flagger's manuals ask of
// a new version: which share of its requests succeeds, and how long the
// slowest hundredth takes. Both of the last window.
type probe struct {
	release         int
	service         int
	errors, latency *series
}

// A series is one signal of the new version, as far back as the window.
type series struct {
	index   int     // of the signal
	good    bool    // it counts what succeeds, not what fails
	seen    bool    // it has answered, for any version of the service
	limit   float64 // in the base unit; NaN when it has none
	samples []sample
}

// A sample is what one frame showed of one signal of the new version.
type sample struct {
	at        time.Time
	values    []float64 // of the instances that have one
	n, events float64   // NaN unless all of them are counted
	nan       bool      // some answered "not a number"
}

func newProbe(sys release.System, i int) *probe {
	p := &probe{release: i, service: sys.Releases[i].Service}
	if k := errorsSignal(sys.Signals); k >= 0 {
		p.errors = &series{index: k, limit: math.NaN(), good: sys.Signals[k].Direction() == signal.Down}
	}
	if k := latencySignal(sys.Signals); k >= 0 {
		p.latency = &series{index: k, limit: math.NaN()}
	}
	return p
}

// errorsSignal returns the first signal that is a share of failing work,
// measured of each version; −1 when there is none.
func errorsSignal(signals []signal.Signal) int {
	for i, s := range signals {
		if s.Kind == signal.Errors && s.Scope != signal.PerService && s.Unit.Dimension == signal.Ratio {
			return i
		}
	}
	return -1
}

// latencySignal returns the first latency in units of time that is called a
// 99th percentile, or else the first of all; −1 when there is none.
func latencySignal(signals []signal.Signal) int {
	first := -1
	for i, s := range signals {
		if s.Kind != signal.Latency || s.Scope == signal.PerService || s.Unit.Dimension != signal.Time {
			continue
		}
		if strings.HasSuffix(s.Name, "p99") {
			return i
		}
		if first < 0 {
			first = i
		}
	}
	return first
}

// see takes one frame. What is older than the window is dropped.
func (p *probe) see(f signal.Frame, window time.Duration) {
	for _, s := range []*series{p.errors, p.latency} {
		if s == nil {
			continue
		}
		s.forget(f.At.Add(-window))
		for _, c := range f.Cells {
			if c.Service == p.service && c.Signal == s.index {
				s.take(f.At, c, c.Release == p.release && c.Cohort == signal.Canary)
			}
		}
	}
}

// take takes one cell, which is of the new version or of any other of the
// service.
func (s *series) take(at time.Time, c signal.Cell, ours bool) {
	x := sampleOf(at, c)
	s.seen = s.seen || len(x.values) > 0
	if !ours {
		return
	}
	s.samples = append(s.samples, x)
	if !math.IsNaN(c.Limit) {
		s.limit = c.Limit
	}
}

func sampleOf(at time.Time, c signal.Cell) sample {
	x := sample{at: at}
	for _, r := range c.Readings {
		switch r.Presence {
		case signal.Present:
			x.values = append(x.values, r.Value)
			x.n, x.events = x.n+r.N, x.events+r.Events
		case signal.NotANumber:
			x.nan = true
		case signal.NeverSeen, signal.Empty, signal.Stopped:
		}
	}
	return x
}

// forget drops what lies at or before an instant.
func (s *series) forget(until time.Time) {
	for len(s.samples) > 0 && !s.samples[0].at.After(until) {
		s.samples = s.samples[1:]
	}
}

// success returns the answer to "which share of the requests succeeds", in
// the form of a query's answer: one value, NaN where nothing was asked for,
// none where nothing is there. Counted events give it exactly; of a ratio
// alone it is the mean over the window.
func (s *series) success() []float64 {
	var n, events float64
	var ratios []float64
	nan := false
	for _, x := range s.samples {
		nan = nan || x.nan
		if len(x.values) > 0 {
			n, events = n+x.n, events+x.events
			ratios = append(ratios, stats.Mean(x.values))
		}
	}
	failing := events / n // 0/0 is NaN, as in PromQL
	switch {
	case len(ratios) == 0 && !nan:
		return nil
	case len(ratios) == 0:
		return []float64{math.NaN()}
	case math.IsNaN(n) || math.IsNaN(events):
		failing = stats.Mean(ratios)
	}
	if s.good {
		return []float64{failing}
	}
	return []float64{1 - failing}
}

// median returns the median of all values in the window, in the same form.
func (s *series) median() []float64 {
	var all []float64
	nan := false
	for _, x := range s.samples {
		all, nan = append(all, x.values...), nan || x.nan
	}
	switch {
	case len(all) > 0:
		return []float64{stats.Median(all)}
	case nan:
		return []float64{math.NaN()}
	default:
		return nil
	}
}

// asked says whether a metric exists that a user could have configured.
func (s *series) asked() bool { return s != nil && s.seen }
