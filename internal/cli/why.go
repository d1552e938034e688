package cli

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// whying is what an explanation was asked for.
type whying struct {
	release string // id; "" for the one to blame first
	policy  *prevention.Policy
	until   until
	output  string
	slo     objectives
	live    window
	tracked tracked
}

const whyLong = `Why writes the explanation of one release, for somebody who was not there: what
happened and when, the likely cause, what was to come and what came, what it was
not, what could not be seen, and what to do. Every number has its query.

It is made from metrics, of which there are two kinds:

  a recording     a folder, as foreshock record, or demo --record, keeps it. It
                  says itself what was released, and when.
  a live window   with --prometheus: the last hour, or --last, up to now. You say
                  with --step when which share of the traffic went over. It takes
                  as long as one frame, to wait for its last samples.

A release that lies further back is recorded first, while Prometheus still has
it (foreshock record --from --to), and that recording explained.

What is said of the moment of the first stop is what was known then; what came
later stands apart.

Without --release it is the release that is most to blame. The exit code is 0,
whatever is explained; foreshock replay has the verdict as its code.`

const whyExample = `  # what happened?
  foreshock why examples/recordings/cart-leak

  # one file with charts, to send around
  foreshock why examples/recordings/cart-leak -o html > why.html

  # of several releases in a recording one, for an issue or a chat
  foreshock why examples/recordings/shop-incident --release checkout -o markdown

  # what would have been written ten minutes after the recording begins?
  foreshock why examples/recordings/checkout-config --until 10m

  # from a live Prometheus: the last hour, with 10 % at 16:04 and 50 % at 16:20
  foreshock why --prometheus http://127.0.0.1:9090 --service cart \
    --canary 'service="cart",version="v2"' --control 'service="cart",version="v1"' \
    --last 1h --step 16:04=10 --step 16:20=50

  # yesterday's: record it, and explain the recording
  foreshock record --prometheus http://127.0.0.1:9090 --service cart \
    --canary 'service="cart",version="v2"' --control 'service="cart",version="v1"' \
    --from 2026-03-02T15:00:00Z --to 2026-03-02T17:00:00Z \
    --step 2026-03-02T16:04:00Z=10 --step 2026-03-02T16:20:00Z=50 --out cart-v2
  foreshock why cart-v2`

