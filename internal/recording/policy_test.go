package recording

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/foreshock/foreshock/internal/strictyaml"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

const wholePolicy = `# stricter
alpha: 0.001
countAlpha: 0.01
promoteBelow: 0.1
rollbackAbove: 0.9
blame: 0.6
minFrames: 7
clear: 4
startUp: 90s
startUpFrames: 2
maxHold: 20m
major: 3
sizes:
  latency: {relative: 0.2, absolute: 0.05, most: 1, noise: 0.002}
  errors: {relative: 0.5}
signals:
  "latency:p99": {relative: 0.3, absolute: 0.1, noise: 0.01}
`

func TestLoadPolicy(t *testing.T) {
	dir := write(t, map[string]string{"policy.yaml": wholePolicy, "one.yaml": "blame: 0.9\n"})
	got, err := LoadPolicy(filepath.Join(dir, "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := prevention.DefaultPolicy()
	want.Alpha, want.CountAlpha, want.PromoteBelow, want.RollbackAbove, want.Blame = 0.001, 0.01, 0.1, 0.9, 0.6
	want.MinFrames, want.Clear, want.StartUp, want.StartUpFrames, want.MaxHold, want.Major = 7, 4, 90*time.Second, 2, 20*time.Minute, 3
	want.Sizes[signal.Latency] = prevention.Size{Relative: 0.2, Absolute: 0.05, Most: 1, Noise: 0.002}
	errs := want.Sizes[signal.Errors]
	errs.Relative = 0.5
	want.Sizes[signal.Errors] = errs
	want.Signals["latency:p99"] = prevention.Size{Relative: 0.3, Absolute: 0.1, Noise: 0.01}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("policy (-want +got):\n%s", d)
	}
	one := prevention.DefaultPolicy()
	one.Blame = 0.9
	if got, err := LoadPolicy(filepath.Join(dir, "one.yaml")); err != nil || !cmp.Equal(one, got) {
		t.Errorf("LoadPolicy of one field = %+v, %v", got, err)
	}
	if _, err := LoadPolicy(filepath.Join(dir, "none.yaml")); err == nil || !strings.HasPrefix(err.Error(), "read policy: open ") {
		t.Errorf("LoadPolicy of no file = %v", err)
	}
}

// TestPolicyErrors changes one thing in a good policy.
func TestPolicyErrors(t *testing.T) {
	tests := []struct{ name, old, text, want string }{
		{"empty", wholePolicy, "", ": the file is empty; want fields such as 'alpha: 0.002'"},
		{"a list", wholePolicy, "- alpha\n", ":1: policy is a list; want a mapping of fields"},
		{"unknown field", "blame:", "blames:", `:6: unknown field "blames" in policy; want one of alpha, countAlpha, suspectAlpha, promoteBelow, rollbackAbove, blame, minFrames, clear, startUp, startUpFrames, maxHold, major, countFloor, countRisk, sizes, signals`},
		{"a share of one", "alpha: 0.001", "alpha: 1", ":2: policy.alpha is 1; want between 0 and 1, and neither of them"},
		{"a share beyond", "alpha: 0.001", "alpha: 2", `:2: policy.alpha is "2"; want a number between 0 and 1`},
		{"a word", "0.001", "low", `:2: policy.alpha is "low"; want a number between 0 and 1`},
		{"levels that cross", "promoteBelow: 0.1", "promoteBelow: 0.95", ":4: policy.promoteBelow is 0.95 and policy.rollbackAbove 0.9; want the first below the second"},
		{"a level that crosses the default", "promoteBelow: 0.1\nrollbackAbove: 0.9", "rollbackAbove: 0.15", ":4: policy.promoteBelow is 0.2 and policy.rollbackAbove 0.15; want the first below the second"},
		{"too few frames", "minFrames: 7", "minFrames: 2", ":7: policy.minFrames is 2; want 3 or more"},
		{"half a frame", "clear: 4", "clear: 1.5", ":8: policy.clear is 1.5; want a whole number"},
		{"no duration", "90s", "90", `:9: policy.startUp "90" is no duration; want one above zero, such as 60s or 1m30s`},
		{"major", "major: 3", "major: 0.5", `:12: policy.major is "0.5"; want a number ≥ 1`},
		{"unknown kind", "  errors:", "  error:", `:15: unknown field "error" in sizes; want one of latency, errors, cpu, memory, network, database, cache, dependency, traffic, retries, timeouts, crashes, saturation, infra`},
		{"unknown part of a size", "most: 1", "max: 1", `:14: unknown field "max" in sizes.latency; want one of relative, absolute, most, noise`},
		{"below zero", "{relative: 0.5}", "{relative: -0.5}", `:15: sizes.errors.relative is "-0.5"; want a number ≥ 0`},
		{"a signal without noise", ", noise: 0.01}", "}", ":17: signals.latency:p99 has no noise; it must be given"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(write(t, map[string]string{"policy.yaml": strings.Replace(wholePolicy, tt.old, tt.text, 1)}), "policy.yaml")
			_, err := LoadPolicy(path)
			if err == nil || err.Error() != "read policy: "+path+tt.want {
				t.Fatalf("LoadPolicy:\n got %v\nwant %s", err, "read policy: "+path+tt.want)
			}
			var fault *strictyaml.SyntaxError
			if !errors.As(err, &fault) || !strings.Contains(fault.Hint(), "docs/method/policy.md") {
				t.Errorf("the hint of %v is %q", err, fault.Hint())
			}
		})
	}
}

// FuzzPolicy holds that any text gives an error or a policy that is valid.
func FuzzPolicy(f *testing.F) {
	f.Add(wholePolicy)
	f.Add("sizes: {latency: {}}\nsignals: {a: 1}")
	f.Add("alpha: .nan")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := decodePolicy("policy.yaml", []byte(text)); err == nil {
			if err := p.Validate(); err != nil {
				t.Error(err)
			}
		}
	})
}
