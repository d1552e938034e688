package simulate

import (
	"math"
	"math/rand/v2"
	"slices"
)

// exact plays a plant request by request: a discrete-event simulation. Each
// instance has a queue of its own, and a request goes to one at random.
type exact struct {
	*plant
	rng    *rand.Rand
	heap   []event
	count  uint32
	reqs   []request
	free   []int32
	boxes  []*desk
	desks  map[*box]*desk
	pools  [][][]pool // by group, call and seat
	tokens [][]float64
	stats  []*sketch // by group
}

// The kinds of events.
const (
	evArrive  = iota + 1 // id is a group of clients
	evDone               // the own work of a request is done
	evTimeout            // a request gives up on its call
	evRetry
	evRevive // id is a desk
	evLook   // the same as evArrive, without a request
)

type event struct {
	at      float64
	n       uint32 // events of one time keep their order
	gen     uint32
	attempt uint32
	id      int32
	kind    uint8
}

// A request is one at a service, from its arrival to its answer.
type request struct {
	gen           uint32 // of the slot: what speaks of an older one is void
	attempt       uint32 // grows with each attempt at a call, and when one ends
	parentGen     uint32
	parentAttempt uint32
	parent        int32 // −1 for clients
	group         int32
	call, left    int32 // which call, and how many more of it
	try           int32
	born          float64
	live, dead    bool // dead: its instance was killed, and its answer is an error
	pooled        bool // holds a connection
	seat          int32
}

// A desk is a box with those in it.
type desk struct {
	*box
	seats         []seat // one for each instance, and those that are no more but have not done
	used, waiting int    // in all seats
	since         float64
	looked        float64 // when its memory was looked at
	left          float64 // bytes that were left behind since
}

// A seat is one instance.
type seat struct {
	busy, used   int
	cpu, threads fifo // who waits for a core, and for a thread
}

// A pool is the connections of an instance to one callee.
type pool struct {
	used    int
	waiting fifo
	area    float64
	since   float64
}

// A ticket is a request that waits, as of an attempt.
type ticket struct {
	id           int32
	gen, attempt uint32
}

// fifo is a queue whose memory is used again.
type fifo struct {
	items []ticket
	head  int
}

func (f *fifo) len() int      { return len(f.items) - f.head }
func (f *fifo) push(t ticket) { f.items = append(f.items, t) }
func (f *fifo) pop() (t ticket) {
	t = f.items[f.head]
	f.head++
	if f.head > 1024 && f.head*2 > len(f.items) {
		f.items = append(f.items[:0], f.items[f.head:]...)
		f.head = 0
	}
	return t
}

func newExact(p *plant, seed uint64) *exact {
	e := &exact{plant: p, rng: rand.New(rand.NewPCG(seed, 1)), desks: map[*box]*desk{}}
	for _, b := range p.boxes {
		d := &desk{box: b, since: p.now}
		e.boxes = append(e.boxes, d)
		e.desks[b] = d
		e.size(d)
	}
	for i, g := range p.groups {
		e.pools = append(e.pools, make([][]pool, len(g.spec.Calls)))
		e.tokens = append(e.tokens, make([]float64, len(g.spec.Calls)))
		e.stats = append(e.stats, &sketch{})
		if g.client {
			e.schedule(event{at: p.now, kind: evLook, id: int32(i)})
		}
	}
	return e
}

// size gives a desk seats for all its instances.
func (e *exact) size(d *desk) {
	for len(d.seats) < d.instances {
		d.seats = append(d.seats, seat{})
	}
}

// pick returns an instance that runs, at random; −1 when none does.
func (e *exact) pick(d *desk) int32 {
	switch {
	case d.up() == 0:
		return -1
	case d.instances == 1:
		return 0
	}
	for {
		if i := e.rng.IntN(d.instances); !d.slots[i].down {
			return int32(i)
		}
	}
}

// advance plays up to a time, in seconds after the start.
func (e *exact) advance(until float64) {
	if e.place() {
		for _, d := range e.boxes {
			e.size(d)
		}
	}
	for len(e.heap) > 0 && e.heap[0].at <= until {
		ev := e.pop()
		e.now = ev.at
		switch ev.kind {
		case evArrive:
			e.client(ev.id)
			e.arrive(ev.id, -1, 0, 0)
		case evLook:
			e.client(ev.id)
		case evRevive:
			e.boxes[ev.id].revive(e.now)
		default:
			e.about(ev)
		}
	}
	e.now = until
	e.close()
}

// about handles an event of one request, unless it is void.
func (e *exact) about(ev event) {
	r := &e.reqs[ev.id]
	if r.gen != ev.gen || !r.live {
		return
	}
	switch ev.kind {
	case evDone:
		d := e.desks[e.groups[r.group].box]
		d.seats[r.seat].busy--
		e.fill(d, r.seat)
		e.next(ev.id)
	case evTimeout:
		if r.attempt == ev.attempt {
			e.groups[r.group].win.calls[r.call].timeouts++
			e.hangUp(ev.id)
			e.failed(ev.id)
		}
	case evRetry:
		if r.attempt == ev.attempt {
			e.try(ev.id)
		}
	}
}

// lookAgain is how many seconds a gap between clients' requests is drawn
// for; then it is drawn anew, with the rate of that time. Nothing is lost by it,
// as the exponential distribution has no memory.
const lookAgain = 0.25

