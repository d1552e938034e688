package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// A rollout is how one service gets its new version.
type rollout struct {
	service, from, to string
	pods              int // of the old version before the rollout
	steps             []step
	change            string // facts, as YAML
}

// A step begins at sec and takes half a minute.
type step struct {
	sec, weight float64 // weight in percent
	pods        int     // of the new version from then on
}

const moving = 30 // seconds that a step takes

// share returns the share of traffic on the new version.
func (r rollout) share(sec float64) float64 {
	w := 0.0
	for _, s := range r.steps {
		if sec >= s.sec {
			w += (s.weight/100 - w) * math.Min(1, (sec-s.sec)/moving)
		}
	}
	return w
}

// fleets returns both versions of the service, alike in everything. load is
// the requests per second of both together.
func (r rollout) fleets(load func(float64) float64, like fleet) (old, canary *fleet) {
	a, b := like, like
	a.service, a.version, b.service, b.version = r.service, r.from, r.service, r.to
	rng := rand.New(rand.NewPCG(uint64(len(r.service)), uint64(r.service[0])))
	for range r.pods {
		a.pods = append(a.pods, pod{name: podName(rng, r.service, r.from), from: -forever, until: forever})
	}
	for _, s := range r.steps {
		for len(b.pods) < s.pods {
			b.pods = append(b.pods, pod{name: podName(rng, r.service, r.to), from: s.sec, until: forever})
		}
	}
	a.load = func(sec float64) float64 { return load(sec) * (1 - r.share(sec)) }
	b.load = func(sec float64) float64 { return load(sec) * r.share(sec) }
	return &a, &b
}

// single returns the only version of a service that is not released.
func single(service string, pods int, load func(float64) float64, like fleet) *fleet {
	old, _ := rollout{service: service, from: "v1", pods: pods}.fleets(load, like)
	return old
}

// podName looks like one of a Kubernetes deployment.
func podName(rng *rand.Rand, service, version string) string {
	const letters = "bcdfghjklmnpqrstvwxz2456789"
	var b strings.Builder
	for range 5 {
		b.WriteByte(letters[rng.IntN(len(letters))])
	}
	return fmt.Sprintf("%s-%s-%s", service, strings.ReplaceAll(version, ".", "-"), b.String())
}

// yaml writes one release of recording.yaml.
func (r rollout) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, `  - service: %s
    from: %q
    to: %q
    cohorts: {canary: 'service="%s",version="%s"', control: 'service="%s",version="%s"'}
`, r.service, r.from, r.to, r.service, r.to, r.service, r.from)
	if r.change != "" {
		fmt.Fprintf(&b, "    change: %s\n", r.change)
	}
	b.WriteString("    steps:\n")
	for _, s := range r.steps {
		fmt.Fprintf(&b, "    - {at: %s, completedAt: %s, weight: %v, canaryReplicas: %d, controlReplicas: %d}\n",
			clock(s.sec), clock(s.sec+moving), s.weight, s.pods, r.pods)
	}
	return b.String()
}

// clock writes an instant.
func clock(sec float64) string {
	return start.Add(time.Duration(sec * float64(time.Second))).Format(time.RFC3339)
}

// releases writes the releases of recording.yaml.
func releases(rs ...rollout) string {
	var b strings.Builder
	b.WriteString("  releases:\n")
	for _, r := range rs {
		b.WriteString(r.yaml())
	}
	return b.String()
}

// bad writes a truth in which one release is faulty.
func bad(r rollout, class, fault string, healthy ...string) string {
	return fmt.Sprintf("# what really happened; never an input\nfaulty: [%s]\nclass: [%s]  # any of these is right\nfault: %s\nonsetAt: %s\nhealthy: [%s]\n",
		r.service, class, fault, clock(r.steps[0].sec), strings.Join(healthy, ", "))
}

// good writes a truth in which nothing is.
func good(healthy ...string) string {
	return fmt.Sprintf("# what really happened; never an input\nfaulty: []\nhealthy: [%s]\n", strings.Join(healthy, ", "))
}

// What most services are like.

func always(x float64) func(float64) float64 { return func(float64) float64 { return x } }

// day is a load that rises and falls by a tenth within a quarter of an hour.
func day(mean float64) func(float64) float64 {
	return func(sec float64) float64 { return mean * (1 + 0.1*math.Sin(sec/900*2*math.Pi)) }
}

// settled is memory that is warm after some minutes and stays.
func settled(mib float64) func(float64) float64 {
	return func(age float64) float64 { return mib * (1 << 20) * (1 - 0.2*math.Exp(-age/120)) }
}

// after is normal until the new version meets the load, then other.
func after(normal, other, from float64) func(float64) float64 {
	return func(sec float64) float64 {
		if sec < from {
			return normal
		}
		return other
	}
}
