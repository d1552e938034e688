//go:build race

package cli

// raced says whether the race detector is on, which makes everything ten
// times slower.
const raced = true
