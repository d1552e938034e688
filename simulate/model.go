package simulate

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/signal"
)

// A Model is services that call one another, their callers, and a rollout of
// a new version of one of them.
type Model struct {
	Start    time.Time
	Interval time.Duration // between frames
	Length   time.Duration // from the first frame to the last
	Services []Service
	Clients  Caller // who send the traffic
	Rollout  Plan
	// New is the new version of the service that is rolled out; what it has in
	// common with the old one stands in both.
	New       Service
	Objective Objective
}

// A Service is what serves one kind of request. Its instances are alike, each
// has a queue of its own, and a request goes to one of them at random.
type Service struct {
	Name      string
	Instances int     // ≥ 1
	Cores     int     // of one instance, ≥ 1
	Work      float64 // mean processor time of a request in seconds, ≥ 0
	Spread    float64 // coefficient of variation of Work, ≥ 0: 0 always the same, 1 exponential, else lognormal
	Threads   float64 // requests an instance works at, or has called others for, at a time; +Inf for no limit
	Queue     float64 // places to wait, of one instance; +Inf for no limit
	Errors    float64 // share of requests that fail for no other reason, 0..1
	Calls     []Call  // made one after the other, when the own work is done
	Memory    Memory
	Rate      float64 // requests per second that clients make, ≥ 0
	Profile   []Factor
}

// A Caller is the patience of those who call. A callee does not learn that
// its caller has given up, and works on.
type Caller struct {
	Timeout float64 // of one attempt, in seconds; +Inf for none
	Tries   int     // ≥ 1, the first one counted
	Backoff float64 // seconds until the next try
	Budget  float64 // retries per request; +Inf for no budget
}

// A Call is what a request needs of another service.
type Call struct {
	Caller
	To    int     // index into Model.Services
	Calls float64 // mean number for each request, ≥ 0
	Pool  float64 // connections that an instance has, each for one call at a time; +Inf for no limit
	Hits  float64 // share of the calls that a cache answers, 0..1
}

// Memory is what an instance needs and may have, in bytes. An instance that
// needs more than its limit is killed and comes back after Restart.
type Memory struct {
	Base       float64
	PerRequest float64 // while it is there
	Leak       float64 // of each request, never given back
	Limit      float64 // +Inf for none
	Restart    float64 // seconds
}

// A Factor multiplies a rate from a time on; between two it moves linearly.
type Factor struct {
	At float64 // seconds after the start
	By float64 // ≥ 0
}

// A Plan is how traffic moves to the new version.
type Plan struct {
	Service int // index into Model.Services
	// Shared means that both versions run in the same instances, as behind a
	// feature flag; else each instance is of one version, at least one of each.
	Shared bool
	Steps  []Raise // ascending in time
}

// A Raise is one step of a rollout; it takes no time.
type Raise struct {
	At     float64 // seconds after the start
	Weight float64 // share of traffic on the new version, 0..1
}

// An Objective is what callers can bear.
type Objective struct {
	Latency float64 // seconds until an answer, retries included; +Inf for no objective
	Harmed  float64 // share of requests, 0..1, that may fail, time out or be slower, before callers count as harmed
}

// weight returns the share of the new version at a time, and how many steps
// have begun.
func (p Plan) weight(t float64) (share float64, step int) {
	for _, s := range p.Steps {
		if t < s.At-1e-9 {
			break
		}
		share, step = s.Weight, step+1
	}
	return share, step
}

// rate returns the requests per second that clients make at a time.
func (s Service) rate(t float64) float64 {
	by := 1.0
	for i, f := range s.Profile {
		if t < f.At {
			if i > 0 {
				a := s.Profile[i-1]
				by = a.By + (f.By-a.By)*(t-a.At)/(f.At-a.At)
			}
			return s.Rate * by
		}
		by = f.By
	}
	return s.Rate * by
}

// mostRate is the highest of the rates in the profile.
func (s Service) mostRate() float64 {
	most := s.rate(0)
	for _, f := range s.Profile {
		most = math.Max(most, s.Rate*f.By)
	}
	return most
}

