package cli

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/prometheus"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/internal/tsdb"
	"github.com/foreshock/foreshock/signal"
)

// TestRecordLive records a real rollout and holds that a replay of the
// recording has the frames that live queries have.
func TestRecordLive(t *testing.T) {
	t.Parallel()
	r := startRollout(t, 25)
	time.Sleep(18 * time.Second)
	dir := filepath.Join(t.TempDir(), "cart")
	// Between two scrapes, which come at the same millisecond of every second.
	start := r.began.Add(2 * time.Second).UTC().Truncate(time.Second).Add(quiet(t, r))
	code, stdout, stderr := run(t, "record", "--prometheus", r.prometheus, "--service", "cart",
		"--canary", `service="cart",version="1.1.0"`, "--control", `service="cart",version="1.0.0"`,
		"--from", start.Format(time.RFC3339Nano), "--to", start.Add(12*time.Second).Format(time.RFC3339Nano),
		"--step", start.Add(3*time.Second).Format(time.RFC3339)+"=25", "--out", dir)
	if code != exitSuccess || !strings.HasPrefix(stdout, dir+": ") {
		t.Fatalf("record exits %d\n%s\n%s", code, stdout, stderr)
	}
	if !regexp.MustCompile(`(?m)^note: a frame every 1s: so often is \w+ scraped$`).MatchString(stderr) {
		t.Errorf("record says\n%s", stderr)
	}
	rec, err := recording.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	db, err := tsdb.Open(t.Context(), rec.Metrics, tsdb.Options{LookBack: rec.LookBack()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	live, err := prometheus.New(r.prometheus, prometheus.Options{LookBack: rec.LookBack()})
	if err != nil {
		t.Fatal(err)
	}
	replayed, liveFrames := framesOf(t, db, rec), framesOf(t, live, rec)
	if len(replayed) != 13 || len(replayed[12]) < 20 {
		t.Fatalf("%d frames, the last with %d cells; want 13 with 20 or more", len(replayed), len(replayed[12]))
	}
	if diff := cmp.Diff(liveFrames, replayed, cmpopts.EquateApprox(1e-6, 1e-9), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("replayed frames differ from live ones (-live +replayed):\n%.5000s", diff)
	}
	if code, stdout, stderr := run(t, "replay", dir); code == exitError || !strings.Contains(stdout, "cart") {
		t.Errorf("replay exits %d\n%s\n%s", code, stdout, stderr)
	}
	code, stdout, stderr = run(t, "why", "--prometheus", r.prometheus, "--service", "cart", "--canary", `service="cart",version="1.1.0"`,
		"--control", `service="cart",version="1.0.0"`, "--last", "14s", "--step", start.Add(3*time.Second).Format(time.TimeOnly)+"=25")
	if code != exitSuccess || !strings.Contains(stdout, "25 % of the traffic go to the new version") || !strings.Contains(stdout, `version="1.1.0"`) {
		t.Errorf("why exits %d\n%s\n%s", code, stdout, stderr)
	}
	own := filepath.Join(t.TempDir(), "foreshock.yaml")
	os.WriteFile(own, []byte(`apiVersion: foreshock.dev/v1alpha1
kind: Config
spec:
  prometheus: {url: '`+r.prometheus+`'}
  interval: 2s
  services: [{name: cart, cohorts: {canary: 'service="cart",version="1.1.0"', control: 'service="cart",version="1.0.0"'}}]
  signals: [{name: mine, kind: errors, unit: ratio, query: 'sum(rate(http_requests_total{$sel,code="500"}[$window])) / sum(rate(http_requests_total{$sel}[$window]))', limit: 0.1}]
`), 0o600)
	code, stdout, stderr = run(t, "record", "--config", own, "--from", "now-10s", "--step", time.Now().UTC().Format(time.TimeOnly)+"=25", "--out", dir+"-own")
	mine, err := recording.Load(dir + "-own")
	if code != exitSuccess || err != nil || mine.Interval != 2*time.Second || len(mine.System.Signals) != 1 || mine.System.Signals[0].Limit.Value != 0.1 || !strings.Contains(stdout, "of 1 metrics") {
		t.Errorf("record of own signals exits %d: %+v, %v\n%s\n%s", code, mine, err, stdout, stderr)
	}
	if code, _, stderr := run(t, "record", "--prometheus", r.prometheus, "--service", "cart", "--canary", `a="b"`, "--step", "00:00=1", "--out", dir); code != exitError || !strings.Contains(stderr, "holds a recording already") {
		t.Errorf("a second recording in one folder exits %d: %s", code, stderr)
	}
}

// quiet returns a part of a second at which nothing is scraped.
func quiet(t *testing.T, r *rollout) time.Duration {
	t.Helper()
	c, err := prometheus.New(r.prometheus, prometheus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	series, err := c.Raw(t.Context(), `{__name__=~"up|http_requests_total"}`, time.Now(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	best, far := time.Duration(0), time.Duration(0)
	for at := time.Duration(0); at < time.Second; at += 10 * time.Millisecond {
		near := time.Second
		for _, s := range series {
			for _, v := range s.Samples {
				d := (at - v.At.Sub(v.At.Truncate(time.Second))).Abs()
				near = min(near, d, time.Second-d)
			}
		}
		if near > far {
			best, far = at, near
		}
	}
	return best
}

// framesOf returns the frames with the names of their signals: a live system
// has exporters that tell nothing of this service.
func framesOf(t *testing.T, q engine.Querier, rec *recording.Recording) []map[string]signal.Cell {
	t.Helper()
	src, err := engine.New(t.Context(), q, rec.System, engine.Options{Start: rec.Start, End: rec.End})
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]signal.Cell
	for f, err := range src.Frames(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		cells := map[string]signal.Cell{}
		for _, c := range f.Cells {
			name := src.System().Signals[c.Signal].Name
			c.Signal = 0
			cells[name+" of "+c.Cohort.String()] = c
		}
		out = append(out, cells)
	}
	return out
}

// TestRecordRunning interrupts a recording that runs: what there is is
// written.
func TestRecordRunning(t *testing.T) {
	t.Parallel()
	r := startRollout(t, 25)
	dir := filepath.Join(t.TempDir(), "cart")
	ctx, cancel := context.WithTimeout(t.Context(), 28*time.Second)
	defer cancel()
	var out, errs strings.Builder
	code := Main(ctx, []string{
		"record", "--prometheus", r.prometheus, "--service", "cart",
		"--canary", `service="cart",version="1.1.0"`, "--control", `service="cart",version="1.0.0"`,
		"--from", "now", "--to", "now+1h", "--interval", "1s", "--step", time.Now().UTC().Format(time.TimeOnly) + "=25", "--out", dir,
	}, &out, &errs)
	if code != exitSuccess || !strings.Contains(errs.String(), "interrupted: the recording ends at ") {
		t.Fatalf("record exits %d\n%s\n%s", code, &out, &errs)
	}
	rec, err := recording.Load(dir)
	if err != nil || rec.End.Sub(rec.Start) < 20*time.Second {
		t.Fatalf("%+v, %v; want 20 s or more", rec, err)
	}
}
