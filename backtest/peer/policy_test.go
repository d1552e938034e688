package peer

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// minute returns an instant after the start.
func minute(m float64) time.Time { return start.Add(time.Duration(m * float64(time.Minute))) }

// shop is a system with one release: 10 % at minute 10, 50 % at minute 30,
// frames of a minute up to minute 50. So the first step has 20 min, and Argo
// and Flagger look every 5 min, from minute 15 on.
func shop() release.System {
	return release.System{
		Interval: time.Minute,
		Services: []release.Service{{Name: "cart"}},
		Signals: []signal.Signal{
			{Name: "traffic", Kind: signal.Traffic, Unit: signal.ParseUnit("requests/s"), Scope: signal.PerCohort},
			{Name: "errors", Kind: signal.Errors, Unit: signal.ParseUnit("ratio"), Scope: signal.PerCohort},
			{Name: "latency:p50", Kind: signal.Latency, Unit: signal.ParseUnit("s"), Scope: signal.PerCohort},
			{Name: "latency:p99", Kind: signal.Latency, Unit: signal.ParseUnit("s"), Scope: signal.PerCohort},
		},
		Releases: []release.Release{{
			ID: "cart", Canary: `version="v2"`, Control: `version="v1"`,
			Steps: []release.Step{{At: minute(10), CompletedAt: minute(10), Weight: 0.1}, {At: minute(30), CompletedAt: minute(30), Weight: 0.5}},
		}},
	}
}

// A reader says what the canary shows of a signal at a minute; nil for
// nothing. control says the same of the control.
type reader func(m int) []signal.Reading

func counted(events, n float64) []signal.Reading {
	return []signal.Reading{{Value: events / n, N: n, Events: events, Presence: signal.Present}}
}

func value(x float64) []signal.Reading {
	return []signal.Reading{{Value: x, N: math.NaN(), Events: math.NaN(), Presence: signal.Present}}
}

func missing(p signal.Presence) []signal.Reading { return []signal.Reading{signal.Missing(p, "")} }

// play plays one peer over 51 frames, and returns what it said, minute by
// minute. Signals are those of shop: errors is 1, p99 is 3. The control is
// well.
func play(t *testing.T, name string, sys release.System, o Options, canary map[int]reader) []Said {
	t.Helper()
	o.End = minute(50)
	p, err := New(name, sys, o)
	if err != nil {
		t.Fatal(err)
	}
	said := make([]Said, 51)
	for m := range said {
		f := signal.Frame{At: minute(float64(m)), Exposure: make([]signal.Exposure, len(sys.Releases))}
		for _, s := range sys.Releases[0].Steps {
			if !s.At.After(f.At) {
				f.Exposure[0] = signal.Exposure{Weight: s.Weight, Step: f.Exposure[0].Step + 1}
			}
		}
		for i := range sys.Signals {
			well := value(0.1 + 0.001*float64(m%7))
			if i == 1 {
				well = counted(1, 1000)
			}
			cell := signal.Cell{Signal: i, Cohort: signal.Control, Limit: math.NaN(), Readings: well}
			if sys.Releases[0].Control == "" {
				cell.Release, cell.Cohort = -1, signal.Whole
			}
			f.Cells = append(f.Cells, cell)
			shown := missing(signal.NeverSeen)
			if read, ok := canary[i]; m >= 10 && ok {
				shown = read(m)
			} else if m > 10 {
				shown = well
			}
			limit := math.NaN()
			if sys.Signals[i].Limit.Set {
				limit = sys.Signals[i].Limit.Value
			}
			f.Cells = append(f.Cells, signal.Cell{Signal: i, Cohort: signal.Canary, Limit: limit, Readings: shown})
		}
		for _, s := range p.Step(f) {
			said[m] = s
		}
	}
	return said
}

// changes writes when the word changes: "10 go on, 30 stop".
func changes(said []Said) string {
	var out []string
	for m, s := range said {
		if s.Word != 0 && (m == 0 || said[m-1].Word != s.Word) {
			out = append(out, strconv.Itoa(m)+" "+s.Word.String())
		}
	}
	return strings.Join(out, ", ")
}

