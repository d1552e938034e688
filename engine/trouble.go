package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/signal"
)

// trouble is what a live run remembers of answers that did not come.
type trouble struct {
	since   map[string]time.Time // by want: the first frame without an answer
	down    time.Time            // the first of the frames in a row in which nothing was answered
	turn    int                  // the request to begin with
	slow    bool                 // the last frame took an interval or more to be answered, or not to be
	skipped int                  // frames
	stall   string               // the last frames that were skipped
}

func (t *trouble) skip(from, to time.Time, n int) {
	t.skipped += n
	why := "the clock ran ahead of them, as after a pause of the machine"
	if t.slow {
		why = "the metrics source took longer to answer than a frame lasts"
	}
	t.stall = fmt.Sprintf("%d frames were skipped, the last ones from %s to %s: %s", t.skipped, stamp(from), stamp(to), why)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// note keeps the warnings about what is not answered.
func (r *run) note(at time.Time, answers []answer) {
	t := &r.trouble
	since := map[string]time.Time{}
	longest, worst := at, error(nil)
	for _, a := range answers {
		if a.err == nil {
			continue
		}
		since[a.query] = at
		if before, ok := t.since[a.query]; ok {
			since[a.query] = before
		}
		if worst == nil || since[a.query].Before(longest) {
			longest, worst = since[a.query], a.err
		}
	}
	t.since = since
	r.passing = nil
	if t.skipped > 0 {
		r.passing = append(r.passing, signal.Warning{Code: "frames-skipped", Text: t.stall})
	}
	if len(answers) == 0 && r.blank != nil { // not even what there is to ask is known
		worst = r.blank
	}
	switch {
	case worst == nil || len(since) < len(answers):
		t.down = time.Time{}
	case t.down.IsZero():
		t.down = at
	}
	lack, lacks := r.nothing()
	switch {
	case !t.down.IsZero():
		r.passing = append(r.passing, signal.Warning{Code: "source-unreachable", Text: fmt.Sprintf("the metrics source has not answered since %s: %s", stamp(t.down), brief(worst))})
	case lacks && len(r.o.Besides) == 0:
		r.passing = append(r.passing, signal.Warning{Code: "nothing-discovered", Text: lack})
	case len(since) > 0:
		r.passing = append(r.passing, signal.Warning{Code: "query-failed", Text: fmt.Sprintf("no answer since %s to queries of %s: %s", stamp(longest), r.unanswered(), brief(worst))})
	}
}

// unanswered names the signals of which something was not answered.
func (r *run) unanswered() string {
	var names []string
	for _, t := range r.trackers {
		if t != nil && t.unanswered(r) && !slices.Contains(names, t.sig.Name) {
			names = append(names, t.sig.Name)
		}
	}
	if more := len(names) - 3; more > 0 {
		return fmt.Sprintf("%s and %d more signals", strings.Join(names[:3], ", "), more)
	}
	return strings.Join(names, ", ")
}

// brief cuts an error short: it may carry a query of kilobytes. An error that
// knows its gist gives that: which of the queries came first says nothing.
func brief(err error) string {
	const most = 300
	text := err.Error()
	if known, ok := errors.AsType[interface {
		error
		Gist() string
	}](err); ok {
		text = known.Gist()
	}
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + " …"
}
