package peer

import (
	"fmt"
	"math"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// The numbers of Flagger's manual.
const (
	flaggerSuccess   = 99  // percent, request-success-rate, thresholdRange.min
	flaggerDuration  = 500 // milliseconds, request-duration, thresholdRange.max
	flaggerThreshold = 5   // failed checks before a rollback
)

// flagger checks the two built-in metrics at every interval. A check that
// fails moves no weight, and is never forgotten: the successes between do not
// count it down. An answer without a value is a failed check.
type flagger struct {
	probe    *probe
	schedule schedule
	failed   int
	said     Said
}

func newFlagger(sys release.System, i int, o Options) *flagger {
	return &flagger{
		probe: newProbe(sys, i), schedule: newSchedule(sys, i, o),
		said: Said{Release: i, Word: GoOn, Blind: true},
	}
}

func (x *flagger) step(f signal.Frame) Said {
	x.probe.see(f, x.schedule.every)
	x.said.At = f.At
	if x.said.Word == Stop || !x.schedule.due(f.At) {
		return x.said
	}
	why, ok := x.check()
	if ok {
		if x.said.Word = GoOn; x.failed == 0 { // else why it failed is worth more
			x.said.Why = why
		}
		return x.said
	}
	x.failed++
	x.said.Word, x.said.Why = Wait, fmt.Sprintf("%s; failed checks %d of %d", why, x.failed, flaggerThreshold)
	if x.failed >= flaggerThreshold {
		x.said.Word = Stop
	}
	return x.said
}

// check looks at one metric after the other, and stops at the first failure.
// Metrics that the service does not have are not configured; without any, the
// built-in ones answer nothing.
func (x *flagger) check() (why string, ok bool) {
	rate, duration := x.probe.errors, x.probe.latency
	x.said.Blind = !rate.asked() && !duration.asked()
	if rate.asked() || x.said.Blind {
		v := valueOf(rate, (*series).success, 100)
		switch {
		case math.IsNaN(v):
			return "no values found for metric request-success-rate", false
		case v < flaggerSuccess:
			return fmt.Sprintf("request-success-rate %.4g %% < %d %%", v, flaggerSuccess), false
		}
		why = fmt.Sprintf("request-success-rate %.4g %%", v)
	}
	if duration.asked() {
		v := valueOf(duration, (*series).median, 1000)
		switch {
		case math.IsNaN(v):
			return "no values found for metric request-duration", false
		case v > flaggerDuration:
			return fmt.Sprintf("request-duration %.0f ms > %d ms", v, flaggerDuration), false
		}
	}
	return why, true
}

// valueOf returns the one value of an answer. One that is not a number is
// none, as for Flagger.
func valueOf(s *series, ask func(*series) []float64, scale float64) float64 {
	if !s.asked() {
		return math.NaN()
	}
	result := ask(s)
	if len(result) == 0 {
		return math.NaN()
	}
	return scale * result[0]
}
