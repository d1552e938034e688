package release

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
	"github.com/foreshock/foreshock/trend"
)

// none names the answer that no release is to blame.
const none = "none"

// assess puts together what is said of one subject in one frame.
func (s *State) assess(i int, f signal.Frame, sc *scene) Assessment {
	r := s.rule(i, f, sc)
	x := &s.mem.Subjects[i]
	a := Assessment{
		Type: "assessment", At: f.At, Verdict: r.Verdict.String(), Reason: r.Reason.String(), Blames: r.Blames,
		Shadow: r.shadow.Verdict.String(), Culprit: Number(sc.blame.Culprit[i]), Harm: Number(math.Max(r.harm, r.ahead.breach)),
		Culprits: s.culprits(sc), Ladder: []Climbed{}, Patterns: []PatternSeen{}, Stress: []Stress{},
		Predictions: []Prediction{}, Cause: []CauseClass{}, Evidence: []Evidence{}, Warnings: []WarningText{},
	}
	s.name(i, f, &a)
	climbed := s.ladder(sc.releases[i])
	for _, c := range climbed {
		a.Ladder = append(a.Ladder, Climbed{Rung: c.Rung.String(), Signal: s.sys.Signals[c.Signal].Name, Onset: s.times(c.Onset)})
	}
	if len(climbed) > 0 {
		a.Next = s.next(climbed)
	}
	shapes := s.shapes(i, sc)
	for _, p := range shapes {
		a.Patterns = append(a.Patterns, PatternSeen{
			Kind: string(p.Kind), Signal: s.signalName(p.Signal), Onset: s.times(p.Onset),
			Probability: Number(p.Probability), Evidence: p.For, Against: p.Against,
		})
	}
	a.Stress = s.stress(i, f, sc)
	sc.collapses = s.collapses(i)
	a.Predictions = append(s.exhaustion(i, sc), s.fails(i, &a, r.ahead, sc)...)
	a.Predictions = append(a.Predictions, s.cascades(sc.collapses)...)
	if s.limited(r) && r.harm < s.policy.PromoteBelow && a.NextStep != nil {
		a.NextStep.Safe = s.safe(i, r.ahead, sc)
	}
	if x.Latched.Verdict == 0 || x.Stopped < s.policy.Clear || x.Seen >= 0 && s.mem.Frame-x.Seen < s.policy.MinFrames {
		signs := s.signs(i, f, sc, shapes)
		x.Signs = &signs // the first signs tell of the cause, the last ones of its victims
	}
	causes := prediction.Causes(*x.Signs)
	if r.harm >= s.policy.PromoteBelow || silentNow(i, s, sc) || sc.lacks[i].Gone || r.Blames || x.Latched.Verdict != 0 {
		for _, c := range causes {
			a.Cause = append(a.Cause, CauseClass{Class: c.Class.String(), Probability: Number(c.Probability), For: c.For, Against: c.Against})
		}
	}
	a.Evidence, a.Unchanged = s.evidence(i, sc)
	if r.shadow.Verdict == prevention.Unknown {
		a.Unknown = s.unknowing(i, r.needs)
	}
	phase := s.phase(i, f, sc)
	if phase != x.Phase {
		x.Phase, x.PhaseSince = phase, f.At
	}
	a.Phase, a.PhaseSince, a.PhaseEnds = phase.String(), x.PhaseSince, phase.Ends()
	s.blast(i, r, &a, sc)
	a.WhatNext = s.whatNext(i, r, &a, sc)
	a.Warnings = append(a.Warnings, s.unheard(i, r.needs)...)
	a.Warnings = append(a.Warnings, s.caveats(i, sc)...)
	a.Sentence = s.sentence(i, r, &a, sc) + s.unmended(r, sc.collapses)
	return a
}

func silentNow(i int, s *State, sc *scene) bool {
	return i < len(s.sys.Releases) && silent(sc.silences[i])
}

// name fills in whose assessment it is, and how far the release has got.
func (s *State) name(i int, f signal.Frame, a *Assessment) {
	if i >= len(s.sys.Releases) {
		a.ID, a.Weight = s.sys.Changes[i-len(s.sys.Releases)].ID, 100
		return
	}
	r := s.sys.Releases[i]
	a.ID, a.Service = r.ID, s.sys.Services[r.Service].Name
	if i >= len(f.Exposure) {
		return
	}
	e := f.Exposure[i]
	a.Weight, a.Moving = Number(100*e.Weight), e.Moving
	next := e.Weight
	if e.Step < len(r.Steps) {
		next = r.Steps[e.Step].Weight
		safe := 100 * next
		if a.Verdict != prevention.Promote.String() {
			safe = 100 * e.Weight
		}
		if a.Verdict == prevention.Rollback.String() {
			safe = 0
		}
		a.NextStep = &NextStep{Weight: Number(100 * next), Safe: Number(safe)}
	}
	a.BlastRadius = &BlastRadius{Now: Number(e.Weight), NextStep: Number(next), Services: []Hit{}, Choices: []Choice{}}
}

