package model

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/simulate"
)

// shop is a model that is as short as one can be, and then a little longer.
const shop = `apiVersion: foreshock.dev/v1alpha1
kind: Model
metadata: {name: shop}
spec:
  interval: 10s
  clients: {timeout: 2s, tries: 3, budget: 0.2}
  services:
  - name: shop
    instances: 4
    cores: 2
    work: 5ms
    threads: 64
    queue: 100
    memory: {base: 300MiB, perRequest: 1MiB, limit: 512MiB}
    traffic: 200
    profile: [{at: 0s, factor: 0.5}, {at: 10m, factor: 1}]
    calls:
    - {to: db, calls: 2, timeout: 200ms, tries: 2, pool: 20, cache: 0.9}
  - {name: db, cores: 8, work: 2ms}
  rollout: {service: shop, from: v1, to: v2, before: 5m, step: 3m, steps: [5, 50, 100]}
  change:
    cost: 1.4
    errors: 0.02
    leak: 2KiB
    calls:
    - {to: db, add: 2, timeout: 50ms, cache: 0}
  objective: {latency: 500ms, harmed: 0.01}
`

func TestParse(t *testing.T) {
	f, err := Parse("shop.yaml", []byte(shop))
	if err != nil {
		t.Fatal(err)
	}
	m := f.Model
	old, n := m.Services[0], m.New
	tests := []struct {
		name      string
		got, want float64
	}{
		{"length", m.Length.Seconds(), 300 + 3*180},
		{"clients' tries", float64(m.Clients.Tries), 3},
		{"work", old.Work, 0.005},
		{"spread", old.Spread, 1},
		{"limit", old.Memory.Limit, 512 << 20},
		{"old calls", old.Calls[0].Calls, 2},
		{"old cache", old.Calls[0].Hits, 0.9},
		{"db's queue", m.Services[1].Queue, math.Inf(1)},
		{"new work", n.Work, 0.007},
		{"new errors", n.Errors, 0.02},
		{"new leak", n.Memory.Leak, 2048},
		{"new calls", n.Calls[0].Calls, 4},
		{"new timeout", n.Calls[0].Timeout, 0.05},
		{"new tries stay", float64(n.Calls[0].Tries), 2},
		{"new pool stays", n.Calls[0].Pool, 20},
		{"new cache", n.Calls[0].Hits, 0},
		{"latency", m.Objective.Latency, 0.5},
		{"harmed", m.Objective.Harmed, 0.01},
		{"second step", m.Rollout.Steps[1].At, 480},
		{"second weight", m.Rollout.Steps[1].Weight, 0.5},
	}
	for _, tt := range tests {
		if math.Abs(tt.got-tt.want) > 1e-12 && tt.got != tt.want {
			t.Errorf("%s is %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	want := []string{
		"each request costs ×1.4 processor time", "2 % of the requests fail", "each request leaks 2 KiB",
		"each request makes 4 calls of db", "calls of db have a timeout of 50 ms, 0 % answered by the cache",
	}
	if !slices.Equal(f.Changes, want) {
		t.Errorf("Changes = %q, want %q", f.Changes, want)
	}
	for add, want := range map[string]string{"add: -1": "each request makes 1 call of db", "add: 998": "each request makes 1,000 calls of db"} {
		f, err := Parse("shop.yaml", []byte(strings.Replace(shop, "add: 2", add, 1)))
		if err != nil || !slices.Contains(f.Changes, want) {
			t.Errorf("with %s, Changes = %q, %v; want %q", add, f.Changes, err, want)
		}
	}
	sys := f.System()
	if len(sys.Services) != 2 || !slices.Equal(sys.Graph.Callees(0), []int{1}) || len(sys.Releases) != 1 || len(sys.Releases[0].Steps) != 3 {
		t.Errorf("System() = %+v", sys)
	}
}

// TestParseRefuses: each fault says line, what and mend.
func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, old, put, want string }{
		{"a typo", "instances: 4", "instance: 4", `shop.yaml:9: unknown field "instance" in spec.services[0]; want one of name, instances, cores, work, variability, threads, queue, errors, memory, traffic, profile, calls`},
		{"negative cores", "cores: 2", "cores: -2", `shop.yaml:10: spec.services[0].cores is "-2"; want a number of cores from 0.001 to 1000000, such as 4, 0.5 or 500m`},
		{"a core and a half", "cores: 2", "cores: 1500m", "shop.yaml:10: spec.services[0].cores is 1500m; above one core want a whole number: write 1 or 2, as a request runs on one core at a time"},
		{"no core", "cores: 2", "cores: 0m", `shop.yaml:10: spec.services[0].cores is "0m"; want a number of cores from 0.001 to 1000000, such as 4, 0.5 or 500m`},
		{"a step to nothing", "[5, 50, 100]", "[0, 50, 100]", "shop.yaml:20: spec.rollout.steps[0] is 0; want a percent above 0: no traffic is no step"},
		{"no span", "work: 5ms", "work: 5", `shop.yaml:11: spec.services[0].work is "5"; want a span ≥ 0 such as 50ms, 2s or 1m30s`},
		{"no amount", "base: 300MiB", "base: 300Meg", `shop.yaml:14: spec.services[0].memory.base is "300Meg"; want an amount ≥ 0 such as 512MiB, 2GB or 4096`},
		{"too little memory", "limit: 512MiB", "limit: 256MiB", "shop.yaml:14: spec.services[0].memory.limit is not above its base: an instance would be killed before its first request"},
		{"overfull", "traffic: 200", "traffic: 6400", "shop.yaml:8: cpu of shop is passed before anything is released: at the traffic of the start 200 % are needed, 2 times what there is; lower traffic or work, or add instances"},
		{"no such service", "{to: db, calls: 2,", "{to: bd, calls: 2,", `shop.yaml:18: spec.services[0].calls[0].to is "bd", which is no service; want one of shop, db`},
		{"nothing rolled out", "{service: shop, from", "{service: web, from", `shop.yaml:20: spec.rollout.service is "web", which is no service; want one of shop, db`},
		{"steps that fall", "[5, 50, 100]", "[50, 5]", "shop.yaml:20: spec.rollout.steps[1] is not above the one before it; want percents that rise, such as [5, 25, 100]"},
		{"no steps", "[5, 50, 100]", "[]", "shop.yaml:20: spec.rollout.steps is empty; want percents that rise, such as [5, 25, 100]"},
		{"a circle", "{name: db, cores: 8, work: 2ms}", "{name: db, cores: 8, work: 2ms, calls: [{to: shop}]}", "shop.yaml:8: spec.services: services call one another in a circle: shop → db → shop; a request must end somewhere, so drop one of these calls"},
		{"no traffic", "    traffic: 200\n", "", "shop.yaml:8: no service has traffic; give one of them the requests per second that clients make: traffic: 100"},
		{"no time", "tries: 3", "tries: 0", `shop.yaml:6: spec.clients.tries is "0"; want a number between 1 and 1000000`},
		{"a profile back in time", "{at: 10m, factor: 1}", "{at: 0s, factor: 1}", "shop.yaml:16: spec.services[0].profile[1] is not after the point before it; sort them by time"},
		{"less than no calls", "add: 2", "add: -3", "shop.yaml:26: spec.change.calls[0].add leaves -1 calls of db; want at least 0"},
		{"another kind", "kind: Model", "kind: Recording", `shop.yaml:2: kind is "Recording"; want Model`},
		{"too many frames", "interval: 10s", "interval: 10ms", "shop.yaml:5: the model has 84000 frames; want at most 20,000: shorten spec.length or the steps, or lengthen spec.interval"},
		{"placement", "before: 5m", "placement: here, before: 5m", `shop.yaml:20: spec.rollout.placement is "here"; want instances (each is of one version) or shared (both run in all, as behind a flag)`},
		{"an anchor", "metadata: {name: shop}", "metadata: &a {name: shop}", "shop.yaml:3: anchors and aliases are not read; write the value out"},
	}
	for _, tt := range tests {
		text := strings.Replace(shop, tt.old, tt.put, 1)
		if text == shop {
			t.Fatalf("%s: %q does not stand in the model", tt.name, tt.old)
		}
		_, err := Parse("shop.yaml", []byte(text))
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: Parse says\n%v, want\n%s", tt.name, err, tt.want)
		}
	}
	if _, err := Parse("x.yaml", nil); err == nil || err.Error() != "x.yaml: the file is empty; want a document with apiVersion, kind, metadata and spec" {
		t.Errorf("Parse of nothing says %v", err)
	}
}

