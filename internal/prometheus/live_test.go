package prometheus

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	client_golang "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/foreshock/foreshock/internal/parts"
)

// TestScraped holds that what real servers scrape now is there now: the
// split of an HAProxy by version, native histograms, and a target that goes.
func TestScraped(t *testing.T) {
	tests := []struct {
		part   parts.Part
		native bool // it knows native histograms
		start  func(parts.Part, testing.TB, ...parts.Scrape) *parts.Server
	}{
		{parts.Prometheus2, true, func(p parts.Part, t testing.TB, jobs ...parts.Scrape) *parts.Server {
			return p.Prometheus(t, "", jobs...)
		}},
		{parts.Prometheus3, true, func(p parts.Part, t testing.TB, jobs ...parts.Scrape) *parts.Server {
			return p.Prometheus(t, "", jobs...)
		}},
		{parts.Victoria1, false, parts.Part.Victoria},
		{parts.Victoria, false, parts.Part.Victoria},
	}
	for _, tt := range tests {
		t.Run(tt.part.Name, func(t *testing.T) {
			t.Parallel()
			tt.part.Need(t)
			stable, canary := shop(t), shop(t)
			front, exporter := parts.HAProxy.HAProxy(t, "cart",
				parts.Backend{Name: "stable", Addr: stable.Listener.Addr().String(), Weight: 192},
				parts.Backend{Name: "canary", Addr: canary.Listener.Addr().String(), Weight: 64})
			server := tt.start(tt.part, t,
				parts.Scrape{Job: "haproxy", Targets: []string{exporter.Addr}},
				parts.Scrape{Job: "cart", Targets: []string{stable.Listener.Addr().String()}, Labels: map[string]string{"version": "v1"}},
				parts.Scrape{Job: "cart", Targets: []string{canary.Listener.Addr().String()}, Labels: map[string]string{"version": "v2"}})
			load(t, front.URL)
			c := client(t, server.URL, Options{LookBack: 5 * time.Second})

			const rate = `sum by (server) (rate(haproxy_server_http_responses_total{proxy="cart",code="2xx"}[5s]))`
			split := poll(t, c, rate, func(v map[string]float64) bool { return v["canary"] > 1 && v["stable"] > 1 })
			if share := split["canary"] / (split["canary"] + split["stable"]); share < 0.15 || share > 0.35 {
				t.Errorf("the canary takes %.2f of the traffic %v; want a quarter", share, split)
			}
			if tt.native {
				natives(t, c)
			}
			canary.Close()
			poll(t, c, `shop_served_total`, func(v map[string]float64) bool { return len(v) == 1 })
		})
	}
}

// shop is a small service with counters and a native histogram.
func shop(t *testing.T) *httptest.Server {
	t.Helper()
	reg := client_golang.NewRegistry()
	served := client_golang.NewCounter(client_golang.CounterOpts{Name: "shop_served_total"})
	took := client_golang.NewHistogram(client_golang.HistogramOpts{Name: "shop_took_seconds", NativeHistogramBucketFactor: 1.5})
	reg.MustRegister(served, took)
	metrics := promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			metrics.ServeHTTP(w, r)
			return
		}
		served.Inc()
		took.Observe(0.02)
	}))
	t.Cleanup(s.Close)
	return s
}

// load asks a URL about 100 times a second until the test ends.
func load(t *testing.T, url string) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
			if err != nil {
				return
			}
			if resp, err := http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
}

// poll asks a query until its values are as they should be.
func poll(t *testing.T, c *Client, query string, good func(map[string]float64) bool) map[string]float64 {
	t.Helper()
	var got map[string]float64
	for deadline := time.Now().Add(45 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		at := time.Now()
		series, err := c.Range(t.Context(), query, at, at, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		got = map[string]float64{}
		for i, s := range series {
			name := s.Labels["server"]
			if name == "" {
				name = fmt.Sprint(i)
			}
			got[name] = s.Samples[0].Value
		}
		if good(got) {
			return got
		}
	}
	t.Fatalf("%s stays %v", query, got)
	return nil
}

// natives holds that native histograms come as histograms, in ranges and at
// one instant.
func natives(t *testing.T, c *Client) {
	t.Helper()
	poll(t, c, `count(count_over_time(shop_took_seconds[5s]) >= 4)`, func(v map[string]float64) bool { return v["0"] == 2 })
	at := time.Now()
	for _, from := range []time.Time{at, at.Add(-2 * time.Second)} {
		series, err := c.Range(t.Context(), `sum(rate(shop_took_seconds[5s]))`, from, at, time.Second)
		if err != nil || len(series) != 1 {
			t.Errorf("native histograms: %v, %v; want one series", series, err)
			return
		}
		h := series[0].Samples[len(series[0].Samples)-1].Histogram
		if h == nil || !(h.Count > 1) || len(h.Upper) != 1 || !(h.Upper[0] > 0.02 && h.Upper[0] < 0.03) || h.Counts[0] != h.Count {
			t.Errorf("the histogram is %+v; want all of it in one bucket around 0.02", h)
		}
	}
	p50 := poll(t, c, `histogram_quantile(0.5, sum(rate(shop_took_seconds[5s])))`, func(v map[string]float64) bool { return len(v) == 1 })
	if p50["0"] < 0.015 || p50["0"] > 0.03 {
		t.Errorf("the median is %v; want about 0.02", p50)
	}
	if w := c.Warnings(); len(w) > 0 && !strings.Contains(w[0].Code, "info") {
		t.Errorf("Warnings() = %v", w)
	}
}

// TestPodinfo rolls the next version of podinfo out behind an HAProxy, and
// lets it fail: the codes of HAProxy and of podinfo tell the versions apart.
func TestPodinfo(t *testing.T) {
	t.Parallel()
	stable, canary := parts.FreeAddr(t), parts.FreeAddr(t)
	start := func(p parts.Part, addr string, more ...string) {
		host, port, _ := strings.Cut(addr, ":")
		parts.Start(t, addr, "/healthz", p.Need(t), append([]string{"--host", host, "--port", port, "--level", "panic"}, more...)...)
	}
	start(parts.Podinfo, stable)
	start(parts.PodinfoNext, canary, "--random-error")
	front, exporter := parts.HAProxy.HAProxy(t, "podinfo",
		parts.Backend{Name: "stable", Addr: stable, Weight: 128}, parts.Backend{Name: "canary", Addr: canary, Weight: 128})
	server := parts.Prometheus2.Prometheus(t, "",
		parts.Scrape{Job: "haproxy", Targets: []string{exporter.Addr}},
		parts.Scrape{Job: "podinfo", Targets: []string{stable}, Labels: map[string]string{"server": "stable"}},
		parts.Scrape{Job: "podinfo", Targets: []string{canary}, Labels: map[string]string{"server": "canary"}})
	load(t, front.URL)
	c := client(t, server.URL, Options{})
	for _, query := range []string{
		`sum by (server) (rate(haproxy_server_http_responses_total{code=~"4xx|5xx"}[5s])) / sum by (server) (rate(haproxy_server_http_responses_total[5s]))`,
		`(sum by (server) (rate(http_requests_total{status!="200"}[5s])) or 0 * sum by (server) (rate(http_requests_total[5s]))) / sum by (server) (rate(http_requests_total[5s]))`,
	} {
		poll(t, c, query, func(v map[string]float64) bool { return len(v) == 2 && v["stable"] == 0 && v["canary"] > 0.1 })
	}
}
