package release_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
	"github.com/foreshock/foreshock/topology"
)

// storms returns a system of a shop that calls pricing and tries three times,
// and its frames: a spike early on, then a release of pricing whose work takes
// so many times as long, in steps from frame 100 on; both versions share one instance, or have eight
// each. What the calls of the shop
// show is measured at pricing, as a proxy before it would.
func storms(t *testing.T, slower float64, shared bool) (release.System, []signal.Frame) {
	t.Helper()
	inf := math.Inf(1)
	inside := simulate.Memory{Limit: inf}
	pricing := simulate.Service{Name: "pricing", Instances: 1, Cores: 8, Work: 0.02, Spread: 1, Threads: inf, Queue: 800, Memory: inside}
	shop := simulate.Service{
		Name: "shop", Instances: 1, Cores: 32, Work: 0.001, Threads: inf, Queue: inf, Memory: inside, Rate: 400,
		Calls: []simulate.Call{{Caller: simulate.Caller{Timeout: 0.5, Tries: 3, Budget: inf}, To: 1, Calls: 1, Pool: inf}},
	}
	for at := 0.0; at <= 400; at += 4 {
		by := 0.22
		switch {
		case at >= 50 && at < 60:
			by = 1.6
		case at > 120:
			by = math.Min(0.7, 0.22+0.5*(at-120)/60)
		}
		shop.Profile = append(shop.Profile, simulate.Factor{At: at, By: by * (1 + 0.05*math.Sin(at/9))})
	}
	if !shared {
		pricing.Instances, pricing.Cores, pricing.Queue = 8, 1, 100
	}
	fresh := pricing
	fresh.Work *= slower
	m := simulate.Model{
		Start: foldStart, Interval: 2 * time.Second, Length: 320 * time.Second, Services: []simulate.Service{shop, pricing}, New: fresh,
		Clients: simulate.Caller{Timeout: inf, Tries: 1}, Objective: simulate.Objective{Latency: inf, Harmed: 0.02},
		Rollout: simulate.Plan{Service: 1, Shared: shared, Steps: []simulate.Raise{{At: 200, Weight: 0.2}, {At: 230, Weight: 0.4}, {At: 260, Weight: 0.7}, {At: 290, Weight: 1}}},
	}
	ticks, err := m.Play(simulate.Exact, 4)
	if err != nil {
		t.Fatal(err)
	}
	var frames []signal.Frame
	for tick := range ticks {
		frames = append(frames, tick.Frame)
	}
	sys := release.System{
		Interval: m.Interval, Services: []release.Service{{Name: "shop"}, {Name: "pricing"}},
		Graph: topology.New(2, []topology.Edge{{From: 0, To: 1}}), Signals: simulate.ModelSignals(),
		Releases: []release.Release{{ID: "pricing-v2", Service: 1, Strategy: release.CanaryRelease, Canary: "v2", Control: "v1", Rollback: release.Safe}},
	}
	for _, s := range m.Rollout.Steps {
		at := m.Start.Add(time.Duration(s.At) * time.Second)
		sys.Releases[0].Steps = append(sys.Releases[0].Steps, release.Step{At: at, CompletedAt: at, Weight: s.Weight})
	}
	return sys, frames
}

func kindOf(id int) signal.Kind { return simulate.ModelSignals()[id].Kind }

// cascadeOf returns the prediction of a cascade; nil when there is none.
func cascadeOf(a release.Assessment) *release.Prediction {
	for k := range a.Predictions {
		if a.Predictions[k].Kind == "cascade" {
			return &a.Predictions[k]
		}
	}
	return nil
}

