// Package parts starts real servers for tests: Prometheus, VictoriaMetrics
// and HAProxy, on loopback addresses, ended with the test.
//
// A server is looked for in the folder $FORESHOCK_PARTS, else in
// $XDG_CACHE_HOME/foreshock-parts, where scripts/parts puts what it builds,
// and among the commands of the system. A test whose part is not there is
// skipped, with the command that gets it.
package parts

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Part is a program that a test may need.
type Part struct {
	Name string // for people: "prometheus 3"
	file string // in the folder of parts; "" when it is only of the system
	cmd  string // of the system; "" when it is only built
	get  string // the command that gets it
}

// The parts that are known.
var (
	Prometheus2 = Part{Name: "prometheus of Debian", cmd: "prometheus", get: "apt-get install prometheus"}
	Prometheus3 = Part{Name: "prometheus 3", file: "prometheus", get: "scripts/parts prometheus"}
	Victoria1   = Part{Name: "victoria-metrics of Debian", cmd: "victoria-metrics", get: "apt-get install victoria-metrics"}
	Victoria    = Part{Name: "victoria-metrics", file: "victoria-metrics", get: "scripts/parts victoria-metrics"}
	Podinfo     = Part{Name: "podinfo", file: "podinfo", get: "scripts/parts podinfo"}
	HAProxy     = Part{Name: "haproxy", cmd: "haproxy", get: "apt-get install haproxy"}
	Promtool    = Part{Name: "promtool", cmd: "promtool", get: "apt-get install prometheus"}
)

// dir returns the folder of built parts.
func dir() string {
	if d := os.Getenv("FORESHOCK_PARTS"); d != "" {
		return d
	}
	cache, err := os.UserCacheDir() // $XDG_CACHE_HOME, or what stands for it
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "foreshock-parts")
}

// Find returns the path of a part; "" when it is not there.
func (p Part) Find() string {
	if p.file != "" {
		if path := filepath.Join(dir(), p.file); executable(path) {
			return path
		}
	}
	if p.cmd != "" {
		if path, err := exec.LookPath(p.cmd); err == nil {
			return path
		}
		if path := filepath.Join("/usr/sbin", p.cmd); executable(path) {
			return path
		}
	}
	return ""
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// Need returns the path of a part, or skips the test.
func (p Part) Need(t testing.TB) string {
	t.Helper()
	path := p.Find()
	if path == "" {
		t.Skipf("%s is not here; get it with: %s", p.Name, p.get)
	}
	return path
}

// A Server is a process that listens on an address of this machine.
type Server struct {
	Addr string // host:port
	URL  string // http://host:port
}

// FreeAddr returns a loopback address on which nothing listens.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startUp is how long a server may take to get ready, on a busy machine.
const startUp = time.Minute

// Start runs a program that listens on an address, and waits until a path
// answers 200. The program ends with the test.
func Start(t testing.TB, addr, ready, program string, args ...string) *Server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	said := &output{}
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait() //nolint:errcheck // it is ended by a signal
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	s := &Server{Addr: addr, URL: "http://" + addr}
	for deadline := time.Now().Add(startUp); ; {
		select {
		case <-ended:
			t.Fatalf("%s ended before it was ready:\n%s", program, said)
		case <-time.After(50 * time.Millisecond):
		}
		if answers(ctx, s.URL+ready) {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not ready after %s:\n%s", program, startUp, said)
		}
	}
}

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// output keeps what a process says, for the message of a failed test.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.buf.Len() < 1<<16 {
		o.buf.Write(p)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// A Scrape is what a server under test scrapes every second. Neighbours of
// the same job and path are one job.
type Scrape struct {
	Job     string
	Path    string // "" means /metrics
	Targets []string
	Labels  map[string]string // put on every series
}

// scrapeConfig writes the jobs down.
func scrapeConfig(t testing.TB, jobs []Scrape, global string) string {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "global: {scrape_interval: 1s, scrape_timeout: 1s%s}\nscrape_configs:\n", global)
	for i, j := range jobs {
		if i == 0 || jobs[i-1].Job != j.Job {
			fmt.Fprintf(&b, "- job_name: %q\n  metrics_path: %q\n  static_configs:\n", j.Job, cmp.Or(j.Path, "/metrics"))
		}
		b.WriteString("  - targets: [")
		for _, target := range j.Targets {
			fmt.Fprintf(&b, "%q,", target)
		}
		fmt.Fprintf(&b, "]\n    labels: {")
		for name, value := range j.Labels {
			fmt.Fprintf(&b, "%s: %q,", name, value)
		}
		b.WriteString("}\n")
	}
	if len(jobs) == 0 {
		b.WriteString("  []\n")
	}
	return file(t, "scrape.yml", b.String())
}

func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Prometheus starts a Prometheus on the data in a folder ("" for none).
func (p Part) Prometheus(t testing.TB, data string, jobs ...Scrape) *Server {
	t.Helper()
	program, addr, global := p.Need(t), FreeAddr(t), ""
	if p == Prometheus3 { // version 2 has a flag for it, and knows no such field
		global = ", scrape_native_histograms: true"
	}
	return Start(t, addr, "/-/ready", program, "--config.file="+scrapeConfig(t, jobs, global), "--storage.tsdb.path="+cmp.Or(data, t.TempDir()),
		"--storage.tsdb.retention.time=100y", "--web.listen-address="+addr, "--enable-feature=native-histograms", "--log.level=warn")
}

// Victoria starts a VictoriaMetrics without data.
func (p Part) Victoria(t testing.TB, jobs ...Scrape) *Server {
	t.Helper()
	program, addr := p.Need(t), FreeAddr(t)
	return Start(t, addr, "/health", program, "-storageDataPath="+t.TempDir(), "-httpListenAddr="+addr,
		"-retentionPeriod=100y", "-loggerLevel=ERROR", "-promscrape.config="+scrapeConfig(t, jobs, ""))
}

// A Backend is one server behind an HAProxy.
type Backend struct {
	Name, Addr string
	Weight     int // of 256; its share is by the sum of all
}

// HAProxy starts an HAProxy that splits what comes in among backends by
// weight, as the proxy of a service of this name. The exporter answers on
// /metrics of an address of its own.
func (p Part) HAProxy(t testing.TB, service string, backends ...Backend) (front, exporter *Server) {
	t.Helper()
	program, in, out := p.Need(t), FreeAddr(t), FreeAddr(t)
	var b strings.Builder
	fmt.Fprintf(&b, `defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
frontend in
  bind %s
  default_backend %s
frontend stats
  bind %s
  http-request use-service prometheus-exporter if { path /metrics }
backend %s
`, in, service, out, service)
	for _, s := range backends {
		fmt.Fprintf(&b, "  server %s %s weight %d\n", s.Name, s.Addr, s.Weight)
	}
	exporter = Start(t, out, "/metrics", program, "-db", "-f", file(t, "haproxy.cfg", b.String()))
	return &Server{Addr: in, URL: "http://" + in}, exporter
}
