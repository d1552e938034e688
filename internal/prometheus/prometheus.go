// Package prometheus asks a Prometheus over its HTTP API: Prometheus itself,
// and what answers the same API, such as VictoriaMetrics, Thanos and Mimir.
// It is an [engine.Querier], as the embedded database is, and holds to the
// same conformance test.
//
// It promises bounded memory (an answer is decoded as it arrives, and ended
// when it grows over its limits), bounded time (a query with all its tries
// has one deadline), and errors that say which server, what, and the mend,
// without a secret in them. What a server remarks on its answers is kept and
// can be read.
//
// It never writes to the server, never follows a redirect with credentials,
// and never takes a partial answer for a whole one without a warning.
package prometheus

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/config"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/signal"
)

// Options tune a [Client]. The zero value is ready to use.
type Options struct {
	// Timeout is the time for one query, with all its tries; 0 means 10 s.
	// Lower it when frames are closer than that.
	Timeout time.Duration
	// Retries is how often a query is tried again after a 5xx, a 429 or a
	// broken connection; 0 means 3, negative means never. Other answers are
	// final.
	Retries int
	// LookBack is how old the sample behind a value may be; 0 means what the
	// server does, mostly 5 min. Frames want 2 × their interval: a longer one
	// hides silence. Servers that do not know the parameter ignore it.
	LookBack time.Duration
	// Parallel is how many requests are under way at once; 0 means 4. More
	// wait.
	Parallel int
	// MaxBytes is the most text of one answer; 0 means 64 MiB.
	MaxBytes int64
	// MaxSeries is the most series of one answer; 0 means 50,000. An answer
	// of more is a label that explodes or an aggregation that is missing.
	MaxSeries int

	BearerToken     string // sent as "Authorization: Bearer …"; "" means none
	BearerTokenFile string // read again for every request, so that tokens may rotate; "" means none
	User            string // basic authentication; "" means what stands in the URL
	Password        string
	PasswordFile    string // read again for every request

	CAFile     string // PEM of the authority that signed the server's certificate; "" means those of the system
	CertFile   string // PEM of our certificate, where the server wants one; needs KeyFile
	KeyFile    string
	ServerName string // in the server's certificate, when it is not the host of the URL
	Insecure   bool   // do not check the server's certificate at all; for tests

	// Headers are sent with every request, such as X-Scope-OrgID.
	Headers map[string]string

	Logger *slog.Logger // hears of tries that are repeated; nil means none
}

// The limits that hold when nothing is said.
const (
	defaultTimeout   = 10 * time.Second
	defaultRetries   = 3
	defaultParallel  = 4
	defaultMaxBytes  = 64 << 20
	defaultMaxSeries = 50_000
)

// A Client asks one server. It may be used by several goroutines.
type Client struct {
	base *url.URL // without user and password
	http *http.Client
	o    Options
	log  *slog.Logger
	turn chan struct{} // holds one for each request under way
	// byGet is set when the server has refused POST.
	byGet atomic.Bool

	mu       sync.Mutex
	warnings []signal.Warning
	skew     time.Duration
	clocked  bool // skew is known
}

var _ engine.Querier = (*Client)(nil)

// New returns a client of the server at an address such as
// http://127.0.0.1:9090 or https://mimir.example/prometheus. It asks nothing
// yet. Errors are [*Error].
func New(address string, o Options) (*Client, error) {
	base, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	if base.User != nil && o.User == "" {
		o.User = base.User.Username()
		o.Password, _ = base.User.Password()
	}
	base.User = nil
	c := &Client{base: base, o: o.withDefaults(), log: o.Logger}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.turn = make(chan struct{}, c.o.Parallel)
	if c.http, err = c.o.client(); err != nil {
		return nil, &Error{URL: c.URL(), Msg: "prepare the connection", Err: err, hint: "mend the files and options of the connection"}
	}
	return c, nil
}

// URL returns the address of the server, without user and password.
func (c *Client) URL() string { return c.base.String() }

func (o Options) withDefaults() Options {
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	o.Retries = max(0, cmp.Or(o.Retries, defaultRetries))
	o.Parallel = max(1, cmp.Or(o.Parallel, defaultParallel))
	o.MaxBytes = cmp.Or(o.MaxBytes, defaultMaxBytes)
	o.MaxSeries = cmp.Or(o.MaxSeries, defaultMaxSeries)
	return o
}

