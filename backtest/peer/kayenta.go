package peer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// The thresholds of Kayenta's manual.
const (
	kayentaMarginal = 75
	kayentaPass     = 95
)

// kayenta looks at the end of every step, over all that was measured since
// the first step began. A score of the marginal threshold or less ends the
// release; one below the pass threshold ends it at the last look, and before
// that a person is to decide.
type kayenta struct {
	release, service int
	sys              release.System
	end              time.Time
	noise            *rand.Rand
	metrics          []canaryMetric
	signals          []int // of the metrics
	experiment       [][]float64
	control          [][]float64
	looked           int // steps whose end has been looked at
	said             Said
}

func newKayenta(sys release.System, i int, o Options) *kayenta {
	k := &kayenta{
		release: i, service: sys.Releases[i].Service, sys: sys, end: o.End,
		noise: rand.New(rand.NewPCG(o.Seed, uint64(i))),
		said:  Said{Release: i, Word: GoOn, Blind: true},
	}
	for j, s := range sys.Signals {
		if s.Scope == signal.PerService || s.Kind == signal.Traffic || s.Kind == signal.Infra {
			continue // not of a version; the versions' shares differ on purpose; nodes are not of the service
		}
		k.signals = append(k.signals, j)
		k.metrics = append(k.metrics, canaryMetricOf(s))
	}
	k.experiment, k.control = make([][]float64, len(k.signals)), make([][]float64, len(k.signals))
	return k
}

// canaryMetricOf configures one metric as Kayenta's manual advises: what
// counts failures is zero where it is missing, all else is left out there.
// Metrics of one kind make a group, and all groups weigh the same.
func canaryMetricOf(s signal.Signal) canaryMetric {
	m := canaryMetric{name: s.Name, groups: []string{s.Kind.String()}}
	switch s.Direction() {
	case signal.Up:
		m.direction = increase
	case signal.Down:
		m.direction = decrease
	case signal.Both:
		m.direction = either
	}
	switch s.Kind {
	case signal.Errors, signal.Retries, signal.Timeouts, signal.Crashes:
		m.replace = true
	case signal.Latency, signal.CPU, signal.Memory, signal.Network, signal.Database, signal.Cache, signal.Dependency, signal.Traffic,
		signal.Saturation, signal.Infra:
	}
	return m
}

func (k *kayenta) step(f signal.Frame) Said {
	k.said.At = f.At
	steps := k.sys.Releases[k.release].Steps
	if k.said.Word == Stop || len(steps) == 0 {
		return k.said
	}
	for _, c := range f.Cells {
		if c.Service == k.service {
			k.collect(f, c, steps[0].At)
		}
	}
	if ends, last := k.ends(f.At, steps); ends {
		k.look(last)
	}
	return k.said
}

// collect keeps the points of one cell: those since the first step began, and
// for a release without a control those of the service before it.
func (k *kayenta) collect(f signal.Frame, c signal.Cell, begun time.Time) {
	j := -1
	for i, s := range k.signals {
		if s == c.Signal {
			j = i
		}
	}
	if j < 0 {
		return
	}
	own := k.sys.Releases[k.release].Control != ""
	after := f.At.After(begun)
	weight := 0.0
	if k.release < len(f.Exposure) {
		weight = f.Exposure[k.release].Weight
	}
	switch {
	case c.Release == k.release && c.Cohort == signal.Canary && after:
		k.experiment[j] = append(k.experiment[j], k.points(c, weight)...)
	case c.Release == k.release && c.Cohort == signal.Control && after:
		k.control[j] = append(k.control[j], k.points(c, 1-weight)...)
	case c.Release < 0 && !own && !after:
		k.control[j] = append(k.control[j], k.points(c, 1)...)
	}
}

// points returns what a frame adds to a metric: the mean over the instances,
// NaN where they answer that, and nothing where nothing answers. What grows
// with a version's share of traffic is divided by the share, as a user would
// do in the query; without any traffic there is no point.
func (k *kayenta) points(c signal.Cell, share float64) []float64 {
	x := sampleOf(time.Time{}, c)
	switch {
	case len(x.values) == 0 && x.nan:
		return []float64{math.NaN()}
	case len(x.values) == 0:
		return nil
	}
	value := stats.Mean(x.values)
	d := k.sys.Signals[c.Signal].Unit.Dimension
	if whole := len(c.Readings) == 1 && c.Readings[0].Instance == ""; whole && (d == signal.Rate || d == signal.CPUTime) {
		if share <= 0 {
			return nil
		}
		value /= share
	}
	return []float64{value}
}

// ends says whether this is the last frame of a step, and whether of the last
// one that the recording reaches.
func (k *kayenta) ends(at time.Time, steps []release.Step) (ends, last bool) {
	next := at.Add(k.sys.Interval)
	if next.After(k.end) {
		return !steps[0].At.After(at), true
	}
	for i := k.looked + 1; i < len(steps); i++ {
		if steps[i].At.After(at) && !steps[i].At.After(next) {
			k.looked = i
			return true, false
		}
	}
	return false, false
}

// look judges all points so far.
func (k *kayenta) look(last bool) {
	var results []canaryResult
	for j, m := range k.metrics {
		x, y := k.experiment[j], k.control[j]
		if len(x) == 0 && len(y) == 0 {
			continue // nobody configures a metric that is not there
		}
		if k.sys.Releases[k.release].Control == "" && len(x) > 0 {
			y = y[max(0, len(y)-len(x)):] // as much of the time before
		}
		results = append(results, m.classify(padded(x, len(y)), padded(y, len(x)), k.noise))
	}
	if len(results) == 0 {
		return
	}
	k.said.Blind = false
	points := score(results, nil)
	k.said.Why = whyScore(points, results)
	switch {
	case points <= kayentaMarginal, last && points < kayentaPass:
		k.said.Word = Stop
	case points < kayentaPass:
		k.said.Word = Wait
	default:
		k.said.Word = GoOn
	}
}

// padded fills up a side that is missing altogether. Gaps in a side that is
// there are invisible: the points come without their times.
func padded(xs []float64, n int) []float64 {
	if len(xs) > 0 {
		return xs
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}

// whyScore says a score with the metrics that did not pass.
func whyScore(points float64, results []canaryResult) string {
	var bad []string
	for _, r := range results {
		if r.class != pass {
			bad = append(bad, r.metric.name+" "+r.class.String())
		}
	}
	if len(bad) == 0 {
		return fmt.Sprintf("score %.4g", points)
	}
	return fmt.Sprintf("score %.4g: %s", points, strings.Join(bad, ", "))
}
