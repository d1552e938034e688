package release

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// arisen weighs what services show of which there never was anything in the last frames
// before. It takes back what does not last longer than a start does; what one of the
// services had before anything began, as much or by half; what is used and neither failed nor
// waits; and what half or more of them show as more is asked of them, or as it is
// not known whether more is.
func (s *State) arisen(fs []finding) {
	var demand float64
	together := map[int]int{} // by signal
	for fd := range each(fs) {
		if fd.Arisen {
			together[fd.Signal]++
		}
	}
	if len(together) > 0 {
		demand = s.demand()
	}
	for fd := range each(fs) {
		if !fd.Arisen {
			continue
		}
		shared := 2*together[fd.Signal] >= len(s.mem.Services) && len(s.mem.Services) > 1
		if s.lastsTooShort(fd) || !tellsWhere0(fd.Kind) || s.hadBefore(fd) || shared && !(demand < moreDemand) {
			fd.LogE, fd.Active, fd.Harm = 0, false, 0
		}
	}
}

// tellsWhere0 says whether something of a kind is trouble where there never was any:
// what fails, waits or is lost.
func tellsWhere0(k signal.Kind) bool {
	return prevention.Symptom(k) || k == signal.Network || k == signal.Saturation || k == signal.Database
}

// lastsTooShort says whether what has arisen may be that of a start, or of as few
// frames as one value looks back over.
func (s *State) lastsTooShort(fd *finding) bool {
	start := min(s.startUp(), pattern.Recently/2)
	window := min(max(1, s.sys.Signals[fd.Signal].Window), pattern.Recently/4)
	return float64(s.mem.Frame)-fd.Onset.P50 < float64(start+window)
}

// hadBefore says whether a service showed half as much of a signal, or more, before
// anything began.
func (s *State) hadBefore(fd *finding) bool {
	for j := range s.mem.Services {
		t := s.mem.Services[j].Before[fd.Signal]
		if t != nil && slices.ContainsFunc(stats.Finite(t.Values.Means()), func(v float64) bool { return math.Abs(v) >= fd.Typical/2 }) {
			return true
		}
	}
	return false
}

// noWorse takes back what a service shows lately only because the others do better: by
// its own values it is no worse than before by half of what matters.
func (f *finding) noWorse() {
	if f.Away() < f.Size/2 || !f.Grows && f.Falls != (f.Now < f.Level) {
		f.LogE, f.Rejected, f.Suspected, f.Active = 0, false, false, false
	}
}
