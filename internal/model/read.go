package model

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/simulate"
)

// Parse reads a model. file is its name in errors.
func Parse(file string, b []byte) (*File, error) {
	node, err := parse(file, b)
	if err != nil {
		return nil, err
	}
	d := &decoder{file: file}
	top := d.object(node, "the model", "apiVersion kind metadata spec ? story")
	if v := top.text("apiVersion"); d.err == nil && v != APIVersion {
		d.fail(top.at("apiVersion"), "apiVersion is %q; want %s", v, APIVersion)
	}
	if v := top.text("kind"); d.err == nil && v != Kind {
		d.fail(top.at("kind"), "kind is %q; want %s", v, Kind)
	}
	f := &File{}
	if d.err == nil {
		f.Name = d.object(top.at("metadata"), "metadata", "name").text("name")
		f.Story = story(top)
		d.spec(f, d.object(top.at("spec"), "spec", "services rollout ? start interval length clients change objective"))
	}
	if d.err != nil {
		return nil, d.err
	}
	return f, nil
}

func story(top object) *Story {
	if !top.has("story") {
		return nil
	}
	o := top.object(top.at("story"), "story", "title published assumed sources ? sketch")
	s := &Story{Title: o.text("title"), Published: o.texts("published"), Assumed: o.texts("assumed"), Sources: o.texts("sources")}
	switch v, _ := o.scalar("sketch", "true or false"); v {
	case "true":
		s.Sketch = true
	case "", "false":
	default:
		o.fail(o.at("sketch"), "story.sketch is %q; want true or false", v)
	}
	return s
}

// serviceFields are the fields of a service.
const serviceFields = "name ? instances cores work variability threads queue errors memory traffic profile calls"

func (d *decoder) spec(f *File, spec object) {
	m := &f.Model
	m.Start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	if s, ok := spec.scalar("start", "a time"); ok {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			spec.fail(spec.at("start"), "spec.start %q is no time; want RFC 3339, such as 2006-01-02T15:04:05Z", s)
		}
		m.Start = at.UTC()
	}
	m.Interval = spec.span("interval", 10*time.Second)
	var services []object
	index := map[string]int{}
	for i, n := range spec.list("services") {
		o := d.object(n, fmt.Sprintf("spec.services[%d]", i), serviceFields)
		name := o.text("name")
		if _, twice := index[name]; twice {
			d.fail(n, "service %q stands twice; give each a name of its own", name)
		}
		index[name] = i
		services = append(services, o)
	}
	if len(services) == 0 || d.err != nil {
		d.fail(spec.at("services"), "spec.services is empty; want at least one service {name, work, traffic}")
		return
	}
	for _, o := range services {
		m.Services = append(m.Services, d.service(o, index))
	}
	m.Clients = caller(spec.child("clients", "? timeout tries backoff budget"), 10)
	obj := spec.child("objective", "? latency harmed")
	m.Objective = simulate.Objective{Latency: obj.seconds("latency", math.Inf(1)), Harmed: obj.number("harmed", 1e-6, 1, 0.02)}
	if d.err != nil {
		return
	}
	d.rollout(f, d.object(spec.at("rollout"), "spec.rollout", "service steps ? from to placement before step"), index)
	if d.err != nil {
		return
	}
	d.change(f, spec, index)
	m.Length = spec.span("length", m.Length)
	if m.Length/m.Interval > 20000 {
		d.fail(spec.at("length"), "the model has %d frames; want at most 20,000: shorten spec.length or the steps, or lengthen spec.interval", m.Length/m.Interval)
	}
	if m.Interval < 100*time.Millisecond {
		d.fail(spec.at("interval"), "spec.interval is %v; want at least 100ms", m.Interval)
	}
	if !slices.ContainsFunc(m.Services, func(s simulate.Service) bool { return s.Rate > 0 }) {
		d.fail(spec.at("services"), "no service has traffic; give one of them the requests per second that clients make: traffic: 100")
	}
	overfull(d, services, *m)
}

