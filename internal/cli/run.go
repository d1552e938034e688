package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/internal/tsdb"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
)

// A played recording.
type played struct {
	rec     *recording.Recording
	sys     release.System
	summary release.Summary
}

// A listener hears of a recording while it is played.
type listener struct {
	begin  func(rec *recording.Recording, sys release.System)
	frame  func(done, total int)
	assess func(release.Assessment)
}

// play judges one recording up to until (zero for all of it).
func play(ctx context.Context, dir string, until time.Time, l listener) (*played, error) {
	rec, err := recording.Load(dir)
	if err != nil {
		return nil, err
	}
	end := rec.End
	if !until.IsZero() && until.Before(end) {
		end = until
	}
	if end.Before(rec.Start) {
		return nil, fmt.Errorf("--until %s is before the recording's start %s", until.Format(time.RFC3339), rec.Start.Format(time.RFC3339))
	}
	db, err := tsdb.Open(ctx, rec.Metrics, tsdb.Options{LookBack: rec.LookBack()})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	src, err := engine.New(ctx, db, rec.System, engine.Options{Start: rec.Start, End: end})
	if err != nil {
		return nil, err
	}
	sys := src.System()
	if l.begin != nil {
		l.begin(rec, sys)
	}
	state := release.New(sys, prevention.DefaultPolicy())
	tally := release.NewTally()
	total, done := int(end.Sub(rec.Start)/rec.Interval)+1, 0
	for f, err := range src.Frames(ctx) {
		if err != nil {
			return nil, err
		}
		for _, a := range state.Step(f) {
			a.Recording = rec.Name
			tally.Add(a)
			if l.assess != nil {
				l.assess(a)
			}
		}
		if done++; l.frame != nil {
			l.frame(done, total)
		}
	}
	var warnings []release.WarningText
	for _, w := range append(rec.Warnings, src.Warnings()...) {
		warnings = append(warnings, release.WarningText{Code: w.Code, Text: w.Text})
	}
	return &played{rec: rec, sys: sys, summary: tally.Summary(rec.Name, state, warnings)}, nil
}
