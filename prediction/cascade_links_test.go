package prediction_test

import (
	"bytes"
	"encoding/gob"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/prediction"
)

// at is a calm frame of a service that takes 10 ms at 100 calls a second.
func at() prediction.Link {
	return prediction.Link{Calling: 100, Attempts: 100, Retries: 0, Failing: 0, Timeouts: 0, Refused: nan, Busy: 0.5, Latency: 0.01, Tail: 0.05}
}

// told returns a cascade that has seen so many calm frames, at 80 to 120 calls
// a second.
func told(frames int) *prediction.Cascade {
	var c prediction.Cascade
	for k := range frames {
		l, load := at(), 100+20*math.Sin(float64(k)/5)
		l.Calling, l.Attempts, l.Busy, l.Before = load, load, load/200, true
		l.Latency *= 1 + 0.02*math.Sin(float64(7*k))
		c.Step(l)
	}
	return &c
}

// TestPhases goes through the chain, link by link.
func TestPhases(t *testing.T) {
	tests := []struct {
		name   string
		change func(*prediction.Link)
		want   prediction.Phase
	}{
		{"calm", func(*prediction.Link) {}, prediction.Calm},
		{"more load than ever, and longer", func(l *prediction.Link) { l.Calling, l.Attempts, l.Latency = 180, 180, 0.03 }, prediction.Calm},
		{"a little longer", func(l *prediction.Link) { l.Latency = 0.0105 }, prediction.Calm},
		{"longer", func(l *prediction.Link) { l.Latency = 0.014 }, prediction.Slower},
		{"longer, without room left", func(l *prediction.Link) { l.Latency, l.Busy = 0.014, 0.96 }, prediction.Queueing},
		{"three times as long", func(l *prediction.Link) { l.Latency = 0.03 }, prediction.Queueing},
		{"and tried again", func(l *prediction.Link) { l.Latency, l.Failing, l.Retries, l.Attempts = 0.03, 0.05, 0.05, 105 }, prediction.Retrying},
		{"and again", func(l *prediction.Link) { l.Latency, l.Failing, l.Retries, l.Attempts = 0.03, 0.3, 0.4, 140 }, prediction.Multiplying},
		{"and most fail", func(l *prediction.Link) { l.Latency, l.Failing, l.Retries, l.Attempts = 0.9, 0.8, 1.5, 250 }, prediction.Collapsed},
		{"and go on to", func(l *prediction.Link) {
			l.Latency, l.Failing, l.Retries, l.Attempts, l.Gone = 0.9, 0.8, 1.5, 250, true
		}, prediction.Stuck},
		{"retries for nothing", func(l *prediction.Link) { l.Retries, l.Attempts = 0.5, 150 }, prediction.Multiplying},
		{"nothing is measured", func(l *prediction.Link) {
			nan := math.NaN()
			*l = prediction.Link{Calling: nan, Attempts: nan, Retries: nan, Failing: nan, Timeouts: nan, Busy: nan, Latency: nan, Tail: nan}
		}, prediction.Calm},
	}
	for _, tt := range tests {
		c := told(60)
		var got prediction.Phase
		for range 6 {
			l := at()
			tt.change(&l)
			got = c.Step(l)
		}
		if got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if prediction.Phase(0).String() != "unknown" || prediction.Stuck.String() != "stuck" {
		t.Errorf("phases are named %v and %v", prediction.Phase(0), prediction.Stuck)
	}
}

// TestSoon: a request that takes twice as long is the first link two frames
// later.
func TestSoon(t *testing.T) {
	c := told(60)
	l := at()
	l.Latency = 0.02
	for k := 1; ; k++ {
		if c.Step(l) > prediction.Calm {
			return
		}
		if k == 3 {
			t.Fatalf("nothing is called after %d frames", k)
		}
	}
}

// TestAmplification: without a count of retries, calls that multiply are
// retries only as far as they fail: at most 1/(1 − f).
func TestAmplificationBound(t *testing.T) {
	for _, tt := range []struct {
		attempts, failing float64
		changed           bool
		want              float64
	}{
		{100, 0, false, 1},
		{300, 0, false, 1},       // more calls a request, and none fails
		{300, 0.5, false, 2},     // of three, at most two can be tries
		{300, 0.9, false, 3},     // all of it
		{50, 0.9, false, 1},      // fewer
		{300, nan, false, nan},   // not known
		{3000, 0.999, false, 30}, // far over
		{300, 0.9, true, 3},      // a new version that calls once for each request, as the old did
	} {
		c := told(60)
		for range 40 { // the same without a count
			l := at()
			l.Retries = nan
			c.Step(l)
		}
		l := at()
		l.Retries, l.Attempts, l.Failing, l.Changed = nan, tt.attempts, tt.failing, tt.changed
		c.Step(l)
		got := c.Ahead(prediction.Callers{Timeout: nan}).Amplification
		if !(math.Abs(got-tt.want) < 0.03*tt.want || math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("%v calls a second of which %v fail: amplification %v, want %v", tt.attempts, tt.failing, got, tt.want)
		}
	}
}

// TestChanged: the old version asks its cache in nine of ten cases. That calls
// grow to ten times as many while they fail is no tenfold amplification when a
// new version may have no cache.
func TestChanged(t *testing.T) {
	for _, tt := range []struct {
		changed bool
		want    float64
	}{{false, 10}, {true, 1}} {
		var c prediction.Cascade
		for k := range 60 {
			l := at()
			l.Retries, l.Calling = nan, 1000
			l.Latency *= 1 + 0.02*math.Sin(float64(7*k))
			c.Step(l)
		}
		l := at()
		l.Retries, l.Calling, l.Attempts, l.Failing, l.Changed = nan, 1000, 1000, 0.95, tt.changed
		c.Step(l)
		if got := c.Ahead(prediction.Callers{Timeout: nan}).Amplification; math.Abs(got-tt.want) > 0.3 {
			t.Errorf("changed %v: amplification %v, want %v", tt.changed, got, tt.want)
		}
	}
}

// TestAhead: by hand, 200 calls a second at full use, and callers that try
// twice, three times, or as was seen.
func TestAhead(t *testing.T) {
	c := told(60)
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 0.03*math.Abs(want)) {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	a := c.Ahead(prediction.Callers{Timeout: nan})
	near("capacity", a.Capacity, 200)
	near("tipping point without a timeout", a.Up, 200)
	near("recovery point of two tries", a.Down, 100)
	if !a.Assumed || a.Why != "" {
		t.Errorf("assumed %v, why %q; want that two tries are assumed, and nothing is missing", a.Assumed, a.Why)
	}
	a = c.Ahead(prediction.Callers{Timeout: 0.5, Tries: 4})
	near("recovery point of four tries", a.Down, 50)
	near("shed", a.Shed, 1-50/a.Demand)
	near("margin", a.Margin, 50/a.Demand-1)
	if a.Up >= 200 || a.Up < 180 || a.Assumed {
		t.Errorf("tips at %v of 200 with a timeout of 0.5 s (assumed: %v); want a little less", a.Up, a.Assumed)
	}
	for range 8 {
		l := at()
		l.Retries, l.Attempts, l.Failing, l.Timeouts, l.Tail, l.Latency, l.Busy = 1.5, 250, 0.9, 0.9, 1.2, 0.8, 1
		c.Step(l)
	}
	a = c.Ahead(prediction.Callers{Timeout: nan})
	near("recovery point of 2.5 calls for each", a.Down, 200/2.5)
	near("timeout between what timed out and what did not", a.Timeout, math.Sqrt(0.05*1.2))
	if a.Phase != prediction.Collapsed || a.Probability != 1 || a.Tries != 1 {
		t.Errorf("%v with probability %v, most tries %v; want collapsed, 1, 1", a.Phase, a.Probability, a.Tries)
	}
	// Going back: of its own release it stays over 80; of a caller's that began
	// with more load it would recover.
	if back := c.Back(a, false); back.Recovers || !back.Known || math.Abs(back.Shed-0.2) > 0.1 {
		t.Errorf("going back: %+v, want known not to be enough, with a fifth to shed", back)
	}
	c.Old.Demand = 40
	if back := c.Back(a, true); !back.Recovers || !back.Known || back.Demand != 40 {
		t.Errorf("a caller going back to 40 calls: %+v, want known to be enough", back)
	}
	c.Old.Demand = 90
	if back := c.Back(a, true); back.Recovers || back.Known {
		t.Errorf("a caller going back to 90 calls: %+v, want not known, as the old version may not try again", back)
	}
}

// TestLeaves: in a collapse in which more calls come to an end than are done or
// refused, and the queue is no longer in any frame, the others left it: then it
// recovers sooner. Where the rest is refused, the queue grows, or it is not known
// what is refused, the work of those who gave up is taken to be done.
func TestLeaves(t *testing.T) {
	for _, tt := range []struct {
		name            string
		refused, growth float64
		want            bool
	}{
		{"they leave", 0.05, 1, true},
		{"they are refused", 0.25, 1, false},
		{"the queue grows", 0.05, 1.1, false},
		{"nobody counts what is refused", nan, 1, false},
	} {
		c := told(60)
		wait := 0.4
		for range 12 {
			l := at()
			l.Retries, l.Attempts, l.Failing, l.Timeouts, l.Tail, l.Latency, l.Busy, l.Refused = 1.5, 270, 0.9, 0.9, 1.2, wait, 1, tt.refused
			wait *= tt.growth
			c.Step(l)
		}
		a := c.Ahead(prediction.Callers{Timeout: nan})
		if leave := a.Down > 200/2.5*1.1; leave != tt.want || a.Down > a.Up || a.Up > 200*1.05 {
			t.Errorf("%s: recovers under %.0f, tips at %.0f; want it over the 80 of a queue that is kept: %v", tt.name, a.Down, a.Up, tt.want)
		}
	}
}

// TestAheadUnknown: what is not known is NaN, with the reason.
func TestAheadUnknown(t *testing.T) {
	var c prediction.Cascade
	if a := c.Ahead(prediction.Callers{Timeout: nan}); !math.IsNaN(a.Up) || !math.IsNaN(a.Margin) || a.Why == "" || a.Probability != 0 {
		t.Errorf("of nothing: %+v, want NaN with a reason", a)
	}
	for range 40 {
		l := at()
		l.Busy = nan
		c.Step(l)
	}
	a := c.Ahead(prediction.Callers{Timeout: nan})
	if !math.IsNaN(a.Up) || !math.IsNaN(a.Shed) || !math.IsNaN(a.Tries) || !strings.Contains(a.Why, "no bounded resource") {
		t.Errorf("at one load without the use of a resource: %+v, want NaN with a reason", a)
	}
	if back := c.Back(a, false); back.Known || !math.IsNaN(back.Shed) {
		t.Errorf("going back: %+v, want not known", back)
	}
}

// TestGain: at steady demand Λ = λ·A, so that of one moment the gain would be
// 1; measured a round apart it is what the growth grows by.
func TestGain(t *testing.T) {
	for _, tt := range []struct{ by, want float64 }{{1.5, 1.5}, {0.6, 0.6}} {
		c := told(60)
		growth := 0.02
		log := 0.0
		for range 9 {
			log += growth
			growth *= math.Cbrt(tt.by) // by so much in a round of three frames
			l := at()
			a := math.Exp(log)
			l.Retries, l.Attempts, l.Failing = a-1, 100*a, 0.2
			c.Step(l)
		}
		if got := c.Ahead(prediction.Callers{Timeout: nan}).LoopGain; math.Abs(got-tt.want) > 0.05 {
			t.Errorf("growth that grows by %v a round: gain %v", tt.by, got)
		}
	}
}

// TestCascadeLaws: whatever is measured, the state stays small, and what is
// said stays in range; saved and loaded it goes on alike.
func TestCascadeLaws(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 6))
		draw := func(most float64) float64 {
			switch rng.IntN(12) {
			case 0:
				return math.NaN()
			case 1:
				return 0
			default:
				return most * rng.Float64()
			}
		}
		c := &prediction.Cascade{}
		for k := range 400 {
			l := prediction.Link{
				Calling: draw(500), Attempts: draw(1000), Retries: draw(4), Failing: draw(1), Timeouts: draw(1),
				Busy: draw(1), Latency: draw(2), Tail: draw(4), Before: k < 100, Gone: k > 300,
			}
			if k == 200 {
				var b bytes.Buffer
				var back prediction.Cascade
				if err := gob.NewEncoder(&b).Encode(c); err != nil {
					t.Fatal(err)
				}
				if b.Len() > 3072 {
					t.Errorf("seed %d: the state takes %d bytes, want at most 3 KiB with its description", seed, b.Len())
				}
				if err := gob.NewDecoder(&b).Decode(&back); err != nil {
					t.Fatal(err)
				}
				c = &back
			}
			c.Step(l)
			a := c.Ahead(prediction.Callers{Timeout: nan, Tries: rng.IntN(4)})
			bad := a.Probability < 0 || a.Probability > 1 || math.IsNaN(a.Probability) || a.Amplification < 1 || a.Down > a.Up*(1+1e-9) ||
				a.Margin < -1 || a.Shed < 0 || a.Shed > 1 || a.Tries < 0 || math.IsNaN(a.Margin) && a.Demand > 0 && a.Why == "" || a.Factor < 1
			if bad {
				t.Fatalf("seed %d, frame %d: %+v", seed, k, a)
			}
		}
	}
}

