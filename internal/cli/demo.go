package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/foreshock/foreshock/internal/cli/demo"
	"github.com/foreshock/foreshock/lab"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// showing is what a demo was asked for.
type showing struct {
	demo.Options
	fault, healthy string
	given          []string // the flags that tell the story, as they were given
	steps          string
	speed          float64
	duration       time.Duration
	noBrakes       bool
	list           bool
	port           int
	output         string
	tracked        tracked
}

// observerGC lets the observer's heap grow to five times what is in use: 70 MiB in all
// instead of 50, for a tenth less processor time.
const observerGC = 400

// spareCores leaves more of the cores to the system that the demo watches, and shares
// them with, unless GOGC says how often to collect.
func spareCores() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(observerGC)
	}
}

// The story of a demo without flags: what it is called, and its schedule.
const (
	storyFault  = "n-plus-one"
	storySteps  = "10,25,40,55,70,85,100"
	storyBefore = 12 * time.Second
	storyEach   = 10 * time.Second
	storyAfter  = 5 * time.Second
)

func (a *app) demoCommand(ctx context.Context) *cobra.Command {
	var o showing
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Roll a bad version out on this machine, and be told before it fails",
		Long: `Demo starts a small real system on 127.0.0.1 (an edge, a shop, pricing, a
database, a cache and callers, each a process), rolls a new version of the shop
out step by step, scrapes it as Prometheus does, and judges it live with the
engine that judges recordings.

Without flags it tells the default story in a minute and a half: fine at 10 %,
trouble in sight at 25 to 40 %, and it would fail at about 70 %, sooner on a
slow machine. Foreshock stops it before.
With --no-brakes nothing stops it, and you see what really happens and how
right the prediction was.

Everything ends with the demo. Nothing is left behind but what --record wrote.`,
		Example: `  # the story
  foreshock demo

  # the same, to the bitter end
  foreshock demo --no-brakes

  # what else can go wrong, and what only looks like it?
  foreshock demo --list
  foreshock demo --fault memory-leak
  foreshock demo --healthy gc-sawtooth

  # under traffic that rises to three times as much and falls again
  foreshock demo --healthy none --rate 40 --crest 3 --period 90s

  # keep it as a recording and judge it again
  foreshock demo --record rec && foreshock replay rec`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return misused(cmd, "demo takes no argument, and got %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.list {
				return a.listFaults(o.output)
			}
			if err := o.settle(cmd); err != nil {
				return err
			}
			if err := o.tracked.open(cmd); err != nil {
				return err
			}
			o.Past = o.tracked.record
			spareCores()
			return a.demo(ctx, o)
		},
	}
	o.flags(cmd.Flags())
	o.tracked.flag(cmd)
	cmd.Flags().Lookup("onset").DefValue = "0s" // its usage says what is meant
	return cmd
}

// flags names what a user may say.
func (o *showing) flags(f *pflag.FlagSet) {
	f.StringVar(&o.fault, "fault", "", "what goes wrong with the new version: a `NAME` of --list (default "+storyFault+")")
	f.StringVar(&o.healthy, "healthy", "", "what only looks like a fault: a `NAME` of --list")
	f.BoolVar(&o.list, "list", false, "list the faults and the look-alikes")
	f.BoolVar(&o.noBrakes, "no-brakes", false, "let nothing stop the rollout: go to 100 % and see what happens")
	f.Float64Var(&o.speed, "speed", 1, "how fast the steps follow each other, 0.1 to 2.4, or to 5 with --interval 400ms; 2 is twice as fast")
	f.DurationVar(&o.duration, "duration", 0, "how long the whole rollout takes, up to 20m, instead of --speed")
	f.StringVar(&o.steps, "steps", storySteps, "percent of the traffic at each step")
	f.Float64Var(&o.Strength, "strength", 0, "how strong the fault is, in its own unit (see --list)")
	f.DurationVar(&o.Onset, "onset", -1, "when the fault begins, after the first step (default: as --list says)")
	f.Float64Var(&o.Rate, "rate", 0, "requests a second (default 100)")
	f.Float64Var(&o.Crest, "crest", 0, "traffic in waves that rise to so many times --rate: 3 for a day with a peak")
	f.DurationVar(&o.Period, "period", 2*time.Minute, "how long a wave of --crest lasts")
	f.DurationVar(&o.Interval, "interval", time.Second, "time between two frames, 200ms to 1m")
	f.StringVar(&o.Record, "record", "", "write a recording with its truth into this new `DIR`")
	f.IntVar(&o.port, "port", 0, "port of the edge on 127.0.0.1, to send orders yourself (default: a free one)")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the callers")
	f.StringVarP(&o.output, "output", "o", "text", "`FORMAT`: text, or jsonl, every assessment and the end")
}

