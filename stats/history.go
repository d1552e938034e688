package stats

import "math"

// Width is how many blocks a [History] holds at most.
const Width = 64

// A History is a series on a regular grid of frames, kept in at most [Width]
// blocks of equal length. While the series is short a block is one frame;
// each time the blocks are full, neighbours are merged and the length of a
// block doubles. So the whole past is kept in bounded memory, the work per
// frame does not grow with its age, and block means of a long series are
// nearly independent.
//
// Frames are counted from an origin, so that the blocks of two histories with
// the same origin line up. A NaN is missing.
type History struct {
	Origin int             // the frame that block 0 begins with
	Size   int             // frames per block, a power of two
	Blocks int             // blocks in use; the last one may still be filling
	Sum    [Width]float64  // sum of the values present
	Count  [Width]float64  // values present
	N      float64         // values present in all
	Total  float64         // sum of them, which is that of Sum
	Last   int             // the frame of the last value present
	Newest int             // the last frame offered, present or not; Origin−1 before
	Recent [recent]float64 // the values of the last frames, Recent[frame mod 16]; NaN when missing
}

// NewHistory returns an empty history whose first block begins at origin.
func NewHistory(origin int) *History {
	h := &History{Origin: origin, Size: 1, Newest: origin - 1}
	for i := range h.Recent {
		h.Recent[i] = math.NaN()
	}
	return h
}

const recent = 16

// Add takes the value of one frame. Frames must come in ascending order, and
// none before the origin.
func (h *History) Add(frame int, x float64) {
	for f := max(h.Newest+1, frame-recent+1); f < frame; f++ {
		h.Recent[mod(f)] = math.NaN()
	}
	if math.IsInf(x, 0) {
		x = math.NaN()
	}
	h.Recent[mod(frame)], h.Newest = x, frame
	for (frame-h.Origin)/h.Size >= Width {
		h.merge()
	}
	i := (frame - h.Origin) / h.Size
	h.Blocks = i + 1
	if math.IsNaN(x) {
		return
	}
	h.Sum[i] += x
	h.Count[i]++
	h.N++
	h.Total += x
	h.Last = frame
}

func mod(frame int) int { return ((frame % recent) + recent) % recent }

func (h *History) merge() {
	for i := range Width / 2 {
		h.Sum[i] = h.Sum[2*i] + h.Sum[2*i+1]
		h.Count[i] = h.Count[2*i] + h.Count[2*i+1]
	}
	for i := Width / 2; i < Width; i++ {
		h.Sum[i], h.Count[i] = 0, 0
	}
	h.Size, h.Blocks = 2*h.Size, Width/2
}

// Means returns the mean of every block, NaN where nothing was present.
func (h *History) Means() []float64 {
	out := make([]float64, h.Blocks)
	for i := range out {
		out[i] = h.Sum[i] / h.Count[i] // 0/0 is NaN
	}
	return out
}

// Frame returns the frame in the middle of block i.
func (h *History) Frame(i int) float64 {
	return float64(h.Origin) + (float64(i)+0.5)*float64(h.Size) - 0.5
}

// Mean returns the mean of all values, NaN when there is none.
func (h *History) Mean() float64 { return h.Total / h.N }

// Tail returns the last up to n ≤ 16 values offered, oldest first, with NaN
// for those missing.
func (h *History) Tail(n int) []float64 {
	return h.TailInto(make([]float64, 0, min(n, recent)), n)
}

// TailInto is [History.Tail], appended to out.
func (h *History) TailInto(out []float64, n int) []float64 {
	n = min(n, recent, h.Newest-h.Origin+1)
	for f := h.Newest - n + 1; f <= h.Newest; f++ {
		out = append(out, h.Recent[mod(f)])
	}
	return out
}

// MeansBy returns the means of blocks of size frames, a power of two. Blocks
// that are kept longer than that are returned as they are.
func (h *History) MeansBy(size int) []float64 {
	k := max(1, size/h.Size)
	return h.MeansInto(make([]float64, 0, (h.Blocks+k-1)/k), size)
}

// MeansInto is [History.MeansBy], appended to out.
func (h *History) MeansInto(out []float64, size int) []float64 {
	k := max(1, size/h.Size)
	if k == 1 {
		for i := range h.Blocks {
			out = append(out, h.Sum[i]/h.Count[i]) // 0/0 is NaN
		}
		return out
	}
	for i := 0; i < h.Blocks; i += k {
		var sum, n float64
		for j := i; j < min(i+k, h.Blocks); j++ {
			sum += h.Sum[j]
			n += h.Count[j]
		}
		out = append(out, sum/n)
	}
	return out
}

// Over returns the mean over the frames from..to, NaN when none of them had a
// value. A block that lies in it only in part counts by that part.
func (h *History) Over(from, to int) float64 {
	var sum, n float64
	first := max(0, (from-h.Origin)/h.Size)
	for i := first; i < h.Blocks; i++ {
		begin := h.Origin + i*h.Size
		both := min(to, begin+h.Size-1) - max(from, begin) + 1
		if begin > to {
			break
		}
		if both > 0 {
			part := float64(both) / float64(h.Size)
			sum += part * h.Sum[i]
			n += part * h.Count[i]
		}
	}
	return sum / n
}
