// Package demo rolls a version of the lab's shop out and judges it live: the
// lab's processes, Prometheus' scraper and storage in memory, and the same
// engine and fold that judge recordings. It is told a fault and a schedule,
// and says frame by frame what was seen and decided.
//
// It may import everything, as the command line may: it wires the parts.
package demo
