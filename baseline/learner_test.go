package baseline_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/foreshock/foreshock/baseline"
	"github.com/foreshock/foreshock/signal"
)

// present is a cell with one value.
func present(id, release int, cohort signal.Cohort, v float64) signal.Cell {
	r := signal.Missing(signal.Present, "")
	r.Value, r.Age = v, time.Hour
	return signal.Cell{Signal: id, Release: release, Cohort: cohort, Readings: []signal.Reading{r}}
}

// teach shows a learner the frames of some minutes: one cell of the traffic
// each, with a value by the minute.
func teach(l *baseline.Learner, from, minutes int, value func(minute int) float64, change func(minute int, f *signal.Frame) (healthy bool)) {
	for k := from; k < from+minutes; k++ {
		f := signal.Frame{At: monday.Add(time.Duration(k) * time.Minute), Cells: []signal.Cell{present(0, -1, signal.Whole, value(k))}}
		l.Add(f, change == nil || change(k, &f))
	}
}

func constant(int) float64 { return 100 }

// TestLearnerHoldsBack holds how much is learned of five hours, the last of
// which is always held back, and by whole quarters.
func TestLearnerHoldsBack(t *testing.T) {
	under := func(from, to int, weight float64) func(int, *signal.Frame) bool {
		return func(k int, f *signal.Frame) bool {
			f.Exposure = []signal.Exposure{{}}
			if k >= from {
				f.Exposure[0] = signal.Exposure{Weight: 1, Step: 2}
			}
			if k >= from && k < to {
				f.Exposure[0] = signal.Exposure{Weight: weight, Step: 1, Moving: weight == 0}
			}
			return true
		}
	}
	sick := func(from, to int) func(int, *signal.Frame) bool {
		return func(k int, _ *signal.Frame) bool { return k < from || k >= to }
	}
	for _, tt := range []struct {
		name   string
		change func(int, *signal.Frame) bool
		want   float64 // minutes
	}{
		{"all is well", nil, 225},
		{"trouble for a minute takes the hour before and after", sick(150, 151), 75 + 15},
		{"trouble at the very end takes what was held back anyway", sick(299, 300), 225},
		{"a release from 60 to 90 and a quarter after", under(60, 90, 0.2), 225 - 44},
		{"a release whose weight moves", under(60, 90, 0), 225 - 44},
	} {
		m := baseline.New(baseline.Options{})
		l := baseline.NewLearner(m, names, time.Minute)
		teach(l, 0, 300, constant, tt.change)
		if got := 60 * m.Hours("shop", "traffic"); math.Abs(got-tt.want) > 1 || math.Abs(60*l.Hours()-tt.want) > 1 {
			t.Errorf("%s: learned %.1f minutes (told %.1f), want %v", tt.name, got, 60*l.Hours(), tt.want)
		}
	}
}

// TestLearnerOnwards holds that frames that come again teach nothing.
func TestLearnerOnwards(t *testing.T) {
	m := baseline.New(baseline.Options{})
	teach(baseline.NewLearner(m, names, time.Minute), 0, 300, constant, nil)
	again := baseline.NewLearner(m, names, time.Minute)
	teach(again, 0, 300, constant, nil)
	if again.Hours() != 0 {
		t.Errorf("the same five hours taught %.2f hours more, want none", again.Hours())
	}
	teach(again, 300, 300, constant, nil)
	if again.Hours() < 4 {
		t.Errorf("the next five hours taught %.2f hours, want four and more", again.Hours())
	}
}

// TestLearnerClips holds that outliers, and an incident that nobody named,
// move a memory little.
func TestLearnerClips(t *testing.T) {
	wavering := func(k int) float64 { return 100 + float64(k*7%11-5) }
	learned := func(minutes int, value func(int) float64) (level, spread float64) {
		m := baseline.New(baseline.Options{})
		teach(baseline.NewLearner(m, names, time.Minute), 0, minutes, value, nil)
		return m.Level("shop", "traffic", monday.Add(7*24*time.Hour+12*time.Hour+30*time.Minute))
	}
	const week = 7 * 24 * 60
	want, wantSpread := learned(week+120, wavering)
	level, spread := learned(week+120, func(k int) float64 {
		if k%15 == 3 {
			return 1e6
		}
		return wavering(k)
	})
	if math.Abs(level-want) > 3 || spread > 3*wantSpread {
		t.Errorf("with one value in fifteen of a million normal is %v ± %v, and %v ± %v without; want it within 3", level, spread, want, wantSpread)
	}
	level, _ = learned(week+14*60+120, func(k int) float64 { // the hours around noon of the second Monday
		if k >= week+11*60 && k < week+14*60 {
			return 1e6
		}
		return wavering(k)
	})
	if level > want+4*wantSpread {
		t.Errorf("after three hours of a million normal is %v, and %v ± %v without; want it within 4 spreads", level, want, wantSpread)
	}
}

