package trend

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/stats"
)

// A Growing is a signal that is used up in time, with all that is needed to
// say when it meets its limit.
type Growing struct {
	Values  *stats.History  // since the first step; needed
	Exposed *Exposed        // the course of the release's weight; nil when it did not move
	Limit   float64         // in the signal's unit
	Falls   bool            // whether worse is down
	Window  int             // frames that one value looks back over; 0 counts as 1
	Season  *pattern.Season // how it usually goes at this time; nil when that is not known
}

// A Growth is when a signal that grows meets its limit.
type Growth struct {
	Ahead         // frames from now, given that it is met at all
	Met   float64 // probability that it is met within ten times as long as was seen, 0..1
	Law   Law     // the likeliest
	Works float64 // probability that it grows with the work, 0..1: half the traffic, half the pace
}

// A Law is how something grows with time.
type Law uint8

// The laws.
const (
	Steadily   Law = iota + 1 // so much at a time, more or less
	Slowing                   // towards an end, as what fills up
	Quickening                // ever faster, as what feeds itself
	Daily                     // not of itself: it is carried by how the signal goes every day
)

// reachTimes is how many times as long as was seen a limit may lie ahead.
const reachTimes = 10

// rates are how fast growth slows or quickens, per time that was seen: by e
// over a half of it, say.
var rates = [...]float64{0.5, 1, 2, 4}

// drift is how much the pace of what grows steadily is believed to change over
// as long as was seen, as a share of it: a standard deviation. No pace is a
// promise, and the further ahead, the less.
const drift = 0.4

// A form is one way to grow, fitted: by time, or by the work that was done.
type form struct {
	law    Law
	worked bool    // for every request instead of at a time: it goes with the weight
	times  bool    // what is normal is multiplied by it; else it comes on top
	pace   float64 // how far it goes ahead in one time seen, at the weight of now; 1 by time
	rate   float64
	prior  float64
	share  float64
	fit    stats.Regression
	variance, nu,
	rss, effective float64
	unusual float64 // variance of how much one day is not like the others
}

// g returns the form's course, at −1 for the first that was seen and 0 for now.
func (f *form) g(u float64) float64 {
	switch f.law {
	case Slowing:
		return 1 - math.Exp(-f.rate*(u+1))
	case Quickening:
		return math.Exp(f.rate * u)
	case Steadily:
		return u
	default:
		return u
	}
}

// minGrown is how many values since the last reset it takes.
const minGrown = 6

// Forecast returns when a signal meets its limit if it goes on as it did since
// it last fell back to where it came from; false where too little was seen or
// nothing grows. What grows towards an end below the limit does not meet it.
//
// Rival laws are fitted by least squares and weighed by their likelihood; each
// says with Fieller's bound when the fitted value meets the
// limit. A saw whose teeth grow is followed from peak to peak.
func Forecast(r Growing) (Growth, bool) {
	x := r.segment()
	if len(x.y) < minGrown || !(x.span > 0) || math.IsNaN(r.Limit) {
		return Growth{}, false
	}
	limit := r.Limit
	if r.Falls {
		limit = -limit
	}
	var forms []form
	for _, f := range r.forms(&x) {
		if x.fit(&f, r.Window, r.Values.Size) {
			forms = append(forms, f)
		}
	}
	if len(forms) == 0 {
		return Growth{}, false
	}
	share(forms)
	g := x.meetings(forms, limit, reachTimes).growth(x.span, likeliest(forms))
	for _, f := range forms {
		if f.worked {
			g.Works += f.share
		}
	}
	return g, true
}

// likeliest returns the law with the largest share of belief.
func likeliest(forms []form) Law {
	var by [Daily + 1]float64
	best := Steadily
	for _, f := range forms {
		if by[f.law] += f.share; by[f.law] > by[best] {
			best = f.law
		}
	}
	return best
}

// A growthSegment is the values since the last reset, worse upwards.
type growthSegment struct {
	y, u, weight, work []float64 // u in times seen from now, −1..0; work the same in work done
	span               float64   // frames from the first to now
	level              float64   // mean size of y
	pace               float64   // how far work goes in one time seen at the weight of now, 0 where the weight did not move
	// usual is what was normal with each of y, and season what will be at u;
	// nil where memory does not know it, or it stays as it is.
	usual        []float64
	season       func(u float64) float64
	spread, hour float64 // standard deviation of what is normal; an hour, in times seen
}