// TestPartOfACore: half a core is one on which everything takes twice as long.
func TestPartOfACore(t *testing.T) {
	for _, cores := range []string{"0.5", "500m"} {
		text := strings.NewReplacer("cores: 2", "cores: "+cores, "traffic: 200", "traffic: 100", "cost: 1.4", "work: 6ms").Replace(shop)
		f, err := Parse("shop.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		s, n := f.Model.Services[0], f.Model.New
		if s.Cores != 1 || math.Abs(s.Work-0.010) > 1e-12 || n.Cores != 1 || math.Abs(n.Work-0.012) > 1e-12 {
			t.Errorf("cores: %s: %d cores with %v s of work, new %d with %v; want 1 with twice the 5 ms and twice the 6", cores, s.Cores, s.Work, n.Cores, n.Work)
		}
		if want := "each request costs 6 ms of processor time"; !slices.Contains(f.Changes, want) {
			t.Errorf("cores: %s: changes %q, want %q in them", cores, f.Changes, want)
		}
	}
}

// TestShared: what belongs to instances cannot differ where they are shared.
func TestShared(t *testing.T) {
	text := strings.Replace(shop, "before: 5m", "placement: shared, before: 5m", 1)
	if _, err := Parse("shop.yaml", []byte(text)); err != nil {
		t.Fatal(err)
	}
	text = strings.Replace(text, "cost: 1.4", "threads: 2", 1)
	if _, err := Parse("shop.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), "use placement: instances") {
		t.Errorf("Parse says %v, want to use placement: instances", err)
	}
}

// TestScenarios: each is read, says what it is, and has the name of its file;
// at least eight rest on the company's own report, and as many are sketches.
func TestScenarios(t *testing.T) {
	sourced, sketches := 0, 0
	for _, name := range Scenarios() {
		f, err := Load(name)
		if err != nil {
			t.Errorf("Load(%s): %v", name, err)
			continue
		}
		if f.Name != name || f.Story == nil || len(f.Story.Published) == 0 || len(f.Story.Assumed) == 0 || len(f.Story.Sources) == 0 {
			t.Errorf("%s is called %q and its story is %+v; want facts, assumptions and sources", name, f.Name, f.Story)
			continue
		}
		for _, s := range f.Story.Sources {
			if !strings.HasPrefix(s, "https://") {
				t.Errorf("%s: source %q is no address", name, s)
			}
		}
		if f.Story.Sketch {
			sketches++
		} else {
			sourced++
		}
	}
	if sourced < 8 || sketches < 8 {
		t.Errorf("%d scenarios rest on the company's own report and %d are sketches, want at least 8 of each", sourced, sketches)
	}
	var unknown *UnknownError
	if _, err := Load("nonesuch"); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "slack-2022-02-22") {
		t.Errorf("Load(nonesuch) says %v, want a list of what there is", err)
	}
}

// TestScenariosBreak: these harm callers at some share of the new version, and
// name a limit.
func TestScenariosBreak(t *testing.T) {
	if testing.Short() {
		t.Skip("it plays every scenario nine times")
	}
	for _, name := range []string{"slack-2020-05-12", "monzo-2019-07-29", "datadog-2023-03-08", "google-2019-03-12-blob"} {
		f, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := f.Model.Breaks(simulate.Fluid, 1, 300)
		if err != nil {
			t.Fatal(err)
		}
		if !b.Harmed || len(b.Limits) == 0 || b.Baseline > f.Model.Objective.Harmed {
			t.Errorf("%s: Breaks = %+v, want a share that harms", name, b)
		}
	}
}

// FuzzParse: no text makes the reader panic, and what it takes can be played.
func FuzzParse(f *testing.F) {
	f.Add(shop)
	for _, name := range Scenarios() {
		text, err := Source(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Parse("x.yaml", []byte(text))
		if err != nil {
			return
		}
		if _, err := m.Model.Play(simulate.Fluid, 1); err != nil {
			t.Errorf("Play: %v", err)
		}
		m.System()
	})
}
