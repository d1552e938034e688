package model

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/internal/strictyaml"
	"github.com/foreshock/foreshock/simulate"
)

// mend says where the fields of a model are described.
const mend = "the fields are described in docs/how-to/simulate.md; 'foreshock simulate --print slack-2022-02-22' shows a model to begin with"

// Parse reads a model. file is its name in errors.
func Parse(file string, b []byte) (*File, error) {
	d := &decoder{strictyaml.Decoder{File: file, Mend: mend}}
	node := d.Document(b, "a document with apiVersion, kind, metadata and spec")
	if d.Err != nil {
		return nil, d.Err
	}
	top := d.object(node, "the model", "apiVersion kind metadata spec ? story")
	if v := top.Text("apiVersion"); d.Err == nil && v != APIVersion {
		d.Fail(top.At("apiVersion"), "apiVersion is %q; want %s", v, APIVersion)
	}
	if v := top.Text("kind"); d.Err == nil && v != Kind {
		d.Fail(top.At("kind"), "kind is %q; want %s", v, Kind)
	}
	f := &File{}
	if d.Err == nil {
		f.Name = d.object(top.At("metadata"), "metadata", "name").Text("name")
		f.Story = story(top)
		d.spec(f, d.object(top.At("spec"), "spec", "services rollout ? start interval length clients change objective"))
	}
	if d.Err != nil {
		return nil, d.Err
	}
	return f, nil
}

func story(top object) *Story {
	if !top.Has("story") {
		return nil
	}
	o := top.object(top.At("story"), "story", "title published assumed sources ? sketch")
	return &Story{
		Title: o.Text("title"), Published: o.Texts("published"), Assumed: o.Texts("assumed"), Sources: o.Texts("sources"),
		Sketch: o.Flag("sketch"),
	}
}

// serviceFields are the fields of a service.
const serviceFields = "name ? instances cores work variability threads queue errors memory traffic profile calls"

func (d *decoder) spec(f *File, spec object) {
	m := &f.Model
	m.Start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	if spec.Has("start") {
		m.Start = spec.Time("start")
	}
	m.Interval = spec.span("interval", 10*time.Second)
	var services []object
	index := map[string]int{}
	for i, n := range spec.List("services") {
		o := d.object(n, fmt.Sprintf("spec.services[%d]", i), serviceFields)
		name := o.Text("name")
		if _, twice := index[name]; twice {
			d.Fail(n, "service %q stands twice; give each a name of its own", name)
		}
		index[name] = i
		services = append(services, o)
	}
	if len(services) == 0 || d.Err != nil {
		d.Fail(spec.At("services"), "spec.services is empty; want at least one service {name, work, traffic}")
		return
	}
	for _, o := range services {
		m.Services = append(m.Services, d.service(o, index))
	}
	m.Clients = caller(spec.child("clients", "? timeout tries backoff budget"), 10)
	obj := spec.child("objective", "? latency harmed")
	m.Objective = simulate.Objective{Latency: obj.seconds("latency", math.Inf(1)), Harmed: obj.number("harmed", 1e-6, 1, 0.02)}
	if d.Err != nil {
		return
	}
	d.rollout(f, d.object(spec.At("rollout"), "spec.rollout", "service steps ? from to placement before step"), index)
	if d.Err != nil {
		return
	}
	_, slower := services[m.Rollout.Service].cores()
	d.change(f, spec, index, slower)
	m.Length = spec.span("length", m.Length)
	if m.Length/m.Interval > 20000 {
		d.Fail(spec.At("length"), "the model has %d frames; want at most 20,000: shorten spec.length or the steps, or lengthen spec.interval", m.Length/m.Interval)
	}
	if m.Interval < 100*time.Millisecond {
		d.Fail(spec.At("interval"), "spec.interval is %v; want at least 100ms", m.Interval)
	}
	if !slices.ContainsFunc(m.Services, func(s simulate.Service) bool { return s.Rate > 0 }) {
		d.Fail(spec.At("services"), "no service has traffic; give one of them the requests per second that clients make: traffic: 100")
	}
	overfull(d, services, *m)
}

