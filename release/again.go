package release

import (
	"math"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
	"github.com/foreshock/foreshock/trend"
)

// again returns what callers of a service try again, with where that tips it
// over: λ_up over the capacity, as the chain of a cascade has it. nil where
// retries are not measured, or nothing has timed out yet, so that how long
// callers wait is not known.
func (s *State) again(i, service int) *trend.Again {
	c := s.mem.Services[service].Cascade
	if c == nil || c.Late == 0 {
		return nil
	}
	ahead := c.Ahead(prediction.Callers{Timeout: math.NaN()})
	tips := ahead.Up / ahead.Capacity
	if !(tips > 0 && tips < 1) {
		return nil
	}
	m, x := &s.mem.Services[service], &s.mem.Subjects[i]
	own := service == s.sys.Releases[i].Service
	for id, sig := range s.sys.Signals {
		if sig.Kind != signal.Retries || sig.Unit.Dimension == signal.Rate {
			continue
		}
		switch {
		case hasValues(m.After[id]):
			return &trend.Again{Before: attempts(m.Before[id], nil, nil), Since: attempts(m.After[id], nil, nil), Tips: tips}
		case own && hasValues(x.Control[id]) && hasValues(x.Canary[id]):
			return &trend.Again{Before: attempts(x.Before[id], nil, nil), Since: attempts(x.Control[id], x.Canary[id], &x.Exposed), Tips: tips}
		}
	}
	return nil
}

func hasValues(t *pattern.Track) bool { return t != nil && t.Values.N > 0 }

// attempts turns retries for each first attempt into attempts: 1 + r. Of both
// versions they are the mean by their shares of the traffic. nil without values.
func attempts(t, other *pattern.Track, e *trend.Exposed) *stats.History {
	if !hasValues(t) {
		return nil
	}
	h := t.Values
	h.Total = 0
	for k := range h.Blocks {
		first := h.Origin + k*h.Size
		last := first + h.Size - 1
		mean := h.Sum[k] / h.Count[k]
		if other != nil {
			if v := other.Values.Over(first, last); !math.IsNaN(v) {
				w := e.At(min(last, h.Newest))
				mean += w * (v - mean)
			}
		}
		h.Sum[k] = h.Count[k] * (1 + mean)
		if h.Count[k] == 0 {
			h.Sum[k] = 0
		}
		h.Total += h.Sum[k]
	}
	return &h
}
