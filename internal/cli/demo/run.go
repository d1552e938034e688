package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/internal/scrape"
	"github.com/foreshock/foreshock/internal/scratch"
	"github.com/foreshock/foreshock/internal/tsdb"
	"github.com/foreshock/foreshock/lab"
	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// Options say what to show. Fault, Steps and Policy must be given.
type Options struct {
	Fault    lab.Fault
	Strength float64       // 0 means the fault's own
	Onset    time.Duration // after the first step; negative means the fault's own
	Rate     float64       // requests a second; 0 means 100
	Crest    float64       // times Rate at the crest of a wave of traffic; 0 means no wave
	Period   time.Duration // of that wave; 0 means 2 min
	Steps    []float64     // weights, 0..1, ascending
	Before   time.Duration // without the new version; at least 5 intervals
	Each     time.Duration // step
	Hold     time.Duration // that a hold lasts before it stops the rollout
	After    time.Duration // watched after a stop
	Interval time.Duration // between frames
	Brakes   bool          // stop the rollout when the verdict says so
	Listen   string        // address of the edge; "" means a free port
	Record   string        // a folder for the recording; "" means none
	Seed     uint64
	Exe      string // see [lab.Config]
	Policy   prevention.Policy
	Past     *prediction.Conformal // how right predictions were, to widen what is told; nil means nothing is
}

// A Result is how a demo ended.
type Result struct {
	Last    release.Assessment // the last one, or the zero value when nothing was judged
	Frames  int
	Stopped *Stop // nil when nothing stopped the rollout
	// Foretold is the last fails-at that was said before the release failed;
	// nil when none was.
	Foretold *release.Prediction
	Harm     lab.Harm
	Steps    []float64 // those that were taken
	FailsAt  float64   // the weight (0..1) of the first step that failed; 0 when none did
	Restarts int       // of instances of the new version
	Strained int       // frames in which the machine was too busy to tell
}

// A Stop is when and why a rollout was stopped.
type Stop struct {
	At      time.Time
	Weight  float64 // at which it stood, 0..1
	Verdict string
}

// A player is one demo on its way.
type player struct {
	o       Options
	lab     *lab.Lab
	db      *tsdb.Live
	scraper *scrape.Scraper
	strain  *strain
	begin   time.Time // of the first step
	start   time.Time // of the first frame
	end     time.Time
	latest  time.Time // at which the story ends in any case
	sys     release.System
	folder  string
	scratch *scratch.Folder // which is thrown away; else nil
	made    bool            // the folder for the recording was not there
	whole   bool            // nothing is missing in the folder

	mu     sync.Mutex
	weight float64     // that the edge has
	begun  []time.Time // when each step began
	stop   *Stop
	last   string // verdict
	hold   bool   // the last verdict is a hold, or none that ends one
	waits  bool   // the next step is due, and waits for a promote
}

// Run plays one demo and tells hear of every frame. It ends every process
// that it started, also when ctx ends early, and leaves no recording that is
// not whole.
func Run(ctx context.Context, o Options, hear func(Update)) (*Result, error) {
	p := &player{o: o}
	if err := p.prepare(ctx); err != nil {
		p.close()
		return nil, err
	}
	defer p.close()
	hear(Update{Stage: Starting, At: p.start, Plan: o.Steps})
	running, cancel := context.WithCancelCause(ctx)
	driven := make(chan struct{})
	go func() {
		defer close(driven)
		if err := p.drive(running); err != nil {
			cancel(err)
		}
	}()
	result, err := p.judge(running, hear)
	cancel(nil)
	<-driven
	if err != nil {
		return nil, err
	}
	if err := p.finish(ctx, result); err != nil {
		return nil, err
	}
	p.whole = true
	return result, nil
}

