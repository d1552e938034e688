// Package baseline is the memory of normal: what each signal of each service
// usually is at this hour of the week, learned from healthy time, forgotten
// slowly, kept in a bounded form.
//
// It promises that a memory does not depend on the order in which it learned:
// memories of parts merge into the memory of the whole, to rounding. It takes
// the time from the values themselves and reads no clock. It never guesses:
// what it has not seen often enough is NaN. And it judges nothing; whether a
// departure from normal matters is the fold's to say, in package release.
//
// The formulas, what they assume and where they end are in
// docs/method/baseline.md.
package baseline
