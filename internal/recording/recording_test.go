package recording

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/foreshock/foreshock/internal/strictyaml"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

const whole = `apiVersion: foreshock.dev/v1alpha1
kind: Recording
metadata:
  name: shop
spec:
  start: 2026-01-01T10:00:00Z
  end: 2026-01-01T11:00:00+00:00
  interval: 60s
  metrics: data/m.om
  topology:
  - {from: web, to: cart}
  services:
  - {name: db, selector: 'job="db"', criticality: 2, requestsPerUser: 2.5, sticky: true}
  - {name: cart, selector: 'service="cart"'}
  releases:
  - service: cart
    from: v1
    to: v2
    strategy: blue-green
    cohorts: {canary: 'service="cart",version="v2"', control: 'service="cart",version="v1"'}
    steps:
    - {at: 2026-01-01T10:20:00Z, completedAt: 2026-01-01T10:21:00Z, weight: 20, canaryReplicas: 1, controlReplicas: 4}
    - {at: 2026-01-01T10:30:00Z, weight: 100}
    change: {kind: config, files: 3, dependencies: [a, b], rollback: unsafe}
  - {service: cart, to: v3, steps: [{at: 2026-01-01T10:50:00Z, weight: 0.5}]}
  - {id: w, service: web, steps: [{at: 2026-01-01T10:50:00Z, weight: 50}]}
  changes:
  - {id: flag, at: 2026-01-01T10:40:00Z, what: a flag}
  signals:
  - {name: latency, kind: latency, query: 'x{$sel}', unit: ms, limit: 500}
  - {name: memory, kind: memory, query: 'm{service="$service"}', unit: bytes, scope: service, worse: both, limit: 'max(limit{$sel})'}
`

