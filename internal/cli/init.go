package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/internal/discover"
	"github.com/foreshock/foreshock/internal/prometheus"
	"github.com/foreshock/foreshock/prevention"
)

// initializing is what an init was asked for.
type initializing struct {
	connection
	out   string
	force bool
}

func (a *app) initCommand(ctx context.Context) *cobra.Command {
	var o initializing
	cmd := &cobra.Command{
		Use:   "init --prometheus URL",
		Short: "Find services and releases in a live Prometheus, and write foreshock.yaml",
		Long: `Init asks a Prometheus what it knows: which services there are, of which two
versions live side by side, what can be seen of them by known exporters, and
what cannot, with the exporter that would show it. It prints that, and writes
foreshock.yaml, which 'foreshock watch' reads and you may edit.

Two versions are told apart by a label such as version, track,
rollouts_pod_template_hash or HAProxy's server, or by the names of two
services (Flagger's NAME and NAME-primary). The one that was first seen last
is taken for the canary.`,
		Example: `  # what is there?
  foreshock init --prometheus http://127.0.0.1:9090

  # a tenant of Mimir, with a token
  foreshock init --prometheus https://mimir.example/prometheus \
    --bearer-token-file token --header 'X-Scope-OrgID: team-a'

  # then watch the release it found
  foreshock watch --config foreshock.yaml --service cart`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.initialize(ctx, cmd, o) },
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.out, "out", "foreshock.yaml", "write this `FILE`")
	cmd.Flags().BoolVar(&o.force, "force", false, "overwrite the file if it is there")
	return cmd
}

func (a *app) initialize(ctx context.Context, cmd *cobra.Command, o initializing) error {
	client, err := o.client(cmd, 0)
	if err != nil {
		return err
	}
	if o.out == "" {
		return misused(cmd, "--out is empty; want a file, such as foreshock.yaml")
	}
	if _, err := os.Stat(o.out); err == nil && !o.force {
		return &adviceError{msg: o.out + " is there already", mend: "write another file with --out, or overwrite it with --force"}
	}
	server, err := serverOf(ctx, client)
	if err != nil {
		return err
	}
	prog := newProgress(a.stderr, 1)
	defer prog.end()
	prog.say("looking for services at " + client.URL())
	found, err := discover.Discover(ctx, client, time.Now())
	if err != nil {
		return err
	}
	prog.end()
	if len(found.Services) == 0 { // a file that says nothing would only be in the way of the next init
		if err := unsampled(ctx, client, time.Now()); err != nil {
			return err
		}
	}
	flags, err := o.configLines()
	if err != nil {
		return err
	}
	text := found.Config(discover.Head{URL: client.URL(), Server: server, Flags: flags, Policy: policyLines()})
	if err := renameio.WriteFile(o.out, []byte(text), 0o644); err != nil { // all of it or nothing: the disk may be full
		return fmt.Errorf("write config: %w", err)
	}
	a.notes(append(found.Warnings, client.Warnings()...))
	p := &page{screen: a.screen()}
	p.found(found, client.URL(), server)
	p.line("")
	p.next(found, o.out)
	_, err = fmt.Fprint(a.stdout, p.String())
	return err
}

// serverOf says what answers. Servers that do not know are no fault, those
// that cannot be reached are.
func serverOf(ctx context.Context, client *prometheus.Client) (string, error) {
	info, err := client.BuildInfo(ctx)
	fault, ok := errors.AsType[*prometheus.Error](err)
	switch {
	case ok && fault.Status == 404, err == nil && info.Version == "":
		return "", nil
	case err != nil:
		return "", err
	}
	return "version " + info.Version, nil
}

// configLines returns what a config has to say of the connection beside its
// address. Secrets are not among it.
func (c *connection) configLines() ([]string, error) {
	var out []string
	for _, f := range []struct{ name, path string }{
		{"bearerTokenFile", c.o.BearerTokenFile},
		{"passwordFile", c.o.PasswordFile},
		{"caFile", c.o.CAFile},
		{"certFile", c.o.CertFile},
		{"keyFile", c.o.KeyFile},
	} {
		if f.path == "" {
			continue
		}
		path, err := filepath.Abs(f.path)
		if err != nil {
			return nil, err
		}
		out = append(out, f.name+": "+strconv.Quote(path))
	}
	for _, f := range []struct{ name, value string }{{"user", c.o.User}, {"serverName", c.o.ServerName}} {
		if f.value != "" {
			out = append(out, f.name+": "+strconv.Quote(f.value))
		}
	}
	if c.o.Insecure {
		out = append(out, "insecure: true")
	}
	for _, h := range c.headers {
		name, value, _ := strings.Cut(h, ":")
		if name = strings.TrimSpace(name); strings.EqualFold(name, "X-Scope-OrgID") {
			out = append(out, "headers: {"+name+": "+strconv.Quote(strings.TrimSpace(value))+"}")
		} else {
			out = append(out, "# headers: {"+name+": …}  its value may be a secret: give it with --header")
		}
	}
	return out, nil
}

