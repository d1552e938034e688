// Package release is the fold over frames: one Step observes every release, attributes blame
// once, and decides for each. It alone knows the wire form of an assessment.
package release
