// Package model reads models for package simulate from YAML, strictly, and
// carries models of public outages.
//
// It promises that what is read is complete and possible: an unknown or
// impossible value is an error that says file, line and mend, and so is a
// system that is over its limits before anything is released. It never plays a
// model.
package model

import (
	"embed"
	"fmt"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/internal/strictyaml"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
	"github.com/foreshock/foreshock/topology"
)

// The apiVersion and kind of a model.
const (
	APIVersion = "foreshock.dev/v1alpha1"
	Kind       = "Model"
)

// A File is a model as it was read.
type File struct {
	Name     string
	Story    *Story // nil unless it is of a real outage
	Model    simulate.Model
	From, To string   // versions
	Changes  []string // what is new, for people
}

// A Story says what of a model of an outage is known.
type Story struct {
	Title     string
	Sketch    bool     // made from summaries or from memory: the sources were not read
	Published []string // facts, in our words
	Assumed   []string // what no one published, and we chose
	Sources   []string // addresses
}

//go:embed scenarios/*.yaml
var scenarios embed.FS

// Scenarios returns the names of the embedded models, sorted.
func Scenarios() []string {
	entries, err := scenarios.ReadDir("scenarios")
	if err != nil {
		panic(err) // it is part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// Load reads the scenario of this name, or else the file at this path.
func Load(name string) (*File, error) {
	b, err := read(name)
	if err != nil {
		return nil, err
	}
	if slices.Contains(Scenarios(), name) {
		name += ".yaml"
	}
	return Parse(name, b)
}

// Source returns the text of a model that can be read.
func Source(name string) (string, error) {
	if _, err := Load(name); err != nil {
		return "", err
	}
	b, err := read(name)
	return string(b), err
}

func read(name string) ([]byte, error) {
	if slices.Contains(Scenarios(), name) {
		return scenarios.ReadFile(path.Join("scenarios", name+".yaml"))
	}
	b, err := strictyaml.ReadFile(name)
	if os.IsNotExist(err) && !strings.ContainsAny(name, "./") {
		return nil, &UnknownError{Name: name}
	}
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	return b, nil
}

// An UnknownError is a name that is neither a scenario nor a file.
type UnknownError struct{ Name string }

// Error says what was looked for.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is neither a scenario nor a file %q; scenarios are %s", e.Name, strings.Join(Scenarios(), ", "))
}

// Hint says where they are described.
func (e *UnknownError) Hint() string {
	return "'foreshock simulate --list' says what each is about"
}

// System returns the system that the model's frames are of.
func (f *File) System() release.System {
	m := f.Model
	sys := release.System{Interval: m.Interval, Signals: simulate.ModelSignals()}
	var edges []topology.Edge
	for i, s := range m.Services {
		sys.Services = append(sys.Services, release.Service{Name: s.Name, Criticality: 1})
		for _, c := range s.Calls {
			edges = append(edges, topology.Edge{From: i, To: c.To})
		}
	}
	for _, c := range m.New.Calls {
		edges = append(edges, topology.Edge{From: m.Rollout.Service, To: c.To})
	}
	sys.Graph = topology.New(len(m.Services), edges)
	r := release.Release{
		ID: m.Services[m.Rollout.Service].Name, Service: m.Rollout.Service, From: f.From, To: f.To,
		Strategy: release.CanaryRelease, Rollback: release.SafetyUnknown, Facts: f.Changes,
		Canary: "version=" + f.To, Control: "version=" + f.From,
	}
	for _, s := range m.Rollout.Steps {
		at := m.Start.Add(time.Duration(s.At * float64(time.Second)))
		r.Steps = append(r.Steps, release.Step{At: at, CompletedAt: at, Weight: s.Weight})
	}
	sys.Releases = []release.Release{r}
	return sys
}

// overfull returns an error when the system is over a limit before anything is
// released: no rollout can be judged in it.
func overfull(d *decoder, services []object, m simulate.Model) {
	uses, err := m.AtRest()
	if err != nil {
		d.Fail(services[0].Node, "spec.services: %v", err)
		return
	}
	for _, u := range uses {
		if u.Share < 1 {
			continue
		}
		i := slices.IndexFunc(m.Services, func(s simulate.Service) bool { return s.Name == u.Service })
		d.Fail(services[i].Node, "%s of %s is passed before anything is released: at the traffic of the start %s are needed, %s times what there is; lower traffic or work, or add instances",
			u.What, u.Service, percent(u.Share), figures(u.Share))
		return
	}
}

func percent(x float64) string { return fmt.Sprintf("%s %%", signal.Thousands(math.Round(100*x))) }
