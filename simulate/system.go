package simulate

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/foreshock/foreshock/signal"
)

// A System is a model of services under releases.
type System struct {
	Start    time.Time // of the first frame
	Interval time.Duration
	Frames   int // in all
	Rollouts []Rollout
	Series   []Series
}

// A Rollout is how the traffic moves to the new version of one release. The
// releases of a frame are the rollouts, in their order.
type Rollout struct {
	Steps []Step // ascending in frames
}

// A Step is one raise of the new version's share of traffic.
type Step struct {
	Frame  int     // in which it begins
	Frames int     // until it is completed; the weight moves linearly meanwhile
	Weight float64 // share of traffic on the new version when completed, 0..1
}

// A Series is one signal of one cohort of one release, or of one service as a
// whole.
type Series struct {
	Service, Signal int           // indices into the system's services and signals
	Release         int           // index into Rollouts; −1 for a value of the whole service
	Cohort          signal.Cohort // Whole with Release −1
	Limit           signal.Limit  // only its constant value is used

	Level float64  // mean without effects; a probability when Rate > 0
	SD    float64  // standard deviation from frame to frame, same unit; not used when Rate > 0
	Rho   float64  // autocorrelation of neighbouring frames, 0..1; see [Marginal]
	Noise Marginal // 0 means Gaussian
	// Jitter is the standard deviation of independent Gaussian noise on top,
	// as sampling adds it to what drifts slowly.
	Jitter float64

	Instances int     // pods that report by name; 0 means one value of the whole cohort, without a name
	Apart     float64 // standard deviation of the pods' own levels, which last

	// Shared means that Level is what the whole service sees: the value is
	// multiplied by the cohort's share of traffic.
	Shared bool
	// Rate is the requests per second that the whole service serves. Above 0
	// the value is the share of events among the requests that the cohort
	// drew: a Poisson number of requests, a binomial number of events.
	Rate float64
	// Uncounted hides the numbers of requests and events: only the ratio is
	// told, as from a gauge.
	Uncounted bool
	Load      Effect // of Rate; nil for none
	Window    int    // frames that the ratio looks back over, as rate()[4i] does; 0 means 1

	Effects []Effect // applied in order to the mean (Rate > 0) or to the noisy value
}

// A Moment is when and where a value is made.
type Moment struct {
	// Frame counts from the first step of the series' release, or of the first
	// one for a value of the whole service; it is negative before.
	Frame    int
	Share    float64 // of traffic that the cohort gets, 0..1
	Instance int     // number of the pod, from 0
}

// Play returns the system's frames, drawn from a seed.
func (s System) Play(seed uint64) iter.Seq[signal.Frame] {
	return func(yield func(signal.Frame) bool) {
		players := make([]*player, len(s.Series))
		for i, x := range s.Series {
			players[i] = newPlayer(s, x, rand.NewPCG(seed, uint64(i)))
		}
		for k := range s.Frames {
			f := signal.Frame{At: s.Start.Add(time.Duration(k) * s.Interval), Exposure: make([]signal.Exposure, len(s.Rollouts))}
			for i, r := range s.Rollouts {
				f.Exposure[i] = r.At(k)
			}
			for _, p := range players {
				f.Cells = append(f.Cells, p.cell(k, f.Exposure))
			}
			if !yield(f) {
				return
			}
		}
	}
}

// At returns how far a rollout has got in a frame.
func (r Rollout) At(frame int) signal.Exposure {
	var e signal.Exposure
	for i, s := range r.Steps {
		if frame < s.Frame {
			break
		}
		from := 0.0
		if i > 0 {
			from = r.Steps[i-1].Weight
		}
		e = signal.Exposure{Weight: s.Weight, Step: i + 1}
		if gone := frame - s.Frame; gone < s.Frames {
			e.Weight, e.Moving = from+(s.Weight-from)*float64(gone)/float64(s.Frames), true
		}
	}
	return e
}

// Begin returns the frame of the first step; 0 when there is none.
func (r Rollout) Begin() int {
	if len(r.Steps) == 0 {
		return 0
	}
	return r.Steps[0].Frame
}

// Between returns a copy of the series for both cohorts of its release: the
// control without the effects, the canary with them.
func (x Series) Between(effects ...Effect) []Series {
	control, canary := x, x
	control.Cohort, canary.Cohort = signal.Control, signal.Canary
	canary.Effects = append(append([]Effect{}, x.Effects...), effects...)
	return []Series{control, canary}
}

// pod names the instances of a cohort as Kubernetes would.
func pod(c signal.Cohort, i int) string { return fmt.Sprintf("%s-%d", c, i) }
