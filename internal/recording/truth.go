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
	Healthy       []string  // ids of releases that did no harm
	Requests      *Requests // nil when nobody counted them
}

// Requests says which requests were harmed while nobody acted.
type Requests struct {
	Objective  time.Duration // a request is harmed when it fails or takes longer
	Background float64       // share of requests harmed before the first step, 0..1; NaN when unknown
	Harmed     float64       // beyond the background, from the first step to the end; NaN when unknown
	// PerFrame holds the requests harmed beyond the background since the frame
	// before, ≥ 0, one number for each frame of the recording.
	PerFrame []float64
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
	o := d.object(node, "the truth", "? faulty class fault onsetAt detectedAt crashedAt failsAtWeight harmed healthy requests")
	t := &Truth{
		Faulty: o.texts("faulty"), Class: o.texts("class"), Fault: o.text("fault"),
		OnsetAt: o.time("onsetAt"), DetectedAt: o.time("detectedAt"), CrashedAt: o.time("crashedAt"),
		FailsAtWeight: o.number("failsAtWeight", 0, 100, math.NaN()) / 100,
		Harmed:        o.texts("harmed"), Healthy: o.texts("healthy"),
	}
	if o.has("requests") {
		t.Requests = d.requests(d.object(o.at("requests"), "requests", "objective perFrame ? background harmed"))
	}
	if d.err != nil {
		return nil, false, fmt.Errorf("read truth: %w", d.err)
	}
	return t, true, nil
}

func (d *decoder) requests(o object) *Requests {
	r := &Requests{
		Objective:  o.duration("objective"),
		Background: o.number("background", 0, 1, math.NaN()),
		Harmed:     o.number("harmed", 0, math.MaxFloat64, math.NaN()),
	}
	for i, n := range o.list("perFrame") {
		name := fmt.Sprintf("perFrame[%d]", i)
		item := object{decoder: d, node: n, where: o.where, fields: map[string]*yaml.Node{name: n}}
		r.PerFrame = append(r.PerFrame, item.number(name, 0, math.MaxFloat64, 0))
	}
	return r
}

// Fits says whether there is one number for each frame of a recording. The
// error names the file.
func (r *Requests) Fits(dir string, rec *Recording) error {
	if frames := rec.Frames(); len(r.PerFrame) != frames {
		return fmt.Errorf("%s: requests.perFrame holds %d numbers, and the recording %d frames; want one for each frame from spec.start on",
			filepath.Join(dir, "truth.yaml"), len(r.PerFrame), frames)
	}
	return nil
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
