package cli

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	client_golang "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/foreshock/foreshock/internal/parts"
	"github.com/foreshock/foreshock/internal/prometheus"
)

// A rollout is a service in two versions behind an HAProxy under load, all of
// it scraped every second by a Prometheus.
type rollout struct {
	prometheus string // URL
	canary     *version
	began      time.Time
}

// A version is one version of the service.
type version struct {
	*httptest.Server
	bad atomic.Bool // fails half of its requests
}

// startRollout runs until the end of the test.
func startRollout(t *testing.T, canaryWeight int) *rollout {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes half a minute of real time; run it without -short")
	}
	parts.Prometheus2.Need(t)
	stable, canary := startVersion(t), startVersion(t)
	front, exporter := parts.HAProxy.HAProxy(t, "cart",
		parts.Backend{Name: "stable", Addr: stable.addr(), Weight: 100 - canaryWeight},
		parts.Backend{Name: "canary", Addr: canary.addr(), Weight: canaryWeight})
	server := parts.Prometheus2.Prometheus(t, "",
		parts.Scrape{Job: "haproxy", Targets: []string{exporter.Addr}},
		parts.Scrape{Job: "shop", Targets: []string{stable.addr()}, Labels: map[string]string{"service": "cart", "version": "1.0.0"}},
		parts.Scrape{Job: "shop", Targets: []string{canary.addr()}, Labels: map[string]string{"service": "cart", "version": "1.1.0"}})
	drive(t, front.URL)
	r := &rollout{prometheus: server.URL, canary: canary}
	r.await(t, `count(rate(http_requests_total{code="200"}[5s]) > 0) == 2`)
	r.began = time.Now()
	return r
}

// await waits until a query answers anything.
func (r *rollout) await(t *testing.T, query string) {
	t.Helper()
	c, err := prometheus.New(r.prometheus, prometheus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if series, err := c.Vector(t.Context(), query, time.Now()); err == nil && len(series) > 0 {
			return
		}
	}
	t.Fatalf("%s does not come true", query)
}

func startVersion(t *testing.T) *version {
	t.Helper()
	v := &version{}
	reg := client_golang.NewRegistry()
	served := client_golang.NewCounterVec(client_golang.CounterOpts{Name: "http_requests_total"}, []string{"code"})
	took := client_golang.NewHistogram(client_golang.HistogramOpts{Name: "http_request_duration_seconds"})
	reg.MustRegister(served, took, collectors.NewGoCollector())
	served.WithLabelValues("200")
	served.WithLabelValues("500")
	metrics := promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			metrics.ServeHTTP(w, r)
			return
		}
		took.Observe(0.01 + 0.01*rand.Float64())
		if v.bad.Load() && rand.IntN(2) == 0 {
			served.WithLabelValues("500").Inc()
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		served.WithLabelValues("200").Inc()
	}))
	t.Cleanup(v.Close)
	return v
}

func (v *version) addr() string { return v.Listener.Addr().String() }

// drive asks a URL about 200 times a second until the test ends.
func drive(t *testing.T, url string) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
			if err != nil {
				return
			}
			if resp, err := http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
			}
			<-tick.C
		}
	}()
}

// run runs a command and returns what it prints.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = Main(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}
