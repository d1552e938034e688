// Package prevention says what to do about the next step: a policy as data,
// and the verdict it comes to.
package prevention
