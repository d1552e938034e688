package engine

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/signal"
)

//go:embed catalogue.yaml
var catalogueYAML []byte

// An Exporter is one source of metrics that the catalogue knows.
type Exporter struct {
	ID      string
	Name    string // for people
	Read    string // where and when the names of its metrics were read
	Detect  string // the exporter is on when this selector has a series
	Signals []signal.Signal
}

// catalogueFile is the form of catalogue.yaml.
type catalogueFile struct {
	Version   int
	Exporters []struct {
		ID, Name, Read, Detect, Note string
		Signals                      []struct {
			S, Kind, Unit, Worse, V, Q, Note string
			Limit                            *float64
		}
	}
}

var catalogue = sync.OnceValues(parseCatalogue)

// Catalogue returns the exporters that are known and how their signals are
// asked, in the order in which a system takes them. Names of signals are
// "exporter/signal".
func Catalogue() ([]Exporter, error) { return catalogue() }

func parseCatalogue() ([]Exporter, error) {
	var file catalogueFile
	dec := yaml.NewDecoder(bytes.NewReader(catalogueYAML))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	out := make([]Exporter, 0, len(file.Exporters))
	for _, e := range file.Exporters {
		exporter := Exporter{ID: e.ID, Name: e.Name, Read: e.Read, Detect: e.Detect}
		for _, s := range e.Signals {
			name := e.ID + "/" + s.S
			sig := signal.Signal{Name: name, Family: name, Query: s.Q, Unit: signal.ParseUnit(s.Unit), Scope: signal.PerCohort}
			var err error
			if sig.Kind, err = signal.ParseKind(s.Kind); err == nil && s.Worse != "" {
				sig.Worse, err = signal.ParseDirection(s.Worse)
			}
			if err == nil {
				err = CheckTemplate(s.Q)
			}
			if err != nil {
				return nil, fmt.Errorf("catalogue: signal %s: %w", name, err)
			}
			if s.Limit != nil {
				sig.Limit = signal.Limit{Set: true, Value: *s.Limit * sig.Unit.Scale}
			}
			exporter.Signals = append(exporter.Signals, sig)
		}
		out = append(out, exporter)
	}
	return out, nil
}

// discover takes the signals of every exporter whose series exists at some
// time of the run. That looks ahead, but does no harm: a discovered signal
// has no cell before its own first sample, so it cannot be told from one
// that is not known yet.
func (s *Source) discover(ctx context.Context) error {
	exporters, err := Catalogue()
	if err != nil {
		return err
	}
	for _, e := range exporters {
		on, err := s.exists(ctx, e.Detect)
		if err != nil {
			return err
		}
		if on {
			s.sys.Signals = append(s.sys.Signals, e.Signals...)
		}
	}
	s.discovered = make([]bool, len(s.sys.Signals))
	for i := range s.discovered {
		s.discovered[i] = true
	}
	if len(s.sys.Signals) == 0 {
		s.warn("nothing-discovered", "no signals are given, and none of the known exporters was found; name the signals and their queries")
	}
	return nil
}

// exists says whether a selector has a series at some frame. A live source
// cannot know, so all exporters count.
func (s *Source) exists(ctx context.Context, selector string) (bool, error) {
	if s.o.Wait != nil {
		return true, nil
	}
	series, err := s.querier.Range(ctx, "count("+selector+")", s.o.Start, s.o.End, s.sys.Interval)
	if err != nil {
		return false, fmt.Errorf("look for signals: %w", err)
	}
	return len(series) > 0, nil
}
