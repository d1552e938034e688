package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/release"
)

// TestWatchLive lets a live canary go bad and holds that it is told, with the
// exit code of a rollback.
func TestWatchLive(t *testing.T) {
	t.Parallel()
	r := startRollout(t, 25)
	time.Sleep(3 * time.Second)
	time.AfterFunc(10*time.Second, func() { r.canary.bad.Store(true) })
	code, stdout, stderr := run(t, "watch", "--prometheus", r.prometheus, "--service", "cart",
		"--canary", `service="cart",version="1.1.0"`, "--control", `service="cart",version="1.0.0"`, "--for", "34s")
	if code != exitRollback {
		t.Errorf("watch exits %d, want %d", code, exitRollback)
	}
	for _, want := range []string{"measured by generic_http/traffic", "UNKNOWN", "ROLLBACK", "generic_http/errors", "frames   every 1s"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("watch does not say %q", want)
		}
	}
	if strings.Contains(stdout, "step 0 of 0") {
		t.Error("watch says a step of none")
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", stdout, stderr)
	}
	code, _, stderr = run(t, "watch", "--prometheus", r.prometheus, "--service", "cart", "--canary", `version="9"`, "--control", `version="8"`, "--interval", "1s")
	if code != exitError || !strings.Contains(stderr, `no series match {version="9"} or {version="8"}`) || !strings.Contains(stderr, "foreshock init --prometheus") {
		t.Errorf("of versions that are not there watch exits %d and says %q", code, stderr)
	}
}

// TestInitLive holds what init finds of a real rollout, and that watch goes
// on from its file: by HAProxy's own weight, as lines that hold to the schema.
func TestInitLive(t *testing.T) {
	t.Parallel()
	r := startRollout(t, 25)
	dir := t.TempDir()
	file := filepath.Join(dir, "foreshock.yaml")
	code, stdout, stderr := run(t, "init", "--prometheus", r.prometheus, "--out", file)
	if code != exitSuccess {
		t.Fatalf("init exits %d: %s", code, stderr)
	}
	for _, want := range []string{
		"2 services, 2 releases in flight", "cart-service  1.1.0 beside 1.0.0", "cart-proxy  canary beside stable",
		"database: pools that run out, lock waits, slow queries", "would show it", "foreshock watch --config " + file,
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("init does not say %q:\n%s", want, stdout)
		}
	}
	c, err := recording.LoadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	if c.Prometheus.URL != r.prometheus || c.Interval != time.Second || len(c.Services) != 2 {
		t.Errorf("the config is %+v", c)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := run(t, "init", "--prometheus", r.prometheus, "--out", file); code != exitError || !strings.Contains(stderr, "--force") {
		t.Errorf("a second init exits %d: %s", code, stderr)
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
		t.Error("a second init changed the file")
	}

	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second) // as ctrl-C does
	defer cancel()
	var out, errs bytes.Buffer
	code = Main(ctx, []string{"watch", "--config", file, "--service", "cart-proxy", "-o", "jsonl"}, &out, &errs)
	if code == exitError || code == exitUsage {
		t.Fatalf("watch exits %d: %s", code, &errs)
	}
	if err := holds(strictSchema(t, "wire.schema.json"), out.String()); err != nil {
		t.Errorf("watch -o jsonl: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var first release.Assessment
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil || first.Weight != 25 || first.Service != "cart-proxy" {
		t.Errorf("the first line is %s; want the service at 25 %%", lines[0])
	}
	if len(lines) < 5 || !strings.Contains(lines[len(lines)-1], `"type":"summary"`) {
		t.Errorf("%d lines, the last %s; want 5 and a summary", len(lines), lines[len(lines)-1])
	}
}