func from(m int, bad, well []signal.Reading) reader {
	return func(at int) []signal.Reading {
		if at >= m {
			return bad
		}
		return well
	}
}

// windows fails 6 % of the requests in some of the windows between the looks at
// minutes 15, 20, …, counted from 0.
func windows(bad ...int) reader {
	return func(m int) []signal.Reading {
		if slices.Contains(bad, (m-11)/5) {
			return counted(60, 1000)
		}
		return counted(1, 1000)
	}
}

// TestPolicies: looks of Argo and Flagger are at minutes 15, 20, 25, …, each
// over the five frames before; those of Kayenta at minutes 29 and 50.
func TestPolicies(t *testing.T) {
	never := map[int]reader{0: nothing, 1: nothing, 2: nothing, 3: nothing}
	idle := map[int]reader{1: from(0, missing(signal.NotANumber), nil), 3: from(0, missing(signal.NotANumber), nil)}
	errorsOf := func(share float64) map[int]reader { return map[int]reader{1: from(0, counted(1000*share, 1000), nil)} }
	slow := map[int]reader{3: from(0, value(0.4), nil)}
	objective := Options{Objective: 250 * time.Millisecond}
	tests := []struct {
		name   string
		peer   string
		o      Options
		canary map[int]reader
		want   string
	}{
		{"well", Argo, objective, nil, "10 go on"},
		{"well", ArgoStrict, objective, nil, "10 go on"},
		{"well", Flagger, objective, nil, "10 go on"},
		{"well", Kayenta, objective, nil, "10 go on"},

		{"6 % fail: the fourth failure", Argo, Options{}, errorsOf(0.06), "10 go on, 30 stop"},
		{"6 % fail: the first failure", ArgoStrict, Options{}, errorsOf(0.06), "10 go on, 15 stop"},
		{"6 % fail: a check fails, and five roll back", Flagger, Options{}, errorsOf(0.06), "10 go on, 15 wait, 35 stop"},
		{"6 % fail: one group of two fails", Kayenta, Options{}, errorsOf(0.06), "10 go on, 29 stop"},

		{"4 % fail: within Argo's 95 %", ArgoStrict, Options{}, errorsOf(0.04), "10 go on"},
		{"0.9 % fail: within Flagger's 99 %", Flagger, Options{}, errorsOf(0.009), "10 go on"},
		{"0.9 % fail: nine times the control's", Kayenta, Options{}, errorsOf(0.009), "10 go on, 29 stop"},

		{"slow: against the objective", ArgoStrict, objective, slow, "10 go on, 15 stop"},
		{"slow: nothing is said about latency", ArgoStrict, Options{}, slow, "10 go on"},
		{"slow: within Flagger's half second", Flagger, objective, slow, "10 go on"},
		{"slow: one of two latencies, score 75", Kayenta, objective, slow, "10 go on, 29 stop"},

		{"from minute 31 on: five checks", Flagger, Options{}, map[int]reader{1: from(31, counted(60, 1000), counted(1, 1000))}, "10 go on, 35 wait"},
		{
			"failures with successes between are never forgotten", Flagger,
			Options{},
			map[int]reader{1: windows(0, 2, 4, 5, 6)},
			"10 go on, 15 wait, 20 go on, 25 wait, 30 go on, 35 wait, 45 stop",
		},

		{"never a sample: five errors, ten seconds apart", Argo, Options{}, never, "10 go on, 19 stop"},
		{"never a sample: five checks without a value", Flagger, Options{}, never, "10 go on, 15 wait, 35 stop"},
		{"never a sample: Nodata", Kayenta, Options{}, never, "10 go on, 29 stop"},
		{"no requests: NaN is no success", Argo, Options{}, idle, "10 go on, 30 stop"},
		{"no requests: no values", Flagger, Options{}, idle, "10 go on, 15 wait, 35 stop"},
	}
	for _, tt := range tests {
		t.Run(tt.peer+": "+tt.name, func(t *testing.T) {
			said := play(t, tt.peer, shop(), tt.o, tt.canary)
			if got := changes(said); got != tt.want {
				t.Errorf("%s says %s, want %s; at last: %s", tt.peer, got, tt.want, said[50].Why)
			}
			if said[50].Blind || said[50].Why == "" || !said[50].At.Equal(minute(50)) {
				t.Errorf("at last %+v, want it seeing, with a reason, at minute 50", said[50])
			}
		})
	}
}

