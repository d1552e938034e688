package prevention_test

import (
	"math"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// TestDefaultPolicy: it is valid, it knows every kind, and every call returns
// a fresh one.
func TestDefaultPolicy(t *testing.T) {
	p := prevention.DefaultPolicy()
	if err := p.Validate(); err != nil {
		t.Errorf("DefaultPolicy().Validate() = %v, want nil", err)
	}
	for _, k := range signal.Kinds() {
		if _, ok := p.Sizes[k]; !ok {
			t.Errorf("DefaultPolicy().Sizes has no size of %v", k)
		}
	}
	if p.MaxHold != 10*time.Minute {
		t.Errorf("DefaultPolicy().MaxHold = %v, want 10m", p.MaxHold)
	}
	p.Sizes[signal.Errors] = prevention.Size{}
	p.Signals["x"] = prevention.Size{}
	if q := prevention.DefaultPolicy(); q.Sizes[signal.Errors] == (prevention.Size{}) || len(q.Signals) != 0 {
		t.Errorf("DefaultPolicy() = %+v after an earlier one was changed", q)
	}
}

// TestValidate breaks one field at a time.
func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*prevention.Policy)
		want   string
	}{
		{"alpha 0", func(p *prevention.Policy) { p.Alpha = 0 }, "policy: alpha is 0; want between 0 and 1"},
		{"alpha 1", func(p *prevention.Policy) { p.Alpha = 1 }, "policy: alpha is 1; want between 0 and 1"},
		{"alpha NaN", func(p *prevention.Policy) { p.Alpha = math.NaN() }, "policy: alpha is NaN; want between 0 and 1"},
		{"countAlpha", func(p *prevention.Policy) { p.CountAlpha = -0.1 }, "policy: countAlpha is -0.1; want between 0 and 1"},
		{"blame", func(p *prevention.Policy) { p.Blame = 1.5 }, "policy: blame is 1.5; want between 0 and 1"},
		{
			"promoteBelow 0", func(p *prevention.Policy) { p.PromoteBelow = 0 },
			"policy: promoteBelow is 0 and rollbackAbove 0.8; want 0 < promoteBelow < rollbackAbove < 1",
		},
		{
			"the levels cross", func(p *prevention.Policy) { p.PromoteBelow = 0.9 },
			"policy: promoteBelow is 0.9 and rollbackAbove 0.8; want 0 < promoteBelow < rollbackAbove < 1",
		},
		{
			"rollbackAbove 1", func(p *prevention.Policy) { p.RollbackAbove = 1 },
			"policy: promoteBelow is 0.2 and rollbackAbove 1; want 0 < promoteBelow < rollbackAbove < 1",
		},
		{
			"minFrames", func(p *prevention.Policy) { p.MinFrames = 2 },
			"policy: minFrames is 2, clear 3 and startUpFrames 5; want at least 3, 1 and 1",
		},
		{
			"clear", func(p *prevention.Policy) { p.Clear = 0 },
			"policy: minFrames is 5, clear 0 and startUpFrames 5; want at least 3, 1 and 1",
		},
		{
			"startUpFrames", func(p *prevention.Policy) { p.StartUpFrames = 0 },
			"policy: minFrames is 5, clear 3 and startUpFrames 0; want at least 3, 1 and 1",
		},
		{"major", func(p *prevention.Policy) { p.Major = 0.5 }, "policy: major is 0.5; want at least 1"},
		{"major NaN", func(p *prevention.Policy) { p.Major = math.NaN() }, "policy: major is NaN; want at least 1"},
		{
			"a size below 0", func(p *prevention.Policy) { p.Sizes[signal.CPU] = prevention.Size{Relative: -1} },
			"policy: the size of cpu is {Relative:-1 Absolute:0 Most:0 Noise:0}; want numbers ≥ 0",
		},
		{
			"an infinite size", func(p *prevention.Policy) { p.Sizes[signal.CPU] = prevention.Size{Absolute: math.Inf(1)} },
			"policy: the size of cpu is {Relative:0 Absolute:+Inf Most:0 Noise:0}; want numbers ≥ 0",
		},
		{
			"the first of two sizes", func(p *prevention.Policy) {
				p.Sizes[signal.Infra] = prevention.Size{Noise: math.NaN()}
				p.Sizes[signal.Latency] = prevention.Size{Noise: math.NaN()}
			},
			"policy: the size of latency is {Relative:0 Absolute:0 Most:0 Noise:NaN}; want numbers ≥ 0",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := prevention.DefaultPolicy()
			tt.change(&p)
			if err := p.Validate(); err == nil || err.Error() != tt.want {
				t.Errorf("Validate() = %v\nwant %s", err, tt.want)
			}
		})
	}
}

