package part

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// settle is how long a second's requests may take until they are told.
const settle = 3 * time.Second

// runLoad is the callers: an open loop, which sends whether or not the last
// request came back. It says once a second what became of the requests.
func (p *process) runLoad(ctx context.Context) error {
	l := p.knobs.Load().Load
	attacker := vegeta.NewAttacker(vegeta.Timeout(l.Timeout.D()), vegeta.Workers(16), vegeta.MaxWorkers(2000),
		vegeta.Connections(2000), vegeta.MaxConnections(2000), vegeta.KeepAlive(true))
	r := rand.New(rand.NewPCG(p.Seed, 7))
	var mu sync.Mutex
	target := func(t *vegeta.Target) error {
		mu.Lock()
		defer mu.Unlock()
		kind := "plain"
		if r.Float64() < 0.2 {
			kind = "gift"
		}
		// Some goods are asked for more than others.
		sku := int(float64(l.Keys) * math.Pow(r.Float64(), 1.5))
		t.Method, t.URL = http.MethodGet, fmt.Sprintf("http://%s/order?sku=sku-%d&kind=%s", p.Peers.Edge, sku, kind)
		return nil
	}
	if err := p.say(Event{Ready: &Ready{}}); err != nil {
		return err
	}
	results := attacker.Attack(target, &arrivals{spec: func() Load { return p.knobs.Load().Load }, random: rand.New(rand.NewPCG(p.Seed, 11))}, p.Life.D(), "")
	go func() {
		<-ctx.Done()
		attacker.Stop()
	}()
	return p.tell(l, results)
}

// arrivals are Poisson, with a rate that follows a profile.
type arrivals struct {
	spec   func() Load
	random *rand.Rand
	next   time.Duration
}

// Pace returns how long to wait for the next request.
func (a *arrivals) Pace(elapsed time.Duration, _ uint64) (time.Duration, bool) {
	rate := a.Rate(a.next)
	if rate <= 0 {
		return time.Second, false
	}
	if a.next < elapsed-time.Second { // the rate rose, or the machine stood still
		a.next = elapsed
	}
	a.next += time.Duration(a.random.ExpFloat64() / rate * float64(time.Second))
	return max(a.next-elapsed, 0), false
}

// Rate returns the requests a second at a time after the start.
func (a *arrivals) Rate(elapsed time.Duration) float64 {
	s := a.spec()
	if s.Crest == 0 || s.Period <= 0 {
		return s.Rate
	}
	phase := 2 * math.Pi * float64(elapsed) / float64(s.Period)
	return s.Rate * (1 + (s.Crest-1)*(1-math.Cos(phase))/2)
}

// tell gathers results by the second in which they were sent.
func (p *process) tell(l Load, results <-chan *vegeta.Result) error {
	seconds := map[int64]map[string]Count{}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	told := time.Now().Unix() - 1
	for {
		select {
		case r, ok := <-results:
			if !ok {
				return nil
			}
			at := r.Timestamp.Unix()
			if seconds[at] == nil {
				seconds[at] = map[string]Count{}
			}
			v := r.Headers.Get(versionHeader)
			seconds[at][v] = seconds[at][v].add(r, l.Objective.D())
		case now := <-tick.C:
			for told+1 <= now.Add(-settle).Unix() {
				told++
				t := Tally{Second: told, Versions: seconds[told]}
				delete(seconds, told)
				if err := p.say(Event{Tally: &t}); err != nil {
					return err
				}
			}
		}
	}
}

func (c Count) add(r *vegeta.Result, objective time.Duration) Count {
	c.Sent++
	switch {
	case r.Error != "" || r.Code >= 400 || r.Code == 0:
		c.Failed++
	case r.Latency > objective:
		c.Slow++
	}
	return c
}
