// Package capture takes the samples that frames are made of from a live
// Prometheus, as OpenMetrics text that the embedded database and promtool
// read.
//
// What the engine asks is what is taken: the queries of the frames are noted,
// and the selectors in them fetched as they were scraped, with as much of the
// time before as the first frame looks back. Memory is bounded by one answer:
// samples wait in files. Nothing is judged, and nothing is made up: where the
// source has no sample there is none.
package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// A Source is a live Prometheus.
type Source interface {
	engine.Querier
	// Raw returns the samples of a selector as they were scraped, after
	// at−window up to and including at.
	Raw(ctx context.Context, selector string, at time.Time, window time.Duration) ([]engine.Series, error)
}

// Options say what to take, and when. All but Delay and Progress must be
// given.
type Options struct {
	System     release.System // signals that are not given are discovered
	Start, End time.Time      // of the frames
	Now        func() time.Time
	Wait       func(ctx context.Context, until time.Time) error // blocks until an instant, or returns why it does not
	// Delay is how long after an instant its samples may still come; 0 means
	// the interval of the system.
	Delay time.Duration
	// Progress hears how far it has got; nil hears nothing.
	Progress func(until time.Time, samples int)
}

// A Capture holds samples on their way to a file. The caller closes it.
type Capture struct {
	w        *metricsWriter
	until    time.Time
	warnings []signal.Warning
}

// Until returns up to when samples were taken: the end that was asked for, or
// where it was interrupted.
func (c *Capture) Until() time.Time { return c.until }

// Samples returns how many samples were taken.
func (c *Capture) Samples() int { return c.w.samples }

// Series returns how many series were taken.
func (c *Capture) Series() int { return len(c.w.last) }

// Metrics returns the names of the metrics that were taken, sorted.
func (c *Capture) Metrics() []string { return slices.Sorted(maps.Keys(c.w.families)) }

// Warnings returns what a replay of the samples will not see.
func (c *Capture) Warnings() []signal.Warning { return c.warnings }

// Save writes the samples as OpenMetrics text, compressed by gzip.
func (c *Capture) Save(out io.Writer) error {
	if err := c.w.write(out); err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	return nil
}

// Close frees what waits in files.
func (c *Capture) Close() error { return c.w.close() }

// How much time is asked for at once, while it lies in the past and while it
// passes: what has passed since the last chunk is lost when a capture is
// interrupted. A chunk that is too big is halved, down to a least time.
const (
	chunkTime   = 10 * time.Minute
	runningTime = 30 * time.Second
	leastTime   = 10 * time.Second

	againAfter = 10 * time.Second
	patience   = 5 * time.Minute
)

// Take takes samples from a source, as they come where the end lies ahead.
// When the context ends, what was taken so far is returned, and no error.
func Take(ctx context.Context, src Source, o Options) (*Capture, error) {
	if o.Delay == 0 {
		o.Delay = o.System.Interval
	}
	c := &work{src: src, Options: o, owner: map[string]int{}, live: o.End.After(o.Now())}
	if err := c.plan(ctx); err != nil {
		return nil, err
	}
	var err error
	if c.w, err = newMetricsWriter(); err != nil {
		return nil, err
	}
	err = c.run(ctx)
	if err == nil && c.w.samples == 0 {
		err = &emptyError{native: len(c.w.native)}
	}
	if err != nil {
		c.w.close()
		return nil, err
	}
	c.caveats()
	return &Capture{w: c.w, until: c.until, warnings: c.warnings}, nil
}

// work is one run of Take.
type work struct {
	Options
	src       Source
	w         *metricsWriter
	selectors []picked
	reach     time.Duration // how far before an instant its frame looks
	owner     map[string]int
	until     time.Time
	live      bool // the end lies ahead
	warnings  []signal.Warning
}

