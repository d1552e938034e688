package trend

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/internal/doctable"
	"github.com/foreshock/foreshock/stats"
)

var (
	exposureN = flag.Int("exposure", 0, "services a row of TestMeasured; 0 means as many as an everyday run affords")
	update    = flag.Bool("update", false, "rewrite the measured tables in docs/method")
)

// exposureFile holds the tables between marks.
const exposureFile = "../docs/method/exposure.md"

// A drawn is one service under one release, with what is true of it.
type drawn struct {
	staircase
	fails func(f int) float64 // weight, with the traffic of a frame; nil for never
	limit float64
	wait  bool
	mean  func(f int, w float64) float64 // the value without its noise
}

// noise is an AR(1) process of standard deviation 1.
type noise struct {
	rng *rand.Rand
	rho float64
	z   float64
	t3  bool // Student's t with 3 degrees of freedom, by its shocks
}

func (n *noise) next() float64 {
	e := n.rng.NormFloat64()
	if n.t3 {
		a, b, c := n.rng.NormFloat64(), n.rng.NormFloat64(), n.rng.NormFloat64()
		e *= 1 / math.Sqrt(a*a+b*b+c*c) // t3/√3, of variance 1
	}
	n.z = n.rho*n.z + math.Sqrt(1-n.rho*n.rho)*e
	return n.z
}

// A situation is one row of the tables.
type situation struct {
	name     string
	sd       [2]float64 // of the noise, of a use in shares of the limit, of a wait in shares of itself
	rho      [2]float64
	before   [2]int
	length   [2]int
	t3       bool
	wait     bool
	fails    bool
	traffic  func(rng *rand.Rand, s staircase) func(f int) float64
	measured bool // whether the traffic is measured
	jumps    bool // whether the use jumps once, for a reason of its own
	hinged   bool // whether the use answers only beyond 8 to 17 % of the traffic
}

func between(rng *rand.Rand, b [2]float64) float64 { return b[0] + (b[1]-b[0])*rng.Float64() }

func among(rng *rand.Rand, b [2]int) int { return b[0] + rng.IntN(b[1]-b[0]+1) }

// draw makes the service of one seed. Those that fail do so between 67 and
// 100 % of the traffic, so that the 40 % that are seen last are 40 to 60 % of
// that.
func (s situation) draw(seed uint64) drawn {
	rng := rand.New(rand.NewPCG(seed, 11))
	out := drawn{wait: s.wait, limit: math.Exp(rng.NormFloat64())}
	out.staircase = staircase{before: among(rng, s.before), length: among(rng, s.length), weights: []float64{0.1, 0.25, 0.4}}
	n := noise{rng: rng, rho: between(rng, s.rho), t3: s.t3}
	sd := between(rng, s.sd)
	idle, slope := 0.15+0.4*rng.Float64(), 0.0
	traffic, fails := func(int) float64 { return 1 }, 0.4/0.6+(1-0.4/0.6)*rng.Float64()
	if s.traffic != nil {
		traffic = s.traffic(rng, out.staircase)
	}
	if s.fails {
		slope = (1 - idle) / fails
		out.fails = func(f int) float64 { return (1/traffic(f) - idle) / slope }
	}
	if s.wait {
		// 1/L falls from 1/service; the limit is 3 to 7 times that.
		service := 1 / (3 + 4*rng.Float64())
		slope = 0
		if s.fails {
			slope = (1 - idle - service) / fails
			out.fails = func(int) float64 { return fails }
		}
		out.mean = func(_ int, w float64) float64 { return out.limit * service / (1 - idle - slope*w) }
		out.value = func(f int, w float64) float64 { return out.mean(f, w) * math.Exp(sd*n.next()) }
	} else {
		jump, when, hinge := 0.0, out.before+rng.IntN(3*out.length), 0.0
		if s.hinged {
			hinge = 0.08 + 0.09*rng.Float64()
			slope = (1 - idle) / (fails - hinge)
			out.fails = func(int) float64 { return fails }
		}
		if s.jumps {
			jump = 0.1 + 0.2*rng.Float64()
		}
		out.mean = func(f int, w float64) float64 {
			more := 0.0
			if f >= when {
				more = jump
			}
			return out.limit * ((idle+slope*math.Max(0, w-hinge))*traffic(f) + more)
		}
		out.value = func(f int, w float64) float64 {
			return math.Max(0, math.Min(out.limit, out.mean(f, w)+out.limit*sd*n.next()))
		}
	}
	if s.measured {
		out.load = func(f int) float64 { return 200 * traffic(f) * (1 + 0.03*rng.NormFloat64()) }
	}
	return out
}

