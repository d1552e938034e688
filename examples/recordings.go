package main

import (
	"math"
	"time"
)

// examples returns all of them, by name.
func examples() []example {
	return []example{
		cartLeak(), catalogDiscovered(), checkoutConfig(), paymentsSilent(), recommendationsSlow(), searchHealthy(), shopIncident(),
	}
}

// cartLeak loses 9 MiB a minute; when a pod is near its limit, collecting
// garbage takes the time that requests would need.
func cartLeak() example {
	r := rollout{service: "cart", from: "2.14.0", to: "2.15.0", pods: 4, steps: []step{{1200, 20, 1}, {3000, 50, 3}}, change: "{kind: code, dependencies: [lru-cache], rollback: safe}"}
	old, canary := r.fleets(day(80), fleet{latency: always(0.028), heap: settled(190), cost: 0.004})
	heap := func(age float64) float64 { return settled(190)(age) + 9*(1<<20)*math.Max(0, age)/60 }
	canary.heap = func(age float64) float64 { return math.Min(heap(age), 508*(1<<20)) }
	canary.latency = func(sec float64) float64 {
		full := heap(sec-r.steps[0].sec) / (512 * (1 << 20))
		return 0.028 * (1 + 4*math.Pow(math.Max(0, full-0.6), 1.5))
	}
	return example{
		name: "cart-leak", about: "A cache without a bound: memory grows first, latency follows.",
		interval: time.Minute, frames: 58, seed: 1, families: container, fleets: []*fleet{old, canary},
		spec: releases(r) + signals, truth: bad(r, "code", "memory leak"),
	}
}

// catalogDiscovered asks the database once for each item; its recording names
// no signals.
func catalogDiscovered() example {
	r := rollout{service: "catalog", from: "1.8.2", to: "1.9.0", pods: 3, steps: []step{{600, 25, 1}, {1350, 50, 2}}}
	old, canary := r.fleets(day(45), fleet{latency: always(0.042), heap: settled(96), cost: 0.006})
	canary.latency, canary.cost = always(0.105), 0.011
	return example{
		name: "catalog-discovered", about: "One query for each item instead of one for all. No signals are named: they are discovered.",
		interval: 30 * time.Second, frames: 56, seed: 2, fleets: []*fleet{old, canary},
		families: []family{requests, durations, processCPU, processFiles, processMaxFiles, processStart, goroutines, goHeap},
		spec:     releases(r), truth: bad(r, "code, db", "a query for each item"),
	}
}

// checkoutConfig has the wrong name of a host in its settings: every request
// that needs it fails at once.
func checkoutConfig() example {
	r := rollout{service: "checkout", from: "7.3.1", to: "7.3.2", pods: 3, steps: []step{{300, 10, 1}, {660, 50, 2}}, change: "{kind: config, files: [values.yaml], rollback: safe}"}
	old, canary := r.fleets(day(60), fleet{latency: always(0.065), heap: settled(240), cost: 0.008})
	canary.errors = always(0.34)
	canary.latency = always(0.052) // failing is quick
	return example{
		name: "checkout-config", about: "A wrong host name in the settings: a third of the requests fails at once.",
		interval: 15 * time.Second, frames: 56, seed: 3, families: container, fleets: []*fleet{old, canary},
		spec: releases(r) + signals, truth: bad(r, "config", "wrong host name"),
	}
}

// paymentsSilent crashes before it opens its port; a fifth of the calls to the
// service is sent there all the same.
func paymentsSilent() example {
	r := rollout{service: "payments", from: "5.0.4", to: "5.1.0", pods: 4, steps: []step{{900, 20, 1}, {1800, 60, 3}}, change: "{kind: config, files: [secrets.yaml], rollback: safe}"}
	old, canary := r.fleets(day(40), fleet{latency: always(0.12), heap: settled(310), cost: 0.009})
	canary.mute = true
	fails := func(sec float64) float64 { return 0.0002 + 0.98*r.share(sec) }
	caller := single("checkout", 3, day(40), fleet{
		latency: always(0.19), heap: settled(240), cost: 0.006,
		errors: func(sec float64) float64 { return 0.0005 + 0.95*r.share(sec) },
		calls:  map[string]func(float64) float64{"payments": fails},
	})
	return example{
		name: "payments-silent", about: "The new version crashes before it listens: nothing of it is ever measured, and its caller fails.",
		interval: 30 * time.Second, frames: 60, seed: 4, families: append([]family{calls}, container...), fleets: []*fleet{old, canary, caller},
		spec:  "  topology: [{from: checkout, to: payments}]\n  services:\n  - {name: checkout, selector: 'service=\"checkout\"'}\n" + releases(r) + calling,
		truth: bad(r, "config, code", "crash at start"),
	}
}

