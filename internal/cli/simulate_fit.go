package cli

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/queueing"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/stats"
)

// A fitter is what a recording shows of its services before the first release:
// means over frames, as sums.
type fitter struct {
	sys      release.System
	services []fittedService
}

// A fittedService is what was measured of one service.
type fittedService struct {
	processes, others                    int // most instances at once: of what a process uses, and of all else but what it calls
	rate, cores, latency, errors, memory average
	mean                                 average         // latency, where its mean is told
	limit                                float64         // of memory; NaN when none is told
	share                                average         // of cpu, where it is told as a share
	uses                                 map[int]average // by signal: share of the limit of a pool or of what saturates, ≥ 0
}

// instances are how many there are, ≥ 0; 0 when no signal tells them apart. What
// a process uses is told of each process; other signals can be told by route or
// version as well, so they count only where there is nothing better.
func (s *fittedService) instances() int { return cmp.Or(s.processes, s.others) }

// A fitted is the model of a recording, as YAML.
type fitted struct {
	text    string
	missing []string // limits that the recording measures and the model has not
}

// An average is a mean that grows.
type average struct{ sum, n float64 }

func (a *average) add(x float64) { a.sum, a.n = a.sum+x, a.n+1 }
func (a average) mean() float64  { return a.sum / a.n }

// fitModel writes a model of a recording's system as it was before its first
// release began, with a remark for whatever the recording does not tell.
func fitModel(ctx context.Context, dir, change string) (fitted, error) {
	rec, err := recording.Load(dir)
	if err != nil {
		return fitted{}, err
	}
	if len(rec.System.Releases) == 0 || len(rec.System.Releases[0].Steps) == 0 {
		return fitted{}, &adviceError{
			msg:  fmt.Sprintf("recording %s has no release; a model needs a service that is rolled out", rec.Name),
			mend: "fit a recording with a release, or write a model by hand: docs/how-to/simulate.md",
		}
	}
	f := &fitter{}
	first := rec.System.Releases[0].Steps[0].At
	for _, r := range rec.System.Releases {
		if at := r.Steps[0].At; at.Before(first) {
			first = at
		}
	}
	_, err = play(ctx, dir, until{at: first.Add(-rec.Interval)}, listener{
		begin: func(_ string, sys release.System) error {
			f.sys = sys
			f.services = make([]fittedService, len(sys.Services))
			for i := range f.services {
				f.services[i].uses, f.services[i].limit = map[int]average{}, math.NaN()
			}
			return nil
		},
		saw: f.see,
	})
	if err != nil {
		return fitted{}, err
	}
	return f.model(rec, change), nil
}

// see adds up a frame.
func (f *fitter) see(fr signal.Frame) {
	type key struct{ service, signal int }
	sums, n, limits := map[key]float64{}, map[key]float64{}, map[key]float64{}
	for _, c := range fr.Cells {
		if c.Cohort == signal.Canary {
			continue
		}
		k := key{c.Service, c.Signal}
		limits[k] = c.Limit
		for _, r := range c.Readings {
			if r.Presence == signal.Present {
				sums[k] += r.Value
				n[k]++
			}
		}
	}
	for k, sum := range sums {
		s := &f.services[k.service]
		s.note(f.sys.Signals[k.signal], sum, sum/n[k])
		s.limited(k.signal, f.sys.Signals[k.signal].Kind, sum/n[k], limits[k])
	}
	for i := range f.services {
		s := &f.services[i]
		s.processes = max(s.processes, f.named(fr, i, signal.CPU, signal.Memory, signal.Crashes))
		s.others = max(s.others, f.named(fr, i))
	}
}

// named counts the instances of a service's old version in a frame, by its
// signals of some kinds; without kinds by all signals but those of what it
// calls, which may be told by callee.
func (f *fitter) named(fr signal.Frame, service int, kinds ...signal.Kind) int {
	names := map[string]bool{}
	for _, c := range fr.Cells {
		kind := f.sys.Signals[c.Signal].Kind
		wanted := slices.Contains(kinds, kind) || len(kinds) == 0 && kind != signal.Dependency
		if c.Service != service || c.Cohort == signal.Canary || !wanted {
			continue
		}
		for _, r := range c.Readings {
			if r.Presence == signal.Present && r.Instance != "" {
				names[r.Instance] = true
			}
		}
	}
	return len(names)
}

