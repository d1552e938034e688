package release

import (
	"fmt"
	"math"
	"slices"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/trend"
)

// usualReach is how many standard deviations above normal a rate of counted
// events is still usual.
const usualReach = 3

// usualRate returns the rate of counted events that is still usual at this
// hour; 0 where memory does not tell:
//
//	level + 3·√max(0, spread² − level·(1−level)/(n·window))
//
// Of the spread that memory knows, what chance gives among n events a frame,
// over the frames that a value looks back, is left out: counts bring their own.
func (s *State) usualRate(now *pattern.Track, id int) float64 {
	level := s.mayFail(id, now.Level)
	if !(level >= 0 && level < 1) || !(now.N > 0) {
		return 0
	}
	chance := level * (1 - level) / now.N / math.Max(1, float64(s.sys.Signals[id].Window))
	return level + usualReach*math.Sqrt(math.Max(0, now.Normal*now.Normal-chance))
}

// recalled is what a reader must know where memory served for a live control.
func (s *State) recalled(i int, sc *scene) []WarningText {
	if !slices.ContainsFunc(sc.releases[i], func(f finding) bool { return f.Recalled }) {
		return nil
	}
	now := s.mem.At.UTC()
	return []WarningText{{Code: "memory", Text: fmt.Sprintf("compared with what is normal on %ss at %s UTC, from memory", now.Weekday(), now.Format("15:04"))}}
}

// usualTimes is how many times what is usual a wait must come to for that to
// count as its limit where nobody set one, and usualSpreads how many standard
// deviations above it that must be at least: beyond what days differ by.
const usualTimes, usualSpreads = 3, 6

// unusual looks for waits without a limit that come to three times what memory
// says is usual now, as a release gets more of the traffic. It foretells, and
// holds nothing: nobody said that this is too slow.
func (s *State) unusual(i int, f signal.Frame, sc *scene) []failure {
	var out []failure
	s.candidates(i, func(a failure, before, since *pattern.Track) {
		sig := s.sys.Signals[a.signal]
		if since == nil || sig.Kind != signal.Latency || sig.Unit.Dimension != signal.Time || sig.Limit.Set || !math.IsNaN(since.Limit) {
			return
		}
		if !(since.Level > 0) || (usualTimes-1)*since.Level < usualSpreads*since.Normal {
			return
		}
		a.usual = since.Level
		if s.meets(i, &a, before, since, f, sc) && a.Why == trend.Known {
			out = append(out, a)
		}
	})
	s.byWeight(out)
	return once(out)
}
