package trend

import (
	"math"

	"github.com/foreshock/foreshock/stats"
)

// A wait is looked for between nothing and farOff times its limit, on a grid of
// stationGrid values of which each is the one before over 2^(1/8), the largest
// first, so that a density over them adds up to the probability of "this or more".
const (
	farOff     = 64.0
	octaveStep = 8.0
)

// rung returns the first of the grid of values that value reaches; stationGrid
// where it reaches none. What is full has no value and reaches all.
func rung(value, limit float64) int {
	if math.IsNaN(value) || value >= farOff*limit {
		return 0
	}
	if !(value > 0) {
		return stationGrid
	}
	return min(stationGrid, int(math.Ceil(octaveStep*math.Log2(farOff*limit/value)-1e-9)))
}

// value returns a value of the grid.
func value(k int, limit float64) float64 { return farOff * limit * math.Exp2(-float64(k)/octaveStep) }

// reached returns the probability that the value at the next weight is v or more.
func (s *station) reached(v, limit float64) float64 {
	if !(v > 0) {
		return 1
	}
	x := math.Min(math.Max(0, octaveStep*math.Log2(farOff*limit/v)), stationGrid-1)
	k := min(int(x), stationGrid-2)
	return s.next[k] + (x-float64(k))*(s.next[k+1]-s.next[k])
}

// reaches returns the probability that the value at weight w, the next one, is v
// or more. Of lines that is Student's distribution of their value there.
func (m *rival) reaches(v, w, limit float64) float64 {
	if m.gridded {
		return m.station.reached(v, limit)
	}
	at, mean := v, m.a+m.b*w
	if m.shape == Queue {
		if v <= 0 { // no wait is
			return 1
		}
		at = -1 / v
	}
	own := mean * m.loadSE
	p := stats.StudentCDF((mean-at)/math.Sqrt(own*own+math.Max(m.aa+2*w*m.ab+w*w*m.bb, 1e-12*m.aa)), m.nu)
	if m.station != nil {
		p = (p + m.station.reached(v, limit)) / 2
	}
	return p
}

// Next returns what the mean of the signal comes to at Response.Next, turned so
// that worse is up: the 10, 50 and 90 % points of all the rivals together, each by
// its share of the belief, given that the signal answers to exposure as they have
// it.
//
//	P(value at w ≥ v) = Σ shareᵢ·P(rivalᵢ(w) ≥ v)
//
// +Inf is what has no bound: a queue that may be full there. NaN when nothing was
// fitted, or nothing is next.
func (f *Failure) Next() (p10, p50, p90 float64) {
	nan := math.NaN()
	if !(f.next > 0) || len(f.rivals) == 0 {
		return nan, nan, nan
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := range f.rivals {
		m := &f.rivals[i]
		if m.shape != Linear || m.gridded {
			lo, hi = math.Min(lo, 0), math.Max(hi, farOff*f.limit)
			continue
		}
		mean := m.a + m.b*f.next
		reach := 20 * (math.Abs(mean)*m.loadSE + math.Sqrt(math.Max(0, m.aa+2*f.next*m.ab+f.next*f.next*m.bb)))
		lo, hi = math.Min(lo, mean-reach), math.Max(hi, mean+reach)
	}
	p10 = f.comesTo(0.9, lo, hi)
	p50 = math.Max(p10, f.comesTo(0.5, lo, hi))
	return p10, p50, math.Max(p50, f.comesTo(0.1, lo, hi))
}

// reaches is that of all the rivals.
func (f *Failure) reaches(v float64) float64 {
	var p float64
	for i := range f.rivals {
		if m := &f.rivals[i]; m.share > 1e-4 {
			p += m.share * m.reaches(v, f.next, f.limit)
		}
	}
	return p
}

// comesTo returns the value that is reached with probability p, between lo and
// hi to within a thousandth of it; +Inf where hi is reached more often than that.
func (f *Failure) comesTo(p, lo, hi float64) float64 {
	if f.reaches(hi) >= p {
		return math.Inf(1)
	}
	for range 40 {
		mid := (lo + hi) / 2
		if lo > 0 && hi > 4*lo {
			mid = math.Sqrt(lo * hi)
		}
		if f.reaches(mid) >= p {
			lo = mid
		} else {
			hi = mid
		}
		if hi-lo <= 1e-3*math.Abs(hi) {
			break
		}
	}
	return (lo + hi) / 2
}
