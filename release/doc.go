// Package release is the fold: one pure Step per frame observes every release
// in flight, attributes blame once among all of them, and decides for each.
// It knows the system, the state that is kept between frames, the assessment
// and its only wire form.
//
// A [Chronicle] listens to the fold and explains a release in writing: an
// [Explanation], which says of a moment only what was known then.
//
// The same system, policy and frames give the same bytes, however often the
// state was saved and loaded on the way.
package release
