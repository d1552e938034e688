// Package engine makes frames of the answers of a [Querier]: the embedded
// database of a recording and a live Prometheus alike.
//
// It fills in the queries of every service and cohort, asks each distinct
// query once over the whole range, and cuts the answers into frames. Values
// come in base units, missing ones say why they are missing, and counts of
// observations never overlap between frames. A frame depends on no sample
// after its instant, nor on how many queries are asked at once.
//
// It judges nothing; that is the work of the fold in package release.
package engine
