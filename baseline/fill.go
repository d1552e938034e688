package baseline

import (
	"math"
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
// services as a whole; what it says of one cohort goes by the unit:
//
//   - times and ratios are the same for a part of the traffic as for all of it,
//     and so is what one named instance reads, where load is shared evenly;
//   - rates and cores of a whole cohort go with its share of the traffic;
//   - bytes, numbers of things and what is opaque, of a whole cohort, are filled
//     in only where the cohort is the whole service.
//
// Where a cell has a limit it says what will be normal in the coming day too.
func Fill(f signal.Frame, n Normal, names Names) signal.Frame {
	f.Cells = slices.Clone(f.Cells)
	for i, c := range f.Cells {
		if c.Service >= len(names.Services) || c.Signal < 0 || c.Signal >= len(names.Signals) {
			continue
		}
		sig := names.Signals[c.Signal]
		level, spread := n.Level(names.Services[c.Service], sig.Name, f.At)
		f.Cells[i].Readings = slices.Clone(c.Readings)
		f.Cells[i].Ahead = ahead(f, c, n, names)
		for k := range f.Cells[i].Readings {
			r := &f.Cells[i].Readings[k]
			of := part(c, r.Instance, sig.Unit, f.Exposure)
			r.Level, r.Spread = of*level, of*spread
		}
	}
	return f
}

// hoursAhead is how many hours ahead it is told what will be normal.
const hoursAhead = 24

// ahead returns what will be normal for a reading of a cell in the hours of the
// coming day, at the weight of now; nil where a part of that is not known, or
// no limit asks for it.
func ahead(f signal.Frame, c signal.Cell, n Normal, names Names) []float64 {
	if math.IsNaN(c.Limit) || len(c.Readings) == 0 {
		return nil
	}
	sig := names.Signals[c.Signal]
	of := part(c, c.Readings[0].Instance, sig.Unit, f.Exposure)
	out := make([]float64, hoursAhead)
	for h := range out {
		level, _ := n.Level(names.Services[c.Service], sig.Name, f.At.Add(time.Duration(h+1)*time.Hour))
		if out[h] = of * level; math.IsNaN(out[h]) {
			return nil
		}
	}
	return out
}

// part returns how much of what is normal for the service is normal for a
// reading of a cell; NaN when that cannot be said.
func part(c signal.Cell, instance string, u signal.Unit, exposure []signal.Exposure) float64 {
	shareless := u.Dimension == signal.Time || u.Dimension == signal.Ratio || instance != ""
	if shareless || isWhole(c, exposure) {
		return 1
	}
	if u.Dimension != signal.Rate && u.Dimension != signal.CPUTime || c.Release >= len(exposure) {
		return math.NaN()
	}
	if c.Cohort == signal.Canary {
		return exposure[c.Release].Weight
	}
	return 1 - exposure[c.Release].Weight
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
