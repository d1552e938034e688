package release

import (
	"math"

	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/trend"
)

// defects returns where the limits of failing work are met by a release's service as
// a whole: of objectives, mostly. What fails goes with the version and not with the
// load, so that what the two fail apart tells where both together come to it.
func (s *State) defects(i int, f signal.Frame, sc *scene) []failure {
	var out []failure
	for fd := range each(sc.releases[i]) {
		sig, limit := s.sys.Signals[fd.Signal], fd.Subject.Limit
		if !defective(sig) || math.IsNaN(limit) || fd.Control == nil {
			continue
		}
		d := trend.Defect{E0: fd.Level, E1: fd.Now, SE1: fd.SE, NU: fd.NU, Limit: limit, Next: s.nextWeight(i, f), Falls: fd.Falls, Evidence: fd.LogE}
		if c, ok := s.tallyOf(i, fd); ok {
			d.E1 = s.mayFail(fd.Signal, c.events/math.Max(1, c.n))
			d.SE0, d.SE1, d.NU = shareSE(d.E0*c.of, c.of), shareSE(c.events, c.n), c.events
		}
		a := failure{Failure: d.FailsAt(), service: s.sys.Releases[i].Service, signal: fd.Signal, cohort: signal.Whole, limit: limit}
		if a.Why == trend.Known {
			out = append(out, a)
		}
	}
	return out
}

// defective says whether a signal is a share of work that fails by the version that
// does it.
func defective(sig signal.Signal) bool {
	return (sig.Kind == signal.Errors || sig.Kind == signal.Timeouts) && sig.Unit.Dimension == signal.Ratio
}

// shareSE is the standard error of a share of which y of n were seen, with Jeffreys'
// prior.
func shareSE(y, n float64) float64 {
	p := (y + 0.5) / (n + 1)
	return math.Sqrt(p * (1 - p) / (n + 2))
}