// write makes a folder with these files.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoad(t *testing.T) {
	dir := write(t, map[string]string{"recording.yaml": whole})
	rec, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	at := func(minute int) time.Time { return time.Date(2026, 1, 1, 10, minute, 0, 0, time.UTC) }
	if rec.Name != "shop" || !rec.Start.Equal(at(0)) || !rec.End.Equal(at(60)) || rec.Interval != time.Minute || rec.LookBack() != 2*time.Minute ||
		rec.Metrics != filepath.Join(dir, "data", "m.om") || rec.Discover || len(rec.Warnings) > 0 {
		t.Errorf("Load = %+v", rec)
	}
	sys := rec.System
	wantServices := []release.Service{
		{Name: "cart", Selector: `service="cart"`, Criticality: 1}, {Name: "web", Criticality: 1}, {Name: "db", Selector: `job="db"`, Criticality: 2, Visits: release.Visits{Requests: 2.5, Sticky: true}},
	}
	if d := cmp.Diff(wantServices, sys.Services); d != "" {
		t.Errorf("services (-want +got):\n%s", d)
	}
	wantReleases := []release.Release{
		{
			ID: "cart@v2", Service: 0, From: "v1", To: "v2", Strategy: release.BlueGreen, Rollback: release.Unsafe,
			Canary: `service="cart",version="v2"`, Control: `service="cart",version="v1"`,
			Steps: []release.Step{
				{At: at(20), CompletedAt: at(21), Weight: 0.2, CanaryReplicas: 1, ControlReplicas: 4}, {At: at(30), CompletedAt: at(30), Weight: 1},
			},
			Facts: []string{"dependencies: a, b", "files: 3", "kind: config"},
		},
		{ID: "cart@v3", To: "v3", Strategy: release.CanaryRelease, Rollback: release.SafetyUnknown, Steps: []release.Step{{At: at(50), CompletedAt: at(50), Weight: 0.005}}},
		{ID: "w", Service: 1, Strategy: release.CanaryRelease, Rollback: release.SafetyUnknown, Steps: []release.Step{{At: at(50), CompletedAt: at(50), Weight: 0.5}}},
	}
	if d := cmp.Diff(wantReleases, sys.Releases); d != "" {
		t.Errorf("releases (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]release.Change{{ID: "flag", At: at(40), What: "a flag"}}, sys.Changes); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
	wantSignals := []signal.Signal{
		{Name: "latency", Family: "latency", Kind: signal.Latency, Query: "x{$sel}", Unit: signal.ParseUnit("ms"), Scope: signal.PerCohort, Limit: signal.Limit{Set: true, Value: 0.5}},
		{
			Name: "memory", Family: "memory", Kind: signal.Memory, Query: `m{service="$service"}`, Unit: signal.ParseUnit("bytes"), Scope: signal.PerService, Worse: signal.Both,
			Limit: signal.Limit{Set: true, Query: "max(limit{$sel})"},
		},
	}
	if d := cmp.Diff(wantSignals, sys.Signals); d != "" {
		t.Errorf("signals (-want +got):\n%s", d)
	}
	if got := sys.Graph.Callees(1); fmt.Sprint(got) != "[0]" || sys.Graph.Len() != 3 {
		t.Errorf("web calls %v of %d services, want [0] of 3", got, sys.Graph.Len())
	}
}

// TestLoadErrors changes one thing in a good recording.
func TestLoadErrors(t *testing.T) {
	tests := []struct{ name, old, text, want string }{
		{"empty", whole, "", ": the file is empty; want a document with apiVersion, kind, metadata and spec"},
		{"no mapping", whole, "- a\n", ":1: the recording is a list; want a mapping of fields"},
		{"no YAML", "metadata:\n", "metadata: [\n", ":2: this is no YAML: did not find expected ',' or ']'"},
		{"two documents", "kind: Recording\n", "kind: Recording\n---\na: 1\n", ":4: a second document; want one document a file"},
		{"huge", whole, whole + strings.Repeat("# a comment\n", 1_000_000), ": more than 1 MiB of YAML; want a document with apiVersion, kind, metadata and spec"},
		{"alias", "from: v1\n    to: v2", "from: &v v1\n    to: *v", ":17: anchors and aliases are not read; write the value out"},
		{"version", "foreshock.dev/v1alpha1", "foreshock.dev/v2", `:1: apiVersion is "foreshock.dev/v2"; want foreshock.dev/v1alpha1`},
		{"kind", "kind: Recording", "kind: Rollout", `:2: kind is "Rollout"; want Recording`},
		{"no name", "  name: shop", "  x: 1", `:4: unknown field "x" in metadata; want one of name`},
		{"no interval", "  interval: 60s\n", "", ":6: spec has no interval; it must be given"},
		{"unknown field", "  interval: 60s", "  intervall: 60s", `:8: unknown field "intervall" in spec; want one of start, end, interval, metrics, topology, services, releases, changes, signals`},
		{"field twice", "  interval: 60s", "  interval: 60s\n  start: 2026-01-01T10:00:00Z", ":9: field start stands twice in spec; drop one"},
		{"bad time", "start: 2026-01-01T10:00:00Z", "start: 10:00", `:6: spec.start "10:00" is no time; want RFC 3339, such as 2006-01-02T15:04:05Z`},
		{"no requests of a user", "requestsPerUser: 2.5", "requestsPerUser: 0.5", ":13: spec.services[0].requestsPerUser is 0.5; want 1 or more, as a visit without a request is none, or nothing when users are not to be counted"},
		{"sticky without users", "requestsPerUser: 2.5, ", "", ":13: spec.services[0].sticky is of use only with requestsPerUser; give that too"},
		{"bad interval", "60s", "60", `:8: spec.interval "60" is no duration; want one above zero, such as 60s or 1m30s`},
		{"end first", "end: 2026-01-01T11", "end: 2026-01-01T09", ":7: spec.end 2026-01-01T09:00:00Z is not after spec.start 2026-01-01T10:00:00Z"},
		{"long interval", "60s", "2h", ":8: spec.interval 2h0m0s is longer than the recording (1h0m0s); want many intervals in it"},
		{"too many frames", "60s", "20ms", ":8: spec.interval 20ms makes more than 100000 frames; want a longer interval or a shorter recording"},
		{"metrics outside", "data/m.om", "../m.om", `:9: spec.metrics "../m.om" leaves the folder of the recording; want a path inside`},
		{"call", "{from: web, to: cart}", "{from: web}", ":11: spec.topology[0] has no to; it must be given"},
		{"service twice", "name: cart, selector: 'service=\"cart\"'", "name: db", `:14: service "db" stands already in line 13; drop one`},
		{"selector", `'job="db"'`, `'job=db'`, ":13: spec.services[0].selector: query: unexpected identifier \"db\" in label matching, expected string\n  {job=db}\n       ^"},
		{"no service", "- service: cart\n    from: v1", "- from: v1", ":16: spec.releases[0] has no service; it must be given"},
		{"strategy", "blue-green", "bluegreen", `:19: unknown strategy "bluegreen"; want one of canary, blue-green, rolling, recreate`},
		{"cohort", "cohorts: {canary:", "cohorts: {canari:", `:20: unknown field "canari" in spec.releases[0].cohorts; want one of canary, control`},
		{"a version beside itself", `control: 'service="cart",version="v1"'`, `control: 'version="v2",service="cart"'`, `:20: spec.releases[0].cohorts: canary and control both select {service="cart",version="v2"}; want the labels of the new version and of the stable one, such as version="v2" and version="v1"`},
		{"weight", "weight: 20,", "weight: 120,", `:22: spec.releases[0].steps[0].weight is "120"; want a number between 0 and 100`},
		{"weight no number", "weight: 20,", "weight: NaN,", `:22: spec.releases[0].steps[0].weight is "NaN"; want a number between 0 and 100`},
		{"replicas", "canaryReplicas: 1,", "canaryReplicas: 1.5,", `:22: spec.releases[0].steps[0].canaryReplicas is 1.5; want a whole number`},
		{"steps not in order", "10:30:00Z, weight: 100", "10:10:00Z, weight: 100", ":23: spec.releases[0].steps[1] begins no later than the step before it; sort the steps by time"},
		{"completed too early", "completedAt: 2026-01-01T10:21", "completedAt: 2026-01-01T10:19", ":22: spec.releases[0].steps[0] is completed before it begins; want completedAt at or after at"},
		{"no steps", "steps: [{at: 2026-01-01T10:50:00Z, weight: 0.5}]", "steps: []", ":25: spec.releases[1].steps is empty; want at least one step {at, weight}"},
		{"rollback", "rollback: unsafe", "rollback: maybe", `:24: unknown rollback "maybe" in spec.releases[0].change; want safe, unsafe or unknown`},
		{"deep fact", "files: 3", "files: {a: 1}", ":24: spec.releases[0].change.files is a mapping; want a value or a list of values"},
		{"no way to tell", "to: v3, ", "", ":25: spec.releases[1] has no id, and service cart is released more than once; give an id or the field to"},
		{"duplicate id", "id: w", "id: cart@v2", `:26: id "cart@v2" stands already in line 16; give each release and change an id of its own`},
		{"duplicate id of a change", "id: flag", "id: w", `:28: id "w" stands already in line 26; give each release and change an id of its own`},
		{"signal kind", "kind: latency", "kind: speed", `:30: spec.signals[0]: unknown kind "speed"; want one of latency, errors, cpu, memory, network, database, cache, dependency, traffic, retries, timeouts, crashes, saturation, infra`},
		{"scope", "scope: service", "scope: pod", `:31: spec.signals[1]: unknown scope "pod"; want cohort or service`},
		{"direction", "worse: both", "worse: sideways", `:31: spec.signals[1]: unknown direction "sideways"; want up, down or both`},
		{"signal twice", "name: memory", "name: latency", `:31: signal "latency" stands already in line 30; give each a name of its own`},
		{"query", "'x{$sel}'", "'x{$sel'", ":30: spec.signals[0].query: query: unexpected end of input inside braces\n  x{sel=\"sel\"\n             ^"},
		{"variable", "'x{$sel}'", "'x{ns=\"$ns\"}'", ":30: spec.signals[0].query: query: unknown variable $ns; want one of $service, $sel, $window\n  x{ns=\"$ns\"}\n        ^"},
		{"limit", "'max(limit{$sel})'", "'max(limit'", ":31: spec.signals[1].limit: query: unclosed left parenthesis\n  max(limit\n           ^"},
		{"null", "name: shop", "name:", ":4: metadata.name is empty; want text"},
		{"only the schema sees it", "criticality: 2", "criticality: '2'", ":13: spec.services[0].criticality is not as the schema wants it: got string, want number"},
		{"a call that nobody makes", "topology:\n", "topology:\n  - {from: web, to: api, share: 0}\n", ":11: spec.topology[0].share is 0: no request needs the call; drop the line, or say which share of the requests does"},
		{"criticality", "criticality: 2", "criticality: most", `:13: spec.services[0].criticality is "most"; want critical, high, medium or low, or a number ≥ 0, where 1 is medium`},
		{"limit no number", "limit: 500", "limit: true", `:30: spec.signals[0].limit is "true"; want a number`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(whole, tt.old, tt.text, 1)
			if text == whole {
				t.Fatalf("%q is not in the recording", tt.old)
			}
			dir := write(t, map[string]string{"recording.yaml": text})
			_, err := Load(dir)
			if err == nil {
				t.Fatal("Load has no error")
			}
			if got := strings.TrimPrefix(err.Error(), "read recording: "+filepath.Join(dir, "recording.yaml")); got != tt.want {
				t.Errorf("Load:\n got %s\nwant %s", got, tt.want)
			}
			var syntax *strictyaml.SyntaxError
			if !errors.As(err, &syntax) || syntax.Hint() == "" {
				t.Errorf("Load gives %T, want a *SyntaxError with a hint", err)
			}
		})
	}
}

