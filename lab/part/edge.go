package part

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// sentAt is the header that tells a shop when the edge took the request. A
// shop refuses what is too old, so its clock must be right.
const sentAt = "X-Sent-At"

// versionHeader tells callers which version answered.
const versionHeader = "X-Version"

// An order is the answer of a shop.
type order struct {
	Version string
	Prices  []int
	Total   int // must be the sum of Prices
}

var errWrong = errors.New("the total is not the sum of the prices")

type edge struct {
	*process
	meter    *meter
	client   *http.Client
	upstream *prometheus.HistogramVec
	retries  *prometheus.CounterVec
	next     atomic.Uint64
	mu       sync.Mutex // of tokens
	tokens   float64    // retries that may be made
}

func (p *process) runEdge(ctx context.Context) error {
	labels := []string{"service", "version", "pod"}
	e := &edge{process: p, meter: newMeter(""), client: caller(), tokens: 10}
	// The labels are those of the shop that is called: these are the edge's
	// view of it, and are scraped with honor_labels as a proxy's are.
	e.upstream = histogram("edge_upstream_request_duration_seconds", "Time of an attempt at an upstream, as the edge saw it.",
		append(labels, "http_response_status_code", "error_type")...)
	e.retries = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "edge_upstream_retries_total", Help: "Attempts that followed a failed one.",
	}, labels[:2])
	e.meter.registry.MustRegister(e.upstream, e.retries)
	for _, v := range []string{"v1", "v2"} {
		e.retries.WithLabelValues("shop", v)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", e.meter.handler())
	mux.HandleFunc("/order", e.meter.served(e.order))
	return p.serve(ctx, mux)
}

// order sends a request to one version, and again when that may help.
func (e *edge) order(w http.ResponseWriter, r *http.Request) {
	k := e.knobs.Load().Edge
	version := "v1"
	if rand.Float64() < k.Weight {
		version = "v2"
	}
	routes := e.routes(k, version)
	w.Header().Set(versionHeader, version)
	if len(routes) == 0 {
		http.Error(w, "no instance of "+version, http.StatusServiceUnavailable)
		return
	}
	e.earn(k.Budget)
	var body []byte
	status, err := 0, error(nil)
	for try := 0; ; try++ {
		to := routes[e.next.Add(1)%uint64(len(routes))]
		status, body, err = e.attempt(r.Context(), r.URL.RawQuery, to, k.Timeout.D())
		if err == nil && status < 500 || try >= k.Retries || r.Context().Err() != nil || !e.spend(k.Budget) {
			break
		}
		e.retries.WithLabelValues("shop", version).Inc()
	}
	switch {
	case isTimeout(err):
		http.Error(w, "timeout", http.StatusGatewayTimeout)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadGateway)
	default:
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

// routes returns the instances of a version.
func (e *edge) routes(k Edge, version string) []Upstream {
	all := k.Routes
	if len(all) == 0 {
		all = e.Peers.Shops
	}
	var out []Upstream
	for _, u := range all {
		if u.Version == version {
			out = append(out, u)
		}
	}
	return out
}

// attempt asks one instance and holds its answer against what it must be.
func (e *edge) attempt(ctx context.Context, query string, to Upstream, timeout time.Duration) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := time.Now()
	status, body, err := e.fetch(ctx, "http://"+to.Address+"/order?"+query)
	if err == nil && status == http.StatusOK {
		var o order
		if json.Unmarshal(body, &o) != nil || !o.right() {
			err = errWrong
		}
	}
	kind := ""
	switch {
	case errors.Is(err, errWrong):
		kind = "wrong"
	case isTimeout(err):
		kind = "timeout"
	case err != nil:
		kind = "connect"
	case status >= 500:
		kind = code(status)
	}
	e.upstream.WithLabelValues("shop", to.Version, to.Pod, code(status), kind).Observe(time.Since(start).Seconds())
	return status, body, err
}

func (o order) right() bool {
	sum := 0
	for _, p := range o.Prices {
		sum += p
	}
	return sum == o.Total && len(o.Prices) > 0
}

func (e *edge) fetch(ctx context.Context, url string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set(sentAt, strconv.FormatInt(time.Now().UnixMilli(), 10))
	res, err := e.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, body, err
}

// earn and spend keep the retries within a share of the requests.
func (e *edge) earn(budget float64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tokens = min(e.tokens+budget, 20)
}

func (e *edge) spend(budget float64) bool {
	if budget <= 0 { // no budget: retry always
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.tokens < 1 {
		return false
	}
	e.tokens--
	return true
}
