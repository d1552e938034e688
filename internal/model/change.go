package model

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/foreshock/foreshock/signal"
	"github.com/foreshock/foreshock/simulate"
)

// change makes the new version of what the change says. Its work takes so many
// times longer as its cores are slower.
func (d *decoder) change(f *File, spec object, index map[string]int, slower float64) {
	m := &f.Model
	old := m.Services[m.Rollout.Service]
	n := old
	n.Calls = slices.Clone(old.Calls)
	m.New = n
	if !spec.Has("change") {
		f.Changes = []string{"nothing that the model knows of"}
		return
	}
	o := d.object(spec.At("change"), "spec.change", "? cost work variability errors leak perRequest memory threads calls instances")
	say := func(format string, args ...any) { f.Changes = append(f.Changes, fmt.Sprintf(format, args...)) }
	if o.Has("cost") {
		by := o.number("cost", 0, 1e6, 1)
		n.Work *= by
		say("each request costs ×%s processor time", figures(by))
	}
	if o.Has("work") {
		work := o.seconds("work", 0)
		n.Work = slower * work
		say("each request costs %s of processor time", seconds(work))
	}
	n.Spread = o.number("variability", 0, 20, n.Spread)
	if o.Has("errors") {
		n.Errors = o.number("errors", 0, 1, 0)
		say("%s %% of the requests fail", figures(100*n.Errors))
	}
	if o.Has("leak") {
		n.Memory.Leak = o.bytes("leak", 0)
		say("each request leaks %s", signal.ParseUnit("B").Format(n.Memory.Leak))
	}
	if o.Has("perRequest") {
		n.Memory.PerRequest = o.bytes("perRequest", 0)
		say("a request takes %s while it is there", signal.ParseUnit("B").Format(n.Memory.PerRequest))
	}
	if o.Has("memory") {
		n.Memory.Base = o.bytes("memory", 0)
		say("an instance takes %s before its first request", signal.ParseUnit("B").Format(n.Memory.Base))
	}
	if o.Has("threads") {
		n.Threads = o.number("threads", 1, math.Inf(1), n.Threads)
		say("an instance has %.0f threads", n.Threads)
	}
	if o.Has("instances") {
		n.Instances = o.count("instances", n.Instances)
		say("it is deployed as %d instances, which were %d", n.Instances, old.Instances)
	}
	for i, node := range o.List("calls") {
		c := d.object(node, fmt.Sprintf("spec.change.calls[%d]", i), "to ? add calls timeout tries backoff budget pool cache")
		d.changeCall(m, &n, c, index, say)
	}
	m.New = n
	if m.Rollout.Shared && (n.Memory.PerRequest != old.Memory.PerRequest || n.Memory.Base != old.Memory.Base || n.Threads != old.Threads || n.Instances != old.Instances) {
		d.Fail(o.Node, "spec.change changes memory, threads or instances, and spec.rollout.placement is shared; those belong to the instances, so use placement: instances")
	}
}

// changeCall changes the calls to one service, or adds them.
func (d *decoder) changeCall(m *simulate.Model, n *simulate.Service, c object, index map[string]int, say func(string, ...any)) {
	to, ok := index[c.Text("to")]
	if !ok {
		c.Fail(c.At("to"), "%s.to is %q, which is no service; want one of %s", c.Where, c.Text("to"), names(index))
		return
	}
	name := m.Services[to].Name
	k := slices.IndexFunc(n.Calls, func(x simulate.Call) bool { return x.To == to })
	if k < 0 {
		n.Calls = append(n.Calls, simulate.Call{Caller: caller(c, math.Inf(1)), To: to, Pool: math.Inf(1)})
		k = len(n.Calls) - 1
	}
	x := &n.Calls[k]
	x.Calls = c.number("calls", 0, 1000, x.Calls) + c.number("add", -1000, 1000, 0)
	if x.Calls < 0 {
		c.Fail(c.At("add"), "%s.add leaves %g calls of %s; want at least 0", c.Where, x.Calls, name)
	}
	if c.Has("calls") || c.Has("add") {
		word := "calls"
		if x.Calls == 1 {
			word = "call"
		}
		say("each request makes %s %s of %s", figures(x.Calls), word, name)
	}
	p := caller(c, x.Timeout)
	if !c.Has("tries") {
		p.Tries = x.Tries
	}
	if !c.Has("backoff") {
		p.Backoff = x.Backoff
	}
	if !c.Has("budget") {
		p.Budget = x.Budget
	}
	x.Caller = p
	x.Pool, x.Hits = c.number("pool", 1, math.Inf(1), x.Pool), c.number("cache", 0, 1, x.Hits)
	var parts []string
	if c.Has("timeout") {
		parts = append(parts, "a timeout of "+seconds(x.Timeout))
	}
	if c.Has("tries") {
		parts = append(parts, fmt.Sprintf("%d tries", x.Tries))
	}
	if c.Has("budget") {
		parts = append(parts, fmt.Sprintf("a budget of %s retries a request", figures(x.Budget)))
	}
	if c.Has("pool") {
		parts = append(parts, fmt.Sprintf("a pool of %.0f connections", x.Pool))
	}
	if c.Has("cache") {
		parts = append(parts, fmt.Sprintf("%s %% answered by the cache", figures(100*x.Hits)))
	}
	if len(parts) > 0 {
		say("calls of %s have %s", name, strings.Join(parts, ", "))
	}
}

// figures writes a number to three figures, with thousands apart.
func figures(x float64) string { return signal.Unit{}.Format(x) }

func seconds(x float64) string {
	if math.IsInf(x, 1) {
		return "none"
	}
	return signal.ParseUnit("s").Format(x)
}
