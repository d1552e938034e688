package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/backtest"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/release"
)

// scored is the result of a backtest in its wire form.
type scored struct {
	Type       string           `json:"type"` // "backtest"
	Recordings []backtest.Score `json:"recordings"`
	Total      backtest.Total   `json:"total"`
}

func (a *app) backtestCommand(ctx context.Context) *cobra.Command {
	var output, against string
	cmd := &cobra.Command{
		Use:   "backtest DIR...",
		Short: "Score the verdicts on recordings against what really happened",
		Long: `Backtest replays recordings and scores what was said against truth.yaml, which
no verdict ever sees: bad releases warned of and contained, healthy ones left
alone and promoted in time, the culprit's rank, the cause, and whether the
probabilities can be trusted.

A folder of recordings stands for all of them. The exit code is 0 unless
there is an error.`,
		Example: `  # all recordings that come with Foreshock
  foreshock backtest examples/recordings

  # your own, as data
  foreshock backtest incidents/* -o json | jq .total`,
		Args: someDirs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := choose(cmd, "output", output, "text", "json"); err != nil {
				return err
			}
			if cmd.Flags().Changed("against") {
				return misused(cmd, "--against is not there yet: other tools' policies cannot be scored; leave it out")
			}
			return a.backtest(ctx, args, output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`FORMAT`: text or json")
	cmd.Flags().StringVar(&against, "against", "", "other tools to compare with (not there yet)")
	if err := cmd.Flags().MarkHidden("against"); err != nil {
		panic(err) // a bug of ours: the flag has just been made
	}
	return cmd
}

func (a *app) backtest(ctx context.Context, args []string, output string) error {
	dirs, err := expand(args)
	if err != nil {
		return err
	}
	truths, err := truthsOf(dirs)
	if err != nil {
		return err
	}
	prog := newProgress(a.stderr, len(dirs))
	defer prog.end()
	scores := make([]backtest.Score, len(dirs))
	err = inParallel(len(dirs), func(i int) (err error) {
		scores[i], err = score(ctx, dirs[i], truths[i], prog)
		return err
	})
	if err != nil {
		return err
	}
	prog.end()
	result := scored{Type: "backtest", Recordings: scores, Total: backtest.Sum(scores)}
	if output == "json" {
		return encode(a.stdout, result, "", "  ")
	}
	_, err = fmt.Fprint(a.stdout, a.screen().scores(result))
	return err
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

// score replays one recording and judges what was said.
func score(ctx context.Context, dir string, t *recording.Truth, prog *progress) (backtest.Score, error) {
	var judge *backtest.Judge
	p, err := play(ctx, dir, until{}, listener{
		begin: func(name string, sys release.System) error {
			judge = backtest.NewJudge(name, sys, backtest.Truth{Faulty: t.Faulty, Class: t.Class, OnsetAt: t.OnsetAt, CrashedAt: t.CrashedAt})
			return knownFaulty(dir, sys, t.Faulty)
		},
		assess: func(as release.Assessment) error {
			judge.Add(as)
			return nil
		},
		frame: prog.begin(filepath.Base(dir)),
	})
	if err != nil {
		return backtest.Score{}, err
	}
	return judge.Score(p.summary), nil
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
