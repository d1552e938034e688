package simulate

import "math"

// A plant is a model made ready to be played: clients are services without
// work, and the new version stands beside the old one.
type plant struct {
	Model
	order  []int     // of services, callers first, clients before all
	visit  []float64 // by service: how often a request of clients comes there
	groups []*group  // those of service s from first[s] on: the old version, and the new one of what is rolled out
	first  []int     // by service
	boxes  []*box    // what the groups run in
	weight float64   // now
	now    float64   // seconds after the start
}

// A group is one version of one service.
type group struct {
	service int
	fresh   bool // the new version
	spec    Service
	box     *box
	client  bool
	win     window
}

// A box is the instances that one or both versions of a service run in.
type box struct {
	spec      Service
	instances int
	slots     []slot  // one for each instance
	down      int     // of them
	memory    float64 // bytes of the instance that takes most, now
	win       boxWindow
}

// A slot is one instance.
type slot struct {
	leaked float64 // bytes
	pace   float64 // how much faster than the mean it leaks, about 1
	back   float64 // when it comes back
	down   bool
}

// up is the number of instances that are running.
func (b *box) up() int { return b.instances - b.down }

// resize sets the number of instances. New ones have leaked nothing.
func (b *box) resize(n int) {
	for len(b.slots) < n {
		_, part := math.Modf(0.6180339887 * float64(len(b.slots)+1)) // spread evenly, however many
		b.slots = append(b.slots, slot{pace: 0.9 + 0.2*part})
	}
	b.slots = b.slots[:n]
	b.instances, b.down = n, 0
	for _, s := range b.slots {
		if s.down {
			b.down++
		}
	}
}

// leak adds bytes that requests have left behind in all instances together.
func (b *box) leak(bytes float64) {
	if bytes == 0 || b.up() == 0 {
		return
	}
	each := bytes / float64(b.up())
	for i := range b.slots {
		if s := &b.slots[i]; !s.down {
			s.leaked += each * s.pace
		}
	}
}

// A window counts what a group did since the last frame.
type window struct {
	requests, failed, slow float64 // attempts that arrived and were answered; clients: requests
	refused                float64
	calls                  []tries // by call of the version
	lookups, hits          float64
	p50, p99               float64   // of the answers' times, in seconds
	byTimeout, byPool      []float64 // use of each call's timeout and pool
}

// tries count the attempts at one call.
type tries struct {
	first, all float64
	timeouts   float64 // given up on
}

func (t tries) plus(u tries) tries {
	return tries{t.first + u.first, t.all + u.all, t.timeouts + u.timeouts}
}

// called sums up the attempts at all calls.
func (w window) called() (sum tries) {
	for _, t := range w.calls {
		sum = sum.plus(t)
	}
	return sum
}

// A boxWindow measures a box since the last frame.
type boxWindow struct {
	busy     float64 // core seconds
	inside   float64 // request seconds with a thread
	waiting  float64 // request seconds without
	capacity float64 // core seconds of the running instances
	crashes  float64
	top      float64 // most memory of an instance
}

// newPlant makes a model ready. The model must be free of circles.
func newPlant(m Model) (*plant, error) {
	order, err := m.order()
	if err != nil {
		return nil, err
	}
	p := &plant{Model: m, now: -m.Interval.Seconds(), visit: m.visits(order, func(s Service) float64 { return s.Rate })}
	all := 0.0
	for _, s := range m.Services {
		all += s.Rate
	}
	for i := range p.visit {
		p.visit[i] /= all
	}
	for i, s := range m.Services {
		b := &box{spec: s}
		b.resize(s.Instances)
		p.first = append(p.first, len(p.groups))
		p.boxes = append(p.boxes, b)
		p.groups = append(p.groups, &group{service: i, spec: s, box: b})
		if i == m.Rollout.Service && len(m.Rollout.Steps) > 0 {
			fresh := b
			if !m.Rollout.Shared {
				fresh = &box{spec: m.New}
				p.boxes = append(p.boxes, fresh)
			}
			p.groups = append(p.groups, &group{service: i, fresh: true, spec: m.New, box: fresh})
		}
	}
	var clients []int
	for i, s := range m.Services {
		if s.Rate <= 0 {
			continue
		}
		c := Service{
			Name: "clients", Instances: 1, Cores: 1, Threads: math.Inf(1), Queue: math.Inf(1), Rate: s.Rate, Profile: s.Profile,
			Calls:  []Call{{Caller: m.Clients, To: i, Calls: 1, Pool: math.Inf(1)}},
			Memory: Memory{Limit: math.Inf(1)},
		}
		clients = append(clients, len(p.first))
		p.first = append(p.first, len(p.groups))
		b := &box{spec: c}
		b.resize(1)
		p.boxes = append(p.boxes, b)
		p.groups = append(p.groups, &group{service: len(p.first) - 1, spec: c, box: b, client: true})
	}
	p.order = append(clients, order...)
	for _, g := range p.groups {
		g.win = g.fresh0()
	}
	return p, nil
}

// fresh0 returns an empty window.
func (g *group) fresh0() window {
	n := len(g.spec.Calls)
	return window{p50: math.NaN(), p99: math.NaN(), calls: make([]tries, n), byTimeout: make([]float64, n), byPool: make([]float64, n)}
}

// versions returns the groups of a service.
func (p *plant) versions(service int) []*group {
	end := len(p.groups)
	if service+1 < len(p.first) {
		end = p.first[service+1]
	}
	return p.groups[p.first[service]:end]
}

// place moves the rollout on to the present, and says whether anything
// changed.
func (p *plant) place() bool {
	w, _ := p.Rollout.weight(p.now)
	if w == p.weight {
		return false
	}
	p.weight = w
	old, fresh := p.placed(w)
	versions := p.versions(p.Rollout.Service)
	versions[0].box.resize(old)
	if len(versions) > 1 && !p.Rollout.Shared {
		versions[1].box.resize(fresh)
	}
	return true
}

// share is what part of the requests of its service a group gets now.
func (p *plant) share(g *group) float64 {
	switch {
	case g.service != p.Rollout.Service || len(p.versions(g.service)) == 1:
		return 1
	case g.fresh:
		return p.weight
	default:
		return 1 - p.weight
	}
}

// need takes the memory of the instances with so many requests inside the box,
// and kills those that need too much. It returns how many.
func (b *box) need(inside, now float64) int {
	m := b.spec.Memory
	up := b.up()
	each := m.Base + m.PerRequest*inside/float64(max(1, up))
	b.memory = 0
	killed := 0
	for i := range b.slots {
		s := &b.slots[i]
		if s.down {
			continue
		}
		if each+s.leaked <= m.Limit {
			b.memory = math.Max(b.memory, each+s.leaked)
			continue
		}
		*s = slot{pace: s.pace, back: now + m.Restart, down: true}
		b.memory = m.Limit
		killed++
	}
	b.down += killed
	b.win.crashes += float64(killed)
	b.win.top = math.Max(b.win.top, b.memory)
	return killed
}

// revive brings the instances back whose time has come.
func (b *box) revive(now float64) {
	if b.down == 0 {
		return
	}
	for i := range b.slots {
		if s := &b.slots[i]; s.down && s.back <= now+1e-9 {
			s.down = false
			b.down--
		}
	}
}
