package recording

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"time"

	"github.com/foreshock/foreshock/internal/strictyaml"
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
	text, err := strictyaml.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read truth: %w", err)
	}
	d := strictyaml.Decoder{File: path, Mend: recordingMend}
	node := d.Document(text, "fields such as 'faulty: [cart]'")
	if d.Err != nil {
		return nil, false, fmt.Errorf("read truth: %w", d.Err)
	}
	o := d.Object(node, "the truth", "? faulty class fault onsetAt detectedAt crashedAt failsAtWeight harmed healthy requests")
	t := &Truth{
		Faulty: o.Texts("faulty"), Class: o.Texts("class"), Fault: o.Text("fault"),
		OnsetAt: o.Time("onsetAt"), DetectedAt: o.Time("detectedAt"), CrashedAt: o.Time("crashedAt"),
		FailsAtWeight: o.Number("failsAtWeight", 0, 100, math.NaN()) / 100,
		Harmed:        o.Texts("harmed"), Healthy: o.Texts("healthy"),
	}
	if o.Has("requests") {
		t.Requests = requests(o.Object(o.At("requests"), "requests", "objective perFrame ? background harmed"))
	}
	if d.Err != nil {
		return nil, false, fmt.Errorf("read truth: %w", d.Err)
	}
	return t, true, nil
}

func requests(o strictyaml.Object) *Requests {
	return &Requests{
		Objective:  o.Duration("objective"),
		PerFrame:   o.Numbers("perFrame", 0, math.Inf(1)),
		Background: o.Number("background", 0, 1, math.NaN()),
		Harmed:     o.Number("harmed", 0, math.Inf(1), math.NaN()),
	}
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
