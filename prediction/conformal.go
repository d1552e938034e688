package prediction

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// A Scale says in which measure the two halves of an interval are widened.
type Scale uint8

// The scales.
const (
	Points Scale = iota + 1 // differences: of weights
	Ratios                  // ratios: of times ahead, which are ≥ 0
)

// Interval holds the 10, 50 and 90 % points of something uncertain, ascending,
// in any unit.
type Interval struct{ P10, P50, P90 float64 }

// A Finished prediction is an interval as it was said, with what came of it.
type Finished struct {
	Interval
	// Came says whether what was foretold happened at all. What did not come
	// makes the prediction wrong, and says nothing of how wide it should be.
	Came bool
	// The truth lies after From and no later than To, in the interval's unit;
	// where it is known exactly the two are alike.
	From, To float64
}

// Meets says whether the interval holds any value that the truth may have.
func (f Finished) Meets() bool {
	return f.P10 <= f.To && (f.P90 > f.From || f.P90 == f.From && f.From == f.To)
}

// A Width is what the record of one kind of prediction comes to. The zero is
// that of no record.
type Width struct {
	N     int `json:"n"`     // finished predictions of which the truth is known
	Right int `json:"right"` // of them, right as they would have been said then, widened
	Came  int `json:"came"`  // of them, those that came: from these the factor is learned
	// Log is the natural logarithm of the factor by which intervals are
	// widened, −2.77 to 2.77 (a sixteenth to sixteen times); 0 leaves them.
	Log float64 `json:"logFactor"`
}

const (
	// missing is the share of truths that an 80 % interval may miss.
	missing = 0.2
	// mostLog bounds the factor: sixteen times.
	mostLog = 2.772588722239781
	// pace is how much one miss widens: the γ = 0.05 of adaptive conformal
	// inference, which moves the level of the interval, turned into the
	// logarithm of the width of a Gaussian one. Its level is α = 2·(1 − Φ(z)), so
	// dα/dln z = −2·z·φ(z) = −0.4498 at z = 1.2816, and 0.05/0.4498 = 0.111.
	pace = 0.111
)

// Factor is how many times as wide an interval is to be, 1/16 to 16.
func (w Width) Factor() float64 { return math.Exp(w.Log) }

// Widen returns the interval with both halves made wider (narrower under a
// factor of 1) about its middle, which stays:
//
//	Points: p50 ± f·half                Ratios: p50·(p/p50)^f
//
// Of Ratios an end that is not above zero stays as it is. NaN stays NaN.
func (w Width) Widen(s Scale, v Interval) Interval {
	if w.Log == 0 {
		return v
	}
	f := w.Factor()
	end := func(p float64) float64 {
		if s == Ratios {
			if !(p > 0 && v.P50 > 0) {
				return p
			}
			return v.P50 * math.Pow(p/v.P50, f)
		}
		return v.P50 + float64(f*(p-v.P50))
	}
	return Interval{P10: end(v.P10), P50: v.P50, P90: end(v.P90)}
}

// Add returns the record with one more finished prediction, in the order in
// which they finished. One that missed makes the factor e^(pace·0.8) times as
// large, one that held e^(−pace·0.2) times: where that balances, a fifth is
// missed.
//
// Where the truth is only known to lie in a span (a release failed between two
// steps), an interval that meets the span without holding all of it may have
// missed: that never makes one narrower than it was said.
//
// While the factor stays within its bounds and truths are known exactly, the
// share missed of the first T predictions lies within 2.77/(pace·T) of a fifth,
// whatever the stream.
//
// Sources: I. Gibbs, E. Candès, Adaptive conformal inference under
// distribution shift, NeurIPS 34 (2021), eq. 2 and proposition 4.1; the update
// of the width instead of the level is the quantile tracking of A. Angelopoulos,
// E. Candès, R. Tibshirani, Conformal PID control for time series prediction,
// NeurIPS 36 (2023), §2.1.
func (w Width) Add(s Scale, f Finished) Width {
	said := Finished{Interval: w.Widen(s, f.Interval), Came: f.Came, From: f.From, To: f.To}
	held := said.Meets()
	w.N++
	if !f.Came {
		return w
	}
	w.Came++
	if !held {
		w.Log = math.Min(w.Log+pace*(1-missing), mostLog)
		return w
	}
	w.Right++
	next := math.Max(w.Log-float64(pace*missing), -mostLog)
	if surely := said.P10 <= f.From && f.To <= said.P90; !surely {
		next = math.Max(next, math.Min(w.Log, 0))
	}
	w.Log = next
	return w
}

// Count returns the record with one more finished prediction that has no
// interval.
func (w Width) Count(right bool) Width {
	w.N++
	if right {
		w.Right++
	}
	return w
}

func (w Width) valid() bool {
	return w.N >= 0 && 0 <= w.Right && w.Right <= w.N && 0 <= w.Came && w.Came <= w.N && math.Abs(w.Log) <= mostLog
}

// A Conformal is the record of our own predictions, by kind: how often they
// were right, and how much wider their 80 % intervals must be said so that they
// hold eight in ten. The zero value is that of no record. Its size is constant,
// and it only ever learns from predictions that are finished.
type Conformal struct {
	FailsAt  Width `json:"fails-at"`                   // weights, by Points
	Inferred Width `json:"fails-at-inferred,omitzero"` // the same, where nobody set the limit
	Exhausts Width `json:"exhausts"`                   // times, by Ratios
	Peak     Width `json:"daily-peak,omitzero"`        // the same
	Rung     Width `json:"rung"`                       // times, by Ratios
	NextStep Width `json:"next-step"`
}

// Of returns the record of a kind by its name on the wire; nil for one that is
// not kept.
func (c *Conformal) Of(kind string) *Width {
	switch kind {
	case "fails-at":
		return &c.FailsAt
	case "fails-at-inferred":
		return &c.Inferred
	case "exhausts":
		return &c.Exhausts
	case "daily-peak":
		return &c.Peak
	case "rung":
		return &c.Rung
	case "next-step":
		return &c.NextStep
	default:
		return nil
	}
}

// version is that of the form in which a record is saved.
const version = 1

type saved struct {
	Type    string    `json:"type"`
	Version int       `json:"version"`
	Kinds   Conformal `json:"kinds"`
}

const savedType = "track-record"

// Save returns the record as JSON.
func (c *Conformal) Save() ([]byte, error) {
	data, err := json.MarshalIndent(saved{Type: savedType, Version: version, Kinds: *c}, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}

// LoadConformal reads a record that was saved.
func LoadConformal(data []byte) (*Conformal, error) {
	var s saved
	if err := json.Unmarshal(data, &s); err != nil || s.Type != savedType {
		return nil, errors.New("not a track record; name the file that backtest --track-record wrote")
	}
	if s.Version != version {
		return nil, fmt.Errorf("a track record of version %d; want %d: let backtest --track-record write it anew", s.Version, version)
	}
	for _, kind := range []string{"fails-at", "fails-at-inferred", "exhausts", "rung", "next-step"} {
		if !s.Kinds.Of(kind).valid() {
			return nil, fmt.Errorf("a track record whose %s is damaged; let backtest --track-record write it anew", kind)
		}
	}
	return &s.Kinds, nil
}
