package engine

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/signal"
)

//go:embed catalogue.yaml
var catalogueYAML []byte

// An Exporter is one source of metrics that the catalogue knows.
type Exporter struct {
	ID      string
	Name    string   // for people
	Read    string   // where and when the names of its metrics were read
	Detect  string   // the exporter is on when this selector has a series
	Unless  []string // exporters that tell the same of a service, and more
	Signals []signal.Signal
}

// catalogueFile is the form of catalogue.yaml.
type catalogueFile struct {
	Version   int
	Exporters []struct {
		ID, Name, Read, Detect, Note string
		Unless                       []string
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
		exporter := Exporter{ID: e.ID, Name: e.Name, Read: e.Read, Detect: e.Detect, Unless: e.Unless}
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

// Live, exporters are looked for at the start, and again every redetect
// frames, or every eager frames as long as there is none. At the start the last recent frames before the first one count.
const (
	redetect = 20
	eager    = 2
	recent   = 20
)

// discover takes the signals of every exporter whose series exists at some
// time of the run. That looks ahead, but does no harm: a discovered signal
// has no cell before its own first sample, so it cannot be told from one
// that is not known yet. A live run cannot know: it takes the signals of all
// exporters, and asks for those that are there.
func (s *Source) discover(ctx context.Context) error {
	var err error
	if s.exporters, err = Catalogue(); err != nil {
		return err
	}
	s.on = make([]bool, len(s.exporters))
	from, to := s.horizon()
	if err := s.detect(ctx, from, to); err != nil {
		return fmt.Errorf("look for signals: %w", err)
	}
	for i, e := range s.exporters {
		if !s.on[i] && s.o.Wait == nil {
			continue
		}
		s.sys.Signals = append(s.sys.Signals, e.Signals...)
		for range e.Signals {
			s.exporter = append(s.exporter, i)
		}
	}
	if len(s.sys.Signals) == 0 {
		s.warn("nothing-discovered", "no signals are given, and none of the known exporters was found; name the signals and their queries")
	}
	return nil
}

// nothing says whether exporters are looked for and none is there but the one
// that every scrape has, and what that means.
func (s *Source) nothing() (text string, yes bool) {
	if len(s.exporters) == 0 {
		return "", false
	}
	text = "the metrics source answers, but has no samples yet, not even of up: has it just started, or does it scrape nothing?"
	for i, on := range s.on {
		switch {
		case on && s.exporters[i].Detect != "up":
			return "", false
		case on:
			text = "the metrics source answers, but of its targets only up is known, and none of the known exporters: are they down, or not scraped yet? Else name the signals and their queries"
		}
	}
	return text, true
}

// horizon returns the range in which to look for what there is to ask: all of
// a recording, and the last frames before the first one when live.
func (s *Source) horizon() (from, to time.Time) {
	if s.o.Wait != nil {
		return s.o.Start.Add(-recent * s.sys.Interval), s.o.Start
	}
	return s.o.Start, s.o.End
}

// detect notes which exporters have a series at some frame of a range. It is
// one query for all that were not found yet:
//
//	label_replace(count(DETECT), "exporter", "ID", "", "") or …
func (s *Source) detect(ctx context.Context, from, to time.Time) error {
	var parts []string
	for i, e := range s.exporters {
		if !s.on[i] {
			parts = append(parts, fmt.Sprintf(`label_replace(count(%s), "exporter", %q, "", "")`, e.Detect, e.ID))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	series, err := s.querier.Range(ctx, strings.Join(parts, " or "), from, to, s.sys.Interval)
	if err != nil {
		return err
	}
	for i, e := range s.exporters {
		s.on[i] = s.on[i] || slices.ContainsFunc(series, func(x Series) bool { return x.Labels["exporter"] == e.ID })
	}
	return nil
}

// discovered says whether a signal was taken from the catalogue.
func (s *Source) discovered(i int) bool { return i < len(s.exporter) && s.exporter[i] >= 0 }

// active says whether a signal is asked for: given ones always, discovered
// ones once their exporter was found.
func (s *Source) active(i int) bool { return !s.discovered(i) || s.on[s.exporter[i]] }
