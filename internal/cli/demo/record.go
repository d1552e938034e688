package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// The files of a recording.
const describedIn, metricsIn, truthIn = "recording.yaml", "metrics.om.zst", "truth.yaml"

// write writes all of them.
func (p *player) write(ctx context.Context, r *Result) error {
	if err := p.describe(p.end); err != nil {
		return err
	}
	keep, err := metricsOf(p.sys.Signals)
	if err != nil {
		return err
	}
	path := filepath.Join(p.folder, metricsIn)
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	defer f.Close()
	z, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	err = p.db.WriteText(ctx, z, p.start.Add(-time.Minute), p.end, func(name string) bool { return keep[name] })
	if err == nil {
		err = z.Close()
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	truth := filepath.Join(p.folder, truthIn)
	if err := os.WriteFile(truth, []byte(p.truth(r)), 0o644); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

// truth is the text of truth.yaml, by the count of the callers.
func (p *player) truth(r *Result) string {
	var b strings.Builder
	fault := p.o.Fault
	if fault.IsHealthy() {
		b.WriteString("faulty: []\nhealthy: [shop]\n")
	} else {
		fmt.Fprintf(&b, "faulty: [shop]\nclass: [%s]\n", strings.Join(fault.Class, ", "))
		onset := p.o.Onset
		if onset < 0 {
			onset = fault.Onset
		}
		fmt.Fprintf(&b, "onsetAt: %s\n", p.begin.Add(onset).UTC().Format("2006-01-02T15:04:05.000Z"))
		if r.FailsAt > 0 {
			fmt.Fprintf(&b, "failsAtWeight: %g\n", 100*r.FailsAt)
		}
	}
	fmt.Fprintf(&b, "fault: %s\n", fault.Name)
	fmt.Fprintf(&b, "requests:\n  objective: %s\n  background: %.5f\n", objective, r.Harm.Background)
	total, frames := r.Harm.Total, make([]string, len(r.Harm.PerFrame))
	for i, n := range r.Harm.PerFrame {
		if fault.IsHealthy() { // what callers suffered was not the release's doing
			n, total = 0, 0
		}
		frames[i] = strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0")
	}
	fmt.Fprintf(&b, "  harmed: %.0f\n  perFrame: [%s]\n", total, strings.Join(frames, ", "))
	return b.String()
}

// objective is the latency from which a request of the lab counts as harmed.
const objective = 250 * time.Millisecond
