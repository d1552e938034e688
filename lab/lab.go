// Package lab is a small real system on 127.0.0.1 that really fails: an edge,
// two versions of a shop, a pricing service, a database, a cache and callers,
// each a process of its own. A [Fault] makes the new version of the shop go
// wrong, or look as if it did.
//
// The lab imports nothing of the rest of this project and knows nothing of
// verdicts: what it says is what its callers saw. It leaves nothing behind:
// the processes end with the lab, also when the program is killed, and their
// files are in one temporary folder.
package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/foreshock/foreshock/internal/scratch"
	"github.com/foreshock/foreshock/lab/part"
)

// Instances is how many processes each version of the shop has.
const Instances = 2

// Config says what lab to start. Fault must be given.
type Config struct {
	Fault    Fault
	Strength float64       // 0 means Fault.Strength
	Onset    time.Duration // after the first step; negative means Fault.Onset
	Rate     float64       // requests a second; 0 means 60
	Crest    float64       // times Rate at the crest of a wave of traffic; 0 means no wave
	Period   time.Duration // of that wave; 0 means 2 min
	Life     time.Duration // after which every process ends in any case; 0 means 30 min
	Listen   string        // address of the edge; "" means a free port
	Seed     uint64
	Exe      string // the program that becomes the processes (see [Main]); "" means this one
}

// A Target is where the metrics of one process are.
type Target struct {
	Service, Version, Pod string
	Address               string // host:port; the path is /metrics
}

// A Lab is a running system. Its methods may be called from several
// goroutines.
type Lab struct {
	config Config
	effect effect
	folder *scratch.Folder

	mu       sync.Mutex
	children map[string]*child // by pod
	order    []string
	targets  []Target
	knobs    part.Knobs
	peers    part.Peers
	tallies  []part.Tally
	stopped  bool
	timers   []*time.Timer

	heard chan part.Tally
	done  chan struct{}
}

// Start starts everything but the new version, and waits until it serves.
// Close ends it.
func Start(ctx context.Context, c Config) (*Lab, error) {
	l, err := prepare(c)
	if err != nil {
		return nil, err
	}
	if err := l.startAll(ctx); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func prepare(c Config) (*Lab, error) {
	if c.Fault.apply == nil {
		return nil, errors.New("lab: no fault; take one of Catalogue, such as \"none\"")
	}
	if c.Strength == 0 {
		c.Strength = c.Fault.Strength
	}
	if c.Onset < 0 {
		c.Onset = c.Fault.Onset
	}
	if c.Life == 0 {
		c.Life = 30 * time.Minute
	}
	if c.Period == 0 {
		c.Period = 2 * time.Minute
	}
	if c.Exe == "" {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("lab: find this program: %w", err)
		}
		c.Exe = exe
	}
	folder, err := scratch.New("lab")
	if err != nil {
		return nil, fmt.Errorf("lab: make a folder: %w", err)
	}
	l := &Lab{
		config: c, folder: folder, children: map[string]*child{}, knobs: part.DefaultKnobs(),
		heard: make(chan part.Tally), done: make(chan struct{}),
	}
	c.Fault.apply(&l.effect, c.Strength)
	if c.Rate > 0 {
		l.knobs.Load.Rate = c.Rate
	}
	if l.effect.rate > 0 {
		l.knobs.Load.Rate = l.effect.rate
	}
	l.knobs.Load.Crest, l.knobs.Load.Period = c.Crest, part.Duration(c.Period)
	go l.listen()
	return l, nil
}

// startAll starts whom nobody calls last.
func (l *Lab) startAll(ctx context.Context) error {
	var err error
	if l.peers.Cache, err = l.launch(ctx, part.RoleCache, "", "cache-0"); err != nil {
		return err
	}
	if l.peers.Pricing, err = l.launch(ctx, part.RolePricing, "", "pricing-0"); err != nil {
		return err
	}
	if l.peers.Database, err = l.launch(ctx, part.RoleDatabase, "", "db-0"); err != nil {
		return err
	}
	if err := l.launchShops(ctx, "v1"); err != nil {
		return err
	}
	if l.peers.Edge, err = l.launch(ctx, part.RoleEdge, "", "edge-0"); err != nil {
		return err
	}
	_, err = l.launch(ctx, part.RoleLoad, "", "load")
	return err
}

func (l *Lab) launchShops(ctx context.Context, version string) error {
	for i := range Instances {
		pod := fmt.Sprintf("shop-%s-%d", version, i)
		address, err := l.launch(ctx, part.RoleShop, version, pod)
		if err != nil {
			return err
		}
		l.peers.Shops = append(l.peers.Shops, part.Upstream{Version: version, Pod: pod, Address: address})
	}
	return nil
}

