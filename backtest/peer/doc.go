// Package peer plays the policies of other tools over the same frames: the
// analysis of Argo Rollouts, the checks of Flagger, and Kayenta's judge.
//
// It follows their documented rules with their documented defaults, and is
// written from those; it shares no code with them. Where a rule needs what a
// recording does not say (an interval, a window), the choice stands in
// docs/method/backtest.md and leans the peer's way.
//
// Nothing here reads a clock. The one random thing, the noise that Kayenta
// adds to two constants, comes from a seed in [Options].
package peer