// CheckAddress says what is wrong with the address of a server, as [New] would.
func CheckAddress(address string) error {
	_, err := parseAddress(address)
	return err
}

// parseAddress reads the base URL of a server.
func parseAddress(address string) (*url.URL, error) {
	wrong := func(msg, hint string) (*url.URL, error) {
		return nil, &Error{URL: redact(address), Msg: msg, hint: hint}
	}
	const form = "give the address of the server, such as http://127.0.0.1:9090 or https://metrics.example/prometheus"
	u, err := url.Parse(address)
	switch {
	case address == "":
		return nil, &Error{Msg: "the address of Prometheus is empty", hint: form}
	case err != nil || u.Host == "" && !strings.Contains(address, "://"):
		return wrong("this is no URL with a scheme", form)
	case u.Scheme != "http" && u.Scheme != "https":
		return wrong(fmt.Sprintf("the scheme is %q; want http or https", u.Scheme), form)
	case u.Host == "":
		return wrong("the URL has no host", form)
	case u.RawQuery != "" || u.Fragment != "":
		return wrong("the URL has a query or a fragment", form+"; credentials and headers have options of their own")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if before, _, ok := strings.Cut(u.Path, "/api/v1"); ok {
		return wrong("the URL leads into the API", "leave out what begins with /api/v1: "+redact(u.Scheme+"://"+u.Host+before))
	}
	return u, nil
}

// redact takes user and password off an address, however broken it is.
func redact(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "", address
	} else {
		scheme += "://"
	}
	host, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	if path != "" {
		path, _, _ = strings.Cut("/"+path, "?")
	}
	return scheme + host + path
}

// client makes the connection of the options. It follows no redirect, and
// reads files of certificates and secrets again when they change.
func (o Options) client() (*http.Client, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	cfg := config.HTTPClientConfig{
		EnableHTTP2: true,
		TLSConfig: config.TLSConfig{
			CAFile: o.CAFile, CertFile: o.CertFile, KeyFile: o.KeyFile,
			ServerName: o.ServerName, InsecureSkipVerify: o.Insecure,
		},
		ProxyConfig: config.ProxyConfig{ProxyFromEnvironment: true},
	}
	switch {
	case o.BearerToken != "" || o.BearerTokenFile != "":
		cfg.Authorization = &config.Authorization{Type: "Bearer", Credentials: config.Secret(o.BearerToken), CredentialsFile: o.BearerTokenFile}
	case o.User != "":
		cfg.BasicAuth = &config.BasicAuth{Username: o.User, Password: config.Secret(o.Password), PasswordFile: o.PasswordFile}
	}
	if len(o.Headers) > 0 {
		cfg.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{}}
		for name, value := range o.Headers {
			cfg.HTTPHeaders.Headers[name] = config.Header{Secrets: []config.Secret{config.Secret(value)}}
		}
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return config.NewClientFromConfig(cfg, "foreshock", config.WithUserAgent("foreshock"))
}

// check says what does not go together, and which file is not there: the
// connection would say so only when it is used, and of the wrong thing.
func (o Options) check() error {
	switch {
	case o.BearerToken != "" && o.BearerTokenFile != "":
		return errors.New("both a bearer token and a file with one are given; want one of them")
	case (o.BearerToken != "" || o.BearerTokenFile != "") && o.User != "":
		return errors.New("both a bearer token and a user are given; want one of them")
	case o.Password != "" && o.PasswordFile != "":
		return errors.New("both a password and a file with one are given; want one of them")
	case o.User == "" && (o.Password != "" || o.PasswordFile != ""):
		return errors.New("a password is given without a user; want both")
	case (o.CertFile == "") != (o.KeyFile == ""):
		return errors.New("a client certificate needs its key, and a key its certificate; want both files")
	}
	for _, f := range []struct{ what, path string }{
		{"the bearer token", o.BearerTokenFile},
		{"the password", o.PasswordFile},
		{"the authority's certificate", o.CAFile},
		{"the client certificate", o.CertFile},
		{"the client key", o.KeyFile},
	} {
		if f.path == "" {
			continue
		}
		if _, err := os.Stat(f.path); err != nil {
			return fmt.Errorf("read %s: %w", f.what, err)
		}
	}
	return nil
}
