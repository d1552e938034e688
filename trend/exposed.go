package trend

import (
	"math"
	"slices"
)

// maxKnots bounds what is kept of the course of a weight: sixteen steps have
// two corners each, and the time before the first is a corner more.
const maxKnots = 33

// A Knot is a corner in the course of a weight.
type Knot struct {
	Frame  int
	Weight float64 // share of traffic, 0..1
}

// Exposed is the course of one release's weight over the frames: a broken
// line, of which only the corners are kept. Steps and straight ramps are kept
// exactly, however long they last. The zero value has seen nothing.
type Exposed struct {
	Knots     []Knot // at most 33, ascending in frames
	Forgotten bool   // what lies before the first of them is not known any more
}

// Add takes the weight of a frame. Frames must come in ascending order.
func (e *Exposed) Add(frame int, weight float64) {
	next := Knot{Frame: frame, Weight: weight}
	n := len(e.Knots)
	if n >= 2 && aligned(e.Knots[n-2], e.Knots[n-1], next) {
		e.Knots[n-1] = next
		return
	}
	if n == maxKnots {
		e.Knots = append(e.Knots[:0], e.Knots[1:]...)
		e.Forgotten = true
	}
	e.Knots = append(e.Knots, next)
}

// aligned says whether three corners lie on one line.
func aligned(a, b, c Knot) bool {
	share := float64(b.Frame-a.Frame) / float64(c.Frame-a.Frame)
	return math.Abs(a.Weight+float64(share*(c.Weight-a.Weight))-b.Weight) < 1e-9
}

// At returns the weight in a frame: 0 before the first one that was seen, NaN
// where it was forgotten, and the last one after it.
func (e *Exposed) At(frame int) float64 {
	for i, k := range slices.Backward(e.Knots) {
		if k.Frame > frame {
			continue
		}
		if i == len(e.Knots)-1 || k.Frame == frame {
			return k.Weight
		}
		to := e.Knots[i+1]
		share := float64(frame-k.Frame) / float64(to.Frame-k.Frame)
		return k.Weight + share*(to.Weight-k.Weight)
	}
	if e.Forgotten {
		return math.NaN()
	}
	return 0
}

// stands is by how much of itself a weight may waver and be taken to stand: one
// that is measured does.
const stands = 0.1

// StandsSince returns the first frame of those in which the weight was what it
// is in the last, or near it.
func (e *Exposed) StandsSince() int {
	since := 0
	for i, k := range slices.Backward(e.Knots) {
		if last := e.Knots[len(e.Knots)-1].Weight; math.Abs(k.Weight-last) > stands*last {
			break
		}
		since = e.Knots[i].Frame
	}
	return since
}

// First returns the first frame that is remembered; 0 when none is.
func (e *Exposed) First() int {
	if len(e.Knots) == 0 {
		return 0
	}
	return e.Knots[0].Frame
}

// Most returns the largest weight seen.
func (e *Exposed) Most() float64 {
	var most float64
	for _, k := range e.Knots {
		most = math.Max(most, k.Weight)
	}
	return most
}

// around returns the mean weight over the frames from..to, of from alone where
// to comes before it, and how far single frames lie from it on average. Of a long stretch 16 frames are looked at,
// the first and the last among them.
func (e *Exposed) around(from, to int) (mean, apart float64) {
	const most = 16
	var ws [most]float64
	n := max(1, min(most, to-from+1))
	for i := range n {
		f := from
		if n > 1 {
			f = from + i*(to-from)/(n-1)
		}
		ws[i] = e.At(f)
		mean += ws[i] / float64(n)
	}
	for _, w := range ws[:n] {
		apart += math.Abs(w-mean) / float64(n)
	}
	return mean, apart
}
