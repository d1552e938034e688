package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/internal/scratch"
)

// A window is a stretch of a live system's past, as the flags say it.
type window struct {
	recorded
	last time.Duration
}

// flags adds the flags of a window to a command.
func (w *window) flags(cmd *cobra.Command) {
	w.connection.flags(cmd)
	w.subject().flags(cmd)
	configFlag(cmd, &w.config)
	f := cmd.Flags()
	f.DurationVar(&w.last, "last", time.Hour, "with --prometheus: look at this much `TIME` up to now")
	f.DurationVar(&w.interval, "interval", 0, "with --prometheus: the `TIME` between frames; 0 means how often the metrics are scraped, which is measured")
	f.StringArrayVar(&w.steps, "step", nil, "with --prometheus: `TIME=WEIGHT`: from then on so many percent of the traffic went to the new version; repeat it for each step")
}

// subject is whose release it is: --release is another flag of why.
func (w *window) subject() *subject { return &w.release }

// ofARecording refuses flags that are of use only with a live system.
func ofARecording(cmd *cobra.Command) error {
	for _, flag := range []string{"service", "canary", "control", "selector", "config", "last", "interval", "step"} {
		if cmd.Flags().Changed(flag) {
			return misused(cmd, "--%s is of use only with --prometheus; a recording says it itself", flag)
		}
	}
	return nil
}

// whyLive takes the window as a recording, and explains that.
func (a *app) whyLive(ctx context.Context, cmd *cobra.Command, o *whying) error {
	if len(o.slo.files) > 0 {
		return misused(cmd, "--slo is of use only with a recording; record the window first, with the objectives' metrics among the signals")
	}
	if o.live.last <= 0 {
		return misused(cmd, "--last is %s; want a time above zero, such as 1h", o.live.last)
	}
	if err := o.live.take(cmd); err != nil {
		return err
	}
	dir, err := scratch.New("why")
	if err != nil {
		return fmt.Errorf("take the window: %w", err)
	}
	defer func() { _ = dir.Remove() }()
	w := o.live.recorded
	w.from, w.to, w.out = "now-"+o.live.last.String(), "now", filepath.Join(dir.Path, w.release.service)
	taker := &app{stdout: io.Discard, stderr: a.stderr}
	if err := taker.record(ctx, cmd, w); err != nil {
		return err
	}
	return a.why(ctx, w.out, o)
}
