// Package simulate plays synthetic systems under releases as frames: signals
// with a level, noise and autocorrelation that are known, and effects of a new
// version that are known as well. What the engine says of them can therefore
// be held against what is true.
//
// It promises that the same [System] and seed give the same frames, and that
// one more series leaves the values of the others as they were. It knows
// nothing of how frames are judged, and has no model of queues: latency does
// not follow from load unless an [Effect] says so.
package simulate