func (d *decoder) service(o object, index map[string]int) simulate.Service {
	inf := math.Inf(1)
	cores, slower := o.cores()
	s := simulate.Service{
		Name: o.Text("name"), Instances: o.count("instances", 1), Cores: cores,
		Work: slower * o.seconds("work", 0), Spread: o.number("variability", 0, 20, 1),
		Threads: o.number("threads", 1, inf, inf), Queue: o.number("queue", 0, inf, inf),
		Errors: o.number("errors", 0, 1, 0), Rate: o.number("traffic", 0, 1e7, 0),
	}
	if math.IsInf(s.Work, 1) {
		o.Fail(o.At("work"), "%s.work is none; want a span such as 5ms", o.Where)
	}
	mem := o.child("memory", "? base perRequest limit restart")
	s.Memory = simulate.Memory{
		Base: mem.bytes("base", 0), PerRequest: mem.bytes("perRequest", 0), Limit: mem.bytes("limit", inf), Restart: mem.seconds("restart", 10),
	}
	if s.Memory.Base >= s.Memory.Limit {
		o.Fail(mem.At("limit"), "%s.memory.limit is not above its base: an instance would be killed before its first request", o.Where)
	}
	last := -1.0
	for i, n := range o.List("profile") {
		p := o.object(n, fmt.Sprintf("%s.profile[%d]", o.Where, i), "at factor")
		x := simulate.Factor{At: p.seconds("at", 0), By: p.number("factor", 0, 1000, 1)}
		if x.At <= last {
			o.Fail(n, "%s.profile[%d] is not after the point before it; sort them by time", o.Where, i)
		}
		last = x.At
		s.Profile = append(s.Profile, x)
	}
	for i, n := range o.List("calls") {
		c := o.object(n, fmt.Sprintf("%s.calls[%d]", o.Where, i), "to ? calls timeout tries backoff budget pool cache")
		to, ok := index[c.Text("to")]
		if !ok {
			o.Fail(c.At("to"), "%s.to is %q, which is no service; want one of %s", c.Where, c.Text("to"), names(index))
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
		o.Fail(o.At("timeout"), "%s.timeout is 0; want a span above 0, or none", o.Where)
	}
	if c.Tries > 1000 {
		o.Fail(o.At("tries"), "%s.tries is %d; want at most 1000", o.Where, c.Tries)
	}
	return c
}

func (d *decoder) rollout(f *File, o object, index map[string]int) {
	r := &f.Model.Rollout
	f.From, f.To = "v1", "v2"
	if o.Has("from") {
		f.From = o.Text("from")
	}
	if o.Has("to") {
		f.To = o.Text("to")
	}
	i, ok := index[o.Text("service")]
	if !ok {
		o.Fail(o.At("service"), "spec.rollout.service is %q, which is no service; want one of %s", o.Text("service"), names(index))
	}
	r.Service = i
	switch p := o.Text("placement"); p {
	case "", "instances":
	case "shared":
		r.Shared = true
	default:
		o.Fail(o.At("placement"), "spec.rollout.placement is %q; want instances (each is of one version) or shared (both run in all, as behind a flag)", p)
	}
	at, step := o.span("before", 5*time.Minute).Seconds(), o.span("step", 5*time.Minute).Seconds()
	last := 0.0
	for k, percent := range o.Numbers("steps", 0, 100) {
		w := percent / 100
		switch {
		case w <= 0:
			o.Fail(o.List("steps")[k], "spec.rollout.steps[%d] is %s; want a percent above 0: no traffic is no step", k, figures(percent))
		case w <= last:
			o.Fail(o.List("steps")[k], "spec.rollout.steps[%d] is not above the one before it; want percents that rise, such as [5, 25, 100]", k)
		}
		last = w
		r.Steps = append(r.Steps, simulate.Raise{At: at + float64(k)*step, Weight: w})
	}
	if len(r.Steps) == 0 {
		o.Fail(o.At("steps"), "spec.rollout.steps is empty; want percents that rise, such as [5, 25, 100]")
		r.Steps = []simulate.Raise{{At: at}}
	}
	f.Model.Length = time.Duration((r.Steps[len(r.Steps)-1].At + step) * 1e9)
}
