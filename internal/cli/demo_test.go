package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/recording"
)

// TestDemo rolls a version out that cannot work, on this machine, and wants
// it stopped, recorded, and judged the same when it is replayed.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("a demo takes half a minute")
	}
	folder, record := filepath.Join(t.TempDir(), "rec"), filepath.Join(t.TempDir(), "x.record")
	if err := os.WriteFile(record, []byte(`{"type": "track-record", "version": 1, "kinds": {"next-step": {"n": 10, "right": 8}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, complaints bytes.Buffer
	args := []string{"demo", "--fault", "schema-new", "--duration", "32s", "--steps", "30,60,100", "--rate", "60", "--record", folder, "--track-record", record, "-o", "jsonl"}
	if code := Main(t.Context(), args, &out, &complaints); code != 0 {
		t.Fatalf("demo exits with %d: %s", code, complaints.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var end ending
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"record":{"right":8,"of":10,"factor":1}`) {
		t.Errorf("no assessment says how right such were so far: %s", lines[0])
	}
	if end.Strained > end.Frames/4 {
		t.Skipf("this machine was too busy to tell in %d of %d frames", end.Strained, end.Frames)
	}
	if end.Stopped == nil || *end.Stopped > 60 || end.Verdict != "rollback" {
		t.Errorf("the demo ended with %s, want a rollback at 60 %% or before", lines[len(lines)-1])
	}
	if end.Harmed < 5 {
		t.Errorf("%v requests were harmed by a version that fails, want some", end.Harmed)
	}
	truth, ok, err := recording.LoadTruth(folder)
	if err != nil || !ok || len(truth.Faulty) != 1 || truth.FailsAtWeight != 0.3 {
		t.Errorf("LoadTruth = %+v, %v, %v, want the shop as faulty, failing at 30 %%", truth, ok, err)
	}
	var replayed bytes.Buffer
	if code := Main(t.Context(), []string{"replay", folder}, &replayed, &complaints); code != exitRollback {
		t.Errorf("replay of what was recorded exits with %d, want %d: %s%s", code, exitRollback, replayed.String(), complaints.String())
	}
}

// TestDemoInterrupted ends a demo in the middle and looks for what it left.
func TestDemoInterrupted(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	time.AfterFunc(3*time.Second, cancel)
	var out, complaints bytes.Buffer
	start := time.Now()
	if code := Main(ctx, []string{"demo", "--healthy", "none", "--record", filepath.Join(temp, "rec")}, &out, &complaints); code != exitError {
		t.Errorf("an interrupted demo exits with %d, want %d", code, exitError)
	}
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("an interrupted demo took %s to end, want about 3 s", took)
	}
	if !strings.Contains(complaints.String(), "interrupted") {
		t.Errorf("an interrupted demo says %q, want that it was interrupted", complaints.String())
	}
	left, err := os.ReadDir(temp)
	if err != nil || len(left) > 0 {
		t.Errorf("an interrupted demo leaves %v behind (%v), want nothing", left, err)
	}
}

// TestDemoPortBusy holds that a port somebody has is named, with the flag that
// picks another.
func TestDemoPortBusy(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := run(t, "demo", "--port", port)
	if code != exitError || stdout != "" || !strings.Contains(stderr, "port "+port+" of 127.0.0.1 cannot be had") || !strings.Contains(stderr, "give another one with --port") {
		t.Errorf("demo on a port that is taken exits %d: %s%s", code, stdout, stderr)
	}
}
