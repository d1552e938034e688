package simulate

import "math"

// next makes the next call of a request whose own work is done, or ends it.
func (e *exact) next(id int32) {
	r := &e.reqs[id]
	g := e.groups[r.group]
	for r.left == 0 {
		if r.call++; int(r.call) >= len(g.spec.Calls) {
			e.respond(id, true)
			return
		}
		c := g.spec.Calls[r.call]
		whole := math.Floor(c.Calls)
		n := int(whole)
		if part := c.Calls - whole; part > 0 && e.rng.Float64() < part {
			n++
		}
		for range n {
			if c.Hits > 0 {
				g.win.lookups++
				if e.rng.Float64() < c.Hits {
					g.win.hits++
					continue
				}
			}
			r.left++
		}
	}
	r.left--
	r.try = 0
	c := g.spec.Calls[r.call]
	g.win.calls[r.call].first++
	if t := &e.tokens[r.group][r.call]; !math.IsInf(c.Budget, 1) {
		*t = math.Min(*t+c.Budget, 100)
	}
	e.try(id)
}

// try makes an attempt at a request's call.
func (e *exact) try(id int32) {
	r := &e.reqs[id]
	g := e.groups[r.group]
	c := g.spec.Calls[r.call]
	r.try++
	r.attempt++
	g.win.calls[r.call].all++
	if !math.IsInf(c.Timeout, 1) {
		e.schedule(event{at: e.now + c.Timeout, kind: evTimeout, id: id, gen: r.gen, attempt: r.attempt})
	}
	if !math.IsInf(c.Pool, 1) {
		p := e.pool(r)
		if float64(p.used) >= c.Pool {
			p.waiting.push(ticket{id: id, gen: r.gen, attempt: r.attempt})
			return
		}
		e.count1(p)
		p.used++
		r.pooled = true
	}
	e.send(id)
}

// pool returns the connections that a request's call goes over.
func (e *exact) pool(r *request) *pool {
	ps := &e.pools[r.group][r.call]
	for int(r.seat) >= len(*ps) {
		*ps = append(*ps, pool{since: e.now})
	}
	return &(*ps)[r.seat]
}

// count1 adds up connection seconds of a pool.
func (e *exact) count1(p *pool) {
	p.area += (e.now - p.since) * float64(p.used)
	p.since = e.now
}

// send lets a request's call arrive at one of the callee's versions.
func (e *exact) send(id int32) {
	r := e.reqs[id]
	to := e.groups[r.group].spec.Calls[r.call].To
	k := e.first[to]
	if v := e.versions(to); len(v) > 1 && e.weight > 0 && e.rng.Float64() < e.weight {
		k++
	}
	e.arrive(int32(k), id, r.gen, r.attempt)
}

// answer brings an answer to the caller, unless it has given up.
func (e *exact) answer(id int32, gen, attempt uint32, ok bool) {
	if id < 0 {
		return
	}
	r := &e.reqs[id]
	if !r.live || r.gen != gen || r.attempt != attempt {
		return
	}
	e.hangUp(id)
	if ok {
		e.next(id)
		return
	}
	e.failed(id)
}

// hangUp ends an attempt: its connection goes to the next in line.
func (e *exact) hangUp(id int32) {
	r := &e.reqs[id]
	r.attempt++
	if !r.pooled {
		return
	}
	r.pooled = false
	p := e.pool(r)
	e.count1(p)
	p.used--
	for p.waiting.len() > 0 {
		t := p.waiting.pop()
		if w := &e.reqs[t.id]; w.live && w.gen == t.gen && w.attempt == t.attempt {
			p.used++
			w.pooled = true
			e.send(t.id)
			return
		}
	}
}

// failed tries again after an attempt has failed, or gives the request up.
func (e *exact) failed(id int32) {
	r := &e.reqs[id]
	c := e.groups[r.group].spec.Calls[r.call]
	t := &e.tokens[r.group][r.call]
	if int(r.try) >= c.Tries || !math.IsInf(c.Budget, 1) && *t < 1 {
		r.left = 0
		e.respond(id, false)
		return
	}
	if !math.IsInf(c.Budget, 1) {
		*t--
	}
	e.schedule(event{at: e.now + c.Backoff, kind: evRetry, id: id, gen: r.gen, attempt: r.attempt})
}

// close brings the windows up to the present.
func (e *exact) close() {
	for _, d := range e.boxes {
		e.measure(d)
	}
	for i, g := range e.groups {
		g.win.p50, g.win.p99 = e.stats[i].quantile(0.5), e.stats[i].quantile(0.99)
		for k, c := range g.spec.Calls {
			g.win.byPool[k] = e.connected(i, k) / (e.Interval.Seconds() * c.Pool * float64(max(1, g.box.up()))) // 0 without a limit
			for _, callee := range e.versions(c.To) {
				if t := e.stats[e.index(callee)].quantile(0.99); t > 0 {
					g.win.byTimeout[k] = math.Max(g.win.byTimeout[k], t/c.Timeout)
				}
			}
		}
	}
	for _, s := range e.stats {
		*s = sketch{}
	}
}

// connected returns the connection seconds of a call since the last frame.
func (e *exact) connected(group, call int) float64 {
	var area float64
	for j := range e.pools[group][call] {
		p := &e.pools[group][call][j]
		e.count1(p)
		area += p.area
		p.area = 0
	}
	return area
}

func (e *exact) index(g *group) int {
	i := e.first[g.service]
	if g.fresh {
		i++
	}
	return i
}

// schedule puts an event into the heap.
func (e *exact) schedule(ev event) {
	e.count++
	ev.n = e.count
	h := append(e.heap, ev)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !before(ev, h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = ev
	e.heap = h
}

// before orders events by time, and those of one time as they were made.
func before(a, b event) bool { return a.at < b.at || a.at == b.at && a.n < b.n }

// pop takes the first event.
func (e *exact) pop() event {
	h := e.heap
	first, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	i := 0
	for {
		k := 2*i + 1
		if k >= len(h) {
			break
		}
		if k+1 < len(h) && before(h[k+1], h[k]) {
			k++
		}
		if !before(h[k], last) {
			break
		}
		h[i] = h[k]
		i = k
	}
	if len(h) > 0 {
		h[i] = last
	}
	e.heap = h
	return first
}

// A sketch counts times by their size, in steps of a twelfth of an octave
// from 1 µs on: quantiles are right to 3 %.
type sketch struct {
	counts [400]uint32
	n      uint32
}

func (s *sketch) add(t float64) {
	k := 0
	if t > 1e-6 {
		k = min(len(s.counts)-1, 1+int(12*math.Log2(t/1e-6)))
	}
	s.counts[k]++
	s.n++
}

// quantile returns the time that a share of them does not exceed; NaN of none.
func (s *sketch) quantile(p float64) float64 {
	if s.n == 0 {
		return math.NaN()
	}
	want, sum := p*float64(s.n), 0.0
	for k, c := range s.counts {
		if sum += float64(c); sum >= want && c > 0 {
			part := 1 - (sum-want)/float64(c)
			if k == 0 {
				return 0
			}
			return 1e-6 * math.Exp2((float64(k-1)+part)/12)
		}
	}
	return math.NaN()
}
