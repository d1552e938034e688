package baseline_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/foreshock/foreshock/baseline"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
)

// monday is when the simulated weeks begin, in UTC.
var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// load is the traffic of a service over the week, 1 on average on weekdays: it
// peaks at 14:00 and is at a third of that at 02:00; weekends have three
// quarters of it, and days pass into them within twelve hours.
func load(at time.Time) float64 {
	h := at.Sub(monday).Hours()
	hourOfDay := math.Mod(h, 24)
	week := math.Mod(h, 168)
	rest := smooth((week-114)/12) - smooth((week-162)/12)
	if week < 6 {
		rest += 1 - smooth((week+6)/12)
	}
	return (1 + 0.5*math.Cos(2*math.Pi*(hourOfDay-14)/24)) * (1 - 0.25*rest)
}

// smooth rises from 0 to 1 while x does.
func smooth(x float64) float64 {
	x = math.Max(0, math.Min(1, x))
	return x * x * (3 - 2*x)
}

// follows multiplies values by 1 + share·(load − 1).
func follows(interval time.Duration, share float64) simulate.Effect {
	return func(m simulate.Moment, v float64) float64 {
		return v * (1 + share*(load(monday.Add(time.Duration(m.Frame)*interval))-1))
	}
}

// names are the signals of the simulated service.
var names = baseline.Names{
	Services: []string{"shop"},
	Signals: []signal.Signal{
		{Name: "traffic", Kind: signal.Traffic, Unit: signal.ParseUnit("requests/s")},
		{Name: "latency", Kind: signal.Latency, Unit: signal.ParseUnit("ms")},
		{Name: "cpu", Kind: signal.CPU, Unit: signal.ParseUnit("cores")},
		{Name: "errors", Kind: signal.Errors, Unit: signal.ParseUnit("ratio")},
	},
}

// weeks plays a service over some weeks. Its noise is half fast and half a
// drift of hours, so that the same hour differs from day to day: in all 4 % of
// the traffic and of the cores, 7 % of the latency.
func weeks(n int, interval time.Duration) simulate.System {
	whole := func(id int, level, sd, share float64) simulate.Series {
		return simulate.Series{
			Signal: id, Release: -1, Cohort: signal.Whole, Level: level,
			SD: sd, Rho: math.Exp(-interval.Hours() / 2), Jitter: sd, Effects: []simulate.Effect{follows(interval, share)},
		}
	}
	return simulate.System{
		Start: monday, Interval: interval, Frames: int(time.Duration(n) * 7 * 24 * time.Hour / interval),
		Series: []simulate.Series{
			whole(0, 200, 6, 1), whole(1, 0.1, 0.005, 0.6), whole(2, 4, 0.12, 0.9),
			{Signal: 3, Release: -1, Cohort: signal.Whole, Level: 0.002, Rate: 20, Window: 4, Load: follows(interval, 1)},
		},
	}
}

// A fit is how the values of one signal lie about what was thought normal.
type fit struct {
	seen, within, squares float64
	peaks, nights         []float64 // distances in spreads: at the peak, and of its values at three in the morning
}

func (x *fit) add(z float64) {
	x.seen++
	x.squares += z * z
	if math.Abs(z) <= 2 {
		x.within++
	}
}

// secondWeek learns the first of two weeks, and returns how the second one
// fits to it.
func secondWeek(t *testing.T, seed uint64, fits []fit) {
	const interval = time.Minute
	m := baseline.New(baseline.Options{})
	l := baseline.NewLearner(m, names, interval)
	normal := func(id int, at time.Time) (level, spread float64) {
		level, spread = m.Level("shop", names.Signals[id].Name, at)
		if math.IsNaN(level) || !(spread > 0) {
			t.Fatalf("%s at %s is %v ± %v; want it known after a week", names.Signals[id].Name, at, level, spread)
		}
		return level, spread
	}
	for f := range weeks(2, interval).Play(seed) {
		if f.At.Before(monday.Add(7*24*time.Hour + time.Hour)) {
			l.Add(f, true)
			continue
		}
		for _, c := range f.Cells {
			v := c.Readings[0].Value
			level, spread := normal(c.Signal, f.At)
			fits[c.Signal].add((v - level) / spread)
			if f.At.Hour() == 14 && f.At.Weekday() == time.Wednesday {
				fits[c.Signal].peaks = append(fits[c.Signal].peaks, math.Abs(v-level)/spread)
				level, spread = normal(c.Signal, f.At.Add(-11*time.Hour))
				fits[c.Signal].nights = append(fits[c.Signal].nights, (v-level)/spread)
			}
		}
	}
}

// TestSecondWeek looks at a week after one was learned of a service that
// follows the day and the week: its peaks are normal, and the same values at
// three in the morning are not.
func TestSecondWeek(t *testing.T) {
	fits := make([]fit, len(names.Signals))
	for seed := range uint64(3) {
		secondWeek(t, seed+1, fits)
	}
	for i, sig := range names.Signals {
		x := fits[i]
		slices.Sort(x.peaks)
		slices.Sort(x.nights)
		peak, night := x.peaks[len(x.peaks)*9/10], x.nights[0]
		t.Logf("%-8s %.1f %% within 2 spreads, root mean square %.2f; at the peak 9 in 10 under %.1f; the peak at three over %.1f",
			sig.Name, 100*x.within/x.seen, math.Sqrt(x.squares/x.seen), peak, night)
		if share := x.within / x.seen; share < 0.93 || share > 0.999 {
			t.Errorf("%s: %.1f %% of the second week lie within 2 spreads; want 93 to 99.9 %%", sig.Name, 100*share)
		}
		if peak > 2.5 {
			t.Errorf("%s: at the peak one in ten lies %.1f spreads away; want at most 2.5", sig.Name, peak)
		}
		if night < 5 && sig.Kind != signal.Errors { // which do not follow the load
			t.Errorf("%s: a value of the peak is %.1f spreads away at three in the morning; want at least 5", sig.Name, night)
		}
	}
}
