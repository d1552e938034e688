package release

import (
	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/trend"
)

// runsOut fills in when what grows meets its limit. What levels off below it
// fills up and does not run out: its growth is no harm then.
func (s *State) runsOut(fd *finding, e *trend.Exposed) {
	tail := pattern.Tail(fd.Subject, 3)
	if len(tail) == 0 {
		return
	}
	sig := s.sys.Signals[fd.Signal]
	r := trend.Growing{Values: &fd.Subject.Values, Limit: fd.Subject.Limit, Falls: sig.Direction() == signal.Down, Window: sig.Window}
	if e != nil && len(e.Knots) > 0 {
		r.Exposed = e
	}
	g, ok := trend.Exhausts(&fd.Comparison, tail[len(tail)-1], r)
	if !ok {
		return
	}
	fd.Runs = &g
	if g.Met >= aTenth || fd.pastLimit() {
		return
	}
	fd.Ahead = 0
	if fd.Grows {
		fd.Grows, fd.LogE, fd.Active, fd.Harm = false, 0, false, 0
	}
}

// exhaustion says when what grows reaches its limit, where it is more likely
// than not to reach it at all.
func (s *State) exhaustion(i int, sc *scene) []Prediction {
	out := []Prediction{}
	for _, fd := range sc.releases[i] {
		g := fd.Runs
		if g == nil || g.Met < s.policy.Blame {
			continue
		}
		now := float64(s.mem.Frame)
		limit := Number(fd.Subject.Limit)
		out = append(out, Prediction{
			Kind: "exhausts", Signal: s.sys.Signals[fd.Signal].Name, Service: s.sys.Services[fd.Service].Name,
			Probability: Number(odds(fd.SlopeLogE) * g.Met), Limit: &limit,
			At: &Times{P10: s.instant(now + g.P10), P50: s.instant(now + g.P50), P90: s.instant(now + g.P90)},
		})
	}
	return out
}
