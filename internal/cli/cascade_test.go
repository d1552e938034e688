package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/foreshock/foreshock/release"
)

// TestCascadeWire: a recorded retry storm is told as the schema says, with the
// load at which the service recovers.
func TestCascadeWire(t *testing.T) {
	var out, errs bytes.Buffer
	if code := Main(t.Context(), []string{"replay", "../../corpus/retry-storm-a", "-o", "jsonl"}, &out, &errs); code != 20 {
		t.Fatalf("replay exits %d, want 20: %s", code, &errs)
	}
	if err := holds(strictSchema(t, "wire.schema.json"), out.String()); err != nil {
		t.Error(err)
	}
	for _, want := range []string{`"kind":"cascade"`, `"service":"pricing"`, `"phase":"collapsed"`, `"recovers":`, "retries multiply the calls to pricing by 1.9 or more"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the replay of a retry storm has no %s", want)
		}
	}
}

// TestCascadeRow: a cascade has a row of its own, and tells when it feeds
// itself.
func TestCascadeRow(t *testing.T) {
	gain := release.Number(1.6)
	a := release.Assessment{Service: "shop", Predictions: []release.Prediction{
		{Kind: "cascade", Signal: "latency", Service: "pricing", Probability: 0.7, Phase: "multiplying", LoopGain: &gain, Text: "retries multiply the calls to pricing by 1.8"},
	}}
	r := &report{}
	r.ahead(&a)
	got := strings.Join(strings.Fields(r.String()), " ")
	if want := "cascade retries multiply the calls to pricing by 1.8; 70 % likely to collapse; it feeds itself (each further call calls for 1.6 more)"; got != want {
		t.Errorf("rows %q, want %q", got, want)
	}
}
