package prometheus

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/parts"
	"github.com/foreshock/foreshock/internal/queriertest"
)

// TestConformance holds real servers to what every querier does, over the
// same data as the embedded database.
func TestConformance(t *testing.T) {
	// Prometheus 2.42 knows no look-back of a query. VictoriaMetrics takes it
	// as the longest one, and has a shorter one by how often it is scraped.
	own := queriertest.Options{OwnLookBack: true}
	for part, o := range map[parts.Part]queriertest.Options{parts.Prometheus2: own, parts.Prometheus3: {}} {
		t.Run(part.Name, func(t *testing.T) {
			part.Need(t)
			c := client(t, part.Prometheus(t, blocks(t)).URL, Options{LookBack: queriertest.LookBack})
			queriertest.Run(t, c, o)
			served(t, c)
		})
	}
	for _, part := range []parts.Part{parts.Victoria1, parts.Victoria} {
		t.Run(part.Name, func(t *testing.T) {
			s := part.Victoria(t)
			c := client(t, s.URL, Options{LookBack: queriertest.LookBack})
			importText(t, s.URL)
			queriertest.Run(t, c, own)
			served(t, c)
		})
	}
}

// blocks writes the data of the test as Prometheus keeps them.
func blocks(t *testing.T) string {
	t.Helper()
	tool, dir := parts.Promtool.Need(t), t.TempDir()
	file := filepath.Join(t.TempDir(), "m.om")
	if err := os.WriteFile(file, []byte(queriertest.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), tool, "tsdb", "create-blocks-from", "openmetrics", file, dir).CombinedOutput(); err != nil {
		t.Fatalf("promtool: %v\n%s", err, out)
	}
	return dir
}

// importText gives the data to a VictoriaMetrics, and makes them visible.
func importText(t *testing.T, url string) {
	t.Helper()
	for _, step := range []struct{ path, body string }{{"/api/v1/import/prometheus", queriertest.ImportText()}, {"/internal/force_flush", ""}} {
		resp, err := http.Post(url+step.path, "text/plain", strings.NewReader(step.body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode/100 != 2 {
			t.Fatalf("POST %s: %s", step.path, resp.Status)
		}
	}
}

// served holds what a server says beside values.
func served(t *testing.T, c *Client) {
	from, to := queriertest.Start, queriertest.Start.Add(20*time.Minute)
	names, err := c.MetricNames(t.Context(), from, to)
	if err != nil || !strings.Contains(strings.Join(names, " "), "shop_requests_total shop_seconds_bucket shop_ticks") {
		t.Errorf("MetricNames() = %v, %v", names, err)
	}
	pods, err := c.LabelValues(t.Context(), "pod", `shop_requests_total{version="v1"}`, from, to)
	if err != nil || strings.Join(pods, " ") != "cart-1" {
		t.Errorf("LabelValues(pod) = %v, %v; want cart-1", pods, err)
	}
	series, err := c.Series(t.Context(), `{__name__=~"shop_requests_total|shop_ticks"}`, from, to)
	if err != nil || len(series) != 3 {
		t.Errorf("Series() = %v, %v; want 3", series, err)
	}
	if info, err := c.BuildInfo(t.Context()); err != nil {
		t.Errorf("BuildInfo() = %v, %v", info, err)
	}
	if _, err := c.Metadata(t.Context()); err != nil {
		t.Errorf("Metadata(): %v", err)
	}
	now, err := c.ServerTime(t.Context())
	if err != nil || time.Since(now).Abs() > 5*time.Second {
		t.Errorf("ServerTime() = %v, %v; want now, which is %v", now, err, time.Now())
	}
	raw, err := c.Raw(t.Context(), `shop_ticks`, from.Add(10*time.Minute), 5*time.Minute)
	if err != nil || len(raw) != 1 || len(raw[0].Samples) != 20 {
		t.Errorf("Raw(shop_ticks, 5 min) = %v, %v; want 20 samples", raw, err)
	} else if first := raw[0].Samples[0]; first.Value != 20 || !first.At.Equal(from.Add(5*time.Minute+7*time.Second)) {
		t.Errorf("Raw(shop_ticks) begins with %v; want the 20th, at 5:07", first)
	}
	if w := c.Warnings(); len(w) > 0 {
		t.Errorf("Warnings() = %v, want none", w)
	}
}

func client(t *testing.T, url string, o Options) *Client {
	t.Helper()
	c, err := New(url, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