// limited takes the mean of a signal and its limit, NaN for none.
func (s *fittedService) limited(sig int, kind signal.Kind, mean, limit float64) {
	if !(limit > 0) {
		return
	}
	switch kind {
	case signal.Memory:
		s.limit = limit
	case signal.Database, signal.Saturation:
		use := s.uses[sig]
		use.add(mean / limit)
		s.uses[sig] = use
	default: // its limit is an objective, or the model has it from elsewhere
	}
}

// note takes the sum and the mean of a signal over the instances in a frame.
func (s *fittedService) note(sig signal.Signal, sum, mean float64) {
	switch dim := sig.Unit.Dimension; {
	case sig.Kind == signal.Traffic && dim == signal.Rate:
		s.rate.add(sum)
	case sig.Kind == signal.CPU && dim == signal.CPUTime:
		s.cores.add(sum)
	case sig.Kind == signal.CPU && dim == signal.Ratio:
		s.share.add(mean)
	case sig.Kind == signal.Latency && dim == signal.Time && strings.HasSuffix(sig.Name, "mean"):
		s.mean.add(mean)
	case sig.Kind == signal.Latency && dim == signal.Time && (sig.Quantile == 0.5 || strings.HasSuffix(sig.Name, "p50") || sig.Quantile == 0 && sig.Family == sig.Name):
		s.latency.add(mean)
	case sig.Kind == signal.Errors && dim == signal.Ratio:
		s.errors.add(mean)
	case sig.Kind == signal.Memory && dim == signal.Bytes:
		s.memory.add(mean)
	}
}

// model writes the model.
func (f *fitter) model(rec *recording.Recording, change string) fitted {
	r := f.sys.Releases[0]
	p := &strings.Builder{}
	fmt.Fprintf(p, "# Fitted to recording %s, as it was before its first release.\n", rec.Name)
	fmt.Fprintf(p, "# Check what is marked \"not fitted\"; the fields are described in docs/how-to/simulate.md.\n")
	fmt.Fprintf(p, "apiVersion: foreshock.dev/v1alpha1\nkind: Model\nmetadata: {name: %q}\nspec:\n  interval: %s\n", rec.Name, rec.Interval)
	fmt.Fprintf(p, "  # not fitted: how long clients wait and how often they try\n  clients: {timeout: 10s, tries: 1}\n  services:\n")
	var missing []string
	for i := range f.services {
		missing = append(missing, f.service(p, i)...)
	}
	var steps []string
	for _, s := range r.Steps {
		steps = append(steps, percent(100*s.Weight))
	}
	fmt.Fprintf(p, "  rollout: {service: %q, from: %q, to: %q, step: %s, steps: [%s]}\n",
		f.sys.Services[r.Service].Name, blank(r.From), blank(r.To), short(stepLength(r.Steps)), strings.Join(steps, ", "))
	for _, o := range f.sys.Releases[1:] {
		fmt.Fprintf(p, "  # not fitted: the release of %s; a model has one\n", o.ID)
	}
	if change == "" {
		fmt.Fprintf(p, "  # not fitted: what is new; say it here\n  change: {}\n")
	} else {
		fmt.Fprintf(p, "  change: {%s}\n", change)
	}
	return fitted{text: p.String(), missing: missing}
}

// stepLength is the median time between two steps, above 0, to the second where
// they are that long; 10 minutes of a single step.
func stepLength(steps []release.Step) time.Duration {
	var gaps []float64
	for i := 1; i < len(steps); i++ {
		gaps = append(gaps, steps[i].At.Sub(steps[i-1].At).Seconds())
	}
	if len(gaps) == 0 {
		return 10 * time.Minute
	}
	d := time.Duration(stats.Median(gaps) * float64(time.Second))
	if d < time.Second {
		return max(d.Round(time.Millisecond), time.Millisecond)
	}
	return d.Round(time.Second)
}

