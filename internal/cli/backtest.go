package cli

import (
	"context"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/backtest"
	"github.com/foreshock/foreshock/backtest/peer"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// scored is the result of a backtest in its wire form.
type scored struct {
	Type       string           `json:"type"` // "backtest"
	Recordings []backtest.Score `json:"recordings"`
	Total      backtest.Total   `json:"total"`
	// Harm compares policies; null when no recording counts harmed requests.
	Harm *backtest.Harm `json:"harm"`
	// Record says how right its predictions were.
	Record backtest.Record `json:"record"`
}

// everything stands for both halves of a collection.
const everything = "all"

// Scoring says how recordings are to be scored. The zero value scores our own
// default policy on all of them.
type Scoring struct {
	Against []string           // other tools to play on the same frames, by peer.Names
	Split   string             // backtest.Tune or backtest.Test; "" or "all" for both
	Policy  *prevention.Policy // nil means prevention.DefaultPolicy
}

func (a *app) backtestCommand(ctx context.Context) *cobra.Command {
	var o Scoring
	var output, policy string
	var track tracked
	cmd := &cobra.Command{
		Use:   "backtest DIR...",
		Short: "Score the verdicts on recordings against what really happened",
		Long: `Backtest replays recordings and scores what was said against truth.yaml, which
no verdict ever sees: bad releases warned of and contained, healthy ones left
alone and promoted in time, the culprit's rank, the cause, and whether the
probabilities can be trusted. It ends with how right its predictions were.

Where truth.yaml counts the requests that were harmed (field requests), the
first thing it says is how many users each policy would have spared.
--against plays other tools over the same frames, by their documented rules
and defaults: argo (the example of its manual), argo-0 (failureLimit 0),
flagger and kayenta.

A folder of recordings stands for all of them. The exit code is 0 unless
there is an error.`,
		Example: `  # all recordings that come with Foreshock
  foreshock backtest examples/recordings

  # what would other tools have done?
  foreshock backtest examples/recordings --against argo,flagger,kayenta

  # let later intervals be as wide as these recordings say they must be
  foreshock backtest incidents --track-record foreshock.record

  # your own, as data
  foreshock backtest incidents/* -o json | jq .total`,
		Args: someDirs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := choose(cmd, "output", output, "text", "json"); err != nil {
				return err
			}
			if err := choose(cmd, "split", o.Split, backtest.Tune, backtest.Test, everything); err != nil {
				return err
			}
			var err error
			if o.Against, err = toolsOf(cmd, o.Against); err != nil {
				return err
			}
			if o.Policy, err = policyOf(cmd, policy); err != nil {
				return err
			}
			if err := track.check(cmd); err != nil {
				return err
			}
			return a.backtest(ctx, args, o, output, &track)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`FORMAT`: text or json")
	track.writeFlag(cmd)
	cmd.Flags().StringSliceVar(&o.Against, "against", nil, "other `TOOLS` to play over the same frames: "+strings.Join(peer.Names(), ", "))
	cmd.Flags().StringVar(&o.Split, "split", everything, "only one `HALF` of the recordings, told by the names of their folders: tune, test or all")
	policyFlag(cmd, &policy)
	return cmd
}

// toolsOf checks the names of other tools. One that is named twice is played
// once.
func toolsOf(cmd *cobra.Command, names []string) ([]string, error) {
	if cmd.Flags().Changed("against") && len(names) == 0 {
		names = []string{""}
	}
	var out []string
	for _, name := range names {
		if !slices.Contains(peer.Names(), name) {
			return nil, misused(cmd, "--against names %q; want some of %s", name, strings.Join(peer.Names(), ", "))
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}

func (a *app) backtest(ctx context.Context, args []string, o Scoring, output string, track *tracked) error {
	dirs, err := o.folders(args)
	if err != nil {
		return err
	}
	prog := newProgress(a.stderr, len(dirs))
	defer prog.end()
	scores, err := scoreAll(ctx, dirs, o, prog)
	if err != nil {
		return err
	}
	prog.end()
	if track.path != "" {
		if err := track.write(backtest.Widths(scores)); err != nil {
			return err
		}
	}
	result := scored{
		Type: "backtest", Recordings: scores, Total: backtest.Sum(scores), Harm: backtest.Compare(scores), Record: backtest.Reckon(scores),
	}
	if output == "json" {
		return encode(a.stdout, result, "", "  ")
	}
	_, err = fmt.Fprint(a.stdout, a.screen().backtest(result))
	return err
}

// Scores plays recordings and scores what was said against what really
// happened, in the order of their folders. A folder of recordings stands for
// all of them. backtest.Golden writes the scores down.
func Scores(ctx context.Context, dirs []string, o Scoring) ([]backtest.Score, error) {
	dirs, err := o.folders(dirs)
	if err != nil {
		return nil, err
	}
	return scoreAll(ctx, dirs, o, nil)
}

func scoreAll(ctx context.Context, dirs []string, o Scoring, prog *progress) ([]backtest.Score, error) {
	truths, err := truthsOf(dirs)
	if err != nil {
		return nil, err
	}
	scores := make([]backtest.Score, len(dirs))
	names := make([][]string, len(dirs))
	err = inParallel(len(dirs), func(i int) (err error) {
		scores[i], names[i], err = score(ctx, dirs[i], truths[i], o, prog)
		return err
	})
	if err != nil {
		return nil, err
	}
	return scores, knownSignals(o.Policy, slices.Concat(names...))
}

// folders returns the folders of the recordings to score.
func (o Scoring) folders(args []string) ([]string, error) {
	dirs, err := expand(args)
	if err != nil || o.Split == "" || o.Split == everything {
		return dirs, err
	}
	all := len(dirs)
	dirs = slices.DeleteFunc(dirs, func(dir string) bool { return backtest.SplitOf(folder(dir)) != o.Split })
	if len(dirs) == 0 {
		return nil, &adviceError{
			msg:  fmt.Sprintf("of %s none is in the %s half, which the name of its folder decides", count(all, "recording"), o.Split),
			mend: "leave --split out, or give more recordings",
		}
	}
	return dirs, nil
}

// folder returns the name of a folder, also of ".".
func folder(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return filepath.Base(dir)
}

// truthsOf reads what really happened, in all recordings before any is
// played.
func truthsOf(dirs []string) ([]*recording.Truth, error) {
	truths := make([]*recording.Truth, len(dirs))
	for i, dir := range dirs {
		truth, ok, err := recording.LoadTruth(dir)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, &adviceError{
				msg:  fmt.Sprintf("%s has no truth.yaml, so there is nothing to score against", dir),
				mend: "write what happened into " + filepath.Join(dir, "truth.yaml") + ", such as 'faulty: [cart]' or 'faulty: []', or leave the recording out",
			}
		}
		truths[i] = truth
	}
	return truths, nil
}

// score replays one recording and judges what was said. It returns the names
// of the signals as well.
func score(ctx context.Context, dir string, t *recording.Truth, o Scoring, prog *progress) (backtest.Score, []string, error) {
	var judge *backtest.Judge
	var rec *recording.Recording
	p, err := play(ctx, dir, until{}, listener{
		policy: o.Policy,
		loaded: func(r *recording.Recording) error {
			if rec = r; t.Requests != nil {
				return t.Requests.Fits(dir, rec)
			}
			return nil
		},
		begin: func(name string, sys release.System) error {
			judge = backtest.NewJudge(name, sys, truthOf(t, rec))
			if err := knownFaulty(dir, sys, t.Faulty); err != nil {
				return err
			}
			peers := peer.Options{End: rec.End, Seed: seedOf(rec.Name)}
			if t.Requests != nil {
				peers.Objective = t.Requests.Objective
			}
			return judge.Against(o.Against, peers)
		},
		saw: func(f signal.Frame) { judge.See(f) },
		assess: func(as release.Assessment) error {
			judge.Add(as)
			return nil
		},
		frame: prog.begin(filepath.Base(dir)),
	})
	if err != nil {
		return backtest.Score{}, nil, err
	}
	s := judge.Score(p.summary)
	s.Split = backtest.SplitOf(folder(dir))
	return s, signalNames(p.sys), nil
}

// truthOf returns the truth as a judge needs it.
func truthOf(t *recording.Truth, rec *recording.Recording) backtest.Truth {
	out := backtest.Truth{
		Faulty: t.Faulty, Class: t.Class, OnsetAt: t.OnsetAt, CrashedAt: t.CrashedAt, Fault: t.Fault, FailsAt: t.FailsAtWeight,
	}
	if t.Requests != nil {
		out.Requests = &backtest.Requests{Start: rec.Start, Interval: rec.Interval, PerFrame: t.Requests.PerFrame}
	}
	return out
}

// seedOf returns a seed for what a peer draws at random, by the recording's
// name.
func seedOf(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

// knownFaulty refuses a truth that blames what the recording does not have:
// its score would be silently wrong.
func knownFaulty(dir string, sys release.System, faulty []string) error {
	var known []string
	for _, r := range sys.Releases {
		known = append(known, r.ID)
	}
	for _, c := range sys.Changes {
		known = append(known, c.ID)
	}
	for _, s := range sys.Services {
		if !slices.Contains(known, s.Name) {
			known = append(known, s.Name)
		}
	}
	for _, f := range faulty {
		if !slices.Contains(known, f) {
			return fmt.Errorf("%s: faulty %q is no release, change or service of the recording; want one of %s",
				filepath.Join(dir, "truth.yaml"), f, strings.Join(known, ", "))
		}
	}
	return nil
}

// workers is how many recordings are scored at once.
const workers = 2

// inParallel does n pieces of work. After an error it begins no other. Pieces
// are begun in order, so the first error in that order is always the same.
func inParallel(n int, work func(i int) error) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	errs := make([]error, n)
	next, failed := 0, false
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= n && !failed
	}
	for range min(workers, n) {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if errs[i] = work(i); errs[i] != nil {
					mu.Lock()
					failed = true
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