func TestLoadNothing(t *testing.T) {
	if _, err := Load(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Load of an empty folder gives %v, want os.ErrNotExist", err)
	}
}

func TestDefaults(t *testing.T) {
	dir := write(t, map[string]string{"recording.yaml": `{apiVersion: foreshock.dev/v1alpha1, kind: Recording, metadata: {name: x}, spec: {start: 2026-01-01T10:00:00Z, end: 2026-01-01T11:00:00Z, interval: 1m, releases: null}}`})
	rec, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []signal.Warning{{Code: "nothing-changes", Text: "the recording has neither releases nor changes, so there is nothing to judge"}}
	if rec.Metrics != filepath.Join(dir, "metrics.om.gz") || !rec.Discover || cmp.Diff(want, rec.Warnings) != "" {
		t.Errorf("Load = %+v", rec)
	}
}

func TestLoadTruth(t *testing.T) {
	dir := write(t, map[string]string{"truth.yaml": `# never an input
faulty: [cart]
class: [code, infra]  # any of these
fault: memory leak, linear
onsetAt: 2026-01-01T10:20:00Z # when
failsAtWeight: 50
healthy: [web]
`})
	truth, ok, err := LoadTruth(dir)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	want := &Truth{
		Faulty: []string{"cart"}, Class: []string{"code", "infra"}, Fault: "memory leak, linear",
		OnsetAt: time.Date(2026, 1, 1, 10, 20, 0, 0, time.UTC), FailsAtWeight: 0.5, Healthy: []string{"web"},
	}
	if d := cmp.Diff(want, truth); d != "" {
		t.Errorf("truth (-want +got):\n%s", d)
	}
	if truth.Requests != nil {
		t.Errorf("requests %+v where none are said", truth.Requests)
	}
	if truth, ok, err := LoadTruth(t.TempDir()); truth != nil || ok || err != nil {
		t.Errorf("LoadTruth of no file = %v, %v, %v", truth, ok, err)
	}
	dir = write(t, map[string]string{"truth.yaml": "faulty: cart\n"})
	if _, _, err := LoadTruth(dir); err == nil || err.Error() != "read truth: "+filepath.Join(dir, "truth.yaml")+`:1: faulty is "cart"; want a list` {
		t.Errorf("LoadTruth = %v", err)
	}
	dir = write(t, map[string]string{"truth.yaml": "faulty: []\n"})
	if truth, _, err := LoadTruth(dir); err != nil || !math.IsNaN(truth.FailsAtWeight) || !truth.CrashedAt.IsZero() {
		t.Errorf("LoadTruth = %+v, %v", truth, err)
	}
}

