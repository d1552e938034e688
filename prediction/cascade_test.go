package prediction_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/doctable"
	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/queueing"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
)

var (
	cascades = flag.Int("cascades", 0, "runs a row of TestCascades; 0 means as many as an everyday run affords")
	update   = flag.Bool("update", false, "rewrite the measured table in docs/method/cascade.md")
)

var inf, nan = math.Inf(1), math.NaN()

// A storm is a shop that calls pricing, whose new version is slower. Traffic
// comes in waves throughout.
type storm struct {
	tries, servers int
	work, timeout  float64 // seconds
	slower         float64 // times the work, of the new version
	high           float64 // share of pricing's capacity that the traffic comes to
	wave, period   float64
	jolt           bool // a spike at low load, which passes, comes before
	grows          bool // from low to high
	begin          float64
}

// drawn returns a storm at random: it tips when half or more of the traffic is
// on the new version.
func drawn(rng *rand.Rand, tries int) storm {
	return storm{
		tries: tries, servers: []int{1, 2, 4, 8}[rng.IntN(4)], work: 0.01 + 0.01*rng.Float64(), timeout: 0.4 + 0.4*rng.Float64(),
		slower: 1.5 + 0.3*rng.Float64(), high: 0.70 + 0.06*rng.Float64(), wave: 0.03 + 0.07*rng.Float64(), period: 60 + 60*rng.Float64(),
		jolt: true, begin: 280,
	}
}

// calm makes a healthy release of it, in larger waves.
func (s storm) calm(rng *rand.Rand) storm {
	s.slower, s.jolt = 1, false
	s.high, s.wave, s.period = 0.35+0.3*rng.Float64(), 0.1+0.2*rng.Float64(), 30+270*rng.Float64()
	return s
}

func (s storm) capacity() float64 { return float64(s.servers) / s.work }

// frame is the time between two frames.
const frame = 2.0

// each is how long each step of the release lasts, in seconds.
const each = 30.0

func (s storm) model(rng *rand.Rand) simulate.Model {
	inside := simulate.Memory{Limit: inf}
	pricing := simulate.Service{
		Name: "pricing", Instances: 1, Cores: s.servers, Work: s.work, Spread: 1, Threads: inf,
		Queue: math.Ceil(4 * s.timeout * s.capacity()), Memory: inside,
	}
	shop := simulate.Service{Name: "shop", Instances: 1, Cores: 64, Work: 0.001, Spread: 1, Threads: inf, Queue: inf, Memory: inside, Rate: s.capacity(), Calls: []simulate.Call{{
		Caller: simulate.Caller{Timeout: s.timeout, Tries: s.tries, Budget: inf, Backoff: 0.01}, To: 1, Calls: 1, Pool: inf,
	}}}
	low := 0.7 / float64(s.tries)
	phase := 2 * math.Pi * rng.Float64()
	for t := -4.0; t <= s.begin+5*each; t += 4 {
		by := s.high
		if s.jolt || s.grows { // low at first, and up in 100 s
			by = low + (s.high-low)*math.Max(0, math.Min(1, (t-130)/100))
		}
		by *= 1 + s.wave*math.Sin(phase+2*math.Pi*t/s.period)
		if s.jolt && t >= 60 && t < 72 {
			by = 1.6
		}
		shop.Profile = append(shop.Profile, simulate.Factor{At: t, By: by})
	}
	fresh := pricing
	fresh.Work *= s.slower
	m := simulate.Model{
		Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Interval: frame * 1e9, Length: time.Duration((s.begin + 4*each) * 1e9),
		Services: []simulate.Service{shop, pricing}, New: fresh, Clients: simulate.Caller{Timeout: inf, Tries: 1},
		Rollout:   simulate.Plan{Service: 1, Shared: true},
		Objective: simulate.Objective{Latency: inf, Harmed: 0.02},
	}
	for k, w := range []float64{0.25, 0.5, 0.75, 1} {
		m.Rollout.Steps = append(m.Rollout.Steps, simulate.Raise{At: s.begin + each*float64(k), Weight: w})
	}
	return m
}

// truth returns the thresholds of pricing with so much of the traffic on the
// new version.
func (s storm) truth(weight float64) queueing.Thresholds {
	return queueing.Retried{
		Service: s.work * (1 + (s.slower-1)*weight), Servers: s.servers, Queue: math.Ceil(4 * s.timeout * s.capacity()),
		Timeout: s.timeout, Tries: s.tries, Budget: inf,
	}.Thresholds()
}

