package stats

import (
	"cmp"
	"math"
	"slices"
)

// SafeT returns the natural logarithm of the e-value of an anytime-valid
// t-test of "the mean is 0" against a Gaussian mixture of alternatives.
//
//	t   the t-statistic, mean over its standard error
//	n   effective observations behind the mean, > 0
//	nu  degrees of freedom of the standard error, > 0
//	g   the mixture's precision in units of one observation: 1 expects shifts
//	    of about one standard deviation
//
// With q = g/(g+n):
//
//	ln G = ½ ln q + ½(ν+1)·[ln(1+t²/ν) − ln(1+q·t²/ν)]
//
// Under the null the e-value's mean is ≤ 1 whenever one stops, so
// P(ever G ≥ 1/α) ≤ α.
//
// Source: M. Lindon, D. Ham, M. Tingley, I. Bojinov, Anytime-valid inference
// in linear models (2022), eq. 9 for one coefficient.
func SafeT(t, n, nu, g float64) float64 {
	q, log := SafeTParts(t*t, n, nu, g)
	return 0.5*math.Log(q) + log
}

// SafeTParts returns q and the rest of ln G, so that G = √q·exp(log): of many to be
// added up the logarithms of q need not be known. It takes the square of t. They
// are 1 and 0 where [SafeT] is 0 for want of something.
func SafeTParts(t2, n, nu, g float64) (q, log float64) {
	if !(n > 0 && nu > 0 && g > 0) || math.IsNaN(t2) {
		return 1, 0
	}
	q = g / (g + n)
	x := t2 / nu
	return q, 0.5 * (nu + 1) * logRatio(x, q)
}

// logRatio returns ln((1+x)/(1+q·x)) for x ≥ 0 and q in (0, 1): 2·artanh u with
// u = x(1−q)/(2+x(1+q)), of which five terms are enough below 0.1 (to 2·10⁻¹²).
func logRatio(x, q float64) float64 {
	u := x * (1 - q) / (2 + x*(1+q))
	if u < 0.1 {
		u2 := u * u
		return 2 * u * (1 + u2*(1./3+u2*(1./5+u2*(1./7+u2/9))))
	}
	return math.Log((1 + x) / (1 + q*x))
}

// SafeTOneSided is [SafeT] for the alternative that the mean is above 0: the
// mixture is folded onto that side, which doubles its weight there.
// For t ≤ 0 the e-value is at most 1 and its logarithm is bounded by 0.
func SafeTOneSided(t, n, nu, g float64) float64 {
	if !(t > 0) {
		return 0
	}
	// The folded mixture's e-value is 2·G·P(mean > 0 | data); the posterior
	// probability is at least ½ for t > 0. Taking G alone is a lower bound.
	return SafeT(t, n, nu, g)
}

// lifts are the log-odds lifts that a count is mixed over, in equal parts.
var lifts = [...]float64{1.1, 1.25, 1.5, 2, 3, 5, 10, 30}

// A CountTest watches which of two cohorts events fall on. It holds an
// e-process against "an event falls on the canary with its share of the
// observations", so it may be looked at after every frame.
//
// For the i-th frame with exposure share ρ, y canary and z control events and
// a lift of the odds by d:
//
//	p(d) = ρ·d/(ρ·d+1−ρ)    ln E(d) += y·ln(p(d)/ρ) + z·ln((1−p(d))/(1−ρ))
//
// The test statistic is the mixture of E(d) in equal parts over d = 1.1, 1.25,
// 1.5, 2, 3, 5, 10 and 30. The zero value is ready to use.
//
// Source: M. Lindon, A. Malek, Anytime-valid inference for multinomial count
// data (NeurIPS 2022).
type CountTest struct {
	LogE            [len(lifts)]float64
	Events, Control float64 // events seen on the canary and on the control
	N, NControl     float64 // observations seen
	// Standard is how many events the canary would have had at the control's
	// rate of the same moment: Σ z·n/m, over Exposed canary observations. It
	// holds when traffic shifts while rates change (Simpson's paradox).
	Standard, Exposed float64
	// Frame-to-frame overdispersion of the control's events: Pearson's
	// statistic Σ(z−m)²/m and its number of terms.
	Pearson, Frames float64
	// Alone is the canary's in frames without the control, against what that was at most.
	Alone LateTest
}

