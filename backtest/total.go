package backtest

import (
	"maps"
	"math"
	"slices"

	"github.com/foreshock/foreshock/release"
)

// A Total sums up the scores of several recordings.
type Total struct {
	Recordings int `json:"recordings"`

	Bad             int `json:"bad"` // bad releases, and changes that went bad
	BadWarned       int `json:"badWarned"`
	BadReleases     int `json:"badReleases"` // of the bad, releases
	Contained       int `json:"contained"`   // bad releases never promoted before their second step
	Healthy         int `json:"healthy"`
	HealthyWarned   int `json:"healthyWarned"`
	HealthyBack     int `json:"healthyRolledBack"`
	HealthyInTime   int `json:"healthyInTime"`   // healthy releases promoted before their second step
	HealthyReleases int `json:"healthyReleases"` // of the healthy, releases
	First           int `json:"culpritFirst"`    // recordings whose culprit is ranked first
	FirstThree      int `json:"culpritFirstThree"`
	Ranked          int `json:"ranked"` // recordings with something faulty
	CauseRight      int `json:"causeRight"`
	CauseOf         int `json:"causeOf"` // recordings with a class and something warned of
	HealthyFrames   int `json:"healthyFrames"`
	FalseFrames     int `json:"falseFrames"`
	InWindow        int `json:"inWindow"`  // warned between onset and crash
	Crashes         int `json:"crashes"`   // bad ones with a known crash
	BothFirst       int `json:"bothFirst"` // all faulty services ranked before the rest
	BothOf          int `json:"bothOf"`    // of so many

	// What cannot be told is NaN, and null on the wire.
	MacroRecall     release.Number `json:"macroRecall"`        // mean over the classes of cause of the share that was said right
	MajorityClass   release.Number `json:"majorityBaseline"`   // causes right if the commonest class were said always
	MedianExposure  release.Number `json:"medianExposure"`     // percent, of bad ones at the first warning
	MedianDelay     release.Number `json:"medianDelaySeconds"` // from onset, or else the first step, to the first warning
	MeanWindowShare release.Number `json:"meanWindowShare"`    // of the time from onset to crash that had passed at the warning
	Brier           release.Number `json:"brier"`              // of culprit at the end of the first step, 0 is best
	Reliability     []Bin          `json:"reliability"`
}

// A Bin is one row of a reliability table.
type Bin struct {
	From release.Number `json:"from"` // predicted probability
	To   release.Number `json:"to"`
	N    int            `json:"n"`
	Mean release.Number `json:"mean"` // prediction
	Bad  release.Number `json:"bad"`  // share that was bad
}

// Sum adds scores up.
func Sum(scores []Score) Total {
	nan := release.Number(math.NaN())
	t := Total{
		Recordings: len(scores), Brier: nan, MedianExposure: nan, MedianDelay: nan, MeanWindowShare: nan,
		MacroRecall: nan, MajorityClass: nan, Reliability: []Bin{},
	}
	var exposures, delays, windows, ps, ys []float64
	for _, s := range scores {
		t.addRecording(s)
		for _, x := range s.Subjects {
			t.addSubject(x)
			if x.Bad && x.Warned {
				exposures, delays = append(exposures, float64(x.Exposure)), append(delays, float64(x.Delay))
				if x.Window > 0 {
					windows = append(windows, float64(x.Delay)/float64(x.Window))
				}
			}
			if p := float64(x.Culprit); !x.Change && !math.IsNaN(p) {
				ps, ys = append(ps, p), append(ys, truth(x.Bad))
			}
		}
	}
	t.classes(scores)
	t.MedianExposure, t.MedianDelay, t.MeanWindowShare = median(exposures), median(delays), mean(windows)
	t.Brier, t.Reliability = calibrate(ps, ys)
	return t
}

func (t *Total) addRecording(s Score) {
	t.HealthyFrames, t.FalseFrames = t.HealthyFrames+s.HealthyFrames, t.FalseFrames+s.FalseFrames
	if s.Rank == 0 {
		return
	}
	t.Ranked++
	t.First += count(s.Rank == 1)
	t.FirstThree += count(s.Rank <= 3)
	if !slices.ContainsFunc(s.Subjects, func(x Subject) bool { return x.Bad && !x.Change }) {
		t.BothOf++
		t.BothFirst += count(s.Both)
	}
}

func (t *Total) addSubject(x Subject) {
	if x.Bad {
		t.Bad++
		t.BadWarned += count(x.Warned)
		t.BadReleases += count(!x.Change)
		t.Contained += count(x.Contained && !x.Change)
		if x.Window > 0 {
			t.Crashes++
			t.InWindow += count(x.InWindow)
		}
		return
	}
	t.Healthy++
	t.HealthyWarned += count(x.Warned)
	t.HealthyBack += count(x.RolledBack)
	t.HealthyReleases += count(!x.Change)
	t.HealthyInTime += count(x.InTime && !x.Change)
}

// classes scores the cause over the recordings with a known class. A
// recording with several right classes counts for the first of them, and the
// baseline always says the class that is right most often.
func (t *Total) classes(scores []Score) {
	right, of, alike := map[string]int{}, map[string]int{}, map[string]int{}
	for _, s := range scores {
		if len(s.Class) == 0 {
			continue
		}
		t.CauseOf++
		t.CauseRight += count(s.Right)
		of[s.Class[0]]++
		right[s.Class[0]] += count(s.Right)
		for _, c := range s.Class {
			alike[c]++
		}
	}
	if t.CauseOf == 0 {
		return
	}
	var recalls []float64
	best := 0
	for _, c := range slices.Sorted(maps.Keys(of)) {
		recalls = append(recalls, float64(right[c])/float64(of[c]))
	}
	for _, n := range alike {
		best = max(best, n)
	}
	t.MacroRecall, t.MajorityClass = mean(recalls), release.Number(float64(best)/float64(t.CauseOf))
}

// calibrate returns the Brier score of probabilities ps, of which ys says with
// 0 and 1 what came, and their reliability table; NaN and empty of nothing.
func calibrate(ps, ys []float64) (brier release.Number, bins []Bin) {
	bins = []Bin{}
	if len(ps) == 0 {
		return release.Number(math.NaN()), bins
	}
	edges := []float64{0, 0.1, 0.3, 0.5, 0.7, 0.9, 1}
	sum := 0.0
	for i, p := range ps {
		sum += (p - ys[i]) * (p - ys[i])
	}
	brier = release.Number(sum / float64(len(ps)))
	for k := range len(edges) - 1 {
		from, to := edges[k], edges[k+1]
		var said, came []float64
		for i, p := range ps {
			if p >= from && (p < to || to == 1) {
				said, came = append(said, p), append(came, ys[i])
			}
		}
		if len(said) > 0 {
			bins = append(bins, Bin{
				From: release.Number(from), To: release.Number(to), N: len(said), Mean: mean(said), Bad: mean(came),
			})
		}
	}
	return brier, bins
}

// mean returns NaN of nothing.
func mean(xs []float64) release.Number {
	var sum float64
	for _, x := range xs {
		sum += x
	}
	return release.Number(sum / float64(len(xs)))
}

// median returns the middle value, of an even number the mean of the two in
// the middle, and NaN of nothing.
func median(xs []float64) release.Number {
	xs = slices.Sorted(slices.Values(xs))
	n := len(xs)
	switch {
	case n == 0:
		return release.Number(math.NaN())
	case n%2 == 0:
		return release.Number((xs[n/2-1] + xs[n/2]) / 2)
	default:
		return release.Number(xs[n/2])
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func truth(b bool) float64 { return float64(count(b)) }
