package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/foreshock/foreshock/signal"
)

// chunk is how many frames are asked at once in a replay. It bounds memory;
// the frames do not depend on it.
const chunk = 256

// A run is one pass over the frames.
type run struct {
	*Source
	trackers []*tracker // by ask; nil as long as nothing is asked for it
	tells    []bool     // by service and exporter: whether that has told something of it
	requests []request
	counters map[string]*counter
	answers  map[string][]*cursor // by want
	failed   map[string]bool      // wants without an answer in this frame; live only
	first    bool                 // nothing was asked yet
	blank    error                // why it is not known whether there are exporters; live only
	since    int                  // frames since exporters were looked for; live only
	trouble  trouble
}

// A request is one query to be asked.
type request struct {
	query string
	raw   bool   // it counts, and is asked one step early to count from there
	batch *batch // the wants among which its answer is shared out; nil when it is itself one
}

// An answer is what one want got.
type answer struct {
	query    string
	series   []Series
	err      error // there is none
	warnings []signal.Warning
}

func newRun(s *Source) *run {
	r := &run{Source: s, counters: map[string]*counter{}, first: true, trackers: make([]*tracker, len(s.asks))}
	r.prepare()
	return r
}

// prepare makes the trackers of all signals that are asked for now, and the
// requests that serve them.
func (r *run) prepare() {
	var wants []want
	for i, a := range r.asks {
		if !r.active(a.signal) {
			continue
		}
		if r.trackers[i] == nil {
			r.trackers[i] = newTracker(r.Source, a)
		}
		t := r.trackers[i]
		wants = append(wants, t.value())
		if t.limit != "" {
			wants = append(wants, want{query: t.limit})
		}
		for _, w := range t.counts() {
			if r.counters[w.query] == nil {
				r.counters[w.query] = newCounter()
			}
			wants = append(wants, w)
		}
	}
	if r.o.unbatched {
		for i := range wants {
			wants[i].template = ""
		}
	}
	r.requests = batched(wants)
}

// replay yields the frames of a range whose data are all there.
func (r *run) replay(ctx context.Context, yield func(signal.Frame, error) bool) {
	for from := r.o.Start; !from.After(r.o.End); {
		n := int(min(r.o.End.Sub(from)/r.sys.Interval+1, chunk))
		err := context.Cause(ctx)
		if err == nil {
			err = r.ask(ctx, from, n)
		}
		if err != nil {
			yield(signal.Frame{}, err)
			return
		}
		for range n {
			if !yield(r.frame(from), nil) {
				return
			}
			from = from.Add(r.sys.Interval)
		}
	}
}

// ask gets every answer for the next n frames. In a replay a missing one is
// an error.
func (r *run) ask(ctx context.Context, from time.Time, n int) error {
	to := from.Add(time.Duration(n-1) * r.sys.Interval)
	// The last answers go before the next ones come: both are never held.
	r.answers, r.failed = map[string][]*cursor{}, map[string]bool{}
	answers := r.evaluate(ctx, from, to)
	for _, a := range answers {
		for _, w := range a.warnings {
			r.warn(w.Code, w.Text)
		}
		switch {
		case a.err == nil:
			r.answers[a.query] = newCursors(a.series)
		case r.o.Wait == nil:
			return a.err
		default:
			r.failed[a.query] = true
		}
	}
	if r.o.Wait != nil {
		r.note(from, answers)
	}
	if r.first {
		r.first = false
		r.count(from.Add(-r.sys.Interval))
	}
	return nil
}

// evaluate asks all requests, some at once, and returns the answers in the
// order of the requests.
func (r *run) evaluate(ctx context.Context, from, to time.Time) []answer {
	answers := make([][]answer, len(r.requests))
	next, done := make(chan int), make(chan struct{})
	for range r.o.Parallel {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range next {
				answers[i] = r.get(ctx, r.requests[i], from, to)
			}
		}()
	}
	turn := r.trouble.turn
	for k := range r.requests {
		next <- (turn + k) % len(r.requests)
	}
	close(next)
	for range r.o.Parallel {
		<-done
	}
	// What came too late now comes first next time.
	for k := range r.requests {
		i := (turn + k) % len(r.requests)
		if ctx.Err() != nil && slices.ContainsFunc(answers[i], func(a answer) bool { return a.err != nil }) {
			r.trouble.turn = i
			break
		}
	}
	return slices.Concat(answers...)
}

