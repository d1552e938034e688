// Package recording reads and writes the recording format: a folder with a
// description of a system under change (recording.yaml), its metrics, and what
// really happened (truth.yaml, never an input). It reads the other files that
// people write as well: a policy, and foreshock.yaml for live systems.
//
// Reading is strict: an unknown or missing field is an error with its line,
// the known names and the mend. Little text cannot become much memory.
package recording

import (
	"fmt"
	"math"
	"path/filepath"
	"time"

	"github.com/foreshock/foreshock/internal/strictyaml"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// A Recording describes a system under change and where its metrics are.
type Recording struct {
	Name       string
	Start, End time.Time // the first frame is at Start, none is after End
	Interval   time.Duration
	System     release.System
	Discover   bool   // no signals are given: take them from the catalogue
	Metrics    string // path of the metrics, below the folder of the recording
	Warnings   []signal.Warning
}

// LookBack returns how old the sample behind a value may be: two intervals.
// A longer look-back hides silence, a shorter one invents it where scrapes
// jitter.
func (r *Recording) LookBack() time.Duration { return 2 * r.Interval }

// Frames returns how many frames the recording has.
func (r *Recording) Frames() int { return int(r.End.Sub(r.Start)/r.Interval) + 1 }

// APIVersion and Kind stand at the top of every recording.yaml.
const (
	APIVersion = "foreshock.dev/v1alpha1"
	Kind       = "Recording"
)

// maxFrames bounds the work of a replay: 100,000 frames are ten weeks by the
// minute.
const maxFrames = 100_000

// recordingMend says where the fields of recording.yaml and truth.yaml are
// described.
const recordingMend = "the fields are described in internal/recording/recording.schema.json, a JSON Schema that editors understand"

// Load reads the recording in the folder. It does not read the metrics.
func Load(dir string) (*Recording, error) {
	path := filepath.Join(dir, "recording.yaml")
	text, err := strictyaml.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	rec, err := decode(path, text)
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	rec.Metrics = filepath.Join(dir, filepath.FromSlash(rec.Metrics))
	return rec, nil
}

// decode makes a recording of the text of the file.
func decode(path string, text []byte) (*Recording, error) {
	b := builder{Decoder: strictyaml.Decoder{File: path, Mend: recordingMend}, services: map[string]int{}, ids: map[string]int{}}
	node := b.Document(text, "a document with apiVersion, kind, metadata and spec")
	if b.Err != nil {
		return nil, b.Err
	}
	rec := b.recording(b.Object(node, "the recording", "apiVersion kind metadata spec"))
	if b.Err == nil {
		b.Err = validate(path, node)
	}
	if b.Err != nil {
		return nil, b.Err
	}
	return rec, nil
}

func (b *builder) recording(top strictyaml.Object) *Recording {
	if v := top.Text("apiVersion"); b.Err == nil && v != APIVersion {
		b.Fail(top.At("apiVersion"), "apiVersion is %q; want %s", v, APIVersion)
	}
	if v := top.Text("kind"); b.Err == nil && v != Kind {
		b.Fail(top.At("kind"), "kind is %q; want %s", v, Kind)
	}
	rec := &Recording{}
	if b.Err == nil {
		rec.Name = b.Object(top.At("metadata"), "metadata", "name").Text("name")
	}
	if b.Err == nil {
		b.spec(rec, b.Object(top.At("spec"), "spec", "start end interval ? metrics topology services releases changes signals"))
	}
	return rec
}

func (b *builder) spec(rec *Recording, spec strictyaml.Object) {
	rec.Start, rec.End, rec.Interval = spec.Time("start"), spec.Time("end"), spec.Duration("interval")
	b.frames(rec, spec)
	rec.Metrics = "metrics.om.gz"
	if spec.Has("metrics") {
		rec.Metrics = spec.Text("metrics")
	}
	if b.Err == nil && !filepath.IsLocal(filepath.FromSlash(rec.Metrics)) {
		b.Fail(spec.At("metrics"), "spec.metrics %q leaves the folder of the recording; want a path inside", rec.Metrics)
	}
	rec.System = release.System{Interval: rec.Interval}
	b.releases(&rec.System, spec)
	b.changes(&rec.System, spec)
	b.topology(&rec.System, spec)
	b.selectors(&rec.System, spec)
	b.signals(&rec.System, spec)
	rec.Discover = len(rec.System.Signals) == 0
	if len(rec.System.Releases)+len(rec.System.Changes) == 0 {
		b.warn("nothing-changes", "the recording has neither releases nor changes, so there is nothing to judge")
	}
	rec.Warnings = b.warnings
}

func (b *builder) frames(rec *Recording, spec strictyaml.Object) {
	if b.Err != nil {
		return
	}
	length := rec.End.Sub(rec.Start)
	switch {
	case length <= 0:
		b.Fail(spec.At("end"), "spec.end %s is not after spec.start %s", rec.End.Format(time.RFC3339), rec.Start.Format(time.RFC3339))
	case rec.Interval > length:
		b.Fail(spec.At("interval"), "spec.interval %s is longer than the recording (%s); want many intervals in it", rec.Interval, length)
	case length/rec.Interval > maxFrames:
		b.Fail(spec.At("interval"), "spec.interval %s makes more than %d frames; want a longer interval or a shorter recording", rec.Interval, maxFrames)
	case rec.Interval < 10*time.Millisecond || length == math.MaxInt64:
		b.Fail(spec.At("interval"), "spec.interval %s is too short; want 10ms or more", rec.Interval)
	}
}
