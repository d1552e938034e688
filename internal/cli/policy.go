package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
)

// policyFlag adds the flag that names a policy's file.
func policyFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "policy", "", "judge by the policy in this `FILE` (YAML); what it does not say stays as it is")
}

// policyOf reads the policy of the flag; nil when it is not given.
func policyOf(cmd *cobra.Command, path string) (*prevention.Policy, error) {
	if !cmd.Flags().Changed("policy") {
		return nil, nil //nolint:nilnil // no policy is not a fault
	}
	if path == "" {
		return nil, misused(cmd, "--policy is empty; want a file")
	}
	p, err := recording.LoadPolicy(path)
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// signalNames lists the signals of a system, with those that histograms became.
func signalNames(sys release.System) []string {
	var names []string
	for _, s := range sys.Signals {
		names = append(names, s.Name)
	}
	return names
}

// knownSignals refuses a policy that gives a size to a signal that no
// recording has: a misspelt name would do nothing, and say nothing.
func knownSignals(p *prevention.Policy, known []string) error {
	if p == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(p.Signals)) {
		if !slices.Contains(known, name) {
			slices.Sort(known)
			return fmt.Errorf("policy: signals.%s: no recording has a signal of this name; want some of %s", name, strings.Join(slices.Compact(known), ", "))
		}
	}
	return nil
}
