package lab

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/foreshock/foreshock/lab/part"
)

// TestCatalogue holds every entry against what a catalogue must say.
func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	healthy, limits := 0, map[string]bool{}
	classes := []string{GroupCode, GroupConfig, GroupInfra, GroupDB, GroupRouting}
	for _, f := range Catalogue() {
		if seen[f.Name] {
			t.Errorf("%s stands twice", f.Name)
		}
		seen[f.Name] = true
		if f.Does == "" || f.Sees == "" || f.Unit == "" || f.Strength <= 0 {
			t.Errorf("%s does not say what it does, what one sees, or how strong it is", f.Name)
		}
		for _, c := range f.Class {
			if !slices.Contains(classes, c) {
				t.Errorf("%s has the class %q, want one of %v", f.Name, c, classes)
			}
		}
		if f.IsHealthy() != (len(f.Class) == 0) {
			t.Errorf("%s: healthy is %v, and it has the classes %v", f.Name, f.IsHealthy(), f.Class)
		}
		if f.IsHealthy() {
			healthy++
		}
		if f.Limit != "" {
			limits[f.Limit] = true
		}
		var e effect
		f.apply(&e, f.Strength)
		none := e.v2 == nil && e.first == nil && e.weight == nil && e.routes == nil && e.crash == "" && e.rate == 0 && len(e.changes) == 0
		if none != (f.Name == "none") {
			t.Errorf("%s changes nothing", f.Name)
		}
	}
	if healthy < 11 || len(limits) < 5 {
		t.Errorf("the catalogue has %d look-alikes and limits %v, want at least 11 and 5", healthy, limits)
	}
	if _, err := Find("memory-leek"); err == nil {
		t.Error("Find of an unknown fault gives no error")
	}
}

// TestStrength says that a stronger fault differs from a weaker one, where
// strength has a unit.
func TestStrength(t *testing.T) {
	for _, f := range Catalogue() {
		if f.Unit == "(has none)" || f.Unit == "of two instances" || f.Unit == "instance" {
			continue
		}
		knobs := func(strength float64) any {
			var e effect
			f.apply(&e, strength)
			k := part.DefaultKnobs()
			for _, turn := range []func(*part.Shop){e.v2, e.first} {
				if turn != nil {
					turn(&k.Shop)
				}
			}
			for _, c := range e.changes {
				c.turn(&k)
				if c.after > 0 {
					break // it goes back
				}
			}
			weight := 0.0
			if e.weight != nil {
				weight = e.weight(0.01)
			}
			return []any{k, weight, e.rate}
		}
		if cmp.Equal(knobs(f.Strength), knobs(3*f.Strength)) && cmp.Equal(lastChange(f, f.Strength), lastChange(f, 3*f.Strength)) {
			t.Errorf("%s is the same at three times the strength", f.Name)
		}
	}
}

// lastChange returns the knobs after the first change alone.
func lastChange(f Fault, strength float64) part.Knobs {
	var e effect
	f.apply(&e, strength)
	k := part.DefaultKnobs()
	if len(e.changes) > 0 {
		e.changes[0].turn(&k)
	}
	return k
}

// TestMeasure counts harm that was worked out by hand.
func TestMeasure(t *testing.T) {
	start := time.Unix(1000, 0)
	g := Grid{Start: start, End: start.Add(8 * time.Second), Interval: 2 * time.Second, Steps: []time.Time{start.Add(2 * time.Second), start.Add(6 * time.Second)}}
	second := func(at int64, v1, v2 part.Count) part.Tally {
		return part.Tally{Second: 1000 + at, Versions: map[string]part.Count{"v1": v1, "v2": v2}}
	}
	tallies := []part.Tally{
		second(0, part.Count{Sent: 50, Failed: 1}, part.Count{}),
		second(1, part.Count{Sent: 50}, part.Count{}), // background: 1 of 100
		second(2, part.Count{Sent: 90}, part.Count{Sent: 10, Slow: 1}),
		second(3, part.Count{Sent: 90}, part.Count{Sent: 10}),
		second(4, part.Count{Sent: 90}, part.Count{Sent: 10}),
		second(5, part.Count{Sent: 90}, part.Count{Sent: 10, Failed: 3}),
		second(6, part.Count{Sent: 50, Slow: 10}, part.Count{Sent: 50, Failed: 20}),
		second(7, part.Count{Sent: 50}, part.Count{Sent: 50, Failed: 40}),
	}
	got := Measure(tallies, g)
	want := Harm{
		Background: 0.01,
		// frames at 0, 2, 4, 6, 8 s: of 200 requests 2 are background
		PerFrame: []float64{0, 0, 0, 1, 68},
		Total:    69,
		Share:    []float64{0, 0.34},    // 4 of 400 less 1 %; 70 of 200 less 1 %
		New:      []float64{0.09, 0.59}, // 4 of 40; 60 of 100
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })); diff != "" {
		t.Errorf("Measure: (-want +got)\n%s", diff)
	}
	if step, ok := got.FailsAt(); step != 0 || !ok {
		t.Errorf("FailsAt() = %d, %v, want 0, true", step, ok)
	}
	if _, ok := (Harm{Share: []float64{0.01}, New: []float64{0.04}}).FailsAt(); ok {
		t.Error("FailsAt() of a step that does well is true")
	}
}
