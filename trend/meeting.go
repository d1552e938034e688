package trend

import "math"

// A meeting is the probability that a limit is met within so many times as
// long as was seen, on a grid that is finer near now.
type meeting struct {
	met   [49]float64
	reach float64 // the last time of the grid
}

// growth says when the limit is met, in frames.
func (m *meeting) growth(span float64, law Law) Growth {
	out := Growth{Met: m.met[len(m.met)-1], Law: law}
	at := func(p float64) float64 { return span * m.earliest(p*out.Met) }
	out.P10, out.P50, out.P90 = at(0.1), at(0.5), at(0.9)
	return out
}

// ahead returns the times of the grid.
func (m *meeting) ahead(k int) float64 {
	x := float64(k) / float64(len(m.met)-1)
	return m.reach * x * x
}

// meetings mixes the forms, given that the limit is not met now. What has met
// it has met it: where the fitted course turns back the probability stays.
func (x *growthSegment) meetings(forms []form, limit, reach float64) *meeting {
	m := &meeting{reach: reach}
	tops := x.tops(m)
	for i := range forms {
		was := forms[i].met(0, limit)
		now := math.Min(was, 0.999)
		for k := range m.met {
			was = math.Max(was, forms[i].met(m.ahead(k), x.room(&forms[i], m.ahead(k), limit)))
			if tops != nil && k > 0 { // what lies between two points of the grid
				was = math.Max(was, forms[i].met(tops[k], x.room(&forms[i], tops[k], limit)))
			}
			m.met[k] += forms[i].share * (was - now) / (1 - now)
		}
	}
	return m
}

// earliest returns when the probability comes to p.
func (m *meeting) earliest(p float64) float64 {
	for k, met := range m.met {
		if met < p {
			continue
		}
		if k == 0 {
			return 0
		}
		part := (p - m.met[k-1]) / (met - m.met[k-1])
		return m.ahead(k-1) + part*(m.ahead(k)-m.ahead(k-1))
	}
	return m.reach
}