// linkOf reads the frames alone: of pricing both versions together, of the
// shop its traffic and how its calls fare.
func linkOf(f signal.Frame) prediction.Link {
	l := prediction.Link{Calling: nan, Attempts: nan, Retries: nan, Failing: nan, Timeouts: nan, Busy: nan, Latency: nan, Tail: nan}
	var rate, middle, tail, refused, asked float64
	names := simulate.ModelSignals()
	of := func(c signal.Cell) string { return names[c.Signal].Name }
	here := map[signal.Cohort]float64{}
	for _, c := range f.Cells {
		v := c.Readings[0].Value
		if c.Readings[0].Presence != signal.Present {
			continue
		}
		switch {
		case c.Service == 0 && of(c) == "requests":
			l.Calling = v
		case c.Service == 1 && of(c) == "retries":
			l.Retries = v
		case c.Service == 1 && of(c) == "timeouts":
			l.Timeouts = v
		case c.Service == 1 && of(c) == "requests":
			here[c.Cohort] = v
			rate += v
		case c.Service == 1 && of(c) == "cpu":
			l.Busy = v
		case c.Service == 1 && of(c) == "errors": // those refused for want of a place
			refused += c.Readings[0].Events
			asked += c.Readings[0].N
		}
	}
	for _, c := range f.Cells {
		v := c.Readings[0].Value
		if c.Service != 1 || c.Readings[0].Presence != signal.Present {
			continue
		}
		switch of(c) {
		case "latency_p50":
			middle += v * here[c.Cohort] / rate
		case "latency_p99":
			tail += v * here[c.Cohort] / rate
		}
	}
	if rate > 0 {
		l.Attempts, l.Latency, l.Tail = rate, middle, tail
	}
	l.Refused = refused / asked
	l.Failing = math.Min(1, l.Timeouts+l.Refused)
	l.Before = len(f.Exposure) == 0 || f.Exposure[0].Step == 0
	return l
}

// A heard is what was said of one run, and when calls began to fail.
type heard struct {
	alarm, errors int        // frames after the release began; −1 for never
	ever          bool       // anything was called before, but for the jolt
	old, last     [2]float64 // λ_up and λ_dn over the true ones, less 1: before the release, and before calls fail; NaN when not said
}

// play folds a run twice: with the use of the processors, and without.
func (s storm) play(t testing.TB, seed uint64) (seen, blind heard) {
	m := s.model(rand.New(rand.NewPCG(seed, 9)))
	ticks, err := m.Play(simulate.Exact, seed)
	if err != nil {
		t.Fatal(err)
	}
	none := heard{alarm: -1, errors: -1, old: [2]float64{nan, nan}, last: [2]float64{nan, nan}}
	seen, blind = none, none
	var full, less prediction.Cascade
	k, weight := 0, 0.0
	for tick := range ticks {
		l := linkOf(tick.Frame)
		s.hear(&seen, &full, l, k, weight)
		l.Busy = nan
		s.hear(&blind, &less, l, k, weight)
		weight = tick.Weight // this frame is of the time before
		k++
	}
	return seen, blind
}

// hear takes one frame, of so much of the traffic on the new version.
func (s storm) hear(h *heard, c *prediction.Cascade, l prediction.Link, k int, weight float64) {
	at := float64(k) * frame
	if at > s.begin && h.errors < 0 && l.Failing > 0.02 {
		h.errors = k
	}
	p := c.Step(l)
	switch jolt := s.jolt && at > 54 && at < 140; {
	case p <= prediction.Calm || jolt:
	case at <= s.begin:
		h.ever = true
	case h.alarm < 0:
		h.alarm = k
	}
	if at <= s.begin-frame || h.errors >= 0 {
		return
	}
	a, want := c.Ahead(prediction.Callers{Timeout: nan}), s.truth(weight)
	h.last = [2]float64{a.Up/want.Up - 1, a.Down/want.Down - 1}
	if at <= s.begin {
		h.old = h.last
	}
}

// errors are relative errors of one threshold over many runs.
type errors []float64

// text says how many are known, of these the median, and the share within a
// tenth.
func (e errors) text() string {
	known := e.known()
	if len(known) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%, %.0f %%", 100*known[len(known)/2], 100*e.within())
}

func (e errors) known() []float64 {
	var out []float64
	for _, x := range e {
		if !math.IsNaN(x) {
			out = append(out, math.Abs(x))
		}
	}
	slices.Sort(out)
	return out
}

func (e errors) within() float64 {
	n := 0
	for _, x := range e {
		if math.Abs(x) <= 0.10 {
			n++
		}
	}
	return float64(n) / float64(max(1, len(e.known())))
}

// A tally counts over the runs of one row.
type tally struct {
	n, failed, first, ever int
	lead                   []float64 // seconds
	old, last              [2]errors
}

func (y *tally) add(h heard) {
	y.n++
	for i := range 2 {
		y.old[i], y.last[i] = append(y.old[i], h.old[i]), append(y.last[i], h.last[i])
	}
	if h.ever {
		y.ever++
	}
	if h.errors < 0 {
		return
	}
	y.failed++
	if h.alarm >= 0 && h.alarm < h.errors {
		y.first++
		y.lead = append(y.lead, frame*float64(h.errors-h.alarm))
	}
}