// placed returns how many instances each version has at a weight. Versions
// that do not share have at least one instance each while both have traffic:
// the first canary is an instance more than the plan asks for, not one less of
// the old version than its traffic needs.
func (m Model) placed(w float64) (old, fresh int) {
	n := m.Services[m.Rollout.Service].Instances
	if m.Rollout.Shared || w == 0 {
		return n, 0
	}
	fresh = max(1, int(math.Round(w*float64(m.New.Instances))))
	return max(1, n-int(math.Round(w*float64(n)))), fresh
}

// order returns the services so that callers stand before callees, or an
// error that names those that call one another in a circle.
func (m Model) order() ([]int, error) {
	var out, path []int
	state := make([]int, len(m.Services)) // 1 on the path, 2 done
	var visit func(s int) error
	visit = func(s int) error {
		switch state[s] {
		case 2:
			return nil
		case 1:
			var names []string
			for _, p := range append(path[slices.Index(path, s):], s) {
				names = append(names, m.Services[p].Name)
			}
			return fmt.Errorf("services call one another in a circle: %s; a request must end somewhere, so drop one of these calls", strings.Join(names, " → "))
		}
		state[s] = 1
		path = append(path, s)
		calls := m.Services[s].Calls
		if s == m.Rollout.Service {
			calls = append(slices.Clone(calls), m.New.Calls...)
		}
		for _, c := range calls {
			if err := visit(c.To); err != nil {
				return err
			}
		}
		path = path[:len(path)-1]
		state[s] = 2
		out = append(out, s)
		return nil
	}
	for s := range m.Services {
		if err := visit(s); err != nil {
			return nil, err
		}
	}
	slices.Reverse(out)
	return out, nil
}

// A Use is how much of a limit is in use.
type Use struct {
	Service string
	Version string  // "old" or "new" where the service is being rolled out and its versions are apart, else ""
	What    string  // "cpu", "threads", "queue", "memory", "errors", "pool to db" or "timeout of db"
	Share   float64 // of the limit, ≥ 0; 1 and above is too much
}

// String says "cpu of db at 93 %".
func (u Use) String() string {
	of := u.Service
	if u.Version != "" {
		of = u.Version + " " + of
	}
	return fmt.Sprintf("%s of %s at %s %%", u.What, of, signal.Thousands(100*u.Share))
}

// AtRest returns the use of every processor, thread and pool of the old
// version at the traffic of the start, when nothing fails and nothing waits:
// the utilisation law and Little's law along the calls. Most used first. The
// error is of services that call one another in a circle.
func (m Model) AtRest() ([]Use, error) {
	order, err := m.order()
	if err != nil {
		return nil, err
	}
	rate, stay := m.visits(order, func(s Service) float64 { return s.rate(0) }), make([]float64, len(m.Services))
	var uses []Use
	for _, i := range slices.Backward(order) {
		s := m.Services[i]
		n := float64(s.Instances)
		stay[i] = s.Work
		for _, c := range s.Calls {
			each := math.Min(stay[c.To], c.Timeout)
			stay[i] += c.Calls * (1 - c.Hits) * each
			if !math.IsInf(c.Pool, 1) {
				uses = append(uses, Use{Service: s.Name, What: "pool to " + m.Services[c.To].Name, Share: rate[i] * c.Calls * (1 - c.Hits) * each / (c.Pool * n)})
			}
		}
		uses = append(uses, Use{Service: s.Name, What: "cpu", Share: rate[i] * s.Work / (n * float64(s.Cores))})
		if !math.IsInf(s.Threads, 1) {
			uses = append(uses, Use{Service: s.Name, What: "threads", Share: rate[i] * stay[i] / (s.Threads * n)})
		}
	}
	slices.SortStableFunc(uses, func(a, b Use) int { return -cmpFloat(a.Share, b.Share) })
	return uses, nil
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// visits returns the calls per second that arrive at each service when clients
// make so many, nothing fails, and only the old version is there.
func (m Model) visits(order []int, clients func(Service) float64) []float64 {
	rate := make([]float64, len(m.Services))
	for i, s := range m.Services {
		rate[i] = clients(s)
	}
	for _, i := range order {
		for _, c := range m.Services[i].Calls {
			rate[c.To] += rate[i] * c.Calls * (1 - c.Hits)
		}
	}
	return rate
}