// policyLines returns the fields of the default policy that are changed most.
func policyLines() []string {
	p := prevention.DefaultPolicy()
	line := func(name string, value any, why string) string {
		return fmt.Sprintf("%-21s # %s", fmt.Sprintf("%s: %v", name, value), why)
	}
	return []string{
		line("promoteBelow", p.PromoteBelow, "promote below this probability of harm"),
		line("rollbackAbove", p.RollbackAbove, "roll back above it"),
		line("minFrames", p.MinFrames, "frames of the new version before it can be called good"),
		line("startUp", p.StartUp, "how long a new version may take to start"),
		line("maxHold", p.MaxHold, "after which a hold is escalated"),
		line("alpha", p.Alpha, "false discovery rate"),
	}
}

// found writes what a Prometheus knows.
func (p *page) found(f *discover.Found, url, server string) {
	inFlight := 0
	for _, s := range f.Services {
		if s.Canary != nil {
			inFlight++
		}
	}
	if server != "" {
		server = " (" + server + ")"
	}
	p.line(p.paint(bold, url) + server)
	p.wrapped(fmt.Sprintf("%s, %s", count(len(f.Services), "service"), count(inFlight, "release")+" in flight"))
	if f.Interval > 0 {
		p.row("frames", fmt.Sprintf("every %s: so often is %s scraped", short(f.Interval), f.Slowest))
	}
	if len(f.Exporters) > 0 {
		p.row("exporters", strings.Join(f.Exporters, ", "))
	}
	for i := range f.Services {
		if s := &f.Services[i]; s.Canary != nil {
			p.line("")
			p.releaseFound(f, s)
		}
	}
	if inFlight == len(f.Services) {
		return
	}
	p.line("")
	p.line(p.paint(faint, "services without a release in flight"))
	for _, s := range f.Services {
		if s.Canary == nil {
			var kinds []string
			for _, k := range s.Kinds {
				kinds = append(kinds, k.String())
			}
			p.row(s.Name, orDash(strings.Join(kinds, " ")))
		}
	}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// releaseFound writes a service of which two versions live.
func (p *page) releaseFound(f *discover.Found, s *discover.Service) {
	p.line(p.paint(bold, s.Name) + "  " + s.Canary.Name + " beside " + s.Control.Name)
	p.row("canary", s.Canary.Selector+since(s.Canary.First))
	p.row("control", s.Control.Selector+since(s.Control.First))
	for _, v := range s.Others {
		p.row("too", v.Selector+since(v.First))
	}
	if s.Doubt != "" {
		p.row("check", s.Doubt)
	}
	if s.Weight != "" {
		p.row("weight", s.Weight)
	}
	var seen []string
	for _, k := range s.Kinds {
		seen = append(seen, k.String())
	}
	p.row("seen", orDash(strings.Join(seen, " "))+" by "+strings.Join(s.Exporters, ", "))
	label := "not seen"
	for _, b := range f.BlindSpots(s) {
		text := b.Kind.String() + ": " + b.Unseen
		switch {
		case b.There != "":
			text += fmt.Sprintf("; %s is scraped, but its series have other labels", b.There)
		case len(b.Shown) > 0:
			text += "; " + strings.Join(b.Shown, " or ") + " would show it"
		}
		p.row(label, text)
		label = ""
	}
}

func since(first time.Time) string {
	if first.IsZero() {
		return ""
	}
	return ", since " + first.UTC().Format("Jan 02 15:04")
}

// next says what was written and what to do now.
func (p *page) next(f *discover.Found, file string) {
	i := slices.IndexFunc(f.Services, func(s discover.Service) bool { return s.Canary != nil })
	switch {
	case i >= 0:
		p.line("Wrote " + file + ". Read it, and watch the release:")
		p.line(fmt.Sprintf("  foreshock watch --config %s --service %s", file, f.Services[i].Name))
	case len(f.Services) > 0:
		p.line("Wrote " + file + ". When a release is on its way, run init again with --force, or name its")
		p.line("versions: foreshock watch --config " + file + " --service NAME --canary MATCHERS --control MATCHERS")
	default:
		p.wrapped("Wrote " + file + ". No known exporter names a service here: give services, cohorts and signals in it. The catalogue knows OpenTelemetry, Istio, Envoy, NGINX, HAProxy, Spring, Go and others.")
	}
}
