package engine

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// Options tune a [Source]. Start and End must be given.
type Options struct {
	Start, End time.Time // frames are at Start, Start + interval, … up to and including End
	Parallel   int       // queries asked at once; 0 means 2. The frames do not depend on it
	// Wait blocks until the frame at the instant may be asked, and is how live
	// frames keep to the clock. Nil means that all data are there: a replay.
	Wait func(ctx context.Context, at time.Time) error
	// Exposure says how far each release has got; nil takes it from the steps.
	Exposure func(at time.Time) []signal.Exposure
}

// chunk is how many frames are asked at once in a replay. It bounds memory;
// the frames do not depend on it.
const chunk = 256

// A Source makes frames of the answers of a [Querier].
type Source struct {
	querier    Querier
	sys        release.System
	discovered []bool // by signal: it exists only from its first sample
	o          Options
	asks       []ask
	warnings   []signal.Warning
}

// New plans what to ask of the querier. Where the system has no signals they
// are taken from the catalogue, and a signal whose query answers histograms
// becomes four; [Source.System] is the system with these signals.
func New(ctx context.Context, q Querier, sys release.System, o Options) (*Source, error) {
	switch {
	case sys.Interval < time.Millisecond:
		return nil, fmt.Errorf("frames: the interval is %s; want one of at least 1ms", sys.Interval)
	case o.End.Before(o.Start):
		return nil, fmt.Errorf("frames: the end %s is before the start %s", o.End.Format(time.RFC3339), o.Start.Format(time.RFC3339))
	}
	if o.Parallel <= 0 {
		o.Parallel = 2
	}
	sys.Signals = slices.Clone(sys.Signals)
	s := &Source{querier: q, sys: sys, o: o}
	if err := s.check(); err != nil {
		return nil, err
	}
	if len(sys.Signals) == 0 {
		if err := s.discover(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.expand(ctx); err != nil {
		return nil, err
	}
	s.asks = s.plan()
	return s, nil
}

// Frames returns the frames of a system, as [New] and [Source.Frames] do.
// It suits systems whose signals are given and are no histograms; for others
// the caller needs [Source.System].
func Frames(ctx context.Context, q Querier, sys release.System, o Options) iter.Seq2[signal.Frame, error] {
	s, err := New(ctx, q, sys, o)
	if err != nil {
		return func(yield func(signal.Frame, error) bool) { yield(signal.Frame{}, err) }
	}
	return s.Frames(ctx)
}

// System returns the system that the frames refer to.
func (s *Source) System() release.System { return s.sys }

// Warnings returns what a reader of the frames must know. It grows while
// frames are taken; each warning stands once.
func (s *Source) Warnings() []signal.Warning { return slices.Clone(s.warnings) }

func (s *Source) warn(code, text string) {
	w := signal.Warning{Code: code, Text: text}
	if !slices.Contains(s.warnings, w) {
		s.warnings = append(s.warnings, w)
	}
}

// check refuses what could not be asked.
func (s *Source) check() error {
	for _, sig := range s.sys.Signals {
		if err := CheckTemplate(sig.Query); err != nil {
			return fmt.Errorf("signal %s: %w", sig.Name, err)
		}
		if sig.Limit.Query == "" {
			continue
		}
		if err := CheckTemplate(sig.Limit.Query); err != nil {
			return fmt.Errorf("limit of signal %s: %w", sig.Name, err)
		}
	}
	return nil
}

// Frames returns the frames from the first on. A frame depends only on
// samples at or before its instant. The first error ends the frames.
func (s *Source) Frames(ctx context.Context) iter.Seq2[signal.Frame, error] {
	return func(yield func(signal.Frame, error) bool) {
		r := newReplay(s)
		for from := s.o.Start; !from.After(s.o.End); {
			n, err := s.ready(ctx, from)
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
				from = from.Add(s.sys.Interval)
			}
		}
	}
}

// ready returns how many frames from an instant on can be asked now: all up
// to the size of a chunk in a replay, one when live.
func (s *Source) ready(ctx context.Context, from time.Time) (int, error) {
	if s.o.Wait != nil {
		return 1, s.o.Wait(ctx, from)
	}
	left := s.o.End.Sub(from)/s.sys.Interval + 1
	return int(min(left, chunk)), context.Cause(ctx)
}

// replay is the state of one run over the frames.
type replay struct {
	*Source
	queries  []string // distinct
	index    map[string]int
	priming  []bool // by query: asked one step early, to count from there
	trackers []*tracker
	counters map[string]*counter
	answers  map[string][]*cursor
	first    bool
}

func newReplay(s *Source) *replay {
	r := &replay{Source: s, index: map[string]int{}, counters: map[string]*counter{}, first: true}
	for _, a := range s.asks {
		sig := s.sys.Signals[a.signal]
		t := newTracker(a, sig, s)
		r.trackers = append(r.trackers, t)
		r.add(a.query, false)
		r.add(a.limit, false)
		for _, q := range slices.Concat(t.counting.n, t.counting.events) {
			r.counters[q] = newCounter()
			r.add(q, true)
		}
	}
	return r
}

func (r *replay) add(query string, raw bool) {
	if query == "" {
		return
	}
	at, ok := r.index[query]
	if !ok {
		at = len(r.queries)
		r.index[query] = at
		r.queries, r.priming = append(r.queries, query), append(r.priming, false)
	}
	r.priming[at] = r.priming[at] || raw
}

// ask evaluates every query over the next n frames.
func (r *replay) ask(ctx context.Context, from time.Time, n int) error {
	to := from.Add(time.Duration(n-1) * r.sys.Interval)
	series, err := r.evaluate(ctx, from, to)
	if err != nil {
		return err
	}
	r.answers = map[string][]*cursor{}
	for i, q := range r.queries {
		r.answers[q] = newCursors(series[i])
	}
	if r.first {
		r.first = false
		r.count(from.Add(-r.sys.Interval))
	}
	return nil
}

// count advances every counter to an instant.
func (r *replay) count(at time.Time) {
	for q, c := range r.counters {
		c.advance(r.answers[q], at)
	}
}

func (r *replay) frame(at time.Time) signal.Frame {
	r.count(at)
	f := signal.Frame{At: at, Exposure: exposures(r.sys, at)}
	if r.o.Exposure != nil {
		f.Exposure = r.o.Exposure(at)
	}
	for _, t := range r.trackers {
		if cell, ok := t.cell(r, at); ok {
			f.Cells = append(f.Cells, cell)
		}
	}
	return f
}

// limit returns the limit of a cell in base units; NaN when there is none.
// Of several answers the lowest counts.
func (r *replay) limit(a ask, at time.Time) float64 {
	sig := r.sys.Signals[a.signal]
	switch {
	case !sig.Limit.Set:
		return math.NaN()
	case a.limit == "":
		return sig.Limit.Value
	}
	lowest := math.NaN()
	for _, c := range r.answers[a.limit] {
		if s, ok := c.at(at); ok && !(s.Value >= lowest) && !math.IsInf(s.Value, 0) {
			lowest = s.Value
		}
	}
	return lowest * sig.Unit.Scale
}

// evaluate asks all queries, some at once, and returns the answers in the
// order of the queries. The first error in that order counts.
func (r *replay) evaluate(ctx context.Context, from, to time.Time) ([][]Series, error) {
	series, errs := make([][]Series, len(r.queries)), make([]error, len(r.queries))
	next, done := make(chan int), make(chan struct{})
	for range r.o.Parallel {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range next {
				start := from
				if r.first && r.priming[i] {
					start = from.Add(-r.sys.Interval)
				}
				series[i], errs[i] = r.querier.Range(ctx, r.queries[i], start, to, r.sys.Interval)
			}
		}()
	}
	for i := range r.queries {
		next <- i
	}
	close(next)
	for range r.o.Parallel {
		<-done
	}
	for i, err := range errs {
		if isRefused(err) {
			series[i], err = r.stepwise(ctx, r.queries[i], from, to)
		}
		if err != nil {
			return nil, err
		}
	}
	return series, nil
}

// stepwise asks a query frame by frame, when the data refuse it somewhere:
// what they refuse later must not take away what they answered before.
func (r *replay) stepwise(ctx context.Context, query string, from, to time.Time) ([]Series, error) {
	var out []Series
	index := map[string]int{}
	for t := from; !t.After(to); t = t.Add(r.sys.Interval) {
		series, err := r.querier.Range(ctx, query, t, t, r.sys.Interval)
		if isRefused(err) {
			r.warn("query-refused", fmt.Sprintf("at some frames there is no answer to a query: %v", err))
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, s := range series {
			k := key(s.Labels, names(s.Labels))
			at, ok := index[k]
			if !ok {
				at, index[k] = len(out), len(out)
				out = append(out, Series{Labels: s.Labels})
			}
			out[at].Samples = append(out[at].Samples, s.Samples...)
		}
	}
	return out, nil
}
