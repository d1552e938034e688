// Package foreshock says, while a release rolls out, what the system under it
// is about to do next: whether the next step will hurt, when and how much, how
// sure that is, and what to do about it.
//
// The product is one pipeline of pure packages:
//
//	signal → pattern → trend → prediction → prevention
//
// Package release folds it over the frames of a whole system. Package engine
// makes those frames, live from Prometheus or from a recording, and package
// backtest scores what comes out of them. Everything under internal adapts one
// outside thing; cmd/foreshock is the command.
//
// This package holds no code, only the tests that keep the tree in shape.
package foreshock
