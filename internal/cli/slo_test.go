package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestObjectivesBesideTheCatalogue: where a recording names no signals,
// objectives come beside those of the catalogue, and not in their place.
func TestObjectivesBesideTheCatalogue(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "catalog.yaml")
	if err := os.WriteFile(file, []byte(`apiVersion: openslo/v1
kind: SLO
metadata: {name: availability}
spec:
  service: catalog
  indicator:
    metadata: {name: availability}
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {type: Prometheus, spec: {query: 'http_requests_total{code=~"5.."}'}}}
        total: {metricSource: {type: Prometheus, spec: {query: http_requests_total}}}
  objectives: [{target: 0.995}]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	const dir = "../../examples/recordings/catalog-discovered"
	code, with, stderr := run(t, "replay", dir, "--slo", file)
	if code != exitRollback || stderr != "" || !strings.Contains(with, "1 service, 17 signals") || !strings.Contains(with, "generic_http/latency:p90") {
		t.Errorf("replay --slo exits %d, want %d with 17 signals\n%s\n%s", code, exitRollback, with, stderr)
	}
	if _, without, _ := run(t, "replay", dir); !strings.Contains(without, "1 service, 16 signals") {
		t.Errorf("replay says\n%s\nwant 16 signals without objectives", without)
	}
}
