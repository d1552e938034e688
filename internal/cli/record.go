package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/capture"
	"github.com/foreshock/foreshock/internal/discover"
	"github.com/foreshock/foreshock/internal/prometheus"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/topology"
)

// recorded is what is to be recorded, as the flags say it.
type recorded struct {
	connection
	release  subject
	config   string
	signals  []signal.Signal
	from, to string
	interval time.Duration
	steps    []string
	out      string
}

// subject is whose release is looked at.
type subject struct {
	service, selector, canary, control string

	visits release.Visits // as the config says them
}

func (s *subject) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.service, "service", "", "`NAME` of the service that is released")
	f.StringVar(&s.canary, "canary", "", "label `MATCHERS` of the new version, such as 'service=\"cart\",version=\"v2\"'")
	f.StringVar(&s.control, "control", "", "label `MATCHERS` of the stable version; none means the service before the first step")
	f.StringVar(&s.selector, "selector", "", "label `MATCHERS` of the service as a whole; none means what canary and control share")
}

// check refuses matchers that are none.
func (s *subject) check(cmd *cobra.Command) error {
	if s.service == "" {
		return misused(cmd, "no service; give the name of the one that is released with --service")
	}
	if s.canary == "" {
		return misused(cmd, "no canary; give the label matchers of the new version with --canary, such as 'service=%q,version=\"v2\"'", s.service)
	}
	for _, m := range []struct{ flag, value string }{{"canary", s.canary}, {"control", s.control}, {"selector", s.selector}} {
		if err := engine.CheckSelector(m.value); m.value != "" && err != nil {
			return misused(cmd, "--%s: %v", m.flag, err)
		}
	}
	if s.control != "" && engine.SameSelector(s.canary, s.control) {
		return misused(cmd, "--canary and --control both select {%s}; give the labels of the new version and of the stable one", s.canary)
	}
	return nil
}

// system returns the system with the release and nothing else.
func (s *subject) system(interval time.Duration, steps []release.Step) release.System {
	return release.System{
		Interval: interval,
		Services: []release.Service{{Name: s.service, Selector: s.selector, Criticality: 1, Visits: s.visits}},
		Graph:    topology.New(1, nil),
		Releases: []release.Release{{
			ID: s.service, Strategy: release.CanaryRelease, Rollback: release.SafetyUnknown,
			Canary: s.canary, Control: s.control, Steps: steps,
		}},
	}
}

func (a *app) recordCommand(ctx context.Context) *cobra.Command {
	var o recorded
	cmd := &cobra.Command{
		Use:   "record --prometheus URL --service NAME --canary MATCHERS --step TIME=WEIGHT --out DIR",
		Short: "Record a rollout from a live Prometheus, to replay, share and test with",
		Long: `Record takes what is needed to judge a rollout from a live Prometheus and
writes it into a folder: recording.yaml and metrics.om.gz. 'foreshock replay'
judges it as it would have been judged live, as often as you like and on any
machine; 'foreshock backtest' scores the verdicts once you add truth.yaml.

What is taken are the samples as they were scraped, of the metrics of all
known exporters that the service and its versions have, or of the signals in
foreshock.yaml (--config). The time before the first step is worth recording:
it teaches what is usual.

An end that lies ahead is recorded as the time passes. Ctrl-C ends a recording
early and writes what there is.`,
		Example: `  # this afternoon's rollout, which took 10 % at 16:04 and 50 % at 16:20
  foreshock record --prometheus http://127.0.0.1:9090 --service cart \
    --canary 'service="cart",version="v2"' --control 'service="cart",version="v1"' \
    --from 15:30 --to 17:00 --step 16:04=10 --step 16:20=50 --out cart-v2

  # the next hour, as it passes; the release begins in five minutes
  foreshock record --prometheus http://127.0.0.1:9090 --service cart \
    --canary 'service="cart",version="v2"' --control 'service="cart",version="v1"' \
    --from now --to now+1h --step 16:04=10 --out cart-v2

  # what would have been said?
  foreshock replay cart-v2`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.take(cmd); err != nil {
				return err
			}
			return a.record(ctx, cmd, o)
		},
	}
	o.flags(cmd)
	o.release.flags(cmd)
	configFlag(cmd, &o.config)
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "now-1h", "begin at this `TIME`: "+instantForm)
	f.StringVar(&o.to, "to", "now", "end at this `TIME`")
	f.DurationVar(&o.interval, "interval", 0, "the `TIME` between frames; 0 means how often the metrics are scraped, which is measured")
	f.StringArrayVar(&o.steps, "step", nil, "`TIME=WEIGHT`: from then on so many percent of the traffic go to the new version; repeat it for each step")
	f.StringVar(&o.out, "out", "", "write the recording into this `DIR`")
	return cmd
}

