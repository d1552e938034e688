package recording

import (
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/foreshock/foreshock/internal/strictyaml"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/topology"
)

// same compares recordings, whose services may stand in another order.
func same(a, b *Recording) string {
	return cmp.Diff(named(a), named(b), cmp.AllowUnexported(topology.Graph{}))
}

// A view is a recording with names for numbers of services.
type view struct {
	Recording
	Services map[string]release.Service
	Calls    map[string]bool
	Of       []string
}

func named(r *Recording) view {
	v := view{Recording: *r, Services: map[string]release.Service{}, Calls: map[string]bool{}}
	sys := &v.System
	for i, s := range sys.Services {
		v.Services[s.Name] = s
		for _, j := range sys.Graph.Callees(i) {
			v.Calls[s.Name+" calls "+sys.Services[j].Name] = true
		}
	}
	sys.Releases = slices.Clone(sys.Releases)
	for i := range sys.Releases {
		v.Of = append(v.Of, sys.Services[sys.Releases[i].Service].Name)
		sys.Releases[i].Service = 0
	}
	sys.Services, sys.Graph = nil, topology.Graph{}
	return v
}

// TestWriteRead holds that the recordings that come with it read back from
// what is written of them.
func TestWriteRead(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/recordings/*/recording.yaml")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, path := range dirs {
		want, err := Load(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		want.Metrics = "metrics.om.gz"
		for i := range want.System.Releases {
			want.System.Releases[i].Facts = nil
		}
		got, err := decode("recording.yaml", want.Text("A remark\nof two lines."))
		if err != nil {
			t.Errorf("%s: %v\n%s", path, err, want.Text(""))
			continue
		}
		if diff := same(want, got); diff != "" {
			t.Errorf("%s reads back otherwise (-want +got):\n%s", path, diff)
		}
	}
}

// FuzzWrite holds that any names, matchers and numbers read back.
func FuzzWrite(f *testing.F) {
	f.Add("cart", "v1", `service="cart"`, "latency", 12.5, int64(3))
	f.Add("it's: a #test", "\"1\"\n2", `a="b\"c",d=~"x|y"`, "größe\t5", 1e-9, int64(1_500_000_000))
	f.Add("null", "1e3", `a!="\\"`, "- x", 100.0, int64(59))
	f.Fuzz(func(t *testing.T, service, version, matchers, name string, weight float64, ns int64) {
		if !utf8.ValidString(service + version + matchers + name) {
			return // YAML is UTF-8, and so are labels
		}
		start := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
		want := &Recording{
			Name: name, Start: start, End: start.Add(time.Hour + time.Duration(ns)), Interval: 15 * time.Second, Metrics: "m/" + "x.om",
			System: release.System{
				Interval: 15 * time.Second,
				Services: []release.Service{{Name: service, Selector: matchers, Criticality: weight, Visits: release.Visits{Requests: 1 + math.Abs(weight), Sticky: weight > 1}}, {Name: service + "2", Criticality: 1}},
				Graph:    topology.New(2, []topology.Edge{{From: 1, To: 0}}),
				Releases: []release.Release{{
					ID: "r", Service: 0, From: version, To: name, Strategy: release.BlueGreen, Canary: matchers, Control: matchers, Rollback: release.Unsafe,
					Steps: []release.Step{
						{At: start, CompletedAt: start, Weight: weight / 100},
						{At: start.Add(time.Minute + time.Duration(ns)), CompletedAt: start.Add(2*time.Minute + time.Duration(ns)), Weight: 1, CanaryReplicas: 2, ControlReplicas: 3},
					},
				}},
				Changes: []release.Change{{ID: "c", At: start, What: version}},
				Signals: []signal.Signal{
					{Name: name, Family: name, Kind: signal.Latency, Query: `max(a{b="c"})`, Unit: signal.ParseUnit("ms"), Scope: signal.PerService, Worse: signal.Both, Limit: signal.Limit{Set: true, Value: 0.25}},
					{Name: name + "2", Family: name + "2", Kind: signal.Errors, Query: "a", Unit: signal.ParseUnit(""), Scope: signal.PerCohort, Limit: signal.Limit{Set: true, Query: "b"}},
				},
			},
		}
		got, err := decode("recording.yaml", want.Text(""))
		if err != nil {
			if ns < 0 || ns > 1e15 || !(weight >= 0 && weight <= 100) || refused(err) {
				return
			}
			t.Fatalf("%v\n%s", err, want.Text(""))
		}
		if d := got.System.Releases[0].Steps[0].Weight - weight/100; d > 1e-12 || d < -1e-12 {
			t.Fatalf("weight %v reads back as %v", weight/100, got.System.Releases[0].Steps[0].Weight)
		}
		got.System.Releases[0].Steps[0].Weight = weight / 100
		if diff := same(want, got); diff != "" {
			t.Errorf("reads back otherwise (-want +got):\n%s\n%s", diff, want.Text(""))
		}
	})
}

// refused says whether a name or matcher is none that a recording may have.
func refused(err error) bool {
	fault, ok := err.(*strictyaml.SyntaxError) //nolint:errorlint // decode wraps nothing
	return ok && fault.Line > 0
}
