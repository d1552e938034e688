package engine

import (
	"time"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// exposures returns how far each release has got at an instant.
func exposures(sys release.System, at time.Time) []signal.Exposure {
	out := make([]signal.Exposure, len(sys.Releases))
	for i, r := range sys.Releases {
		out[i] = exposure(r.Steps, at)
	}
	return out
}

// exposure walks the steps that have begun. The weight moves linearly from
// the begin of a step to its end; a step that begins early goes on from
// where the weight is then.
func exposure(steps []release.Step, at time.Time) signal.Exposure {
	var e signal.Exposure
	for i, s := range steps {
		if s.At.After(at) {
			break
		}
		until := at
		if i+1 < len(steps) && steps[i+1].At.Before(at) {
			until = steps[i+1].At
		}
		e.Step = i + 1
		if e.Moving = until.Before(s.CompletedAt); e.Moving {
			share := float64(until.Sub(s.At)) / float64(s.CompletedAt.Sub(s.At))
			e.Weight += share * (s.Weight - e.Weight)
		} else {
			e.Weight = s.Weight
		}
	}
	return e
}