// take takes from the config what the flags leave open.
func (o *recorded) take(cmd *cobra.Command) error {
	c, err := loadConfig(cmd, o.config, o.url)
	if err != nil || c == nil {
		return err
	}
	o.configure(cmd, c.Prometheus)
	if _, err := o.release.configure(cmd, c); err != nil {
		return err
	}
	o.interval, o.signals = cmp.Or(o.interval, c.Interval), c.Signals
	return nil
}

// noArguments wants flags only.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return misused(cmd, "%s takes flags only, and got %q", cmd.Name(), args[0])
	}
	return nil
}

func (a *app) record(ctx context.Context, cmd *cobra.Command, o recorded) error {
	rec, err := o.recording(cmd, time.Now())
	if err != nil {
		return err
	}
	client, err := o.client(cmd, 0)
	if err != nil {
		return err
	}
	if err := unused(o.out); err != nil {
		return err
	}
	if rec.Interval == 0 {
		if rec.Interval, err = a.measured(ctx, client, o.release, rec); err != nil {
			return err
		}
	}
	rec.System.Interval = rec.Interval
	prog := newProgress(a.stderr, 1)
	defer prog.end()
	taken, err := capture.Take(ctx, client, capture.Options{
		System: rec.System, Start: rec.Start, End: rec.End, Now: time.Now, Wait: sleep,
		Progress: func(until time.Time, samples int) {
			prog.say(fmt.Sprintf("recorded up to %s of %s: %d samples", hms(until), hms(rec.End), samples))
		},
	})
	if err != nil {
		return err
	}
	defer taken.Close()
	prog.end()
	return a.keep(rec, taken, client, o.out)
}

func hms(t time.Time) string { return t.UTC().Format("15:04:05") }

// recording makes the description of what the flags ask for; its interval is
// 0 when it is to be measured.
func (o *recorded) recording(cmd *cobra.Command, now time.Time) (*recording.Recording, error) {
	if err := o.release.check(cmd); err != nil {
		return nil, err
	}
	if o.out == "" {
		return nil, misused(cmd, "no folder; say with --out where the recording goes")
	}
	now = now.UTC().Truncate(time.Second)
	from, ok := parseInstant(o.from, now)
	if !ok {
		return nil, misused(cmd, "--from is %q; want %s", o.from, instantForm)
	}
	to, ok := parseInstant(o.to, now)
	if !ok {
		return nil, misused(cmd, "--to is %q; want %s", o.to, instantForm)
	}
	if !to.After(from) {
		return nil, misused(cmd, "--to %s is not after --from %s", to.Format(time.RFC3339), from.Format(time.RFC3339))
	}
	if o.interval != 0 && o.interval < time.Second {
		return nil, misused(cmd, "--interval is %s; want one of at least 1s, or none to have it measured", o.interval)
	}
	if len(o.steps) == 0 {
		return nil, misused(cmd, "no step; say when how much traffic went to the new version, such as --step 16:04=10")
	}
	var steps []release.Step
	for i, text := range o.steps {
		s, ok := parseStep(text, from)
		if !ok {
			return nil, misused(cmd, "--step is %q; want a time and a weight in percent, such as 16:04=10 or 2026-03-02T16:04:00Z=10", text)
		}
		if i > 0 && !s.At.After(steps[i-1].At) {
			return nil, misused(cmd, "--step %s begins no later than the one before it; give them in the order of time", text)
		}
		steps = append(steps, s)
	}
	sys := o.release.system(o.interval, steps)
	sys.Signals = o.signals
	return &recording.Recording{Name: filepath.Base(filepath.Clean(o.out)), Start: from, End: to, Interval: o.interval, System: sys}, nil
}