func nothing(int) []signal.Reading { return missing(signal.NeverSeen) }

// TestBlind: without signals to judge by only Flagger stops a release.
func TestBlind(t *testing.T) {
	sys := shop()
	sys.Signals = sys.Signals[:1] // traffic
	for name, want := range map[string]string{Argo: "10 go on", Flagger: "10 go on, 15 wait, 35 stop", Kayenta: "10 go on"} {
		said := play(t, name, sys, Options{}, nil)
		if got := changes(said); got != want || !said[50].Blind {
			t.Errorf("%s says %s, blind %v, want %s and blind", name, got, said[50].Blind, want)
		}
	}
}

// TestWithoutControl: Kayenta compares with as much of the time before.
func TestWithoutControl(t *testing.T) {
	sys := shop()
	sys.Releases[0].Control = ""
	if got := changes(play(t, Kayenta, sys, Options{}, nil)); got != "10 go on" {
		t.Errorf("a healthy release: %s, want 10 go on", got)
	}
	bad := map[int]reader{1: from(0, counted(60, 1000), nil), 2: from(0, value(0.4), nil)}
	if got := changes(play(t, Kayenta, sys, Options{}, bad)); got != "10 go on, 29 stop" {
		t.Errorf("a bad release: %s, want 10 go on, 29 stop", got)
	}
}

// TestLimit: without an objective the signal's own limit is Argo's condition.
func TestLimit(t *testing.T) {
	sys := shop()
	sys.Signals[3].Limit = signal.Limit{Set: true, Value: 0.3}
	if got := changes(play(t, ArgoStrict, sys, Options{}, map[int]reader{3: from(0, value(0.4), nil)})); got != "10 go on, 15 stop" {
		t.Errorf("0.4 s against a limit of 0.3 s: %s, want 10 go on, 15 stop", got)
	}
}

// TestRatioWithoutCounts: a share of which only the value is known counts by
// its mean.
func TestRatioWithoutCounts(t *testing.T) {
	for share, want := range map[float64]string{0.06: "10 go on, 15 stop", 0.04: "10 go on"} {
		if got := changes(play(t, ArgoStrict, shop(), Options{}, map[int]reader{1: from(0, value(share), nil)})); got != want {
			t.Errorf("%v fail: %s, want %s", share, got, want)
		}
	}
}

// TestKayentaWaits: a score between the thresholds is for a person to decide,
// and at the last look it fails. Of five groups one fails.
func TestKayentaWaits(t *testing.T) {
	sys := shop()
	for _, k := range []signal.Kind{signal.CPU, signal.Memory, signal.Saturation} {
		sys.Signals = append(sys.Signals, signal.Signal{Name: k.String(), Kind: k, Scope: signal.PerCohort, Unit: signal.ParseUnit("")})
	}
	said := play(t, Kayenta, sys, Options{}, map[int]reader{1: from(0, counted(60, 1000), nil)})
	if got := changes(said); got != "10 go on, 29 wait, 50 stop" || said[50].Why != "score 80: errors High" {
		t.Errorf("kayenta says %s: %s, want 10 go on, 29 wait, 50 stop: score 80: errors High", got, said[50].Why)
	}
}