// Add takes one frame: y of n canary observations and z of m control
// observations were events. Frames with nothing on one side are counted only.
func (c *CountTest) Add(y, n, z, m float64) {
	if math.IsNaN(y) || math.IsNaN(n) || math.IsNaN(z) || math.IsNaN(m) || n < 0 || m < 0 || y < 0 || z < 0 {
		return
	}
	c.addDispersion(z, m)
	c.Events, c.Control, c.N, c.NControl = c.Events+y, c.Control+z, c.N+n, c.NControl+m
	if n == 0 || m == 0 {
		return
	}
	c.Standard += z * n / m
	c.Exposed += n
	rho := n / (n + m)
	for i, d := range lifts {
		p := rho * d / (rho*d + 1 - rho)
		c.LogE[i] += y*math.Log(p/rho) + z*math.Log((1-p)/(1-rho))
	}
}

// AddAlone takes one frame in which the control was not there: y of n canary
// observations were events, and at the control's rate at most the share limit is. A
// canary that has taken over all traffic is tested so.
func (c *CountTest) AddAlone(y, n, limit float64) { c.Alone.Add(y, n, limit) }

// addDispersion compares the control's events of one frame with what its past
// rate gives. Only frames that expect at least one event count.
func (c *CountTest) addDispersion(z, m float64) {
	if c.NControl > 0 {
		if want := c.Control / c.NControl * m; want >= 1 {
			c.Pearson += (z - want) * (z - want) / want
			c.Frames++
		}
	}
}

// Dispersion returns φ ≥ 1: how many times more the control's events vary
// than independent ones would. It is 1 until 8 frames could tell.
func (c *CountTest) Dispersion() float64 {
	if c.Frames < 8 {
		return 1
	}
	return math.Max(1, c.Pearson/c.Frames)
}

// ControlRate returns the control's share of events, weighed by when the
// canary had its observations; 0 when nothing was observed.
func (c *CountTest) ControlRate() float64 {
	if c.Exposed == 0 {
		return 0
	}
	return c.Standard / c.Exposed
}

// LogEValue returns the logarithm of the mixture e-value, tempered by the
// overdispersion: (1/φ)·ln(mean of E(d)).
func (c *CountTest) LogEValue() float64 {
	return (LogSumExp(c.LogE[:]) - math.Log(float64(len(lifts)))) / c.Dispersion()
}

// LogSumExp returns ln Σ exp(x) without overflow; −Inf for no values.
func LogSumExp(xs []float64) float64 {
	if len(xs) == 0 {
		return math.Inf(-1)
	}
	m := slices.Max(xs)
	if math.IsInf(m, 0) {
		return m
	}
	sum, last, exp := 0.0, math.NaN(), 0.0
	for _, x := range xs {
		if x != last { // tests that found nothing are all 0
			last, exp = x, math.Exp(x-m)
		}
		sum += exp
	}
	return m + math.Log(sum)
}

// A LimitTest holds an e-process against "events are at most a share limit of
// observations", mixed in equal parts over shares above it.
type LimitTest struct {
	LogE  [4]float64
	N, Y  float64
	Limit float64 // for callers whose limit stands; not read here
}

// limitLifts are how many times the odds at the limit the alternatives are.
var limitLifts = [4]float64{1.25, 2, 5, 20}

// Add takes y events among n observations, with the limit in force then.
//
//	ln E(d) += y·ln(q(d)/p) + (n−y)·ln((1−q(d))/(1−p)),   q(d) = p·d/(p·d+1−p)
func (l *LimitTest) Add(y, n, limit float64) {
	if !(n > 0) || !(y >= 0) || !(limit > 0 && limit < 1) {
		return
	}
	l.N, l.Y = l.N+n, l.Y+y
	for i, d := range limitLifts {
		q := limit * d / (limit*d + 1 - limit)
		l.LogE[i] += y*math.Log(q/limit) + (n-y)*math.Log((1-q)/(1-limit))
	}
}

// LogEValue returns the logarithm of the mixture e-value.
func (l *LimitTest) LogEValue() float64 {
	return LogSumExp(l.LogE[:]) - math.Log(float64(len(limitLifts)))
}

// EBH returns the indices of the hypotheses that the e-Benjamini–Hochberg
// procedure rejects at false discovery rate alpha, ascending. It holds under
// any dependence.
//
//	k* = max{k : E₍ₖ₎ ≥ K/(k·α)},  with E₍₁₎ ≥ E₍₂₎ ≥ …
//
// Source: R. Wang, A. Ramdas, False discovery rate control with e-values,
// JRSS B 84 (2022), §4.1.
func EBH(logE []float64, alpha float64) []int {
	order := make([]int, len(logE))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(logE[b], logE[a]) })
	total, last := math.Log(float64(len(logE))), 0
	for k := 1; k <= len(order); k++ {
		if logE[order[k-1]] >= total-math.Log(float64(k)*alpha) {
			last = k
		}
	}
	rejected := slices.Clone(order[:last])
	slices.Sort(rejected)
	return rejected
}