// run takes chunk after chunk, as soon as its samples can be there. What
// fails while the time passes is tried again until patience after the end:
// the samples wait at the source.
func (c *work) run(ctx context.Context) error {
	from := c.Start.Add(-c.reach)
	for c.until = c.Start; from.Before(c.End); {
		to := c.next(from)
		if !c.reached(ctx, to.Add(c.Delay)) {
			return nil
		}
		err := c.take(ctx, from, to)
		switch {
		case over(ctx):
			return nil
		case err != nil && c.live && c.Now().Before(c.End.Add(patience)):
			c.warn("source-failed", fmt.Sprintf("the source did not answer at some time, and was asked again later: %v", err))
			c.reached(ctx, c.Now().Add(againAfter))
			continue
		case err != nil:
			return err
		}
		from, c.until = to, to
		if c.Progress != nil {
			c.Progress(to, c.w.samples)
		}
	}
	return nil
}

// reached waits for an instant; false when it is interrupted, and what there
// is is to be kept.
func (c *work) reached(ctx context.Context, at time.Time) bool { return c.Wait(ctx, at) == nil }

func over(ctx context.Context) bool { return ctx.Err() != nil }

// next returns the end of the chunk that begins at an instant: as much as
// there is of the past, and little of what passes.
func (c *work) next(from time.Time) time.Time {
	to := from.Add(chunkTime)
	if ready := c.Now().Add(-c.Delay); to.After(ready) {
		to = ready
		if least := from.Add(runningTime); to.Before(least) {
			to = least
		}
	}
	if to.After(c.End) {
		to = c.End
	}
	return to
}

func (c *work) warn(code, text string) {
	w := signal.Warning{Code: code, Text: text}
	if !slices.Contains(c.warnings, w) {
		c.warnings = append(c.warnings, w)
	}
}

// take takes all selectors of one span of time. Nothing of it is kept when
// one of them fails, so that the recording ends alike for all.
func (c *work) take(ctx context.Context, from, to time.Time) error {
	got := make([][]engine.Series, len(c.selectors))
	for i, s := range c.selectors {
		series, err := c.fetch(ctx, s.text, from, to)
		if err != nil {
			return err
		}
		got[i] = c.own(i, series)
	}
	for _, series := range got {
		if err := c.w.add(series); err != nil {
			return err
		}
	}
	return nil
}

// fetch asks for one selector, in halves where the answer is too big.
func (c *work) fetch(ctx context.Context, selector string, from, to time.Time) ([]engine.Series, error) {
	series, err := c.src.Raw(ctx, selector, to, to.Sub(from))
	var big interface{ TooMuch() bool }
	if err == nil || !errors.As(err, &big) || !big.TooMuch() || to.Sub(from) < 2*leastTime {
		return series, err
	}
	middle := from.Add(to.Sub(from) / 2)
	first, err := c.fetch(ctx, selector, from, middle)
	if err != nil {
		return nil, err
	}
	second, err := c.fetch(ctx, selector, middle, to)
	return append(first, second...), err
}

// own leaves out series that another selector picks as well.
func (c *work) own(selector int, series []engine.Series) []engine.Series {
	return slices.DeleteFunc(series, func(s engine.Series) bool {
		text := seriesText(s.Labels)
		first, known := c.owner[text]
		if !known {
			c.owner[text] = selector
		}
		return known && first != selector
	})
}

// caveats says what a replay will not see.
func (c *work) caveats() {
	if len(c.w.native) > 0 {
		c.warn("native-histograms", fmt.Sprintf(
			"the native histograms of %s are left out: the API tells their buckets, and OpenMetrics text wants their layout; expose classic buckets beside them to have them in recordings",
			strings.Join(slices.Sorted(maps.Keys(c.w.native)), ", ")))
	}
	if c.w.odd > 0 {
		c.warn("odd-labels", "series with a zero byte in a label are left out: no parser of OpenMetrics reads them")
	}
}

// An emptyError is a time in which the source has no sample of what was
// asked.
type emptyError struct{ native int }

func (e *emptyError) Error() string {
	if e.native > 0 {
		return "there is nothing but native histograms, which OpenMetrics text cannot hold"
	}
	return "there is no sample of this service and its cohorts in this time"
}

// Hint says the mend.
func (e *emptyError) Hint() string {
	return "try the matchers in Prometheus, such as up{service=\"cart\"}; 'foreshock init' prints the services and cohorts that it finds"
}
