package pattern

import (
	"math"
	"slices"

	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// A Ring holds the last 64 values of a series, frame by frame.
type Ring struct {
	Values [stats.Width]float64
	N      int // frames offered so far
}

// Add takes the value of the next frame; NaN is missing.
func (r *Ring) Add(x float64) {
	r.Values[r.N%stats.Width] = x
	r.N++
}

// Last returns the values held, oldest first.
func (r *Ring) Last() []float64 {
	n := min(r.N, stats.Width)
	out := make([]float64, 0, n)
	for k := r.N - n; k < r.N; k++ {
		out = append(out, r.Values[k%stats.Width])
	}
	return out
}

// Recently is how many of the last frames may belong to a change; those before
// are what it is compared with.
const Recently = 16

// LeastRecent is how many frames it takes before a service can be compared with its
// own recent past.
const LeastRecent = MinEffective + Recently

// A Recent is one service's signal to be compared with its own recent past.
type Recent struct {
	Ring  *Ring
	Frame int // of the newest value
	Worse signal.Direction
	Size  Size
	// Horizon is how many frames ahead growth is thought on: as many as the
	// change is old.
	Horizon float64
}

// Lately compares services without a control, each with its own recent past
// and with the others: what most of them do at the same time is taken out,
// and how far the others lie apart is what a single one must exceed. It sees
// a change within the last 16 frames, and growth over the last 64.
//
// It needs no quiet time before a change: a system that was just started
// still tells the one service that departs from the rest.
func Lately(subjects []Recent) (cs []Comparison, ok []bool) {
	cs, ok = make([]Comparison, len(subjects)), make([]bool, len(subjects))
	for i, s := range subjects {
		ok[i] = cs[i].recent(s)
	}
	apart := alone(cs, ok)
	for i, s := range subjects {
		if ok[i] {
			cs[i].spread(s.Size, apart)
			cs[i].Horizon = math.Max(cs[i].Frames, s.Horizon)
			cs[i].test(s.Worse)
		}
	}
	outliers(cs, ok)
	bursts(cs, ok)
	for i, s := range subjects {
		if ok[i] {
			cs[i].sparse()
			cs[i].arise(s.Worse, s.Size.Window)
		}
	}
	return cs, ok
}

// recent lays out one service's window: the level of its past and the
// differences from it.
func (c *Comparison) recent(s Recent) bool {
	y := s.Ring.Last()
	past := stats.Finite(y[:max(0, len(y)-Recently)])
	if len(past) < MinEffective {
		return false
	}
	level := stats.Median(past)
	*c = Comparison{
		Level: level, Before: level, Mean: stats.Mean(stats.Finite(y)), Size: s.Size.Of(level),
		Frames: float64(len(stats.Finite(y))), block: 1, recentOnly: true,
	}
	c.values = y
	c.Difference, c.frames = make([]float64, len(y)), make([]float64, len(y))
	for k := range y {
		c.Difference[k] = y[k] - level
		c.frames[k] = float64(s.Frame - len(y) + 1 + k)
	}
	return true
}

// alone takes the median of all relative differences out of each, frame by
// frame counted from now, and returns how far they lie apart in the frames
// that may belong to a change; NaN with too few services.
func alone(cs []Comparison, ok []bool) float64 {
	back, n := 0, 0
	for i := range cs {
		if ok[i] {
			back, n = max(back, len(cs[i].Difference)), n+1
		}
	}
	if n < MinPeers {
		return math.NaN()
	}
	var apart []float64
	rel := make([]float64, 0, len(cs))
	for k := 1; k <= back; k++ {
		rel = rel[:0]
		for i := range cs {
			if x := cs[i].relative(len(cs[i].Difference)-k, ok[i]); !math.IsNaN(x) {
				rel = append(rel, x)
			}
		}
		if len(rel) < MinPeers {
			continue
		}
		if k <= Recently {
			apart = append(apart, stats.MAD(rel))
		}
		takeOut(cs, ok, k, stats.Median(rel))
	}
	return stats.Median(apart)
}

// takeOut takes a common relative difference out of the k-th last frame of
// every service.
func takeOut(cs []Comparison, ok []bool, k int, common float64) {
	for i := range cs {
		at := len(cs[i].Difference) - k
		if !ok[i] || at < 0 {
			continue
		}
		if math.Abs(common) > math.Abs(cs[i].common) {
			cs[i].common = common
		}
		cs[i].Difference[at] -= common * cs[i].scale()
	}
}

// spread measures the noise of the past about its own trend.
func (c *Comparison) spread(size Size, apart float64) {
	past := c.Difference[:len(c.Difference)-Recently]
	line := stats.OLS(c.frames[:len(past)], past)
	rest := make([]float64, len(past))
	for k, d := range past {
		rest[k] = d
		if !math.IsNaN(line.Slope) {
			rest[k] = d - line.Intercept - line.Slope*c.frames[k]
		}
	}
	a := stats.AutocorrDetrended(rest, size.Window)
	n := float64(len(stats.Finite(past)))
	c.ControlSD = tailSD(stats.Finite(rest))
	floor := math.Max(size.Noise, least*math.Abs(c.Level))
	believed := noise{Autocorrelation: a, sd: c.ControlSD, n: n}.floored(floor).windowed(size.Window)
	c.SD = math.Max(c.ControlSD, floor)
	c.Tau = believed.Tau
	c.Effective = n / c.Tau
	c.Own = math.Min(Recently, c.Frames) / c.Tau
	c.NU = math.Max(1, c.Effective-2)
	c.fixed = c.SD * c.SD * math.Min(1, c.Tau/n)
	if !math.IsNaN(apart) {
		c.SD = math.Max(c.SD, apart*c.scale())
		c.NU *= 2 // the others' spread is known from as many frames again
	}
}

// across is how many of the last frames a lasting shift is read from.
const across = 4

// outliers adds what the services say of each other at one moment. The others'
// shifts and slopes are a sample of what chance does here and now, so that a
// departure from them needs no quiet past:
//
//	z = (x − median)/MAD    ln E = SafeT(z, 1, services−1, 1/20)
//
// A MAD under a quarter of the size of consequence (a thirtieth of it over the
// window, for slopes), or under a quarter of what all services do together,
// is taken as that: services that agree to the last digit would make every
// wiggle an outlier, and what moves them all moves them unlike.
func outliers(cs []Comparison, ok []bool) {
	var shifts, slopes []float64
	for i := range cs {
		if ok[i] {
			shifts = append(shifts, cs[i].lastShift())
			slopes = append(slopes, cs[i].Slope/cs[i].scale())
		}
	}
	shifts, slopes = stats.Finite(shifts), stats.Finite(slopes)
	n := float64(len(shifts))
	if n < MinPeers {
		return
	}
	midShift, midSlope, shiftMAD, slopeMAD := stats.Median(shifts), stats.Median(slopes), stats.MAD(shifts), stats.MAD(slopes)
	for i := range cs {
		if !ok[i] {
			continue
		}
		c := &cs[i]
		if x := c.lastShift(); !math.IsNaN(x) {
			z := (x - midShift) / max(shiftMAD, c.Size/c.scale()/4, math.Abs(c.common)/4)
			if e := stats.SafeTOneSided(z, 1, n-1, 0.05); z > 0 && e > c.LogE {
				c.LogE = e
				c.Typical, c.Effect = x*c.scale(), x*c.scale()
				c.Effective = math.Max(c.Effective, n)
				c.Onset = c.departure()
				c.Now = c.since(c.Onset.P50)
			}
		}
		floor := c.Size / c.scale() / 30 / c.Frames
		z := (c.Slope/c.scale() - midSlope) / max(slopeMAD, floor, math.Abs(c.common)/4/c.Frames)
		c.SlopeLogE = stats.SafeTOneSided(z, 1, n-1, 0.05)
		if c.SlopeLogE > 0 {
			c.Effective = math.Max(c.Effective, n)
		}
	}
}

// departure dates the last shift: the first of the last frames that is over
// half of it, give or take two frames.
func (c *Comparison) departure() Onset {
	at := len(c.Difference) - 1
	for k, d := range slices.Backward(c.Difference) {
		if d > c.Effect/2 {
			at = k
		} else if !math.IsNaN(d) {
			break
		}
	}
	return Onset{P10: c.frames[max(0, at-2)], P50: c.frames[at], P90: c.frames[min(len(c.frames)-1, at+1)]}
}

// lastShift returns the median difference of the last frames as a share of
// the scale; NaN when fewer than three have a value.
func (c *Comparison) lastShift() float64 {
	tail := stats.Finite(c.Difference[max(0, len(c.Difference)-across):])
	if len(tail) < reach {
		return math.NaN()
	}
	return stats.Median(tail) / c.scale()
}

// scale is what a difference is related to: the level, or the size of
// consequence where that is larger.
func (c *Comparison) scale() float64 { return math.Max(math.Abs(c.Level), c.Size) }

// Stands says whether the difference still stands: the last values are over
// half the size of consequence away.
func (c *Comparison) Stands(size float64) bool {
	last := latest(c.Difference)
	return !math.IsNaN(last) && last >= size/2
}

// Faded says whether a difference that began with the subject has gone: its
// last quarter is under half of a size, or under all of it where it came down
// by half since its first, as a warm-up leaves it. A few of the last values
// alone may be over it by chance.
func (c *Comparison) Faded(size float64) bool {
	if len(c.frames) == 0 {
		return false
	}
	first, last := c.frames[0], c.frames[len(c.frames)-1]
	early, late := ends(c.Difference)
	if late >= early/2 {
		size /= 2
	}
	return c.Onset.P50 <= first+(last-first)/4 && late < size
}

// latest returns the median of the last values that are there; NaN when there
// are none.
func latest(xs []float64) float64 {
	var buf [stats.Width]float64
	tail := stats.FiniteInto(buf[:0], xs)
	return stats.Median(tail[max(0, len(tail)-reach):])
}

// Away returns how far the subject's last values lie from the reference's
// level, or where memory serves from what is expected now; positive is worse,
// whatever others do.
func (c *Comparison) Away() float64 {
	away := c.direction() * (latest(c.values) - c.Level)
	if c.Recalled {
		away = latest(c.Difference)
	}
	if math.IsNaN(away) {
		return 0
	}
	return away
}

func (c *Comparison) direction() float64 {
	if c.Falls {
		return -1
	}
	return 1
}
