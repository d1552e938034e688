package lab

import (
	"time"

	"github.com/foreshock/foreshock/lab/part"
)

// later is in the second step of an ordinary rollout.
const later = 42 * time.Second

func routingFaults() []Fault {
	routing := []string{GroupRouting}
	return []Fault{
		{
			Name: "no-traffic", Group: GroupRouting, Class: routing, Strength: 1, Unit: "(has none)",
			Does:  "the edge is told a weight and sends the new version nothing",
			Sees:  "the new version is up and serves nothing at all",
			apply: func(e *effect, _ float64) { e.weight = func(float64) float64 { return 0 } },
		}, {
			Name: "wrong-weight", Group: GroupRouting, Class: []string{GroupRouting, GroupConfig}, Strength: 5, Unit: "times the weight", Limit: "the shop's share of a core",
			Does: "the edge sends the new version several times the weight that it says; one sized for its share is overrun",
			Sees: "the new version gets more traffic than its weight, and slows down early",
			apply: func(e *effect, x float64) {
				e.weight = func(w float64) float64 { return min(x*w, 1) }
				e.v2 = func(s *part.Shop) { s.Quota /= 6 }
			},
		}, {
			Name: "instance-unreachable", Group: GroupRouting, Class: []string{GroupRouting, GroupInfra}, Strength: 1, Unit: "of two instances",
			Does: "one of the new instances is listed at an address where nothing listens",
			Sees: "half of the attempts at the new version are refused; retries hide some of it",
			apply: func(e *effect, _ float64) {
				e.routes = func(all []part.Upstream) []part.Upstream {
					out := append([]part.Upstream(nil), all...)
					for i := range out {
						if out[i].Version == "v2" {
							out[i].Address = "127.0.0.1:9"
							break
						}
					}
					return out
				}
			},
		}, {
			Name: "name-not-found", Group: GroupRouting, Class: []string{GroupRouting, GroupConfig}, Strength: 1, Unit: "(has none)",
			Does:  "the new version asks for pricing by a name that does not resolve",
			Sees:  "calls to pricing fail before they are made, and orders with them",
			apply: shop(func(s *part.Shop, _ float64) { s.PricingAt, s.NoCache = "pricing.invalid:80", true }),
		},
	}
}

func cascadeFaults() []Fault {
	return []Fault{
		{
			Name: "retry-storm", Group: GroupCascade, Class: []string{GroupCode, GroupConfig}, Onset: later, Strength: 4, Unit: "retries a call",
			Does: "the new version retries calls to pricing at once and without a budget; pricing stalls for three seconds",
			Sees: "after a short stall the calls multiply, and pricing never recovers",
			apply: func(e *effect, x float64) {
				e.v2 = func(s *part.Shop) { s.NoCache, s.CallRetries = true, int(x) }
				e.changes = []change{
					{role: part.RolePricing, turn: func(k *part.Knobs) { k.Pricing.Queue = 128 }},
					{role: part.RolePricing, turn: func(k *part.Knobs) { k.Pricing.Wait = ms(2000) }},
					{role: part.RolePricing, after: 3 * time.Second, turn: func(k *part.Knobs) { k.Pricing.Wait = ms(40) }},
				}
			},
		}, {
			Name: "thundering-herd", Group: GroupCascade, Class: []string{GroupCode, GroupConfig}, Strength: 2, Unit: "workers of pricing",
			Does: "the release drops what is in the cache, and everybody asks pricing at once",
			Sees: "hits fall to nothing, pricing is overrun, and what comes back too late is not kept",
			apply: func(e *effect, x float64) {
				e.changes = []change{
					{role: part.RolePricing, turn: func(k *part.Knobs) { k.Pricing.Workers, k.Pricing.Queue = int(x), 64 }},
					{role: part.RoleCache, turn: func(k *part.Knobs) { k.Cache.Flush++ }},
				}
			},
		}, {
			Name: "stale-queue", Group: GroupCascade, Class: []string{GroupCode, GroupConfig}, Strength: 2, Unit: "workers", Limit: "the shop's workers",
			Does:  "the new version has few workers, a queue without end, and works on for callers who have left",
			Sees:  "it does well until its workers are full; then every answer comes too late",
			apply: shop(func(s *part.Shop, x float64) { s.Workers, s.Patient, s.Pause = int(x), true, ms(45) }),
		},
	}
}

func silenceFaults() []Fault {
	return []Fault{
		{
			Name: "metrics-gone", Group: GroupSilence, Class: []string{GroupInfra, GroupConfig, GroupRouting}, Strength: 1, Unit: "(has none)",
			Does:  "the new version's metrics endpoint is gone while it serves",
			Sees:  "no series of the new version; its callers see that it does well",
			apply: shop(func(s *part.Shop, _ float64) { s.NoMetrics = true }),
		}, {
			Name: "hung", Group: GroupSilence, Class: []string{GroupCode}, Strength: 1, Unit: "(has none)",
			Does:  "the new version takes requests and never completes one",
			Sees:  "requests are active and none is answered; the edge sees timeouts",
			apply: shop(func(s *part.Shop, _ float64) { s.Hang = true }),
		},
	}
}

