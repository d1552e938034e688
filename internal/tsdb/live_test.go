package tsdb

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
)

// TestLiveText writes samples while they are asked and holds the text that is
// written of them against what is read back.
func TestLiveText(t *testing.T) {
	live, err := NewLive(Options{LookBack: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	start := time.UnixMilli(1_700_000_000_123)
	for k := range 20 {
		app := live.Appender(t.Context())
		at := start.Add(time.Duration(k) * time.Second).UnixMilli()
		for _, s := range []struct {
			labels []string
			v      float64
		}{
			{[]string{"__name__", "requests_total", "pod", "a\"b\\c\nd", "code", "200"}, float64(k) * 1.5},
			{[]string{"__name__", "latency_bucket", "le", "+Inf"}, float64(k)},
			{[]string{"__name__", "odd"}, math.Inf(1)},
			{[]string{"__name__", "left_out"}, 1},
		} {
			if _, err := app.Append(0, labels.FromStrings(s.labels...), at, s.v); err != nil {
				t.Fatal(err)
			}
		}
		if k == 12 { // one series ends
			if _, err := app.Append(0, labels.FromStrings("__name__", "gone"), at, 7); err != nil {
				t.Fatal(err)
			}
		}
		if k == 13 {
			if _, err := app.Append(0, labels.FromStrings("__name__", "gone"), at, math.Float64frombits(value.StaleNaN)); err != nil {
				t.Fatal(err)
			}
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if got := live.Series(); got != 5 {
		t.Errorf("Series() = %d, want 5", got)
	}
	var text bytes.Buffer
	keep := func(name string) bool { return name != "left_out" }
	if err := live.WriteText(t.Context(), &text, start, start.Add(time.Minute), keep); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "left_out") {
		t.Error("WriteText wrote a metric that keep does not keep")
	}
	back, err := Read(t.Context(), &text, "written.om", Options{LookBack: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	for _, q := range []string{"requests_total", "rate(latency_bucket[4s])", "odd", "gone"} {
		want, err := live.Range(t.Context(), q, start, start.Add(20*time.Second), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		got, err := back.Range(t.Context(), q, start, start.Add(20*time.Second), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if len(want) == 0 || len(got) != len(want) {
			t.Fatalf("query %s: %d series read back, want %d and at least 1", q, len(got), len(want))
		}
		for i := range want {
			if q != "gone" && len(got[i].Samples) != len(want[i].Samples) {
				t.Errorf("query %s: %d samples read back, want %d", q, len(got[i].Samples), len(want[i].Samples))
			}
			for j := range min(len(want[i].Samples), len(got[i].Samples)) {
				if got[i].Samples[j].Value != want[i].Samples[j].Value {
					t.Errorf("query %s at %s: %v read back, want %v", q, want[i].Samples[j].At, got[i].Samples[j].Value, want[i].Samples[j].Value)
				}
			}
		}
	}
}
