package simulate

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"github.com/foreshock/foreshock/queueing"
)

// fluid plays a plant as flows: every queue, pool and wave of retries is a
// mean that moves with time. What it costs does not grow with the rate.
type fluid struct {
	*plant
	dt      float64
	streams []*stream                     // by group
	tanks   map[*box]*queueing.FluidQueue // of one instance
	ups     map[*box]int                  // running instances in the last step
}

// A stream is the flow through a group.
type stream struct {
	group    *group
	arrivals float64 // attempts per second, now
	flow     queueing.Flow
	own      spell // work and calls, without the wait
	stay     float64
	refused  float64 // probability that an attempt is refused
	fails    float64 // and that one that is not is answered with an error
	lost     float64 // requests that die with their instance, per second
	edges    []*edge
	p50, p99 float64 // sums over the samples of a frame
	samples  float64
}

// An edge is the calls of a group to a service.
type edge struct {
	Call
	retrier *queueing.FluidRetrier
	pool    queueing.FluidQueue
	wait    float64 // for a connection
	fails   float64 // probability that a call fails after all tries
	spell   spell   // of one call, retries included
	late    float64 // probability that an attempt times out
}

// A spell is a random time, as a gamma distribution.
type spell struct{ mean, variance float64 }

// over is the probability that a spell takes longer than t seconds. What does
// not vary is longer or not.
func (s spell) over(t float64) float64 {
	switch {
	case t < 0:
		return 1
	case s.mean == 0:
		return 0
	case t > s.mean+30*math.Sqrt(s.variance):
		return 0 // under 1e-6, and spared the special function
	case s.variance < 1e-6*s.mean*s.mean:
		if t < s.mean {
			return 1
		}
		return 0
	}
	return mathext.GammaIncRegComp(s.mean*s.mean/s.variance, t*s.mean/s.variance)
}

func (s spell) plus(o spell) spell { return spell{s.mean + o.mean, s.variance + o.variance} }

// late is the probability that an answer takes longer than t seconds: those
// that wait at rest are exponentially late, and all by the backlog.
func (st *stream) late(t float64) float64 {
	t -= st.flow.Backlog
	if t < 0 {
		return 1
	}
	slow := st.own.plus(spell{st.flow.Delay, st.flow.Delay * st.flow.Delay})
	return (1-st.flow.Waits)*st.own.over(t) + st.flow.Waits*slow.over(t)
}

