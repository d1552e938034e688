package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/internal/model"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/simulate"
)

// simulating is what a simulation was asked for.
type simulating struct {
	output       string
	until        until
	seed         uint64
	exact, fluid bool
	list         bool
	print        bool
	fit, change  string   // a recording to fit, and what is new in it
	missing      []string // limits that the recording measures and the fitted model has not
	policy       *prevention.Policy
	tracked      tracked
}

func (a *app) simulateCommand(ctx context.Context) *cobra.Command {
	var o simulating
	var until, policy string
	cmd := &cobra.Command{
		Use:   "simulate MODEL.yaml|SCENARIO",
		Short: "Play a rollout forward in a model of a system, and see where it truly breaks",
		Long: `Simulate plays a rollout forward in a model: services with processors,
threads, pools, caches, timeouts and retries, described in a few lines of YAML.
It prints what a live rollout would print, and then what cannot be seen live:
at which share of traffic callers are harmed, and which limit does it.

The rollout goes on to its last step whatever the verdict. Few requests are
played one by one, many as a fluid; --exact and --fluid force either.

The exit code is the verdict: 0 promote, 10 hold, 20 rollback, 30 unknown,
40 escalate. 1 is an error, 2 wrong usage.`,
		Example: `  # what would have been said of a public outage? Which ones are there?
  foreshock simulate slack-2022-02-22
  foreshock simulate --list

  # a model of your own: begin with one that is there
  foreshock simulate --print slack-2022-02-22 > shop.yaml
  foreshock simulate shop.yaml

  # what breaks first, for jq
  foreshock simulate shop.yaml -o json | jq '.simulation.limits[0]'

  # a model of a system that was recorded, and a change in it
  foreshock simulate --fit examples/recordings/cart-leak > shop.yaml
  foreshock simulate --fit examples/recordings/cart-leak --change "cost: 1.4"

  # is it luck? Play single requests, with another seed
  foreshock simulate shop.yaml --exact --seed 2`,
		Args: func(cmd *cobra.Command, args []string) error { return o.suits(cmd, args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.settle(cmd, until, policy); err != nil {
				return err
			}
			switch {
			case o.list:
				return a.listScenarios(o.output)
			case o.fit != "":
				return a.fit(ctx, &o)
			default:
				return a.simulate(ctx, args[0], &o)
			}
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&until, "until", "", "stop this long after the start (12m), or at this `TIME`")
	policyFlag(cmd, &policy)
	o.tracked.flag(cmd)
	return cmd
}

func (o *simulating) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "`FORMAT`: text; json, the summary and the truth; or jsonl, every assessment and these")
	cmd.Flags().Uint64Var(&o.seed, "seed", 1, "`NUMBER` that all chance is drawn from")
	cmd.Flags().BoolVar(&o.exact, "exact", false, "play single requests, however many")
	cmd.Flags().BoolVar(&o.fluid, "fluid", false, "play flows, however few the requests")
	cmd.Flags().BoolVar(&o.list, "list", false, "list the scenarios")
	cmd.Flags().BoolVar(&o.print, "print", false, "print the model and do not play it")
	cmd.Flags().StringVar(&o.fit, "fit", "", "fit a model to the recording in this `DIR`, and print it")
	cmd.Flags().StringVar(&o.change, "change", "", "with --fit: play the model with this `CHANGE`, as in spec.change (\"cost: 1.4, errors: 0.02\")")
}

// settle reads what the flags say.
func (o *simulating) settle(cmd *cobra.Command, until, policy string) (err error) {
	var ok bool
	if o.until, ok = parseUntil(until); !ok {
		return misused(cmd, "--until is %q; want a span after the start such as 12m, or a time", until)
	}
	if o.policy, err = policyOf(cmd, policy); err != nil {
		return err
	}
	return o.tracked.open(cmd)
}

// suits says whether arguments and flags go together.
func (o *simulating) suits(cmd *cobra.Command, args []string) error {
	if err := choose(cmd, "output", o.output, "text", "json", "jsonl"); err != nil {
		return err
	}
	if fault := o.fitting(args); fault != "" {
		return misused(cmd, "%s", fault)
	}
	switch {
	case o.exact && o.fluid:
		return misused(cmd, "--exact and --fluid exclude each other; give one, or none to let the number of requests decide")
	case o.list && len(args) > 0:
		return misused(cmd, "--list takes no argument, and got %q", args[0])
	case !o.list && o.fit == "" && len(args) != 1:
		return misused(cmd, "%d models; give one: a file, or a scenario of --list", len(args))
	}
	return nil
}

// A simulated model, played.
type simulated struct {
	*played
	file   *model.File
	player simulate.Player
	steps  []stepHarm
	breaks simulate.Break
	rest   []simulate.Use
	at     moments
	// missing are the limits that are measured, and are not in the model.
	missing []string
}

// stepHarm is how callers fared in one step of the rollout; step 0 is before.
type stepHarm struct {
	weight  float64
	callers simulate.Callers
	worst   float64
}

