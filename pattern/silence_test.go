package pattern_test

import (
	"math"
	"testing"

	"github.com/foreshock/foreshock/pattern"
)

// TestSilent is the table of kinds of silence. A new version may take five
// frames to start, and the control reports and serves unless said otherwise.
func TestSilent(t *testing.T) {
	tests := []struct {
		name   string
		change func(*pattern.Presence)
		want   pattern.Silence
	}{
		{"it reports and serves", func(*pattern.Presence) {}, pattern.Silence{Kind: pattern.NotSilent}},
		{"two frames missed are a late scrape", func(p *pattern.Presence) { p.Missed, p.ServedMissed = 2, 2 }, pattern.Silence{Kind: pattern.NotSilent}},
		{
			"three frames missed may be a restart", func(p *pattern.Presence) { p.Missed, p.ServedMissed = 3, 3 },
			pattern.Silence{Kind: pattern.SilenceStarting, For: 3},
		},
		{
			"stopped", func(p *pattern.Presence) { p.Missed, p.ServedMissed = 5, 5 },
			pattern.Silence{Kind: pattern.SilenceStopped, For: 5},
		},
		{
			"it served in this step and is gone for longer than one comes back", func(p *pattern.Presence) {
				p.StartUp, p.Back, p.Missed, p.ServedMissed = 100, 5, 6, 6
			},
			pattern.Silence{Kind: pattern.SilenceStopped, For: 6},
		},
		{
			"it served in this step and may come back", func(p *pattern.Presence) {
				p.StartUp, p.Back, p.Missed, p.ServedMissed = 100, 5, 5, 5
			},
			pattern.Silence{Kind: pattern.SilenceStarting, For: 5},
		},
		{
			"it served before this step alone", func(p *pattern.Presence) {
				p.StartUp, p.Back, p.Missed, p.ServedMissed = 100, 5, 30, 30
			},
			pattern.Silence{Kind: pattern.SilenceStarting, For: 30},
		},
		{
			"stopped just after a step", func(p *pattern.Presence) { p.Frames, p.Missed, p.ServedMissed = 2, 6, 6 },
			pattern.Silence{Kind: pattern.SilenceStopped, For: 6},
		},
		{
			"not seen yet", func(p *pattern.Presence) { p.Seen, p.Frames, p.Missed, p.ServedMissed = false, 4, 4, 4 },
			pattern.Silence{Kind: pattern.SilenceStarting, For: 4},
		},
		{
			"not seen past its start-up time", func(p *pattern.Presence) { p.Seen, p.Frames, p.Missed, p.ServedMissed = false, 5, 5, 5 },
			pattern.Silence{Kind: pattern.SilenceTraffic, For: 5},
		},
		{
			"the control is silent as well", func(p *pattern.Presence) { p.Missed, p.ServedMissed, p.Control, p.ControlServe = 20, 20, 0.4, 0.4 },
			pattern.Silence{Kind: pattern.SilenceShared, For: 20},
		},
		{
			"it reports but serves nothing", func(p *pattern.Presence) { p.ServedMissed = 5 },
			pattern.Silence{Kind: pattern.SilenceTraffic, For: 5},
		},
		{
			"it has served nothing since before the step", func(p *pattern.Presence) { p.Frames, p.ServedMissed = 2, 12 },
			pattern.Silence{Kind: pattern.SilenceTraffic, For: 12},
		},
		{
			"idle for less than a start-up time", func(p *pattern.Presence) { p.ServedMissed = 4 },
			pattern.Silence{Kind: pattern.NotSilent},
		},
		{
			"idle, and the control too", func(p *pattern.Presence) { p.ServedMissed, p.ControlServe = 20, 0.7 },
			pattern.Silence{Kind: pattern.NotSilent},
		},
		{
			"idle, but nothing served is measured", func(p *pattern.Presence) { p.ServedMissed, p.Serves = 20, false },
			pattern.Silence{Kind: pattern.NotSilent},
		},
		{
			"it reports and serves nothing, and hardly anything was due", func(p *pattern.Presence) { p.ServedMissed, p.Due = 20, 6 },
			pattern.Silence{Kind: pattern.NotSilent},
		},
		{
			"and more was due than chance explains", func(p *pattern.Presence) { p.ServedMissed, p.Due = 20, 7 },
			pattern.Silence{Kind: pattern.SilenceTraffic, For: 20},
		},
		{
			"all its signals are gone, however little was due", func(p *pattern.Presence) { p.Missed, p.ServedMissed, p.Due = 20, 20, 1 },
			pattern.Silence{Kind: pattern.SilenceStopped, For: 20},
		},
		{
			"it has no signals without work, and hardly anything was due", func(p *pattern.Presence) {
				p.Missed, p.ServedMissed, p.Due, p.Rests = 20, 20, 1, false
			},
			pattern.Silence{Kind: pattern.NotSilent},
		},
		{
			"only its exporter is gone", func(p *pattern.Presence) { p.Missed, p.ServedMissed, p.Share = 5, 5, 0.1 },
			pattern.Silence{Kind: pattern.SilenceTarget, For: 5},
		},
		{
			"it does not take its share", func(p *pattern.Presence) { p.Missed, p.ServedMissed, p.Share = 5, 5, -0.1 },
			pattern.Silence{Kind: pattern.SilenceStopped, For: 5},
		},
		{
			"never seen, but it takes its share", func(p *pattern.Presence) { p.Seen, p.Missed, p.ServedMissed, p.Share = false, 30, 30, 3 },
			pattern.Silence{Kind: pattern.SilenceTarget, For: 30},
		},
		{
			"no other version serves, and it has stopped", func(p *pattern.Presence) { alone(p, 8) },
			pattern.Silence{Kind: pattern.SilenceTraffic, For: 8, Alone: true},
		},
		{
			"and that lasts", func(p *pattern.Presence) { alone(p, 17) },
			pattern.Silence{Kind: pattern.SilenceTraffic, For: 17, Alone: true, Lasts: true},
		},
		{"it may come back", func(p *pattern.Presence) { alone(p, 4) }, pattern.Silence{Kind: pattern.NotSilent}},
		{
			"the old version goes before the new one comes", func(p *pattern.Presence) {
				alone(p, 8)
				p.Swaps = true
			},
			pattern.Silence{Kind: pattern.NotSilent},
		},
		{
			"no other version serves, and little was due", func(p *pattern.Presence) {
				alone(p, 8)
				p.Owed = 13
			},
			pattern.Silence{Kind: pattern.NotSilent},
		},
		{
			"it has had nothing to do for as long before", func(p *pattern.Presence) {
				alone(p, 8)
				p.Lull = 4
			},
			pattern.Silence{Kind: pattern.NotSilent},
		},
		{
			"what was served before is not known", func(p *pattern.Presence) {
				alone(p, 8)
				p.Owed = math.NaN()
			},
			pattern.Silence{Kind: pattern.NotSilent},
		},
		{
			"all is gone, and no other version is left", func(p *pattern.Presence) {
				alone(p, 20)
				p.Missed, p.Control = 20, 0
			},
			pattern.Silence{Kind: pattern.SilenceAlone, For: 20, Alone: true},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := pattern.Presence{Frames: 30, StartUp: 5, Seen: true, Serves: true, Control: 1, ControlServe: 1, Share: math.NaN(), Due: math.NaN(), Rests: true}
			tt.change(&p)
			if got := pattern.Silent(p); got != tt.want {
				t.Errorf("Silent(%+v) = %v for %d, want %v for %d", p, got.Kind, got.For, tt.want.Kind, tt.want.For)
			}
		})
	}
}