// again is the command that lets the same story go on to its end.
func (o *showing) again() string { return "foreshock demo --no-brakes" + strings.Join(o.given, "") }

// settle turns the flags into options.
func (o *showing) settle(cmd *cobra.Command) error {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != "no-brakes" && f.Name != "record" && f.Name != "output" {
			o.given = append(o.given, fmt.Sprintf(" --%s %s", f.Name, f.Value))
		}
	})
	if err := choose(cmd, "output", o.output, "text", "jsonl"); err != nil {
		return err
	}
	if o.fault != "" && o.healthy != "" {
		return misused(cmd, "--fault and --healthy are both given; want one")
	}
	name := storyFault
	for _, n := range []string{o.fault, o.healthy} {
		if n != "" {
			name = n
		}
	}
	f, err := lab.Find(name)
	if err != nil {
		return &usageError{msg: err.Error(), mend: "--fault takes a fault, --healthy a look-alike; what each does: foreshock demo --list"}
	}
	if o.healthy != "" && !f.IsHealthy() {
		return misused(cmd, "%s is a fault; want --fault %s, or a look-alike of --list", name, name)
	}
	o.Fault, o.Brakes = f, !o.noBrakes
	if o.Steps, err = parseSteps(o.steps); err != nil {
		return misused(cmd, "%v", err)
	}
	if o.Rate == 0 {
		o.Rate = 100
	}
	if err := o.check(cmd); err != nil {
		return err
	}
	scale := func(d time.Duration) time.Duration { return time.Duration(float64(d) / o.speed) }
	o.Before, o.Each, o.After = scale(storyBefore), scale(storyEach), storyAfter
	if o.duration > 0 {
		o.Each = o.duration / time.Duration(len(o.Steps)+1)
		o.Before = o.Each
	}
	if err := o.roomy(cmd); err != nil {
		return err
	}
	if o.port > 0 {
		o.Listen = "127.0.0.1:" + strconv.Itoa(o.port)
	}
	o.Policy = demoPolicy()
	o.Hold = o.Each // the story is short; anything else is held until the policy gives it up
	if o.fault+o.healthy != "" {
		o.Hold = max(o.Policy.MaxHold, 2*o.Each) + 2*o.Interval
	}
	return nil
}

// The fewest frames of the time before the release, and of a step.
const leastBefore, leastEach = 5, 3

// roomy refuses a story too quick for its frames.
func (o *showing) roomy(cmd *cobra.Command) error {
	room := min(o.Before/leastBefore, o.Each/leastEach)
	if o.Interval <= room {
		return nil
	}
	want := fmt.Sprintf("a --speed of at most %.2g", min(storyBefore.Seconds()/leastBefore, storyEach.Seconds()/leastEach)/o.Interval.Seconds())
	if o.duration > 0 {
		want = fmt.Sprintf("a --duration of at least %s", time.Duration(len(o.Steps)+1)*leastBefore*o.Interval)
	}
	if room >= leastInterval {
		want += fmt.Sprintf(", or an --interval of at most %s", room.Truncate(10*time.Millisecond))
	}
	return misused(cmd, "a step of %s holds too few frames of %s; want %s", o.Each.Round(time.Millisecond), o.Interval, want)
}

// leastInterval is the shortest time between frames: the lab is scraped as often.
const leastInterval = 200 * time.Millisecond

// check says which number is out of its range.
func (o *showing) check(cmd *cobra.Command) error {
	switch {
	case !(o.speed >= 0.1 && o.speed <= 5):
		return misused(cmd, "--speed is %v; want 0.1 to 5", o.speed)
	case o.Interval < leastInterval || o.Interval > time.Minute:
		return misused(cmd, "--interval is %s; want 200ms to 1m", o.Interval)
	case !(o.Rate > 0 && o.Rate <= 500):
		return misused(cmd, "--rate is %v; want up to 500 requests a second", o.Rate)
	case o.Crest != 0 && !(o.Crest >= 0.1 && o.Crest*o.Rate <= 500):
		return misused(cmd, "--crest is %v; want 0.1 or more, and up to 500 requests a second at --rate %v", o.Crest, o.Rate)
	case o.Crest == 0 && cmd.Flags().Changed("period"):
		return misused(cmd, "--period is given without --crest; want both, such as --crest 3 --period %s", o.Period)
	case o.Period < 10*time.Second || o.Period > time.Hour:
		return misused(cmd, "--period is %s; want 10s to 1h", o.Period)
	case !(o.Strength >= 0):
		return misused(cmd, "--strength is %v; want a positive number", o.Strength)
	case o.Onset < 0 && cmd.Flags().Changed("onset"):
		return misused(cmd, "--onset is %s; want a time after the first step, such as 10s, or none for the fault's own", o.Onset)
	case o.port < 0 || o.port > 65535:
		return misused(cmd, "--port is %d; want 1 to 65535", o.port)
	case o.duration < 0 || o.duration > 20*time.Minute:
		return misused(cmd, "--duration is %s; want up to 20m", o.duration)
	}
	return nil
}

