package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/foreshock/foreshock/baseline"
	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/internal/tsdb"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// A played recording.
type played struct {
	rec     *recording.Recording
	sys     release.System
	frames  int
	summary release.Summary

	// Live, how many signals were asked for, and how many ever had a value; 0
	// when they are all there.
	asked, seen int
}

// A listener hears of a recording while it is played. What is nil is not
// called; an error ends the play.
type listener struct {
	policy *prevention.Policy // to judge by; nil means the default
	normal baseline.Normal    // nil means that nothing is remembered
	slo    *objectives        // nil means none
	loaded func(*recording.Recording) error
	begin  func(name string, sys release.System) error
	saw    func(signal.Frame) // before it is judged
	assess func(release.Assessment) error
	frame  func(done, total int)
}

// play judges one recording, frame by frame, up to an instant.
func play(ctx context.Context, dir string, u until, l listener) (*played, error) {
	rec, err := recording.Load(dir)
	if err != nil {
		return nil, err
	}
	end, err := l.begins(rec, u)
	if err != nil {
		return nil, err
	}
	db, err := openMetrics(ctx, dir, rec)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	besides, err := l.slo.signals(serviceNames(rec.System))
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", rec.Name, err)
	}
	src, err := engine.New(ctx, db, rec.System, engine.Options{Start: rec.Start, End: end, Normal: l.normal, Besides: besides})
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", rec.Name, err)
	}
	p := &played{rec: rec, sys: src.System()}
	if l.begin != nil {
		if err := l.begin(rec.Name, p.sys); err != nil {
			return nil, err
		}
	}
	state := release.New(p.sys, l.judgesBy())
	tally := release.NewTally()
	total := int(end.Sub(rec.Start)/rec.Interval) + 1
	for f, err := range src.Frames(ctx) {
		if err != nil {
			return nil, fmt.Errorf("recording %s: %w", rec.Name, err)
		}
		l.sees(f)
		for _, as := range state.Step(f) {
			as.Recording = rec.Name
			tally.Add(as)
			if err := l.heard(as); err != nil {
				return nil, err
			}
		}
		if p.frames++; l.frame != nil {
			l.frame(p.frames, total)
		}
	}
	var warnings []release.WarningText
	for _, w := range append(rec.Warnings, src.Warnings()...) {
		warnings = append(warnings, release.WarningText{Code: w.Code, Text: w.Text})
	}
	p.summary = tally.Summary(rec.Name, state, warnings)
	return p, nil
}

// openMetrics opens the metrics of the recording in a folder.
func openMetrics(ctx context.Context, dir string, rec *recording.Recording) (*tsdb.DB, error) {
	db, err := tsdb.Open(ctx, rec.Metrics, tsdb.Options{LookBack: rec.LookBack()})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &adviceError{
			msg:  fmt.Sprintf("recording %s has no metrics: there is no %s", rec.Name, rec.Metrics),
			mend: "put the metrics there, or say in " + filepath.Join(dir, described) + " where they are (spec.metrics)",
		}
	}
	return db, err
}

// begins hands over a recording that was read, and returns the last instant
// to look at.
func (l listener) begins(rec *recording.Recording, u until) (time.Time, error) {
	if l.loaded != nil {
		if err := l.loaded(rec); err != nil {
			return time.Time{}, err
		}
	}
	end, err := u.in(rec.Start, rec.End)
	if err != nil {
		return end, fmt.Errorf("recording %s: %w", rec.Name, err)
	}
	return end, nil
}

// judgesBy returns the policy to judge by.
func (l listener) judgesBy() prevention.Policy {
	if l.policy != nil {
		return *l.policy
	}
	return prevention.DefaultPolicy()
}

func (l listener) sees(f signal.Frame) {
	if l.saw != nil {
		l.saw(f)
	}
}

func (l listener) heard(as release.Assessment) error {
	if l.assess == nil {
		return nil
	}
	return l.assess(as)
}
