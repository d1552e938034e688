package release

import (
	"math"

	"github.com/foreshock/foreshock/signal"
)

// Met says whether a limit is met by now, more likely than not: the median of
// the instant when it is, or of the share of the traffic, is no later than now,
// or no larger than the share on the new version. That is no word of what is to
// come.
func (a *Assessment) Met(p *Prediction) bool {
	return p.At != nil && !p.At.P50.After(a.At) ||
		p.Weight != nil && a.Weight > 0 && math.Round(float64(p.Weight.P50)) <= float64(a.Weight)
}

// Inferred says whether a prediction of where a release fails rests on no limit
// that somebody set: on what arrives and how long it takes, or on what is usual.
// Its Text says on which.
func (p *Prediction) Inferred() bool { return p.Kind == "fails-at" && p.Text != "" }

// FailsAt returns the prediction that says where a release fails: of those with
// a weight the first that is told, which is the binding one, and one that is
// inferred only where none is measured; nil when there is none.
func (a *Assessment) FailsAt() *Prediction {
	var inferred *Prediction
	for i := range a.Predictions {
		switch p := &a.Predictions[i]; {
		case p.Kind != "fails-at" || p.Weight == nil:
		case !p.Inferred():
			return p
		case inferred == nil:
			inferred = p
		}
	}
	return inferred
}

// nextWeight is the weight of the next step; NaN without one.
func (s *State) nextWeight(i int, f signal.Frame) float64 {
	if i >= len(s.sys.Releases) || i >= len(f.Exposure) || f.Exposure[i].Step >= len(s.sys.Releases[i].Steps) {
		return math.NaN()
	}
	return s.sys.Releases[i].Steps[f.Exposure[i].Step].Weight
}
