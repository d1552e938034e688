package release_test

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestFailsBeyond: of a release that is said to do well where it is, and to fail at
// some larger share of the traffic, no part of the interval lies where it does well.
func TestFailsBeyond(t *testing.T) {
	said := 0
	for seed := range uint64(20) {
		p := pool{kind: signal.Saturation, fails: 0.44, idle: 0.3, sd: 0.04, rho: 0.3, before: 60, next: 0.75}
		p.play(seed, func(frame int, a release.Assessment) {
			if x, ok := failsAt(a); ok && x.Weight != nil && strings.Contains(a.Sentence, "it does well at") && frame%poolStep > 6 {
				said++
				if x.Weight.P10 < a.Weight {
					t.Errorf("seed %d, frame %d: %.1f (%.1f to %.1f): %s", seed, frame, float64(x.Weight.P50), float64(x.Weight.P10), float64(x.Weight.P90), a.Sentence)
				}
			}
		})
	}
	if said < 20 {
		t.Errorf("said %d times; the test shows nothing", said)
	}
}

// TestFailsAtIsKept: where it was said to fail before it did stands in the explanation
// of its stop, with when it came there.
func TestFailsAtIsKept(t *testing.T) {
	p := pool{kind: signal.Saturation, fails: 0.33, idle: 0.3, sd: 0.01, before: 60, next: 0.75, alone: true}
	sys, model := p.world()
	s, c, tally := release.New(sys, prevention.DefaultPolicy()), release.NewChronicle(sys), release.NewTally()
	for f := range model.Play(3) {
		c.Saw(f)
		for _, a := range s.Step(f) {
			c.Heard(a)
			tally.Add(a)
		}
	}
	e, _ := c.Explain("shop", tally.Summary("pool", s, nil))
	want := regexp.MustCompile(`^Said at 09:01:\d\d, with 25 % of the traffic: pool of db \[1\] meets its limit of 20 connections at 3[1-5] % of the traffic \(.*, at 09:01:\d\d, with 40 % of the traffic on it\.$`)
	if !slices.ContainsFunc(e.Said, func(r release.Remark) bool { return r.Kind == "fails-at" && want.MatchString(r.Text) }) {
		t.Errorf("said %+v, want %v", e.Said, want)
	}
}

// TestValueAtNextStep: what a use comes to at the next step is said, in numbers and as
// words. By hand: 20 connections of which 30 % are used without the release and all at
// 90 % of the traffic are 17.7 at 75 %.
func TestValueAtNextStep(t *testing.T) {
	p := pool{kind: signal.Saturation, fails: 0.9, idle: 0.3, sd: 0.01, before: 60, next: 0.75, alone: true}
	var last release.Assessment
	p.play(4, func(_ int, a release.Assessment) { last = a })
	x, _ := failsAt(last)
	if v := x.AtNextStep; v == nil || !(v.P10 < v.P50 && v.P50 < v.P90) || math.Abs(float64(v.P50)-17.67) > 0.7 || v.P90-v.P10 > 4 {
		t.Errorf("at the next step %+v, want about 17.7 connections", v)
	}
	// Full at 90 %, it is unlikely to be met at 75 %: the words are of what may come.
	p.fails = 0.7
	p.play(4, func(_ int, a release.Assessment) { last = a })
	want := regexp.MustCompile(`^db pool full at 75 %, where pool of db will be about 2\d(\.\d)? connections \([12]\d(\.\d)? to 2\d(\.\d)? connections\)`)
	if !slices.ContainsFunc(last.WhatNext, func(h release.Happening) bool { return h.Kind == "limit" && want.MatchString(h.Text) }) {
		t.Errorf("next %+v, want %v", last.WhatNext, want)
	}
}

// TestWaitAtNextStep: what waits as in a queue comes to more than a line would have
// it, and is said in numbers and as words. By hand: 20 ms in a database of which 30 %
// are used without the release and all at 78 % of the traffic are 20/(1 − 0.892) =
// 185 ms at 66 %.
func TestWaitAtNextStep(t *testing.T) {
	p := pool{waits: true, fails: 0.78, idle: 0.3, sd: 0.02, before: 60, next: 0.66, alone: true}
	want := regexp.MustCompile(`where queries of db will be about [\d.]+ m?s \([\d.]+( m?s)? (to|or more)`)
	said, held, told := 0, 0, 0
	for seed := range uint64(20) {
		var last release.Assessment
		p.play(seed, func(_ int, a release.Assessment) { last = a })
		for _, x := range last.Predictions {
			if v := x.AtNextStep; v != nil && x.Signal == "queries" {
				said++
				if v.P10 <= 0.185 && (v.P90 >= 0.185 || math.IsInf(float64(v.P90), 1)) {
					held++
				}
			}
		}
		if slices.ContainsFunc(last.WhatNext, func(h release.Happening) bool { return h.Kind == "limit" && want.MatchString(h.Text) }) {
			told++
		}
	}
	if said < 15 || 10*held < 7*said || told < 10 {
		t.Errorf("of 20 said %d, %d in the interval, and %d as words", said, held, told)
	}
}