// prepare starts the lab, the scraper and the database.
func (p *player) prepare(ctx context.Context) error {
	var err error
	if p.folder, err = p.makeFolder(); err != nil {
		return err
	}
	p.lab, err = lab.Start(ctx, lab.Config{
		Fault: p.o.Fault, Strength: p.o.Strength, Onset: p.o.Onset, Rate: p.o.Rate, Crest: p.o.Crest, Period: p.o.Period, Seed: p.o.Seed, Exe: p.o.Exe,
		Listen: p.o.Listen, Life: p.o.Before + time.Duration(len(p.o.Steps))*p.o.Each + p.patience() + p.o.After + 2*time.Minute,
	})
	if err != nil {
		return err
	}
	if p.db, err = tsdb.NewLive(tsdb.Options{LookBack: 2 * p.o.Interval}); err != nil {
		return err
	}
	if p.scraper, err = scrape.Start(p.db, p.o.Interval, nil); err != nil {
		return err
	}
	if err := p.scrapeAll(ctx); err != nil {
		return err
	}
	p.strain = watchStrain()
	p.start = time.Now().Truncate(time.Millisecond).Add(p.o.Interval)
	p.begin = p.start.Add(p.o.Before)
	p.end = p.begin.Add(time.Duration(len(p.o.Steps)) * p.o.Each).Truncate(time.Millisecond)
	if p.o.Brakes {
		p.end = p.end.Add(p.patience())
	}
	p.latest = p.end
	return p.describe(p.end)
}

// patience is for how long a rollout may wait in all for promotes: a step for
// those that nothing can be told of yet, and a hold.
func (p *player) patience() time.Duration { return p.o.Each + p.o.Hold }

// makeFolder returns the folder for recording.yaml: the one that was asked
// for, which must be new or empty, or one that is thrown away.
func (p *player) makeFolder() (string, error) {
	if p.o.Record == "" {
		var err error
		if p.scratch, err = scratch.New("demo"); err != nil {
			return "", err
		}
		return p.scratch.Path, nil
	}
	if files, err := os.ReadDir(p.o.Record); err == nil && len(files) > 0 {
		return "", fmt.Errorf("record into %s: the folder is not empty; name a new one", p.o.Record)
	}
	var err error
	if p.made, err = recording.MakeFolder(p.o.Record); err != nil {
		return "", fmt.Errorf("record into %s: %w", p.o.Record, err)
	}
	return p.o.Record, nil
}

func (p *player) scrapeAll(ctx context.Context) error {
	var targets []scrape.Target
	for _, t := range p.lab.Targets() {
		ls := map[string]string{"service": t.Service, "pod": t.Pod}
		if t.Version != "" {
			ls["version"] = t.Version
		}
		targets = append(targets, scrape.Target{Address: t.Address, Labels: ls})
	}
	return p.scraper.Set(ctx, targets)
}

// settle is how long a fresh lab takes to be as it will be: its cache is cold.
const settle = 10 * time.Second

// from returns the first frame of the recording: it begins when the lab has
// settled, if there is time for that.
func (p *player) from() time.Time {
	if p.o.Record == "" || p.o.Before < settle+5*p.o.Interval {
		return p.start
	}
	return p.start.Add(settle.Truncate(p.o.Interval))
}

// describe writes recording.yaml and reads the system from it, as a replay
// does.
func (p *player) describe(end time.Time) error {
	d := description{
		name: filepath.Base(p.folder), start: p.from(), end: end, interval: p.o.Interval,
		what: "Recorded by foreshock demo: " + p.o.Fault.Name + ". " + p.o.Fault.Does + ".",
	}
	if p.o.Record == "" {
		d.name = "demo"
	}
	for i, w := range p.o.Steps {
		at := p.begin.Add(time.Duration(i) * p.o.Each)
		switch {
		case i < len(p.begun):
			at = p.begun[i]
		case len(p.begun) > 0: // the demo is over: what did not begin is left out
			continue
		}
		d.steps = append(d.steps, step{at: at, weight: w})
	}
	if err := os.WriteFile(filepath.Join(p.folder, describedIn), []byte(d.text()), 0o644); err != nil {
		return fmt.Errorf("describe the demo: %w", err)
	}
	rec, err := recording.Load(p.folder)
	if err != nil {
		return fmt.Errorf("describe the demo: %w", err)
	}
	p.sys = rec.System
	return nil
}

