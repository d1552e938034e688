package trend

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

// A Shape is the form of an answer to exposure.
type Shape uint8

// The shapes.
const (
	Linear  Shape = iota + 1 // it adds up: value = a + b·weight
	Queue                    // it waits: 1/value = a − b·weight, so that the value grows without bound
	Scaling                  // it waits, and those inside hinder each other: Gunther's law
)

// Why says why a weight of failure is given, or why none is.
type Why uint8

// The answers.
const (
	Known       Why = iota + 1 // one is given
	NoLimit                    // nothing says what failing would be
	OneExposure                // too little was seen at two weights
	Flat                       // it does not grow with exposure
	Weak                       // it may grow with exposure, and the noise hides how much
	Otherwise                  // time, traffic or chance explain it nearly as well
	TooFar                     // the limit lies too far from what was seen
	Beyond                     // it is not met by all of the traffic, with 9 in 10 or more
)

const (
	// surely is the probability that a signal grows with exposure from which
	// it is believed to. That chance does not explain it as well is asked beside.
	surely = 0.95
	// perhaps is the same from which it is worth more exposure: an 80 %
	// interval without nothing in it.
	perhaps = 0.9
	// oddsOfAnswer is the log odds against "no answer to exposure" from which
	// an answer is believed: 20 to 1.
	oddsOfAnswer = 2.995732273553991
	// nearby is how many times the largest weight seen the upper end of an
	// answer may lie when one weight beside 0 was seen, and farAway how many
	// times the middle may lie when more were.
	nearby, farAway = 4, 10
	// everything is the largest weight that is looked at: a hundred times all
	// the traffic.
	everything = 100
)

// A Failure is where a signal meets its limit as exposure grows.
type Failure struct {
	Why           Why
	P10, P50, P90 float64 // weight, 0.. and over 1 for more than all traffic; NaN unless Known
	Needs         float64 // the weight from which it would be known; NaN when that cannot be said
	Evidence      float64 // log odds of an answer to exposure against none
	Shape         Shape   // the likelier one; 0 when nothing was fitted
	full          float64 // the weight at which it has met its limit; infinite when it has not
	next          float64 // Response.Next
	limit         float64 // Response.Limit, turned so that worse is up
	rivals        []rival
}

// FailsAt returns where a signal meets its limit as a release's exposure
// grows. It takes O(rows), of which there are at most 128.
func FailsAt(r Response) Failure {
	nan := math.NaN()
	f := Failure{P10: nan, P50: nan, P90: nan, Needs: nan, next: r.Next, limit: r.sign() * r.Limit}
	if math.IsNaN(r.Limit) || r.Since == nil || r.Since.N == 0 {
		f.Why = NoLimit
		return f
	}
	var x rows
	x.lay(&r)
	seen, met := x.fill(&r)
	if r.IdleSE > 0 && len(seen) == 1 {
		return r.fromIdle(f, &x, seen[0])
	}
	if f.Why = OneExposure; len(seen) < 2 {
		return f
	}
	if f.Why = Flat; !r.glance(&x) {
		return f
	}
	if f.rivals = r.rivals(&x); len(f.rivals) == 0 {
		return f
	}
	f.Evidence = weigh(f.rivals)
	f.serve(&r, &x)
	f.describe()
	f.full = met
	most := 0.0
	for _, e := range seen {
		most = math.Max(most, e.weight)
	}
	f.answer(len(seen), most)
	return f
}

// serve lets a station of several servers answer beside the queue of one, half
// each, where an answer to exposure is believed: from waits alone the number of
// servers is not known, and one server is felt the earliest.
func (f *Failure) serve(r *Response, x *rows) {
	if !r.Wait || f.Evidence < oddsOfAnswer {
		return
	}
	var s *station
	for k := range f.rivals {
		m := &f.rivals[k]
		if m.shape != Queue {
			continue
		}
		if s == nil {
			if s = r.fitStation(x, math.Max(1, x.total()/math.Max(1, m.effective))); s == nil {
				return
			}
		}
		m.station = s
	}
}

// Answers says whether the signal grows with exposure, or may: whether there
// is anything to say of it.
func (f *Failure) Answers() bool { return f.Why == Known || len(f.rivals) > 0 && f.Why != Flat }

// describe names the likelier shape.
func (f *Failure) describe() {
	var by [Scaling + 1]float64
	for _, m := range f.rivals {
		by[m.shape] += m.share
	}
	f.Shape = Linear
	if by[Queue]+by[Scaling] > 0.5 {
		f.Shape = Queue
	}
	if by[Scaling] > 0.5 {
		f.Shape = Scaling
	}
}

