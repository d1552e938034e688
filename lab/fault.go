package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/lab/part"
)

// The groups of the catalogue. The first five are also the classes of cause.
const (
	GroupCode    = "code"
	GroupConfig  = "config"
	GroupInfra   = "infra"
	GroupDB      = "db"
	GroupRouting = "routing"
	GroupCascade = "cascade"
	GroupSilence = "silence"
	GroupHealthy = "healthy" // looks like a fault and is none
)

// A Fault is one way in which a release can go wrong, or a look-alike of one:
// a real behaviour of the processes.
type Fault struct {
	Name  string
	Group string
	Class []string // causes that count as right; none for a look-alike
	Does  string   // what it does to the system
	Sees  string   // what a person would see
	// Limit is what fills up when the fault depends on the exposure: it does
	// well at a small share of the traffic. "" when it shows at any share.
	Limit string
	// Strength is the default of the one number that makes it stronger, and
	// Unit says what it is.
	Strength float64
	Unit     string
	Onset    time.Duration // after the first step, by default
	apply    func(e *effect, strength float64)
}

// IsHealthy says whether it is a look-alike.
func (f Fault) IsHealthy() bool { return f.Group == GroupHealthy }

// An effect is what a fault changes.
type effect struct {
	v2      func(*part.Shop)           // of every instance of the new version, from the onset on
	first   func(*part.Shop)           // of its first instance alone
	changes []change                   // of others
	weight  func(said float64) float64 // what the edge really sends
	rate    float64                    // of requests a second, instead of the usual; 0 means the usual
	routes  func([]part.Upstream) []part.Upstream
	crash   string // the pod to kill at the onset; "" for none
}

// A change turns the knobs of all processes of a role, some time after the
// onset.
type change struct {
	role  string
	after time.Duration
	turn  func(*part.Knobs)
}

// Catalogue returns all faults and look-alikes, by group.
func Catalogue() []Fault {
	return slices.Concat(codeFaults(), configFaults(), infraFaults(), dbFaults(), routingFaults(), cascadeFaults(), silenceFaults(), lookAlikes(), quietLookAlikes())
}

// Find returns the fault with a name.
func Find(name string) (Fault, error) {
	all := Catalogue()
	if i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name }); i >= 0 {
		return all[i], nil
	}
	var faults, lookAlikes []string
	for _, f := range all {
		if f.IsHealthy() {
			lookAlikes = append(lookAlikes, f.Name)
		} else {
			faults = append(faults, f.Name)
		}
	}
	return Fault{}, fmt.Errorf("unknown name %q; want one of the faults %s; or of the healthy look-alikes %s", name, strings.Join(faults, ", "), strings.Join(lookAlikes, ", "))
}

func ms(n float64) part.Duration { return part.Duration(n * float64(time.Millisecond)) }

func shop(turn func(s *part.Shop, strength float64)) func(*effect, float64) {
	return func(e *effect, strength float64) {
		e.v2 = func(s *part.Shop) { turn(s, strength) }
	}
}

const mib = 1 << 20

