package peer

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/foreshock/foreshock/stats"
)

// The numbers that stand in Kayenta's judge and cannot be set.
const (
	kayentaTolerance  = 0.25
	kayentaConfidence = 0.98
	kayentaNoise      = 1e-5
)

// A class is what Kayenta's judge says of one metric.
type class uint8

// The classes.
const (
	pass class = iota + 1
	high
	low
	nodata
	nodataFails // nodata where data must be
	erroneous
)

var classNames = [...]string{pass: "Pass", high: "High", low: "Low", nodata: "Nodata", nodataFails: "NodataFailMetric", erroneous: "Error"}

func (c class) String() string { return classNames[c] }

// A direction says which way a metric may not go.
type direction uint8

// The directions.
const (
	either direction = iota + 1
	increase
	decrease
)

// A measure says what the size of an effect is.
type measure uint8

// The measures; the zero is the default.
const (
	meanRatio measure = iota // of the experiment's mean and the control's
	cles                     // probability that a value of the experiment is the larger one
)

// effectSizes bound what counts. Zero means the default: 1 of a ratio, ½ of
// a probability.
type effectSizes struct {
	measure                            measure
	allowedIncrease, allowedDecrease   float64
	criticalIncrease, criticalDecrease float64
}

func (e effectSizes) or(x float64) float64 {
	if e.measure == cles {
		return cmp.Or(x, 0.5)
	}
	return cmp.Or(x, 1)
}

// A canaryMetric is how one metric of a canary configuration is judged. The
// zero, with a direction, is the default.
type canaryMetric struct {
	name          string
	direction     direction
	replace       bool // nanStrategy: NaN becomes 0; otherwise it is removed
	critical      bool
	mustHaveData  bool
	muted         bool
	outliers      bool    // strategy remove; otherwise they are kept
	outlierFactor float64 // 0 means 3
	effect        effectSizes
	groups        []string
}

// A canaryResult is what the judge says of one metric.
type canaryResult struct {
	metric   canaryMetric
	class    class
	critical bool // the metric alone fails the canary
}

// classify compares one metric of the new version with the control's. Values
// may be NaN. noise makes the two constants of step 5 differ.
func (m canaryMetric) classify(experiment, control []float64, noise *rand.Rand) canaryResult {
	out := canaryResult{metric: m, class: pass}
	x, y := m.clean(experiment), m.clean(control)
	if len(x) == 0 || len(y) == 0 {
		switch {
		case m.replace:
		case m.mustHaveData && !m.critical:
			out.class = nodataFails
		default:
			out.class, out.critical = nodata, m.critical
		}
		return out
	}
	if same(x, y) {
		return out
	}
	if constant(x) && constant(y) {
		x, y = noisy(x, noise), noisy(y, noise)
	}
	at, err := mannWhitney(x, y, kayentaConfidence)
	if err != nil {
		out.class = erroneous
		return out
	}
	effect := m.effectOf(x, y)
	atLeast := func(limit float64) bool { return math.IsNaN(effect) || effect >= m.effect.or(limit) }
	atMost := func(limit float64) bool { return math.IsNaN(effect) || effect <= m.effect.or(limit) }
	bound := kayentaTolerance * math.Abs(at.estimate)
	switch {
	case m.direction != decrease && at.low > bound && atLeast(m.effect.allowedIncrease):
		out.class, out.critical = high, m.critical && atLeast(m.effect.criticalIncrease)
	case m.direction != increase && at.high < -bound && atMost(m.effect.allowedDecrease):
		out.class, out.critical = low, m.critical && atMost(m.effect.criticalDecrease)
	}
	return out
}

// clean applies the strategies for NaN and outliers.
func (m canaryMetric) clean(values []float64) []float64 {
	var out []float64
	for _, v := range values {
		switch {
		case !math.IsNaN(v):
			out = append(out, v)
		case m.replace:
			out = append(out, 0)
		}
	}
	if !m.outliers || len(out) == 0 {
		return out
	}
	factor := cmp.Or(m.outlierFactor, 3)
	q1, q3 := stats.Quantile(out, 0.25), stats.Quantile(out, 0.75)
	least := math.Min(stats.Quantile(out, 0.01), q1-factor*(q3-q1))
	most := math.Max(stats.Quantile(out, 0.99), q3+factor*(q3-q1))
	return slices.DeleteFunc(out, func(v float64) bool { return v < least || v > most })
}

// same says whether the judge takes two samples as alike without a test:
// their values are the same, or there is one value only.
func same(x, y []float64) bool {
	a, b := slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y))
	return slices.Equal(a, b) || constant(append(slices.Clone(x), y...))
}

func constant(xs []float64) bool {
	return !slices.ContainsFunc(xs, func(x float64) bool { return x != xs[0] })
}

// noisy adds noise of a hundred thousandth of each value.
func noisy(xs []float64, noise *rand.Rand) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		out[i] = x + kayentaNoise*math.Abs(x)*noise.NormFloat64()
	}
	return out
}

// effectOf returns the size of the effect; NaN where there is none.
func (m canaryMetric) effectOf(x, y []float64) float64 {
	if m.effect.measure == cles {
		n1, n2 := float64(len(x)), float64(len(y))
		ranks, _ := rankSum(x, y)
		return (2*ranks - n1*(n1+1)) / (2 * n1 * n2)
	}
	ex, co := stats.Mean(x), stats.Mean(y)
	if ex == 0 || co == 0 {
		return math.NaN()
	}
	return ex / co
}

// score sums results up to a number between 0 and 100: the weighted mean over
// groups of the share of metrics that pass. Muted metrics do not count; one
// critical failure, or as much as half of the metrics without data, is 0.
// Groups without a weight share what the others leave of 100.
func score(results []canaryResult, weights map[string]float64) float64 {
	results = slices.DeleteFunc(slices.Clone(results), func(r canaryResult) bool { return r.metric.muted })
	missing := 0
	for _, r := range results {
		if r.critical && r.class != pass {
			return 0
		}
		if r.class == nodata {
			missing++
		}
	}
	if len(results) > 0 && 2*missing >= len(results) {
		return 0
	}
	tallies := groupTallies(results)
	names := slices.Sorted(maps.Keys(tallies)) // sums must not depend on the order of a map
	rest, unweighted := 100.0, 0.0
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		rest -= weights[name]
	}
	for _, name := range names {
		if _, ok := weights[name]; !ok {
			unweighted++
		}
	}
	sum := 0.0
	for _, name := range names {
		weight, ok := weights[name]
		if !ok {
			weight = rest / unweighted
		}
		sum += tallies[name].score() * weight
	}
	return math.Round(sum) / 100
}

// A tally counts the metrics of one group that have a class which counts.
type tally struct{ passed, counted float64 }

func groupTallies(results []canaryResult) map[string]tally {
	out := map[string]tally{}
	for _, r := range results {
		for _, g := range r.metric.groups {
			t := out[g]
			switch r.class {
			case pass:
				t.passed++
				t.counted++
			case high, low, nodataFails:
				t.counted++
			case nodata, erroneous:
			}
			out[g] = t
		}
	}
	return out
}

// score returns the share that passed in percent. A group without data counts
// as if all had.
func (t tally) score() float64 {
	if t.counted == 0 {
		return 100
	}
	return 100 * t.passed / t.counted
}
