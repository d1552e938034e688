package simulate

import (
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/foreshock/foreshock/signal"
)

// A player makes the values of one series.
type player struct {
	Series
	interval time.Duration
	begin    int // first step of the release
	rng      *rand.Rand
	pods     []source
}

// A source is one instance.
type source struct {
	name   string
	own    float64 // how far its level lies from the cohort's
	noise  ar
	missed int // frames in a row without a value
	seen   bool
	first  int          // frame of the first sample; −1 before
	counts [][2]float64 // requests and events of the last frames
	values []float64    // of the last frames
}

func newPlayer(s System, x Series, src rand.Source) *player {
	p := &player{Series: x, interval: s.Interval, rng: rand.New(src)}
	if i := max(0, x.Release); i < len(s.Rollouts) {
		p.begin = s.Rollouts[i].Begin()
	}
	names := []string{""}
	if x.Instances > 0 {
		names = names[:0]
		for i := range x.Instances {
			names = append(names, pod(x.Cohort, i))
		}
	}
	for _, n := range names {
		pd := source{name: n, first: -1, noise: ar{rho: x.Rho, marginal: x.Noise}}
		pd.own = x.Apart * p.rng.NormFloat64()
		p.pods = append(p.pods, pd)
	}
	return p
}

func (p *player) cell(frame int, exposure []signal.Exposure) signal.Cell {
	c := signal.Cell{Service: p.Service, Signal: p.Signal, Release: p.Release, Cohort: p.Cohort, Limit: math.NaN()}
	if p.Limit.Set {
		c.Limit = p.Limit.Value
	}
	share := 1.0
	if p.Release >= 0 && p.Release < len(exposure) {
		share = exposure[p.Release].Weight
		if p.Cohort == signal.Control {
			share = 1 - share
		}
	}
	for i := range p.pods {
		r := p.reading(&p.pods[i], Moment{Frame: frame - p.begin, Share: share, Instance: i})
		r.Age = p.pods[i].age(p, frame)
		c.Readings = append(c.Readings, r)
	}
	return c
}

// age of an instance: the old version ran for a day before the first frame,
// the new one is as old as its first sample.
func (s *source) age(p *player, frame int) time.Duration {
	switch {
	case p.Cohort != signal.Canary:
		return 24*time.Hour + time.Duration(frame)*p.interval
	case !s.seen:
		return 0
	}
	if s.first < 0 {
		s.first = frame
	}
	return time.Duration(frame-s.first) * p.interval
}

// reading draws the same random numbers whether or not the instance is seen,
// so that an effect changes what it is said to change and nothing else.
func (p *player) reading(s *source, m Moment) signal.Reading {
	r := signal.Missing(signal.Present, s.name)
	if p.Rate > 0 {
		p.drawCounts(&r, s, m)
	} else {
		v := p.Level + s.own + p.SD*s.noise.next(p.rng)
		if p.Jitter > 0 {
			v += p.Jitter * p.rng.NormFloat64()
		}
		r.Value = s.average(p.affect(m, v), p.Window)
		if p.Shared {
			r.Value *= m.Share
		}
	}
	before := p.Cohort == signal.Canary && m.Frame < 0
	switch {
	case before, math.IsInf(r.Value, -1):
		r = s.missing()
	case math.IsNaN(r.Value):
		r.Presence = signal.NotANumber
	default:
		s.seen, s.missed = true, 0
	}
	return r
}

// average returns the mean over the last frames. What is missing now is not
// filled in from before.
func (s *source) average(v float64, window int) float64 {
	if window < 2 {
		return v
	}
	if math.IsInf(v, 0) || math.IsNaN(v) {
		s.values = nil
		return v
	}
	if s.values = append(s.values, v); len(s.values) > window {
		s.values = s.values[1:]
	}
	var sum float64
	for _, x := range s.values {
		sum += x
	}
	return sum / float64(len(s.values))
}

// missing returns what is read of an instance that does not report.
func (s *source) missing() signal.Reading {
	s.missed++
	switch {
	case !s.seen:
		return signal.Missing(signal.NeverSeen, s.name)
	case s.missed == 1:
		return signal.Missing(signal.Empty, s.name)
	default:
		return signal.Missing(signal.Stopped, s.name)
	}
}

func (p *player) affect(m Moment, v float64) float64 {
	for _, e := range p.Effects {
		v = e(m, v)
	}
	return v
}

// drawCounts draws requests and events, and their ratio over the window. No
// requests make a ratio of NaN, as 0/0 does in PromQL.
func (p *player) drawCounts(r *signal.Reading, s *source, m Moment) {
	share := m.Share / float64(max(1, p.Instances))
	rate := p.Rate
	if p.Load != nil {
		rate = p.Load(m, rate)
	}
	n := poisson(p.rng, rate*share*p.interval.Seconds())
	mean := p.affect(m, p.Level)
	if math.IsInf(mean, -1) {
		s.counts = nil
		r.Value = mean
		return
	}
	events := binomial(p.rng, n, min(1, max(0, mean)))
	s.counts = append(s.counts, [2]float64{n, events})
	if w := max(1, p.Window); len(s.counts) > w {
		s.counts = s.counts[1:]
	}
	var requests, failed float64
	for _, c := range s.counts {
		requests, failed = requests+c[0], failed+c[1]
	}
	r.Value = failed / requests
	if !p.Uncounted {
		r.N, r.Events = n, events
	}
}

func poisson(rng *rand.Rand, mean float64) float64 {
	if !(mean > 0) {
		return 0
	}
	return distuv.Poisson{Lambda: mean, Src: rng}.Rand()
}

func binomial(rng *rand.Rand, n, p float64) float64 {
	if n == 0 || p == 0 {
		return 0
	}
	if p == 1 {
		return n
	}
	return distuv.Binomial{N: n, P: p, Src: rng}.Rand()
}
