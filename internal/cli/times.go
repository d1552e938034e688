package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/foreshock/foreshock/release"
)

// instantForm says how an instant is written.
const instantForm = "2026-03-02T16:04:00Z, 16:04 (UTC, today), now, now-30m or now+10m"

// parseInstant reads an instant: RFC 3339, a time of the day in UTC, or now
// and a span from it.
func parseInstant(s string, now time.Time) (time.Time, bool) {
	if rest, ok := strings.CutPrefix(s, "now"); ok {
		if rest == "" {
			return now, true
		}
		d, err := time.ParseDuration(rest)
		return now.Add(d), err == nil && (rest[0] == '+' || rest[0] == '-')
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), true
	}
	return timeOfDay(s, now)
}

// timeOfDay reads 16:04 or 16:04:30 as a time of a day in UTC.
func timeOfDay(s string, day time.Time) (time.Time, bool) {
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			y, m, d := day.UTC().Date()
			return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, time.UTC), true
		}
	}
	return time.Time{}, false
}

// parseStep reads "16:04:00=10": from then on 10 % of the traffic go to the
// new version. A time of the day is the first of it at or after the start.
func parseStep(s string, start time.Time) (release.Step, bool) {
	when, weight, ok := strings.Cut(s, "=")
	if !ok {
		return release.Step{}, false
	}
	when = strings.TrimSpace(when)
	at, ok := parseInstant(when, start)
	if !ok || strings.HasPrefix(when, "now") {
		return release.Step{}, false
	}
	if _, daily := timeOfDay(when, start); daily && at.Before(start.Truncate(time.Minute)) {
		at = at.AddDate(0, 0, 1)
	}
	w, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(weight), "%"), 64)
	if err != nil || !(w >= 0 && w <= 100) {
		return release.Step{}, false
	}
	return release.Step{At: at, CompletedAt: at, Weight: w / 100}, true
}
