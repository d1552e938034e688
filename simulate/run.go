package simulate

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/foreshock/foreshock/signal"
)

// Player says how a model is played.
type Player uint8

// The players.
const (
	// Auto plays single requests where there are few, else flows.
	Auto Player = iota + 1
	// Exact plays single requests.
	Exact
	// Fluid plays flows.
	Fluid
)

// String returns the player in small letters.
func (p Player) String() string {
	switch p {
	case Auto:
		return "auto"
	case Exact:
		return "exact"
	case Fluid:
		return "fluid"
	default:
		return fmt.Sprintf("Player(%d)", uint8(p))
	}
}

// fewRequests is how many requests at services, calls included, Auto plays one
// by one. It is about two seconds of work.
const fewRequests = 2e6

// Choose returns Exact or Fluid: what Auto would play this model with. Others
// stay what they are. The error is of services that call one another in a
// circle.
func (m Model) Choose(p Player) (Player, error) {
	order, err := m.order()
	if err != nil || p != Auto {
		return p, err
	}
	was := m.Services[m.Rollout.Service]
	all := 0.0
	if len(m.New.Calls) > 0 {
		m.Services = slices.Clone(m.Services)
		m.Services[m.Rollout.Service] = m.New // it may call more
		m.Services[m.Rollout.Service].Rate, m.Services[m.Rollout.Service].Profile = was.Rate, was.Profile
	}
	for _, rate := range m.visits(order, Service.mostRate) {
		all += rate
	}
	if all*m.Length.Seconds() <= fewRequests {
		return Exact, nil
	}
	return Fluid, nil
}

// A Tick is one frame of a model, with what is true of it and cannot be
// seen in it.
type Tick struct {
	Frame   signal.Frame
	Weight  float64 // share of the new version
	Callers Callers
	Uses    []Use // most used first
}

// Callers is how clients fared since the last frame.
type Callers struct {
	Requests float64 // that ended
	Failed   float64 // of them, after all tries
	Slow     float64 // of them, answered after the objective
}

// Harmed returns the share of the requests, 0..1, that failed or were slow;
// NaN where none ended.
func (c Callers) Harmed() float64 { return (c.Failed + c.Slow) / c.Requests }

// machine is what plays a plant.
type machine interface{ advance(until float64) }

// Play plays a model from a seed. A step of the rollout begins with the first
// frame at or after its time; each frame shows what was since the one before.
// The error is of services that call one another in a circle.
func (m Model) Play(player Player, seed uint64) (iter.Seq[Tick], error) {
	player, err := m.Choose(player)
	if err != nil {
		return nil, err
	}
	if _, err := newPlant(m); err != nil {
		return nil, err
	}
	return func(yield func(Tick) bool) {
		p, err := newPlant(m)
		if err != nil {
			panic(err) // it was asked above
		}
		var w machine
		c := &camera{plant: p, rng: rand.New(rand.NewPCG(seed, 2)), seen: map[[3]int]int{}, missed: map[[3]int]int{}, smooth: player != Exact}
		if player == Exact {
			w = newExact(p, seed)
		} else {
			w = newFluid(p)
		}
		frames := int(m.Length / m.Interval)
		for k := 0; k <= frames; k++ {
			w.advance(float64(k) * m.Interval.Seconds())
			t := Tick{Weight: p.weight, Callers: p.callers(), Uses: p.used()}
			t.Frame = c.take()
			c.clear()
			if !yield(t) {
				return
			}
		}
	}, nil
}

// callers sums up how all clients fared.
func (p *plant) callers() Callers {
	var c Callers
	for _, g := range p.groups {
		if g.client {
			c.Requests += g.win.requests
			c.Failed += g.win.failed
			c.Slow += g.win.slow
		}
	}
	return c
}

// used returns the use of every limit since the last frame, most used first.
func (p *plant) used() []Use {
	var uses []Use
	for _, g := range p.groups {
		if p.share(g) == 0 || g.win.requests == 0 {
			continue
		}
		versions := p.versions(g.service)
		version := ""
		if len(versions) > 1 {
			version = "old"
			if g.fresh {
				version = "new"
			}
		}
		add := func(what string, share float64) {
			uses = append(uses, Use{Service: g.spec.Name, Version: version, What: what, Share: share})
		}
		failing := 0.0
		for _, v := range versions {
			failing += p.share(v) * v.spec.Errors
		}
		if g.spec.Errors > 0 { // of both versions: they add up
			add("errors", failing*p.visit[g.service]/p.Objective.Harmed)
		}
		p.calling(g, add)
		both := len(versions) > 1 && versions[0].box == versions[1].box
		switch {
		case g.client, both && g.fresh && p.weight < 1: // the old version's group speaks for both
			continue
		case both:
			version = ""
		}
		g.box.used(p.Interval.Seconds(), g.spec.Work > 0, add)
	}
	slices.SortStableFunc(uses, func(a, b Use) int { return -cmpFloat(a.Share, b.Share) })
	return uses
}

// calling tells the use of the limits of a group's calls.
func (p *plant) calling(g *group, add func(string, float64)) {
	for k, c := range g.spec.Calls {
		if !math.IsInf(c.Pool, 1) {
			add("pool to "+p.Services[c.To].Name, g.win.byPool[k])
		}
		if !math.IsInf(c.Timeout, 1) {
			add("timeout of "+p.Services[c.To].Name, g.win.byTimeout[k])
		}
	}
}

// used tells the use of a box's limits in so many seconds.
func (b *box) used(seconds float64, works bool, add func(string, float64)) {
	n := seconds * float64(max(1, b.up()))
	if b.win.capacity > 0 && works {
		add("cpu", math.Min(1, b.win.busy/b.win.capacity))
	}
	if !math.IsInf(b.spec.Threads, 1) {
		add("threads", math.Min(1, b.win.inside/(n*b.spec.Threads)))
	}
	if !math.IsInf(b.spec.Queue, 1) && b.spec.Queue > 0 {
		add("queue", math.Min(1, b.win.waiting/(n*b.spec.Queue)))
	}
	if m := b.spec.Memory; !math.IsInf(m.Limit, 1) {
		add("memory", math.Max(b.memory, b.win.top)/m.Limit)
	}
}