// launch starts one process and remembers where its metrics are.
func (l *Lab) launch(ctx context.Context, role, version, pod string) (string, error) {
	c := part.Config{
		Role: role, Version: version, Pod: pod, Folder: l.folder.Path, Life: part.Duration(l.config.Life),
		Seed: l.config.Seed, Peers: l.peers, Knobs: l.knobs,
	}
	if version == "v2" && l.config.Onset == 0 {
		l.spoil(pod, &c.Knobs)
	}
	if role == part.RoleEdge {
		c.Listen = l.config.Listen
	}
	ch, err := start(ctx, l.config.Exe, c, l.heard)
	if err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.children[pod] = ch
	l.order = append(l.order, pod)
	if role != part.RoleLoad {
		l.targets = append(l.targets, Target{Service: role, Version: version, Pod: pod, Address: ch.address})
	}
	return ch.address, nil
}

// spoil turns the knobs of an instance of the new version as the fault says.
func (l *Lab) spoil(pod string, k *part.Knobs) {
	if l.effect.v2 != nil {
		l.effect.v2(&k.Shop)
	}
	if l.effect.first != nil && pod == "shop-v2-0" {
		l.effect.first(&k.Shop)
	}
}

// Deploy starts the new version, without traffic.
func (l *Lab) Deploy(ctx context.Context) error {
	if err := l.launchShops(ctx, "v2"); err != nil {
		return err
	}
	routes := l.peers.Shops
	if l.effect.routes != nil {
		routes = l.effect.routes(routes)
	}
	l.turn(part.RoleEdge, func(k *part.Knobs) { k.Edge.Routes = routes })
	return nil
}

// Begin starts the clock of the fault: it is called with the first step.
func (l *Lab) Begin() {
	l.after(l.config.Onset, func() {
		if l.config.Onset > 0 {
			for _, pod := range []string{"shop-v2-0", "shop-v2-1"} {
				l.turnPod(pod, func(k *part.Knobs) { l.spoil(pod, k) })
			}
		}
		if ch := l.child(l.effect.crash); ch != nil {
			ch.kill()
		}
	})
	for _, c := range l.effect.changes {
		l.after(l.config.Onset+c.after, func() { l.turn(c.role, c.turn) })
	}
}

// after calls f later, unless the lab is closed by then.
func (l *Lab) after(d time.Duration, f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timers = append(l.timers, time.AfterFunc(d, f))
}

// SetWeight sends a share of the requests (0..1) to the new version.
func (l *Lab) SetWeight(w float64) {
	if l.effect.weight != nil {
		w = l.effect.weight(w)
	}
	l.turn(part.RoleEdge, func(k *part.Knobs) { k.Edge.Weight = w })
}

func (l *Lab) child(pod string) *child {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.children[pod]
}

func (l *Lab) turnPod(pod string, change func(*part.Knobs)) {
	if ch := l.child(pod); ch != nil {
		ch.turn(change)
	}
}

func (l *Lab) turn(role string, change func(*part.Knobs)) {
	l.mu.Lock()
	var of []*child
	for _, ch := range l.children {
		if ch.config.Role == role {
			of = append(of, ch)
		}
	}
	l.mu.Unlock()
	for _, ch := range of {
		ch.turn(change)
	}
}

// Targets returns where the metrics of the processes are that have started.
func (l *Lab) Targets() []Target {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.targets)
}

// Edge returns the address (host:port) at which orders can be given.
func (l *Lab) Edge() string { return l.peers.Edge }

// Restarts returns how often instances of a version of the shop were started
// again after a crash.
func (l *Lab) Restarts(version string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, ch := range l.children {
		if ch.config.Version == version {
			ch.mu.Lock()
			n += ch.restarts
			ch.mu.Unlock()
		}
	}
	return n
}

func (l *Lab) listen() {
	for {
		select {
		case t := <-l.heard:
			l.mu.Lock()
			l.tallies = append(l.tallies, t)
			l.mu.Unlock()
		case <-l.done:
			return
		}
	}
}

// Tallies returns what the callers saw, second by second. The last three
// seconds are not told yet.
func (l *Lab) Tallies() []part.Tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.tallies)
}

// Close ends all processes, waits for them and removes their files. It may
// be called more than once.
func (l *Lab) Close() {
	l.mu.Lock()
	if l.stopped {
		l.mu.Unlock()
		return
	}
	l.stopped = true
	for _, t := range l.timers {
		t.Stop()
	}
	order, children := l.order, l.children
	l.mu.Unlock()
	var wg sync.WaitGroup
	for _, pod := range slices.Backward(order) { // the callers first
		if pod == "load" {
			children[pod].stop()
			continue
		}
		wg.Go(children[pod].stop)
	}
	wg.Wait()
	close(l.done)
	_ = l.folder.Remove()
}
