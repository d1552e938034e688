package release

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
)

// fails says whether a signal counts failures, of which there is no series as
// long as none has happened: counters are made with their first event, and a
// sum over nothing is nothing.
func fails(sig *signal.Signal) bool {
	switch sig.Kind {
	case signal.Errors, signal.Timeouts, signal.Retries, signal.Crashes:
		return sig.Direction() == signal.Up
	default:
		return false
	}
}

// none gives what does not fail its value. Of a signal that has shown failures of
// a service once, be it of another version, no series means that there are none,
// where work is served that has series. Before that the query may be wrong, or
// nobody counts them there.
func (s *State) none(f signal.Frame) []signal.Cell {
	s.show(f)
	out, own := f.Cells, false
	for k := range f.Cells {
		c := &f.Cells[k]
		if !s.absent(c) {
			continue
		}
		w := s.witness(f, c)
		if w == nil {
			continue
		}
		r := s.zero(c.Signal, w)
		if math.IsNaN(r.N) && tallies(f, c.Signal) {
			continue // of how many nothing failed is not known, and elsewhere it is
		}
		if !own {
			out, own = slices.Clone(f.Cells), true
		}
		out[k].Readings = []signal.Reading{r}
	}
	return out
}

// absent says whether a cell of failures was answered with nothing.
func (s *State) absent(c *signal.Cell) bool {
	if c.Signal < 0 || c.Signal >= len(s.sys.Signals) || !s.mem.Shown[s.shownAt(c)] || !c.Asked() {
		return false
	}
	return !slices.ContainsFunc(c.Readings, func(r signal.Reading) bool {
		return r.Presence == signal.Present || r.Presence == signal.NotANumber
	})
}

// tallies says whether it is counted among how many a signal's failures are.
func tallies(f signal.Frame, id int) bool {
	return slices.ContainsFunc(f.Cells, func(c signal.Cell) bool {
		return c.Signal == id && slices.ContainsFunc(c.Readings, func(r signal.Reading) bool { return !math.IsNaN(r.N) })
	})
}

// witness returns the cell of served work beside one of failures; nil where
// none is served. One that tells how many requests there were comes first.
func (s *State) witness(f signal.Frame, of *signal.Cell) *signal.Cell {
	var found *signal.Cell
	for k := range f.Cells {
		c := &f.Cells[k]
		if c.Service != of.Service || c.Release != of.Release || c.Cohort != of.Cohort || c.Signal < 0 || c.Signal >= len(s.sys.Signals) {
			continue
		}
		sig := s.sys.Signals[c.Signal]
		if sig.Kind == signal.Errors || !serves(sig) || !present(*c) || sig.Kind == signal.Traffic && total(*c) == 0 {
			continue
		}
		if sig.Kind == signal.Traffic {
			return c
		}
		if found == nil {
			found = c
		}
	}
	return found
}

// zero is the reading of no failure among what a witness counted.
func (s *State) zero(id int, w *signal.Cell) signal.Reading {
	r := signal.Missing(signal.Present, "")
	r.Value = 0
	var n float64
	for _, x := range w.Readings {
		if r.Age = max(r.Age, x.Age); x.Presence == signal.Present {
			n += x.N
		}
	}
	if rated(s.sys.Signals[id]) { // its failures are its observations
		n = 0
	}
	if r.N = n; !math.IsNaN(n) {
		r.Events = 0
	}
	return r
}

// shownAt is where it is remembered whether a cell's signal has shown failures of
// its service.
func (s *State) shownAt(c *signal.Cell) int { return c.Service*len(s.sys.Signals) + c.Signal }

// show notes which signals of failures have shown any, and of which services. From
// then on it is known that there were none as long as there was no series, and that
// is written into the memory.
func (s *State) show(f signal.Frame) {
	if s.mem.Shown == nil {
		s.mem.Shown = make([]bool, len(s.sys.Services)*len(s.sys.Signals))
	}
	for k := range f.Cells {
		c := &f.Cells[k]
		if c.Signal < 0 || c.Signal >= len(s.sys.Signals) || s.mem.Shown[s.shownAt(c)] || !fails(&s.sys.Signals[c.Signal]) || !present(*c) {
			continue
		}
		s.mem.Shown[s.shownAt(c)] = true
		for i, r := range s.sys.Releases {
			if r.Service != c.Service {
				continue
			}
			x := &s.mem.Subjects[i]
			for _, side := range [][]*pattern.Track{x.Canary, x.Control, x.Before} {
				s.fill(side, c.Signal)
			}
		}
		x := &s.mem.Services[c.Service]
		s.fill(x.Before, c.Signal)
		s.fill(x.After, c.Signal)
	}
}

// fill writes into one side's memory that nothing failed in the frames in which
// it served, where no failure was ever seen of it.
func (s *State) fill(side []*pattern.Track, id int) {
	if side[id] != nil && side[id].First >= 0 {
		return
	}
	var w *pattern.Track
	for other, t := range side {
		sig := s.sys.Signals[other]
		if t == nil || t.Frames == 0 || sig.Kind == signal.Errors || !serves(sig) {
			continue
		}
		if w == nil || sig.Kind == signal.Traffic && t.Counted > 0 && w.Counted == 0 {
			w = t
		}
	}
	if w == nil {
		return
	}
	r := signal.Missing(signal.Present, "")
	r.Value = 0
	if w.Counted > 0 && !rated(s.sys.Signals[id]) {
		r.N, r.Events = w.Counted/w.Frames, 0
	}
	none, gap := signal.Cell{Limit: math.NaN(), Readings: []signal.Reading{r}}, signal.Cell{Limit: math.NaN(), Readings: []signal.Reading{signal.Missing(signal.NeverSeen, "")}}
	t := pattern.NewTrack(w.Values.Origin)
	for frame := w.Values.Origin; frame <= w.Values.Newest; frame++ {
		if !math.IsNaN(w.Values.Over(frame, frame)) {
			t.Add(frame, none, 0)
		} else {
			t.Add(frame, gap, 0)
		}
	}
	side[id] = t
}
