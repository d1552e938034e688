package part

import (
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// buckets of all durations, in seconds. The objective of 250 ms is one.
var buckets = []float64{.005, .01, .02, .03, .05, .075, .1, .15, .25, .5, 1, 2.5}

// A meter holds the metrics of a process, with the names of OpenTelemetry's
// semantic conventions as Prometheus writes them.
type meter struct {
	registry *prometheus.Registry
	server   *prometheus.HistogramVec // http_server_request_duration_seconds
	active   prometheus.Gauge         // http_server_active_requests
	client   *prometheus.HistogramVec // http_client_request_duration_seconds
	resends  *prometheus.CounterVec   // http_client_request_resends_total
}

func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets, NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100,
	}, labels)
}

func newMeter(version string) *meter {
	m := &meter{
		registry: prometheus.NewRegistry(),
		server:   histogram("http_server_request_duration_seconds", "Time to answer a request.", "http_response_status_code"),
		client:   histogram("http_client_request_duration_seconds", "Time of a call to another service.", "server_address", "http_response_status_code", "error_type"),
		active: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "http_server_active_requests", Help: "Requests being answered.",
		}),
		resends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_client_request_resends_total", Help: "Calls that were made again.",
		}, []string{"server_address"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "app_build_info", Help: "1, with the version in a label.",
		ConstLabels: prometheus.Labels{"app_version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.server, m.client, m.active, m.resends, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// handler serves the metrics.
func (m *meter) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{DisableCompression: true})
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// served counts every request of a handler.
func (m *meter) served(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m.active.Inc()
		start := time.Now()
		rec := &recorder{ResponseWriter: w}
		defer func() {
			m.active.Dec()
			m.server.WithLabelValues(code(rec.status)).Observe(time.Since(start).Seconds())
		}()
		h(rec, r)
	}
}

// called counts one call to another service.
func (m *meter) called(service string, start time.Time, status int, err error) {
	kind := ""
	switch {
	case isTimeout(err):
		kind = "timeout"
	case err != nil:
		kind = "connect"
	case status >= 500:
		kind = code(status)
	}
	m.client.WithLabelValues(service, code(status), kind).Observe(time.Since(start).Seconds())
}

func code(status int) string {
	if status == 0 {
		return ""
	}
	return strconv.Itoa(status)
}

// A statusError is an answer that is not a success.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("answer %d", int(e)) }