// judge takes the frames as they come and tells of each.
func (p *player) judge(ctx context.Context, hear func(Update)) (*Result, error) {
	src, err := engine.New(ctx, p.db, p.sys, engine.Options{
		Start: p.start, End: p.end, Parallel: 1, Exposure: p.exposure, Now: time.Now,
		Wait: func(ctx context.Context, at time.Time) error { return wait(ctx, at.Add(p.o.Interval)) },
	})
	if err != nil {
		return nil, err
	}
	p.sys = src.System()
	state := release.New(p.sys, p.o.Policy)
	r := &Result{}
	v := newView(p)
	for f, err := range src.Frames(ctx) {
		if err != nil {
			return nil, cause(ctx, err)
		}
		u := v.update(f)
		if u.Strained = p.strain.tooBusy(); u.Strained {
			r.Strained++
			blind(&f)
		}
		// After a stop there is nothing left to judge: the new version serves
		// nothing because it was told to.
		stopped := p.stopped()
		if stopped != nil && r.Last.Verdict != "" {
			u.Assessment = &r.Last
			r.Frames++
			hear(u)
			if f.At.After(stopped.At.Add(p.o.After)) {
				p.end = f.At
				break
			}
			continue
		}
		for _, a := range state.Step(f) {
			a.Recording = filepath.Base(p.folder)
			p.heed(a)
			if p.o.Past != nil {
				a = a.Tracked(p.o.Past)
			}
			r.note(a, p.failing())
			u.Assessment = &a
		}
		r.Frames++
		hear(u)
		if p.through(f.At) {
			p.end = f.At
			break
		}
	}
	return r, context.Cause(ctx)
}

// note remembers the last of what was said.
func (r *Result) note(a release.Assessment, failing bool) {
	r.Last = a
	if q := a.FailsAt(); q != nil && !failing {
		r.Foretold = q
	}
}

// failing says whether the callers suffer already.
func (p *player) failing() bool {
	all := p.lab.Tallies()
	sent, bad := 0, 0
	for _, t := range all[max(len(all)-3, 0):] {
		for _, c := range t.Versions {
			sent, bad = sent+c.Sent, bad+c.Failed+c.Slow
		}
	}
	return bad > sent/50
}

// through says whether the last step has lasted as long as a step does.
func (p *player) through(at time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.begun)
	return n == len(p.o.Steps) && !at.Before(p.begun[n-1].Add(p.o.Each).Truncate(p.o.Interval))
}

func (p *player) stopped() *Stop {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stop
}

// blind takes the readings out of a frame: nothing of it may be judged.
func blind(f *signal.Frame) {
	for i := range f.Cells {
		f.Cells[i].Readings = nil
	}
}

func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

// finish counts the harm and writes the recording.
func (p *player) finish(ctx context.Context, r *Result) error {
	r.Stopped, r.Steps = p.stopped(), p.o.Steps[:len(p.begun)]
	if p.o.Record != "" || r.Stopped == nil {
		// The callers tell of a second after three. After a stop there was time.
		if err := wait(ctx, time.Now().Add(4*time.Second)); err != nil {
			return err
		}
	}
	grid := lab.Grid{Start: p.from(), End: p.end, Interval: p.o.Interval, Steps: p.begun}
	r.Harm = lab.Measure(p.lab.Tallies(), grid)
	r.Restarts = p.lab.Restarts("v2")
	if i, ok := r.Harm.FailsAt(); ok && !p.o.Fault.IsHealthy() {
		r.FailsAt = p.o.Steps[i]
	}
	if p.o.Record == "" {
		return nil
	}
	return p.write(ctx, r)
}

// close ends what was started. What prepare did not reach is nil.
func (p *player) close() {
	if p.strain != nil {
		p.strain.stop()
	}
	if p.scraper != nil {
		p.scraper.Stop()
	}
	if p.lab != nil {
		p.lab.Close()
	}
	if p.db != nil {
		_ = p.db.Close()
	}
	switch {
	case p.folder == "": // not even that was reached
	case p.scratch != nil:
		_ = p.scratch.Remove()
	case !p.whole:
		recording.Discard(p.folder, p.made, describedIn, metricsIn, truthIn)
	}
}

// reached waits until an instant, and says whether it came before ctx ended.
func reached(ctx context.Context, until time.Time) bool { return wait(ctx, until) == nil }

// wait waits until an instant.
func wait(ctx context.Context, until time.Time) error {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