// TestCascade: a slower pricing is named as the first link before calls fail,
// with where it tips (8 cores of 20 ms: 400 calls a second, fewer with the new
// version) and recovers (a third), and that going back is not enough.
func TestCascade(t *testing.T) {
	sys, frames := storms(t, 1.8, true)
	state := release.New(sys, prevention.DefaultPolicy())
	first, fails, collapsed, unmended := -1, -1, -1, -1
	var last release.Prediction
	for k, f := range frames {
		as := state.Step(f)
		for _, c := range f.Cells {
			if kindOf(c.Signal) == signal.Timeouts && k > 100 && fails < 0 && c.Readings[0].Value > 0.02 {
				fails = k
			}
		}
		if len(as) == 0 {
			continue
		}
		a := as[0]
		p := cascadeOf(a)
		if p == nil {
			continue
		}
		last = *p
		if p.Phase != "calm" && first < 0 {
			first = k
			if k := slices.IndexFunc(a.WhatNext, func(h release.Happening) bool { return h.Kind == "collapse" }); k < 0 || !strings.HasPrefix(a.WhatNext[k].Watch, "if ") {
				t.Errorf("frame %d: next is %+v, want a collapse with what to watch", first, a.WhatNext)
			}
		}
		if p.Phase == "collapsed" && collapsed < 0 {
			collapsed = k
		}
		if strings.Contains(a.Sentence, "Waiting will not bring pricing back") && unmended < 0 {
			unmended = k
		}
	}
	t.Logf("first link at %d, calls fail at %d, collapsed at %d, said not to end by itself at %d: %s", first, fails, collapsed, unmended, last.Text)
	if first < 100 || fails < 0 || first >= fails || collapsed < fails || unmended < fails {
		t.Errorf("first link at %d, calls fail at %d, collapsed at %d, not ending by itself at %d; want them after one another, from 100 on", first, fails, collapsed, unmended)
	}
	if down := float64(*last.Recovers); math.Abs(down-400/3/1.6) > 20 {
		t.Errorf("it recovers under %v calls a second, want about a third of what it can do", down)
	}
	for _, want := range []string{"multiply the calls to pricing by 3.0", "going back will not be enough above", "shed "} {
		if !strings.Contains(last.Text, want) {
			t.Errorf("text %q, want %q in it", last.Text, want)
		}
	}
}

// TestCascadeRollback: versions apart, the new one is to be taken back, and the
// sentence says that this alone does not end it.
func TestCascadeRollback(t *testing.T) {
	sys, frames := storms(t, 1.8, false)
	state := release.New(sys, prevention.DefaultPolicy())
	var last release.Assessment
	said := false
	for _, f := range frames {
		for _, a := range state.Step(f) {
			last = a
			said = said || a.Verdict == "rollback" && strings.Contains(a.Sentence, "Going back alone will not bring pricing back while it gets more than ")
		}
	}
	if !said {
		t.Errorf("at last %s %q, %+v; want a rollback that is not enough", last.Verdict, last.Sentence, cascadeOf(last))
	}
}

// TestCascadeRestart: saved and loaded in the middle of it, the same bytes, and
// no more of them than the law of size allows.
func TestCascadeRestart(t *testing.T) {
	sys, frames := storms(t, 1.8, true)
	saves := map[int]bool{3: true, 31: true, 104: true, 131: true}
	plain := fold(t, sys, frames, nil)
	differ(t, "saved and loaded", plain, fold(t, sys, frames, saves))
	state := release.New(sys, prevention.DefaultPolicy())
	series := map[[4]int]bool{}
	for _, f := range frames {
		for _, c := range f.Cells {
			series[[4]int{c.Service, c.Release, int(c.Cohort), c.Signal}] = true
		}
		state.Step(f)
	}
	if data, err := state.MarshalBinary(); err != nil || len(data) > stateBound(sys, len(series)) {
		t.Errorf("the state of %d series takes %d bytes (%v); want at most %d", len(series), len(data), err, stateBound(sys, len(series)))
	}
	if !strings.Contains(string(plain[len(plain)-1]), `"cascade"`) {
		t.Errorf("nothing is said of a cascade: %s", plain[len(plain)-1])
	}
}

// TestCascadeHealthy: nothing beyond "a spike would do" is said of a new version
// that is like the old one, and no verdict is another.
func TestCascadeHealthy(t *testing.T) {
	sys, frames := storms(t, 1, true)
	for k, line := range fold(t, sys, frames, nil) {
		var as []release.Assessment
		if err := json.Unmarshal(line, &as); err != nil {
			t.Fatal(err)
		}
		for _, a := range as {
			if p := cascadeOf(a); p != nil && p.Phase != "calm" || a.Warns() {
				t.Errorf("frame %d: %s %+v", k, a.Sentence, p)
			}
		}
	}
}
