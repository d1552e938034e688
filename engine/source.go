// Package engine makes frames of the answers of a [Querier]: the embedded
// database of a recording and a live Prometheus alike.
//
// It fills in the queries of every service and cohort, asks for many of them
// at once where that gives the same answers, and cuts the answers into
// frames. Values come in base units, missing ones say why they are missing,
// and counts of observations never overlap between frames. A frame depends on
// no sample after its instant, nor on how many queries are asked at once.
//
// Live frames keep to the clock: what is not answered in time is not asked
// for in that frame, is said in a warning, and is asked for again in the next.
//
// It judges nothing; that is the work of the fold in package release.
package engine

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/foreshock/foreshock/baseline"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// A Querier answers PromQL over a range of time: the embedded database and a
// live Prometheus alike.
type Querier interface {
	// Range evaluates the query at from, from+step, … up to and including to.
	// Samples come sorted by time, series in the order of their labels. It
	// returns soon after ctx is done.
	//
	// What the data refuse gives [*EvaluationError], and counts as an empty
	// answer. Any other error, such as a source that cannot be reached or has
	// too much to do, says that there is no answer: nothing is known.
	Range(ctx context.Context, query string, from, to time.Time, step time.Duration) ([]Series, error)
}

// A Series is one time series of an answer.
type Series struct {
	Labels  map[string]string
	Samples []Sample
}

// A Sample is one value of a series, or one native histogram.
type Sample struct {
	At        time.Time
	Value     float64    // NaN when Histogram is set
	Histogram *Histogram // nil for a plain value
}

// A Histogram is a distribution of observations, of cumulative counts or of
// rates: Counts[i] of them are ≤ Upper[i].
type Histogram struct {
	Upper      []float64 // ascending bucket bounds; the last may be +Inf
	Counts     []float64 // cumulative
	Count, Sum float64
}

// Options tune a [Source]. Start must be given, and End for a replay.
type Options struct {
	Start, End time.Time // frames are at Start, Start + interval, … up to and including End; live, a zero End means without end
	Parallel   int       // queries asked at once; 0 means 2. The frames do not depend on it
	// Wait blocks until the frame at the instant may be asked, and is how live
	// frames keep to the clock: mostly until one interval after it, when all
	// samples have come. Its error ends the frames. Nil means that all data are
	// there: a replay.
	Wait func(ctx context.Context, at time.Time) error
	// Now is the clock that Wait keeps to, such as time.Now. With it, a live run
	// that was held up (a machine that slept) skips the frames that it is too
	// late for. Nil means that none is skipped.
	Now func() time.Time
	// Exposure says how far each release of the system has got at the instant
	// of a frame, and nothing of what came later. It is for live runs whose steps
	// are taken as they go; the system's steps are then the plan, of which the
	// weights count and the times do not. Releases beyond the length of the result, and all
	// if it is nil, go by their steps.
	Exposure func(at time.Time) []signal.Exposure
	// Normal says what is normal for a signal of a service at an instant, such
	// as a [baseline.Memory] does; readings carry it as Level and Spread. What it
	// says of an instant must not change while frames are taken. Nil means that
	// nothing is remembered.
	Normal baseline.Normal
	// Besides are signals that are asked beside those of the system or of the
	// catalogue, such as those of service-level objectives. Nil means none.
	Besides []signal.Signal

	unbatched bool // tests: ask everything by itself
}

// A Source makes frames of the answers of a [Querier].
type Source struct {
	querier   Querier
	sys       release.System
	exporters []Exporter // of the catalogue; none when the signals are given
	on        []bool     // by exporter: it was found
	exporter  []int      // by signal: of which exporter it was discovered
	o         Options
	asks      []ask
	warnings  []signal.Warning
	passing   []signal.Warning // what is wrong now and may be over in the next frame
}

// New plans what to ask of the querier. Where the system has no signals they
// are taken from the catalogue, and a signal whose query answers histograms
// becomes four; [Source.System] is the system with these signals.
//
// It asks the querier for what it needs to know of the data. An error of the
// querier is returned, live too: try again.
func New(ctx context.Context, q Querier, sys release.System, o Options) (*Source, error) {
	switch {
	case sys.Interval < time.Millisecond:
		return nil, fmt.Errorf("frames: the interval is %s; want one of at least 1ms", sys.Interval)
	case o.Wait != nil && o.End.IsZero():
		o.End = o.Start.AddDate(1000, 0, 0)
	case o.End.Before(o.Start):
		return nil, fmt.Errorf("frames: the end %s is before the start %s", o.End.Format(time.RFC3339), o.Start.Format(time.RFC3339))
	}
	if o.Parallel <= 0 {
		o.Parallel = 2
	}
	sys.Signals = slices.Clone(sys.Signals)
	s := &Source{querier: q, sys: sys, o: o}
	if len(sys.Signals) == 0 {
		if err := s.discover(ctx); err != nil {
			return nil, err
		}
	}
	s.beside()
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := s.expand(ctx); err != nil {
		return nil, err
	}
	s.asks = s.plan()
	return s, nil
}

// beside adds the signals that no exporter of the catalogue is behind.
func (s *Source) beside() {
	for _, sig := range s.o.Besides {
		s.sys.Signals = append(s.sys.Signals, sig)
		if s.exporter != nil {
			s.exporter = append(s.exporter, -1)
		}
	}
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

// Asked returns how many signals of the system are asked for now: those of
// exporters that are not there are not. It is not to be called while a frame
// is being taken.
func (s *Source) Asked() int {
	n := 0
	for i := range s.sys.Signals {
		if s.active(i) {
			n++
		}
	}
	return n
}

// Warnings returns what a reader of the frames must know. It grows while
// frames are taken; each warning stands once. Live, what was wrong with the
// last frame stands at the end, and goes when it is over: source-unreachable,
// query-failed, nothing-discovered. It is not to be called while a frame is
// being taken.
func (s *Source) Warnings() []signal.Warning { return slices.Concat(s.warnings, s.passing) }

// maxWarnings bounds what a run of weeks can gather.
const maxWarnings = 200

func (s *Source) warn(code, text string) {
	w := signal.Warning{Code: code, Text: text}
	if len(s.warnings) < maxWarnings && !slices.Contains(s.warnings, w) {
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
// samples at or before its instant.
//
// In a replay the first error ends the frames. Live, only the end of the
// context and an error of Wait do: what the querier does not answer within
// one interval is not asked for in that frame, its cells have no readings,
// and [Source.Warnings] says so until it is answered again.
func (s *Source) Frames(ctx context.Context) iter.Seq2[signal.Frame, error] {
	return func(yield func(signal.Frame, error) bool) {
		r := newRun(s)
		if s.o.Wait != nil {
			r.live(ctx, yield)
			return
		}
		r.replay(ctx, yield)
	}
}
