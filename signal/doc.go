// Package signal holds what is measured in a system under change: kinds of
// signals and the domains they stress, units, readings, cells and frames.
//
// Nothing here judges. A missing value stays missing: it is NaN with a
// [Presence] that says why, all the way through the pipeline. All values are
// in base units (seconds, bytes, ratios; never milliseconds or percent).
package signal
