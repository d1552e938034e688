// Package tsdb is an embedded Prometheus: its storage and its PromQL engine,
// without a server. It answers [engine.Querier] from OpenMetrics text with
// timestamps or from a folder of Prometheus blocks.
//
// It promises bounded memory (limits on text, samples and series, with the mend in the
// error) and answers that depend on the samples only, not on the order of
// the series in the file. It never writes where it reads.
package tsdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/scratch"
)

// Options tune a [DB]. The zero value is ready to use.
type Options struct {
	LookBack   time.Duration // how old the sample behind a value may be; 0 means 5 min. Recordings use 2 × their interval
	MaxBytes   int64         // of text after decompression; 0 means 1 GiB
	MaxSamples int           // of one file; 0 means 50 million
	MaxSeries  int           // of one file; 0 means 1 million
	MaxAnswer  int           // samples held at once by one query; 0 means 50 million
	Timeout    time.Duration // of one query; 0 means 2 min
}

func (o Options) withDefaults() Options {
	if o.LookBack == 0 {
		o.LookBack = 5 * time.Minute
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 30
	}
	if o.MaxSamples == 0 {
		o.MaxSamples = 50_000_000
	}
	if o.MaxSeries == 0 {
		o.MaxSeries = 1_000_000
	}
	if o.MaxAnswer == 0 {
		o.MaxAnswer = 50_000_000
	}
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Minute
	}
	return o
}

// A DB is a closed set of samples that can be asked. It may be used by
// several goroutines.
type DB struct {
	promql    *promql.Engine
	queryable storage.Queryable
	sound     sound
	close     []func() error
	samples   int
	series    int
}

var _ engine.Querier = (*DB)(nil)

// Open reads a file of OpenMetrics text (plain, .gz or .zst) or opens a
// folder of Prometheus blocks. The caller closes the DB.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	o = o.withDefaults()
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	if info.IsDir() {
		return openBlocks(path, o)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	defer f.Close()
	return Read(ctx, f, path, o)
}

// Read reads OpenMetrics text from r. The name stands in errors; when it ends
// in .gz or .zst the text is decompressed.
func Read(ctx context.Context, r io.Reader, name string, o Options) (*DB, error) {
	o = o.withDefaults()
	db := newDB(o)
	head, err := db.openHead()
	if err != nil {
		return nil, err
	}
	in := newIngest(head, name, o)
	if err := in.run(ctx, r); err != nil {
		db.Close()
		return nil, err
	}
	db.samples, db.series = in.samples, in.series()
	return db, nil
}

func newDB(o Options) *DB {
	return &DB{promql: promql.NewEngine(promql.EngineOpts{
		MaxSamples: o.MaxAnswer, Timeout: o.Timeout, LookbackDelta: o.LookBack,
		NoStepSubqueryIntervalFn: func(int64) int64 { return (o.LookBack / 2).Milliseconds() },
	})}
}

// headRange is the time that one head may span. Files come series after
// series, so samples that are hours older than the newest must be accepted:
// the head takes what is younger than half of this.
const headRange = 200 * 365 * 24 * time.Hour

// openHead makes an empty head block. It has no write-ahead log: what it
// holds can be read again from the file.
func (db *DB) openHead() (*tsdb.Head, error) {
	dir, err := scratch.New("tsdb")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the metrics: %w", err)
	}
	db.close = append(db.close, dir.Remove)
	o := tsdb.DefaultHeadOptions()
	o.ChunkDirRoot = dir.Path
	o.ChunkRange = headRange.Milliseconds()
	o.StripeSize = 1 << 10
	o.IsolationDisabled = true
	o.ChunkWriteQueueSize = 0
	head, err := tsdb.NewHead(nil, nil, nil, nil, o, nil)
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("make a head for the metrics: %w", err)
	}
	db.close = append(db.close, head.Close)
	db.queryable = storage.QueryableFunc(func(mint, maxt int64) (storage.Querier, error) {
		return tsdb.NewBlockQuerier(tsdb.NewRangeHeadWithIsolationDisabled(head, mint, maxt), mint, maxt)
	})
	return head, nil
}

// Close frees what the DB holds.
func (db *DB) Close() error {
	var first error
	for _, free := range slices.Backward(db.close) {
		if err := free(); err != nil && first == nil {
			first = err
		}
	}
	db.close = nil
	return first
}

// Samples returns how many samples were read from text; 0 for blocks.
func (db *DB) Samples() int { return db.samples }

// Series returns how many series were read from text; 0 for blocks.
func (db *DB) Series() int { return db.series }

// openBlocks opens a folder of Prometheus blocks, without its write-ahead
// log.
func openBlocks(path string, o Options) (*DB, error) {
	db := newDB(o)
	sandbox, err := scratch.New("tsdb")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the metrics: %w", err)
	}
	db.close = append(db.close, sandbox.Remove)
	ro, err := tsdb.OpenDBReadOnly(path, sandbox.Path, nil)
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("read blocks in %s: %w", path, err)
	}
	db.close = append(db.close, ro.Close)
	blocks, err := ro.Blocks()
	if err == nil && len(blocks) == 0 {
		err = errors.New("there is no block; want folders with meta.json, index and chunks, as Prometheus and promtool write them")
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("read blocks in %s: %w", path, err)
	}
	db.queryable = storage.QueryableFunc(func(mint, maxt int64) (storage.Querier, error) {
		return blockQuerier(blocks, mint, maxt)
	})
	return db, nil
}

func blockQuerier(blocks []tsdb.BlockReader, mint, maxt int64) (storage.Querier, error) {
	queriers := make([]storage.Querier, 0, len(blocks))
	for _, b := range blocks {
		if m := b.Meta(); m.MinTime > maxt || m.MaxTime <= mint && m.MaxTime != math.MaxInt64 {
			continue
		}
		q, err := tsdb.NewBlockQuerier(b, mint, maxt)
		if err != nil {
			for _, open := range queriers {
				open.Close()
			}
			return nil, err
		}
		queriers = append(queriers, q)
	}
	return storage.NewMergeQuerier(queriers, nil, storage.ChainedSeriesMerge), nil
}