// alone makes of a presence that of a version which has all of the traffic and
// has served nothing for some frames, where twelve are a start and five a restart.
func alone(p *pattern.Presence, quiet int) {
	p.Alone, p.ControlServe, p.StartUp, p.Back = true, 0, 12, 5
	p.ServedMissed, p.Quiet, p.Worked, p.Owed = quiet, quiet, 40, 1000
}

func TestSilenceNames(t *testing.T) {
	want := map[pattern.SilenceKind]string{
		pattern.NotSilent: "", pattern.SilenceStarting: "silence-starting", pattern.SilenceShared: "silence-target",
		pattern.SilenceTraffic: "silence-traffic", pattern.SilenceStopped: "silence-stopped", pattern.SilenceTarget: "silence-target",
		pattern.SilenceAlone: "silence-stopped",
	}
	for k, w := range want {
		if got := k.String(); got != w {
			t.Errorf("SilenceKind(%d).String() = %q, want %q", uint8(k), got, w)
		}
	}
}

// TestTakesShare: the log likelihood ratio of two Gaussians, by hand:
// ((r−1)² − (r−1+w)²)/(2·sd²), r = now/before.
func TestTakesShare(t *testing.T) {
	tests := []struct {
		name                    string
		before, now, weight, sd float64
		want                    float64
	}{
		{"the control keeps all", 100, 100, 0.2, 0.1, -2},   // −(0.2)²/0.02
		{"it gives the share away", 100, 80, 0.2, 0.1, 2},   // (0.2)²/0.02
		{"half of the share", 100, 90, 0.2, 0.1, 0},         // as far from both
		{"steadier is surer", 100, 80, 0.2, 0.05, 8},        // (0.2)²/0.005
		{"but never steadier than 5 %", 100, 80, 0.2, 0, 8}, // the same
		{"nothing before", 0, 80, 0.2, 0.1, nan},
		{"unknown before", nan, 80, 0.2, 0.1, nan},
		{"unknown now", 100, nan, 0.2, 0.1, nan},
		{"no weight", 100, 80, 0.01, 0.1, nan},
		{"all the weight", 100, 80, 0.99, 0.1, nan},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := pattern.TakesShare(tt.before, tt.now, tt.weight, tt.sd); !same(got, tt.want) {
				t.Errorf("TakesShare(%v, %v, %v, %v) = %v, want %v", tt.before, tt.now, tt.weight, tt.sd, got, tt.want)
			}
		})
	}
}

