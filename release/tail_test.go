package release_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// sized plays a short release whose latency looks back over four frames, with
// the sizes of its observations or without: 200 requests a frame, a tenth of
// them to the new version, log-normal about 100 ms times by.
func sized(by func(k int) float64, buckets bool, frames int) []release.Assessment {
	return sizedSaved(by, buckets, frames, math.MaxInt)
}

// sizedSaved is sized, saved and loaded after one frame.
func sizedSaved(by func(k int) float64, buckets bool, frames, save int) []release.Assessment {
	sys := smallSystem(release.Safe)
	sys.Signals[0].Window = 4
	state := release.New(sys, prevention.DefaultPolicy())
	rng := rand.New(rand.NewPCG(5, 6))
	bounds := []float64{0.025, 0.05, 0.1, 0.11, 0.25, 0.5, 1, math.Inf(1)}
	seen := map[signal.Cohort][]float64{}
	var out []release.Assessment
	for k := -foldBegins; k < frames; k++ {
		f := signal.Frame{At: foldStart.Add(time.Duration(k+foldBegins) * 15 * time.Second), Exposure: []signal.Exposure{{}}}
		draw := func(c signal.Cohort, n int, by float64) {
			r := signal.Missing(signal.Present, "")
			r.N, r.Age = float64(n), time.Hour
			cell := signal.Cell{Cohort: c, Limit: math.NaN()}
			if buckets {
				for _, b := range bounds {
					cell.Buckets = append(cell.Buckets, signal.Bucket{Bound: b})
				}
			}
			var sum float64
			for range n {
				x := 0.1 * by * math.Exp(0.3*rng.NormFloat64())
				sum += x / float64(n)
				for i, b := range bounds {
					if buckets && x <= b {
						cell.Buckets[i].N++
						break
					}
				}
			}
			if seen[c] = append(seen[c], sum); len(seen[c]) > 4 {
				seen[c] = seen[c][1:]
			}
			r.Value = 0
			for _, v := range seen[c] {
				r.Value += v / float64(len(seen[c]))
			}
			cell.Readings = []signal.Reading{r}
			f.Cells = append(f.Cells, cell)
		}
		draw(signal.Control, 180, 1)
		if k >= 0 {
			f.Exposure[0] = signal.Exposure{Weight: 0.1, Step: 1}
			draw(signal.Canary, 20, by(k))
		}
		out = append(out, state.Step(f)...)
		if k == save {
			data, err := state.MarshalBinary()
			if err != nil {
				panic(err)
			}
			if state, err = release.Load(sys, prevention.DefaultPolicy(), data); err != nil {
				panic(err)
			}
		}
	}
	return out
}

// TestSizesRestart: fold, or fold, save, load and fold on.
func TestSizesRestart(t *testing.T) {
	a, b := sizedSaved(always(2), true, 12, math.MaxInt), sizedSaved(always(2), true, 12, 4)
	for k := range a {
		x, errX := json.Marshal(a[k])
		y, errY := json.Marshal(b[k])
		if errX != nil || errY != nil || string(x) != string(y) {
			t.Fatalf("frame %d: %s\nafter a restart: %s", k, x, y)
		}
	}
}

// TestSizesTellSooner: what looks back over four frames says little of a
// young release; the requests themselves tell of a latency that doubled within
// ten frames (it is held while it may be cold), and are silent about one that did not change.
func TestSizesTellSooner(t *testing.T) {
	sizes := first(sized(always(2), true, 10), prevention.Hold)
	if sizes < 0 {
		t.Errorf("latency doubled, sizes known: not held within 10 frames, while it may be starting")
	}
	if k := first(sized(always(2), true, 30), prevention.Rollback); k < 0 {
		t.Errorf("latency doubled, sizes known: no rollback within 30 frames")
	}
	if k := first(sized(always(2), false, 10), prevention.Hold); k >= 0 && k <= sizes {
		t.Errorf("latency doubled: held in frame %d with sizes, and in frame %d without; the test shows nothing", sizes, k)
	}
	for _, a := range sized(always(1), true, 100) {
		if a.Warns() {
			t.Fatalf("latency unchanged: %s at %s: %s", a.Verdict, a.At, a.Sentence)
		}
	}
}

// TestSizesAskForConsequence: that the requests are certain does not make a
// change matter that does not.
func TestSizesAskForConsequence(t *testing.T) {
	for _, a := range sized(always(1.08), true, 200) {
		if a.Warns() {
			t.Fatalf("latency 8 %% up: %s at %s: %s", a.Verdict, a.At, a.Sentence)
		}
	}
	late := sized(during(2, 8, 3), true, 60)
	if last := late[len(late)-1]; last.Shadow == prevention.Rollback.String() {
		t.Errorf("latency is back since 50 frames: shadow is %s", last.Shadow)
	}
}
