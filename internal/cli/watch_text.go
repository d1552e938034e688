package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/internal/cli/watch"
	"github.com/foreshock/foreshock/internal/prometheus"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
)

// watch judges a live release and prints what it is told.
func (a *app) watch(ctx context.Context, cmd *cobra.Command, o watched) error {
	client, err := o.client(cmd, 0)
	if err != nil {
		return err
	}
	now, err := a.clocks(ctx, client)
	if err != nil {
		return err
	}
	if o.interval == 0 {
		rec := &recording.Recording{End: now(), System: release.System{Signals: o.signals}}
		if o.interval, err = a.measured(ctx, client, o.release, rec); err != nil {
			return err
		}
	}
	steps, from, err := o.begin(cmd, now().UTC())
	if err != nil {
		return err
	}
	weighing, how, err := o.weighing(ctx, client, now())
	if err != nil {
		return err
	}
	if client, err = o.client(cmd, 2*o.interval); err != nil {
		return err
	}
	opts := watch.Options{
		System: o.release.system(o.interval, steps), Policy: prevention.DefaultPolicy(), From: from, Name: o.release.service,
		Weighing: weighing, Plan: o.plan, Now: now, Warnings: client.Warnings,
		Wait: func(ctx context.Context, until time.Time) error { return sleep(ctx, time.Now().Add(until.Sub(now()))) },
	}
	opts.System.Signals = o.signals
	if opts.Besides, err = o.slo.signals([]string{o.release.service}); err != nil {
		return err
	}
	if o.policy != nil {
		opts.Policy = *o.policy
	}
	if o.length > 0 {
		opts.Until = now().Add(o.length)
	}
	o.normal.live(a, &opts)
	if err := a.watching(ctx, client, o, how, opts); err != nil {
		return err
	}
	if err := o.normal.close(a); err != nil {
		// The verdict is the exit code that a pipeline waits for.
		_, err = fmt.Fprintf(a.stderr, "note: what was learned is not kept: %v\n", err)
		return err
	}
	return nil
}

// clocks returns what time it is on the server: frames are of its samples.
func (a *app) clocks(ctx context.Context, client *prometheus.Client) (func() time.Time, error) {
	if _, err := client.Vector(ctx, "time()", time.Now()); err != nil {
		return nil, err
	}
	skew, ok := client.Skew()
	if !ok || skew.Abs() < 5*time.Second { // the header is good to a second, and a proxy may hold an answer
		skew = 0
	}
	return func() time.Time { return time.Now().Add(skew) }, nil
}

// watching runs a watch and prints it.
func (a *app) watching(ctx context.Context, client *prometheus.Client, o watched, how string, opts watch.Options) error {
	prog := newProgress(a.stderr, 1)
	defer prog.end()
	v := &viewer{app: a, o: o, moments: map[string]*moments{}, told: told{rungs: map[string]bool{}}, prog: prog, page: page{screen: a.screen()}}
	v.rec = &recording.Recording{Name: o.release.service, Start: opts.From, Interval: o.interval, System: opts.System}
	if o.output == "text" {
		if err := v.begin(client.URL(), how); err != nil {
			return err
		}
	}
	result, err := watch.Run(ctx, client, opts, v.hear)
	prog.end()
	if err != nil {
		return err
	}
	if err := v.end(result); err != nil {
		return err
	}
	a.code = exitUnknown
	if result.Last != nil {
		a.code = exitCode(result.Last.Verdict)
	}
	return nil
}

// A viewer prints a watch as it goes.
type viewer struct {
	app     *app
	o       watched
	page    page
	rec     *recording.Recording
	moments map[string]*moments
	steps   []release.Step // as they were seen, and the plan
	told    told
	prog    *progress
}

// flush writes what stands on the page.
func (v *viewer) flush() error {
	v.prog.end()
	_, err := io.WriteString(v.app.stdout, v.page.String())
	v.page.Reset()
	return err
}

// begin says what is watched.
func (v *viewer) begin(url, how string) error {
	p := &v.page
	p.line(p.paint(bold, v.o.release.service) + "  at " + url)
	p.row("canary", v.o.release.canary)
	if v.o.release.control != "" {
		p.row("control", v.o.release.control)
	}
	p.row("weight", how)
	p.row("frames", fmt.Sprintf("every %s, judged one later; ctrl-C ends it", short(v.o.interval)))
	p.line("")
	return v.flush()
}

// hear prints one frame.
func (v *viewer) hear(u watch.Update) error {
	v.steps = u.Steps
	v.rec.System.Signals = u.System.Signals
	if len(u.Warnings) > 0 {
		v.prog.end()
		v.app.notes(u.Warnings)
	}
	u.Assessments = slices.Clone(u.Assessments) // they are the watch's own
	for i := range u.Assessments {
		u.Assessments[i] = v.o.tracked.see(u.Assessments[i])
		remember(v.moments, u.Assessments[i])
	}
	tell := v.text
	if v.o.output == "jsonl" {
		tell = v.lines
	}
	if err := tell(u); err != nil {
		return err
	}
	if u.Past > 0 {
		v.prog.say(fmt.Sprintf("learning from the past: %d frames to go", u.Past))
	} else {
		v.prog.say(fmt.Sprintf("%s UTC, %s %% on the new version; the next frame comes in %s", hms(u.At), percent(100*u.Exposure.Weight), short(v.o.interval)))
	}
	return nil
}

// lines prints the assessments as lines of JSON, and for people beside them how
// the source answers.
func (v *viewer) lines(u watch.Update) error {
	if t := u.Trouble; t != nil && t.Code != "" {
		v.app.note("%s", t.Text)
	} else if t != nil {
		v.app.note("all is answered again since %s", hms(u.At))
	}
	for _, as := range u.Assessments {
		if err := encode(v.app.stdout, as, "", ""); err != nil {
			return err
		}
	}
	return nil
}

// details adds the evidence of an assessment.
func (v *viewer) details(as *release.Assessment) {
	r := &report{page: page{screen: v.page.screen}, played: v.played(as.At), clock: "15:04:05"}
	r.details(as)
	v.page.WriteString(r.String())
}

// played is what was watched so far, as if it were a recording.
func (v *viewer) played(until time.Time) *played {
	rec := *v.rec
	rec.End = until
	sys := rec.System
	sys.Releases = []release.Release{sys.Releases[0]}
	sys.Releases[0].Steps = v.steps
	return &played{rec: &rec, sys: sys}
}

// end prints the last word.
func (v *viewer) end(r *watch.Result) error {
	until := v.rec.Start.Add(time.Duration(max(0, r.Frames-1)) * v.rec.Interval)
	if r.Last != nil {
		until = r.Last.At
	}
	p := v.played(until)
	p.frames, p.summary, p.asked, p.seen = r.Frames, r.Summary, r.Asked, r.Seen
	if v.o.output == "text" {
		v.page.line("")
		p.summary.Warnings = nil // they were told as they came
	}
	if err := v.flush(); err != nil {
		return err
	}
	pr := newPrinter(v.app.stdout, v.o.output, v.page.screen)
	return pr.summary(p, []string{v.o.release.service}, v.moments)
}
