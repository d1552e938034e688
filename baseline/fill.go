package baseline

import (
	"slices"
	"time"

	"github.com/foreshock/foreshock/signal"
)

// A Normal says what is normal for a signal of a service at an instant, as
// [Memory.Level] does.
type Normal interface {
	Level(service, signal string, at time.Time) (level, spread float64)
}

// Names are the services and signals that the cells of frames refer to by
// index.
type Names struct {
	Services []string
	Signals  []signal.Signal
}

// Fill returns a frame whose readings say what is normal now. Memory is of
// services as a whole: a cohort of them is given what is normal only for
// quantities that do not depend on its share of the traffic, which are times
// and ratios. Rates, cores, bytes, numbers of things and what is opaque are
// filled in only where the cell is the whole service.
func Fill(f signal.Frame, n Normal, names Names) signal.Frame {
	f.Cells = slices.Clone(f.Cells)
	for i, c := range f.Cells {
		if c.Service >= len(names.Services) || c.Signal < 0 || c.Signal >= len(names.Signals) {
			continue
		}
		sig := names.Signals[c.Signal]
		if !isWhole(c, f.Exposure) && !shareless(sig.Unit) {
			continue
		}
		level, spread := n.Level(names.Services[c.Service], sig.Name, f.At)
		f.Cells[i].Readings = slices.Clone(c.Readings)
		for k := range f.Cells[i].Readings {
			r := &f.Cells[i].Readings[k]
			r.Level, r.Spread = level, spread
		}
	}
	return f
}

// shareless says whether values of a unit are the same for a part of the
// traffic as for all of it.
func shareless(u signal.Unit) bool {
	return u.Dimension == signal.Time || u.Dimension == signal.Ratio
}

// isWhole says whether a cell is its whole service: it is measured so, or the
// other cohort of its release has no traffic.
func isWhole(c signal.Cell, exposure []signal.Exposure) bool {
	if c.Release < 0 {
		return true
	}
	if c.Release >= len(exposure) || exposure[c.Release].Moving {
		return false
	}
	weight := exposure[c.Release].Weight
	return c.Cohort == signal.Control && weight == 0 || c.Cohort == signal.Canary && weight >= 1
}