// fill plays a drawn service once, so that its values do not depend on how
// far one looks.
func (d *drawn) fill() {
	n := d.before + d.length*len(d.weights)
	values, loads := make([]float64, n), make([]float64, n)
	for f := range n {
		w := 0.0
		if f >= d.before {
			w = d.weights[(f-d.before)/d.length]
		}
		values[f] = d.value(f, w)
		if d.load != nil {
			loads[f] = d.load(f)
		}
	}
	d.value = func(f int, _ float64) float64 { return values[f] }
	if d.load != nil {
		d.load = func(f int) float64 { return loads[f] }
	}
}

// waves are traffic that swings by a third about its mean, over one to four
// times the time that is looked at, from any hour; swell is the same by a fifth.
func waves(rng *rand.Rand, s staircase) func(int) float64 { return swing(rng, s, 1.0/3) }

func swell(rng *rand.Rand, s staircase) func(int) float64 { return swing(rng, s, 0.2) }

func swing(rng *rand.Rand, s staircase, by float64) func(int) float64 {
	period, phase := float64(s.before+3*s.length)*(1+3*rng.Float64()), rng.Float64()
	return func(f int) float64 { return 1 + by*math.Sin(2*math.Pi*(phase+float64(f)/period)) }
}

// surges is traffic that doubles along an S of any length, in the middle of the
// release: a form that no rival has.
func surges(rng *rand.Rand, s staircase) func(int) float64 {
	middle, width := float64(s.before)+3*float64(s.length)*rng.Float64(), float64(s.length)*(0.1+0.9*rng.Float64())
	return func(f int) float64 { return 0.7 * (1 + 1/(1+math.Exp((middle-float64(f))/width))) }
}

// doubles is traffic that grows straight from the first step on, to twice at
// the end.
func doubles(_ *rand.Rand, s staircase) func(int) float64 {
	return func(f int) float64 {
		return 0.7 * (1 + math.Max(0, float64(f-s.before))/float64(3*s.length))
	}
}

