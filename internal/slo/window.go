package slo

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// calendar are the spans that OpenSLO has and Prometheus has not. Months,
// quarters and years are not all of one length: here they are 30, 90 and 365
// days, whether they roll or follow the calendar.
var calendar = map[string]time.Duration{"M": 30 * day, "Q": 90 * day, "Y": 365 * day}

// named are the units as v1alpha of OpenSLO writes them.
var named = map[string]time.Duration{
	"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": day,
	"week": 7 * day, "month": calendar["M"], "quarter": calendar["Q"], "year": calendar["Y"],
}

// shorthand is a number of calendar spans.
var shorthand = regexp.MustCompile(`^([0-9]{1,3})([MQY])$`)

// over returns the span over which an OpenSLO objective is meant, 0 where it
// does not say.
func (r *reader) over(spec object) time.Duration {
	name := "timeWindow"
	if !spec.Has(name) {
		name += "s" // v1alpha
	}
	if !spec.Has(name) {
		return 0
	}
	items := spec.list(name)
	if r.Err != nil {
		return 0
	}
	w := r.object(items[0], fmt.Sprintf("%s[0]", spec.Name(name)))
	if w.Has("unit") {
		unit, ok := named[strings.ToLower(w.text("unit"))]
		if !ok {
			r.Fail(w.At("unit"), "%s is %q; want Second, Minute, Hour, Day, Week, Month, Quarter or Year", w.Name("unit"), w.text("unit"))
		}
		return time.Duration(math.Round(w.Number("count", 1, 1000, 1))) * unit
	}
	if m := shorthand.FindStringSubmatch(w.text("duration")); m != nil {
		count, _ := strconv.Atoi(m[1]) // digits, by the expression
		return time.Duration(count) * calendar[m[2]]
	}
	return w.span("duration")
}
