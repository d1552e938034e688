package release

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
	"github.com/foreshock/foreshock/trend"
)

// evidence returns the signals that spoke, strongest first, and how many did
// not change.
func (s *State) evidence(i int, sc *scene) (out []Evidence, unchanged int) {
	var spoke []*finding
	for k := range sc.releases[i] {
		if fd := &sc.releases[i][k]; rank(fd) == 0 {
			unchanged++
		} else {
			spoke = append(spoke, fd)
		}
	}
	slices.SortStableFunc(spoke, func(a, b *finding) int {
		return cmp.Or(cmp.Compare(rank(b), rank(a)), cmp.Compare(b.Comparison.LogE, a.Comparison.LogE))
	})
	out = []Evidence{}
	for _, fd := range spoke[:min(8, len(spoke))] {
		out = append(out, s.evidenceOf(i, fd))
	}
	return out, unchanged
}

// rank orders findings: decided, certain but small, leaning.
func rank(f *finding) int {
	switch {
	case f.Rejected && f.Active:
		return 3
	case f.Small:
		return 2
	case f.LogE > 2 || f.Comparison.LogE > 4:
		return 1
	default:
		return 0
	}
}

func (s *State) evidenceOf(i int, fd *finding) Evidence {
	sig := s.sys.Signals[fd.Signal]
	cohort := signal.Canary
	selector := ""
	if i < len(s.sys.Releases) {
		selector = s.sys.Releases[i].Canary
	} else {
		cohort, selector = signal.Whole, s.sys.Services[fd.Service].Selector
	}
	e := Evidence{
		Signal: sig.Name, Service: s.sys.Services[fd.Service].Name, Cohort: cohort.String(), Value: Number(fd.Now), Was: Number(fd.Level),
		Unit: sig.Unit.Base, Query: fill(sig.Query, s.sys.Services[fd.Service].Name, selector, s.sys.Interval),
		Strength: Number(math.Max(fd.LogE, fd.Comparison.LogE)), Decided: fd.Rejected && fd.Active, Small: fd.Small,
		Tail: numbers(fd.Subject), WasTail: []Number{},
	}
	if fd.Control != nil {
		e.WasTail = numbers(fd.Control)
	}
	return e
}

func numbers(t *pattern.Track) []Number {
	tail := t.Values.Tail(16)
	out := make([]Number, len(tail))
	for i, v := range tail {
		out[i] = Number(v)
	}
	return out
}

// stress returns how much more the new version asks of each domain for the
// same work, where it can be told: the ratio of the signal that changed most.
func (s *State) stress(i int, f signal.Frame, sc *scene) []Stress {
	best := map[signal.Domain]Stress{}
	size := map[signal.Domain]float64{}
	load := 1.0
	if i < len(s.sys.Releases) {
		if s.mem.Subjects[i].Reports < 0.05 && s.sys.Releases[i].Control != "" {
			return []Stress{} // nothing is left to compare with
		}
		load, _ = s.loadRatio(i, f)
	}
	for fd := range each(sc.releases[i]) {
		sig := s.sys.Signals[fd.Signal]
		d := sig.Kind.Domain()
		if d == signal.DomainSymptom || sig.Kind == signal.Infra || !(fd.Level > 0) || fd.SE == 0 || math.IsNaN(fd.Mean) {
			continue
		}
		per := 1.0
		used := sig.Kind == signal.Saturation && sig.Unit.Dimension == signal.Ratio
		follows := used || sig.Kind == signal.CPU || sig.Kind == signal.Network || sig.Kind == signal.Database
		if follows && !divided(sig, fd.Subject) { // what is divided by its share is of the same work already
			per = load
		}
		ratio := sides(fd) / per
		margin := 1.2816 * fd.SE / fd.Level / per
		if w := math.Abs(math.Log(math.Max(ratio, 1e-9))); w > size[d] || best[d].Signal == "" {
			size[d] = w
			best[d] = Stress{Domain: d.String(), Signal: sig.Name, Ratio: Quantiles{
				P10: Number(math.Max(0, ratio-margin)), P50: Number(ratio), P90: Number(ratio + margin),
			}}
		}
	}
	out := []Stress{}
	for d := signal.DomainCPU; d <= signal.DomainTraffic; d++ {
		if x, ok := best[d]; ok {
			out = append(out, x)
		}
	}
	return out
}

