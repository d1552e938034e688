// Package engine turns what a time-series database holds into frames, on a
// clock or from a recording.
package engine
