package peer

import (
	"errors"
	"fmt"
	"math"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// The numbers of Argo Rollouts: the example of its manual, and the defaults
// of what the example leaves out.
const (
	argoSuccess               = 0.95 // successCondition: result[0] >= 0.95
	argoFailureLimit          = 3    // of the example; 0 when nothing is said
	argoInconclusiveLimit     = 0
	argoConsecutiveErrorLimit = 4
)

// A phase is the outcome of a measurement, a metric or a run.
type phase uint8

// The phases, from good to bad: of several metrics the worst one counts.
const (
	successful phase = iota + 1
	running
	inconclusive
	errored
	failed
)

// A condition is an expression over the answer to a query. It cannot be
// evaluated where it asks for what is not there.
type condition func(result []float64) (bool, error)

var errEmpty = errors.New("index out of range: the query answered nothing")

// first is the condition that something holds of result[0].
func first(holds func(x float64) bool) condition {
	return func(result []float64) (bool, error) {
		if len(result) == 0 {
			return false, errEmpty
		}
		return holds(result[0]), nil
	}
}

// evaluate returns the phase of one measurement. With a success condition
// alone what does not hold is a failure; with a failure condition alone it is
// a success; with both, neither holding is inconclusive; without any every
// answer is a success. Comparisons with NaN are false, so that silence means
// now this and now that.
func evaluate(success, failure condition, result []float64) phase {
	succeeds, fails := success == nil, failure == nil
	if success != nil {
		ok, err := success(result)
		if err != nil {
			return errored
		}
		succeeds = ok
	}
	if failure != nil {
		bad, err := failure(result)
		if err != nil {
			return errored
		}
		fails = bad
	}
	switch {
	case success == nil && failure == nil:
		return successful
	case success != nil && failure == nil:
		fails = !succeeds
	case success == nil:
		succeeds = !fails
	}
	switch {
	case fails:
		return failed
	case succeeds:
		return successful
	default:
		return inconclusive
	}
}

// A metric is one metric of an analysis with its counters.
type metric struct {
	name             string
	success, failure condition
	failureLimit     int // −1 switches it off

	failures, inconclusives, errorsInRow int
}

// count takes the phase of one measurement, and returns that of the metric.
// Errors do not count as measurements, and any other outcome ends a row of
// them.
func (m *metric) count(p phase) phase {
	switch p {
	case failed:
		m.failures++
	case inconclusive:
		m.inconclusives++
	case errored:
		m.errorsInRow++
	case successful, running:
	}
	if p != errored {
		m.errorsInRow = 0
	}
	switch {
	case m.failureLimit >= 0 && m.failures > m.failureLimit:
		return failed
	case m.errorsInRow > argoConsecutiveErrorLimit:
		return errored
	case m.inconclusives > argoInconclusiveLimit:
		return inconclusive
	default:
		return running
	}
}

// argo is a background analysis of Argo Rollouts with the success rate of its
// manual and, where an objective is known, the 99th percentile against it. It
// has no count: it goes on until the release ends.
type argo struct {
	release   int
	probe     *probe
	schedule  schedule
	objective float64 // seconds; NaN when nothing is said
	rate      *metric
	duration  *metric
	said      Said
}

func newArgo(sys release.System, i int, o Options, failureLimit int) *argo {
	a := &argo{release: i, probe: newProbe(sys, i), schedule: newSchedule(sys, i, o), objective: math.NaN()}
	if o.Objective > 0 {
		a.objective = o.Objective.Seconds()
	}
	a.rate = &metric{name: "success-rate", failureLimit: failureLimit, success: first(func(x float64) bool { return x >= argoSuccess })}
	a.duration = &metric{name: "latency-p99", failureLimit: failureLimit, success: first(func(x float64) bool { return x <= a.limit() })}
	a.said = Said{Release: i, Word: GoOn, Blind: true}
	return a
}

// limit returns how long the slowest hundredth may take, in seconds.
func (a *argo) limit() float64 {
	if !math.IsNaN(a.objective) || a.probe.latency == nil {
		return a.objective
	}
	return a.probe.latency.limit
}

func (a *argo) step(f signal.Frame) Said {
	a.probe.see(f, a.schedule.every)
	a.said.At = f.At
	if a.said.Word == Stop || !a.schedule.due(f.At) {
		return a.said
	}
	worst := running
	if s := a.probe.errors; s.asked() {
		worst = max(worst, a.measure(f, a.rate, s.success(), "", fmt.Sprintf(">= %v", argoSuccess)))
	}
	if s := a.probe.latency; s.asked() && !math.IsNaN(a.limit()) {
		worst = max(worst, a.measure(f, a.duration, s.median(), " s", fmt.Sprintf("<= %.3g", a.limit())))
	}
	switch worst {
	case failed, errored:
		a.said.Word = Stop
	case inconclusive:
		a.said.Word = Wait
	case successful, running:
		a.said.Word = GoOn
	}
	return a.said
}

// measure takes one measurement of one metric. One that ends in an error is
// taken again soon.
func (a *argo) measure(f signal.Frame, m *metric, result []float64, unit, want string) phase {
	p := evaluate(m.success, m.failure, result)
	if p == errored {
		a.schedule.soon(f.At, leastInterval)
	}
	after := m.count(p)
	a.said.Blind = false
	if p != successful || a.said.Why == "" { // what went wrong last is worth more than what went well since
		got := "answered nothing"
		if len(result) > 0 {
			got = fmt.Sprintf("%.3g%s", result[0], unit)
		}
		a.said.Why = fmt.Sprintf("%s %s, want %s; %s", m.name, got, want, m.state())
	}
	return after
}

// state says how a metric stands, as Argo does.
func (m *metric) state() string {
	if m.errorsInRow > 0 {
		return fmt.Sprintf("consecutiveErrors %d of %d", m.errorsInRow, argoConsecutiveErrorLimit)
	}
	return fmt.Sprintf("failed %d of %d", m.failures, m.failureLimit)
}