func (y *tally) row(name string) string {
	slices.Sort(y.lead)
	lead := "–"
	if len(y.lead) > 0 {
		lead = fmt.Sprintf("%.0f s", y.lead[len(y.lead)/2])
	}
	return fmt.Sprintf("| %s | %d | %.0f %% | %s | %.0f %% | %s | %s | %s | %s | %.0f %% |", name, y.n, 100*float64(y.first)/float64(max(1, y.failed)), lead, 100*float64(y.ever)/float64(y.n),
		y.old[0].text(), y.old[1].text(), y.last[0].text(), y.last[1].text(), 100*float64(len(y.last[0].known()))/float64(y.n))
}

// TestCascades plays retry storms of three strengths request by request, and
// healthy releases in waves of traffic. With -cascades 60 -update it writes its
// tables into docs/method/cascade.md.
func TestCascades(t *testing.T) {
	n, off := *cascades, 0.10
	if n == 0 {
		n, off = 3, 0.15 // a median of three
	}
	rows := []string{
		"| storm | runs | called before calls fail | median lead | called before the release | λ_up before the release | λ_dn | λ_up before calls fail | λ_dn | known |",
		"|---|---|---|---|---|---|---|---|---|---|",
	}
	for _, tries := range []int{2, 3, 5} {
		var seen, blind tally
		for seed := range uint64(n) {
			a, b := drawn(rand.New(rand.NewPCG(seed, uint64(tries))), tries).play(t, seed)
			seen.add(a)
			blind.add(b)
		}
		name := fmt.Sprintf("%d tries", tries)
		rows = append(rows, seen.row(name), blind.row(name+", without the use of processors"))
		if seen.first*10 < seen.failed*9 && seen.failed-seen.first > 1 {
			t.Errorf("%s: called first in %d of %d, want 9 in 10", name, seen.first, seen.failed)
		}
		for i, e := range []errors{seen.old[0], seen.old[1], seen.last[0], seen.last[1]} {
			if known := e.known(); len(known) < n || known[n/2] > off {
				t.Errorf("%s: threshold %d is known in %d of %d, errors %v; want all of them, with a median of %v", name, i, len(known), n, known, off)
			}
		}
	}
	t.Log("\n" + strings.Join(rows, "\n"))
	calm := healthy(t, n)
	if *update && *cascades > 0 {
		doctable.Write(t, cascadeFile, "storms", strings.Join(rows, "\n"))
		doctable.Write(t, cascadeFile, "calm", strings.Join(calm, "\n"))
	}
}

// healthy plays releases that change nothing, and returns the table of what
// was called all the same.
func healthy(t *testing.T, n int) []string {
	t.Helper()
	rows := []string{"| no calls fail | runs | ever called anything | without the use of processors |", "|---|---|---|---|"}
	for _, kind := range []struct {
		name string
		slow bool // it is a little slower: calling that is no error, and seldom due
		draw func(*rand.Rand) storm
	}{
		{"traffic in waves of 10 to 30 %, 30 to 300 s long", false, func(rng *rand.Rand) storm { return drawn(rng, 3).calm(rng) }},
		{"traffic grows from 23 to 60 % of the capacity, in waves", false, func(rng *rand.Rand) storm {
			s := drawn(rng, 3)
			s.slower, s.high, s.wave = 1, 0.6, 0.05+0.1*rng.Float64()
			s.grows = true
			s.jolt = false
			return s
		}},
		{"the new version takes 5 % longer, waves of 5 to 15 %", true, func(rng *rand.Rand) storm {
			s := drawn(rng, 3).calm(rng)
			s.slower, s.wave = 1.05, 0.05+0.1*rng.Float64()
			return s
		}},
	} {
		var full, less int
		for seed := range uint64(2 * n) {
			rng := rand.New(rand.NewPCG(seed, 77))
			a, b := kind.draw(rng).play(t, seed)
			if a.ever || a.alarm >= 0 {
				full++
			}
			if b.ever || b.alarm >= 0 {
				less++
			}
		}
		rows = append(rows, fmt.Sprintf("| %s | %d | %.1f %% | %.1f %% |", kind.name, 2*n, 50*float64(full)/float64(n), 50*float64(less)/float64(n)))
		if most := map[bool]int{true: n / 3, false: n / 25}[kind.slow]; full > max(1, most) {
			t.Errorf("%s: %d of %d called something, want at most %d", kind.name, full, 2*n, most)
		}
	}
	t.Log("\n" + strings.Join(rows, "\n"))
	return rows
}

const cascadeFile = "../docs/method/cascade.md"
