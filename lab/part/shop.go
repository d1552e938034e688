package part

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxSkew is how old a request may be by a shop's clock.
const maxSkew = 5 * time.Second

type shop struct {
	*process
	meter   *meter
	client  *http.Client
	core    core
	workers gate
	calls   gate // to the database
	busy    prometheus.Counter
	lock    sync.Mutex
	journal *os.File
	wrote   sync.Mutex // one write of the journal at a time

	mem    sync.Mutex // of what follows
	leaked [][]byte
	litter [][]byte
	local  map[string][]byte
}

func (p *process) runShop(ctx context.Context) error {
	s := &shop{process: p, meter: newMeter(p.Version), client: caller(), local: map[string][]byte{}}
	f, err := os.Create(filepath.Join(p.Folder, p.Pod+".journal"))
	if err != nil {
		return fmt.Errorf("lab part shop: %w", err)
	}
	defer f.Close()
	s.journal = f
	s.register()
	k := p.knobs.Load().Shop
	if k.Ballast > 0 {
		s.leaked = append(s.leaked, touched(k.Ballast))
	}
	mux := http.NewServeMux()
	metrics := s.meter.handler()
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		if p.knobs.Load().Shop.NoMetrics {
			http.NotFound(w, r)
			return
		}
		metrics.ServeHTTP(w, r)
	})
	mux.HandleFunc("/order", s.meter.served(s.order))
	go s.watchMemory(ctx)
	return p.serve(ctx, mux)
}

func (s *shop) register() {
	s.busy = prometheus.NewCounter(prometheus.CounterOpts{Name: "app_workers_busy_seconds_total", Help: "Time that workers spent on orders."})
	s.meter.registry.MustRegister(s.busy,
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "app_core_busy_seconds_total", Help: "Time during which the share of a core that the process may use was taken.",
		}, s.core.seconds),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "app_memory_limit_bytes", Help: "Memory at which the process is killed; +Inf when there is no limit."}, func() float64 {
			if limit := s.knobs.Load().Shop.Memory; limit > 0 {
				return float64(limit)
			}
			return math.Inf(1)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "app_workers_max", Help: "Orders that can be worked on at once."}, func() float64 {
			return float64(s.knobs.Load().Shop.Workers)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "app_workers_busy", Help: "Orders being worked on."}, func() float64 {
			in, _ := s.workers.inside()
			return float64(in)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "app_queue_length", Help: "Orders waiting for a worker."}, func() float64 {
			_, waiting := s.workers.inside()
			return float64(waiting)
		}),
	)
}

// watchMemory kills the process when it has grown over its limit, as a
// kernel does.
func (s *shop) watchMemory(ctx context.Context) {
	for pause(ctx, 250*time.Millisecond) == nil {
		limit := s.knobs.Load().Shop.Memory
		if limit <= 0 {
			continue
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if m.HeapAlloc+m.StackInuse > uint64(limit) {
			os.Exit(137)
		}
	}
}

// order answers one order, if there is room for it.
func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	k := s.knobs.Load().Shop
	ctx := r.Context()
	switch {
	case k.Hang:
		<-ctx.Done()
		return
	case s.stale(r, k):
		http.Error(w, "the request is too old or from the future", http.StatusInternalServerError)
		return
	}
	if k.Patient {
		k.Queue = -1
		ctx = context.WithoutCancel(ctx)
	}
	if err := s.workers.enter(ctx, k.Workers, k.Queue); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	start := time.Now()
	defer func() {
		s.busy.Add(time.Since(start).Seconds())
		s.workers.leave()
	}()
	o, err := s.work(ctx, k, r)
	if err != nil {
		status := http.StatusInternalServerError
		if isTimeout(err) {
			status = http.StatusGatewayTimeout
		}
		http.Error(w, err.Error(), status)
		return
	}
	_ = json.NewEncoder(w).Encode(o)
}

