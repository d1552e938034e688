package trend

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/stats"
)

// A rival is one way to explain the values, fitted: with an answer to
// exposure, and without.
type rival struct {
	shape     Shape
	scaled    bool    // whether it goes with traffic
	retried   bool    // whether it goes with attempts, of which the retries come on top of the traffic
	hinge     float64 // the weight up to which it does not answer
	unsure    float64 // logarithm of how many hinges there may be, all alike; 0 where there is none
	terms     int     // with the answer to exposure
	dropped   int     // how many of them are the answer
	rss, none float64 // sum of squares left, with and without the answer; relative to the level of what was fitted
	effective float64 // observations that the rows are worth
	share     float64 // of belief, among the rivals
	a, b      float64 // the line now: a + b·weight, worse is up
	aa, ab    float64 // covariances of a and b
	bb        float64
	apart     float64  // variance of the line that has nothing to do with the weight: of the traffic now, and of where the limit is felt
	loadSE    float64  // standard error of the traffic now, as a share of it, where it goes with that
	nu        float64  // degrees of freedom behind them
	limit     float64  // in the scale of the line
	station   *station // where a wait of several servers, or by Gunther's law, meets its limit; nil for the others
	gridded   bool     // whether the station is all there is
	priced    bool     // whether the measured cost of a request went in
}

// A course is how a signal may have moved with time alone. Time may explain
// what it can: what only grew meanwhile must not pass for an answer to
// exposure. That nothing moved with time is the simplest of the courses, and
// pays for no term.
type course uint8

const (
	still    course = iota + 1 // not at all
	straight                   // a straight line
	bent                       // a parabola
	begun                      // a straight line with a kink at the first step
)

// terms returns how many terms a fit has: 1, the weight, the time and, where
// it is no straight line, what it has beside.
func (c course) terms() int {
	switch c {
	case still:
		return 2
	case straight:
		return 3
	case bent, begun:
		return 4
	default:
		return 4
	}
}

// rivals fits every shape that the signal may have.
func (r *Response) rivals(x *rows) []rival {
	shapes := []rival{{shape: Linear, dropped: 1}}
	switch {
	case r.Wait && x.positive() && r.sign()*r.Limit > 0:
		shapes = append(shapes, rival{shape: Queue, dropped: 1})
	case !r.Wait && x.loads:
		shapes = append(shapes, rival{shape: Linear, scaled: true, dropped: 1})
	}
	if x.retried(r) {
		shapes = append(shapes, rival{shape: Linear, retried: true, scaled: x.loads, dropped: 1})
	}
	var out []rival
	var d design
	for _, s := range shapes {
		for _, c := range []course{still, straight, bent, begun} {
			d.fill(x, s, c)
			if m, ok := r.fit(x, &d, s, c.terms()); ok {
				out = append(out, m)
			}
		}
	}
	if len(shapes) > 1 && r.Wait {
		out = append(out, r.scalings(x)...)
	}
	return append(out, r.hinged(x)...)
}

// positive says whether all values are above nothing, as waits are.
func (x *rows) positive() bool {
	return !slices.ContainsFunc(x.value[:x.n], func(v float64) bool { return !(v > 0) })
}

// glance says whether it is worth a closer look: whether the values grow with
// the weight beyond one standard error, were the rows independent. Most
// signals of most releases do not, and cost no more than this.
func (r *Response) glance(x *rows) bool {
	var d design
	for _, scaled := range []bool{false, true} {
		if scaled && (!x.loads || r.Wait) {
			break
		}
		d.fill(x, rival{shape: Linear, scaled: scaled}, straight)
		copy(d.weight[:], x.frames[:x.n])
		g, ok := d.regress(straight.terms(), x.n)
		if free := x.n - straight.terms(); ok && free > 0 && g.Beta[1] > math.Sqrt(d.rss(x, &g, r)/float64(free)*g.Inverse[1][1]) {
			return true
		}
	}
	return false
}

// A design is the rows as a regression wants them.
type design struct {
	terms  [maxRows + 1]stats.Terms
	y      [maxRows + 1]float64
	weight [maxRows + 1]float64
	level  float64 // mean size of y
}

// fill lays out the terms, times the traffic for a signal that goes with it.
// The time runs from −1 to 0, which is now.
func (d *design) fill(x *rows, s rival, c course) {
	d.level = 0
	for i := range x.n {
		t := x.time[i] / math.Max(1, x.span)
		by := 1.0
		if s.scaled {
			by = x.load[i]
		}
		if s.retried {
			by *= x.again[i]
		}
		beside := t * t
		if c == begun {
			beside = math.Min(0, t-x.began/math.Max(1, x.span))
		}
		d.terms[i] = stats.Terms{by, by * math.Max(0, x.weight[i]-s.hinge), by * t, by * beside}
		d.y[i] = x.value[i]
		if s.shape == Queue {
			d.y[i] = -1 / x.value[i] // grows with the value
		}
		d.level += math.Abs(d.y[i]) / float64(x.n)
	}
}

