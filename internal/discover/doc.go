// Package discover finds out what a live Prometheus has to say of the
// services in it: which there are, which versions of them live side by side,
// which exporters tell of them and how often, and what therefore cannot be
// seen.
//
// It asks a few aggregated queries and judges nothing: what it finds is a
// proposal for people to read.
package discover