func TestTruthRequests(t *testing.T) {
	const text = "faulty: [cart]\nrequests:\n  objective: 250ms\n  background: 0.0003\n  harmed: 3.5\n  perFrame: [0, 0, 3, 0.5]\n"
	dir := write(t, map[string]string{"truth.yaml": text})
	truth, _, err := LoadTruth(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := &Requests{Objective: 250 * time.Millisecond, Background: 0.0003, Harmed: 3.5, PerFrame: []float64{0, 0, 3, 0.5}}
	if d := cmp.Diff(want, truth.Requests); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
	rec := &Recording{Start: time.Unix(0, 0), End: time.Unix(200, 0), Interval: time.Minute} // 0, 60, 120, 180 s
	if err := truth.Requests.Fits(dir, rec); err != nil {
		t.Errorf("Fits of four numbers and four frames = %v", err)
	}
	rec.End = time.Unix(240, 0)
	wantErr := filepath.Join(dir, "truth.yaml") + ": requests.perFrame holds 4 numbers, and the recording 5 frames; want one for each frame from spec.start on"
	if err := truth.Requests.Fits(dir, rec); err == nil || err.Error() != wantErr {
		t.Errorf("Fits:\n got %v\nwant %s", err, wantErr)
	}
	for _, tt := range []struct{ old, text, want string }{
		{"250ms", "fast", `:3: requests.objective "fast" is no duration; want one above zero, such as 60s or 1m30s`},
		{"  objective: 250ms\n", "", `:3: requests has no objective; it must be given`},
		{"0.0003", "3", `:4: requests.background is "3"; want a number between 0 and 1`},
		{"0.5]", "-1]", `:6: requests.perFrame[3] is "-1"; want a number ≥ 0`},
		{"0.5]", "x]", `:6: requests.perFrame[3] is "x"; want a number ≥ 0`},
		{"[0, 0, 3, 0.5]", "12", `:6: requests.perFrame is "12"; want a list`},
		{"harmed", "hurt", `:5: unknown field "hurt" in requests; want one of objective, perFrame, background, harmed`},
	} {
		dir := write(t, map[string]string{"truth.yaml": strings.Replace(text, tt.old, tt.text, 1)})
		want := "read truth: " + filepath.Join(dir, "truth.yaml") + tt.want
		if _, _, err := LoadTruth(dir); err == nil || err.Error() != want {
			t.Errorf("LoadTruth:\n got %v\nwant %s", err, want)
		}
	}
}

// TestSchema holds the schema against what the decoder lets pass: the good
// recording passes, and what only the schema sees is said with its line.
func TestSchema(t *testing.T) {
	node := (&strictyaml.Decoder{}).Document([]byte(whole), "")
	if err := validate("recording.yaml", node); err != nil {
		t.Errorf("the good recording: %v", err)
	}
	for _, tt := range []struct{ old, text, want string }{
		{"weight: 20,", "weight: 200,", "recording.yaml:22: spec.releases[0].steps[0].weight is not as the schema wants it: maximum: got 200, want 100"},
		{"kind: latency", "kind: speed", "recording.yaml:30: spec.signals[0].kind is not as the schema wants it: value must be one of 'latency', 'errors', 'cpu', 'memory', 'network', 'database', 'cache', 'dependency', 'traffic', 'retries', 'timeouts', 'crashes', 'saturation', 'infra'"},
	} {
		node := (&strictyaml.Decoder{}).Document([]byte(strings.Replace(whole, tt.old, tt.text, 1)), "")
		if err := validate("recording.yaml", node); err == nil || err.Error() != tt.want {
			t.Errorf("validate:\n got %v\nwant %s", err, tt.want)
		}
	}
}

// TestAllRecordings loads every real recording there is.
func TestAllRecordings(t *testing.T) {
	root := os.Getenv("FORESHOCK_RECORDINGS")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data", "recordings")
	}
	dirs, _ := filepath.Glob(filepath.Join(root, "*"))
	if len(dirs) == 0 {
		t.Skipf("no recordings in %s; set FORESHOCK_RECORDINGS to a folder that holds some", root)
	}
	for _, dir := range dirs {
		rec, err := Load(dir)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(rec.Warnings) > 0 || rec.Name != filepath.Base(dir) {
			t.Errorf("%s: name %s, warnings %v", dir, rec.Name, rec.Warnings)
		}
		if truth, ok, err := LoadTruth(dir); err != nil || !ok || len(truth.Faulty) == 0 {
			t.Errorf("%s: truth %v, %v, %v", dir, truth, ok, err)
		}
	}
}

