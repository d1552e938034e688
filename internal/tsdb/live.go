package tsdb

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// A Live is a database that is written while it is asked, as a scraper does.
// It lives in memory and a temporary folder, and is gone when it is closed.
type Live struct {
	*DB
	head *tsdb.Head
}

// NewLive returns an empty database. The caller closes it.
func NewLive(o Options) (*Live, error) {
	db := newDB(o.withDefaults())
	head, err := db.openHead()
	if err != nil {
		return nil, err
	}
	return &Live{DB: db, head: head}, nil
}

// Appender takes samples, for a scraper.
func (l *Live) Appender(ctx context.Context) storage.Appender { return l.head.Appender(ctx) }

// Series returns how many series there are.
func (l *Live) Series() int { return int(l.head.NumSeries()) }

// WriteText writes the samples from one instant to another as OpenMetrics
// text with timestamps, series after series, in the order of their labels.
// Only metrics that keep names are written; nil keeps all. Native histograms
// have no such text and are left out.
func (l *Live) WriteText(ctx context.Context, w io.Writer, from, to time.Time, keep func(metric string) bool) error {
	q, err := l.queryable.Querier(from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	defer q.Close()
	all := labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, ".+")
	set := q.Select(ctx, true, nil, all)
	var series []storage.Series
	for set.Next() {
		if s := set.At(); keep == nil || keep(s.Labels().Get(model.MetricNameLabel)) {
			series = append(series, s)
		}
	}
	if err := set.Err(); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	slices.SortStableFunc(series, func(a, b storage.Series) int {
		return cmp.Or(cmp.Compare(a.Labels().Get(model.MetricNameLabel), b.Labels().Get(model.MetricNameLabel)), labels.Compare(a.Labels(), b.Labels()))
	})
	out := bufio.NewWriter(w)
	var it chunkenc.Iterator
	for _, s := range series {
		it = s.Iterator(it)
		writeSeries(out, s.Labels(), it)
		if err := it.Err(); err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
	}
	fmt.Fprintln(out, "# EOF")
	return out.Flush()
}

func writeSeries(out *bufio.Writer, ls labels.Labels, it chunkenc.Iterator) {
	head := headOf(ls)
	var line []byte
	for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
		if kind != chunkenc.ValFloat {
			continue
		}
		t, v := it.At()
		if value.IsStaleNaN(v) {
			continue
		}
		line = append(append(line[:0], head...), ' ')
		line = appendFloat(line, v)
		line = append(line, ' ')
		line = strconv.AppendFloat(line, float64(t)/1000, 'f', -1, 64)
		_, _ = out.Write(append(line, '\n')) // Flush tells
	}
}

// escape is how label values are written.
var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// headOf returns the name and the labels of a series as text.
func headOf(ls labels.Labels) string {
	var pairs []string
	ls.Range(func(l labels.Label) {
		if l.Name != model.MetricNameLabel {
			pairs = append(pairs, l.Name+`="`+escape.Replace(l.Value)+`"`)
		}
	})
	name := ls.Get(model.MetricNameLabel)
	if len(pairs) == 0 {
		return name
	}
	return name + "{" + strings.Join(pairs, ",") + "}"
}

func appendFloat(b []byte, v float64) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(b, "+Inf"...)
	case math.IsInf(v, -1):
		return append(b, "-Inf"...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}
