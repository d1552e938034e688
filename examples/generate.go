// The program examples writes the recordings of this folder: synthetic
// systems under releases, with their metrics as a Prometheus would have
// scraped them and the truth about them. The same program writes the same
// bytes.
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

//go:generate go run . recordings

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./examples FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "examples: %v\n", err)
		os.Exit(1)
	}
}

// An example is one recording to be written.
type example struct {
	name     string
	about    string // one sentence, for the head of recording.yaml
	interval time.Duration
	frames   int
	seed     uint64
	spec     string // of recording.yaml, below start, end and interval
	truth    string
	fleets   []*fleet
	families []family
}

// start is the first frame of every recording.
var start = time.Date(2026, 2, 10, 14, 0, 0, 0, time.UTC)

// write writes every recording below a folder.
func write(folder string) error {
	for _, r := range examples() {
		dir := filepath.Join(folder, r.name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		metrics, err := squeeze(r.metrics())
		if err != nil {
			return err
		}
		for name, data := range map[string][]byte{"recording.yaml": r.yaml(), "truth.yaml": []byte(r.truth), "metrics.om.gz": metrics} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// squeeze compresses; the header carries neither name nor time.
func squeeze(text []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (r example) yaml() []byte {
	end := start.Add(time.Duration(r.frames-1) * r.interval)
	return fmt.Appendf(nil, `# Synthetic: written by examples/generate.go. %s
apiVersion: foreshock.dev/v1alpha1
kind: Recording
metadata:
  name: %s
spec:
  start: %s
  end: %s
  interval: %s
%s`, r.about, r.name, start.Format(time.RFC3339), end.Format(time.RFC3339), duration(r.interval), r.spec)
}

// duration writes 1m0s as 60s, as people write intervals.
func duration(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) + "s" }

// A sample is one line of a family: suffix of the name, labels and value.
type sample struct {
	suffix, labels string
	value          float64
}

// A family is one metric: its name, type, and what a pod reports of it.
type family struct {
	name, kind, help string
	of               func(m *meter) []sample
}

// A journal is the samples of one family, series by series, because samples
// of one series must stand together.
type journal struct {
	family
	order []string
	lines map[string][]byte
}

func (j *journal) add(m *meter, at int64) {
	for _, s := range j.of(m) {
		key := fmt.Sprintf("%s%s{%s%s}", j.name, s.suffix, m.labels(), s.labels)
		if _, ok := j.lines[key]; !ok {
			j.order = append(j.order, key)
		}
		j.lines[key] = fmt.Appendf(j.lines[key], "%s %s %d\n", key, number(s.value), at)
	}
}

// metrics writes OpenMetrics text. Scrapes begin five intervals before the
// first frame, so that it has rates.
func (r example) metrics() []byte {
	journals := make([]journal, len(r.families))
	for i, f := range r.families {
		journals[i] = journal{family: f, lines: map[string][]byte{}}
	}
	meters := r.meters()
	for k := -5; k < r.frames; k++ {
		sec := float64(k) * r.interval.Seconds()
		at := start.Add(time.Duration(k) * r.interval).Unix()
		for _, m := range meters {
			if sec < m.pod.from || sec >= m.pod.until {
				continue
			}
			m.advance(sec, r.interval)
			for i := range journals {
				if !m.fleet.mute {
					journals[i].add(m, at)
				}
			}
		}
	}
	var b bytes.Buffer
	for _, j := range journals {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", j.name, j.help, j.name, j.kind)
		for _, key := range j.order {
			b.Write(j.lines[key])
		}
	}
	b.WriteString("# EOF\n")
	return b.Bytes()
}

// meters returns one meter a pod.
func (r example) meters() []*meter {
	var out []*meter
	for _, f := range r.fleets {
		for _, p := range f.pods {
			out = append(out, newMeter(f, p, r.seed*1000+uint64(len(out))))
		}
	}
	return out
}

func (m *meter) labels() string {
	return fmt.Sprintf(`service=%q,version=%q,pod=%q`, m.fleet.service, m.fleet.version, m.pod.name)
}

// number rounds so far that two processors, one of which fuses multiply and
// add, write the same.
func number(v float64) string {
	if v == math.Trunc(v) || v > 1e6 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// callees returns the services called, sorted.
func callees(f *fleet) []string { return slices.Sorted(maps.Keys(f.calls)) }
