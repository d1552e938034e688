// Package pattern says what is happening: how a signal of the new version
// differs from the stable one's, since when and in which shape; which phase
// of its life a release is in; which rungs of the failure ladder it has
// climbed; and what its silence means.
//
// It observes and does not judge: nothing here knows a policy or a verdict.
package pattern
