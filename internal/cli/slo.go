package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/internal/slo"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// objectives are the service-level objectives that are judged as well.
type objectives struct {
	files []string
	all   []slo.Objective
}

// flag adds the flag that names their files.
func (o *objectives) flag(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.files, "slo", nil, "judge the objectives in this `FILE` as well, as Sloth, Pyrra or OpenSLO write them; may be repeated")
}

// load reads the files.
func (o *objectives) load(cmd *cobra.Command) error {
	for _, path := range o.files {
		if path == "" {
			return misused(cmd, "--slo is empty; want a file of Sloth, Pyrra or OpenSLO")
		}
		all, err := slo.Load(path)
		if err != nil {
			return err
		}
		o.all = append(o.all, all...)
	}
	return nil
}

// loadFor reads the files, of which one must have an objective of a service.
func (o *objectives) loadFor(cmd *cobra.Command, service string) error {
	if err := o.load(cmd); err != nil {
		return err
	}
	_, err := o.signals([]string{service})
	return err
}

// signals returns what measures the objectives of some services. A file of
// which nothing is used is a mistake, and says nothing by itself. So is one
// that is used and cannot be measured.
func (o *objectives) signals(services []string) ([]signal.Signal, error) {
	if o == nil || len(o.all) == 0 {
		return nil, nil
	}
	var out []signal.Signal
	for _, x := range slo.Of(o.all, services) {
		if x.Refused != nil {
			return nil, fmt.Errorf("read objectives: %w", x.Refused)
		}
		out = append(out, x.Signal)
	}
	if len(out) > 0 {
		return out, nil
	}
	var known []string
	for _, x := range o.all {
		known = append(known, x.Service)
	}
	slices.Sort(known)
	return nil, &adviceError{
		msg:  "none of the objectives is of " + strings.Join(services, " or ") + "; they are of " + strings.Join(slices.Compact(known), ", "),
		mend: "call the service in the file of objectives as it is called here, or leave --slo out",
	}
}

// serviceNames lists the services of a system.
func serviceNames(sys release.System) []string {
	var names []string
	for _, s := range sys.Services {
		names = append(names, s.Name)
	}
	return names
}
