package cli

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/internal/cli/watch"
	"github.com/foreshock/foreshock/internal/normal"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// morning writes a recording of a service whose latency follows the day,
// without a control, in frames of five minutes. A release that changes nothing
// begins at the time given, if any.
func morning(t *testing.T, start, end, begin time.Time) string {
	t.Helper()
	dir := t.TempDir()
	releases, labels := "", `service="shop"`
	if !begin.IsZero() {
		releases = fmt.Sprintf(`
  releases:
  - {service: shop, from: v1, to: v2, strategy: recreate, cohorts: {canary: 'service="shop",version="v2"'}, steps: [{at: %s, weight: 100}]}`, begin.Format(time.RFC3339))
	}
	recording := fmt.Sprintf(`apiVersion: foreshock.dev/v1alpha1
kind: Recording
metadata: {name: shop}
spec:
  start: %s
  end: %s
  interval: 5m
  metrics: metrics.om
  services: [{name: shop, selector: 'service="shop"'}]%s
  signals:
  - {name: latency, kind: latency, unit: seconds, query: 'avg(latency_seconds{$sel})'}
`, start.Format(time.RFC3339), end.Format(time.RFC3339), releases)
	var b strings.Builder
	b.WriteString("# TYPE latency_seconds gauge\n")
	rng := rand.New(rand.NewPCG(1, uint64(start.Unix())))
	for at := start; !at.After(end); at = at.Add(5 * time.Minute) {
		hour := at.Sub(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)).Hours()
		version := "v1"
		if !begin.IsZero() && !at.Before(begin) {
			version = "v2"
		}
		v := (0.2 + 0.008*rng.NormFloat64()) * (1 + 0.5*math.Cos(2*math.Pi*(hour-14)/24))
		fmt.Fprintf(&b, "latency_seconds{%s,version=%q} %g %d\n", labels, version, v, at.Unix())
	}
	b.WriteString("# EOF\n")
	for name, text := range map[string]string{described: recording, "metrics.om": b.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestReplayLearns learns a week from one recording, and judges a release on
// the morning's rise in another: without memory the rise is held against it,
// with it the release is left alone, and the reader is told why.
func TestReplayLearns(t *testing.T) {
	monday := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	week := morning(t, monday, monday.Add(8*24*time.Hour), time.Time{})
	begin := monday.Add(9*24*time.Hour + 8*time.Hour)
	rollout := morning(t, begin.Add(-5*time.Hour), begin.Add(4*time.Hour), begin)
	file := filepath.Join(t.TempDir(), "foreshock.normal")
	run := func(args ...string) (stdout, stderr string, code int) {
		var out, errs bytes.Buffer
		code = Main(t.Context(), args, &out, &errs)
		return out.String(), errs.String(), code
	}
	out, errs, code := run("replay", rollout)
	if code == exitSuccess || code == exitError {
		t.Fatalf("without memory: exit %d\n%s%s\nThe test shows nothing", code, out, errs)
	}
	if out, errs, code := run("replay", week, "--normal", file, "--learn"); code == exitError || !strings.Contains(errs, "learned 190.6 hours of signals") {
		t.Fatalf("learn: exit %d\n%s%s", code, out, errs)
	}
	out, errs, code = run("replay", rollout, "--normal", file)
	if code != exitSuccess || !strings.Contains(out, "compared with what is normal on Wednesdays at 12:00 UTC, from memory") {
		t.Errorf("with memory: exit %d\n%s%s", code, out, errs)
	}
	if strings.Contains(out, "less would have been known") {
		t.Errorf("the memory is told to be ahead of a recording of a later day:\n%s", out)
	}
	out, _, _ = run("replay", week, "--normal", file)
	if !strings.Contains(out, "less would have been known") {
		t.Errorf("a recording that the memory was learned from is judged without a word of that:\n%s", out)
	}
	if _, errs, _ := run("replay", week, "--normal", file, "--learn"); !strings.Contains(errs, "learned 0.0 hours") {
		t.Errorf("the same week taught twice: %s", errs)
	}
}

// TestTwoWatchesLearn holds that two watches that learn into one file both leave
// there what they learned, and before they end.
func TestTwoWatchesLearn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "foreshock.normal")
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	begin := func(service string) (*remembering, func(signal.Frame, bool)) {
		r := &remembering{path: file, learn: true}
		if err := r.open(&cobra.Command{}); err != nil {
			t.Fatal(err)
		}
		var o watch.Options
		r.live(&app{stderr: io.Discard}, &o)
		return r, o.Learn(release.System{
			Interval: time.Minute, Services: []release.Service{{Name: service}},
			Signals: []signal.Signal{{Name: "latency", Unit: signal.ParseUnit("s")}},
		})
	}
	hours := func(service string) float64 {
		m, err := normal.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		return m.Hours(service, "latency")
	}
	shop, learnShop := begin("shop")
	cart, learnCart := begin("cart")
	for k := range 180 {
		r := signal.Missing(signal.Present, "")
		r.Value, r.Age = 0.1, time.Hour
		f := signal.Frame{At: start.Add(time.Duration(k) * time.Minute), Cells: []signal.Cell{{Release: -1, Cohort: signal.Whole, Readings: []signal.Reading{r}}}}
		learnShop(f, true)
		learnCart(f, true)
	}
	if hours("shop") < 1 || hours("cart") < 1 {
		t.Errorf("after three hours the file knows %v of shop and %v of cart; want an hour and more of each", hours("shop"), hours("cart"))
	}
	for _, r := range []*remembering{shop, cart} {
		if err := r.close(&app{stderr: io.Discard}); err != nil {
			t.Fatal(err)
		}
	}
	if got := math.Round(100 * hours("shop")); got != math.Round(100*hours("cart")) || got != 175 {
		t.Errorf("at the end the file knows %v %% of an hour of shop; want 175, once", got)
	}
}
