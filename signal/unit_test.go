package signal_test

import (
	"math"
	"testing"

	"github.com/foreshock/foreshock/signal"
)

func TestParseUnit(t *testing.T) {
	tests := []struct {
		name  string
		base  string
		scale float64
		dim   signal.Dimension
	}{
		{"s", "s", 1, signal.Time},
		{"ms", "s", 0.001, signal.Time},
		{"milliseconds", "s", 0.001, signal.Time},
		{"us", "s", 1e-6, signal.Time},
		{"µs", "s", 1e-6, signal.Time},
		{"ns", "s", 1e-9, signal.Time},
		{"min", "s", 60, signal.Time},
		{"hours", "s", 3600, signal.Time},
		{"B", "B", 1, signal.Bytes},
		{"kB", "B", 1000, signal.Bytes},
		{"KiB", "B", 1024, signal.Bytes},
		{"MiB", "B", 1048576, signal.Bytes},
		{"mebibytes", "B", 1048576, signal.Bytes},
		{"GB", "B", 1e9, signal.Bytes},
		{"ratio", "ratio", 1, signal.Ratio},
		{"percent", "ratio", 0.01, signal.Ratio},
		{"%", "ratio", 0.01, signal.Ratio},
		{"1", "ratio", 1, signal.Ratio},
		{"cores", "cores", 1, signal.CPUTime},
		{"cpus", "cores", 1, signal.CPUTime},
		{"s/s", "cores", 1, signal.CPUTime},
		{"ms/s", "cores", 0.001, signal.CPUTime}, // milliseconds of work a second
		{"requests/s", "requests/s", 1, signal.Rate},
		{"requests/min", "requests/s", 1.0 / 60, signal.Rate},
		{"errors/second", "errors/s", 1, signal.Rate},
		{"bytes/s", "B/s", 1, signal.Rate},
		{"MiB/s", "B/s", 1048576, signal.Rate},
		{"widgets/s", "widgets/s", 1, signal.Rate}, // a rate of something opaque is a rate still
		{"1/s", "/s", 1, signal.Rate},
		{"percent/s", "percent/s", 1, signal.Rate},
		{"1/min", "/s", 1.0 / 60, signal.Rate},
		{"threads", "threads", 1, signal.Things},
		{"connections", "connections", 1, signal.Things},
		{"", "", 1, signal.Opaque},
		{"widgets", "widgets", 1, signal.Opaque},
		{"MS", "MS", 1, signal.Opaque}, // units are told apart by case
		{"requests/day", "requests/day", 1, signal.Opaque},
	}
	for _, tt := range tests {
		got := signal.ParseUnit(tt.name)
		if got.Name != tt.name || got.Base != tt.base || !near(got.Scale, tt.scale) || got.Dimension != tt.dim {
			t.Errorf("ParseUnit(%q) = %+v, want base %q, scale %v, dimension %d", tt.name, got, tt.base, tt.scale, tt.dim)
		}
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Abs(b) }

// TestFormat: three figures in the prefix a person would take; figures by
// hand.
func TestFormat(t *testing.T) {
	tests := []struct {
		unit string
		v    float64
		want string
	}{
		{"s", math.NaN(), "no value"},
		{"s", 0, "0 s"},
		{"s", 0.82, "820 ms"},
		{"ms", 0.82, "820 ms"}, // values are in the base unit whatever the user wrote
		{"s", 0.0123456, "12.3 ms"},
		{"s", 1.5, "1.5 s"},
		{"s", 4.2e-5, "42 µs"},
		{"s", 3e-9, "3 ns"},
		{"s", -0.25, "-250 ms"},
		{"s", 3600, "3,600 s"},
		{"B", 0, "0 B"},
		{"B", 512, "512 B"},
		{"B", 1536, "1.5 KiB"},
		{"MiB", 1.3 * (1 << 30), "1.3 GiB"},
		{"ratio", 0, "0 %"},
		{"ratio", 0.125, "12.5 %"},
		{"percent", 0.125, "12.5 %"},
		{"ratio", 0.98765, "98.8 %"},
		{"ratio", 0.0005, "500 per million"},
		{"ratio", -0.0005, "-500 per million"},
		{"requests/s", 240, "240 requests/s"},
		{"requests/s", 1240, "1,240 requests/s"},
		{"requests/s", 0.333333, "0.333 requests/s"},
		{"bytes/s", 2048, "2 KiB/s"},
		{"1/s", 1.38, "1.38 /s"},
		{"cores", 0.25, "0.25 cores"},
		{"threads", 12, "12 threads"},
		{"threads", 12.34, "12.3 threads"},
		{"", 3.14159, "3.14"},
		{"widgets", 1e15, "1e+15 widgets"},
		{"widgets", 1234567, "1,234,567 widgets"},
		{"widgets", 0.00001, "1e-05 widgets"},
	}
	for _, tt := range tests {
		if got := signal.ParseUnit(tt.unit).Format(tt.v); got != tt.want {
			t.Errorf("ParseUnit(%q).Format(%v) = %q, want %q", tt.unit, tt.v, got, tt.want)
		}
	}
}

// TestFormatRounding: what rounds up to the next thousand is written as such.
func TestFormatRounding(t *testing.T) {
	tests := []struct {
		unit string
		v    float64
		want string
	}{
		{"requests/s", 999.4, "999 requests/s"},
		{"requests/s", 999.6, "1,000 requests/s"},
		{"requests/s", 99.96, "100 requests/s"},
		{"requests/s", 9.996, "10 requests/s"},
		{"requests/s", 0.9996, "1 requests/s"},
	}
	for _, tt := range tests {
		if got := signal.ParseUnit(tt.unit).Format(tt.v); got != tt.want {
			t.Errorf("ParseUnit(%q).Format(%v) = %q, want %q", tt.unit, tt.v, got, tt.want)
		}
	}
}

func TestThousands(t *testing.T) {
	tests := []struct {
		v    float64
		want string
	}{
		{0, "0"},
		{999, "999"},
		{1240, "1,240"},
		{123456, "123,456"},
		{1234567, "1,234,567"},
		{-1240, "-1,240"},
		{-123456, "-123,456"},
	}
	for _, tt := range tests {
		if got := signal.Thousands(tt.v); got != tt.want {
			t.Errorf("Thousands(%v) = %q, want %q", tt.v, got, tt.want)
		}
	}
}

// TestMissing: a reading without a value has none in any field.
func TestMissing(t *testing.T) {
	r := signal.Missing(signal.Stopped, "pod-1")
	if r.Presence != signal.Stopped || r.Instance != "pod-1" {
		t.Errorf("Missing(Stopped, pod-1) = %+v", r)
	}
	for _, x := range []float64{r.Value, r.N, r.Events, r.Level, r.Spread} {
		if !math.IsNaN(x) {
			t.Errorf("Missing(Stopped, pod-1) = %+v, want NaN in every number", r)
		}
	}
}
