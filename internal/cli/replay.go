package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
)

// replaying is what a replay was asked for.
type replaying struct {
	release string // id; "" for all
	policy  *prevention.Policy
	normal  remembering
	slo     objectives
	tracked tracked
	until   until
	output  string
}

func (a *app) replayCommand(ctx context.Context) *cobra.Command {
	var o replaying
	var until, policy string
	cmd := &cobra.Command{
		Use:   "replay DIR...",
		Short: "Judge recorded rollouts, frame by frame, as they would have been judged live",
		Long: `Replay judges every release and change of a recording, frame by frame, and
never looks ahead: what it says of a time is what it would have said then.

A recording is a folder with recording.yaml and metrics.om.gz. A folder of
recordings stands for all of them.

The exit code is the verdict when there is one release or change:
0 promote, 10 hold, 20 rollback, 30 unknown, 40 escalate. With several it is 0.
1 is an error, 2 wrong usage.`,
		Example: `  # the story of a rollout: verdict, ladder, evidence, cause, culprit
  foreshock replay examples/recordings/shop-incident

  # what was known twelve minutes after the start?
  foreshock replay rec --until 12m

  # one release of several; the exit code is its verdict
  foreshock replay rec --release cart && echo "may go on"

  # learn what is normal, and use it: what rises every morning is no news
  foreshock replay last-week --normal foreshock.normal --learn
  foreshock replay rec --normal foreshock.normal

  # with intervals as wide as the past says they must be, and how right they were
  foreshock backtest incidents --track-record foreshock.record
  foreshock replay rec --track-record foreshock.record

  # every assessment, for jq: when did the verdict change?
  foreshock replay rec -o jsonl | jq -r 'select(.id=="cart") | [.at, .verdict] | @tsv'`,
		Args: someDirs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.settle(cmd, until, policy); err != nil {
				return err
			}
			return a.replay(ctx, args, &o)
		},
	}
	cmd.Flags().StringVar(&o.release, "release", "", "print only the release or change with this `ID`")
	cmd.Flags().StringVar(&until, "until", "", "stop at this `TIME` (RFC 3339), or this long after the start (12m)")
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "`FORMAT`: text; json, the summaries; or jsonl, every assessment and the summaries")
	policyFlag(cmd, &policy)
	o.slo.flag(cmd)
	normalFlags(cmd, &o.normal)
	o.tracked.flag(cmd)
	return cmd
}

// settle reads what the flags say.
func (o *replaying) settle(cmd *cobra.Command, until, policy string) (err error) {
	if err := choose(cmd, "output", o.output, "text", "json", "jsonl"); err != nil {
		return err
	}
	var ok bool
	if o.until, ok = parseUntil(until); !ok {
		return misused(cmd, "--until is %q; want a time such as 2026-09-22T16:04:00Z, or a span after the start such as 12m", until)
	}
	if cmd.Flags().Changed("release") && o.release == "" {
		return misused(cmd, "--release is empty; want the id of a release or change")
	}
	if o.policy, err = policyOf(cmd, policy); err != nil {
		return err
	}
	if err := o.slo.load(cmd); err != nil {
		return err
	}
	if err := o.tracked.open(cmd); err != nil {
		return err
	}
	return o.normal.open(cmd)
}

// until is where a replay stops: at a time, or a span after the start of
// each recording, or at the end when both are zero.
type until struct {
	at    time.Time
	after time.Duration
}

func parseUntil(s string) (until, bool) {
	if s == "" {
		return until{}, true
	}
	if d, err := time.ParseDuration(s); err == nil {
		return until{after: d}, d > 0
	}
	at, err := time.Parse(time.RFC3339, s)
	return until{at: at}, err == nil
}

// in returns the last instant to look at in a recording.
func (u until) in(start, end time.Time) (time.Time, error) {
	stop := end
	switch {
	case u.after > 0:
		stop = start.Add(u.after)
	case !u.at.IsZero():
		stop = u.at
	}
	if stop.Before(start) {
		return stop, &adviceError{
			msg:  fmt.Sprintf("--until %s is before the recording's start %s", u.at.Format(time.RFC3339), start.Format(time.RFC3339)),
			mend: "give a time in the recording, or a span after its start such as 12m",
		}
	}
	if stop.After(end) {
		return end, nil
	}
	return stop, nil
}

