package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/baseline"
	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/cli/watch"
	"github.com/foreshock/foreshock/internal/normal"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// remembering is the memory of normal of one command.
type remembering struct {
	path     string
	learn    bool
	memory   *baseline.Memory // as it was before the command; nil without one
	learned  *baseline.Memory // the same, with what is learned
	learners []*baseline.Learner
	lessons  []baseline.Lesson // that are not in the file yet
	known    *baseline.Memory  // what was in the file last
	kept     time.Time         // the frame with which it was written last
	failed   bool              // that it could not be written was told
}

// normalFlags adds the flags of the memory of normal.
func normalFlags(cmd *cobra.Command, r *remembering) {
	cmd.Flags().StringVar(&r.path, "normal", "", "take what is normal by hour of the week from this `FILE`, where there is no live control")
	cmd.Flags().BoolVar(&r.learn, "learn", false, "learn from the healthy time that is seen, and write --normal back")
}

// open reads the memory that the flags name.
func (r *remembering) open(cmd *cobra.Command) error {
	switch {
	case cmd.Flags().Changed("normal") && r.path == "":
		return misused(cmd, "--normal is empty; want a file")
	case r.path == "" && r.learn:
		return misused(cmd, "--learn has nowhere to write; want --normal FILE as well")
	case r.path == "":
		return nil
	}
	m, err := normal.Read(r.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && r.learn:
		m = baseline.New(baseline.Options{}) // nothing is normal yet
	case errors.Is(err, fs.ErrNotExist):
		return &adviceError{
			msg:  fmt.Sprintf("there is no memory of normal at %s", r.path),
			mend: "let it be learned: foreshock replay DIR --normal " + r.path + " --learn",
		}
	case err != nil:
		return err
	}
	r.memory, r.known = m, m
	if r.learn {
		r.learned, err = baseline.New(baseline.Options{HalfLife: m.HalfLife()}).Merge(m)
	}
	return err
}

// listen lets a play ask the memory, and teaches it what the play shows. What
// is asked is as it was before the command, so that what is said does not hang
// on what comes later in a recording, or in the one before.
func (r *remembering) listen(l *listener) {
	if r.memory == nil {
		return
	}
	l.normal = r.memory
	if !r.learn {
		return
	}
	var learner *baseline.Learner
	var last signal.Frame
	seen, healthy := false, true
	begin, saw, assess := l.begin, l.saw, l.assess
	l.begin = func(name string, sys release.System) error {
		learner = baseline.NewLearner(r.learned, engine.Names(sys), sys.Interval)
		r.learners = append(r.learners, learner)
		if begin == nil {
			return nil
		}
		return begin(name, sys)
	}
	l.saw = func(f signal.Frame) {
		if seen { // all that is said of the last frame has been said
			learner.Add(last, healthy)
		}
		last, seen, healthy = f, true, true
		if saw != nil {
			saw(f)
		}
	}
	l.assess = func(as release.Assessment) error {
		healthy = healthy && as.Calm()
		if assess == nil {
			return nil
		}
		return assess(as)
	}
}

// live lets a watch ask the memory, and teaches it what the watch sees. What a
// series has learned of a time already it does not learn again.
func (r *remembering) live(a *app, o *watch.Options) {
	if r.memory == nil {
		return
	}
	o.Normal = r.memory
	if !r.learn {
		return
	}
	o.Learn = func(sys release.System) func(signal.Frame, bool) {
		learner := baseline.NewLearner(r.learned, engine.Names(sys), sys.Interval)
		r.learners = append(r.learners, learner)
		return func(f signal.Frame, healthy bool) {
			learner.Add(f, healthy)
			r.keep(a, f.At)
		}
	}
}

// keeping is how often a watch writes what it has learned: one that is killed
// loses no more.
const keeping = 5 * time.Minute

// keep writes what was learned, if it is time. That it cannot be is told once:
// the watch goes on, and tries again.
func (r *remembering) keep(a *app, at time.Time) {
	if at.Sub(r.kept) < keeping {
		return
	}
	r.kept = at
	if r.gather(); len(r.lessons) == 0 {
		return
	}
	if err := r.write(); err != nil && !r.failed {
		r.failed = true
		a.note("what was learned cannot be kept so far; it is tried again every %s: %v", short(keeping), err)
	}
}

// gather takes what the learners have learned.
func (r *remembering) gather() {
	for _, l := range r.learners {
		r.lessons = append(r.lessons, l.Lessons()...)
	}
}

// write adds what was learned to the file, to which others may write too.
func (r *remembering) write() error {
	now, err := normal.Add(r.path, r.lessons, r.known)
	if err != nil {
		return err
	}
	r.lessons, r.known = nil, now
	return nil
}

// warnings are what a reader of a recording must know of the memory.
func (r *remembering) warnings(p *played) []release.WarningText {
	if r.memory == nil || !r.memory.Newest().After(p.rec.Start) {
		return nil
	}
	return []release.WarningText{{
		Code: "memory-ahead", Text: "what is normal was learned from after the start of this recording too: live, less would have been known",
	}}
}

// close writes back what was learned, and says how much.
func (r *remembering) close(a *app) error {
	if r.learned == nil {
		return nil
	}
	var hours float64
	for _, l := range r.learners {
		hours += l.Hours()
	}
	r.gather()
	if err := r.write(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stderr, "learned %.1f hours of signals; %s remembers %d signals\n", hours, r.path, r.known.Len())
	return err
}
