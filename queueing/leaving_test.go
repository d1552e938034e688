package queueing_test

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foreshock/foreshock/queueing"
)

// An event of the line: an arrival, the end of work, or of patience.
type event struct {
	at   float64
	kind int
	id   int
}

const (
	arrives = iota
	finished
	gaveUp
)

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at < e[j].at }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any          { x := (*e)[len(*e)-1]; *e = (*e)[:len(*e)-1]; return x }

// A line is a queue before some servers whose callers give up, leave it, and
// try again at once.
type line struct {
	servers, tries int
	work, patience float64 // seconds
	constant       bool    // work always takes as long
	rng            *rand.Rand
	due            events
	left, state    []int // by attempt: tries left; 0 waits, 1 at work, 2 gave up or done
	queue          []int
	busy           int
	good, bad      float64
	now, rate      float64
}

func (l *line) enter(left int) {
	id := len(l.left)
	l.left, l.state = append(l.left, left), append(l.state, 0)
	heap.Push(&l.due, event{l.now + l.patience, gaveUp, id})
	if l.busy < l.servers {
		l.start(id)
	} else {
		l.queue = append(l.queue, id)
	}
}

func (l *line) start(id int) {
	l.busy++
	l.state[id] = 1
	t := l.work
	if !l.constant {
		t *= l.rng.ExpFloat64()
	}
	heap.Push(&l.due, event{l.now + t, finished, id})
}

func (l *line) step() {
	e := heap.Pop(&l.due).(event)
	l.now = e.at
	switch e.kind {
	case arrives:
		heap.Push(&l.due, event{l.now + l.rng.ExpFloat64()/l.rate, arrives, 0})
		l.enter(l.tries)
	case finished:
		l.busy--
		if l.state[e.id] == 1 {
			l.state[e.id] = 2
			l.good++
		}
		for len(l.queue) > 0 && l.busy < l.servers {
			id := l.queue[0]
			if l.queue = l.queue[1:]; l.state[id] == 0 {
				l.start(id)
			}
		}
	case gaveUp:
		if l.state[e.id] == 2 {
			return
		}
		l.state[e.id] = 2
		l.bad++
		if l.left[e.id] > 1 {
			l.enter(l.left[e.id] - 1)
		}
	}
}

// recovers says whether a line that has been brought down is well again within
// two minutes at a rate.
func recovers(servers, tries int, work, patience, rate float64, constant bool, seed uint64) bool {
	l := &line{
		servers: servers, tries: tries, work: work, patience: patience, rate: 1.5 * float64(servers) / work,
		rng: rand.New(rand.NewPCG(seed, 3)), constant: constant,
	}
	heap.Push(&l.due, event{0, arrives, 0})
	for l.now < 20 {
		l.step()
	}
	l.rate = rate
	for l.now < 120 {
		l.step()
	}
	l.good, l.bad = 0, 0
	for l.now < 140 {
		l.step()
	}
	return l.bad < 0.2*(l.good+l.bad)
}

// TestLeaving holds the recovery point against a line of single attempts: it
// recovers at nine tenths of what is said, and stays down at five quarters, for
// work that is always as long. What is drawn takes it back sooner.
func TestLeaving(t *testing.T) {
	for _, tt := range []struct {
		servers, tries int
		work, patience float64
	}{{3, 2, 0.04, 0.4}, {3, 3, 0.04, 0.4}, {3, 4, 0.04, 0.4}, {8, 3, 0.05, 0.5}, {2, 3, 0.01, 0.2}} {
		capacity := float64(tt.servers) / tt.work
		down := queueing.Leaving(capacity, tt.work, tt.patience, float64(tt.tries))
		if stale := capacity / float64(tt.tries); !(down > stale && down < capacity) {
			t.Errorf("%+v: recovers under %.1f; want more than the %.1f of a queue that is kept, and less than %.1f", tt, down, stale, capacity)
		}
		well := func(at float64) (n int) {
			for seed := range uint64(5) {
				if recovers(tt.servers, tt.tries, tt.work, tt.patience, at*down, true, seed) {
					n++
				}
			}
			return n
		}
		if n := well(0.9); n < 4 {
			t.Errorf("%+v: at 90 %% of %.1f it recovers in %d of 5", tt, down, n)
		}
		if n := well(1.25); n > 1 {
			t.Errorf("%+v: at 125 %% of %.1f it recovers in %d of 5", tt, down, n)
		}
	}
}

// TestLeavingRange: one try has nothing to stay down by; what is out of range
// is not known; and all times longer make all rates lower.
func TestLeavingRange(t *testing.T) {
	if got := queueing.Leaving(100, 0.01, 0.5, 1); !(got > 100) {
		t.Errorf("with one try it recovers under %.1f of 100; want it never to stay down", got)
	}
	for _, x := range [][4]float64{{0, 0.01, 1, 2}, {100, -1, 1, 2}, {100, 0.01, 0, 2}, {100, 0.01, 1, 0.5}, {100, 0.01, math.Inf(1), 2}, {math.NaN(), 0.01, 1, 2}} {
		if got := queueing.Leaving(x[0], x[1], x[2], x[3]); !math.IsNaN(got) {
			t.Errorf("Leaving(%v) = %v, want NaN", x, got)
		}
	}
	a, b := queueing.Leaving(100, 0.02, 0.3, 3), queueing.Leaving(10, 0.2, 3, 3)
	if math.Abs(a-10*b) > 1e-9*a {
		t.Errorf("ten times as long: %v and %v, want a tenth", a, b)
	}
}
