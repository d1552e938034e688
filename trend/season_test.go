package trend

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/doctable"
	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// A wave is what a signal usually does in a day of 1440 frames.
type wave struct{ level, swing, phase float64 }

func (w wave) at(frame float64) float64 {
	return w.level * (1 + w.swing*math.Sin(2*math.Pi*frame/1440+w.phase))
}

// drawWave draws a day, of which no time comes near the limit 1.
func drawWave(rng *rand.Rand) wave {
	return wave{level: 0.2 + 0.2*rng.Float64(), swing: 0.2 + 0.4*rng.Float64(), phase: 2 * math.Pi * rng.Float64()}
}

// remembered plays values of so many frames with what memory says of them:
// how many are as usual is off by a share of its own every day.
func remembered(frames int, day wave, off float64, value func(frame int) float64) *pattern.Track {
	t := pattern.NewTrack(0)
	for k := range frames {
		r := signal.Missing(signal.Present, "")
		r.Value, r.Level, r.Spread, r.Age = value(k), day.at(float64(k)), off*day.at(float64(k)), time.Hour
		c := signal.Cell{Cohort: signal.Canary, Limit: 1, Readings: []signal.Reading{r}}
		for h := range 24 {
			c.Ahead = append(c.Ahead, day.at(float64(k+60*(h+1))))
		}
		t.Add(k, c, 60)
	}
	return t
}

// A seasonRow is one way in which a daily course carries something to its limit.
type seasonRow struct {
	name   string
	answer func(Growing) (Growth, bool)
	draw   func(rng *rand.Rand) (seen int, day wave, value func(frame float64) float64)
}

func seasonRows() []seasonRow {
	return []seasonRow{
		{"a steady leak on top of its day", Forecast, func(rng *rand.Rand) (int, wave, func(float64) float64) {
			day, pace := drawWave(rng), 1/(200+800*rng.Float64())
			return 100 + rng.IntN(100), day, func(f float64) float64 { return day.at(f) + pace*f }
		}},
		{"a cost that grows steadily, times its day", Forecast, func(rng *rand.Rand) (int, wave, func(float64) float64) {
			day, pace := drawWave(rng), 1/(100+300*rng.Float64())
			return 60 + rng.IntN(60), day, func(f float64) float64 { return day.at(f) * (1 + pace*f) }
		}},
		{"a cost that stays, times its day", Peaks, func(rng *rand.Rand) (int, wave, func(float64) float64) {
			day := drawWave(rng)
			high := day.level * (1 + day.swing)
			times := (1.15 + rng.Float64()) / high
			return 60 + rng.IntN(120), day, func(f float64) float64 { return day.at(f) * times }
		}},
	}
}

// measure says how well a row is foretold with and without memory.
func (r seasonRow) measure(n int, seed uint64) (known, unknown leakRecord) {
	const off = 0.03 // how much days differ
	rng := rand.New(rand.NewPCG(seed, 78))
	for known.n < float64(n) {
		seen, day, value := r.draw(rng)
		// No day is like the others: it wanders about what is usual, in some hours.
		today, period := 2*math.Pi*rng.Float64(), 300+600*rng.Float64()
		course := func(f float64) float64 {
			return (1 + math.Sqrt2*off*math.Sin(today+2*math.Pi*f/period)) * value(f)
		}
		remain := 0.0
		for f := 0.0; f < 1440; f++ {
			if course(f) >= 1 {
				remain = f - float64(seen-1)
				break
			}
		}
		// As far ahead as half of what was seen, up to five times.
		if remain < float64(seen)/2 || remain > 5*float64(seen) {
			continue
		}
		t := remembered(seen, day, off, func(k int) float64 { return course(float64(k)) + 0.01*rng.NormFloat64() })
		g := Growing{Values: &t.Values, Limit: 1, Season: t.Season(seen-1, 60)}
		known.add(remain)(r.answer(g))
		g.Season = nil
		unknown.add(remain)(Forecast(g)) // what is there to ask without a memory
	}
	return known, unknown
}

// TestSeasons measures how well it is said when a limit is met on a day that
// rises and falls, with a memory of it and without. With -leaks 1000 -update it
// writes the table of docs/method/growth.md.
func TestSeasons(t *testing.T) {
	n := cmp.Or(*leaks, 100)
	var b strings.Builder
	b.WriteString("| what meets its limit within a day | n | said | median error, of the time that remains | 80 % intervals that hold | without memory: said | error | hold |\n|---|---|---|---|---|---|---|---|\n")
	cells := func(m leakRecord) string {
		if m.said == 0 {
			return " 0 % | | |"
		}
		return fmt.Sprintf(" %.0f %% | %.0f %% | %.0f %% |", 100*m.said/m.n, 100*stats.Median(m.errors), 100*m.covered/m.said)
	}
	for _, r := range seasonRows() {
		known, unknown := r.measure(n, 3)
		fmt.Fprintf(&b, "| %s | %.0f |%s%s\n", r.name, known.n, cells(known), cells(unknown))
		if e := stats.Median(known.errors); e > 0.2 || known.said < 0.7*known.n {
			t.Errorf("%s: off by %.0f %% in the median, said in %.0f of %.0f; want at most 20 %%, in 7 of 10", r.name, 100*e, known.said, known.n)
		}
		if c, wide := known.covered/known.said, 3*math.Sqrt(0.16/known.said); c < 0.7-wide || c > 0.95+wide {
			t.Errorf("%s: %.0f %% of the 80 %% intervals hold the truth", r.name, 100*c)
		}
	}
	t.Log("\n" + b.String())
	if *update && *leaks > 0 {
		doctable.Write(t, growthFile, "seasons", b.String())
	}
}

// TestNarrowPeak: the half hour in which it is certain that the limit is met is
// found at whatever hour of the day it comes, however coarse the grid is there.
func TestNarrowPeak(t *testing.T) {
	for hour := 4; hour < 24; hour++ {
		peak := func(frame float64) float64 { // one o'clock is frame 60
			return 0.6 + 0.3*math.Max(0, 1-math.Abs(frame-float64(60*hour))/60)
		}
		rng := rand.New(rand.NewPCG(uint64(hour), 5))
		x := pattern.NewTrack(0)
		for k := range 121 { // up to two o'clock
			r := signal.Missing(signal.Present, "")
			r.Level, r.Spread, r.Age = peak(float64(k)), 0.001, time.Hour
			r.Value = 1.2*r.Level + 0.002*rng.NormFloat64()
			c := signal.Cell{Cohort: signal.Canary, Limit: 1, Readings: []signal.Reading{r}}
			for h := range 24 {
				c.Ahead = append(c.Ahead, peak(math.Mod(float64(k+60*(h+1)), 1440)))
			}
			x.Add(k, c, 60)
		}
		g, ok := Peaks(Growing{Values: &x.Values, Limit: 1, Season: x.Season(120, 60)})
		if !ok || g.Met < 0.9 || math.Abs(g.P50+120-float64(60*hour)) > 30 {
			t.Errorf("a peak at %d o'clock: %+v, %v; want it met with 0.9 or more, in about %d frames", hour, g, ok, 60*hour-120)
		}
	}
}

// TestStands: a weight that is measured wavers and stands all the same; a step
// moves it.
func TestStands(t *testing.T) {
	e := &Exposed{}
	for k := range 50 {
		switch w := 0.05 + 0.001*float64(k%3); {
		case k < 20:
			e.Add(k, 0.02)
		default:
			e.Add(k, w)
		}
	}
	if got := e.StandsSince(); got != 20 {
		t.Errorf("stands since frame %d, want 20", got)
	}
}
