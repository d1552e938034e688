// Package prediction says what will come of what is seen: which release hurts
// the system or whether none does, what kind of cause it is, and how likely
// the next step does harm.
package prediction
