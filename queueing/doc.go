// Package queueing holds the laws of waiting and of retrying: Erlang's
// formulas, waits of G/G/c queues, the operational laws, the Universal
// Scalability Law, and the thresholds at which a service whose callers retry
// tips over and recovers.
//
// It promises closed forms where there are any, and names the approximation
// where there are none. Rates are per second, times are in seconds, and a
// result that does not exist is NaN. It never measures, judges or forecasts:
// callers hand in what was measured.
package queueing
