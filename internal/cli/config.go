package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/internal/recording"
)

// standardConfig is the config that is read when none is named and it is
// there.
const standardConfig = "foreshock.yaml"

// configFlag adds the flag that names a config.
func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "config", "", "read this `FILE` (default "+standardConfig+", if it is there and no --prometheus is given); flags count more")
}

// loadConfig reads the config that is named, or the standard one where it is
// there and no server is given; nil when there is none.
func loadConfig(cmd *cobra.Command, path, url string) (*recording.Config, error) {
	named := cmd.Flags().Changed("config")
	if named && path == "" {
		return nil, misused(cmd, "--config is empty; want a file such as %s", standardConfig)
	}
	if !named {
		path = standardConfig
	}
	if !named && url != "" {
		return nil, nil //nolint:nilnil // no config is not a fault
	}
	c, err := recording.LoadConfig(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
		return nil, nil //nolint:nilnil // no config is not a fault
	case errors.Is(err, fs.ErrNotExist):
		return nil, &adviceError{msg: fmt.Sprintf("there is no config %s", path), mend: "write one: foreshock init --prometheus http://127.0.0.1:9090"}
	}
	return c, err
}

// configure takes what the flags leave open from a config.
func (c *connection) configure(cmd *cobra.Command, s recording.Server) {
	flags := cmd.Flags()
	text := func(flag string, to *string, value string) {
		if !flags.Changed(flag) {
			*to = value
		}
	}
	text("prometheus", &c.url, s.URL)
	text("bearer-token-file", &c.o.BearerTokenFile, s.BearerTokenFile)
	text("user", &c.o.User, s.User)
	text("password-file", &c.o.PasswordFile, s.PasswordFile)
	text("ca-file", &c.o.CAFile, s.CAFile)
	text("cert-file", &c.o.CertFile, s.CertFile)
	text("key-file", &c.o.KeyFile, s.KeyFile)
	text("server-name", &c.o.ServerName, s.Name)
	if !flags.Changed("insecure") {
		c.o.Insecure = s.Insecure
	}
	if !flags.Changed("timeout") && s.Timeout > 0 {
		c.o.Timeout = s.Timeout
	}
	for name, value := range s.Headers {
		c.headers = append([]string{name + ": " + value}, c.headers...) // what comes later counts
	}
}

// configure takes the service from a config: the one that is named, or the
// only one with a release in flight. It returns what else the config says of
// it where the versions are its own.
func (s *subject) configure(cmd *cobra.Command, c *recording.Config) (recording.Watched, error) {
	var names, inFlight []string
	for _, w := range c.Services {
		names = append(names, w.Name)
		if w.Canary != "" {
			inFlight = append(inFlight, w.Name)
		}
	}
	if s.service == "" && len(inFlight) == 1 {
		s.service = inFlight[0]
	}
	if s.service == "" && len(names) > 0 {
		return recording.Watched{}, misused(cmd, "no service; give one of %s with --service", strings.Join(names, ", "))
	}
	i := slices.Index(names, s.service)
	switch {
	case i < 0 && s.canary != "":
		return recording.Watched{}, nil // all is said by flags
	case i < 0:
		return recording.Watched{}, misused(cmd, "the config has no service %q; want one of %s, or --canary and --control", s.service, strings.Join(names, ", "))
	}
	w := c.Services[i]
	s.visits = w.Visits
	if s.selector == "" {
		s.selector = w.Selector
	}
	if s.canary != "" {
		return recording.Watched{}, nil
	}
	if w.Canary == "" {
		return recording.Watched{}, misused(cmd, "the config names no versions of %s; give --canary and --control, or run 'foreshock init' again while a release is in flight", w.Name)
	}
	s.canary = w.Canary
	if s.control == "" {
		s.control = w.Control
	}
	return w, nil
}
