package trend

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/stats"
)

// seasonal lays out what was and will be normal, worse upwards as the values.
func (r *Growing) seasonal(x *growthSegment, at []float64, now float64) {
	sign := 1.0
	if r.Falls {
		sign = -1
	}
	x.spread, x.hour = r.Season.Spread, r.Season.Hours(1)/x.span
	x.season = func(u float64) float64 { return sign * r.Season.At(now+u*x.span) }
	for _, a := range at {
		x.usual = append(x.usual, sign*r.Season.At(a))
	}
}

// scales says whether what is normal can be multiplied: it is never about
// nothing.
func (x *growthSegment) scales() bool {
	least, most := math.Inf(1), 0.0
	for _, v := range x.usual {
		least, most = math.Min(least, math.Abs(v)), math.Max(most, math.Abs(v))
	}
	return least > most/100 && math.Abs(x.season(0)) > most/100
}

// tops returns when the season is worst between each point of a grid and the one
// before; nil without a season.
func (x *growthSegment) tops(m *meeting) []float64 {
	if x.season == nil {
		return nil
	}
	out := make([]float64, len(m.met))
	for k := 1; k < len(out); k++ {
		from, to := m.ahead(k-1), m.ahead(k)
		out[k] = to
		worst := x.season(to)
		first := math.Ceil(from / x.hour)
		for h := range hoursADay { // straight between the hours, and every day alike
			u := (first + float64(h)) * x.hour
			if u >= to {
				break
			}
			if v := x.season(u); v > worst {
				worst, out[k] = v, u
			}
		}
	}
	return out
}

// room returns what stands for a limit at u, where the season will have taken
// or given some of what is left.
func (x *growthSegment) room(f *form, u, limit float64) float64 {
	if x.season == nil {
		return limit
	}
	now, then := x.season(0), x.season(u)
	if !f.times {
		return limit - (then - now)
	}
	if then/now < 0.01 {
		return 100 * limit
	}
	return limit * now / then
}

// usualTerms returns the terms of a fit and what it is fitted to, where what is
// normal changed meanwhile: its course is told as it would be now.
func (x *growthSegment) usualTerms(f *form, terms []stats.Terms) (y []float64) {
	if x.season == nil {
		return x.y
	}
	now := x.season(0)
	y = slices.Clone(x.y)
	for i := range y {
		if !f.times {
			y[i] -= x.usual[i] - now
			continue
		}
		for k := range terms[i] {
			terms[i][k] *= x.usual[i] / now
		}
	}
	return y
}

const hoursADay = 24

// daysAhead is how far ahead a daily peak is looked for.
const daysAhead = 1

// Peaks returns when a signal that does not grow of itself meets its limit
// because of how it goes every day: it stays as many times what is normal, or
// as much over it, as it was since the weight last moved; r.Season is needed. False
// where too little was seen, where the limit is met already, or where what is
// normal comes to the limit as well: then that is no news.
func Peaks(r Growing) (Growth, bool) {
	if r.Season == nil {
		return Growth{}, false
	}
	x := r.segment()
	limit := r.Limit
	if r.Falls {
		limit = -limit
	}
	if r.Exposed != nil && x.span > 0 {
		x.drop((float64(r.Exposed.StandsSince()) - float64(r.Values.Newest)) / x.span)
	}
	if len(x.y) < minGrown || !(x.span > 0) || math.IsNaN(limit) || !x.scales() || x.usualMeets(limit, r.Season.Hours(24*daysAhead)) {
		return Growth{}, false
	}
	forms := []form{{law: Daily, pace: 1, prior: 1}, {law: Daily, pace: 1, prior: 1, times: true}}
	for i := range forms {
		if !x.fit(&forms[i], r.Window, r.Values.Size) {
			return Growth{}, false
		}
	}
	share(forms)
	if forms[0].met(0, limit) > likelyPast {
		return Growth{}, false
	}
	return x.meetings(forms, limit, r.Season.Hours(24*daysAhead)/x.span).growth(x.span, Daily), true
}

// drop leaves out what came before u.
func (x *growthSegment) drop(u float64) {
	i, _ := slices.BinarySearch(x.u, u)
	x.y, x.u, x.weight = x.y[i:], x.u[i:], x.weight[i:]
	if x.usual != nil {
		x.usual = x.usual[i:]
	}
}

// likelyPast is the probability from which a limit counts as met.
const likelyPast = 0.5

// usualMeets says whether what is normal meets a limit within so many frames.
func (x *growthSegment) usualMeets(limit, frames float64) bool {
	if x.season(0) >= limit {
		return true
	}
	for u := x.hour; u <= frames/x.span*(1+1e-9); u += x.hour {
		if x.season(u) >= limit {
			return true
		}
	}
	return false
}

// unusual returns the variance that comes from days not being alike, of a value
// as it would be now; 0 where no memory says what is normal.
func (x *growthSegment) unusual(f *form, fit *stats.Regression) float64 {
	if x.season == nil {
		return 0
	}
	sd := x.spread
	if f.times {
		sd *= fit.At(f.row(0)) / x.season(0)
	}
	return sd * sd
}
