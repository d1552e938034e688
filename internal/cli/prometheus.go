package cli

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/internal/prometheus"
	"github.com/foreshock/foreshock/signal"
)

// tokenVariable names the environment variable with a bearer token: a token
// on the command line could be read by every user of the machine.
const tokenVariable = "FORESHOCK_BEARER_TOKEN"

// connection is how a live Prometheus is reached, as the flags say it.
type connection struct {
	url     string
	headers []string
	o       prometheus.Options
}

// flags adds the flags of a connection to a command.
func (c *connection) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.url, "prometheus", "", "the `URL` of Prometheus, VictoriaMetrics, Thanos or Mimir, such as http://127.0.0.1:9090")
	f.StringVar(&c.o.BearerTokenFile, "bearer-token-file", "", "send the token in this `FILE`, read anew each time; or set "+tokenVariable)
	f.StringVar(&c.o.User, "user", "", "`NAME` for basic authentication, with --password-file")
	f.StringVar(&c.o.PasswordFile, "password-file", "", "`FILE` with the password of --user")
	f.StringArrayVar(&c.headers, "header", nil, "send this `'NAME: VALUE'` too, such as 'X-Scope-OrgID: team-a'; may be repeated")
	f.StringVar(&c.o.CAFile, "ca-file", "", "PEM `FILE` with the authority of the server's certificate")
	f.StringVar(&c.o.CertFile, "cert-file", "", "PEM `FILE` with our certificate, where the server wants one; needs --key-file")
	f.StringVar(&c.o.KeyFile, "key-file", "", "PEM `FILE` with the key of --cert-file")
	f.StringVar(&c.o.ServerName, "server-name", "", "the `NAME` in the server's certificate, when it is not that of the URL")
	f.BoolVar(&c.o.Insecure, "insecure", false, "do not check the server's certificate; for tests only")
	f.DurationVar(&c.o.Timeout, "timeout", 10*time.Second, "the longest `TIME` for one query, with all its tries")
}

// client returns a client of the connection. The look-back of its queries is
// given, or that of the server when it is 0.
func (c *connection) client(cmd *cobra.Command, lookBack time.Duration) (*prometheus.Client, error) {
	if c.url == "" {
		return nil, misused(cmd, "no Prometheus; give its address with --prometheus, such as http://127.0.0.1:9090")
	}
	if c.o.Timeout <= 0 {
		return nil, misused(cmd, "--timeout is %s; want a time above zero, such as 10s", c.o.Timeout)
	}
	if err := prometheus.CheckAddress(c.url); err != nil && cmd.Flags().Changed("prometheus") {
		return nil, &usageError{msg: err.Error(), mend: hint(err)}
	}
	o := c.o
	o.LookBack = lookBack
	if o.BearerTokenFile == "" && o.User == "" {
		o.BearerToken = os.Getenv(tokenVariable)
	}
	if len(c.headers) > 0 {
		o.Headers = map[string]string{}
	}
	for _, h := range c.headers {
		name, value, ok := strings.Cut(h, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, misused(cmd, "--header is %q; want 'NAME: VALUE', such as 'X-Scope-OrgID: team-a'", h)
		}
		o.Headers[name] = strings.TrimSpace(value)
	}
	o.Logger = slog.New(slog.DiscardHandler)
	return prometheus.New(c.url, o)
}

// sleep waits until an instant, or returns why it does not.
func sleep(ctx context.Context, until time.Time) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// unsampled says why a server in which nothing was found has nothing; nil when
// it has samples, or when that cannot be told.
func unsampled(ctx context.Context, client *prometheus.Client, at time.Time) error {
	names, err := client.MetricNames(ctx, at.Add(-10*time.Minute), at)
	switch {
	case err != nil:
		return nil //nolint:nilerr // there is an error to tell already: what was looked for was not found
	case len(names) == 0:
		return &adviceError{
			msg:  client.URL() + " answers, but has no samples yet",
			mend: "has it just started? Then try again in a minute. Does it scrape anything? See " + client.URL() + "/targets",
		}
	case !slices.ContainsFunc(names, func(n string) bool { return n != "up" && !strings.HasPrefix(n, "scrape_") }):
		return &adviceError{
			msg:  client.URL() + " answers, but has nothing of its targets yet but whether they are up",
			mend: "are they down, or not scraped yet? See " + client.URL() + "/targets, and try again when they are up",
		}
	}
	return nil
}

// unmatched says that none of the matchers given selects a series, where that is so.
func unmatched(ctx context.Context, client *prometheus.Client, at time.Time, selectors ...string) error {
	var given []string
	for _, sel := range selectors {
		if sel == "" {
			continue
		}
		found, err := client.Vector(ctx, "count({"+sel+"})", at)
		if err != nil || len(found) > 0 {
			return nil //nolint:nilerr // there is an error to tell already: what was looked for was not found
		}
		given = append(given, "{"+sel+"}")
	}
	if len(given) == 0 {
		return nil
	}
	return &adviceError{
		msg:  "no series match " + strings.Join(given, " or "),
		mend: "are these the labels of the service and its versions? 'foreshock init --prometheus " + client.URL() + "' lists what is there",
	}
}

// notes writes warnings for people, each on a line of standard error.
func (a *app) notes(warnings []signal.Warning) {
	for _, w := range warnings {
		if w.Code != "prometheus-info" { // on queries of ours, which nobody here can change
			a.note("%s", w.Text)
		}
	}
}