func (a *app) replay(ctx context.Context, args []string, o *replaying) error {
	dirs, err := expand(args)
	if err != nil {
		return err
	}
	out, err := newSpool()
	if err != nil {
		return err
	}
	defer out.discard()
	var verdicts, signals []string
	prog := newProgress(a.stderr, len(dirs))
	defer prog.end()
	pr := newPrinter(out, o.output, a.screen())
	for _, dir := range dirs {
		got, names, err := a.replayOne(ctx, dir, o, pr, prog)
		if err != nil {
			return err
		}
		verdicts, signals = append(verdicts, got...), append(signals, names...)
	}
	if err := knownSignals(o.policy, signals); err != nil {
		return err
	}
	if err := pr.end(); err != nil {
		return err
	}
	prog.end()
	if err := o.normal.close(a); err != nil {
		return err
	}
	if err := out.release(a.stdout); err != nil {
		return err
	}
	switch len(verdicts) {
	case 0:
		a.code = exitUnknown // nothing judged is no promote
	case 1:
		a.code = exitCode(verdicts[0])
	}
	return nil
}

// replayOne replays one recording, and returns the verdict of each release
// and change that is asked for, "" when one has not begun, and the names of
// the signals.
func (a *app) replayOne(ctx context.Context, dir string, o *replaying, pr *printer, prog *progress) (verdicts, signals []string, err error) {
	var wanted []string
	moments := map[string]*moments{}
	l := listener{
		policy: o.policy,
		slo:    &o.slo,
		begin: func(name string, sys release.System) (err error) {
			wanted, err = want(name, sys, o.release)
			return err
		},
		assess: func(as release.Assessment) error {
			if o.release != "" && as.ID != o.release {
				return nil
			}
			as = o.tracked.see(as)
			remember(moments, as)
			return pr.assessment(as)
		},
		frame: prog.begin(filepath.Base(dir)),
	}
	o.normal.listen(&l)
	p, err := play(ctx, dir, o.until, l)
	if err != nil {
		return nil, nil, err
	}
	p.summary.Warnings = append(p.summary.Warnings, o.normal.warnings(p)...)
	if o.release != "" {
		narrow(&p.summary, o.release)
	}
	if err := pr.summary(p, wanted, moments); err != nil {
		return nil, nil, err
	}
	for _, id := range wanted {
		verdict := ""
		if m := moments[id]; m != nil {
			verdict = m.last.Verdict
		}
		verdicts = append(verdicts, verdict)
	}
	return verdicts, signalNames(p.sys), nil
}

// want returns the ids of the releases and changes to print.
func want(name string, sys release.System, only string) ([]string, error) {
	var ids []string
	for _, r := range sys.Releases {
		ids = append(ids, r.ID)
	}
	for _, c := range sys.Changes {
		ids = append(ids, c.ID)
	}
	if only == "" {
		return ids, nil
	}
	if slices.Contains(ids, only) {
		return []string{only}, nil
	}
	known := "it has none"
	if len(ids) > 0 {
		known = "want one of " + strings.Join(ids, ", ")
	}
	return nil, fmt.Errorf("recording %s has no release or change %q; %s", name, only, known)
}

// narrow leaves only one release in a summary. Culprits and subsystems stay:
// blame is shared among all.
func narrow(s *release.Summary, id string) {
	kept := []release.Outcome{}
	for _, r := range s.Releases {
		if r.ID == id {
			kept = append(kept, r)
		}
	}
	s.Releases = kept
}

// printer writes the results of a replay in one format.
type printer struct {
	out    io.Writer
	format string
	screen screen
	n      int // recordings so far
}

func newPrinter(out io.Writer, format string, s screen) *printer {
	return &printer{out: out, format: format, screen: s}
}

func (pr *printer) assessment(as release.Assessment) error {
	if pr.format != "jsonl" {
		return nil
	}
	return encode(pr.out, as, "", "")
}

func (pr *printer) summary(p *played, wanted []string, ms map[string]*moments) error {
	pr.n++
	switch pr.format {
	case "jsonl":
		return encode(pr.out, p.summary, "", "")
	case "json":
		opening := "[\n  "
		if pr.n > 1 {
			opening = ",\n  "
		}
		var b strings.Builder
		if err := encode(&b, p.summary, "  ", "  "); err != nil {
			return err
		}
		return pr.write(opening + strings.TrimSuffix(b.String(), "\n"))
	default:
		text := pr.screen.report(p, wanted, ms)
		if pr.n > 1 {
			text = "\n" + text
		}
		return pr.write(text)
	}
}

// end closes what a format opened.
func (pr *printer) end() error {
	if pr.format != "json" {
		return nil
	}
	return pr.write("\n]\n")
}

func (pr *printer) write(text string) error {
	_, err := io.WriteString(pr.out, text)
	return err
}

func encode(w io.Writer, v any, prefix, indent string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent(prefix, indent)
	return enc.Encode(v)
}
