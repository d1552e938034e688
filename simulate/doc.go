// Package simulate plays systems under releases as frames, from two kinds of
// description.
//
// A [System] is synthetic signals: a level, noise and autocorrelation that are
// known, and effects of a new version that are known as well. Latency does not
// follow from load unless an [Effect] says so. What the engine says of such
// frames can be held against what is true.
//
// A [Model] is services with processors, threads, pools, timeouts and retries.
// It is played request by request, or as a fluid where there are many; both
// find the same tipping and recovery points. What callers suffer is told beside
// each frame, and [Model.Breaks] says at which share of a new version they do.
//
// It promises that the same description and seed give the same frames, and,
// of a System, that one more series leaves the values of the others as they
// were. It knows nothing of how frames are judged.
package simulate
