// Package backtest scores assessments against what really happened: bad
// releases warned of and contained, good ones left alone, the culprit's rank,
// the cause, and how far the probabilities can be trusted.
package backtest