func codeFaults() []Fault {
	code := []string{GroupCode}
	return []Fault{
		{
			Name: "memory-leak", Group: GroupCode, Class: code, Strength: 120, Unit: "KiB an order",
			Does:  "the new version keeps memory of every order; at 96 MiB the kernel kills it and it starts again",
			Sees:  "its heap climbs without a plateau, then instances restart and orders fail",
			apply: shop(func(s *part.Shop, x float64) { s.Leak, s.Memory = int(x*1024), 96*mib }),
		}, {
			Name: "goroutine-leak", Group: GroupCode, Class: code, Strength: 40, Unit: "goroutines an order",
			Does:  "every order leaves goroutines behind that wait for ever; at 96 MiB the kernel kills the process",
			Sees:  "go_goroutines and stacks climb with every order, then instances restart",
			apply: shop(func(s *part.Shop, x float64) { s.Leaked, s.Memory = int(x), 96*mib }),
		}, {
			Name: "cpu", Group: GroupCode, Class: code, Strength: 7, Unit: "times the processor time", Limit: "the shop's share of a core",
			Does:  "an order costs several times the processor time",
			Sees:  "the core is busier by the share of traffic; when it is full, orders queue and time out",
			apply: shop(func(s *part.Shop, x float64) { s.Work = part.Duration(x * float64(s.Work)) }),
		}, {
			Name: "n-plus-one", Group: GroupCode, Class: []string{GroupCode, GroupDB}, Strength: 6, Unit: "times the queries", Limit: "the database pool",
			Does:  "an order fires one query for each of its lines, all at once, instead of one for all",
			Sees:  "latency is as before while the pool has room; each step takes more of the pool, and when it is full everybody waits",
			apply: shop(func(s *part.Shop, x float64) { s.Queries, s.Parallel = int(x), true }),
		}, {
			Name: "lock-contention", Group: GroupCode, Class: code, Strength: 28, Unit: "ms under the lock", Limit: "the lock",
			Does:  "orders take turns at one lock and sleep while they hold it",
			Sees:  "latency grows with the share of traffic though the processor is idle",
			apply: shop(func(s *part.Shop, x float64) { s.Lock = ms(x) }),
		}, {
			Name: "route-errors", Group: GroupCode, Class: code, Strength: 1, Unit: "of gift orders fail",
			Does:  "orders of one kind, a fifth of all, fail with an exception",
			Sees:  "a share of the answers is 500 from the first request, and latency is as before",
			apply: shop(func(s *part.Shop, x float64) { s.FailGift = x }),
		}, {
			Name: "wrong-result", Group: GroupCode, Class: code, Strength: 0.5, Unit: "of totals are wrong",
			Does:  "some totals are not the sum of the prices; the shop answers 200",
			Sees:  "the shop looks well; the edge, which checks, counts wrong answers",
			apply: shop(func(s *part.Shop, x float64) { s.Wrong = x }),
		}, {
			Name: "crash", Group: GroupCode, Class: code, Strength: 0.01, Unit: "of orders crash it",
			Does:  "a rare input ends the process; it is started again after two seconds",
			Sees:  "restarts, and bursts of failed connections",
			apply: shop(func(s *part.Shop, x float64) { s.CrashOn = x }),
		}, {
			Name: "slow-degradation", Group: GroupCode, Class: code, Strength: 150, Unit: "ms more a minute",
			Does:  "every order is a little slower than the one before: a list that is searched grows",
			Sees:  "latency climbs with the uptime and not with the traffic",
			apply: shop(func(s *part.Shop, x float64) { s.Degrade = ms(x) }),
		},
	}
}

func configFaults() []Fault {
	config := []string{GroupConfig}
	return []Fault{
		{
			Name: "bad-address", Group: GroupConfig, Class: config, Strength: 1, Unit: "(has none)",
			Does:  "the address of pricing has a wrong port",
			Sees:  "orders with a cache miss fail at once, and calls to pricing are refused",
			apply: shop(func(s *part.Shop, _ float64) { s.PricingAt, s.NoCache = "127.0.0.1:9", true }),
		}, {
			Name: "short-timeout", Group: GroupConfig, Class: config, Strength: 32, Unit: "ms for a call",
			Does:  "calls to others are given up before they can answer",
			Sees:  "timeouts of calls and 504s from the first request, and no slower orders",
			apply: shop(func(s *part.Shop, x float64) { s.CallTimeout = ms(x) }),
		}, {
			Name: "pool-of-one", Group: GroupConfig, Class: config, Strength: 1, Unit: "calls at once", Limit: "the shop's own pool",
			Does:  "the shop's pool for the database has one place instead of many",
			Sees:  "orders wait for one another; latency grows with the share of traffic, and the database is idle",
			apply: shop(func(s *part.Shop, x float64) { s.DBCalls = int(x) }),
		}, {
			Name: "cache-ttl-zero", Group: GroupConfig, Class: config, Strength: 1, Unit: "calls to pricing an order", Limit: "the workers of pricing",
			Does:  "nothing is looked up in the cache any more",
			Sees:  "pricing gets the traffic that the cache kept away; when its workers are all busy, everybody's orders fail",
			apply: shop(func(s *part.Shop, x float64) { s.NoCache, s.FanOut = true, int(x) }),
		}, {
			Name: "fan-out-flag", Group: GroupConfig, Class: []string{GroupConfig, GroupCode}, Strength: 2, Unit: "calls to pricing an order", Limit: "the workers of pricing",
			Does:  "a feature flag asks pricing for recommendations with every order",
			Sees:  "calls to pricing multiply with the share of traffic until its workers are all busy",
			apply: shop(func(s *part.Shop, x float64) { s.NoCache, s.FanOut = true, int(x) }),
		}, {
			Name: "debug-log", Group: GroupConfig, Class: []string{GroupConfig, GroupCode}, Strength: 2.4, Unit: "ms of processor time an order", Limit: "the shop's share of a core",
			Does:  "the log level is debug, and writing lines takes more time than the order",
			Sees:  "the core is busier by the share of traffic",
			apply: shop(func(s *part.Shop, x float64) { s.Log = ms(x) }),
		},
	}
}