// fit fits one rival with n terms.
//
// Waits vary by a share of themselves: their rows are weighed by the inverse
// square of the fitted value, found by repetition.
func (r *Response) fit(x *rows, d *design, s rival, n int) (rival, bool) {
	if x.n <= n+1 {
		return rival{}, false
	}
	copy(d.weight[:], x.frames[:x.n])
	g, ok := d.regress(n, x.n)
	for range 2 {
		if !ok || !r.Wait {
			break
		}
		for i := range x.n {
			v := g.At(d.terms[i])
			if v*d.y[i] <= 0 || math.Abs(v) < d.level/20 {
				return rival{}, false
			}
			d.weight[i] = x.frames[i] * d.level * d.level / (v * v)
		}
		g, ok = d.regress(n, x.n)
	}
	if !ok {
		return rival{}, false
	}
	tau := d.tau(x, &g, r)
	if r.IdleSE > 0 && !r.Wait && s.shape == Linear {
		g = r.idled(x, d, g, n, tau)
	}
	if r.Cost > 0 && r.CostSE > 0 && !r.Wait {
		g, s.priced = r.priced(x, d, g, n, tau)
	}
	if s.shape == Scaling && !scales(&g, s.dropped) {
		return rival{}, false
	}
	s.read(x, d, &g, n, tau, r)
	return s, true
}

func (d *design) regress(terms, rows int) (stats.Regression, bool) {
	return stats.Regress(terms, d.terms[:rows], d.y[:rows], d.weight[:rows])
}

// priced adds what a request was seen to cost: the answer to exposure is then
// (cost − 1) times the use without it, a row of its own. It is left out when
// it lies further from what the weights say than three standard errors.
func (r *Response) priced(x *rows, d *design, g stats.Regression, n int, tau float64) (stats.Regression, bool) {
	a, b := g.Beta[0], g.Beta[1]
	variance := g.RSS / float64(x.n-n) * tau
	own := a * a * r.CostSE * r.CostSE
	row := stats.Terms{1 - r.Cost, 1}
	if !(own > 0 && variance > 0) || math.Abs(b-(r.Cost-1)*a) > 3*math.Sqrt(own+variance*g.Leverage(row)) {
		return g, false
	}
	d.terms[x.n], d.y[x.n], d.weight[x.n] = row, 0, variance/own
	with, ok := d.regress(n, x.n+1)
	if !ok {
		return g, false
	}
	return with, true
}

// idled adds what it is believed to be with nothing to do: a row at weight 0.
func (r *Response) idled(x *rows, d *design, g stats.Regression, n int, tau float64) stats.Regression {
	variance := g.RSS / math.Max(1, float64(x.n-n)) * tau
	if !(variance > 0) || x.n == len(d.terms)-1 {
		return g
	}
	d.terms[x.n], d.y[x.n], d.weight[x.n] = stats.Terms{1}, r.sign()*r.Idle, variance/(r.IdleSE*r.IdleSE)
	if with, ok := d.regress(n, x.n+1); ok {
		return with
	}
	return g
}

// tau returns how many rows say as much as one independent one, from what the
// fit leaves over. Rows that stand for many frames at once, of a long time
// before, are left out of it.
func (d *design) tau(x *rows, g *stats.Regression, r *Response) float64 {
	var buf [2 * maxRows]float64
	rest := buf[:0]
	for i := range x.n {
		if x.frames[i] > 1.5 {
			continue
		}
		if i > 0 && x.time[i]-x.time[i-1] > 1.5*float64(r.Since.Size) {
			rest = append(rest, math.NaN())
		}
		rest = append(rest, (d.y[i]-g.At(d.terms[i]))*math.Sqrt(d.weight[i]))
	}
	a := stats.AutocorrDetrended(rest, float64(r.Window)/float64(r.Since.Size))
	// What is believed on top is independent.
	all := d.rss(x, g, r)
	tau := (g.RSS*a.Tau + all - g.RSS) / all
	return math.Max(tau, float64(r.Window)/float64(r.Since.Size))
}

// rss returns the sum of squares that a fit leaves, with the spread that a
// signal is believed to have at least: a hundredth of the level from frame to
// frame.
func (d *design) rss(x *rows, g *stats.Regression, r *Response) float64 {
	floor := least * d.level / math.Sqrt(float64(r.Since.Size))
	return g.RSS + float64(x.n)*floor*floor
}