// quantile inverts late.
func (st *stream) quantile(p float64) float64 {
	low, high := 0.0, 1e-3
	for st.late(high) > 1-p && high < 1e5 {
		high *= 2
	}
	for range 30 {
		if mid := (low + high) / 2; st.late(mid) > 1-p {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// The bounds of a step of time, in seconds.
const (
	shortest = 0.002
	longest  = 0.1
)

func newFluid(p *plant) *fluid {
	f := &fluid{plant: p, dt: longest, tanks: map[*box]*queueing.FluidQueue{}, ups: map[*box]int{}}
	for _, g := range p.groups {
		for _, c := range g.spec.Calls {
			f.dt = math.Min(f.dt, c.Timeout/10)
		}
	}
	f.dt = math.Max(shortest, f.dt)
	f.dt = p.Interval.Seconds() / math.Ceil(p.Interval.Seconds()/f.dt)
	for _, b := range p.boxes {
		f.tanks[b] = &queueing.FluidQueue{}
	}
	for _, g := range p.groups {
		st := &stream{group: g, own: spell{mean: g.spec.Work}, stay: g.spec.Work}
		for _, c := range g.spec.Calls {
			st.edges = append(st.edges, &edge{Call: c, retrier: queueing.NewFluidRetrier(c.Timeout, c.Backoff, c.Tries, c.Budget, f.dt)})
		}
		f.streams = append(f.streams, st)
	}
	return f
}

// advance plays up to a time, in seconds after the start.
func (f *fluid) advance(until float64) {
	f.place()
	steps := int(math.Round((until - f.now) / f.dt))
	from := f.now
	// Times are asked for about once a second: quantiles cost more than a step.
	every := max(1, steps/max(1, min(8, int(until-f.now))))
	for k := range steps {
		f.step(k%every == every-1)
		f.now = from + f.dt*float64(k+1)
	}
	f.now = until
	for _, st := range f.streams {
		w := &st.group.win
		w.p50, w.p99 = st.p50/st.samples, st.p99/st.samples // NaN of none
		st.p50, st.p99, st.samples = 0, 0, 0
	}
	for _, st := range f.streams {
		w := &st.group.win
		for k, e := range st.edges {
			w.byPool[k] /= f.Interval.Seconds()
			for _, callee := range f.of(e.To) {
				if t := callee.group.win.p99 + e.wait; t > 0 && !math.IsInf(e.Timeout, 1) {
					w.byTimeout[k] = math.Max(w.byTimeout[k], t/e.Timeout)
				}
			}
		}
	}
}

// of returns the streams of a service.
func (f *fluid) of(service int) []*stream {
	n := len(f.versions(service))
	return f.streams[f.first[service] : f.first[service]+n]
}

// step plays dt seconds: load goes down the calls, and what it met there comes
// back up in the next step.
func (f *fluid) step(sample bool) {
	for _, st := range f.streams {
		st.arrivals = 0
	}
	for _, s := range f.order {
		for _, st := range f.of(s) {
			if g := st.group; g.client {
				st.arrivals = g.spec.rate(f.now)
			}
		}
		f.serve(s)
		for _, st := range f.of(s) {
			f.call(st)
			f.count(st, sample)
		}
	}
}

// serve moves the queue of each box of a service.
func (f *fluid) serve(service int) {
	all := f.of(service)
	for i, st := range all {
		b := st.group.box
		if i > 0 && b == all[0].group.box {
			st.flow, st.refused = all[0].flow, all[0].refused
			continue
		}
		together := []*stream{st}
		if i == 0 && len(all) > 1 && all[1].group.box == b {
			together = all
		}
		f.serveBox(b, together)
	}
}

// serveBox moves the queue that each instance of a box has, with the streams
// that share it. Its servers are the cores or the threads, whichever are fewer
// for the work.
func (f *fluid) serveBox(b *box, sts []*stream) {
	var arrivals, work, stay, square float64
	for _, st := range sts {
		a := math.Max(st.arrivals, 1e-9)
		sp := st.group.spec
		arrivals, work, stay = arrivals+a, work+a*sp.Work, stay+a*st.stay
		square += a * sp.Work * sp.Work * (1 + sp.Spread*sp.Spread)
	}
	work, stay, square = work/arrivals, stay/arrivals, square/arrivals
	b.revive(f.now)
	up := b.up()
	b.win.capacity += float64(up*b.spec.Cores) * f.dt
	tank := f.tanks[b]
	var flow queueing.Flow
	refused := 0.0
	switch {
	case sts[0].group.client || work == 0 && math.IsInf(b.spec.Threads, 1):
		flow.Served = arrivals
	case b.instances == 0: // not begun: its callers learn a step later what it refuses, and must not learn of this
	case up == 0:
		refused = 1
	default:
		n := float64(up)
		if was := f.ups[b]; up > was && was > 0 {
			tank.Queue *= float64(was) / n // the new ones begin with none
		}
		f.ups[b] = up
		s := queueing.Station{Arrivals: arrivals / n, Service: math.Max(work, 1e-9), Servers: b.spec.Cores, ArrivalSCV: 1, ServiceSCV: 1}
		if work > 0 {
			s.ServiceSCV = square/(work*work) - 1
		}
		if b.spec.Threads/stay < s.Capacity() {
			s.Service, s.Servers, s.ServiceSCV = stay, max(1, int(b.spec.Threads)), 1
		}
		flow = tank.Step(s, b.spec.Queue, f.dt)
		flow.Served *= n
		refused = math.Min(1, n*flow.Refused/arrivals)
	}
	for _, st := range sts {
		st.flow, st.refused = flow, refused
	}
	f.hold(b, sts, tank.Queue*float64(up))
}

// hold counts what is inside a box, and kills instances that hold too much.
func (f *fluid) hold(b *box, sts []*stream, queue float64) {
	var inside, served float64
	for _, st := range sts {
		mine := st.arrivals * (1 - st.refused)
		st.lost = 0
		served += mine
		inside += mine * st.stay
		b.leak(st.group.spec.Memory.Leak * mine * f.dt)
	}
	inside = math.Min(inside, float64(b.up())*b.spec.Threads)
	b.win.inside += inside * f.dt
	b.win.waiting += queue * f.dt
	up := b.up()
	killed := b.need(inside+queue, f.now)
	if killed == 0 {
		return
	}
	part := float64(killed) / float64(up)
	for _, st := range sts {
		st.lost = part * (inside + queue) / f.dt * (st.arrivals * (1 - st.refused) / math.Max(served, 1e-9))
	}
}

// call makes the calls of a stream, and takes what the last step's came to.
func (f *fluid) call(st *stream) {
	w := &st.group.win
	served := st.flow.Served * st.arrivals * (1 - st.refused) / math.Max(1e-9, f.together(st))
	ok := 1 - st.group.spec.Errors
	sp := st.group.spec
	own := spell{mean: sp.Work, variance: sp.Work * sp.Work * sp.Spread * sp.Spread}
	for k, e := range st.edges {
		missed := e.Calls * (1 - e.Hits)
		first := served * missed
		w.lookups += served * e.Calls * f.dt
		w.hits += served * e.Calls * e.Hits * f.dt
		attempts := f.attempt(st, e, first, k)
		w.calls[k] = w.calls[k].plus(tries{first * f.dt, attempts * f.dt, attempts * e.late * f.dt})
		ok *= math.Pow(1-e.fails, missed)
		own.mean += missed * e.spell.mean
		own.variance += missed * e.spell.variance
		if whole := math.Floor(missed); missed > whole { // one call more, or none
			p := missed - whole
			own.variance += p * (1 - p) * e.spell.mean * e.spell.mean
		}
	}
	st.own, st.stay = own, own.mean
	st.fails = 1 - ok
}

// attempt lets the attempts of an edge arrive, and returns how many there are
// per second.
func (f *fluid) attempt(st *stream, e *edge, first float64, k int) float64 {
	callees := f.of(e.To)
	var soon, late, mean, variance, refused float64
	patience := e.Timeout - e.wait
	for _, c := range callees {
		share := f.share(c.group)
		if share == 0 {
			continue
		}
		refused += share * c.refused
		soon += share * (c.refused + (1-c.refused)*c.fails)
		mean += share * (c.own.mean + c.flow.Wait())
		variance += share * (c.own.variance + c.flow.Waits*c.flow.Delay*c.flow.Delay*(2-c.flow.Waits))
		if !math.IsInf(e.Timeout, 1) {
			late += share * c.late(patience)
		}
	}
	// What is late is late whatever its answer would have been, but a refusal
	// comes at once.
	late = math.Min(1, math.Max(0, late))
	soon = refused + (soon-refused)*(1-late)
	e.late = late * (1 - refused)
	a := e.retrier.Step(first, soon, late*(1-refused)/math.Max(1e-12, 1-soon))
	each := mean
	if !math.IsInf(e.Timeout, 1) {
		each = (1-late)*math.Min(mean, e.Timeout) + late*e.Timeout
		variance = math.Min(variance, e.Timeout*e.Timeout/4)
	}
	each *= 1 - refused
	if first > 0 {
		e.fails = math.Min(1, a.GivenUp/first)
		tries := a.Total / first
		e.spell = spell{tries*each + (tries-1)*e.Backoff + e.wait, tries * variance}
	}
	e.connect(st, a.Total, each, k, f.dt)
	for _, c := range callees {
		c.arrivals += a.Total * f.share(c.group)
	}
	return a.Total
}

// connect lets attempts wait for a connection, where these are limited. Those
// that have given up do not wait on.
func (e *edge) connect(st *stream, attempts, each float64, k int, dt float64) {
	if math.IsInf(e.Pool, 1) || each <= 0 {
		return
	}
	n := float64(max(1, st.group.box.up()))
	s := queueing.Station{Arrivals: attempts / n, Service: each, Servers: max(1, int(e.Pool)), ArrivalSCV: 1, ServiceSCV: 1}
	flow := e.pool.Step(s, math.Min(e.Timeout, 60)*e.Pool/each, dt)
	e.wait = flow.Wait()
	st.group.win.byPool[k] += dt * attempts * each / (n * e.Pool)
}

// count adds a step to the windows.
func (f *fluid) count(st *stream, sample bool) {
	w, g := &st.group.win, st.group
	n := st.arrivals * f.dt
	w.requests += n
	w.refused += n * st.refused
	failing := math.Min(1, st.refused+(1-st.refused)*st.fails)
	w.failed += math.Min(n, n*failing+st.lost*f.dt)
	g.box.win.busy += n * (1 - st.refused) * g.spec.Work * math.Min(1, st.flow.Served/math.Max(1e-9, f.together(st)))
	if g.client {
		w.slow += n * (1 - failing) * st.late(f.Objective.Latency)
	}
	if sample && st.arrivals > 0 {
		st.samples++
		st.p50 += st.quantile(0.5)
		st.p99 += st.quantile(0.99)
	}
}

// together is what arrives at the box of a stream and is not refused.
func (f *fluid) together(st *stream) float64 {
	var sum float64
	for _, o := range f.of(st.group.service) {
		if o.group.box == st.group.box {
			sum += o.arrivals * (1 - o.refused)
		}
	}
	return sum
}