// TestPhaseOf is the table of phases; ten frames are needed to judge.
func TestPhaseOf(t *testing.T) {
	tests := []struct {
		name string
		life pattern.Life
		want pattern.Phase
	}{
		{"nothing of it is seen", pattern.Life{Moving: true, Step: 2, Weight: 1}, pattern.Deploy},
		{"first samples", pattern.Life{Seen: true, Frames: 2, Settled: true, Step: 1}, pattern.Warmup},
		{"first samples in the first step", pattern.Life{Seen: true, Frames: 2, Settled: true, Step: 1, Moving: true}, pattern.Warmup},
		{"coming down", pattern.Life{Seen: true, Frames: 9, Step: 1, Weight: 0.1}, pattern.Warmup},
		{"settled", pattern.Life{Seen: true, Frames: 3, Settled: true, Step: 1, Weight: 0.1}, pattern.Stabilize},
		{"enough to judge", pattern.Life{Seen: true, Frames: 10, Settled: true, Step: 1, Weight: 0.1}, pattern.Observe},
		{"enough, still coming down", pattern.Life{Seen: true, Frames: 10, Step: 1, Weight: 0.1}, pattern.Observe},
		{"raised", pattern.Life{Seen: true, Frames: 10, Settled: true, Moving: true, Step: 2, Weight: 0.3}, pattern.Scale},
		{"raised to all", pattern.Life{Seen: true, Frames: 10, Settled: true, Moving: true, Step: 2, Weight: 1}, pattern.Scale},
		{"all traffic", pattern.Life{Seen: true, Frames: 10, Settled: true, Step: 2, Weight: 1}, pattern.Normalize},
		{"all traffic at once", pattern.Life{Seen: true, Frames: 4, Settled: true, Step: 1, Weight: 1}, pattern.Normalize},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.life.MinJudge = 10
			if got := pattern.PhaseOf(tt.life); got != tt.want {
				t.Errorf("PhaseOf(%+v) = %v, want %v", tt.life, got, tt.want)
			}
		})
	}
}

func TestPhaseNames(t *testing.T) {
	tests := []struct {
		phase      pattern.Phase
		name, ends string
	}{
		{pattern.Deploy, "deploy", "the first sample of the new version"},
		{pattern.Warmup, "warmup", "its signals settle"},
		{pattern.Stabilize, "stabilize", "there are frames enough to judge"},
		{pattern.Observe, "observe", "the next step"},
		{pattern.Scale, "scale", "the weight stands still"},
		{pattern.Normalize, "normalize", "the release is closed"},
		{0, "", ""},
		{7, "", ""},
	}
	for _, tt := range tests {
		if tt.phase.String() != tt.name || tt.phase.Ends() != tt.ends {
			t.Errorf("Phase(%d) = %q, ends with %q, want %q, %q", uint8(tt.phase), tt.phase, tt.phase.Ends(), tt.name, tt.ends)
		}
	}
}