// answer says where it fails, or why that is not known. seen is how many
// weights were seen, most the largest of them.
func (f *Failure) answer(seen int, most float64) {
	var measured float64
	for _, m := range f.rivals {
		if m.priced {
			measured += m.share
		}
	}
	rises := f.rises()
	switch {
	case rises < perhaps:
		f.Why = Flat
		return
	case rises < surely:
		// A standard error falls as the weights spread.
		f.Why, f.Needs = Weak, most*3/stats.NormalQuantile(rises)
		return
	case f.Evidence < oddsOfAnswer:
		f.Why = Otherwise
		return
	case f.met(1) < 0.1*rises:
		f.Why = Beyond
		return
	}
	priced := measured > 0.5 // between two costs that were measured nothing lies far away
	p10 := f.quantile(0.1, rises)
	p50 := math.Max(p10, f.quantile(0.5, rises))
	p90 := math.Max(p50, f.quantile(0.9, rises))
	switch {
	case !priced && seen < 3 && p90 > nearby*most:
		f.Why, f.Needs = TooFar, p90/nearby
	case !priced && p50 > farAway*most:
		f.Why, f.Needs = TooFar, p50/farAway
	default:
		f.Why, f.P10, f.P50, f.P90 = Known, p10, p50, p90
	}
}

// rises returns the probability that the signal grows with exposure, if it
// answers as the rivals have it.
func (f *Failure) rises() float64 {
	var p float64
	for i := range f.rivals {
		p += f.rivals[i].share * f.rivals[i].rises()
	}
	return p
}

// mostMet is how much of where a limit may be met may lie at weights that do well: of
// what is left beyond, less would say more of the law than of the service.
const mostMet = 0.9

// Unmet tells the weights given that the limit is not met at weight w: where that
// was seen to do well it lies beyond, and with m = P(met at w)
//
//	P(met at v) = (met(v) − m)/(met(all) − m)
//
// What it says of a step, Breach, stays: that none is seen to suffer does not make
// the next step safer.
func (f *Failure) Unmet(w float64) {
	if f.Why != Known || !(w > 0) {
		return
	}
	rises, m := f.rises(), f.met(w)
	if !(m > 0) || m > mostMet*rises {
		return
	}
	at := func(p float64) float64 { return f.quantile((m+p*(rises-m))/rises, rises) }
	f.P10 = at(0.1)
	f.P50 = math.Max(f.P10, at(0.5))
	f.P90 = math.Max(f.P50, at(0.9))
}

// met returns the probability that the limit is met at weight w or before, if
// the signal answers to exposure as the rivals have it.
func (f *Failure) met(w float64) float64 {
	if w >= f.full {
		return 1
	}
	var p float64
	for i := range f.rivals {
		p += f.rivals[i].share * f.rivals[i].met(w)
	}
	return math.Min(1, p) // the shares add up to 1 but for rounding
}

// quantile returns the weight at or before which the limit is met with
// probability p, given that the signal grows with exposure at all; to within
// a thousandth of it. It goes by false position, and halves every third time.
func (f *Failure) quantile(p, rises float64) float64 {
	above := func(w float64) float64 { return f.met(w) - p*rises }
	lo, hi := 0.0, 1.0
	low, high := above(lo), above(hi)
	for high < 0 && hi < everything {
		lo, low = hi, high
		hi *= 2
		high = above(hi)
	}
	if low >= 0 {
		return lo
	}
	if high < 0 {
		return hi
	}
	for k := 1; hi-lo > 1e-3*hi; k++ {
		w := (lo + hi) / 2
		if k%3 != 0 {
			w = hi - high*(hi-lo)/(high-low)
		}
		v := above(w)
		if math.Abs(v) < 1e-6 {
			return w
		}
		if v < 0 {
			lo, low = w, v
		} else {
			hi, high = w, v
		}
	}
	return (lo + hi) / 2
}

// Breach returns the probability that the limit is met at weight w or before:
// that there is an answer to exposure, and that it goes that far. 0 when
// nothing was fitted.
func (f *Failure) Breach(w float64) float64 {
	if len(f.rivals) == 0 {
		return 0
	}
	return f.met(w) / (1 + math.Exp(-f.Evidence))
}

// Safe returns the largest weight, at most 1, at which the limit is met with
// a probability under p.
func (f *Failure) Safe(p float64) float64 {
	if f.Breach(1) < p {
		return 1
	}
	lo, hi := 0.0, 1.0
	for range 30 {
		if w := (lo + hi) / 2; f.Breach(w) < p {
			lo = w
		} else {
			hi = w
		}
	}
	return lo
}
