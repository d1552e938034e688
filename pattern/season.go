package pattern

import (
	"math"
	"slices"
)

// A Season is how a signal usually goes at this time, from memory: since it was
// first seen, and over the coming day.
type Season struct {
	Spread float64 // standard deviation of what is normal now, in the signal's base unit
	track  *Track
	hour   float64 // frames in an hour, > 0
}

// alike is how much of what is normal a day may move and be taken for still.
const alike = 0.02

// Season returns how the signal usually goes, from the first value to a day
// ahead; nil where memory does not know all of it, did not tell it in this
// frame, or a day brings no change. hour is how many frames are in an hour, > 0.
func (t *Track) Season(frame int, hour float64) *Season {
	if !t.recalls() || t.told != frame || len(t.ahead) == 0 || math.IsNaN(t.Level) || !(hour > 0) {
		return nil
	}
	same := !slices.ContainsFunc(t.ahead, func(x float64) bool { return math.Abs(x-t.Level) > alike*math.Abs(t.Level) })
	if same {
		return nil
	}
	return &Season{Spread: t.Normal, track: t, hour: hour}
}

// Hours returns how many frames some hours are.
func (s *Season) Hours(n float64) float64 { return n * s.hour }

// At returns what is normal in a frame, in the signal's base unit: what was, up
// to the newest value, and what will be after it. Between the hours it goes
// straight, and the days ahead are alike.
func (s *Season) At(frame float64) float64 {
	past := frame - float64(s.track.Values.Newest)
	if past <= 0 {
		return s.track.usualAt(frame)
	}
	ahead := s.track.ahead
	h := past / s.hour
	k := int(h)
	from := s.track.Level
	if k > 0 {
		from = ahead[(k-1)%len(ahead)]
	}
	return from + (h-float64(k))*(ahead[k%len(ahead)]-from)
}