// client draws when the next request comes from clients.
func (e *exact) client(id int32) {
	g := e.groups[id]
	rate := g.spec.rate(e.now)
	gap := e.rng.ExpFloat64() / rate
	if !(gap < lookAgain) {
		e.schedule(event{at: e.now + lookAgain, kind: evLook, id: id})
		return
	}
	e.schedule(event{at: e.now + gap, kind: evArrive, id: id})
}

// arrive lets a request come to a group. It is refused where there is neither
// a thread nor a place to wait.
func (e *exact) arrive(group, parent int32, parentGen, parentAttempt uint32) {
	g := e.groups[group]
	d := e.desks[g.box]
	i := e.pick(d)
	if !g.client {
		g.win.requests++
		if i < 0 || d.seats[i].full(g.box.spec) {
			g.win.refused++
			g.win.failed++
			e.answer(parent, parentGen, parentAttempt, false)
			return
		}
	}
	id := e.slot()
	r := &e.reqs[id]
	*r = request{
		gen: r.gen, parent: parent, parentGen: parentGen, parentAttempt: parentAttempt,
		group: group, call: -1, seat: i, born: e.now, live: true,
	}
	e.measure(d)
	if s := &d.seats[i]; float64(s.used) < g.box.spec.Threads {
		s.used++
		d.used++
		e.work(d, id)
	} else {
		s.threads.push(ticket{id: id, gen: r.gen})
		d.waiting++
	}
	if !g.client && e.now >= d.looked+lookMemory {
		e.kill(d)
	}
}

// full says whether an instance has neither a thread nor a place to wait.
func (s *seat) full(spec Service) bool {
	busy := float64(s.used) >= spec.Threads || math.IsInf(spec.Threads, 1) && s.busy >= spec.Cores
	return busy && float64(s.cpu.len()+s.threads.len()) >= spec.Queue
}

// lookMemory is how often the memory of instances is looked at, in seconds.
const lookMemory = 0.05

// kill looks at the memory of a desk's instances, and takes those away that
// need too much, each with its share of what is inside.
func (e *exact) kill(d *desk) {
	d.looked = e.now
	d.leak(d.left)
	d.left = 0
	if d.need(float64(d.used+d.waiting), e.now) == 0 {
		return
	}
	for i := range e.reqs {
		r := &e.reqs[i]
		if !r.live || e.groups[r.group].box != d.box || int(r.seat) >= d.instances {
			continue
		}
		if s := d.slots[r.seat]; s.down && s.back == e.now+d.spec.Memory.Restart {
			r.dead = true
		}
	}
	e.schedule(event{at: e.now + d.spec.Memory.Restart, kind: evRevive, id: int32(slices.Index(e.boxes, d))})
}

// work gives a request a core, or lets it wait for one.
func (e *exact) work(d *desk, id int32) {
	r := &e.reqs[id]
	g := e.groups[r.group]
	if g.spec.Work == 0 {
		e.next(id)
		return
	}
	s := &d.seats[r.seat]
	if s.busy >= d.spec.Cores {
		e.measure(d)
		d.waiting++
		s.cpu.push(ticket{id: id, gen: r.gen})
		return
	}
	s.busy++
	t := g.spec.Work
	switch cv := g.spec.Spread; {
	case cv == 1:
		t *= e.rng.ExpFloat64()
	case cv > 0:
		v := math.Log(1 + cv*cv)
		t *= math.Exp(math.Sqrt(v)*e.rng.NormFloat64() - v/2)
	}
	d.win.busy += t
	e.schedule(event{at: e.now + t, kind: evDone, id: id, gen: r.gen})
}

// fill gives an instance's free threads and cores to those that wait there.
func (e *exact) fill(d *desk, i int32) {
	e.measure(d)
	for s := &d.seats[i]; s.busy < d.spec.Cores && s.cpu.len() > 0; s = &d.seats[i] {
		t := s.cpu.pop()
		d.waiting--
		e.work(d, t.id)
	}
	for s := &d.seats[i]; float64(s.used) < d.spec.Threads && s.threads.len() > 0; s = &d.seats[i] {
		t := s.threads.pop()
		d.waiting--
		d.used++
		s.used++
		e.work(d, t.id)
	}
}

// respond ends a request.
func (e *exact) respond(id int32, ok bool) {
	r := e.reqs[id]
	g := e.groups[r.group]
	d := e.desks[g.box]
	e.measure(d)
	d.used--
	d.seats[r.seat].used--
	took := e.now - r.born
	if ok = ok && !r.dead; ok && g.spec.Errors > 0 {
		ok = e.rng.Float64() >= g.spec.Errors
	}
	if !ok {
		g.win.failed++
	}
	if g.client {
		g.win.requests++
		if ok && took > e.Objective.Latency {
			g.win.slow++
		}
	}
	e.stats[r.group].add(took)
	d.left += g.spec.Memory.Leak
	e.reqs[id].live = false
	e.reqs[id].gen++
	e.free = append(e.free, id)
	e.fill(d, r.seat)
	e.answer(r.parent, r.parentGen, r.parentAttempt, ok)
}

func (e *exact) slot() int32 {
	if n := len(e.free); n > 0 {
		id := e.free[n-1]
		e.free = e.free[:n-1]
		return id
	}
	e.reqs = append(e.reqs, request{})
	return int32(len(e.reqs) - 1)
}

// measure adds up request seconds since the last change. It must stand before
// each.
func (e *exact) measure(d *desk) {
	dt := e.now - d.since
	d.win.inside += dt * float64(d.used)
	d.win.capacity += dt * float64(d.up()*d.spec.Cores)
	d.win.waiting += dt * float64(d.waiting)
	d.since = e.now
}