func (s *State) culprits(sc *scene) []Culprit {
	var out []Culprit
	for i, p := range sc.blame.Share {
		if s.mem.Subjects[i].Begun >= 0 {
			out = append(out, Culprit{ID: s.id(i), Probability: Number(p)})
		}
	}
	out = append(out, Culprit{ID: none, Probability: Number(sc.blame.None)})
	slices.SortStableFunc(out, func(a, b Culprit) int { return cmp.Compare(b.Probability, a.Probability) })
	return out
}

// id returns the name of a subject.
func (s *State) id(i int) string {
	if i < len(s.sys.Releases) {
		return s.sys.Releases[i].ID
	}
	return s.sys.Changes[i-len(s.sys.Releases)].ID
}

func (s *State) signalName(id int) string {
	if id < 0 {
		return ""
	}
	return s.sys.Signals[id].Name
}

// instant returns when a frame was, or will be.
func (s *State) instant(frame float64) time.Time {
	return s.mem.At.Add(time.Duration((frame - float64(s.mem.Frame)) * float64(s.sys.Interval))).Truncate(time.Second)
}

func (s *State) times(o pattern.Onset) Times {
	return Times{P10: s.instant(o.P10), P50: s.instant(o.P50), P90: s.instant(o.P90)}
}

// ladder returns the rungs that the decided findings stand on.
func (s *State) ladder(fs []finding) []pattern.Climb {
	var climbs []pattern.Climb
	for fd := range each(fs) {
		if rung := pattern.RungOf(fd.Kind); rung != 0 && fd.Rejected && fd.Active {
			climbs = append(climbs, pattern.Climb{Rung: rung, Signal: fd.Signal, Onset: fd.Onset})
		}
	}
	return pattern.Ladder(climbs)
}

// next returns the rung to expect, and when.
func (s *State) next(climbed []pattern.Climb) *Next {
	order, rung := pattern.Match(climbed)
	if rung == 0 {
		return nil
	}
	out := &Next{Rung: rung.String(), Order: order.Name}
	if in, ok := trend.NextRung(climbed, float64(s.mem.Frame)); ok {
		at := func(frames float64) string {
			return shortDuration(time.Duration(frames * float64(s.sys.Interval)))
		}
		out.In = &Durations{P10: at(in.P10), P50: at(in.P50), P90: at(in.P90)}
	}
	return out
}

// shapes names the patterns in a subject's signals, and its silence.
func (s *State) shapes(i int, sc *scene) []pattern.Pattern {
	var out []pattern.Pattern
	for fd := range each(sc.releases[i]) {
		out = append(out, pattern.Shapes(fd.Signal, s.sys.Signals[fd.Signal], &fd.Comparison, fd.Subject, fd.Control)...)
	}
	if i < len(s.sys.Releases) {
		out = append(out, s.lookAlikes(i, sc.lacks[i].Gone)...)
		if l := sc.lacks[i]; l.Gone {
			from := float64(s.mem.Frame - l.For + 1)
			out = append(out, pattern.Pattern{
				Kind: pattern.Kind(pattern.SilenceTarget.String()), Signal: -1, Onset: pattern.Onset{P10: from, P50: from, P90: from},
				Probability: 1, For: l.text(),
			})
		}
		if sil := sc.silences[i]; sil.Kind != pattern.NotSilent {
			from := float64(s.mem.Frame - sil.For + 1)
			out = append(out, pattern.Pattern{
				Kind: pattern.Kind(sil.Kind.String()), Signal: -1, Onset: pattern.Onset{P10: from, P50: from, P90: from},
				Probability: 1, For: silenceText(sil),
			})
		}
	}
	slices.SortStableFunc(out, func(a, b pattern.Pattern) int { return cmp.Compare(b.Probability, a.Probability) })
	return out
}