// recommendationsSlow computes what it used to look up.
func recommendationsSlow() example {
	r := rollout{service: "recommendations", from: "0.31", to: "0.32", pods: 4, steps: []step{{450, 15, 1}, {840, 50, 2}}, change: "{kind: code, rollback: safe}"}
	old, canary := r.fleets(day(120), fleet{latency: always(0.036), heap: settled(410), cost: 0.003})
	canary.latency, canary.cost = always(0.066), 0.0042
	return example{
		name: "recommendations-slow", about: "It computes what it used to look up: the median rises from 36 to 66 ms.",
		interval: 15 * time.Second, frames: 60, seed: 5, families: container, fleets: []*fleet{old, canary},
		spec: releases(r) + signals, truth: bad(r, "code", "slow path"),
	}
}

// searchHealthy is slow while its caches are cold, and collects garbage as it
// always did.
func searchHealthy() example {
	r := rollout{service: "search", from: "11.2", to: "11.3", pods: 3, steps: []step{{540, 25, 1}, {1080, 50, 2}, {1530, 100, 3}}, change: "{kind: code, rollback: safe}"}
	tooth := func(age float64) float64 {
		since := math.Mod(age+7*86400, 420)
		return (220 + 110*since/420) * (1 << 20)
	}
	old, canary := r.fleets(day(90), fleet{latency: always(0.048), heap: tooth, cost: 0.005})
	canary.latency = func(sec float64) float64 { return 0.048 * (1 + 0.7*math.Exp2(-(sec-r.steps[0].sec)/45)) }
	return example{
		name: "search-healthy", about: "A healthy release: slow while its caches are cold, memory in the saw-teeth of garbage collection.",
		interval: 30 * time.Second, frames: 60, seed: 6, families: container, fleets: []*fleet{old, canary},
		spec: releases(r) + signals, truth: good("search"),
	}
}

// shopIncident releases two services at once. The new payments fail one
// request in eight; checkout, which calls it, fails in both of its versions.
func shopIncident() example {
	bads := rollout{service: "payments", from: "5.1.0", to: "5.2.0", pods: 3, steps: []step{{900, 30, 1}, {1800, 60, 2}}}
	fine := rollout{service: "checkout", from: "7.3.2", to: "7.4.0", pods: 2, steps: []step{{780, 25, 1}, {1680, 50, 2}}}
	fails := func(sec float64) float64 { return 0.0002 + 0.125*bads.share(sec) }
	old, canary := bads.fleets(day(40), fleet{latency: always(0.12), heap: settled(310), cost: 0.009})
	canary.errors = after(0.0002, 0.125, bads.steps[0].sec)
	victim := fleet{latency: always(0.19), heap: settled(240), cost: 0.006, errors: fails, calls: map[string]func(float64) float64{"payments": fails, "cart": nil}}
	a, b := fine.fleets(day(40), victim)
	web := single("web", 2, day(150), fleet{
		latency: always(0.24), heap: settled(150), cost: 0.002,
		errors: func(sec float64) float64 { return 0.0002 + 0.25*(fails(sec)-0.0002) },
		calls:  map[string]func(float64) float64{"checkout": fails, "cart": nil},
	})
	cart := single("cart", 2, day(80), fleet{latency: always(0.028), heap: settled(190), cost: 0.004})
	return example{
		name: "shop-incident", about: "Two releases at once: the new payments fail one request in eight, and checkout, which is well, fails with it.",
		interval: time.Minute, frames: 40, seed: 7, families: append([]family{calls}, container...), fleets: []*fleet{web, a, b, old, canary, cart},
		spec: `  topology: [{from: web, to: checkout}, {from: web, to: cart}, {from: checkout, to: payments}, {from: checkout, to: cart}]
  services:
  - {name: web, selector: 'service="web"'}
  - {name: cart, selector: 'service="cart"'}
` + releases(fine, bads) + calling,
		truth: bad(bads, "code", "exception in one path", "checkout"),
	}
}
