package recording

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"
)

// Truth is what really happened in a recording. Only a backtest may read it.
type Truth struct {
	Faulty        []string  // ids of releases, or services
	Class         []string  // any of these causes counts as right
	Fault         string    // in the words of who made the recording
	OnsetAt       time.Time // zero when unknown, as the times below
	DetectedAt    time.Time // when the operators' own alert fired
	CrashedAt     time.Time
	FailsAtWeight float64 // share of traffic at which the release fails, 0..1; NaN when unknown
	Harmed        []string
	Healthy       []string // ids of releases that did no harm
}

// LoadTruth reads truth.yaml in the folder; false means that there is none.
func LoadTruth(dir string) (*Truth, bool, error) {
	path := filepath.Join(dir, "truth.yaml")
	text, err := limited(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read truth: %w", err)
	}
	node, err := parse(path, text)
	if err != nil {
		return nil, false, fmt.Errorf("read truth: %w", err)
	}
	d := decoder{file: path}
	o := d.object(node, "the truth", "? faulty class fault onsetAt detectedAt crashedAt failsAtWeight harmed healthy")
	t := &Truth{
		Faulty: o.texts("faulty"), Class: o.texts("class"), Fault: o.text("fault"),
		OnsetAt: o.time("onsetAt"), DetectedAt: o.time("detectedAt"), CrashedAt: o.time("crashedAt"),
		FailsAtWeight: o.number("failsAtWeight", 0, 100, math.NaN()) / 100,
		Harmed:        o.texts("harmed"), Healthy: o.texts("healthy"),
	}
	if d.err != nil {
		return nil, false, fmt.Errorf("read truth: %w", d.err)
	}
	return t, true, nil
}

// texts returns a list of texts.
func (o object) texts(name string) []string {
	var out []string
	for _, n := range o.list(name) {
		item := object{decoder: o.decoder, node: n, where: o.where, fields: map[string]*yaml.Node{name: n}}
		out = append(out, item.text(name))
	}
	return out
}
