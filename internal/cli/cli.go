// Package cli is the command line: it reads arguments, builds the parts, and
// prints results and errors for people and machines.
//
// Standard output carries the result and nothing else, and carries nothing at
// all when there is an error. The same arguments and files give the same
// bytes, wherever and on however many processors they run.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/lab"
	"github.com/foreshock/foreshock/prevention"
)

// The exit codes, a public contract.
const (
	exitSuccess  = 0 // also promote
	exitError    = 1
	exitUsage    = 2
	exitHold     = 10
	exitRollback = 20
	exitUnknown  = 30
	exitEscalate = 40
)

// app is one run of the program.
type app struct {
	stdout, stderr io.Writer
	code           int
}

// Main runs the program with its arguments, without its name, and returns its
// exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	a := &app{stdout: stdout, stderr: stderr}
	if len(args) == 1 && args[0] == lab.Argument {
		if err := lab.Main(ctx, os.Stdin, stdout); err != nil {
			fmt.Fprintln(a.stderr, err) // it goes into an error of who started it
			return exitError
		}
		return exitSuccess
	}
	root := a.root(ctx)
	if args == nil {
		args = []string{} // nil makes cobra read os.Args
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		return a.complain(err)
	}
	return a.code
}

// complain prints an error with its mend, and returns the exit code for it.
func (a *app) complain(err error) int {
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	fmt.Fprintf(a.stderr, "foreshock: %v\n", err)
	if mend := hint(err); mend != "" {
		fmt.Fprintf(a.stderr, "hint: %s\n", mend)
	}
	if _, wrong := errors.AsType[*usageError](err); wrong {
		return exitUsage
	}
	return exitError
}

// hint returns the mend of an error; "" when it has none.
func hint(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return fullHint(err)
}

// A usageError is a fault in the command line that can be told without
// looking at any file.
type usageError struct {
	msg     string
	command string // whose help says more
	mend    string // when it is known better than by that help
}

func (e *usageError) Error() string { return e.msg }

// Hint says the mend, or where the command is described.
func (e *usageError) Hint() string { return cmp.Or(e.mend, "see "+e.command+" --help") }

func misused(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{msg: fmt.Sprintf(format, args...), command: cmd.CommandPath()}
}

// An adviceError is an error with its mend.
type adviceError struct {
	msg  string
	mend string
}

func (e *adviceError) Error() string { return e.msg }

// Hint says the mend.
func (e *adviceError) Hint() string { return e.mend }

// root builds the tree of commands.
func (a *app) root(ctx context.Context) *cobra.Command {
	root := &cobra.Command{
		Use:   "foreshock",
		Short: "Forecast releases: what is this system about to do next?",
		Long: `Foreshock reads the metrics of a system under change and forecasts what a
release is about to do: promote, hold, rollback, unknown or escalate, always
about the next step, with the evidence and the likely cause.`,
		Example: `  # see it foretell a failure on this machine, in a minute
  foreshock demo

  # judge a recorded rollout, as it would have been judged live
  foreshock replay examples/recordings

  # how often is it right? Score it against what really happened
  foreshock backtest examples/recordings`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misused(cmd, "no command; want one of %s", strings.Join(commands(cmd), ", "))
			}
			return misused(cmd, "unknown command %q; want one of %s", args[0], strings.Join(commands(cmd), ", "))
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return misused(cmd, "%v", err) })
	root.AddCommand(a.demoCommand(ctx), a.replayCommand(ctx), a.whyCommand(ctx), a.backtestCommand(ctx), a.initCommand(ctx), a.recordCommand(ctx), a.watchCommand(ctx), a.simulateCommand(ctx), a.versionCommand())
	return root
}

// commands lists the names of the commands below one.
func commands(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

// someDirs wants at least one argument.
func someDirs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return misused(cmd, "no recording; give the folder of at least one")
	}
	return nil
}

// choose returns an error unless the value of a flag is one of the known.
func choose(cmd *cobra.Command, flag, value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	last := len(known) - 1
	return misused(cmd, "--%s is %q; want %s or %s", flag, value, strings.Join(known[:last], ", "), known[last])
}

// exitCode returns the code for a verdict on the wire.
func exitCode(verdict string) int {
	switch verdict {
	case prevention.Promote.String():
		return exitSuccess
	case prevention.Hold.String():
		return exitHold
	case prevention.Rollback.String():
		return exitRollback
	case prevention.Escalate.String():
		return exitEscalate
	default:
		return exitUnknown
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and the compiler",
		Example: `  # for an issue
  foreshock version`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return misused(cmd, "version takes no argument, and got %q", args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return errors.New("this binary carries no build information; build it with 'go build' in module mode")
			}
			_, err := fmt.Fprintln(a.stdout, versionText(info))
			return err
		},
	}
}

// versionText says "foreshock v1.2.3 (commit 0123456789ab, modified) go1.26".
func versionText(info *debug.BuildInfo) string {
	var commit, modified string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = " (commit " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = ", modified"
		}
	}
	if commit != "" {
		commit += modified + ")"
	}
	version := info.Main.Version
	if version == "" {
		version = "(devel)"
	}
	return "foreshock " + version + commit + " " + info.GoVersion
}