func infraFaults() []Fault {
	infra := []string{GroupInfra}
	return []Fault{
		{
			Name: "noisy-neighbour", Group: GroupInfra, Class: infra, Strength: 0.8, Unit: "of the processor is taken", Limit: "the shop's share of a core",
			Does:  "the new version shares its node with a job that takes most of the processor",
			Sees:  "orders take longer though they ask for no more; worse with the share of traffic",
			apply: shop(func(s *part.Shop, x float64) { s.Steal, s.Work = x, 2*s.Work }),
		}, {
			Name: "slow-disk", Group: GroupInfra, Class: infra, Strength: 25, Unit: "ms a write", Limit: "the disk",
			Does:  "the new version's node has a slow disk, and every order writes its journal",
			Sees:  "latency grows with the share of traffic: writes wait for one another",
			apply: shop(func(s *part.Shop, x float64) { s.Disk = ms(x) }),
		}, {
			Name: "clock-skew", Group: GroupInfra, Class: []string{GroupInfra, GroupConfig}, Strength: 30, Unit: "s ahead",
			Does:  "the clock of the new version's node is ahead; it takes requests for too old",
			Sees:  "every order at the new version fails at once",
			apply: shop(func(s *part.Shop, x float64) { s.Skew = part.Duration(x * float64(time.Second)) }),
		}, {
			Name: "bad-instance", Group: GroupInfra, Class: []string{GroupInfra, GroupCode}, Strength: 400, Unit: "ms slower",
			Does: "one of the two new instances is slow, the other does well",
			Sees: "half of the new version's orders are slow; its instances differ",
			apply: func(e *effect, x float64) {
				e.first = func(s *part.Shop) { s.Pause += ms(x) }
			},
		},
	}
}

func dbFaults() []Fault {
	db := []string{GroupDB}
	codeOrDB := []string{GroupDB, GroupCode}
	return []Fault{
		{
			Name: "schema-new", Group: GroupDB, Class: codeOrDB, Strength: 1, Unit: "(has none)",
			Does:  "the new version reads a column that is not there yet",
			Sees:  "every order at the new version fails with an error of the database",
			apply: shop(func(s *part.Shop, _ float64) { s.Query = part.QueryNewColumn }),
		}, {
			Name: "schema-old", Group: GroupDB, Class: db, Strength: 1, Unit: "(has none)",
			Does: "the release renames a column that the old version reads",
			Sees: "the new version does well, and every order at the old one fails",
			apply: func(e *effect, _ float64) {
				e.changes = []change{{role: part.RoleDatabase, turn: func(k *part.Knobs) { k.Database.Rename = true }}}
			},
		}, {
			Name: "missing-index", Group: GroupDB, Class: codeOrDB, Strength: 40, Unit: "rows more an order", Limit: "the database pool",
			Does: "a new query reads the whole table, and the table grows",
			Sees: "the database works more with the share of traffic and with time",
			apply: func(e *effect, x float64) {
				e.v2 = func(s *part.Shop) { s.Query, s.Queries = part.QueryScan, 2 }
				e.changes = []change{{role: part.RoleDatabase, turn: func(k *part.Knobs) { k.Database.Grow = int(x / 2) }}}
			},
		}, {
			Name: "migration-lock", Group: GroupDB, Class: db, Strength: 12, Unit: "s locked",
			Does: "a migration of the release holds a lock that every query needs",
			Sees: "both versions stand still for the time of the migration",
			apply: func(e *effect, x float64) {
				e.changes = []change{{role: part.RoleDatabase, turn: func(k *part.Knobs) {
					k.Database.Migrate = part.Duration(x * float64(time.Second))
				}}}
			},
		}, {
			Name: "pool-exhaustion", Group: GroupDB, Class: codeOrDB, Strength: 180, Unit: "ms a connection is kept", Limit: "the database pool",
			Does:  "the new version keeps its connection after the query",
			Sees:  "more of the pool is taken with every step; when it is full, both versions wait",
			apply: shop(func(s *part.Shop, x float64) { s.HoldConn = ms(x) }),
		},
	}
}
