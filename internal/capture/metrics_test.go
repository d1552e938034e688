package capture

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/foreshock/foreshock/engine"
)

// FuzzText holds that what is written reads back: labels, values and times.
func FuzzText(f *testing.F) {
	f.Add("http_requests_total", "pod", `a "b" \ c`, 0.1, int64(1772445600123))
	f.Add("größe 5", "two words", "line\nbreak", math.Inf(1), int64(1))
	f.Add("a:b", "__x", "", math.NaN(), int64(999))
	f.Fuzz(func(t *testing.T, name, label, value string, v float64, ms int64) {
		want := labels.FromStrings("__name__", name, label, value)
		if name == "" || label == "" || label == "__name__" || value == "" || !valid(want) || ms < 0 || ms > 4102444800000 { // the year 2100
			return
		}
		w, err := newMetricsWriter()
		if err != nil {
			t.Fatal(err)
		}
		defer w.close()
		sample := engine.Sample{At: time.UnixMilli(ms), Value: v}
		series := []engine.Series{{Labels: want.Map(), Samples: []engine.Sample{sample, sample}}}
		for range 2 { // nothing is written twice
			if err := w.add(series); err != nil {
				t.Fatal(err)
			}
		}
		if strings.ContainsRune(name+label+value, 0) {
			if w.samples > 0 || w.odd == 0 {
				t.Errorf("%v is written, and cannot be read", want)
			}
			return
		}
		got, at, back := read(t, w)
		if !labels.Equal(got, want) || at != ms || back != v && !(math.IsNaN(back) && math.IsNaN(v)) {
			t.Errorf("%v %v %d reads back as %v %v %d", want, v, ms, got, back, at)
		}
	})
}

func valid(ls labels.Labels) bool {
	return ls.IsValid(model.UTF8Validation)
}

// read reads the one sample that was written.
func read(t *testing.T, w *metricsWriter) (ls labels.Labels, at int64, v float64) {
	t.Helper()
	var b bytes.Buffer
	if err := w.write(&b); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	p := textparse.NewOpenMetricsParser(text, labels.NewSymbolTable())
	for n := 0; ; n++ {
		e, err := p.Next()
		switch {
		case errors.Is(err, io.EOF) && n == 1:
			return ls, at, v
		case err != nil || e != textparse.EntrySeries || n > 0:
			t.Fatalf("entry %d of %q: %v, %v; want one sample", n, text, e, err)
		}
		_, ts, value := p.Series()
		p.Labels(&ls)
		at, v = *ts, value
	}
}