func (d *decoder) service(o object, index map[string]int) simulate.Service {
	inf := math.Inf(1)
	s := simulate.Service{
		Name: o.text("name"), Instances: o.count("instances", 1), Cores: o.count("cores", 1),
		Work: o.seconds("work", 0), Spread: o.number("variability", 0, 20, 1),
		Threads: o.number("threads", 1, inf, inf), Queue: o.number("queue", 0, inf, inf),
		Errors: o.number("errors", 0, 1, 0), Rate: o.number("traffic", 0, 1e7, 0),
	}
	if math.IsInf(s.Work, 1) {
		o.fail(o.at("work"), "%s.work is none; want a span such as 5ms", o.where)
	}
	mem := o.child("memory", "? base perRequest limit restart")
	s.Memory = simulate.Memory{
		Base: mem.bytes("base", 0), PerRequest: mem.bytes("perRequest", 0), Limit: mem.bytes("limit", inf), Restart: mem.seconds("restart", 10),
	}
	if s.Memory.Base >= s.Memory.Limit {
		o.fail(mem.at("limit"), "%s.memory.limit is not above its base: an instance would be killed before its first request", o.where)
	}
	last := -1.0
	for i, n := range o.list("profile") {
		p := o.object(n, fmt.Sprintf("%s.profile[%d]", o.where, i), "at factor")
		x := simulate.Factor{At: p.seconds("at", 0), By: p.number("factor", 0, 1000, 1)}
		if x.At <= last {
			o.fail(n, "%s.profile[%d] is not after the point before it; sort them by time", o.where, i)
		}
		last = x.At
		s.Profile = append(s.Profile, x)
	}
	for i, n := range o.list("calls") {
		c := o.object(n, fmt.Sprintf("%s.calls[%d]", o.where, i), "to ? calls timeout tries backoff budget pool cache")
		to, ok := index[c.text("to")]
		if !ok {
			o.fail(c.at("to"), "%s.to is %q, which is no service; want one of %s", c.where, c.text("to"), names(index))
		}
		s.Calls = append(s.Calls, simulate.Call{
			Caller: caller(c, inf), To: to, Calls: c.number("calls", 0, 1000, 1), Pool: c.number("pool", 1, inf, inf), Hits: c.number("cache", 0, 1, 0),
		})
	}
	return s
}

func names(index map[string]int) string {
	out := make([]string, len(index))
	for n, i := range index {
		out[i] = n
	}
	return strings.Join(out, ", ")
}

func caller(o object, timeout float64) simulate.Caller {
	c := simulate.Caller{
		Timeout: o.seconds("timeout", timeout), Tries: o.count("tries", 1), Backoff: o.seconds("backoff", 0), Budget: o.number("budget", 0, math.Inf(1), math.Inf(1)),
	}
	if c.Timeout == 0 {
		o.fail(o.at("timeout"), "%s.timeout is 0; want a span above 0, or none", o.where)
	}
	if c.Tries > 1000 {
		o.fail(o.at("tries"), "%s.tries is %d; want at most 1000", o.where, c.Tries)
	}
	return c
}

func (d *decoder) rollout(f *File, o object, index map[string]int) {
	r := &f.Model.Rollout
	f.From, f.To = "v1", "v2"
	if o.has("from") {
		f.From = o.text("from")
	}
	if o.has("to") {
		f.To = o.text("to")
	}
	i, ok := index[o.text("service")]
	if !ok {
		o.fail(o.at("service"), "spec.rollout.service is %q, which is no service; want one of %s", o.text("service"), names(index))
	}
	r.Service = i
	switch p := o.text("placement"); p {
	case "", "instances":
	case "shared":
		r.Shared = true
	default:
		o.fail(o.at("placement"), "spec.rollout.placement is %q; want instances (each is of one version) or shared (both run in all, as behind a flag)", p)
	}
	at, step := o.span("before", 5*time.Minute).Seconds(), o.span("step", 5*time.Minute).Seconds()
	last := 0.0
	for k, n := range o.list("steps") {
		w := object{decoder: d, where: "spec.rollout.steps", fields: map[string]*yaml.Node{"of": n}, node: n}.number("of", 0, 100, 0) / 100
		if w <= last {
			o.fail(n, "spec.rollout.steps[%d] is not above the one before it; want percents that rise, such as [5, 25, 100]", k)
		}
		last = w
		r.Steps = append(r.Steps, simulate.Raise{At: at + float64(k)*step, Weight: w})
	}
	if len(r.Steps) == 0 {
		o.fail(o.at("steps"), "spec.rollout.steps is empty; want percents that rise, such as [5, 25, 100]")
		r.Steps = []simulate.Raise{{At: at}}
	}
	f.Model.Length = time.Duration((r.Steps[len(r.Steps)-1].At + step) * 1e9)
}
