package recording

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/foreshock/foreshock/internal/strictyaml"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

const wholeConfig = `apiVersion: foreshock.dev/v1alpha1
kind: Config
spec:
  prometheus:
    url: https://metrics.example/prometheus
    timeout: 5s
    user: u
    passwordFile: secrets/password
    caFile: /etc/ca.pem
    serverName: metrics
    insecure: false
    headers: {X-Scope-OrgID: team-a}
  interval: 15s
  services:
  - name: cart
    selector: 'service="cart"'
    cohorts: {canary: 'service="cart",version="v2"', control: 'service="cart",version="v1"'}
    weight: '100 * sum(w{v="v2"}) / sum(w)'
    plan: [10, 25, 100]
    requestsPerUser: 12
  - {name: web}
  signals:
  - {name: errors, kind: errors, unit: ratio, query: 'errors_ratio{$sel}'}
  policy: {minFrames: 7}
  slo: [objectives/cart.yaml, /etc/slo.yaml]
  normal: foreshock.normal
`

func TestLoadConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "foreshock.yaml")
	if err := os.WriteFile(path, []byte(wholeConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := LoadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	policy := prevention.DefaultPolicy()
	policy.MinFrames = 7
	want := &Config{
		Normal:     filepath.Join(filepath.Dir(path), "foreshock.normal"),
		Objectives: []string{filepath.Join(filepath.Dir(path), "objectives/cart.yaml"), "/etc/slo.yaml"},
		Prometheus: Server{
			URL: "https://metrics.example/prometheus", Timeout: 5 * time.Second, User: "u",
			PasswordFile: filepath.Join(filepath.Dir(path), "secrets/password"), CAFile: "/etc/ca.pem", Name: "metrics",
			Headers: map[string]string{"X-Scope-OrgID": "team-a"},
		},
		Interval: 15 * time.Second,
		Services: []Watched{{
			Name: "cart", Selector: `service="cart"`, Canary: `service="cart",version="v2"`, Control: `service="cart",version="v1"`,
			Weight: `100 * sum(w{v="v2"}) / sum(w)`, Plan: []float64{0.1, 0.25, 1}, Visits: release.Visits{Requests: 12},
		}, {Name: "web"}},
		Signals: []signal.Signal{{Name: "errors", Family: "errors", Kind: signal.Errors, Unit: signal.ParseUnit("ratio"), Scope: signal.PerCohort, Query: `errors_ratio{$sel}`}},
		Policy:  &policy,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("LoadConfig (-want +got):\n%s", diff)
	}
	if _, err := LoadConfig(path + "x"); err == nil || !strings.HasPrefix(err.Error(), "read config: ") {
		t.Errorf("no file: %v", err)
	}
}

// TestConfigFaults holds that each fault is said with its line and what is
// wanted.
func TestConfigFaults(t *testing.T) {
	tests := []struct{ old, new, want string }{
		{"kind: Config", "kind: Recording", `c.yaml:2: kind is "Recording"; want Config`},
		{"v1alpha1", "v2", `c.yaml:1: apiVersion is "foreshock.dev/v2"; want foreshock.dev/v1alpha1`},
		{"    url: https://metrics.example/prometheus\n", "", "c.yaml:5: spec.prometheus has no url; it must be given"},
		{"timeout: 5s", "timeout: 5", `c.yaml:6: spec.prometheus.timeout "5" is no duration; want one above zero, such as 60s or 1m30s`},
		{"user: u", "password: secret", `c.yaml:7: unknown field "password" in spec.prometheus; want one of url, timeout, bearerTokenFile`},
		{"insecure: false", "insecure: maybe", `c.yaml:11: spec.prometheus.insecure is "maybe"; want true or false`},
		{"interval: 15s", "interval: 0s", `c.yaml:13: spec.interval "0s" is no duration`},
		{"{name: web}", "{name: cart}", `c.yaml:21: service "cart" stands already in line 15`},
		{`selector: 'service="cart"'`, "selector: service", "c.yaml:16: spec.services[0].selector: query: "},
		{"sum(w)'", "sum(w'", "c.yaml:18: spec.services[0].weight: query: "},
		{"requestsPerUser: 12", "requestsPerUser: 0.9", "c.yaml:20: spec.services[0].requestsPerUser is 0.9; want 1 or more"},
		{"25, 100", "5, 100", `c.yaml:19: spec.services[0].plan[1] is "5"; want percents that rise`},
		{"10, 25", "ten, 25", `c.yaml:19: spec.services[0].plan[0] is "ten"; want percents that rise`},
		{"kind: errors", "kind: faults", `c.yaml:23: spec.signals[0]: unknown kind "faults"`},
		{"slo: [objectives/cart.yaml", "slo: [{a: b}", "c.yaml:25: spec.slo[0] is a mapping; want the path of a file"},
		{"minFrames: 7", "minFrames: 1", "c.yaml:24: policy.minFrames is 1; want 3 or more"},
		{wholeConfig, "", "c.yaml: the file is empty; want a document with apiVersion, kind and spec"},
	}
	for _, tt := range tests {
		_, err := decodeConfig("c.yaml", []byte(strings.Replace(wholeConfig, tt.old, tt.new, 1)))
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %s", tt.new, err, tt.want)
			continue
		}
		if fault, ok := err.(*strictyaml.SyntaxError); !ok || !strings.Contains(fault.Hint(), "docs/") || strings.Contains(fault.Hint(), "recording.schema") { //nolint:errorlint // nothing is wrapped here
			t.Errorf("%s: hint of %v", tt.new, err)
		}
	}
}

// TestConfigHeaders: of two faulty headers always the same one is said.
func TestConfigHeaders(t *testing.T) {
	text := strings.Replace(wholeConfig, "{X-Scope-OrgID: team-a}", "{X-D: [4], X-C: [3], X-B: [2], X-A: [1]}", 1)
	for range 20 {
		if _, err := decodeConfig("c.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), "X-A") {
			t.Fatalf("four faulty headers: %v, want that of X-A", err)
		}
	}
}

// FuzzConfig holds that no text makes the reader panic.
func FuzzConfig(f *testing.F) {
	f.Add(wholeConfig)
	f.Add("apiVersion: foreshock.dev/v1alpha1\nkind: Config\nspec: {prometheus: {url: x, headers: [1]}, policy: 3}\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := decodeConfig("c.yaml", []byte(text))
		if err == nil && c.Prometheus.URL == "" {
			t.Errorf("%q gives no URL", text)
		}
	})
}
