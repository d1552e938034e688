//go:build race

package simulate_test

// raced says whether the race detector is on, which makes everything ten
// times as slow.
const raced = true
