package part

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// firstRows are in the table of orders at the start.
const firstRows = 4_000

type database struct {
	*process
	pool     *sql.DB
	migrated atomic.Bool
	renamed  atomic.Bool
	use      prometheus.Histogram // db_client_connection_use_time_seconds
	wait     prometheus.Histogram // db_client_connection_wait_time_seconds
}

// runDatabase serves a SQLite file behind a bounded pool of connections.
func (p *process) runDatabase(ctx context.Context) error {
	pool, err := openOrders(ctx, filepath.Join(p.Folder, "orders.db"), p.knobs.Load().Database.Pool)
	if err != nil {
		return fmt.Errorf("lab part db: %w", err)
	}
	defer pool.Close()
	m := newMeter("v1")
	d := &database{process: p, pool: pool}
	timing := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	d.use = timing("db_client_connection_use_time_seconds", "Time from taking a connection to giving it back.")
	d.wait = timing("db_client_connection_wait_time_seconds", "Time to get a connection from the pool.")
	limit := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "db_client_connection_max", Help: "Connections that the pool may open."}, func() float64 {
		return float64(pool.Stats().MaxOpenConnections)
	})
	m.registry.MustRegister(d.use, d.wait, limit, collectors.NewDBStatsCollector(pool, "orders"))
	mux := http.NewServeMux()
	mux.Handle("/metrics", m.handler())
	mux.HandleFunc("/query", m.served(d.query))
	go d.migrate(ctx)
	return p.serve(ctx, mux)
}

// openOrders makes the table of orders, with an index on the goods.
func openOrders(ctx context.Context, file string, conns int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(wal)&_pragma=synchronous(off)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	for _, stmt := range []string{
		"CREATE TABLE orders (id INTEGER PRIMARY KEY, sku TEXT, note TEXT)",
		fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d) "+
			"INSERT INTO orders(sku, note) SELECT 'sku-' || (i %% 300), 'note ' || i FROM n", firstRows),
		"CREATE INDEX by_sku ON orders(sku)",
	} {
		if _, err := db.ExecContext(ctx, stmt); err != nil {
			db.Close()
			return nil, fmt.Errorf("prepare the orders: %w", err)
		}
	}
	return db, nil
}

// query runs n queries, one after the other or all at once.
func (d *database) query(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	n, _ := strconv.Atoi(q.Get("n"))
	n = min(max(n, 1), 64)
	hold, _ := time.ParseDuration(q.Get("hold"))
	ask := func(ctx context.Context) error {
		return d.one(ctx, q.Get("query"), q.Get("version"), q.Get("sku"), hold)
	}
	var err error
	if q.Get("parallel") == "" {
		for range n {
			err = errors.Join(err, ask(r.Context()))
		}
	} else {
		errs := make(chan error, n)
		for range n {
			go func() { errs <- ask(r.Context()) }() //nolint:contextcheck // it is passed, as an argument of a closure
		}
		for range n {
			err = errors.Join(err, <-errs)
		}
	}
	switch {
	case isTimeout(err) || errors.Is(err, context.Canceled):
		http.Error(w, "timeout", http.StatusGatewayTimeout)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// statements of the queries, which take the goods.
var statements = map[string]string{
	QueryOrder:     "SELECT count(*) FROM orders WHERE sku = ? LIMIT 1",
	QueryScan:      "SELECT count(*) FROM orders WHERE note LIKE '%' || ?",
	QueryNewColumn: "SELECT count(*) FROM orders WHERE discount = ?",
}

// grow adds so many rows.
const grow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?) " +
	"INSERT INTO orders(sku, note) SELECT 'sku-' || (i % 300), 'note ' || i FROM n"

// one runs a query on a connection of the pool. Hold stands for the disk and
// the network of a real database, during which the connection is taken.
func (d *database) one(ctx context.Context, query, version, sku string, hold time.Duration) error {
	k := d.knobs.Load().Database
	statement, ok := statements[query]
	if !ok {
		return fmt.Errorf("unknown query %q", query)
	}
	if d.renamed.Load() && version == "v1" {
		return errors.New("no such column: sku (renamed to product)")
	}
	asked := time.Now()
	conn, err := d.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	got := time.Now()
	d.wait.Observe(got.Sub(asked).Seconds())
	defer func() { d.use.Observe(time.Since(got).Seconds()) }()
	if d.renamed.Load() && query == QueryOrder {
		statement = "SELECT count(*) FROM orders WHERE product = ? LIMIT 1"
	}
	if k.Grow > 0 && query == QueryScan {
		if _, err := conn.ExecContext(ctx, grow, k.Grow); err != nil {
			return err
		}
	}
	var count int
	if err := conn.QueryRowContext(ctx, statement, sku).Scan(&count); err != nil {
		return err
	}
	slow := max(k.Slow, 1)
	return pause(ctx, time.Duration(slow*float64(around(k.Hold, 0.1)))+hold)
}

// migrate does what the knobs ask of the schema, once.
func (d *database) migrate(ctx context.Context) {
	for pause(ctx, 200*time.Millisecond) == nil {
		k := d.knobs.Load().Database
		if k.Rename && d.renamed.CompareAndSwap(false, true) {
			_, _ = d.pool.ExecContext(ctx, "ALTER TABLE orders RENAME COLUMN sku TO product")
		}
		if k.Migrate > 0 && d.migrated.CompareAndSwap(false, true) {
			d.lockAll(ctx, k)
		}
	}
}

// lockAll takes every connection, as queries do that wait for a lock which a
// migration holds.
func (d *database) lockAll(ctx context.Context, k Database) {
	var conns []*sql.Conn
	for range k.Pool {
		c, err := d.pool.Conn(ctx)
		if err != nil {
			break
		}
		conns = append(conns, c)
	}
	_ = pause(ctx, k.Migrate.D())
	for _, c := range conns {
		_ = c.Close()
	}
}