func situations() []situation {
	short, long := [2]int{15, 30}, [2]int{15, 60}
	calm, rough := [2]float64{0.01, 0.03}, [2]float64{0.03, 0.06}
	some, much := [2]float64{0, 0.5}, [2]float64{0.5, 0.8}
	young, anyTime := [2]int{30, 100}, [2]int{20, 2000}
	return []situation{
		{name: "use, noise 1 to 3 % of the limit, ρ to 0.5", sd: calm, rho: some, before: young, length: short, fails: true},
		{name: "the same, noise 3 to 6 %", sd: rough, rho: some, before: young, length: short, fails: true},
		{name: "the same, noise 1 to 3 %, ρ 0.5 to 0.8", sd: calm, rho: much, before: young, length: short, fails: true},
		{name: "noise 1 to 6 %, ρ to 0.5, steps of 15 to 60 frames, any time before", sd: [2]float64{0.01, 0.06}, rho: some, before: anyTime, length: long, fails: true},
		{name: "the same with heavy tails", sd: [2]float64{0.01, 0.06}, rho: some, before: anyTime, length: long, fails: true, t3: true},
		{name: "noise 1 to 3 %, traffic in waves of 20 %, measured", sd: calm, rho: some, before: anyTime, length: long, fails: true, traffic: swell, measured: true},
		{name: "a use that answers beyond 8 to 17 % of the traffic alone, noise 1 to 3 %", sd: calm, rho: some, before: young, length: long, fails: true, hinged: true},
		{name: "wait as in a queue, noise 3 to 8 % of it", sd: [2]float64{0.03, 0.08}, rho: some, before: young, length: long, fails: true, wait: true},
		{name: "no answer, noise 1 to 6 %, ρ to 0.5", sd: [2]float64{0.01, 0.06}, rho: some, before: anyTime, length: long},
		{name: "no answer, ρ 0.5 to 0.8", sd: [2]float64{0.01, 0.06}, rho: much, before: anyTime, length: long},
		{name: "no answer, heavy tails", sd: [2]float64{0.01, 0.06}, rho: some, before: anyTime, length: long, t3: true},
		{name: "no answer, traffic in waves, measured", sd: calm, rho: some, before: anyTime, length: long, traffic: waves, measured: true},
		{name: "no answer, traffic in waves, not measured", sd: calm, rho: some, before: anyTime, length: long, traffic: waves},
		{name: "no answer, traffic doubles from the first step, measured", sd: calm, rho: some, before: anyTime, length: long, traffic: doubles, measured: true},
		{name: "no answer, traffic doubles from the first step, not measured", sd: calm, rho: some, before: anyTime, length: long, traffic: doubles},
		{name: "no answer, traffic doubles along an S, measured", sd: calm, rho: some, before: anyTime, length: long, traffic: surges, measured: true},
		{name: "no answer, traffic doubles along an S, not measured", sd: calm, rho: some, before: anyTime, length: long, traffic: surges},
		{name: "no answer, but the use jumps by 10 to 30 % of the limit in some frame of the release", sd: calm, rho: some, before: anyTime, length: long, jumps: true},
		{name: "no answer, but the use wanders (ρ = 0.99, as wide as 10 % of the limit)", sd: [2]float64{0.1, 0.1}, rho: [2]float64{0.99, 0.99}, before: anyTime, length: long},
		{name: "wait without an answer, noise 3 to 20 %", sd: [2]float64{0.03, 0.2}, rho: some, before: anyTime, length: long, wait: true},
	}
}

// A record is what was said of the services of one situation.
type record struct {
	n                     int
	at                    [3]told // at the end of each step
	next, nextIn          int     // of what it comes to at 60 %, told at the end of the last one: with a middle, and in the interval
	nextOff               []float64
	claimed, held, unsure int // services of which it was ever said that they fail by 100 %; that would have been held; sent to unknown
}

// A told is what was said at the end of one step.
type told struct {
	known, in   int
	off, widths []float64
}

// measure plays the services of a situation.
func (s situation) measure(n int) record {
	out := record{n: n}
	next := []float64{0.25, 0.4, 0.7}
	for seed := range uint64(n) {
		d := s.draw(seed + 1)
		d.fill()
		var claimed, held, unsure bool
		for frames := 1; frames <= 3*d.length; frames++ {
			step := (frames - 1) / d.length
			last := frames%d.length == 0
			if !last && s.fails {
				continue
			}
			r := d.response(frames, d.limit)
			r.Wait, r.Next = d.wait, furtherOn
			f := FailsAt(r)
			p := f.Breach(next[step])
			claimed = claimed || f.Why == Known && f.P50 <= 1
			held = held || f.Why == Known && p >= 0.2
			unsure = unsure || f.Why == TooFar && p >= 0.2
			if last && f.Why == Known && s.fails {
				out.at[step].add(f, d.fails(d.before+frames-1))
				if step == 2 {
					out.comes(f, d.mean(d.before+frames-1, furtherOn))
				}
			}
		}
		out.claimed, out.held, out.unsure = out.claimed+count(claimed), out.held+count(held), out.unsure+count(unsure)
	}
	return out
}

// furtherOn is the weight of which is told, at 40 %, what a signal comes to.
const furtherOn = 0.6

