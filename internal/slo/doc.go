// Package slo reads service-level objectives as they are written for other
// tools: Sloth, Pyrra and OpenSLO. Each becomes a signal with a limit: the
// share of work that fails it, and the share that may.
//
// It reads what says how good a service is to be and how that is measured.
// What those tools do with it (alerts, labels, dashboards) is left out; what
// is written there in another way than the tool's own form is an error with
// its line and the mend. It asks nothing, and decides nothing.
package slo