// segment lays out the values since the last reset.
func (r *Growing) segment() growthSegment {
	h := r.Values
	var y, at, count []float64
	for i := range h.Blocks {
		if h.Count[i] == 0 {
			continue
		}
		v := h.Sum[i] / h.Count[i]
		if r.Falls {
			v = -v
		}
		y, at, count = append(y, v), append(at, h.Frame(i)), append(count, h.Count[i]/float64(h.Size))
	}
	y, at, count = sinceReset(y, at, count)
	var x growthSegment
	if len(y) < 2 {
		return x
	}
	now := float64(h.Newest)
	x.span = now - at[0]
	for i := range y {
		x.y, x.weight = append(x.y, y[i]), append(x.weight, count[i])
		x.u = append(x.u, (at[i]-now)/x.span)
		x.level += math.Abs(y[i]) / float64(len(y))
	}
	if r.Exposed != nil {
		x.work, x.pace = r.worked(at, now)
	}
	if r.Season != nil {
		r.seasonal(&x, at, now)
	}
	return x
}

// worked returns how far the work was done up to each of some frames, from −1
// for the first to 0 for now, and how far it goes in as long again at the weight
// of now; 0 where the weight stood still.
func (r *Growing) worked(at []float64, now float64) (work []float64, pace float64) {
	work = make([]float64, len(at))
	current := r.Exposed.At(int(now))
	sum, to := 0.0, now
	for i := len(at) - 1; i >= 0; i-- {
		mean, _ := r.Exposed.around(int(at[i]), int(to))
		sum += mean * (to - at[i])
		work[i], to = -sum, at[i]
	}
	if !(current > 0 && sum > 0) {
		return nil, 0
	}
	for i := range work {
		work[i] /= sum
	}
	if pace = current * (now - at[0]) / sum; math.Abs(pace-1) <= 0.05 {
		return nil, 0
	}
	return work, pace
}

// sinceReset returns what came after the last fall by over half of what had
// been gained. Where that happens again and again it is a saw, of which the
// peaks are returned.
func sinceReset(y, at, count []float64) (ys, ats, counts []float64) {
	low, high, from := math.Inf(1), math.Inf(-1), 0
	var peaks []int
	noise := wiggle(y)
	for i, v := range y {
		if i > 0 && high-v > (high-low)/2 && y[i-1]-v > 6*noise {
			peaks = append(peaks, i-1)
			from, low, high = i, v, v
		}
		low, high = math.Min(low, v), math.Max(high, v)
	}
	if len(peaks) < minGrown {
		return y[from:], at[from:], count[from:]
	}
	for _, i := range peaks {
		ys, ats, counts = append(ys, y[i]), append(ats, at[i]), append(counts, count[i])
	}
	return ys, ats, counts
}

// wiggle returns the spread of a series from one value to the next, robustly.
func wiggle(y []float64) float64 {
	steps := make([]float64, 0, len(y))
	for i := 1; i < len(y); i++ {
		steps = append(steps, y[i]-y[i-1])
	}
	return stats.MAD(steps) / math.Sqrt2
}

// forms returns the laws to be fitted, with what each is believed before.
func (r *Growing) forms(x *growthSegment) []form {
	each := 1 / float64(len(rates))
	out := []form{{law: Steadily, pace: 1, prior: 1}}
	for _, k := range rates {
		out = append(out, form{law: Slowing, pace: 1, rate: k, prior: each}, form{law: Quickening, pace: 1, rate: k, prior: each})
	}
	if x.season != nil {
		out = append(out, form{law: Daily, pace: 1, prior: 1})
		if x.scales() {
			for _, f := range slices.Clone(out) {
				f.times = true
				out = append(out, f)
			}
		}
	}
	if x.pace == 0 {
		return out
	}
	for _, f := range slices.Clone(out) {
		if f.law != Quickening && f.law != Daily { // what feeds itself does so in time
			f.worked, f.pace = true, x.pace
			out = append(out, f)
		}
	}
	return out
}

