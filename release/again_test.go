package release

import (
	"math"
	"testing"
	"time"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/topology"
)

// TestAgain: attempts are 1 + retries, of both versions by their shares of the
// traffic, and where they tip a service over is the cascade's; nothing is known
// while nothing has timed out, nor without a measure of the retries.
func TestAgain(t *testing.T) {
	s := New(System{
		Interval: time.Second, Services: []Service{{Name: "shop"}}, Graph: topology.New(1, nil),
		Signals:  []signal.Signal{{Name: "retries", Kind: signal.Retries, Unit: signal.ParseUnit("ratio")}},
		Releases: []Release{{ID: "shop"}},
	}, prevention.DefaultPolicy())
	track := func(v float64) *pattern.Track {
		tr := pattern.NewTrack(0)
		for f := range 10 {
			r := signal.Missing(signal.Present, "")
			r.Value, r.Age = v, time.Hour
			tr.Add(f, signal.Cell{Limit: math.NaN(), Readings: []signal.Reading{r}}, 1)
		}
		return tr
	}
	x, m := &s.mem.Subjects[0], &s.mem.Services[0]
	for f := range 10 {
		x.Exposed.Add(f, 0.25)
	}
	x.Control[0], x.Canary[0] = track(0.1), track(0.5)
	if a := s.again(0, 0); a != nil {
		t.Errorf("without a cascade: %+v, want nil", a)
	}
	m.Cascade = &prediction.Cascade{PerBusy: 100, Demand: 50, Most: 3, Sure: true}
	if a := s.again(0, 0); a != nil {
		t.Errorf("before anything timed out: %+v, want nil", a)
	}
	m.Cascade.Late = 0.08 // eight service times of a capacity of 100
	a := s.again(0, 0)
	if a == nil {
		t.Fatal("again = nil, want attempts")
	}
	// By queueing's tests λ_up is 0.65 of the capacity for e^−8(1−Λ) and three tries.
	if want := 1 + 0.75*0.1 + 0.25*0.5; math.Abs(a.Since.Mean()-want) > 1e-9 || a.Before != nil || math.Abs(a.Tips-0.65) > 0.01 {
		t.Errorf("attempts %v, before %v, tips at %v, want %v, nil and 0.65", a.Since.Mean(), a.Before, a.Tips, want)
	}
	m.After[0], m.Before[0] = track(0.2), track(0)
	if a := s.again(0, 0); math.Abs(a.Since.Mean()-1.2) > 1e-9 || a.Before.Mean() != 1 {
		t.Errorf("of the whole service: attempts %v, before %v, want 1.2 and 1", a.Since.Mean(), a.Before.Mean())
	}
	if v := m.After[0].Values.Mean(); math.Abs(v-0.2) > 1e-9 {
		t.Errorf("the track itself was changed: %v", v)
	}
}