// TestEvaluate holds the table of what silence means to an analysis, as it was
// run against Argo Rollouts itself.
func TestEvaluate(t *testing.T) {
	below := first(func(x float64) bool { return x < 0.05 })
	above := first(func(x float64) bool { return x >= 0.05 })
	anyAbove := func(result []float64) (bool, error) {
		for _, x := range result {
			if x >= 0.05 {
				return true, nil
			}
		}
		return false, nil
	}
	fine := first(func(x float64) bool { return x < 0.01 })
	nan := []float64{math.NaN()}
	tests := []struct {
		name             string
		result           []float64
		success, failure condition
		want             phase
	}{
		{"NaN, success", nan, below, nil, failed},
		{"NaN, failure", nan, nil, above, successful},
		{"NaN, both", nan, below, above, inconclusive},
		{"empty, success", nil, below, nil, errored},
		{"empty, failure", nil, nil, above, errored},
		{"empty, failure with any", nil, nil, anyAbove, successful},
		{"neither condition", []float64{1}, nil, nil, successful},
		{"success alone, true", []float64{0.01}, below, nil, successful},
		{"success alone, false", []float64{0.1}, below, nil, failed},
		{"failure alone, true", []float64{0.1}, nil, above, failed},
		{"failure alone, false", []float64{0.01}, nil, above, successful},
		{"both, neither", []float64{0.02}, fine, above, inconclusive},
		{"both, failure first", []float64{0.1}, first(func(float64) bool { return true }), above, failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := evaluate(tt.success, tt.failure, tt.result); got != tt.want {
				t.Errorf("evaluate = %v, want %v", got, tt.want)
			}
		})
	}
}

// TestCount: the counters of a metric against the limits.
func TestCount(t *testing.T) {
	tests := []struct {
		name   string
		limit  int
		phases []phase
		want   phase
	}{
		{"a failure with the default limit", 0, []phase{failed}, failed},
		{"as many failures as the limit", 3, []phase{failed, failed, failed}, running},
		{"one more", 3, []phase{failed, failed, successful, failed, failed}, failed},
		{"no limit", -1, []phase{failed, failed, failed, failed, failed}, running},
		{"four errors in a row", 0, []phase{errored, errored, errored, errored}, running},
		{"five errors in a row", 0, []phase{errored, errored, errored, errored, errored}, errored},
		{"a success between errors", 0, []phase{errored, errored, errored, successful, errored, errored}, running},
		{"inconclusive with the default limit", 0, []phase{inconclusive}, inconclusive},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &metric{failureLimit: tt.limit}
			got := running
			for _, p := range tt.phases {
				got = m.count(p)
			}
			if got != tt.want {
				t.Errorf("count of %v = %v, want %v", tt.phases, got, tt.want)
			}
		})
	}
}

// TestInterval: a quarter of the first step, but no shorter than ten seconds
// and a frame.
func TestInterval(t *testing.T) {
	tests := []struct {
		frames time.Duration
		steps  []release.Step
		want   time.Duration
	}{
		{time.Minute, []release.Step{{At: minute(0)}, {At: minute(20)}}, 5 * time.Minute},
		{time.Minute, []release.Step{{At: minute(0)}, {At: minute(2)}}, time.Minute},
		{time.Minute, []release.Step{{At: minute(0)}, {At: minute(18)}}, 4 * time.Minute}, // whole frames
		{time.Second, []release.Step{{At: minute(0)}, {At: minute(0.5)}}, 10 * time.Second},
		{time.Second, []release.Step{{At: minute(10)}}, 10 * time.Minute}, // one step: up to the end
		{time.Second, nil, 10 * time.Second},
	}
	for _, tt := range tests {
		if got := interval(release.System{Interval: tt.frames}, release.Release{Steps: tt.steps}, minute(50)); got != tt.want {
			t.Errorf("interval of %v in frames of %v = %v, want %v", tt.steps, tt.frames, got, tt.want)
		}
	}
}

func TestNew(t *testing.T) {
	for _, name := range Names() {
		p, err := New(name, shop(), Options{})
		if err != nil || p.Name() != name {
			t.Errorf("New(%q) = %v, %v", name, p, err)
		}
	}
	_, err := New("spinnaker", shop(), Options{})
	if err == nil || err.Error() != `unknown tool "spinnaker"; want one of argo, argo-0, flagger, kayenta` {
		t.Errorf("New of a stranger = %v", err)
	}
}