// lookAlikes names what is no fault of the release: traffic that grew in the
// control as well, and a single metric that it does not have, unless it lacks
// most.
func (s *State) lookAlikes(i int, most bool) []pattern.Pattern {
	var out []pattern.Pattern
	x := &s.mem.Subjects[i]
	for id, sig := range s.sys.Signals {
		now, before := x.Control[id], x.Before[id]
		begun := pattern.Onset{P10: float64(x.Begun), P50: float64(x.Begun), P90: float64(x.Begun)}
		if sig.Kind == signal.Traffic && now != nil && before != nil && before.Values.N >= 8 {
			if ratio := stats.Mean(pattern.Tail(now, 8)) / before.Values.Mean(); ratio > 1.3 && now.Values.N >= 3 {
				out = append(out, pattern.Pattern{
					Kind: pattern.TrafficGrowth, Signal: id, Onset: begun, Probability: 0.8,
					For: fmt.Sprintf("the control's traffic is %.1f times what it was", ratio),
				})
			}
		}
		canary := x.Canary[id]
		missing := canary == nil || canary.First < 0 || canary.Missed > s.startUp()
		if !most && !serves(sig) && missing && x.Missed == 0 && x.Seen >= 0 && s.mem.Frame-x.Seen > s.startUp() && now != nil && now.Missed == 0 {
			out = append(out, pattern.Pattern{
				Kind: "silence-metric", Signal: id, Onset: begun, Probability: 0.9,
				For: "the new version does not report it, and reports the rest",
			})
		}
	}
	return out
}

func silenceText(sil pattern.Silence) string {
	switch sil.Kind {
	case pattern.SilenceStarting:
		return "no sample yet: it may still be starting"
	case pattern.SilenceShared:
		return "the control reports nothing either"
	case pattern.SilenceTraffic:
		if sil.Alone {
			return "no version serves anything, and before it was served steadily"
		}
		return "it serves nothing while the control serves"
	case pattern.SilenceStopped:
		return "its samples stopped while the control's go on"
	case pattern.SilenceTarget:
		return "the control's traffic fell by the canary's share: it serves, only its exporter is gone"
	case pattern.SilenceAlone:
		return "it reports nothing, and no other version is there to tell why"
	case pattern.NotSilent:
		return ""
	default:
		return ""
	}
}

// phase reads the lifecycle phase of a subject.
func (s *State) phase(i int, f signal.Frame, sc *scene) pattern.Phase {
	x := &s.mem.Subjects[i]
	if i >= len(s.sys.Releases) {
		return pattern.PhaseOf(pattern.Life{
			Seen: true, Settled: true, Frames: float64(s.mem.Frame - x.Begun), Step: 1, MinJudge: float64(s.policy.MinFrames),
		})
	}
	l := pattern.Life{Seen: x.Seen >= 0, Settled: true, Step: x.Step, MinJudge: float64(s.policy.MinFrames)}
	if i < len(f.Exposure) {
		l.Moving, l.Weight = f.Exposure[i].Moving, f.Exposure[i].Weight
	}
	for fd := range each(sc.releases[i]) {
		l.Frames = math.Max(l.Frames, fd.Frames)
		if fd.Settling() {
			l.Settled = false
		}
	}
	return pattern.PhaseOf(l)
}

// unheard says what the metrics source has not answered.
func (s *State) unheard(i int, n needs) []WarningText {
	const rests = "what is said rests on what was seen before"
	switch x := &s.mem.Subjects[i]; {
	case x.unasked():
		return []WarningText{{Code: "not-asked", Text: fmt.Sprintf("the metrics source has not answered since %s: %s", x.Unasked.UTC().Format(s.clock()), rests)}}
	case n.unasked != "":
		return []WarningText{{Code: "not-asked", Text: fmt.Sprintf("the metrics source does not answer the query of %s: %s", n.unasked, rests)}}
	}
	return nil
}

// caveats are what a reader must know about how it was judged.
func (s *State) caveats(i int, sc *scene) []WarningText {
	if i >= len(s.sys.Releases) {
		return []WarningText{{Code: "no-control", Text: "a change of the whole system has no control: it is judged against the time before, which is weaker"}}
	}
	x := &s.mem.Subjects[i]
	if s.sys.Releases[i].Control == "" {
		return append(s.recalled(i, sc), WarningText{Code: "no-control", Text: "there is no live control: the service before the first step serves instead, which is weaker"})
	}
	if x.Reports < 0.05 && x.Begun >= 0 {
		return append(s.recalled(i, sc), WarningText{Code: "control-gone", Text: "the control has gone: what it last showed serves instead"})
	}
	return nil
}