// TestFill holds what cells are told of what is normal, 5 ± 2 for the service.
func TestFill(t *testing.T) {
	const traffic, latency, memory = 0, 1, 4
	all := names
	all.Signals = append(slices.Clone(names.Signals), signal.Signal{Name: "memory", Unit: signal.ParseUnit("MB")})
	named := present(memory, 0, signal.Canary, 1)
	named.Readings[0].Instance = "a"
	nan := math.NaN()
	f := signal.Frame{At: monday, Exposure: []signal.Exposure{{Weight: 0.2, Step: 1}, {}, {Weight: 1, Step: 1}}}
	tests := []struct {
		cell signal.Cell
		want float64
	}{
		{present(traffic, -1, signal.Whole, 1), 1},
		{present(latency, -1, signal.Whole, 1), 1},
		{present(latency, 0, signal.Canary, 1), 1},
		{present(traffic, 0, signal.Canary, 1), 0.2},
		{present(traffic, 0, signal.Control, 1), 0.8},
		{present(memory, 0, signal.Canary, 1), nan},
		{named, 1},
		{present(memory, 1, signal.Control, 1), 1}, // before its first step
		{present(memory, 2, signal.Canary, 1), 1},  // all of the service
		{present(9, -1, signal.Whole, 1), nan},     // a signal that is not known
	}
	for _, tt := range tests {
		f.Cells = append(f.Cells, tt.cell)
	}
	got := baseline.Fill(f, fixed{}, all)
	for i, tt := range tests {
		r := got.Cells[i].Readings[0]
		if !(math.Abs(r.Level-5*tt.want) < 1e-9 && math.Abs(r.Spread-2*tt.want) < 1e-9) && !(math.IsNaN(tt.want) && math.IsNaN(r.Level)) {
			t.Errorf("cell %d is told %v ± %v; want %v of 5 ± 2", i, r.Level, r.Spread, tt.want)
		}
		if before := f.Cells[i].Readings[0].Level; !math.IsNaN(before) {
			t.Errorf("cell %d of the frame that was given is changed to %v", i, before)
		}
	}
}

// fixed says the same of everything.
type fixed struct{}

func (fixed) Level(string, string, time.Time) (level, spread float64) { return 5, 2 }

// clock says what hour of the day it is, but for one hour that it may not know.
type clock struct{ unknown int }

func (c clock) Level(_, _ string, at time.Time) (level, spread float64) {
	if at.UTC().Hour() == c.unknown {
		return math.NaN(), math.NaN()
	}
	return float64(at.UTC().Hour()), 1
}

// TestFillAhead: a cell with a limit is told what will be normal in each hour
// of the coming day, as its own part of the service; one without is not, nor
// where an hour of it is not known.
func TestFillAhead(t *testing.T) {
	limited := present(0, 0, signal.Canary, 1)
	limited.Limit = 50
	free := present(0, 0, signal.Control, 1)
	free.Limit = math.NaN()
	f := signal.Frame{At: monday.Add(20 * time.Hour), Exposure: []signal.Exposure{{Weight: 0.5, Step: 1}}, Cells: []signal.Cell{limited, free}}
	got := baseline.Fill(f, clock{unknown: -1}, names)
	if a := got.Cells[0].Ahead; len(a) != 24 || a[0] != 10.5 || a[3] != 0 || a[23] != 10 {
		t.Errorf("half of a service at 20 o'clock is told %v; want half of 21, 22, 23, 0, … 20", a)
	}
	if a := got.Cells[1].Ahead; a != nil {
		t.Errorf("without a limit: %v, want nothing", a)
	}
	if a := baseline.Fill(f, clock{unknown: 7}, names).Cells[0].Ahead; a != nil {
		t.Errorf("of a day with an unknown hour: %v, want nothing", a)
	}
}

// TestTake holds that what two learned since they read one memory is in it, and
// that of a series that both watched only what is newer counts.
func TestTake(t *testing.T) {
	begin := func() *baseline.Memory {
		m := baseline.New(baseline.Options{})
		m.Learn("shop", "traffic", monday, 100, time.Hour)
		m.Learn("cart", "traffic", monday, 100, time.Hour)
		return m
	}
	cart := names
	cart.Services = []string{"cart"}
	learn := func(names baseline.Names, from, minutes int) []baseline.Lesson {
		l := baseline.NewLearner(begin(), names, time.Minute)
		teach(l, from, minutes, constant, nil)
		lessons := l.Lessons()
		if again := l.Lessons(); len(lessons) == 0 || len(again) > 0 {
			t.Fatalf("%d lessons, and then %d; want some once", len(lessons), len(again))
		}
		return lessons
	}
	hours := func(m *baseline.Memory, service string) float64 {
		return math.Round(10*m.Hours(service, "traffic")) / 10
	}
	m := begin()
	m.Take(learn(names, 60, 300), begin()) // 3.75 hours from 1:00 on
	if got := hours(m, "shop"); got != 4.7 {
		t.Errorf("one learner: %v hours, want 1 and 3.75", got)
	}
	m.Take(learn(cart, 60, 300), begin())
	if got := hours(m, "cart"); got != 4.7 || hours(m, "shop") != 4.7 {
		t.Errorf("another service: %v and %v hours, want 4.75 each", got, hours(m, "shop"))
	}
	m.Take(learn(names, 60, 300), begin())
	if got := hours(m, "shop"); got != 4.7 {
		t.Errorf("the same hours by somebody else: %v hours, want still 4.75", got)
	}
	m.Take(learn(names, 60, 420), begin()) // until 6:45, of which 4:00 to 4:45 are known
	if got := hours(m, "shop"); got != 6.5 {
		t.Errorf("and on: %v hours, want from 5:00 to 6:45 too", got)
	}
	known := begin()
	known.Take(learn(names, 60, 300), begin())
	m = begin()
	m.Take(learn(names, 60, 300), begin())
	m.Take(learn(names, 285, 120), known) // nobody else wrote: the same hour goes on
	if got := hours(m, "shop"); got != 5.5 {
		t.Errorf("one learner that goes on within the hour: %v hours, want 5.5", got)
	}
}
