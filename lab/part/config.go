// Package part holds the programs of the lab: an edge, a shop, a pricing
// service, a database, a cache and the callers, each a process of its own on
// 127.0.0.1.
//
// They do real work: HTTP between them, processor time, allocation, queries
// of a SQLite file behind a bounded pool, timeouts, queues and retries. A
// fault is one of their knobs turned: see [Shop], [Database], [Pricing] and
// [Edge]. Every process ends when its standard input does, so none outlives
// the lab that started it.
package part

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Duration is a time.Duration that is written as text in JSON ("30ms").
type Duration time.Duration

// D returns it as the standard library's type.
func (d Duration) D() time.Duration { return time.Duration(d) }

// MarshalJSON writes the duration as text.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.D().String()) }

// UnmarshalJSON reads a duration from text.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	v, err := time.ParseDuration(s)
	*d = Duration(v)
	return err
}

// The roles that a process can have.
const (
	RoleEdge     = "edge"
	RoleShop     = "shop"
	RolePricing  = "pricing"
	RoleDatabase = "db"
	RoleCache    = "cache"
	RoleLoad     = "load"
)

// A Config is what one process is told when it starts.
type Config struct {
	Role    string
	Version string // of a shop: "v1" or "v2"
	Pod     string // its name among its like
	Listen  string // address; "" means a free port of 127.0.0.1
	Seed    uint64
	Folder  string   // for files; the lab removes it
	Life    Duration // after which it ends in any case
	Peers   Peers    // whom it calls
	Knobs   Knobs    // how it behaves from the start
}

// Peers are the addresses (host:port) of the others.
type Peers struct {
	Edge, Pricing, Database, Cache string
	Shops                          []Upstream // of the edge
}

// An Upstream is one instance of the shop, as the edge knows it.
type Upstream struct {
	Version, Pod, Address string
}

// Knobs are what can be turned while a process runs. Each process looks at
// its own.
type Knobs struct {
	Edge     Edge
	Shop     Shop
	Pricing  Pricing
	Database Database
	Cache    Cache
	Load     Load
}

// An Edge splits the traffic.
type Edge struct {
	Weight  float64  // share of requests to v2, 0..1
	Timeout Duration // of one attempt
	Retries int      // further attempts after a failed one
	Budget  float64  // retries per request, over the last seconds
	// Routes replaces Peers.Shops when it is not empty: shops come and go.
	Routes []Upstream
}

// A Shop takes orders. One order burns processor time, looks in the cache,
// asks for a price on a miss, and queries the database.
type Shop struct {
	Work      Duration // of processor time an order
	Quota     float64  // cores that the process may use for work, as a container limit does
	Workers   int      // orders at once
	Queue     int      // orders that wait for a worker; more are refused with 503
	Alloc     int      // bytes of garbage an order
	Leak      int      // bytes an order that are never freed
	Leaked    int      // goroutines an order that never end
	Memory    int      // bytes of heap and stacks at which the process is killed; 0 means never
	Ballast   int      // bytes held from the start
	Sawtooth  int      // bytes of garbage that gather before they are dropped
	Local     int      // bytes a new key in a cache of its own, up to LocalKeys keys
	LocalKeys int

	Queries  int      // an order
	Parallel bool     // all queries at once
	Query    string   // which: QueryOrder, QueryScan, QueryNewColumn
	HoldConn Duration // how long a connection is kept after its query
	DBCalls  int      // calls to the database at once; 0 means no bound

	Lock    Duration // held by one order at a time
	Degrade Duration // more time an order for each minute of uptime
	Pause   Duration // more time an order, without work
	Jitter  float64  // of Pause, as a share
	WarmFor Duration // slow for so long after the start
	WarmBy  float64  // times as slow

	FailGift float64 // share of gift orders that fail
	Wrong    float64 // share of orders with a wrong total
	CrashOn  float64 // share of orders that end the process

	PricingAt   string   // address of pricing; "" means as in Peers
	CallTimeout Duration // of each call to others
	CallRetries int      // further attempts of a call to pricing
	FanOut      int      // calls to pricing an order, on a miss
	NoCache     bool     // every look is a miss
	CachePrefix string   // of keys: a new one begins cold
	Log         Duration // of processor time an order for logging
	Steal       float64  // share of the quota that a neighbour takes
	Disk        Duration // that a write of the journal takes
	Skew        Duration // of its clock
	Patient     bool     // works on though the caller has left, with no bound to the queue
	Hang        bool     // takes orders and never answers
	NoMetrics   bool     // /metrics is gone
}

// Pricing answers prices.
type Pricing struct {
	Work    Duration
	Wait    Duration // without work: it asks somebody itself
	Workers int
	Queue   int
}

// A Database answers queries over a bounded pool.
type Database struct {
	Pool    int
	Hold    Duration // time on a connection for a query, beside the query itself
	Slow    float64  // times Hold; 0 means 1
	Migrate Duration // a migration holds an exclusive lock for so long, once
	Grow    int      // rows that each query by scan adds, as orders do
	Rename  bool     // a migration renames the column that v1 reads
}

// A Cache keeps prices.
type Cache struct {
	TTL   Duration // on the average; entries do not all end at once
	Flush int      // each new number drops everything once
}

// The queries of the database.
const (
	QueryOrder     = "order"      // by an index
	QueryScan      = "scan"       // without one: its cost grows with the rows
	QueryNewColumn = "new-column" // of a column that is not there
)

// Load says how callers arrive: as a Poisson process, whether or not earlier
// requests came back.
type Load struct {
	Rate      float64  // requests a second
	Crest     float64  // times Rate at the crest of a wave; 0 means no wave
	Period    Duration // of the wave: a day in short
	Objective Duration // a slower request is harmed
	Timeout   Duration // after which a caller leaves
	Keys      int      // distinct goods
}

// DefaultKnobs returns processes that do well at 60 requests a second.
func DefaultKnobs() Knobs {
	ms := func(n float64) Duration { return Duration(n * float64(time.Millisecond)) }
	return Knobs{
		Edge: Edge{Timeout: ms(1000), Retries: 1, Budget: 0.2},
		Shop: Shop{
			Work: ms(0.4), Quota: 0.1, Workers: 64, Queue: 128, Alloc: 64 << 10,
			Queries: 1, Query: QueryOrder, CallTimeout: ms(500), FanOut: 1, Pause: ms(4), Jitter: 0.5,
		},
		Pricing:  Pricing{Work: ms(0.2), Wait: ms(40), Workers: 3, Queue: 32},
		Database: Database{Pool: 16, Hold: ms(30), Slow: 1},
		Cache:    Cache{TTL: ms(60_000)},
		Load:     Load{Rate: 60, Objective: ms(250), Timeout: ms(2000), Keys: 300},
	}
}

// known says what roles there are.
func known(role string) error {
	return fmt.Errorf("unknown role %q; want edge, shop, pricing, db, cache or load", role)
}
