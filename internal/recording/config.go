package recording

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/strictyaml"
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
	Normal     string             // the file of what is normal; "" for none
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
	Canary, Control string // label matchers; "" when no release is in flight
	Weight          string // a query for the share of traffic on the canary, in percent; "" when there is none
	Visits          release.Visits
	Plan            []float64 // the weights, 0 to 1, that a release is meant to take, ascending; nil when nothing is said
}

// LoadConfig reads a foreshock.yaml, as strictly as a recording.
func LoadConfig(path string) (*Config, error) {
	text, err := strictyaml.ReadFile(path)
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
	b := &builder{Decoder: strictyaml.Decoder{File: path, Mend: configMend}, services: map[string]int{}, ids: map[string]int{}}
	node := b.Document(text, "a document with apiVersion, kind and spec")
	if b.Err != nil {
		return nil, b.Err
	}
	top := b.Object(node, "the config", "apiVersion kind spec")
	if v := top.Text("apiVersion"); b.Err == nil && v != APIVersion {
		b.Fail(top.At("apiVersion"), "apiVersion is %q; want %s", v, APIVersion)
	}
	if v := top.Text("kind"); b.Err == nil && v != ConfigKind {
		b.Fail(top.At("kind"), "kind is %q; want %s", v, ConfigKind)
	}
	c := &Config{}
	if b.Err == nil {
		b.config(c, b.Object(top.At("spec"), "spec", "prometheus ? interval services signals policy slo normal"))
	}
	return c, b.Err
}

// configMend says where the fields of a config are described.
const configMend = "the fields are described in docs/how-to/prometheus.md; 'foreshock init' writes a file to begin with"

func (b *builder) config(c *Config, spec strictyaml.Object) {
	b.server(&c.Prometheus, b.Object(spec.At("prometheus"), "spec.prometheus",
		"url ? timeout bearerTokenFile user passwordFile caFile certFile keyFile serverName insecure headers"))
	if spec.Has("interval") {
		c.Interval = spec.Duration("interval")
	}
	lines := map[string]int{}
	for i, n := range spec.List("services") {
		o := b.Object(n, fmt.Sprintf("spec.services[%d]", i), "name ? selector cohorts weight plan requestsPerUser sticky")
		w := b.watched(o)
		if line, twice := lines[w.Name]; twice {
			b.Fail(n, "service %q stands already in line %d; give each a name of its own", w.Name, line)
		}
		lines[w.Name] = n.Line
		c.Services = append(c.Services, w)
	}
	var sys release.System
	b.signals(&sys, spec)
	c.Signals = sys.Signals
	for i, n := range spec.List("slo") {
		if n.Kind != yaml.ScalarNode || n.Value == "" {
			b.Fail(n, "spec.slo[%d] is %s; want the path of a file", i, strictyaml.Describe(n))
			continue
		}
		c.Objectives = append(c.Objectives, b.beside(n.Value))
	}
	if spec.Has("normal") {
		c.Normal = b.beside(spec.Text("normal"))
	}
	if b.Err == nil && spec.Has("policy") {
		p, err := policyOf(b.File, spec.At("policy"))
		c.Policy = &p
		if b.Err == nil {
			b.Err = err
		}
	}
}

// beside returns a path that is relative to the folder of the config.
func (b *builder) beside(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(b.File), path)
}

func (b *builder) server(s *Server, o strictyaml.Object) {
	s.URL = o.Text("url")
	if o.Has("timeout") {
		s.Timeout = o.Duration("timeout")
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
		if *f.to = o.Text(f.name); *f.to != "" && !filepath.IsAbs(*f.to) {
			*f.to = filepath.Join(filepath.Dir(b.File), *f.to)
		}
	}
	s.User, s.Name = o.Text("user"), o.Text("serverName")
	s.Insecure = o.Flag("insecure")
	if o.Has("headers") {
		s.Headers = map[string]string{}
		headers := b.Object(o.At("headers"), o.Name("headers"), "? *")
		for _, name := range slices.Sorted(maps.Keys(headers.Fields)) { // so that of two faults always the same is said
			s.Headers[name] = headers.Text(name)
		}
	}
}

func (b *builder) watched(o strictyaml.Object) Watched {
	w := Watched{Name: o.Text("name"), Selector: b.selector(o, "selector"), Weight: o.Text("weight"), Visits: visits(o)}
	if o.Has("cohorts") {
		w.Canary, w.Control = b.cohorts(o)
	}
	if w.Weight != "" {
		if _, err := engine.ParseQuery(w.Weight); b.Err == nil && err != nil {
			b.Fail(o.At("weight"), "%s: %v", o.Name("weight"), err)
		}
	}
	for i, n := range o.List("plan") {
		x, err := strconv.ParseFloat(n.Value, 64)
		if k := len(w.Plan); err != nil || !(x > 0 && x <= 100) || k > 0 && x/100 <= w.Plan[k-1] {
			b.Fail(n, "%s.plan[%d] is %s; want percents that rise, such as [10, 25, 50, 100]", o.Where, i, strictyaml.Describe(n))
		}
		w.Plan = append(w.Plan, x/100)
	}
	return w
}