func (r *record) comes(f Failure, truth float64) {
	lo, mid, hi := f.Next()
	if math.IsInf(mid, 0) {
		return
	}
	r.next++
	r.nextIn += count(lo <= truth && truth <= hi)
	r.nextOff = append(r.nextOff, 100*math.Abs(mid-truth)/truth)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (t *told) add(f Failure, fails float64) {
	t.known++
	t.in += count(f.P10 <= fails && fails <= f.P90)
	t.off = append(t.off, 100*math.Abs(f.P50-fails))
	t.widths = append(t.widths, 100*(f.P90-f.P10))
}

// TestMeasured plays simulated services of which it is known where they fail,
// if they do, and holds what is said of them against it, loosely. With
// -exposure 1000 -update it writes the tables of docs/method/exposure.md.
func TestMeasured(t *testing.T) {
	var fail, well []string
	for _, s := range situations() {
		n := *exposureN
		if n == 0 {
			n = 40
		}
		r := s.measure(n)
		if s.fails {
			fail = append(fail, r.failing(s))
			r.mustHold(t, s)
		} else {
			well = append(well, r.healthy(s))
			// The rates are up to 4.1 % in the table, of what jumps.
			if most := max(2, n/20); r.held > most || r.claimed > 2*most {
				t.Errorf("%s: %d of %d would be held, of %d it was said that they fail; want at most %d and %d", s.name, r.held, n, r.claimed, most, 2*most)
			}
		}
	}
	t.Log("\n" + strings.Join(slices.Concat(fail, well), "\n"))
	if !*update || *exposureN == 0 {
		return // an everyday run's table is not worth writing
	}
	var b strings.Builder
	b.WriteString("| they fail at 67 to 100 % | n | known at 25 % | median error | holds | known at 40 % | median error | median width | holds | value at 60 %: median error | holds |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	b.WriteString(strings.Join(fail, "\n") + "\n\n")
	b.WriteString("| they do not fail | n | ever said to fail by 100 % | would have been held | sent to unknown |\n|---|---|---|---|---|\n")
	b.WriteString(strings.Join(well, "\n") + "\n")
	doctable.Write(t, exposureFile, "services", b.String())
}

// mustHold holds the loose bounds: eight in ten intervals hold the truth, but
// for chance, and most errors are small.
func (r record) mustHold(t *testing.T, s situation) {
	t.Helper()
	at := r.at[2]
	if at.known < 10 {
		t.Logf("%s: known for only %d of %d", s.name, at.known, r.n)
		return
	}
	if least := 0.8 - 3*math.Sqrt(0.16/float64(max(1, r.next))); r.next == 0 || float64(r.nextIn)/float64(r.next) < least {
		t.Errorf("%s: of %d values at 60 %% %d are in their intervals, want 80 %%", s.name, r.next, r.nextIn)
	}
	share := float64(at.in) / float64(at.known)
	if least := 0.8 - 3*math.Sqrt(0.16/float64(at.known)); share < least {
		t.Errorf("%s: %.0f %% of %d intervals hold the truth, want 80", s.name, 100*share, at.known)
	}
	if off := stats.Median(at.off); off > 10 {
		t.Errorf("%s: off by %.1f points in the median, want at most 10", s.name, off)
	}
}

func (r record) failing(s situation) string {
	share := func(k, n int) string {
		if n == 0 {
			return "–"
		}
		return fmt.Sprintf("%.0f %%", 100*float64(k)/float64(n))
	}
	points := func(xs []float64) string {
		if len(xs) == 0 {
			return "–"
		}
		return fmt.Sprintf("%.1f", stats.Median(xs))
	}
	a, b := r.at[1], r.at[2]
	return fmt.Sprintf("| %s | %d | %s | %s | %s | %s | %s | %s | %s | %s %% | %s |", s.name, r.n,
		share(a.known, r.n), points(a.off), share(a.in, a.known), share(b.known, r.n), points(b.off), points(b.widths), share(b.in, b.known),
		points(r.nextOff), share(r.nextIn, r.next))
}

func (r record) healthy(s situation) string {
	share := func(k int) string { return fmt.Sprintf("%.1f %%", 100*float64(k)/float64(r.n)) }
	return fmt.Sprintf("| %s | %d | %s | %s | %s |", s.name, r.n, share(r.claimed), share(r.held), share(r.unsure))
}
