// Package cli is the command line: it reads arguments, builds the parts, and
// prints results and errors for people and machines.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/foreshock/foreshock/backtest"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/release"
)

// Main runs the program and returns its exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var scores []backtest.Score
	for _, dir := range args[1:] {
		tr, _, err := recording.LoadTruth(dir)
		if err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		var j *backtest.Judge
		p, err := play(ctx, dir, time.Time{}, listener{begin: func(rec *recording.Recording, sys release.System) {
			j = backtest.NewJudge(rec.Name, sys, backtest.Truth{Faulty: tr.Faulty, Class: tr.Class, OnsetAt: tr.OnsetAt, CrashedAt: tr.CrashedAt})
		}, assess: func(a release.Assessment) {
			j.Add(a)
			if os.Getenv("V") != "" && (os.Getenv("V") == "all" || os.Getenv("V") == a.ID) {
				fmt.Fprintf(stdout, "%s %-22s w=%3.0f %-9s %-9s %-9s b=%v c=%.2f h=%.2f %s\n", a.At.Format("15:04:05"), a.ID, float64(a.Weight), a.Phase, a.Verdict, a.Reason, a.Blames, float64(a.Culprit), float64(a.Harm), a.Sentence)
			}
		}})
		if err != nil {
			fmt.Fprintln(stderr, dir, err)
			return 1
		}
		s := j.Score(p.summary)
		scores = append(scores, s)
		fmt.Fprintf(stdout, "%s rank=%d both=%v cause=%s %v %v false=%d/%d\n", filepath.Base(dir), s.Rank, s.Both, s.Cause, s.Class, s.Right, s.FalseFrames, s.HealthyFrames)
		for _, x := range s.Subjects {
			m := " "
			if x.Bad {
				m = "*"
			}
			fmt.Fprintf(stdout, "  %s %-24s warned=%-5v back=%-5v contained=%-5v intime=%-5v exp=%3.0f delay=%s win=%s inwin=%v culprit=%.2f %s/%s\n", m, x.ID, x.Warned, x.RolledBack, x.Contained, x.InTime, float64(x.Exposure), x.Delay, x.Window, x.InWindow, float64(x.Culprit), x.Verdict, x.Reason)
		}
		if os.Getenv("SUB") != "" {
			for i, x := range p.summary.Subsystems {
				if i < 5 {
					fmt.Fprintf(stdout, "      %s %.2f %s\n", x.Service, float64(x.Score), x.Signal)
				}
			}
		}
	}
	fmt.Fprintf(stdout, "%+v\n", backtest.Sum(scores))
	return 0
}
