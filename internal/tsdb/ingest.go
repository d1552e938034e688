package tsdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// commitEvery is how many samples are appended in one go: enough that the
// cost of a commit is lost, little enough to stay in the cache.
const commitEvery = 20_000

// ingest reads one text into one head.
//
// The text is parsed in chunks of whole lines, each by a parser of its own,
// so that memory does not grow with the file. What a parser remembers from
// earlier lines is the type of the metric; that line is repeated in front.
type ingest struct {
	head    *tsdb.Head
	app     storage.AppenderV2
	name    string
	o       Options
	symbols *labels.SymbolTable
	text    *lines
	// known finds a series by its text as it stands in the file; last holds
	// the time of the last sample of each. Two texts may be one series.
	known   map[string]storage.SeriesRef
	last    map[storage.SeriesRef]int64
	typ     []byte // the last # TYPE line, with its newline
	samples int
	pending int
}

func newIngest(head *tsdb.Head, name string, o Options) *ingest {
	return &ingest{
		head: head, name: name, o: o, symbols: labels.NewSymbolTable(),
		known: map[string]storage.SeriesRef{}, last: map[storage.SeriesRef]int64{},
	}
}

func (in *ingest) series() int { return len(in.last) }

func (in *ingest) run(ctx context.Context, r io.Reader) error {
	text, err := newLines(r, in.name, in.o.MaxBytes)
	if err != nil {
		return err
	}
	defer text.close()
	in.text = text
	in.app = in.head.AppenderV2(ctx)
	for {
		chunk, err := text.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = in.chunk(ctx, chunk)
		}
		if err != nil {
			in.app.Rollback() //nolint:errcheck // the first error says more
			return err
		}
	}
	if err := in.app.Commit(); err != nil {
		return fmt.Errorf("%s: keep samples: %w", in.name, err)
	}
	if in.samples == 0 {
		return &FileError{File: in.name, Line: text.line, Msg: "there is no sample; want lines 'name{label=\"value\"} value timestamp'"}
	}
	return nil
}

var (
	eof       = []byte("# EOF\n")
	composite = []byte(" {count:")
)

// chunk parses whole lines and appends their samples.
func (in *ingest) chunk(ctx context.Context, chunk []byte) error {
	if in.text.done {
		if err := in.checkEnd(chunk); err != nil {
			return err
		}
	}
	b := make([]byte, 0, len(in.typ)+len(chunk)+len(eof))
	b = append(append(b, in.typ...), chunk...)
	if !in.text.done {
		b = append(b, eof...)
	} else if b[len(b)-1] != '\n' {
		b = append(b, '\n')
	}
	p := newParser(b, in.symbols)
	skip := 0
	if len(in.typ) > 0 {
		skip = 1
	}
	entries := -skip // entries of the chunk before this one
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && entry == textparse.EntrySeries {
			err = in.sample(ctx, p)
		} else if err == nil && entry == textparse.EntryHistogram {
			err = in.histogram(ctx, p)
		}
		if err != nil {
			return in.locate(err, chunk, entries)
		}
		entries++
	}
	in.text.line += bytes.Count(chunk, newline)
	in.rememberType(chunk)
	return context.Cause(ctx)
}

// newParser picks OpenMetrics 1, or 2 where a line has a composite value (a
// native histogram).
func newParser(b []byte, symbols *labels.SymbolTable) textparse.Parser {
	if bytes.Contains(b, composite) {
		return textparse.NewOpenMetrics2Parser(b, symbols, textparse.ParserOptions{})
	}
	return textparse.NewOpenMetricsParser(b, symbols)
}

// checkEnd refuses text that does not end in # EOF: it may be cut short, and
// samples that are not there would be taken for a service that fell silent.
func (in *ingest) checkEnd(last []byte) error {
	if bytes.HasSuffix(bytes.TrimRight(last, "\n"), []byte("# EOF")) {
		return nil
	}
	return &FileError{
		File: in.name, Line: in.text.line + bytes.Count(bytes.TrimRight(last, "\n"), newline) + 1,
		Msg: "the last line is not # EOF, so the file may be cut short; copy it again, or append the line '# EOF' when it is whole",
	}
}

func (in *ingest) rememberType(chunk []byte) {
	mark := []byte("# TYPE ")
	at := bytes.LastIndex(chunk, append([]byte("\n"), mark...)) + 1
	if at > 0 || bytes.HasPrefix(chunk, mark) {
		line, _, _ := bytes.Cut(chunk[at:], newline)
		in.typ = append(append(in.typ[:0], line...), '\n')
	}
}

