package demo

import (
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// Stage is how far a demo has got.
type Stage uint8

// The stages.
const (
	Starting Stage = iota + 1 // the processes start
	Before                    // only the old version serves
	Rolling                   // the new version gets traffic
	Stopped                   // the rollout was stopped, and all traffic is back
)

// An Update is what was seen in one frame.
type Update struct {
	Stage      Stage
	At         time.Time
	Elapsed    time.Duration // since the first frame
	Weight     float64       // of the new version, 0..1
	Step       int           // steps begun
	Plan       []float64     // weights of all steps
	NextIn     time.Duration // until the next step by the clock; 0 when there is none
	Waits      bool          // the next step is due, and waits for a promote
	Assessment *release.Assessment
	Gauges     []Gauge
	Callers    Callers
	Strained   bool // the machine is too busy to tell
}

// A Gauge is one number that matters, for both versions.
type Gauge struct {
	Name    string
	Unit    signal.Unit
	New     []float64 // the last values of the new version, oldest first; nil when it has none
	Old     []float64 // of the stable version, or of the service when it has no versions
	Limit   float64   // NaN when there is none
	Shared  bool      // Old is of a service without versions
	Service string
}

// Callers is what the callers saw in the last second that is known.
type Callers struct {
	Sent, Failed, Slow int
}

// shown are the signals of the screen, by name, with what people call them.
var shown = []struct{ signal, label, service string }{
	{"callers latency p99", "p99 latency", "shop"},
	{"callers errors", "errors", "shop"},
	{"traffic", "traffic", "shop"},
	{"core busy", "core in use", "shop"},
	{"memory", "memory", "shop"},
	{"db pool", "database pool", "db"},
	{"workers busy", "pricing workers", "pricing"},
}

// kept is how many values of a gauge are kept.
const kept = 40

// view gathers what the screen shows.
type view struct {
	p      *player
	gauges []Gauge
}

func newView(p *player) *view {
	v := &view{p: p}
	for _, s := range shown {
		v.gauges = append(v.gauges, Gauge{Name: s.label, Service: s.service, Limit: math.NaN()})
	}
	return v
}

func (v *view) update(f signal.Frame) Update {
	p := v.p
	u := Update{Stage: Before, At: f.At, Elapsed: f.At.Sub(p.start), Plan: p.o.Steps}
	// All of it is of this frame, as what is judged: the clock is ahead of it.
	u.Weight, u.Step = f.Exposure[0].Weight, f.Exposure[0].Step
	p.mu.Lock()
	if u.Step > 0 {
		u.Stage = Rolling
		if u.Step < len(p.o.Steps) {
			u.NextIn = max(time.Until(p.begun[u.Step-1].Add(p.o.Each)), 0)
		}
	} else {
		u.NextIn = max(time.Until(p.begin), 0)
	}
	u.Waits = p.waits && u.Step == len(p.begun)
	if p.stop != nil {
		u.Stage, u.Weight = Stopped, 0
	}
	p.mu.Unlock()
	for i, s := range shown {
		v.gauge(&v.gauges[i], s.signal, f)
		g := v.gauges[i]
		g.New, g.Old = slices.Clone(g.New), slices.Clone(g.Old)
		u.Gauges = append(u.Gauges, g)
	}
	if all := p.lab.Tallies(); len(all) > 0 {
		for _, c := range all[len(all)-1].Versions {
			u.Callers.Sent += c.Sent
			u.Callers.Failed += c.Failed
			u.Callers.Slow += c.Slow
		}
	}
	return u
}

// gauge adds the values of one frame.
func (v *view) gauge(g *Gauge, name string, f signal.Frame) {
	fresh, old := math.NaN(), math.NaN()
	for _, c := range f.Cells {
		if v.p.sys.Signals[c.Signal].Name != name || v.p.sys.Services[c.Service].Name != g.Service {
			continue
		}
		g.Unit, g.Limit = v.p.sys.Signals[c.Signal].Unit, c.Limit
		switch c.Cohort {
		case signal.Canary:
			fresh = whole(c.Readings, g.Unit)
		case signal.Control:
			old = whole(c.Readings, g.Unit)
		case signal.Whole:
			old, g.Shared = whole(c.Readings, g.Unit), true
		}
	}
	g.New, g.Old = keep(g.New, fresh), keep(g.Old, old)
}

func keep(values []float64, v float64) []float64 {
	values = append(values, v)
	return slices.Delete(values, 0, max(len(values)-kept, 0))
}

// whole returns what the instances have together: the sum of rates, and the
// mean of everything else.
func whole(rs []signal.Reading, unit signal.Unit) float64 {
	sum, n := 0.0, 0
	for _, r := range rs {
		if !math.IsNaN(r.Value) {
			sum, n = sum+r.Value, n+1
		}
	}
	if n == 0 {
		return math.NaN()
	}
	if unit.Dimension == signal.Rate {
		return sum
	}
	return sum / float64(n)
}
