package part

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// runPricing answers prices with a bounded number of workers.
func (p *process) runPricing(ctx context.Context) error {
	m := newMeter("v1")
	var c core
	var workers gate
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "app_workers_max", Help: "Requests that can be worked on at once."}, func() float64 {
			return float64(p.knobs.Load().Pricing.Workers)
		}),
	)
	busy := prometheus.NewCounter(prometheus.CounterOpts{Name: "app_workers_busy_seconds_total", Help: "Time that workers spent on requests."})
	m.registry.MustRegister(busy)
	mux := http.NewServeMux()
	mux.Handle("/metrics", m.handler())
	mux.HandleFunc("/price", m.served(func(w http.ResponseWriter, r *http.Request) {
		k := p.knobs.Load().Pricing
		if err := workers.enter(r.Context(), k.Workers, k.Queue); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		start := time.Now()
		defer func() {
			busy.Add(time.Since(start).Seconds())
			workers.leave()
		}()
		c.run(r.Context(), k.Work.D(), 1)
		if pause(r.Context(), around(k.Wait, 0.3)) != nil {
			return // the caller has left
		}
		_, _ = w.Write([]byte(strconv.Itoa(priceOf(r.URL.Query().Get("sku")))))
	}))
	return p.serve(ctx, mux)
}

// runCache keeps values for a time.
func (p *process) runCache(ctx context.Context) error {
	type entry struct {
		value string
		until time.Time
	}
	m := newMeter("v1")
	var mu sync.Mutex
	entries, flushed := map[string]entry{}, 0
	looks := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cache_requests_total", Help: "Looks, by what came of them."}, []string{"result"})
	m.registry.MustRegister(looks)
	hits, misses := looks.WithLabelValues("hit"), looks.WithLabelValues("miss")
	mux := http.NewServeMux()
	mux.Handle("/metrics", m.handler())
	mux.HandleFunc("/get", m.served(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if n := p.knobs.Load().Cache.Flush; n != flushed {
			flushed = n
			clear(entries)
		}
		e, ok := entries[r.URL.Query().Get("key")]
		mu.Unlock()
		if !ok || time.Now().After(e.until) {
			misses.Inc()
			http.NotFound(w, r)
			return
		}
		hits.Inc()
		_, _ = w.Write([]byte(e.value))
	}))
	mux.HandleFunc("/put", m.served(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		mu.Lock()
		defer mu.Unlock()
		if len(entries) < 100_000 {
			entries[q.Get("key")] = entry{value: q.Get("value"), until: time.Now().Add(around(p.knobs.Load().Cache.TTL, 0.9))}
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	return p.serve(ctx, mux)
}
