package cli

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/foreshock/foreshock/signal"
)

// A fittedPool is the connections of a service that calls no other, such as a
// database, as threads of each of its instances.
type fittedPool struct {
	signal  int     // that measures it
	threads int     // of an instance; 0 when there is no pool, or it cannot be fitted
	all     int     // connections of all instances
	use     float64 // share of them, 0..1
	held    float64 // seconds of each request
}

// pool fits the pool of a service from its use, its requests per second and
// their latency, by Little's law:
//
//	connections = requests per second · seconds each is held / share in use
//
// The time is that of a request as a whole. Where some of it is waiting, there
// are fewer connections than this says, each is held for less, and what they can
// bear, connections / seconds, is the same. A service that calls others may hold
// its connections for any part of a request, so of one nothing is fitted. Of
// several pools the most used one counts.
func (f *fitter) pool(i int) (p fittedPool) {
	s := &f.services[i]
	rate, held := s.rate.mean(), s.mean.mean()
	if math.IsNaN(held) {
		held = s.latency.mean()
	}
	if len(f.sys.Graph.Callees(i)) > 0 || !(rate > 0) || !(held > 0) {
		return p
	}
	for _, sig := range f.limitedSignals(i) {
		if use := s.uses[sig].mean(); f.sys.Signals[sig].Kind == signal.Database && use > p.use {
			p.signal, p.use = sig, use
		}
	}
	if !(p.use > 0 && p.use < 1) {
		return fittedPool{}
	}
	n := max(1, s.instances())
	p.threads = max(1, int(math.Round(rate*held/p.use/float64(n))))
	p.all = p.threads * n
	p.held = p.use * float64(p.all) / rate // so that the use is the one that was measured
	return p
}

// write writes the pool as threads. There are cores enough that it and no
// processor is what is used up.
func (p fittedPool) write(w *strings.Builder, name string) {
	fmt.Fprintf(w, "    # fitted: %s, %.0f %% in use, is a pool of about %d by Little's law; work is the time that one is held.\n", name, 100*p.use, p.all)
	fmt.Fprint(w, "    # Its processors are not in the model: there are cores enough for the whole pool.\n")
	fmt.Fprintf(w, "    cores: %d\n    work: %s\n    threads: %d\n", 2*p.threads, spanText(p.held), p.threads)
}

// left lists the limits of a service that are measured, the most used first,
// and are not in the model, as "workers busy of shop at 3 %".
func (f *fitter) left(i int, p fittedPool) []string {
	var out []string
	for _, sig := range f.limitedSignals(i) {
		if p.threads > 0 && sig == p.signal {
			continue
		}
		out = append(out, fmt.Sprintf("%s of %s at %.0f %%", f.sys.Signals[sig].Name, f.sys.Services[i].Name, 100*f.services[i].uses[sig].mean()))
	}
	return out
}

// limitedSignals are the signals of a service that have a limit of a kind that
// a model does not take as it is, the most used first.
func (f *fitter) limitedSignals(i int) []int {
	uses := f.services[i].uses
	return slices.SortedFunc(maps.Keys(uses), func(a, b int) int {
		return cmp.Or(cmp.Compare(uses[b].mean(), uses[a].mean()), cmp.Compare(a, b))
	})
}
