// Package stats holds the estimators and tests of the pipeline: robust
// location, scale and trend, effective sample sizes of autocorrelated series,
// e-values that hold however often one looks, e-BH, change points and
// posterior intervals of counts.
//
// Everything here is a pure function of its arguments or a small accumulator
// without a clock. A missing value is NaN and is left out, never filled in.
// Logarithms are natural; probabilities are in [0, 1].
package stats