func (a *app) simulate(ctx context.Context, name string, o *simulating) error {
	if o.print {
		text, err := model.Source(name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(a.stdout, text)
		return err
	}
	f, err := model.Load(name)
	if err != nil {
		return err
	}
	return a.playFile(ctx, f, o)
}

// fit prints the model of a recording, or plays it with a change.
func (a *app) fit(ctx context.Context, o *simulating) error {
	got, err := fitModel(ctx, o.fit, o.change)
	if err != nil {
		return err
	}
	f, err := model.Parse("the model fitted to "+o.fit, []byte(got.text))
	if err != nil {
		return err
	}
	if o.change == "" {
		_, err = fmt.Fprint(a.stdout, got.text)
		return err
	}
	o.missing = got.missing
	return a.playFile(ctx, f, o)
}

// playFile plays a model and prints what comes of it.
func (a *app) playFile(ctx context.Context, f *model.File, o *simulating) error {
	out, err := newSpool()
	if err != nil {
		return err
	}
	defer out.discard()
	player := simulate.Auto
	switch {
	case o.exact:
		player = simulate.Exact
	case o.fluid:
		player = simulate.Fluid
	}
	s, err := playModel(ctx, f, player, o, func(as release.Assessment) error {
		if o.output != "jsonl" {
			return nil
		}
		return encode(out, as, "", "")
	})
	if err != nil {
		return err
	}
	switch o.output {
	case "json":
		err = encode(out, struct {
			Summary    release.Summary `json:"summary"`
			Simulation truthTold       `json:"simulation"`
		}{s.summary, s.truth(o.seed)}, "", "  ")
	case "jsonl":
		if err = encode(out, s.summary, "", ""); err == nil {
			err = encode(out, s.truth(o.seed), "", "")
		}
	default:
		_, err = fmt.Fprint(out, a.screen().simulation(s))
	}
	if err != nil {
		return err
	}
	if err := out.release(a.stdout); err != nil {
		return err
	}
	a.code = exitUnknown
	if s.at.last != nil {
		a.code = exitCode(s.at.last.Verdict)
	}
	return nil
}

// playModel plays a model, folds its frames, and finds where it breaks.
func playModel(ctx context.Context, f *model.File, player simulate.Player, o *simulating, heard func(release.Assessment) error) (*simulated, error) {
	m := f.Model
	end := m.Start.Add(m.Length)
	stop, err := o.until.in(m.Start, end)
	if err != nil {
		return nil, err
	}
	m.Length = stop.Sub(m.Start)
	s := &simulated{file: f, missing: o.missing}
	if s.player, err = m.Choose(player); err != nil {
		return nil, err
	}
	if s.rest, err = m.AtRest(); err != nil {
		return nil, err
	}
	sys := f.System()
	s.played = &played{sys: sys, rec: &recording.Recording{Name: f.Name, Start: m.Start, End: end, Interval: m.Interval}}
	policy := prevention.DefaultPolicy()
	if o.policy != nil {
		policy = *o.policy
	}
	state, tally := release.New(sys, policy), release.NewTally()
	ms := map[string]*moments{}
	ticks, err := m.Play(s.player, o.seed)
	if err != nil {
		return nil, err
	}
	for t := range ticks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.count(t)
		for _, as := range state.Step(t.Frame) {
			as.Recording = f.Name
			tally.Add(as)
			as = o.tracked.see(as)
			remember(ms, as)
			if err := heard(as); err != nil {
				return nil, err
			}
		}
		s.frames++
	}
	s.summary = tally.Summary(f.Name, state, nil)
	if got := ms[sys.Releases[0].ID]; got != nil {
		s.at = *got
	}
	// Where it breaks is asked of flows unless single requests are wanted: both
	// find the same, and a fluid is played eight times in the time of one.
	if player != simulate.Exact {
		player = simulate.Fluid
	}
	s.breaks, err = f.Model.Breaks(player, o.seed, longestStep(f.Model).Seconds())
	return s, err
}

// longestStep is how long a share of the new version is held at most.
func longestStep(m simulate.Model) time.Duration {
	steps := m.Rollout.Steps
	longest := m.Length.Seconds() - steps[len(steps)-1].At
	for i := 1; i < len(steps); i++ {
		longest = max(longest, steps[i].At-steps[i-1].At)
	}
	return time.Duration(longest * float64(time.Second))
}

// count adds a tick to its step. The first frame of a step shows what was
// before it.
func (s *simulated) count(t simulate.Tick) {
	if n := len(s.steps); n == 0 || s.steps[n-1].weight != t.Weight {
		s.steps = append(s.steps, stepHarm{weight: t.Weight})
	}
	x := &s.steps[len(s.steps)-1]
	x.callers.Requests += t.Callers.Requests
	x.callers.Failed += t.Callers.Failed
	x.callers.Slow += t.Callers.Slow
	if h := t.Callers.Harmed(); h > x.worst {
		x.worst = h
	}
}

// listScenarios prints what each scenario is about, those with sources first.
func (a *app) listScenarios(output string) error {
	all := []listedScenario{}
	for _, name := range model.Scenarios() {
		f, err := model.Load(name)
		if err != nil {
			return err
		}
		all = append(all, listedScenario{name, f.Story.Title, f.Story.Sketch, f.Story.Sources})
	}
	slices.SortStableFunc(all, func(a, b listedScenario) int {
		switch {
		case a.Sketch == b.Sketch:
			return 0
		case a.Sketch:
			return 1
		}
		return -1
	})
	switch output {
	case "json":
		return encode(a.stdout, all, "", "  ")
	case "jsonl":
		for _, s := range all {
			if err := encode(a.stdout, s, "", ""); err != nil {
				return err
			}
		}
		return nil
	}
	p := &page{screen: a.screen()}
	for i, s := range all {
		switch {
		case i == 0:
			p.line(p.paint(bold, "outages whose own report was read"))
		case s.Sketch && !all[i-1].Sketch:
			p.line("")
			p.line(p.paint(bold, "sketches: made from summaries, check before quoting"))
		}
		p.line("  " + s.Name)
		p.row("", s.Title)
	}
	p.line("")
	p.wrapped("Play one: foreshock simulate NAME. Begin one of your own: foreshock simulate --print NAME > my.yaml")
	_, err := fmt.Fprint(a.stdout, p.String())
	return err
}

// A listedScenario is a scenario as JSON.
type listedScenario struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Sketch  bool     `json:"sketch"`
	Sources []string `json:"sources"`
}