// sides returns how many times as much the new version has of a signal as the
// stable one now: over the last frames, as both get another share of the work
// after every step.
func sides(fd *finding) float64 {
	if fd.Control == nil {
		return fd.Mean / fd.Level
	}
	var bufA, bufB [8]float64
	a, b := pattern.TailInto(bufA[:0], fd.Subject, 8), pattern.TailInto(bufB[:0], fd.Control, 8)
	if len(a) == 0 || len(b) == 0 || !(stats.Mean(b) > 0) {
		return fd.Mean / fd.Level
	}
	return stats.Mean(a) / stats.Mean(b)
}

// loadRatio returns how much more work one instance of the canary gets than
// one of the control, by weight and instances; 1 and false when it cannot be
// told.
func (s *State) loadRatio(i int, f signal.Frame) (ratio float64, ok bool) {
	if i >= len(f.Exposure) || f.Exposure[i].Moving {
		return 1, false
	}
	w := f.Exposure[i].Weight
	k := f.Exposure[i].Step - 1
	steps := s.sys.Releases[i].Steps
	if k < 0 || k >= len(steps) || steps[k].CanaryReplicas < 1 || steps[k].ControlReplicas < 1 || w <= 0 || w >= 1 {
		return 1, false
	}
	return w / float64(steps[k].CanaryReplicas) / ((1 - w) / float64(steps[k].ControlReplicas)), true
}

// mostFailures is how many limits of one release are told.
const mostFailures = 4

// fails says at which exposure limits are met, the nearest first, and of
// which that is not known yet.
func (s *State) fails(i int, a *Assessment, o outlook, sc *scene) []Prediction {
	var out []Prediction
	if i >= len(s.sys.Releases) {
		return nil
	}
	all := slices.Concat(sc.failures[i], sc.inferred[i])
	s.byWeight(all)
	for _, x := range all {
		p := Prediction{
			Kind: "fails-at", Signal: s.sys.Signals[x.signal].Name, Service: s.sys.Services[x.service].Name,
			Probability: Number(x.Breach(1)),
		}
		if limit := Number(x.limit); !x.inferred {
			p.Limit = &limit
		}
		if x.inferred || x.usual > 0 {
			p.Text = s.inferredText(a, x)
		}
		switch {
		case len(out) == mostFailures || p.Probability < aTenth:
			continue
		case x.Why != trend.Known && float64(p.Probability) < s.policy.PromoteBelow:
			continue
		case x.Why == trend.Known:
			p.Weight = &Quantiles{P10: Number(100 * x.P10), P50: Number(100 * x.P50), P90: Number(100 * x.P90)}
			if !math.IsNaN(o.next) {
				at := Number(x.Breach(o.next))
				p.NextStep, p.AtNextStep = &at, s.comesTo(x)
			}
		case x.inferred:
			p.Probability, p.Reason = Number(math.NaN()), "not identifiable yet: needs a signal of how full it is"
		default:
			p.Probability, p.Reason = Number(math.NaN()), "not identifiable yet: "+needsExposure(x.Failure)
		}
		out = append(out, p)
	}
	return out
}

// aTenth is the probability that a limit is met at all from which it is told:
// with less, the tenth percentile lies beyond all the traffic.
const aTenth = 0.1

// needsExposure says what would make the weight of a failure known.
func needsExposure(f trend.Failure) string {
	switch {
	case f.Why == trend.Otherwise:
		return "time or chance explains it nearly as well; needs another exposure"
	case f.Needs <= 1:
		return fmt.Sprintf("needs exposure ≥ %.0f %%", math.Ceil(100*f.Needs-1e-9))
	default:
		return "needs longer steps"
	}
}
