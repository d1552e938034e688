package prediction

import (
	"math"
	"slices"
)

// learn adds the frame before the last two to what is usual: what comes after
// a calm frame shows whether it was one. A queue that is still filling or
// draining is not at rest, so the load has to be steady about it.
func (c *Cascade) learn() {
	if c.Calmed < span || len(c.Loads) < span+1 {
		return
	}
	demand, latency := math.Exp(c.Loads[span-1]), c.Paces[span-1]
	if math.IsNaN(demand) || math.IsNaN(latency) || !(math.Abs(c.Loads[span-2]-c.Loads[span]) < 0.25) {
		return
	}
	c.N++
	at := slices.IndexFunc(c.Lanes, func(x Lane) bool { return float64(x.Load) >= demand })
	if at < 0 {
		at = len(c.Lanes)
	}
	c.Lanes = slices.Insert(c.Lanes, at, Lane{Load: float32(demand), Log: float32(math.Log(latency)), N: 1})
	if len(c.Lanes) <= lanes {
		return
	}
	best, least := 0, math.Inf(1)
	for i := range len(c.Lanes) - 1 {
		a, b := c.Lanes[i], c.Lanes[i+1]
		// Near in load, and neither of them has much: long lanes stay apart.
		if d := math.Log(float64(b.Load/a.Load)) * math.Sqrt(float64(min(a.N, b.N))); d < least {
			best, least = i, d
		}
	}
	c.Lanes[best] = c.Lanes[best].join(c.Lanes[best+1])
	c.Lanes = slices.Delete(c.Lanes, best+1, best+2)
}

func (x Lane) join(y Lane) Lane {
	n := x.N + y.N
	d := y.Log - x.Log
	return Lane{
		Load: (x.Load*x.N + y.Load*y.N) / n, Log: (x.Log*x.N + y.Log*y.N) / n,
		Squares: x.Squares + y.Squares + d*d*x.N*y.N/n, N: n,
	}
}

// usual returns the logarithm of the latency that is usual at a load, and its
// standard deviation: a line through what was measured within a tenth of it, and
// the highest level below where there is nothing near. It is NaN for loads over
// all that was seen, where a longer wait is no news.
func (c *Cascade) usual(load float64) (level, noise float64) {
	if c.N < learning || math.IsNaN(load) || load > 1.05*float64(c.Lanes[len(c.Lanes)-1].Load) {
		return math.NaN(), math.NaN()
	}
	var n, sx, sy, sxx, sxy float64
	top := math.Inf(-1)
	for _, x := range c.Lanes {
		d, w := math.Log(float64(x.Load)/load), float64(x.N)
		if d < -0.1 {
			top = math.Max(top, float64(x.Log))
		}
		if math.Abs(d) <= 0.1 {
			n, sx, sy, sxx, sxy = n+w, sx+w*d, sy+w*float64(x.Log), sxx+w*d*d, sxy+w*d*float64(x.Log)
		}
	}
	noise = c.noise()
	if n < 4 {
		if math.IsInf(top, -1) {
			top = float64(c.Lanes[0].Log)
		}
		return top, 2 * noise
	}
	slope := clamp((n*sxy-sx*sy)/(n*sxx-sx*sx), 8)
	if !(slope > 0) || n < 8 {
		slope = 0
	}
	level = (sy - slope*sx) / n
	var left float64
	for _, x := range c.Lanes {
		if d := math.Log(float64(x.Load) / load); math.Abs(d) <= 0.1 {
			r := float64(x.Log) - level - slope*d
			left += float64(x.Squares) + float64(x.N)*r*r
		}
	}
	// What is near is few: what all lanes leave over bounds it from below.
	return level, math.Max(noise, math.Sqrt(left/math.Max(1, n-2))) * math.Sqrt(1+3/n)
}

// noise is the standard deviation of the logarithm of the latency from frame to
// frame: within the lanes, and between neighbours, whose difference has twice
// its variance.
func (c *Cascade) noise() float64 {
	var squares, n float64
	for i, x := range c.Lanes {
		squares, n = squares+float64(x.Squares), n+float64(x.N)-1
		if i > 0 {
			y := c.Lanes[i-1]
			d := float64(x.Log - y.Log)
			squares, n = squares+d*d/float64(1/x.N+1/y.N), n+1
		}
	}
	return math.Max(leastNoise, math.Sqrt(squares/math.Max(1, n)))
}

// follow moves a running mean on; the first value begins it.
func follow(m *float64, x float64, first bool) {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
	case first:
		*m = x
	default:
		*m += follows * (x - *m)
	}
}

// push puts a value before the last ones.
func push(xs []float64, x float64) []float64 {
	if math.IsInf(x, 0) {
		x = math.NaN()
	}
	if len(xs) < 3*span {
		xs = append(xs, 0)
	}
	copy(xs[1:], xs)
	xs[0] = x
	return xs
}

// least is the least of what is there, NaN where something is not.
func least(xs []float64) float64 {
	out := math.Inf(1)
	for _, x := range xs {
		out = math.Min(out, x)
	}
	return out
}

// most is the most of what is there.
func most(xs []float64) float64 {
	out := math.Inf(-1)
	for _, x := range xs {
		out = math.Max(out, x)
	}
	return out
}

// mean is that of what is there; NaN of nothing.
func mean(xs []float64) float64 {
	var sum, n float64
	for _, x := range xs {
		if !math.IsNaN(x) {
			sum, n = sum+x, n+1
		}
	}
	return sum / n
}

func clamp(x, most float64) float64 { return math.Max(-most, math.Min(most, x)) }