// read takes the line and its uncertainty off a regression.
func (m *rival) read(x *rows, d *design, g *stats.Regression, n int, tau float64, r *Response) {
	rss := d.rss(x, g, r)
	variance := rss / float64(x.n-n) * tau
	m.terms, m.effective = n, x.total()/tau
	m.nu = math.Max(1, m.effective-float64(n))
	m.a, m.b = g.Beta[0], g.Beta[1]
	m.aa, m.ab, m.bb = variance*g.Inverse[0][0], variance*g.Inverse[0][1], variance*g.Inverse[1][1]
	if h := m.hinge; h > 0 { // the line through what lies beyond it
		m.a -= m.b * h
		m.aa += h*h*m.bb - 2*h*m.ab
		m.ab -= h * m.bb
	}
	var zone float64
	m.limit, zone = r.felt(x)
	m.apart = zone * zone
	if m.retried {
		m.limit = math.Min(m.limit, r.Again.Tips*r.Limit)
	}
	if m.scaled {
		m.loadSE = x.loadSE
		m.apart += m.limit * m.limit * x.loadSE * x.loadSE
	}
	if m.shape == Queue {
		m.limit = -1 / m.limit
	}
	m.rss = rss / (d.level * d.level)
	// Dropping one term of a regression adds b²/(XᵀWX)⁻¹ to what is left.
	m.none = (rss + g.Beta[1]*g.Beta[1]/g.Inverse[1][1]) / (d.level * d.level)
	if m.shape == Scaling {
		m.meetsScaled(g, variance, d.level, r)
	}
}

// least is the smallest spread from frame to frame that a signal is believed
// to have, as a share of its level.
const least = 0.01

// met returns the probability that the line meets the limit at weight w or
// before: Fieller's bound, read as a distribution.
//
//	P = T_ν((a + b·w − limit)/√(Var a + 2w·Cov + w²·Var b))
//
// Read along w it turns back on the far side of the weight at which the line
// is known best, −Cov/Var b, and where a rival falls; there it is held.
//
// Source: E. C. Fieller, Some problems in interval estimation, Journal of the
// Royal Statistical Society B 16 (1954).
func (m *rival) met(w float64) float64 {
	if m.gridded {
		return m.station.met(w)
	}
	best := -m.ab / m.bb
	t, held := m.over(w), m.over(best)
	switch {
	case held < 0 && w < best, held >= 0 && w > best:
		t = held
	case held < 0:
		t = math.Max(t, held)
	default:
		t = math.Min(t, held)
	}
	p := stats.StudentCDF(t, m.nu)
	if m.station != nil { // one server or several: neither is known to be likelier
		p = (p + m.station.met(w)) / 2
	}
	return p
}

// over returns how many standard errors the line lies over the limit at a
// weight.
func (m *rival) over(w float64) float64 {
	return (m.a + m.b*w - m.limit) / math.Sqrt(m.apart+math.Max(m.aa+2*w*m.ab+w*w*m.bb, 1e-12*m.aa))
}

// total returns how many blocks of the time since all rows are worth, those of
// a long time before counted as rows of their own length.
func (x *rows) total() float64 {
	var sum float64
	for _, f := range x.frames[:x.n] {
		sum += f
	}
	return sum
}

// rises returns the probability that the line rises with the weight.
func (m *rival) rises() float64 { return stats.StudentCDF(m.b/math.Sqrt(m.bb), m.nu) }

// weigh shares the belief among the rivals by AICc, and returns the log odds
// of all that answer to exposure against all that do not.
//
//	AICc = n·ln(RSS/n) + 2k + 2k(k+1)/(n − k − 1),   share ∝ exp(−AICc/2)
//
// n is the number of effective observations of the rival that leaves least.
//
// Source: K. P. Burnham, D. R. Anderson, Model Selection and Multimodel
// Inference (2002), §2.4 and §2.9.
func weigh(rs []rival) (evidence float64) {
	best := 0
	for i := range rs {
		if rs[i].rss < rs[best].rss {
			best = i
		}
	}
	n := rs[best].effective
	for _, m := range rs {
		n = math.Max(n, float64(m.terms+4))
	}
	with, without := make([]float64, len(rs)), make([]float64, len(rs))
	for i, m := range rs {
		with[i], without[i] = -aicc(m.rss, n, m.terms+1)/2, -aicc(m.none, n, m.terms+1-m.dropped)/2
		if m.hinge > 0 { // where it is was read off the values, too
			with[i] = -aicc(m.rss, n, m.terms+2)/2 - m.unsure
			without[i] -= m.unsure
		}
	}
	all := stats.LogSumExp(with)
	for i := range rs {
		rs[i].share = math.Exp(with[i] - all)
	}
	return all - stats.LogSumExp(without)
}

// aicc takes k parameters, the residual variance among them; n must be above
// k + 1, and the same for all that are compared: RSS has a unit.
func aicc(rss, n float64, k int) float64 {
	p := float64(k)
	return n*math.Log(rss/n) + 2*p + 2*p*(p+1)/(n-p-1)
}
