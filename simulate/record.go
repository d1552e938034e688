package simulate

import "math"

// A plant is a model made ready to be played: clients are services without
// work, and the new version stands beside the old one.
type plant struct {
	Model
	order  []int    // of services, callers first, clients before all
	groups []*group // those of service s from first[s] on: the old version, and the new one of what is rolled out
	first  []int    // by service
	boxes  []*box   // what the groups run in
	weight float64  // now
	now    float64  // seconds after the start
	uses   []Use    // of the last frame
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
	back      []float64 // when killed instances come back
	leaked    float64   // bytes, of each instance
	memory    float64   // bytes of each instance, now
	win       boxWindow
}

// up is the number of instances that are running.
func (b *box) up() int { return max(0, b.instances-len(b.back)) }

// A window counts what a group did since the last frame.
type window struct {
	requests, failed, slow float64 // attempts that arrived and were answered; clients: requests
	refused                float64
	calls, attempts        float64 // first attempts at others, and all
	timeouts               float64 // attempts given up on
	lookups, hits          float64
	p50, p99               float64   // of the answers' times, in seconds
	byTimeout, byPool      []float64 // use of each call's timeout and pool
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
	p := &plant{Model: m, now: -m.Interval.Seconds()}
	for i, s := range m.Services {
		b := &box{spec: s, instances: s.Instances}
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
		b := &box{spec: c, instances: 1}
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
	return window{p50: math.NaN(), p99: math.NaN(), byTimeout: make([]float64, n), byPool: make([]float64, n)}
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
	versions[0].box.instances = old
	if len(versions) > 1 && !p.Rollout.Shared {
		versions[1].box.instances = fresh
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

// need sets the memory of an instance with so many requests inside the box,
// and says whether it is too much.
func (b *box) need(inside float64) bool {
	m := b.spec.Memory
	b.memory = m.Base + b.leaked + m.PerRequest*inside/float64(max(1, b.up()))
	b.win.top = math.Max(b.win.top, math.Min(b.memory, m.Limit))
	return b.memory > m.Limit && b.up() > 0
}

// kill takes one instance of a box away until it comes back, with what it has
// leaked.
func (b *box) kill(now float64) {
	b.leaked *= 1 - 1/float64(b.up())
	b.back = append(b.back, now+b.spec.Memory.Restart)
	b.win.crashes++
}

// revive brings the instances back whose time has come, and says whether
// there were any.
func (b *box) revive(now float64) bool {
	n := 0
	for n < len(b.back) && b.back[n] <= now+1e-9 {
		n++
	}
	b.back = b.back[n:]
	return n > 0
}