// sample appends the plain value the parser stands on.
func (in *ingest) sample(ctx context.Context, p textparse.Parser) error {
	text, at, value := p.Series()
	return in.append(ctx, p, text, at, value, nil, nil)
}

func (in *ingest) histogram(ctx context.Context, p textparse.Parser) error {
	text, at, h, fh := p.Histogram()
	return in.append(ctx, p, text, at, 0, h, fh)
}

func (in *ingest) append(ctx context.Context, p textparse.Parser, text []byte, at *int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram) error {
	if at == nil {
		return errors.New("the sample has no timestamp; write it behind the value, in seconds")
	}
	ref, ok := in.known[string(text)]
	var ls labels.Labels
	if ok {
		if err := in.inOrder(ref, *at, text); err != nil {
			return err
		}
	} else {
		p.Labels(&ls)
		if name, twice := ls.HasDuplicateLabelNames(); twice {
			return fmt.Errorf("label %s stands twice", name)
		}
	}
	got, err := in.app.Append(ref, ls, 0, *at, v, h, fh, storage.AOptions{})
	if err != nil {
		return err
	}
	if !ok {
		if _, seen := in.last[got]; seen { // the same labels in another order
			if err := in.inOrder(got, *at, text); err != nil {
				return err
			}
		}
		in.known[string(text)] = got
	}
	in.last[got] = *at
	return in.count(ctx)
}

// inOrder refuses a sample that is not after the last of its series.
func (in *ingest) inOrder(ref storage.SeriesRef, at int64, text []byte) error {
	switch last := in.last[ref]; {
	case at == last:
		return fmt.Errorf("series %s has two samples at %s; drop one", text, stamp(at))
	case at < last:
		return fmt.Errorf("series %s goes back in time, from %s to %s; sort each series by time", text, stamp(last), stamp(at))
	}
	return nil
}

// stamp prints a time as it stands in the file.
func stamp(ms int64) string {
	return strings.TrimSuffix(fmt.Sprintf("%d.%03d", ms/1000, ms%1000), ".000") +
		" (" + time.UnixMilli(ms).UTC().Format(time.RFC3339) + ")"
}

// count holds the limits and commits now and then.
func (in *ingest) count(ctx context.Context) error {
	in.samples++
	in.pending++
	if in.samples > in.o.MaxSamples {
		return fmt.Errorf("more than %d samples; record a shorter time or fewer series, or raise the limit", in.o.MaxSamples)
	}
	if len(in.last) > in.o.MaxSeries {
		return fmt.Errorf("more than %d series; record fewer, or raise the limit", in.o.MaxSeries)
	}
	if in.pending < commitEvery {
		return nil
	}
	in.pending = 0
	if err := in.app.Commit(); err != nil {
		return fmt.Errorf("keep samples: %w", err)
	}
	in.app = in.head.AppenderV2(ctx)
	return nil
}

// locate finds the line of a fault: the parser does not say it. It parses
// line by line until as many entries have passed. Slow, but done once.
func (in *ingest) locate(cause error, chunk []byte, entries int) error {
	line := 0
	for text := range bytes.Lines(chunk) {
		line++
		if bytes.HasPrefix(text, []byte("# TYPE ")) {
			in.typ = append(in.typ[:0], text...)
		}
		n, err := entriesIn(in.typ, text, in.symbols)
		if entries -= n; entries < 0 || err != nil {
			break
		}
	}
	msg := cause.Error()
	if number, ok := errors.AsType[*strconv.NumError](cause); ok {
		msg = fmt.Sprintf("%q is not a number", number.Num)
	}
	if at := strings.Index(msg, " while parsing: "); at >= 0 {
		msg = msg[:at]
	}
	return &FileError{File: in.name, Line: in.text.line + line, Msg: msg}
}

// entriesIn returns how many entries one line has; the error is that of the
// line alone.
func entriesIn(typ, line []byte, symbols *labels.SymbolTable) (int, error) {
	if bytes.Equal(bytes.TrimRight(line, "\n"), bytes.TrimRight(eof, "\n")) {
		return 0, nil
	}
	b := bytes.Join([][]byte{typ, bytes.TrimRight(line, "\n"), newline, eof}, nil)
	skip := min(len(typ), 1)
	p := newParser(b, symbols)
	for n := 0; ; n++ {
		if _, err := p.Next(); errors.Is(err, io.EOF) {
			return n - skip, nil
		} else if err != nil {
			return n - skip, err
		}
	}
}