func (a *app) whyCommand(ctx context.Context) *cobra.Command {
	var o whying
	var until, policy string
	cmd := &cobra.Command{
		Use:     "why RECORDING",
		Short:   "Explain in writing what became of a release, and why",
		Long:    whyLong,
		Example: whyExample,
		Args: func(cmd *cobra.Command, args []string) error {
			switch live := o.live.url != ""; {
			case live && len(args) > 0:
				return misused(cmd, "both --prometheus and the recording %s are given; want one of them", args[0])
			case !live && len(args) != 1:
				return misused(cmd, "%s given; want the folder of one, or --prometheus", count(len(args), "recording"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.settle(cmd, until, policy); err != nil {
				return err
			}
			if o.live.url == "" {
				if err := ofARecording(cmd); err != nil {
					return err
				}
				return a.why(ctx, args[0], &o)
			}
			return a.whyLive(ctx, cmd, &o)
		},
	}
	cmd.Flags().StringVar(&o.release, "release", "", "explain the release or change with this `ID`")
	cmd.Flags().StringVar(&until, "until", "", "look at nothing after this `TIME` (RFC 3339), or this long after the start (12m)")
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "`FORMAT`: text; markdown; html, one file with charts; or json")
	policyFlag(cmd, &policy)
	o.slo.flag(cmd)
	o.live.flags(cmd)
	o.tracked.flag(cmd)
	return cmd
}

// settle reads what the flags say.
func (o *whying) settle(cmd *cobra.Command, until, policy string) (err error) {
	if err := choose(cmd, "output", o.output, "text", "markdown", "html", "json"); err != nil {
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
	if err := o.tracked.open(cmd); err != nil {
		return err
	}
	return o.slo.load(cmd)
}

// why explains one release of a recording.
func (a *app) why(ctx context.Context, dir string, o *whying) error {
	prog := newProgress(a.stderr, 1)
	defer prog.end()
	var chronicle *release.Chronicle
	var wanted []string
	moments := map[string]*moments{}
	p, err := play(ctx, dir, o.until, hearing(&chronicle, o.tracked.see, listener{
		policy: o.policy,
		slo:    &o.slo,
		loaded: func(rec *recording.Recording) error {
			if len(rec.System.Releases)+len(rec.System.Changes) > 0 {
				return nil
			}
			return &adviceError{
				msg:  fmt.Sprintf("recording %s has neither releases nor changes, so there is nothing to explain", rec.Name),
				mend: "describe the rollout in " + filepath.Join(dir, described) + " (spec.releases)",
			}
		},
		begin: func(name string, sys release.System) (err error) {
			wanted, err = want(name, sys, o.release)
			return err
		},
		assess: func(as release.Assessment) error {
			remember(moments, as)
			return nil
		},
		frame: prog.begin(filepath.Base(dir)),
	}))
	if err != nil {
		return err
	}
	prog.end()
	if err := knownSignals(o.policy, signalNames(p.sys)); err != nil {
		return err
	}
	e, _ := chronicle.Explain(worstFirst(wanted, moments)[0], p.summary)
	text, err := a.explained(e, o.output)
	if err != nil {
		return err
	}
	_, err = a.stdout.Write([]byte(text))
	return err
}

// hearing lets a new chronicle listen too, to assessments as they are told. It
// saw nothing before the play begins.
func hearing(to **release.Chronicle, told func(release.Assessment) release.Assessment, l listener) listener {
	begin, saw, assess := l.begin, l.saw, l.assess
	l.begin = func(name string, sys release.System) error {
		*to = release.NewChronicle(sys)
		if begin == nil {
			return nil
		}
		return begin(name, sys)
	}
	l.saw = func(f signal.Frame) {
		(*to).Saw(f)
		if saw != nil {
			saw(f)
		}
	}
	l.assess = func(as release.Assessment) error {
		as = told(as)
		(*to).Heard(as)
		if assess == nil {
			return nil
		}
		return assess(as)
	}
	return l
}

// explained sets an explanation in a format.
func (a *app) explained(e release.Explanation, format string) (string, error) {
	switch format {
	case "json":
		var b strings.Builder
		err := encode(&b, e, "", "  ")
		return b.String(), err
	case "markdown":
		return whyMarkdown(e), nil
	case "html":
		return whyHTML(e)
	default:
		return a.screen().why(e), nil
	}
}

// An account is an explanation with what all formats need to set it.
type account struct {
	release.Explanation
	clock string // the layout of instants
}

func accountOf(e release.Explanation) account {
	interval, err := time.ParseDuration(e.Interval)
	if err != nil {
		interval = time.Second // it is of our own making
	}
	return account{Explanation: e, clock: clockOf(interval, e.End.Sub(e.Start))}
}

func (e account) at(t time.Time) string { return t.UTC().Format(e.clock) }

// quiet says whether nothing happened after which anything could come.
func (e account) quiet() bool {
	return e.Outcome == release.OutcomeHealthy || e.Outcome == release.OutcomeUnknown
}

// span says what was looked at.
func (e account) span() string {
	interval, err := time.ParseDuration(e.Interval)
	text := e.Interval
	if err == nil {
		text = short(interval)
	}
	end := e.End.UTC().Format("15:04")
	if e.End.UTC().Format(time.DateOnly) != e.Start.UTC().Format(time.DateOnly) {
		end = e.End.UTC().Format("2006-01-02 15:04")
	}
	return fmt.Sprintf("%s, %s to %s UTC, %s, one every %s", e.Recording, e.Start.UTC().Format("2006-01-02 15:04"), end,
		count(e.Frames, "frame"), text)
}

// A part is a section that is a list.
type part struct {
	id, title, note string
	items           []item
}

// An item of a list: a label, "" for none, and a text.
type item struct{ label, text string }

// parts returns the sections that are lists, those that are not empty.
func (e account) parts() []part {
	var all []part
	add := func(id, title, note string, items []item) {
		if len(items) > 0 {
			all = append(all, part{id, title, note, items})
		}
	}
	var do []item
	for _, d := range e.Do {
		do = append(do, item{"", d.Text + " Why: " + d.Why + "."})
	}
	add("do", "What to do", "", do)
	if e.At != nil {
		add("said", "Said at "+e.at(*e.At), "What was to come, as it was known then.", remarks(e.Said))
		add("seen", "Seen later", "None of this was known at "+e.at(*e.At)+".", remarks(e.Seen))
	}
	var out []item
	for _, x := range e.RuledOut {
		label := x.What
		if !isNaN(x.Probability) {
			label += ", " + likely(float64(x.Probability))
		}
		out = append(out, item{label, x.Text})
	}
	title := "Ruled out, or less likely"
	if e.quiet() {
		title = "What else was looked at"
	}
	add("ruled-out", title, "", out)
	add("unseen", "What could not be seen", "A fault that shows only there is not ruled out.", remarks(e.Unseen))
	return all
}

func remarks(rs []release.Remark) []item {
	var out []item
	for _, r := range rs {
		out = append(out, item{"", sentence(r.Text)})
	}
	return out
}

// sentence gives a text a capital and a full stop, unless it begins with a
// name that may be somebody's spelling.
func sentence(text string) string {
	if text != "" && !strings.ContainsAny(text[len(text)-1:], ".!?") {
		text += "."
	}
	return text
}

// likely writes a probability; nothing is certain.
func likely(p float64) string {
	return chancePercent(math.Max(0.001, math.Min(0.999, p)))
}

// certainty says how sure it is that this release did it.
func (e account) certainty() string {
	switch e.Outcome {
	case release.OutcomeStopped, release.OutcomeWarned:
		what := "release"
		if e.Service == "" {
			what = "change"
		}
		return fmt.Sprintf("That this %s is the one that hurts the system is %s likely.", what, likely(float64(e.Blame)))
	default:
		return ""
	}
}
