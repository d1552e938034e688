package part

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// A core is a share of a processor that one process may use, as a container
// with a limit has it. Work burns real processor time; what the limit does
// not allow is waited for, in the order of arrival.
type core struct {
	mu   sync.Mutex
	busy float64 // seconds
	sum  sync.Mutex
}

// run does so much work at a quota (0..1 cores), and leaves early when ctx
// ends before the work has begun.
func (c *core) run(ctx context.Context, work time.Duration, quota float64) {
	if work <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	start := time.Now()
	burn(work)
	if quota > 0 && quota < 1 {
		whole := time.Duration(float64(work) / quota)
		time.Sleep(whole - time.Since(start))
	}
	c.sum.Lock()
	c.busy += time.Since(start).Seconds()
	c.sum.Unlock()
}

// seconds returns how long the core was taken.
func (c *core) seconds() float64 {
	c.sum.Lock()
	defer c.sum.Unlock()
	return c.busy
}

// burn uses a processor for a time.
func burn(d time.Duration) {
	x := uint64(88172645463325252)
	for start := time.Now(); time.Since(start) < d; {
		for range 500 {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
	}
	if x == 0 { // never, but the compiler does not know
		panic("xorshift reached zero")
	}
}

// pause waits without work; it returns the context's error when that ends
// first.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// around returns a time that varies by a share of itself.
func around(d Duration, jitter float64) time.Duration {
	return time.Duration(float64(d) * (1 + jitter*(2*rand.Float64()-1)))
}

// chance says yes with a probability.
func chance(p float64) bool { return p > 0 && rand.Float64() < p }

var errFull = errors.New("queue full")

// A gate lets a number in at once and keeps a bounded queue before itself.
// Both bounds may change while it is used.
type gate struct {
	mu      sync.Mutex
	in      int
	waiters []chan struct{}
}

// enter waits for a place. It returns errFull when the queue is full and the
// context's error when that ends first.
func (g *gate) enter(ctx context.Context, places, queue int) error {
	g.mu.Lock()
	if g.in < places {
		g.in++
		g.mu.Unlock()
		return nil
	}
	if queue >= 0 && len(g.waiters) >= queue {
		g.mu.Unlock()
		return errFull
	}
	turn := make(chan struct{})
	g.waiters = append(g.waiters, turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		for i, w := range g.waiters {
			if w == turn {
				g.waiters = append(g.waiters[:i], g.waiters[i+1:]...)
				return ctx.Err()
			}
		}
		g.pass() // the turn had just come
		return ctx.Err()
	}
}

// leave gives the place to the next in the queue.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pass()
}

func (g *gate) pass() {
	if len(g.waiters) > 0 {
		close(g.waiters[0])
		g.waiters = g.waiters[1:]
		return
	}
	g.in--
}

// inside returns how many are in, and how many wait.
func (g *gate) inside() (in, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.in, len(g.waiters)
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}