// stale says whether a request is too old by this process' clock.
func (s *shop) stale(r *http.Request, k Shop) bool {
	ms, err := strconv.ParseInt(r.Header.Get(sentAt), 10, 64)
	if err != nil {
		return false
	}
	age := time.Now().Add(k.Skew.D()).Sub(time.UnixMilli(ms))
	return age > maxSkew || age < -maxSkew
}

// work does what an order takes.
func (s *shop) work(ctx context.Context, k Shop, r *http.Request) (order, error) {
	sku, kind := r.URL.Query().Get("sku"), r.URL.Query().Get("kind")
	if chance(k.CrashOn) {
		fmt.Fprintln(os.Stderr, "panic: index out of range: an order with no lines") // what a rare input does
		os.Exit(2)
	}
	if kind == "gift" && chance(k.FailGift) {
		return order{}, errors.New("gift wrapping: nil recipient")
	}
	s.remember(k, sku)
	slow := 1.0
	if up := time.Since(s.begun); up < k.WarmFor.D() {
		slow = k.WarmBy
	}
	s.think(ctx, k, slow)
	prices, err := s.prices(ctx, k, sku)
	if err != nil {
		return order{}, err
	}
	if err := s.query(ctx, k, sku); err != nil {
		return order{}, err
	}
	if err := s.write(ctx, k); err != nil {
		return order{}, err
	}
	o := order{Version: s.Version, Prices: prices}
	for _, p := range prices {
		o.Total += p
	}
	if chance(k.Wrong) {
		o.Total += o.Total/10 + 1
	}
	return o, nil
}

// think uses the processor, and whatever else takes time without others.
func (s *shop) think(ctx context.Context, k Shop, slow float64) {
	quota := k.Quota
	if k.Steal > 0 {
		quota *= 1 - k.Steal
	}
	_ = touched(k.Alloc)
	s.core.run(ctx, time.Duration(float64(k.Work+k.Log)*slow), quota)
	if k.Lock > 0 {
		s.lock.Lock()
		time.Sleep(k.Lock.D())
		s.lock.Unlock()
	}
	minutes := time.Since(s.begun).Minutes()
	_ = pause(ctx, time.Duration(slow*float64(around(k.Pause, k.Jitter)))+time.Duration(minutes*float64(k.Degrade)))
}

// remember holds on to memory in the ways that its knobs say.
func (s *shop) remember(k Shop, sku string) {
	if k.Leaked > 0 {
		for range k.Leaked {
			go func() { select {} }()
		}
	}
	if k.Leak+k.Sawtooth+k.LocalKeys == 0 {
		return
	}
	s.mem.Lock()
	defer s.mem.Unlock()
	if k.Leak > 0 {
		s.leaked = append(s.leaked, touched(k.Leak))
	}
	if k.Sawtooth > 0 {
		s.litter = append(s.litter, touched(256<<10))
		if len(s.litter)*(256<<10) > k.Sawtooth {
			s.litter = nil
			go runtime.GC()
		}
	}
	if key := sku + strconv.Itoa(rand.IntN(20)); k.LocalKeys > len(s.local) && s.local[key] == nil {
		s.local[key] = touched(k.Local)
	}
}

// touched returns memory that is really there.
func touched(n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; i += 4096 {
		b[i] = 1
	}
	return b
}

// write puts a line into the journal, on the disk.
func (s *shop) write(ctx context.Context, k Shop) error {
	if k.Disk <= 0 {
		return nil
	}
	s.wrote.Lock()
	defer s.wrote.Unlock()
	if _, err := s.journal.WriteString("order\n"); err != nil {
		return err
	}
	if err := s.journal.Sync(); err != nil {
		return err
	}
	return pause(ctx, k.Disk.D())
}

// priceOf is what a good costs, everywhere in the lab.
func priceOf(sku string) int {
	h := fnv.New32a()
	h.Write([]byte(sku))
	return 100 + int(h.Sum32()%900)
}