// unused refuses a folder that has a recording already, or the metrics of one:
// what is cleaned up when recording fails must be ours.
func unused(dir string) error {
	for _, name := range []string{described, "metrics.om", metricsOut, "metrics.om.zst"} {
		switch _, err := os.Lstat(filepath.Join(dir, name)); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("write recording: %w", err)
		case name == described:
			return &adviceError{msg: fmt.Sprintf("folder %s holds a recording already", dir), mend: "give another folder with --out, or take that one away"}
		default:
			return &adviceError{msg: fmt.Sprintf("folder %s holds %s already", dir, name), mend: "give another folder with --out, or take that file away"}
		}
	}
	return nil
}

// measured returns how often the metrics of a service are scraped.
func (a *app) measured(ctx context.Context, client *prometheus.Client, s subject, rec *recording.Recording) (time.Duration, error) {
	names, err := discover.Names(rec.System.Signals)
	if err != nil {
		return 0, err
	}
	at := rec.End
	if now := time.Now(); at.After(now) {
		at = now
	}
	interval, slowest, err := discover.Interval(ctx, client, names, []string{s.canary, s.control, s.selector}, at)
	if err != nil {
		return 0, err
	}
	if interval == 0 {
		if err := unsampled(ctx, client, at); err != nil {
			return 0, err
		}
		return 0, &adviceError{
			msg:  fmt.Sprintf("no known metric of %s has two samples before %s, so that nobody can tell how often it is scraped", s.service, at.UTC().Format(time.RFC3339)),
			mend: "are the matchers right, and the time? Try {" + s.canary + "} in Prometheus; or give the interval with --interval",
		}
	}
	interval = max(interval, time.Second)
	a.note("a frame every %s: so often is %s scraped", short(interval), slowest)
	return interval, nil
}

// note says something for people beside the result.
func (a *app) note(format string, args ...any) {
	fmt.Fprintf(a.stderr, "note: "+format+"\n", args...)
}

// keep writes a recording into its folder.
func (a *app) keep(rec *recording.Recording, taken *capture.Capture, client *prometheus.Client, dir string) error {
	if taken.Until().Before(rec.End) {
		rec.End = rec.Start.Add(max(0, taken.Until().Sub(rec.Start)).Truncate(rec.Interval))
		if !rec.End.After(rec.Start) {
			return fmt.Errorf("interrupted within the first %s: nothing was written", rec.Interval)
		}
		a.note("interrupted: the recording ends at %s", hms(rec.End))
	}
	if err := writeRecording(dir, rec.Text("Recorded by foreshock record."), taken.Save); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	a.notes(append(client.Warnings(), taken.Warnings()...))
	_, err := fmt.Fprintf(a.stdout, "%s: %s to %s UTC, %d samples of %d series of %d metrics\n", dir,
		rec.Start.UTC().Format("2006-01-02 15:04:05"), hms(rec.End), taken.Samples(), taken.Series(), len(taken.Metrics()))
	return err
}

// metricsOut is the file of a recording that holds its samples.
const metricsOut = "metrics.om.gz"

// writeRecording writes the samples into a folder, and then the description.
// What does not become whole is taken away again, and nothing that was there:
// a file that exists is not written over.
func writeRecording(dir string, text []byte, save func(io.Writer) error) (err error) {
	made, err := recording.MakeFolder(dir)
	if err != nil {
		return err
	}
	var ours []string
	defer func() {
		if err != nil {
			recording.Discard(dir, made, ours...)
		}
	}()
	write := func(name string, save func(io.Writer) error) error {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		ours = append(ours, name)
		return errors.Join(save(f), f.Close())
	}
	if err := write(metricsOut, save); err != nil {
		return err
	}
	return write(described, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
