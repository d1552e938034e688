package simulate

import (
	"math"
	"slices"
)

// An Effect changes a value as a function of when and where it is made. It
// returns minus infinity for an instance that does not report, and NaN for one
// that reports not a number.
type Effect func(m Moment, v float64) float64

// Shift adds to every value from the release's first step on.
func Shift(by float64) Effect {
	return func(m Moment, v float64) float64 {
		if m.Frame < 0 {
			return v
		}
		return v + by
	}
}

// Scale multiplies every value from the release's first step on.
func Scale(by float64) Effect { return Burst(0, math.MaxInt, by) }

// Burst multiplies the values of the frames from..to−1 of the release.
func Burst(from, to int, by float64) Effect {
	return func(m Moment, v float64) float64 {
		if m.Frame < from || m.Frame >= to {
			return v
		}
		return v * by
	}
}

// Bursts adds to the values of the given frames of the release.
func Bursts(frames []int, by float64) Effect {
	return func(m Moment, v float64) float64 {
		if !slices.Contains(frames, m.Frame) {
			return v
		}
		return v + by
	}
}

// Leak adds ever more: perFrame for each frame since the first step.
func Leak(perFrame float64) Effect {
	return func(m Moment, v float64) float64 { return v + perFrame*float64(max(0, m.Frame)) }
}

// Sawtooth adds what grows by rise each frame and falls back to nothing every
// period frames, as garbage collection does. It is there before the release
// too.
func Sawtooth(rise float64, period int) Effect {
	return func(m Moment, v float64) float64 { return v + rise*float64(((m.Frame%period)+period)%period) }
}

// Warmup multiplies the first values of the release by 1 + extra, and halves
// the extra every half frames.
func Warmup(extra, half float64) Effect {
	return func(m Moment, v float64) float64 {
		if m.Frame < 0 {
			return v
		}
		return v * (1 + extra*math.Exp2(-float64(m.Frame)/half))
	}
}

// Only applies an effect to the first n instances.
func Only(n int, e Effect) Effect {
	return func(m Moment, v float64) float64 {
		if m.Instance >= n {
			return v
		}
		return e(m, v)
	}
}

// Silent takes the values of the frames from..to−1 of the release away.
func Silent(from, to int) Effect {
	return func(m Moment, v float64) float64 {
		if m.Frame < from || m.Frame >= to {
			return v
		}
		return math.Inf(-1)
	}
}

// Forever is a frame that no release reaches.
const Forever = math.MaxInt
