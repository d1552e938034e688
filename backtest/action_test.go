package backtest

import (
	"testing"
	"time"

	"github.com/foreshock/foreshock/backtest/peer"
	"github.com/foreshock/foreshock/release"
)

var begin = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func minute(m int) time.Time { return begin.Add(time.Duration(m) * time.Minute) }

// ladder has steps at minutes 2, 6 and 9, of which the last takes two minutes.
var ladder = []release.Step{
	{At: minute(2), CompletedAt: minute(2), Weight: 0.1},
	{At: minute(6), CompletedAt: minute(6), Weight: 0.5},
	{At: minute(9), CompletedAt: minute(11), Weight: 1},
}

// TestFollower: what is said at each minute from 2 on, and what comes of it.
func TestFollower(t *testing.T) {
	const g, w, s = peer.GoOn, peer.Wait, peer.Stop
	tests := []struct {
		name  string
		first peer.Word
		words []peer.Word
		want  Action
	}{
		{"nothing", g, nil, Action{}},
		{"go on", g, []peer.Word{g, g, g, g, g, g, g, g, g}, Action{}},
		{"wait between the steps", g, []peer.Word{g, w, g, g, g, w, g, g, g}, Action{}},
		{"wait before the second step", g, []peer.Word{g, g, g, w, g, g, g, g, g}, Action{Blocked: 1}},
		{"wait at the time of the second step: too late", g, []peer.Word{g, g, g, g, w, g, g, g, g}, Action{}},
		{"wait before the third", g, []peer.Word{g, g, g, g, g, g, w, w, w}, Action{Blocked: 2}},
		{"the first block counts", g, []peer.Word{w, w, w, w, w, w, w, w, w}, Action{Blocked: 1}},
		{"stop", g, []peer.Word{g, s, g, g, g}, Action{Stopped: minute(3)}},
		{"stop at the time of the second step", g, []peer.Word{g, g, g, g, s}, Action{Stopped: minute(6)}},
		{"wait, then stop", g, []peer.Word{g, g, g, w, w, s, s}, Action{Stopped: minute(7), Blocked: 1}},
		{"a gate that hears nothing", w, []peer.Word{w, w, w, w, w}, Action{Blocked: 1}},
		{"a gate that lets go on", w, []peer.Word{w, w, w, g, w, w, g, w}, Action{}},
		{"wait at the end", g, []peer.Word{g, g, g, g, g, g, g, g, g, g, w}, Action{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := newFollower(ladder, tt.first)
			for i, word := range tt.words {
				x.hear(minute(2+i), word)
			}
			if x.action != tt.want {
				t.Errorf("action = %+v, want %+v", x.action, tt.want)
			}
			if x.action.Acted() != (tt.want != Action{}) {
				t.Errorf("Acted of %+v = %v", x.action, x.action.Acted())
			}
		})
	}
}

// TestHarmed by hand, over minutes 0 to 12. Before the first step at minute 2
// nothing counts: in (2, 12] there are 1+2+3+5 up to minute 6, 10+20+30 up to
// minute 9, and 40+50+60 after. The last half of the first step is (4, 6],
// where 3 and 5 fell: 4 a frame; that of the second (7:30, 9], with 20 and 30:
// 25 a frame.
func TestHarmed(t *testing.T) {
	r := Requests{Start: begin, Interval: time.Minute, PerFrame: []float64{7, 7, 7, 1, 2, 3, 5, 10, 20, 30, 40, 50, 60}}
	tests := []struct {
		name   string
		action Action
		want   float64
	}{
		{"nobody acts", Action{}, 221},
		{"stopped at minute 3", Action{Stopped: minute(3)}, 1},
		{"stopped at once", Action{Stopped: minute(2)}, 0},
		{"stopped at minute 6", Action{Stopped: minute(6)}, 11},
		{"stopped half a minute after", Action{Stopped: minute(6).Add(30 * time.Second)}, 11},
		{"stopped at minute 10", Action{Stopped: minute(10)}, 111},
		{"blocked at the second step: six frames of 4", Action{Blocked: 1}, 11 + 24},
		{"blocked, and stopped at minute 8: two frames of 4", Action{Blocked: 1, Stopped: minute(8)}, 11 + 8},
		{"blocked and stopped in the same frame", Action{Blocked: 1, Stopped: minute(6)}, 11},
		{"blocked at the third step: three frames of 25", Action{Blocked: 2}, 71 + 75},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := r.Harmed(ladder, tt.action); got != tt.want {
				t.Errorf("Harmed = %v, want %v", got, tt.want)
			}
		})
	}
	if got := r.Harmed(nil, Action{}); got != 0 {
		t.Errorf("Harmed of no steps = %v, want 0", got)
	}
}

// TestLately: a step of half a minute has no frame in its last half, or none
// at all.
func TestLately(t *testing.T) {
	r := Requests{Start: begin, Interval: time.Minute, PerFrame: []float64{1, 2, 3}}
	half := 30 * time.Second
	for _, tt := range []struct {
		from, to time.Time
		want     float64
	}{
		{minute(0), minute(2), 3}, // (1, 2]
		{minute(1).Add(-10 * time.Second), minute(1).Add(40 * time.Second), 2}, // its middle is at 1:15
		{minute(1).Add(10 * time.Second), minute(1).Add(half), 0},
	} {
		if got := r.lately(tt.from, tt.to); got != tt.want {
			t.Errorf("lately from %v to %v = %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}

func TestReaches(t *testing.T) {
	for _, tt := range []struct {
		weight float64
		want   time.Time
		ok     bool
	}{
		{0, minute(2), true},
		{0.1, minute(2), true},
		{0.3, minute(6), true},
		{0.5, minute(6), true},
		{0.75, minute(10), true}, // half-way from 0.5 to 1 in two minutes
		{1, minute(11), true},
		{1.1, time.Time{}, false},
	} {
		if got, ok := reaches(ladder, tt.weight); !got.Equal(tt.want) || ok != tt.ok {
			t.Errorf("reaches %v at %v, %v, want %v, %v", tt.weight, got, ok, tt.want, tt.ok)
		}
	}
}
