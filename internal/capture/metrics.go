package capture

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/scratch"
)

// maxText is the most text that is written: no more could be read again.
const maxText = 1 << 30

// A metricsWriter writes samples as OpenMetrics text that internal/tsdb and
// promtool read. Samples of one series come in the order of time; those of
// several may come in any. It holds none of them: each metric has a file of
// its own until the end, so that its samples stand together.
//
// No types are written: they change no answer, and would spell the bounds of
// histograms in another way than the server does.
type metricsWriter struct {
	dir      *scratch.Folder
	families map[string]string // by name of the metric, the path of its file
	last     map[string]int64  // by text of the series, the time of its last sample in ms
	samples  int
	size     int64           // of the text so far
	native   map[string]bool // metrics of which native histograms were left out
	odd      int             // series left out, whose labels cannot be written
	buf      bytes.Buffer
}

func newMetricsWriter() (*metricsWriter, error) {
	dir, err := scratch.New("record")
	if err != nil {
		return nil, fmt.Errorf("make a folder for samples on their way: %w", err)
	}
	return &metricsWriter{dir: dir, families: map[string]string{}, last: map[string]int64{}, native: map[string]bool{}}, nil
}

// add appends the samples that are new.
func (w *metricsWriter) add(series []engine.Series) error {
	byName := map[string][]engine.Series{}
	for _, s := range series {
		name := s.Labels[model.MetricNameLabel]
		byName[name] = append(byName[name], s)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		w.buf.Reset()
		for _, s := range byName[name] {
			w.lines(s)
		}
		if w.size += int64(w.buf.Len()); w.size > maxText {
			return fmt.Errorf("more than %d MiB of text; record a shorter time, or fewer series by narrower matchers", maxText>>20)
		}
		if err := w.spill(name); err != nil {
			return fmt.Errorf("keep samples on their way: %w", err)
		}
	}
	return nil
}

// lines writes the samples of a series that are later than its last one.
func (w *metricsWriter) lines(s engine.Series) {
	text := seriesText(s.Labels)
	if strings.ContainsRune(text, 0) { // no parser of OpenMetrics reads it
		w.odd++
		return
	}
	last, known := w.last[text]
	for _, v := range s.Samples {
		ms := v.At.UnixMilli()
		switch {
		case v.Histogram != nil:
			w.native[s.Labels[model.MetricNameLabel]] = true
			continue
		case known && ms <= last:
			continue
		}
		w.buf.WriteString(text)
		w.buf.WriteByte(' ')
		w.buf.WriteString(strconv.FormatFloat(v.Value, 'g', -1, 64))
		w.buf.WriteByte(' ')
		w.buf.WriteString(stamp(ms))
		w.buf.WriteByte('\n')
		last, known = ms, true
		w.samples++
	}
	if known {
		w.last[text] = last
	}
}

// stamp writes milliseconds as seconds: 1772445600.25. Prometheus' parser
// multiplies by 1000 and cuts off what follows the point, by which a few
// times (1.003, and some of the year 2038) lose a millisecond: those get one
// digit more.
func stamp(ms int64) string {
	seconds := float64(ms) / 1000
	text := strconv.FormatFloat(seconds, 'f', -1, 64)
	if int64(seconds*1000) == ms {
		return text
	}
	return strconv.FormatFloat(seconds, 'f', 3, 64) + "1"
}

// spill appends what was written to the file of a metric.
func (w *metricsWriter) spill(name string) error {
	if w.buf.Len() == 0 {
		return nil
	}
	path, ok := w.families[name]
	if !ok {
		path = filepath.Join(w.dir.Path, strconv.Itoa(len(w.families)))
		w.families[name] = path
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(w.buf.Bytes())
	return errors.Join(err, f.Close())
}

// write puts everything together, compressed, with the last line of
// OpenMetrics.
func (w *metricsWriter) write(out io.Writer) error {
	z := gzip.NewWriter(out)
	for _, name := range slices.Sorted(maps.Keys(w.families)) {
		if err := appendFile(z, w.families[name]); err != nil {
			return err
		}
	}
	_, err := z.Write([]byte("# EOF\n"))
	return errors.Join(err, z.Close())
}

func appendFile(out io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(out, f)
	return err
}

func (w *metricsWriter) close() error { return w.dir.Remove() }

// seriesText writes name{label="value",…}, with names in quotes where they
// are none of the old kind.
func seriesText(labels map[string]string) string {
	var b strings.Builder
	name := labels[model.MetricNameLabel]
	var parts []string
	if model.LegacyValidation.IsValidMetricName(name) {
		b.WriteString(name)
	} else if name != "" {
		parts = append(parts, quotedLabel(name))
	}
	for _, n := range slices.Sorted(maps.Keys(labels)) {
		if n == model.MetricNameLabel {
			continue
		}
		key := n
		if !model.LegacyValidation.IsValidLabelName(n) {
			key = quotedLabel(n)
		}
		parts = append(parts, key+"="+quotedLabel(labels[n]))
	}
	if len(parts) > 0 {
		b.WriteString("{" + strings.Join(parts, ",") + "}")
	}
	return b.String()
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func quotedLabel(s string) string { return `"` + escapes.Replace(s) + `"` }