// get asks one request. Where a batch is refused it is asked for in halves:
// what the data of one release spoil must not be lost for the others.
func (r *run) get(ctx context.Context, q request, from, to time.Time) []answer {
	start := from
	if r.first && q.raw {
		start = from.Add(-r.sys.Interval)
	}
	var series []Series
	err := context.Cause(ctx)
	if err == nil {
		series, err = r.querier.Range(ctx, q.query, start, to, r.sys.Interval)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	switch {
	case q.batch == nil && isRefused(err) && start.Equal(to):
		return []answer{{query: q.query, warnings: []signal.Warning{refused(err)}}}
	case q.batch == nil && isRefused(err):
		return []answer{r.stepwise(ctx, q.query, from, to)}
	case q.batch == nil:
		return []answer{{query: q.query, series: series, err: err}}
	case isRefused(err), err != nil && r.o.Wait == nil && ctx.Err() == nil:
		var out []answer
		for _, half := range q.batch.halves() {
			half.raw = q.raw
			out = append(out, r.get(ctx, half, from, to)...)
		}
		return out
	}
	out := make([]answer, len(q.batch.members))
	for i, part := range q.batch.route(series) {
		out[i] = answer{query: q.batch.members[i].query, series: part, err: err}
	}
	return out
}

// maxBehind is how many intervals a frame may be late when it is asked for:
// one is usual, for samples to come in; more come of a stall.
const maxBehind = 4

// live yields frames as their time comes, until the context ends.
func (r *run) live(ctx context.Context, yield func(signal.Frame, error) bool) {
	for at := r.o.Start; !at.After(r.o.End); at = at.Add(r.sys.Interval) {
		err := r.o.Wait(ctx, at)
		if err == nil {
			err = context.Cause(ctx)
		}
		if n := r.behind(at); n > 0 && err == nil {
			at = at.Add(time.Duration(n-1) * r.sys.Interval)
			continue
		}
		asked := r.clock()
		if err == nil {
			err = r.tick(ctx, at)
		}
		if err != nil {
			yield(signal.Frame{}, err)
			return
		}
		f := r.frame(at)
		r.answers = nil // nothing is held while it waits
		r.trouble.slow = r.clock().Sub(asked) >= r.sys.Interval
		if !yield(f, nil) {
			return
		}
	}
}

// clock is what time it is; the zero time when nobody says.
func (r *run) clock() time.Time {
	if r.o.Now == nil {
		return time.Time{}
	}
	return r.o.Now()
}

// behind returns how many frames from one on are to be skipped, because they
// are too late by now: all but the last two.
func (r *run) behind(at time.Time) int {
	if r.o.Now == nil {
		return 0
	}
	late := r.o.Now().Sub(at)
	if late <= maxBehind*r.sys.Interval {
		return 0
	}
	n := int(late/r.sys.Interval) - 1
	r.trouble.skip(at, at.Add(time.Duration(n-1)*r.sys.Interval), n)
	return n
}

// tick asks for one frame. What is not answered within an interval is given
// up: the next frame is due.
func (r *run) tick(ctx context.Context, at time.Time) error {
	in, cancel := context.WithTimeoutCause(ctx, r.sys.Interval, fmt.Errorf("no answer within one interval (%s)", r.sys.Interval))
	defer cancel()
	if err := r.ask(in, at, 1); err != nil {
		return err
	}
	every := redetect
	if _, nothing := r.nothing(); nothing {
		every = eager // a server that has just started has its first samples soon
	}
	if r.since++; r.since >= every {
		r.look(in, at)
	}
	return context.Cause(ctx)
}

// look looks for exporters that are new. Without an answer it is done again
// with the next frame.
func (r *run) look(ctx context.Context, at time.Time) {
	before := slices.Clone(r.on)
	if r.blank = r.detect(ctx, at, at); r.blank != nil {
		return
	}
	r.since = 0
	if !slices.Equal(before, r.on) {
		r.prepare()
	}
}

// count advances every counter to an instant. One without an answer stays
// where it was, and counts on from there.
func (r *run) count(at time.Time) {
	for q, c := range r.counters {
		c.advance(r.answers[q], at)
	}
}

// frame cuts one frame out of the answers.
func (r *run) frame(at time.Time) signal.Frame {
	r.count(at)
	f := signal.Frame{At: at, Exposure: r.exposures(at)}
	for _, t := range r.trackers {
		if t == nil {
			continue
		}
		if cell, ok := t.cell(r, at, f.Exposure); ok && !r.told(cell) {
			f.Cells = append(f.Cells, cell)
		}
	}
	return r.recall(f)
}

// told says whether another exporter tells the same of a cell's service, and notes who
// tells of which: who comes first in the catalogue does so first.
func (r *run) told(c signal.Cell) bool {
	if !r.discovered(c.Signal) {
		return false
	}
	e := r.exporter[c.Signal]
	at := func(exporter int) int { return c.Service*len(r.exporters) + exporter }
	if r.tells == nil {
		r.tells = make([]bool, len(r.sys.Services)*len(r.exporters))
	}
	for _, id := range r.exporters[e].Unless {
		other := slices.IndexFunc(r.exporters, func(x Exporter) bool { return x.ID == id })
		if other >= 0 && r.tells[at(other)] {
			return true
		}
	}
	r.tells[at(e)] = r.tells[at(e)] || slices.ContainsFunc(c.Readings, func(x signal.Reading) bool { return x.Presence == signal.Present })
	return false
}