// row returns the terms of the fitted course at u.
func (f *form) row(u float64) stats.Terms {
	if f.law == Steadily {
		return stats.Terms{1, u, u * u}
	}
	if f.law == Daily {
		return stats.Terms{1}
	}
	return stats.Terms{1, f.g(u)}
}

// fit fits one form; false when it does not grow. What grows steadily has a
// bend that is believed to be about nothing: a row of its own.
func (x *growthSegment) fit(f *form, window, size int) bool {
	terms := make([]stats.Terms, len(x.y), len(x.y)+1)
	at := x.u
	if f.worked {
		at = x.work
	}
	for i, u := range at {
		terms[i] = f.row(u)
	}
	values := x.usualTerms(f, terms)
	fitted := 2
	if f.law == Daily {
		fitted = 1
	}
	g, ok := stats.Regress(fitted, terms, values, x.weight)
	if !ok {
		return false
	}
	variance, rss, tau := x.left(&g, terms, values, window, size)
	if f.law == Steadily && g.Beta[1] > 0 {
		own := drift * g.Beta[1] / 2 // of the second-order term: the pace changes by twice that
		terms = append(terms, stats.Terms{0, 0, 1})
		y := append(slices.Clone(values), 0)
		for range 3 { // how sure the bend is depends on what it leaves
			if g, ok = stats.Regress(3, terms, y, append(slices.Clone(x.weight), variance/(own*own))); !ok {
				return false
			}
			variance, rss, tau = x.left(&g, terms, values, window, size)
		}
	}
	f.fit, f.variance, f.rss, f.unusual = g, variance, rss, x.unusual(f, &g)
	f.effective = float64(len(x.y)) / tau
	f.nu = math.Max(1, f.effective-2)
	return g.Beta[1] > 0 || f.law == Daily
}

// left returns what a fit of two terms leaves over: the variance of one value,
// the sum of squares, and how many values say as much as an independent one.
func (x *growthSegment) left(g *stats.Regression, terms []stats.Terms, y []float64, window, size int) (variance, rss, tau float64) {
	rest := make([]float64, len(y))
	for i := range rest {
		rest[i] = (y[i] - g.At(terms[i])) * math.Sqrt(x.weight[i])
	}
	n := float64(len(y))
	floor := least * x.level / math.Sqrt(float64(size))
	tau = stats.AutocorrDetrended(rest, float64(window)/float64(size)).Tau
	rss = g.RSS + n*floor*floor
	tau = (g.RSS*tau + n*floor*floor) / rss // what is believed on top is independent
	return rss / math.Max(1, n-2) * tau, rss, tau
}

// met returns the probability that the fitted value has met the limit at u.
//
// How much this day is unlike others changes meanwhile, anew in as long as was
// seen; and that it changed so far is part of the pace that was fitted:
//
//	variance = variance of the fit + σ²·(2·min(u, 1) + 2u²),   without 2u² where no pace was fitted
func (f *form) met(u, limit float64) float64 {
	row := f.row(f.pace * u)
	anew := 2 * math.Min(u, 1)
	if f.law != Daily {
		anew += 2 * u * u
	}
	se := math.Sqrt(math.Max(f.variance*f.fit.Leverage(row)+f.unusual*anew, 1e-300))
	return stats.StudentCDF((f.fit.At(row)-limit)/se, f.nu)
}

// fitted is how many parameters of each form are: level, growth, residual
// variance. Its rate, or its bend, is believed beforehand.
const fitted = 3

// share shares the belief among the forms by their likelihood and what was
// believed before. All fit as many parameters, so that none is charged for
// them, but for what goes by its day: that fits one less, worth √n as in BIC.
func share(forms []form) {
	best := 0
	for i := range forms {
		if forms[i].rss < forms[best].rss {
			best = i
		}
	}
	n := math.Max(forms[best].effective, fitted)
	logs := make([]float64, len(forms))
	for i, f := range forms {
		logs[i] = math.Log(f.prior) - n/2*math.Log(f.rss/forms[best].rss)
		if f.law == Daily {
			logs[i] += math.Log(n) / 2
		}
	}
	all := stats.LogSumExp(logs)
	for i := range forms {
		forms[i].share = math.Exp(logs[i] - all)
	}
}