func lookAlikes() []Fault {
	return []Fault{
		{
			Name: "none", Group: GroupHealthy, Strength: 1, Unit: "(has none)",
			Does: "nothing: the new version is the old one again", Sees: "nothing",
			apply: func(*effect, float64) {},
		}, {
			Name: "cold-start", Group: GroupHealthy, Strength: 3, Unit: "times as slow",
			Does:  "the new version is slow for its first twelve seconds, as one that must warm up",
			Sees:  "latency starts high and settles",
			apply: shop(func(s *part.Shop, x float64) { s.WarmFor, s.WarmBy = ms(12_000), x; s.Pause = ms(8) }),
		}, {
			Name: "cache-fill", Group: GroupHealthy, Strength: 300, Unit: "entries of 48 KiB",
			Does:  "the new version keeps a cache of its own, which fills and is full",
			Sees:  "memory rises quickly and then not at all",
			apply: shop(func(s *part.Shop, x float64) { s.Local, s.LocalKeys, s.Memory = 48<<10, int(x), 160*mib }),
		}, {
			Name: "gc-sawtooth", Group: GroupHealthy, Strength: 40, Unit: "MiB between collections",
			Does:  "the new version gathers garbage and drops it at once",
			Sees:  "memory is a saw",
			apply: shop(func(s *part.Shop, x float64) { s.Sawtooth, s.Memory = int(x)*mib, 160*mib }),
		}, {
			Name: "traffic-doubles", Group: GroupHealthy, Onset: later, Strength: 2, Unit: "times the requests",
			Does: "callers double while the release is on its way",
			Sees: "everything rises in both versions alike",
			apply: func(e *effect, x float64) {
				e.changes = []change{{role: part.RoleLoad, turn: func(k *part.Knobs) { k.Load.Rate *= x }}}
			},
		}, {
			Name: "traffic-falls", Group: GroupHealthy, Onset: later, Strength: 0.1, Unit: "times the requests",
			Does: "callers leave while the release is on its way",
			Sees: "traffic falls to a tenth in both versions",
			apply: func(e *effect, x float64) {
				e.changes = []change{{role: part.RoleLoad, turn: func(k *part.Knobs) { k.Load.Rate *= x }}}
			},
		}, {
			Name: "dependency-blip", Group: GroupHealthy, Onset: later, Strength: 8, Unit: "times as slow",
			Does: "the database is slow for three seconds",
			Sees: "a spike of latency in both versions",
			apply: func(e *effect, x float64) {
				e.changes = []change{
					{role: part.RoleDatabase, turn: func(k *part.Knobs) { k.Database.Slow = x }},
					{role: part.RoleDatabase, after: 3 * time.Second, turn: func(k *part.Knobs) { k.Database.Slow = 1 }},
				}
			},
		},
	}
}

func quietLookAlikes() []Fault {
	return []Fault{
		{
			Name: "low-traffic", Group: GroupHealthy, Strength: 0.5, Unit: "requests a second",
			Does:  "hardly anybody calls",
			Sees:  "noisy numbers of a handful of requests",
			apply: func(e *effect, x float64) { e.rate = x },
		}, {
			Name: "slower-5-percent", Group: GroupHealthy, Strength: 0.05, Unit: "of the latency",
			Does:  "the new version is a twentieth slower, and fine",
			Sees:  "a small difference that stays",
			apply: shop(func(s *part.Shop, x float64) { s.Pause += ms(40 * x) }),
		}, {
			Name: "memory-20-percent", Group: GroupHealthy, Strength: 0.2, Unit: "of the memory",
			Does:  "the new version holds a fifth more memory from its start",
			Sees:  "memory is higher and flat",
			apply: shop(func(s *part.Shop, x float64) { s.Ballast, s.Memory = int(x*8*mib), 160*mib }),
		}, {
			Name: "pod-rescheduled", Group: GroupHealthy, Onset: later, Strength: 1, Unit: "instance",
			Does:  "an instance of the old version goes away and comes back",
			Sees:  "a few failed connections and a restart, not of the new version",
			apply: func(e *effect, _ float64) { e.crash = "shop-v1-1" },
		}, {
			Name: "incident-elsewhere", Group: GroupHealthy, Onset: later, Strength: 6, Unit: "times as slow",
			Does: "the database becomes slow and stays so, and the release has nothing to do with it",
			Sees: "both versions are slow from one moment on",
			apply: func(e *effect, x float64) {
				e.changes = []change{{role: part.RoleDatabase, turn: func(k *part.Knobs) { k.Database.Slow = x }}}
			},
		},
	}
}