// FuzzParse holds that any text gives an error or a system whose parts refer
// to one another, never a panic.
func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add("a: &a [*a]")
	f.Add("{apiVersion: foreshock.dev/v1alpha1, kind: Recording, metadata: {name: x}, spec: {}}")
	f.Add("a: 1\n---\nb: 2\n")
	f.Fuzz(func(t *testing.T, text string) {
		rec, err := decode("recording.yaml", []byte(text))
		if err != nil {
			if rec != nil {
				t.Fatal("an error and a recording")
			}
			return
		}
		for _, r := range rec.System.Releases {
			if r.ID == "" || r.Service < 0 || r.Service >= len(rec.System.Services) || len(r.Steps) == 0 {
				t.Errorf("release %+v", r)
			}
		}
		if rec.System.Graph.Len() != len(rec.System.Services) || !rec.End.After(rec.Start) {
			t.Errorf("recording %+v", rec)
		}
	})
}

// TestCriticality: the words of OpenTelemetry stand for numbers, medium for
// what nothing is said of.
func TestCriticality(t *testing.T) {
	for word, want := range map[string]float64{"critical": 4, "high": 2, "medium": 1, "low": 0.5, "3": 3, "0": 0} {
		text := strings.Replace(whole, "criticality: 2", "criticality: "+word, 1)
		rec, err := Load(write(t, map[string]string{"recording.yaml": text}))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(rec.System.Services, func(s release.Service) bool { return s.Name == "db" })
		if got := rec.System.Services[i].Criticality; got != want {
			t.Errorf("criticality: %s is read as %v, want %v", word, got, want)
		}
	}
}
