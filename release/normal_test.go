package release_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/foreshock/foreshock/baseline"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
	"github.com/foreshock/foreshock/topology"
)

// batch is a memory that knows of one signal: from the 40th minute on a batch
// job makes the gate fail four times as many requests.
type batch struct{ service, signal string }

func (b batch) Level(service, sig string, at time.Time) (level, spread float64) {
	switch {
	case service != b.service || sig != b.signal:
		return math.NaN(), math.NaN()
	case at.Before(lawStart.Add(40 * time.Minute)):
		return 0.005, 0.0016 // of that 0.0014 is the luck of 2,400 requests
	default:
		return 0.02, 0.003
	}
}

// nightly is a healthy release of a service behind a gate whose failures
// are counted, and rise when the release begins.
func nightly(normal baseline.Normal) (last release.Assessment, warned bool) {
	at := func(k int) time.Time { return lawStart.Add(time.Duration(k) * time.Minute) }
	sys := release.System{
		Interval: time.Minute, Graph: topology.New(2, []topology.Edge{{From: 1, To: 0}}),
		Services: []release.Service{{Name: "shop", Criticality: 1}, {Name: "gate", Criticality: 1}},
		Signals: []signal.Signal{
			{Name: "latency", Kind: signal.Latency, Unit: signal.ParseUnit("s"), Scope: signal.PerCohort},
			{Name: "errors", Kind: signal.Errors, Unit: signal.ParseUnit("ratio"), Scope: signal.PerService},
		},
		Releases: []release.Release{{
			ID: "shop", Service: 0, Strategy: release.CanaryRelease, Rollback: release.Safe, Canary: `version="2"`, Control: `version="1"`,
			Steps: []release.Step{{At: at(40), CompletedAt: at(40), Weight: 0.2}, {At: at(200), CompletedAt: at(200), Weight: 1}},
		}},
	}
	model := simulate.System{
		Start: lawStart, Interval: time.Minute, Frames: 100, Rollouts: []simulate.Rollout{{Steps: []simulate.Step{{Frame: 40, Weight: 0.2}}}},
		Series: append(simulate.Series{Level: 0.1, SD: 0.005}.Between(),
			simulate.Series{Service: 1, Signal: 1, Release: -1, Cohort: signal.Whole, Level: 0.005, Rate: 40, Effects: []simulate.Effect{simulate.Scale(4)}}),
	}
	names := baseline.Names{Services: []string{"shop", "gate"}, Signals: sys.Signals}
	s := release.New(sys, prevention.DefaultPolicy())
	for f := range model.Play(1) {
		if normal != nil {
			f = baseline.Fill(f, normal, names)
		}
		for _, a := range s.Step(f) {
			last, warned = a, warned || !a.Calm()
		}
	}
	return last, warned
}

// TestUsualRate: failures that come at this hour of every week are nobody's
// incident, and without memory they are somebody's.
func TestUsualRate(t *testing.T) {
	if last, warned := nightly(nil); !warned || last.Verdict != "hold" || last.Reason != "elsewhere" {
		t.Errorf("without memory: %s (%s); want it held for an incident elsewhere, else the test shows nothing", last.Verdict, last.Reason)
	}
	if last, warned := nightly(batch{"gate", "errors"}); warned || last.Verdict != "promote" {
		t.Errorf("with memory: %s (%s), trouble at some time: %v; want promote, and none", last.Verdict, last.Reason, warned)
	}
	if last, _ := nightly(batch{"gate", "latency"}); last.Verdict != "hold" {
		t.Errorf("with a memory of something else: %s; want hold", last.Verdict)
	}
}

// TestMemoryIsTold: where memory serves for a control the assessment says so,
// and beside a live control it does not.
func TestMemoryIsTold(t *testing.T) {
	told := func(a release.Assessment) bool {
		return slices.ContainsFunc(a.Warnings, func(w release.WarningText) bool {
			return w.Code == "memory" && w.Text == "compared with what is normal on Mondays at 11:39 UTC, from memory"
		})
	}
	for _, tt := range []struct {
		control string
		normal  baseline.Normal
		want    bool
	}{
		{"", batch{"s", "x"}, true},
		{"", batch{"s", "y"}, false},
		{`version="1"`, batch{"s", "x"}, false},
	} {
		sys := release.System{
			Interval: time.Minute, Services: []release.Service{{Name: "s", Criticality: 1}}, Graph: topology.New(1, nil),
			Signals: []signal.Signal{{Name: "x", Kind: signal.Errors, Unit: signal.ParseUnit("ratio"), Scope: signal.PerCohort}},
			Releases: []release.Release{{
				ID: "r", Control: tt.control, Rollback: release.Safe, Steps: []release.Step{{At: lawStart.Add(40 * time.Minute), CompletedAt: lawStart.Add(40 * time.Minute), Weight: 0.5}},
			}},
		}
		x := simulate.Series{Level: 0.005, SD: 0.001}
		model := simulate.System{
			Start: lawStart, Interval: time.Minute, Frames: 100, Rollouts: []simulate.Rollout{{Steps: []simulate.Step{{Frame: 40, Weight: 0.5}}}},
			Series: x.Between(),
		}
		if tt.control == "" {
			model.Series[0].Release, model.Series[0].Cohort = -1, signal.Whole
		}
		s := release.New(sys, prevention.DefaultPolicy())
		var last release.Assessment
		for f := range model.Play(1) {
			for _, a := range s.Step(baseline.Fill(f, tt.normal, baseline.Names{Services: []string{"s"}, Signals: sys.Signals})) {
				last = a
			}
		}
		if told(last) != tt.want {
			t.Errorf("control %q, memory of %+v: warnings %v; want it told: %v", tt.control, tt.normal, last.Warnings, tt.want)
		}
	}
}
