package backtest

import (
	"cmp"
	"slices"

	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/release"
)

// A Record says how right predictions were.
type Record struct {
	All  []KindRecord `json:"all"` // one for each kind of which anything was said
	Tune []KindRecord `json:"tune"`
	Test []KindRecord `json:"test"`
}

// A KindRecord says how right the predictions of one kind were.
type KindRecord struct {
	Kind  string `json:"kind"`
	Said  int    `json:"said"`
	Open  int    `json:"open"`  // of them, those of which nobody can tell what came
	Came  int    `json:"came"`  // those that came
	Dated int    `json:"dated"` // those that came, of which an interval was said
	Held  int    `json:"held"`  // of the dated, those whose 80 % interval met the truth
	False int    `json:"false"` // those with an interval that did not come
	// MedianError is from p50 to the truth, in percent of the traffic or in
	// seconds; MedianLead from when it was said to when it came, in seconds. Null
	// of nothing, as the Brier score.
	MedianError release.Number `json:"medianError"`
	MedianLead  release.Number `json:"medianLeadSeconds"`
	Brier       release.Number `json:"brier"`       // of the probability that it comes; 0 is best
	Base        release.Number `json:"baseBrier"`   // of who says every time how often they came in all
	Calibration []Bin          `json:"calibration"` // of the same
}

// Reckon sums up how right predictions were, of all recordings and of their
// halves.
func Reckon(scores []Score) Record {
	half := func(name string) []Score { return keep(scores, func(s Score) bool { return s.Split == name }) }
	return Record{All: reckon(scores), Tune: reckon(half(Tune)), Test: reckon(half(Test))}
}

func reckon(scores []Score) []KindRecord {
	out := []KindRecord{}
	for _, kind := range kinds {
		var all []Kept
		for _, s := range scores {
			for _, k := range s.Predictions {
				if k.Kind == kind {
					all = append(all, k)
				}
			}
		}
		if len(all) > 0 {
			out = append(out, reckonKind(kind, all))
		}
	}
	return out
}

// reckonKind sums up the predictions of one kind.
func reckonKind(kind string, all []Kept) KindRecord {
	r := KindRecord{Kind: kind}
	var errors, leads, ps, ys []float64
	for _, k := range all {
		r.count(&k)
		if !isNaN(k.Error) {
			errors = append(errors, float64(k.Error))
		}
		if !isNaN(k.Lead) {
			leads = append(leads, float64(k.Lead))
		}
		if k.Came != nil && !isNaN(k.Probability) {
			ps, ys = append(ps, float64(k.Probability)), append(ys, truth(*k.Came))
		}
	}
	r.MedianError, r.MedianLead = median(errors), median(leads)
	r.Brier, r.Calibration = calibrate(ps, ys)
	// Who knows no more than how often it comes says that rate of each.
	rate := mean(ys)
	r.Base = rate * (1 - rate)
	return r
}

// Worse says whether the probabilities of a kind told less than how often it
// comes. Where all came, or none, nobody could have said more.
func (r KindRecord) Worse() bool { return r.Base > 0 && r.Brier > r.Base }

func (r *KindRecord) count(k *Kept) {
	r.Said++
	switch {
	case k.Came == nil:
		r.Open++
	case *k.Came:
		r.Came++
		r.Dated += count(k.Right != nil)
		r.Held += count(k.Right != nil && *k.Right)
	default:
		r.False += count(k.Right != nil && !*k.Right)
	}
}

// Widths returns the record that later predictions are widened by: what became
// of those that are finished, in the order in which they were said. Of where a
// release fails the last one said counts.
func Widths(scores []Score) *prediction.Conformal {
	var all []Kept
	for _, s := range scores {
		all = append(all, s.Predictions...)
	}
	slices.SortStableFunc(all, func(a, b Kept) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID), cmp.Compare(a.What, b.What))
	})
	var out prediction.Conformal
	for _, k := range all {
		w := out.Of(k.Kind)
		if w == nil || k.Came == nil {
			continue
		}
		switch scale := scaleOf(k.Kind); {
		case k.Kind == NextStep:
			*w = w.Count((k.Probability >= 0.5) == *k.Came)
		case k.Right == nil:
			// A rung without a time: it cannot be wrong by its interval.
		case !*k.Came && *k.Right:
			*w = w.Count(true)
		default:
			*w = w.Add(scale, k.finished())
		}
	}
	return &out
}

// scaleOf returns the scale in which intervals of a kind are widened.
func scaleOf(kind string) prediction.Scale {
	if kind == FailsAt || kind == FailsAtInferred {
		return prediction.Points
	}
	return prediction.Ratios
}
