// Package prediction says what will come of what is seen: which release hurts
// the system or whether none does, what kind of cause it is, how likely
// going on does harm, and how far a service is on the way to a collapse that
// stays. It computes from what it is given, and decides nothing.
package prediction
