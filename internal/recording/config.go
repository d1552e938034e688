package recording

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// ConfigKind stands at the top of a foreshock.yaml.
const ConfigKind = "Config"

// A Config says how live releases are watched: foreshock.yaml, which
// 'foreshock init' writes.
type Config struct {
	Prometheus Server
	Interval   time.Duration // between frames; 0 when it is to be measured
	Services   []Watched
	Signals    []signal.Signal    // none means those of the catalogue
	Policy     *prevention.Policy // nil means the default one
	Objectives []string           // files of service-level objectives
}

// A Server says how a Prometheus is reached. Files are relative to the folder
// of the config; a secret never stands in it.
type Server struct {
	URL                             string
	Timeout                         time.Duration // of one query; 0 means the default
	BearerTokenFile                 string
	User, PasswordFile              string
	CAFile, CertFile, KeyFile, Name string // Name is that in the server's certificate
	Insecure                        bool
	Headers                         map[string]string
}

// Watched is one service, with the versions of a release in flight.
type Watched struct {
	Name, Selector  string
	Canary, Control string    // label matchers; "" when no release is in flight
	Weight          string    // a query for the share of traffic on the canary, in percent; "" when there is none
	Plan            []float64 // the weights, 0 to 1, that a release is meant to take, ascending; nil when nothing is said
}

// LoadConfig reads a foreshock.yaml, as strictly as a recording.
func LoadConfig(path string) (*Config, error) {
	text, err := limited(path)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	c, err := decodeConfig(path, text)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	return c, nil
}

func decodeConfig(path string, text []byte) (*Config, error) {
	node, err := parseFor(path, text, "a document with apiVersion, kind and spec")
	if err != nil {
		return nil, configFault(err)
	}
	b := &builder{decoder: decoder{file: path}, services: map[string]int{}, ids: map[string]int{}}
	top := b.object(node, "the config", "apiVersion kind spec")
	if v := top.text("apiVersion"); b.err == nil && v != APIVersion {
		b.fail(top.at("apiVersion"), "apiVersion is %q; want %s", v, APIVersion)
	}
	if v := top.text("kind"); b.err == nil && v != ConfigKind {
		b.fail(top.at("kind"), "kind is %q; want %s", v, ConfigKind)
	}
	c := &Config{}
	if b.err == nil {
		b.config(c, b.object(top.at("spec"), "spec", "prometheus ? interval services signals policy slo"))
	}
	return c, configFault(b.err)
}

// configFault points a fault at where the fields are described.
func configFault(err error) error {
	if fault, ok := errors.AsType[*SyntaxError](err); ok && fault.hint == "" {
		fault.hint = "the fields are described in docs/how-to/prometheus.md; 'foreshock init' writes a file to begin with"
	}
	return err
}

func (b *builder) config(c *Config, spec object) {
	b.server(&c.Prometheus, b.object(spec.at("prometheus"), "spec.prometheus",
		"url ? timeout bearerTokenFile user passwordFile caFile certFile keyFile serverName insecure headers"))
	if spec.has("interval") {
		c.Interval = spec.duration("interval")
	}
	lines := map[string]int{}
	for i, n := range spec.list("services") {
		o := b.object(n, fmt.Sprintf("spec.services[%d]", i), "name ? selector cohorts weight plan")
		w := b.watched(o)
		if line, twice := lines[w.Name]; twice {
			b.fail(n, "service %q stands already in line %d; give each a name of its own", w.Name, line)
		}
		lines[w.Name] = n.Line
		c.Services = append(c.Services, w)
	}
	var sys release.System
	b.signals(&sys, spec)
	c.Signals = sys.Signals
	for i, n := range spec.list("slo") {
		if n.Kind != yaml.ScalarNode || n.Value == "" {
			b.fail(n, "spec.slo[%d] is %s; want the path of a file", i, kindOf(n))
			continue
		}
		path := n.Value
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(b.file), path)
		}
		c.Objectives = append(c.Objectives, path)
	}
	if b.err == nil && spec.has("policy") {
		p, err := policyOf(&b.decoder, spec.at("policy"))
		c.Policy = &p
		if b.err == nil {
			b.err = err
		}
	}
}

func (b *builder) server(s *Server, o object) {
	s.URL = o.text("url")
	if o.has("timeout") {
		s.Timeout = o.duration("timeout")
	}
	for _, f := range []struct {
		name string
		to   *string
	}{
		{"bearerTokenFile", &s.BearerTokenFile},
		{"passwordFile", &s.PasswordFile},
		{"caFile", &s.CAFile},
		{"certFile", &s.CertFile},
		{"keyFile", &s.KeyFile},
	} {
		if *f.to = o.text(f.name); *f.to != "" && !filepath.IsAbs(*f.to) {
			*f.to = filepath.Join(filepath.Dir(b.file), *f.to)
		}
	}
	s.User, s.Name = o.text("user"), o.text("serverName")
	switch v, _ := o.scalar("insecure", "true or false"); v {
	case "", "false":
	case "true":
		s.Insecure = true
	default:
		b.fail(o.at("insecure"), "%s.insecure is %q; want true or false", o.where, v)
	}
	if o.has("headers") {
		s.Headers = map[string]string{}
		headers := b.object(o.at("headers"), o.where+".headers", "? *")
		for name := range headers.fields {
			s.Headers[name] = headers.text(name)
		}
	}
}

func (b *builder) watched(o object) Watched {
	w := Watched{Name: o.text("name"), Selector: b.selector(o, "selector"), Weight: o.text("weight")}
	if o.has("cohorts") {
		c := b.object(o.at("cohorts"), o.where+".cohorts", "canary ? control")
		w.Canary, w.Control = b.selector(c, "canary"), b.selector(c, "control")
	}
	if w.Weight != "" {
		if _, err := engine.ParseQuery(w.Weight); b.err == nil && err != nil {
			b.fail(o.at("weight"), "%s.weight: %v", o.where, err)
		}
	}
	for i, n := range o.list("plan") {
		x, err := strconv.ParseFloat(n.Value, 64)
		if k := len(w.Plan); err != nil || !(x > 0 && x <= 100) || k > 0 && x/100 <= w.Plan[k-1] {
			b.fail(n, "%s.plan[%d] is %s; want percents that rise, such as [10, 25, 50, 100]", o.where, i, kindOf(n))
		}
		w.Plan = append(w.Plan, x/100)
	}
	return w
}
