package prediction

import (
	"math"

	"github.com/foreshock/foreshock/topology"
)

// Reach returns for every service the shares of its requests, 0..1, that fail
// when a share of those to one service do, now and after the next step:
//
//	impact(u) = 1 − Π over callees c of (1 − needs(u→c)·impact(c))
//
// with needs the share of u's requests that need the call and have no
// fallback. Calls are taken to fail independently of each other. In a graph
// with circles it is the least solution, found by repetition. Both shares are
// found in one walk of the graph, as most of the work is looking calls up.
func Reach(g topology.Graph, service int, now, next float64) (atNow, atNext []float64) {
	atNow, atNext = make([]float64, g.Len()), make([]float64, g.Len())
	if service < 0 || service >= len(atNow) {
		return atNow, atNext
	}
	atNow[service], atNext[service] = now, next
	for range atNow {
		moved := false
		for u := range atNow {
			if u == service {
				continue
			}
			wellNow, wellNext := 1.0, 1.0
			for _, c := range g.Callees(u) {
				if atNow[c] != 0 || atNext[c] != 0 {
					needs := g.Needs(u, c)
					wellNow *= 1 - needs*atNow[c]
					wellNext *= 1 - needs*atNext[c]
				}
			}
			moved = moved || math.Abs(1-wellNow-atNow[u]) > 1e-12 || math.Abs(1-wellNext-atNext[u]) > 1e-12
			atNow[u], atNext[u] = 1-wellNow, 1-wellNext
		}
		if !moved {
			break
		}
	}
	return atNow, atNext
}

// Visits say how users come to a service.
type Visits struct {
	Requests float64 // that one user makes to the service in a visit, on average, ≥ 1; 0 when nothing is said
	Sticky   bool    // a visit stays with one version; else each request goes by the weight on its own
}

// Hit returns the share of visits, 0..1, that meet at least one request of
// which a version harms a share, when it gets a share of the traffic, both
// 0..1. A visit makes at least one request; those after it are Poisson, so that
// the mean is r. None of them is hit, when each is with probability p, with
//
//	miss(p) = (1−p)·exp(−(r−1)·p)
//
// so that of the visits are hit
//
//	each request on its own: 1 − miss(weight·harmed)    sticky: weight·(1 − miss(harmed))
//
// harmed 1 asks for those that meet the version at all.
func (v Visits) Hit(weight, harmed float64) float64 {
	hit := func(p float64) float64 { return -math.Expm1(math.Log1p(-p) - (v.Requests-1)*p) }
	if v.Sticky {
		return weight * hit(harmed)
	}
	return hit(weight * harmed)
}

// Stakes are what a decision about a step is weighed by. Requests are those of
// one horizon, all versions together.
type Stakes struct {
	Bad      float64 // probability that the new version does harm, 0..1
	Severity float64 // share of its requests that are harmed then, 0..1
	Requests float64 // to the service within the horizon, ≥ 0
	Now      float64 // weight, 0..1
	Next     float64 // weight after the next step, 0..1
	Breach   float64 // probability that the next step meets a limit of any kind, 0..1
	Full     float64 // the same of what is used up, which harms both versions; not of shares of failing work
	Filled   float64 // probability that such a limit is met at the weight of now, 0..1
	Back     float64 // how long going back takes, as a share of the horizon, 0..1
}

// A Choice is what one decision costs.
type Choice struct {
	Harmed float64 // requests within the horizon that are expected to be harmed
	Loss   float64 // in harmful steps taken: what the policy weighs
}

// Weigh returns what promoting, holding and rolling back cost. A step that uses
// something up harms the requests of both versions, those that the new version
// does not harm already; where it is used up by now, holding and the time that going
// back takes are paid for with it. A limit on a share of failing work harms nobody:
// how many fail is told by the severity.
//
// The loss of a step that does harm is 1, and so is that of a rollback that was
// not needed. Holding costs the same whether or not there is harm: what makes
// promoting best under promoteBelow, and rolling back above rollbackAbove,
//
//	promote: P    hold: h, with h = promoteBelow    roll back: 1 − P
//
// where the two levels mirror each other, as those of the default policy do.
func (s Stakes) Weigh(promoteBelow, rollbackAbove float64) (promote, hold, back Choice) {
	harmed := func(weight, full float64) float64 {
		version := s.Bad * s.Severity
		return s.Requests * weight * (version + (1-version)*full)
	}
	promote = Choice{Harmed: harmed(s.Next, s.Full), Loss: math.Max(s.Bad, s.Breach)}
	hold = Choice{Harmed: harmed(s.Now, s.Filled), Loss: (promoteBelow + 1 - rollbackAbove) / 2}
	back = Choice{Harmed: hold.Harmed * s.Back, Loss: 1 - s.Bad}
	return promote, hold, back
}
