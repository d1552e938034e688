package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/cli/watch"
	"github.com/foreshock/foreshock/internal/discover"
	"github.com/foreshock/foreshock/internal/prometheus"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// watched is what is to be watched, as the flags say it.
type watched struct {
	connection
	release      subject
	config       string
	weight       string
	fixed        float64 // what weight says, 0..1; 0 when it says nothing
	weightQuery  string
	steps        []string
	planned      string
	plan         []float64
	from         string
	length       time.Duration
	interval     time.Duration
	output       string
	policyFile   string
	signals      []signal.Signal
	policy       *prevention.Policy
	configWeight string
	slo          objectives
	tracked      tracked
	normal       remembering
}

func (a *app) watchCommand(ctx context.Context) *cobra.Command {
	var o watched
	cmd := &cobra.Command{
		Use:   "watch --prometheus URL --service NAME --canary MATCHERS --control MATCHERS",
		Short: "Judge a live release, frame by frame, as its metrics come in",
		Long: `Watch judges one release that is on its way, from a live Prometheus: what the
next step would do, with the evidence and the likely cause. It prints a line
when that changes (-o jsonl: every frame), until ctrl-C or --for.

A frame is judged one interval late, when all samples have come. Before the
first live frame it looks at 20 frames of the past, or from --from on: what was
before the release teaches what is usual.

How much traffic the canary gets is told by --weight (fixed), --weight-query
(such as HAProxy's or Flagger's weight), or --step (a plan with times). Without
any it is measured: the canary's share of the service's traffic. --plan says
which weights come next: the verdict is about the next step.

The exit code is the last verdict: 0 promote, 10 hold, 20 rollback, 30 unknown,
40 escalate. 1 is an error, 2 wrong usage.`,
		Example: `  # what 'foreshock init' found
  foreshock watch --config foreshock.yaml --service cart

  # without a file
  foreshock watch --prometheus http://127.0.0.1:9090 --service cart \
    --canary 'service="cart",version="v2"' --control 'service="cart",version="v1"'

  # a gate in a pipeline: ten minutes at 10 %, then go on if it says promote
  foreshock watch --service cart --weight 10 --for 10m && deliver cart --weight 50

  # the objectives of the service as well, as Sloth, Pyrra or OpenSLO have them
  foreshock watch --service cart --slo slo/cart.yaml

  # every assessment, for jq
  foreshock watch --service cart -o jsonl | jq -r '[.at, .weight, .verdict] | @tsv'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := choose(cmd, "output", o.output, "text", "jsonl"); err != nil {
				return err
			}
			if err := o.settle(cmd); err != nil {
				return err
			}
			return a.watch(ctx, cmd, o)
		},
	}
	o.settings(cmd)
	return cmd
}

// settings adds the flags of a watch.
func (o *watched) settings(cmd *cobra.Command) {
	o.flags(cmd)
	o.release.flags(cmd)
	f := cmd.Flags()
	configFlag(cmd, &o.config)
	f.StringVar(&o.weight, "weight", "", "the canary gets this `PERCENT` of the traffic, as long as it is there")
	f.StringVar(&o.weightQuery, "weight-query", "", "a `QUERY` that answers the percent of traffic on the canary")
	f.StringArrayVar(&o.steps, "step", nil, "`TIME=WEIGHT`: from then on so many percent go to the new version; repeat it for the steps to come")
	f.StringVar(&o.planned, "plan", "", "the `WEIGHTS` in percent that the release is meant to take, such as 10,25,50,100")
	f.StringVar(&o.from, "from", "", "learn from this `TIME` on: "+instantForm+" (default: 20 frames before now or the first step)")
	f.DurationVar(&o.length, "for", 0, "end after this `TIME`; 0 means ctrl-C")
	f.DurationVar(&o.interval, "interval", 0, "the `TIME` between frames; 0 means how often the metrics are scraped, which is measured")
	f.StringVarP(&o.output, "output", "o", "text", "`FORMAT`: text, what changed; or jsonl, every assessment and a summary")
	policyFlag(cmd, &o.policyFile)
	o.slo.flag(cmd)
	o.tracked.flag(cmd)
	normalFlags(cmd, &o.normal)
}

// settle joins the flags and the config.
func (o *watched) settle(cmd *cobra.Command) error {
	c, err := loadConfig(cmd, o.config, o.url)
	if err != nil {
		return err
	}
	if err := o.configured(cmd, c); err != nil {
		return err
	}
	if p, err := policyOf(cmd, o.policyFile); err != nil {
		return err
	} else if p != nil {
		o.policy = p
	}
	if err := o.tracked.open(cmd); err != nil {
		return err
	}
	if err := o.normal.open(cmd); err != nil {
		return err
	}
	if err := o.release.check(cmd); err != nil {
		return err
	}
	if err := o.slo.loadFor(cmd, o.release.service); err != nil {
		return err
	}
	switch weights := given(cmd, "weight", "weight-query", "step"); {
	case len(weights) > 1:
		return misused(cmd, "%s are given; want one of them", strings.Join(weights, " and "))
	case o.interval != 0 && o.interval < time.Second:
		return misused(cmd, "--interval is %s; want one of at least 1s, or none to have it measured", o.interval)
	case o.length < 0:
		return misused(cmd, "--for is %s; want a time above zero, such as 10m", o.length)
	}
	if _, _, err := o.begin(cmd, time.Now().UTC()); err != nil { // before a server is asked what time it is
		return err
	}
	return o.settleWeights(cmd)
}

// settleWeights reads what the flags say of the weight, now and to come.
func (o *watched) settleWeights(cmd *cobra.Command) error {
	if o.weight != "" {
		percent, err := strconv.ParseFloat(strings.TrimSuffix(o.weight, "%"), 64)
		if err != nil || !(percent > 0 && percent <= 100) {
			return misused(cmd, "--weight is %q; want a percent above 0, such as 10", o.weight)
		}
		o.fixed = percent / 100
	}
	if o.planned != "" {
		var err error
		if o.plan, err = parsePlan(o.planned); err != nil {
			return misused(cmd, "%v", err)
		}
	}
	if o.weightQuery != "" {
		if _, err := engine.ParseQuery(o.weightQuery); err != nil {
			return misused(cmd, "--weight-query: %v", err)
		}
	}
	return nil
}

// configured takes what the flags do not say from the config, which may be nil.
func (o *watched) configured(cmd *cobra.Command, c *recording.Config) error {
	if c == nil {
		return nil
	}
	o.configure(cmd, c.Prometheus)
	w, err := o.release.configure(cmd, c)
	if err != nil {
		return err
	}
	o.configWeight = w.Weight
	if o.planned == "" {
		o.plan = w.Plan
	}
	o.interval, o.signals, o.policy = cmp.Or(o.interval, c.Interval), c.Signals, c.Policy
	o.slo.files = append(o.slo.files, c.Objectives...)
	if c.Normal != "" && o.normal.path == "" {
		o.normal.path, o.normal.learn = c.Normal, true
	}
	return nil
}

// given lists those of some flags that are given.
func given(cmd *cobra.Command, flags ...string) []string {
	var out []string
	for _, f := range flags {
		if cmd.Flags().Changed(f) {
			out = append(out, "--"+f)
		}
	}
	return out
}

// parsePlan reads "10,25,50": percents that rise.
func parsePlan(s string) ([]float64, error) {
	out, err := parseSteps(s)
	if err != nil {
		err = fmt.Errorf("--plan is %q; want percents that rise, such as 10,25,50,100", s)
	}
	return out, err
}

// weighing says how the weight is known; nil means by the steps.
func (o *watched) weighing(ctx context.Context, client *prometheus.Client, at time.Time) (w *watch.Weighing, how string, err error) {
	switch {
	case len(o.steps) > 0:
		return nil, "by the steps that are given", nil
	case o.fixed > 0:
		query, err := discover.PresenceQuery(o.signals, o.release.canary)
		return &watch.Weighing{Query: query, Fixed: o.fixed}, short10(100*o.fixed) + " % as long as the canary reports", err
	case o.weightQuery != "":
		return &watch.Weighing{Query: o.weightQuery, Scale: 100, Exact: true}, "by " + o.weightQuery, nil
	case o.configWeight != "":
		return &watch.Weighing{Query: o.configWeight, Scale: 100, Exact: true}, "by " + o.configWeight, nil
	}
	share, err := discover.ShareOf(ctx, client, discover.Release{
		Service: o.release.service, Canary: o.release.canary, Control: o.release.control, Selector: o.release.selector,
		Interval: o.interval, Signals: o.signals,
	}, at)
	if err == nil && share.Query == "" {
		err = unsampled(ctx, client, at)
	}
	if err == nil && share.Query == "" {
		err = unmatched(ctx, client, at, o.release.canary, o.release.control, o.release.selector)
	}
	if err == nil && (share.Query == "" || o.release.control == "" && o.release.selector == "") {
		err = &adviceError{
			msg:  "how much traffic the canary gets cannot be measured: no signal of traffic has a value for " + o.release.service,
			mend: "say it with --weight 10, --weight-query or --step 16:04=10",
		}
	}
	return &watch.Weighing{Query: share.Query, Requests: share.Requests}, "measured by " + share.Signal, err
}

func short10(percent float64) string { return strconv.FormatFloat(percent, 'g', 4, 64) }

// begin returns the steps that are given, and the first frame. While the
// interval is not known nothing is said of how many frames that makes.
func (o *watched) begin(cmd *cobra.Command, now time.Time) (steps []release.Step, from time.Time, err error) {
	begin := now
	if o.from != "" {
		var ok bool
		if begin, ok = parseInstant(o.from, now); !ok || begin.After(now) {
			return nil, from, misused(cmd, "--from is %q; want a time that has passed: %s", o.from, instantForm)
		}
	}
	for i, text := range o.steps {
		s, ok := parseStep(text, begin.Add(-12*time.Hour))
		if !ok {
			return nil, from, misused(cmd, "--step is %q; want a time and a weight in percent, such as 16:04=10 or 2026-03-02T16:04:00Z=10", text)
		}
		if i > 0 && !s.At.After(steps[i-1].At) {
			return nil, from, misused(cmd, "--step %s begins no later than the one before it; give them in the order of time", text)
		}
		steps = append(steps, s)
	}
	if o.from == "" {
		if len(steps) > 0 && steps[0].At.Before(begin) {
			begin = steps[0].At
		}
		begin = begin.Add(-learning * o.interval)
	}
	if past := now.Sub(begin); o.interval > 0 && past/o.interval > mostPast {
		return nil, from, misused(cmd, "%d frames lie between %s and now; want at most %d: give a later --from, a longer --interval, or record it and replay", past/o.interval, begin.Format(time.RFC3339), mostPast)
	}
	return steps, begin.Truncate(o.interval), nil
}

// How many frames of the past are looked at when nothing is said, and at
// most: each costs as many queries as a live one.
const (
	learning = 20
	mostPast = 2000
)