// demoPolicy is the policy of a rollout that takes a minute and not an hour:
// processes of the lab are warm within seconds, and a few hundred requests cannot
// tell error rates below 2 %, or latencies to a tenth.
func demoPolicy() prevention.Policy {
	p := prevention.DefaultPolicy()
	p.StartUp, p.MaxHold = 15*time.Second, time.Minute
	p.CountFloor = 0.02
	p.Sizes[signal.Latency] = prevention.Size{Relative: 0.25, Absolute: 0.025, Most: 2, Noise: 0.001}
	p.Sizes[signal.Errors] = prevention.Size{Relative: 0.2, Absolute: 0.02, Noise: 0.002}
	return p
}

// parseSteps reads "10,25,40": percents that rise.
func parseSteps(s string) ([]float64, error) {
	var out []float64
	last := 0.0
	for text := range strings.SplitSeq(s, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "%")), 64)
		if err != nil || !(v > last && v <= 100) {
			return nil, fmt.Errorf("--steps is %q; want percents that rise, such as %s", s, storySteps)
		}
		out, last = append(out, v/100), v
	}
	if len(out) > 20 {
		return nil, fmt.Errorf("--steps has %d steps; want at most 20", len(out))
	}
	return out, nil
}

// demo plays and prints.
func (a *app) demo(ctx context.Context, o showing) error {
	if err := free(ctx, o.port); err != nil {
		return err
	}
	switch {
	case o.output == "jsonl":
		return a.demoLines(ctx, o)
	case a.isTerminal():
		return a.demoScreen(ctx, o)
	default:
		return a.demoText(ctx, o)
	}
}

// free says that somebody else has a port. The edge would find out too, but
// as a part that does not start.
func free(ctx context.Context, port int) error {
	if port == 0 {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return &adviceError{
			msg:  fmt.Sprintf("port %d of 127.0.0.1 cannot be had: %v", port, err),
			mend: fmt.Sprintf("see who has it (ss -ltnp 'sport = :%d'), give another one with --port, or leave --port out for a free one", port),
		}
	}
	return l.Close()
}

func (a *app) isTerminal() bool {
	_, ok := terminal(a.stdout)
	return ok
}

// demoLines prints every assessment as a line of JSON, and the end.
func (a *app) demoLines(ctx context.Context, o showing) error {
	enc := json.NewEncoder(a.stdout)
	var first error
	r, err := demo.Run(ctx, o.Options, func(u demo.Update) {
		if u.Assessment == nil || first != nil {
			return
		}
		first = enc.Encode(u.Assessment)
	})
	if err != nil {
		return err
	}
	if first != nil {
		return first
	}
	return enc.Encode(endingOf(o, r))
}

// demoText prints what changes, for logs.
func (a *app) demoText(ctx context.Context, o showing) error {
	t := &teller{app: a, o: o}
	t.title()
	r, err := demo.Run(ctx, o.Options, t.hear)
	if err != nil {
		return err
	}
	t.end(r)
	return nil
}

// demoScreen draws on the terminal.
func (a *app) demoScreen(ctx context.Context, o showing) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := &demoModel{screen: a.screen(), o: o, cancel: cancel}
	program := tea.NewProgram(m, tea.WithOutput(a.stdout), tea.WithFPS(10), tea.WithoutSignalHandler(), tea.WithContext(ctx))
	type ended struct {
		r   *demo.Result
		err error
	}
	done := make(chan ended, 1)
	go func() {
		r, err := demo.Run(ctx, o.Options, func(u demo.Update) { program.Send(u) })
		done <- ended{r, err}
		program.Quit()
	}()
	_, err := program.Run()
	cancel()
	e := <-done // also when the user quit: the processes end first
	switch {
	case m.left && errors.Is(e.err, context.Canceled):
		fmt.Fprint(a.stdout, leftText(a.screen(), m.now))
		return nil
	case e.err != nil:
		return e.err
	case err != nil:
		return fmt.Errorf("draw on the terminal: %w", err)
	}
	t := &teller{app: a, o: o}
	t.end(e.r)
	return nil
}