// TestNear: a load that grows into nine tenths of the capacity is told of
// before anything is slower than it was at that load, and with the tipping
// point; at eight tenths, where no use is measured, or where it was as busy before, it
// is not.
func TestNear(t *testing.T) {
	for _, tt := range []struct {
		to       float64 // share of the capacity of 200 calls a second
		measured bool
		before   float64 // calls a second before the release
		want     bool
	}{{0.95, true, 100, true}, {0.8, true, 100, false}, {0.95, false, 100, false}, {0.95, true, 188, false}} {
		c := told(60)
		if !tt.measured {
			c = &prediction.Cascade{}
		}
		c.Old.Demand = tt.before
		for k := range 40 {
			l := at()
			l.Attempts = 100 + (200*tt.to-100)*math.Min(1, float64(k)/20)
			l.Calling, l.Busy = l.Attempts, l.Attempts/200
			if !tt.measured {
				l.Busy = math.NaN()
			}
			c.Step(l)
		}
		a := c.Ahead(prediction.Callers{Timeout: math.NaN()})
		if c.Near() != tt.want || c.Now != prediction.Calm {
			t.Errorf("%+v: near %v in phase %v, want %v and calm", tt, c.Near(), c.Now, tt.want)
		}
		if said := a.Probability >= 0.3 && a.Up > 150 && c.Near(); said != tt.want {
			t.Errorf("%+v: probability %.2f, tips at %.0f; want it said: %v", tt, a.Probability, a.Up, tt.want)
		}
	}
}