// service writes one service, and returns the limits that are measured of it
// and that the model has not.
func (f *fitter) service(p *strings.Builder, i int) (missing []string) {
	s := &f.services[i]
	not := func(text string) { fmt.Fprintf(p, "    # not fitted: %s\n", text) }
	n := max(1, s.instances())
	fmt.Fprintf(p, "  - name: %q\n    instances: %d\n", f.sys.Services[i].Name, n)
	if s.instances() == 0 {
		not("instances; no signal tells them apart, so they count as one")
	}
	rate := s.rate.mean()
	called := len(f.sys.Graph.Callers(i)) > 0
	pool := f.pool(i)
	if pool.threads > 0 {
		pool.write(p, f.sys.Signals[pool.signal].Name)
	} else {
		work, cores := f.work(s, i, not)
		fmt.Fprintf(p, "    cores: %d\n    work: %s\n", max(1, int(math.Ceil(cores/float64(n)))), spanText(work))
	}
	missing = f.left(i, pool)
	for _, text := range missing {
		not(text + " of its limit: it is not in the model, which does not break by it")
	}
	if pool.threads > 0 {
		missing = append(missing, "processors of "+f.sys.Services[i].Name)
	}
	switch {
	case called:
		not("traffic of clients; it is called by other services")
	case math.IsNaN(rate):
		not("traffic; no signal of kind traffic counts requests per second")
		fmt.Fprint(p, "    traffic: 1\n")
	default:
		fmt.Fprintf(p, "    traffic: %s\n", plain(rate, 4))
	}
	if e := s.errors.mean(); e > 0 {
		fmt.Fprintf(p, "    errors: %s\n", plain(math.Min(1, e), 3))
	}
	if m := s.memory.mean(); m > 0 {
		limit := "none"
		if s.limit > m {
			limit = fmt.Sprintf("%.0f", s.limit)
		}
		fmt.Fprintf(p, "    memory: {base: %.0f, limit: %s}\n", m, limit)
	} else {
		not("memory; no signal of it is in bytes")
	}
	if pool.threads > 0 {
		not("queue and variability")
	} else {
		not("threads, queue and variability")
	}
	f.calls(p, i, rate, not)
	return missing
}

// calls writes the calls of a service with so many requests per second.
func (f *fitter) calls(p *strings.Builder, i int, rate float64, not func(string)) {
	callees := f.sys.Graph.Callees(i)
	if len(callees) == 0 {
		return
	}
	fmt.Fprint(p, "    calls:\n")
	for _, c := range callees {
		calls := f.services[c].rate.mean() / rate
		if len(f.sys.Graph.Callers(c)) > 1 || math.IsNaN(calls) || math.IsInf(calls, 0) {
			not("how often " + f.sys.Services[c].Name + " is called")
			calls = 1
		}
		not("timeout, tries, pool and cache of the calls of " + f.sys.Services[c].Name)
		fmt.Fprintf(p, "    - {to: %q, calls: %s}\n", f.sys.Services[c].Name, plain(calls, 3))
	}
}

// work returns the processor time of a request, and cores that it needs to
// be well.
func (f *fitter) work(s *fittedService, i int, not func(string)) (work, cores float64) {
	rate, busy := s.rate.mean(), s.cores.mean()
	n := float64(max(1, s.instances()))
	if math.IsNaN(busy) && !math.IsNaN(s.share.mean()) {
		not("how many cores an instance has; cpu is told as a share, so one is assumed")
		busy = s.share.mean() * n
	}
	work = queueing.Demand(busy, rate) // the utilisation law
	if !math.IsNaN(work) {
		not("cores of an instance; there are enough for twice the load")
		return work, math.Max(n, 2*busy)
	}
	work = s.latency.mean()
	for _, c := range f.sys.Graph.Callees(i) {
		if l := f.services[c].latency.mean(); l < work {
			work -= l
		}
	}
	if math.IsNaN(work) {
		not("work; neither cpu with traffic nor latency is there, so a request takes 1 ms")
		work = 0.001
	} else {
		not("work by cpu and traffic; it is the median latency less that of the services called")
	}
	if math.IsNaN(rate) {
		rate = 1
	}
	return work, math.Max(n, 2*rate*work)
}

// plain writes a number to so many figures, without an exponent.
func plain(x float64, figures int) string {
	v, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', figures, 64), 64)
	if err != nil {
		v = x
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func spanText(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Microsecond).String()
}

// fitting says whether the flags of a fit go together.
func (o *simulating) fitting(args []string) string {
	switch {
	case o.fit == "" && o.change != "":
		return "--change goes with --fit; in a model, write it under spec.change"
	case o.fit != "" && len(args) > 0:
		return fmt.Sprintf("--fit takes its recording as its value, and no model: drop %q", args[0])
	case o.fit != "" && slices.Contains([]bool{o.list, o.print}, true):
		return "--fit goes with neither --list nor --print"
	}
	return ""
}