// TestSizeOf: floors by dimension; the numbers are those of the comment of
// SizeOf and of DefaultPolicy.
func TestSizeOf(t *testing.T) {
	own := prevention.Size{Relative: 0.5, Absolute: 7}
	tests := []struct {
		name string
		kind signal.Kind
		unit string
		want prevention.Size
	}{
		{"p99", signal.Latency, "s", prevention.Size{Relative: 0.1, Absolute: 0.01, Most: 2, Noise: 0.001}},
		{"p99", signal.Latency, "ms", prevention.Size{Relative: 0.1, Absolute: 0.01, Most: 2, Noise: 0.001}},
		{"apdex", signal.Latency, "ratio", prevention.Size{Relative: 0.1, Most: 2}}, // 10 ms is no share
		{"latency", signal.Latency, "", prevention.Size{Relative: 0.1, Most: 2}},
		{"errors", signal.Errors, "percent", prevention.Size{Relative: 0.2, Absolute: 0.002, Noise: 0.002}},
		{"errors", signal.Errors, "errors/s", prevention.Size{Relative: 0.2}},
		{"cpu", signal.CPU, "cores", prevention.Size{Relative: 0.15, Absolute: 0.05, Noise: 0.01}},
		{"cpu", signal.CPU, "ratio", prevention.Size{Relative: 0.15, Absolute: 0.05, Noise: 0.01}},
		{"rss", signal.Memory, "MiB", prevention.Size{Relative: 0.15, Absolute: 10737418.24, Noise: 1073741.824}}, // 0.01 and 0.001 GiB
		{"lag", signal.Database, "s", prevention.Size{Relative: 0.15, Absolute: 0.01, Noise: 0.001}},
		{"threads", signal.Saturation, "threads", prevention.Size{Relative: 0.15, Absolute: 1}},
		{"bytes", signal.Network, "bytes/s", prevention.Size{Relative: 0.15}},
		{"odd", signal.Infra, "widgets", prevention.Size{Relative: 0.15}},
		{"mine", signal.CPU, "cores", own},
		{"mine", signal.Latency, "widgets", own},
	}
	p := prevention.DefaultPolicy()
	p.Signals["mine"] = own
	for _, tt := range tests {
		got := p.SizeOf(signal.Signal{Name: tt.name, Kind: tt.kind, Unit: signal.ParseUnit(tt.unit)})
		if !near(got, tt.want) {
			t.Errorf("SizeOf(%s, %v, %q) = %+v, want %+v", tt.name, tt.kind, tt.unit, got, tt.want)
		}
	}
}

func near(a, b prevention.Size) bool {
	eq := func(x, y float64) bool { return math.Abs(x-y) <= 1e-12*math.Abs(y) }
	return eq(a.Relative, b.Relative) && eq(a.Absolute, b.Absolute) && eq(a.Most, b.Most) && eq(a.Noise, b.Noise)
}

func TestSymptom(t *testing.T) {
	want := map[signal.Kind]bool{
		signal.Latency: true, signal.Errors: true, signal.Dependency: true, signal.Retries: true, signal.Timeouts: true, signal.Crashes: true,
		signal.CPU: false, signal.Memory: false, signal.Network: false, signal.Database: false, signal.Cache: false,
		signal.Traffic: false, signal.Saturation: false, signal.Infra: false,
	}
	for _, k := range signal.Kinds() {
		w, ok := want[k]
		if got := prevention.Symptom(k); got != w || !ok {
			t.Errorf("Symptom(%v) = %v, want %v (in the table: %v)", k, got, w, ok)
		}
	}
	if prevention.Symptom(0) {
		t.Error("Symptom(0) = true, want false")
	}
}
