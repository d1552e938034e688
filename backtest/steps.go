package backtest

import (
	"math"
	"time"

	"github.com/foreshock/foreshock/release"
)

// A StepDelay is how long a healthy release stood at a step before the next
// one was promoted.
type StepDelay struct {
	Step    int            `json:"step"`    // 1 is the first
	Seconds release.Number `json:"seconds"` // since the step was completed
	// Censored means that there was no promote before the next step began, or
	// the recording ended: the delay is at least that.
	Censored bool `json:"censored"`
}

// A Foretold is the last prediction, made before a faulty release failed, of
// the weight at which it does. Weights are in percent of the traffic.
type Foretold struct {
	At          time.Time      `json:"at"`
	Weight      release.Number `json:"weight"` // exposure when it was said
	Signal      string         `json:"signal"`
	Probability release.Number `json:"probability"`
	P10         release.Number `json:"p10"`
	P50         release.Number `json:"p50"`
	P90         release.Number `json:"p90"`
	// It held at From and failed by To, which is as much as its steps show.
	From  release.Number `json:"from"`
	To    release.Number `json:"to"`
	Right bool           `json:"right"` // p10 to p90 meets that
}

// promotes notes the first promote about each next step of a healthy release.
func (j *Judge) promotes(i int, at time.Time) {
	steps := j.sys.Releases[i].Steps
	for k := 0; k+1 < len(steps); k++ {
		if at.Before(steps[k].CompletedAt) || !at.Before(steps[k+1].At) {
			continue
		}
		if _, ok := j.promoted[stepOf{i, k}]; !ok {
			j.promoted[stepOf{i, k}] = at
		}
	}
}

// stepOf names a step of a release, both by index.
type stepOf struct{ release, step int }

// delays returns how long each step of a release waited for its promote.
func (j *Judge) delays(i int) []StepDelay {
	out := []StepDelay{}
	steps := j.sys.Releases[i].Steps
	for k := 0; k+1 < len(steps); k++ {
		at, ok := j.promoted[stepOf{i, k}]
		if !ok {
			if at = steps[k+1].At; j.last.Before(at) {
				at = j.last
			}
		}
		if wait := at.Sub(steps[k].CompletedAt); wait >= 0 {
			out = append(out, StepDelay{Step: k + 1, Seconds: release.Number(wait.Seconds()), Censored: !ok})
		}
	}
	return out
}

// foretell keeps the last prediction of where a faulty release fails that was
// made before it did.
func (j *Judge) foretell(i int, a release.Assessment) {
	s := &j.score.Subjects[i]
	if !s.Bad || math.IsNaN(j.truth.FailsAt) {
		return
	}
	if j.hasFailed(i, a.At) {
		return
	}
	for _, p := range a.Predictions {
		if p.Kind == FailsAt && p.Weight == nil && p.Reason != "" {
			s.NotForetold = p.Reason
		}
	}
	if p := a.FailsAt(); p != nil {
		k := keepOf(FailsAt, p.Signal, &a, p.Probability)
		k.P10, k.P50, k.P90 = p.Weight.P10, p.Weight.P50, p.Weight.P90
		j.closeFails(i, k)
		s.Foretold = &Foretold{
			At: a.At, Weight: a.Weight, Signal: p.Signal, Probability: p.Probability,
			P10: k.P10, P50: k.P50, P90: k.P90, From: k.From, To: k.To, Right: *k.Right,
		}
	}
}

// failing returns the weight in percent at which a bad release fails, NaN when
// unknown, and whether its first step is below it.
func (j *Judge) failing(i int) (at release.Number, later bool) {
	at = release.Number(math.NaN())
	if i >= len(j.sys.Releases) || !j.score.Subjects[i].Bad || math.IsNaN(j.truth.FailsAt) {
		return at, false
	}
	steps := j.sys.Releases[i].Steps
	return release.Number(100 * j.truth.FailsAt), len(steps) > 0 && j.truth.FailsAt > steps[0].Weight
}
