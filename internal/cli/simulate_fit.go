package cli

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/queueing"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// A fitter is what a recording shows of its services before the first release:
// means over frames, as sums.
type fitter struct {
	sys      release.System
	services []fittedService
}

// A fittedService is what was measured of one service.
type fittedService struct {
	instances                            map[string]bool
	rate, cores, latency, errors, memory average
	limit                                float64 // of memory; NaN when none is told
	share                                average // of cpu, where it is told as a share
}

// An average is a mean that grows.
type average struct{ sum, n float64 }

func (a *average) add(x float64) { a.sum, a.n = a.sum+x, a.n+1 }
func (a average) mean() float64  { return a.sum / a.n }

// fitModel writes a model of a recording's system as it was before its first
// release began, with a remark for whatever the recording does not tell.
func fitModel(ctx context.Context, dir, change string) (string, error) {
	rec, err := recording.Load(dir)
	if err != nil {
		return "", err
	}
	if len(rec.System.Releases) == 0 || len(rec.System.Releases[0].Steps) == 0 {
		return "", &adviceError{
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
				f.services[i].instances, f.services[i].limit = map[string]bool{}, math.NaN()
			}
			return nil
		},
		saw: f.see,
	})
	if err != nil {
		return "", err
	}
	return f.model(rec, change), nil
}

// see adds up a frame.
func (f *fitter) see(fr signal.Frame) {
	type key struct{ service, signal int }
	sums, n := map[key]float64{}, map[key]float64{}
	for _, c := range fr.Cells {
		if c.Cohort == signal.Canary {
			continue
		}
		s := &f.services[c.Service]
		if f.sys.Signals[c.Signal].Kind == signal.Memory && !math.IsNaN(c.Limit) {
			s.limit = c.Limit
		}
		for _, r := range c.Readings {
			if r.Presence != signal.Present {
				continue
			}
			sums[key{c.Service, c.Signal}] += r.Value
			n[key{c.Service, c.Signal}]++
			if r.Instance != "" {
				s.instances[r.Instance] = true
			}
		}
	}
	for k, sum := range sums {
		f.services[k.service].note(f.sys.Signals[k.signal], sum, sum/n[k])
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
	case sig.Kind == signal.Latency && dim == signal.Time && (strings.HasSuffix(sig.Name, "p50") || sig.Family == sig.Name):
		s.latency.add(mean)
	case sig.Kind == signal.Errors && dim == signal.Ratio:
		s.errors.add(mean)
	case sig.Kind == signal.Memory && dim == signal.Bytes:
		s.memory.add(mean)
	}
}

// model writes the model.
func (f *fitter) model(rec *recording.Recording, change string) string {
	r := f.sys.Releases[0]
	p := &strings.Builder{}
	fmt.Fprintf(p, "# Fitted to recording %s, as it was before its first release.\n", rec.Name)
	fmt.Fprintf(p, "# Check what is marked \"not fitted\"; the fields are described in docs/how-to/simulate.md.\n")
	fmt.Fprintf(p, "apiVersion: foreshock.dev/v1alpha1\nkind: Model\nmetadata: {name: %q}\nspec:\n  interval: %s\n", rec.Name, rec.Interval)
	fmt.Fprintf(p, "  # not fitted: how long clients wait and how often they try\n  clients: {timeout: 10s, tries: 1}\n  services:\n")
	for i := range f.services {
		f.service(p, i)
	}
	var steps []string
	for _, s := range r.Steps {
		steps = append(steps, percent(100*s.Weight))
	}
	fmt.Fprintf(p, "  rollout: {service: %q, from: %q, to: %q, step: 10m, steps: [%s]}\n",
		f.sys.Services[r.Service].Name, blank(r.From), blank(r.To), strings.Join(steps, ", "))
	for _, o := range f.sys.Releases[1:] {
		fmt.Fprintf(p, "  # not fitted: the release of %s; a model has one\n", o.ID)
	}
	if change == "" {
		fmt.Fprintf(p, "  # not fitted: what is new; say it here\n  change: {}\n")
	} else {
		fmt.Fprintf(p, "  change: {%s}\n", change)
	}
	return p.String()
}

// service writes one service.
func (f *fitter) service(p *strings.Builder, i int) {
	s := &f.services[i]
	not := func(text string) { fmt.Fprintf(p, "    # not fitted: %s\n", text) }
	n := max(1, len(s.instances))
	fmt.Fprintf(p, "  - name: %q\n    instances: %d\n", f.sys.Services[i].Name, n)
	if len(s.instances) == 0 {
		not("instances; no signal tells them apart, so they count as one")
	}
	rate := s.rate.mean()
	called := len(f.sys.Graph.Callers(i)) > 0
	work, cores := f.work(s, i, not)
	fmt.Fprintf(p, "    cores: %d\n    work: %s\n", max(1, int(math.Ceil(cores/float64(n)))), spanText(work))
	switch {
	case called:
		not("traffic of clients; it is called by other services")
	case math.IsNaN(rate):
		not("traffic; no signal of kind traffic counts requests per second")
		fmt.Fprint(p, "    traffic: 1\n")
	default:
		fmt.Fprintf(p, "    traffic: %.4g\n", rate)
	}
	if e := s.errors.mean(); e > 0 {
		fmt.Fprintf(p, "    errors: %.3g\n", math.Min(1, e))
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
	not("threads, queue and variability")
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
		fmt.Fprintf(p, "    - {to: %q, calls: %.3g}\n", f.sys.Services[c].Name, calls)
	}
}

// work returns the processor time of a request, and cores that it needs to
// be well.
func (f *fitter) work(s *fittedService, i int, not func(string)) (work, cores float64) {
	rate, busy := s.rate.mean(), s.cores.mean()
	n := float64(max(1, len(s.instances)))
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
