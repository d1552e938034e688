package part

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestGate holds the laws of a bounded place with a bounded queue.
func TestGate(t *testing.T) {
	var g gate
	ctx := t.Context()
	for range 2 {
		if err := g.enter(ctx, 2, 1); err != nil {
			t.Fatal(err)
		}
	}
	turn := make(chan error, 1)
	go func() { turn <- g.enter(ctx, 2, 1) }()
	for _, waiting := g.inside(); waiting == 0; _, waiting = g.inside() {
		time.Sleep(time.Millisecond)
	}
	if err := g.enter(ctx, 2, 1); !errors.Is(err, errFull) {
		t.Errorf("enter of a full queue: %v, want %v", err, errFull)
	}
	g.leave()
	if err := <-turn; err != nil {
		t.Errorf("the first in the queue: %v, want its turn", err)
	}
	impatient, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if err := g.enter(impatient, 2, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("enter with a deadline: %v, want it to pass", err)
	}
	g.leave()
	g.leave()
	if in, waiting := g.inside(); in != 0 || waiting != 0 {
		t.Errorf("inside() = %d, %d at the end, want 0, 0", in, waiting)
	}
}

// TestCore holds work to its share of a processor.
func TestCore(t *testing.T) {
	var c core
	start := time.Now()
	for range 5 {
		c.run(t.Context(), 2*time.Millisecond, 0.1)
	}
	if took := time.Since(start); took < 95*time.Millisecond {
		t.Errorf("10 ms of work at a tenth of a core took %s, want about 100 ms", took)
	}
	if got := c.seconds(); got < 0.095 {
		t.Errorf("seconds() = %v, want about 0.1", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	c.run(ended, time.Hour, 1) // whoever asked has left
}

// TestArrivals counts a Poisson process at a wave of rates.
func TestArrivals(t *testing.T) {
	spec := Load{Rate: 50, Crest: 3, Period: Duration(100 * time.Second)}
	a := &arrivals{spec: func() Load { return spec }, random: rand.New(rand.NewPCG(1, 2))}
	n, gaps, squares, now := 0.0, 0.0, 0.0, time.Duration(0)
	for now < 100*time.Second {
		wait, stop := a.Pace(now, 0)
		if stop {
			t.Fatal("Pace stops")
		}
		now += wait
		n++
		gaps += wait.Seconds()
		squares += wait.Seconds() * wait.Seconds()
	}
	// The mean of the wave is twice the rate: 10,000 requests, give or take 300.
	if math.Abs(n-10_000) > 300 {
		t.Errorf("%v requests in a wave, want about 10,000", n)
	}
	if got := a.Rate(50 * time.Second); math.Abs(got-150) > 1e-9 {
		t.Errorf("Rate at the crest = %v, want 150", got)
	}
	mean := gaps / n
	if cv := math.Sqrt(squares/n-mean*mean) / mean; cv < 0.9 {
		t.Errorf("the gaps vary by %.2f of their mean, want at least 1: arrivals in an open loop", cv)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, in := range []string{"", "{", `{"Role":"judge","Life":"1s"}` + "\n"} {
		if err := Run(t.Context(), strings.NewReader(in), &strings.Builder{}); err == nil {
			t.Errorf("Run(%q) gives no error", in)
		}
	}
}

// TestConfigText reads back what is written.
func TestConfigText(t *testing.T) {
	c := Config{Role: RoleShop, Knobs: DefaultKnobs(), Life: Duration(time.Minute)}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back Config
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if back.Knobs.Shop != c.Knobs.Shop || back.Knobs.Load != c.Knobs.Load || back.Life != c.Life {
		t.Errorf("read back %+v, want %+v", back, c)
	}
}
