package engine

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// maxQuery is the longest text of a query for several selectors, in bytes:
// VictoriaMetrics takes 16 KiB, Prometheus more. Queries are posted, so that
// no proxy counts them as part of an address.
const maxQuery = 15 << 10

// A want is one answer that a cell or a count needs.
type want struct {
	query    string // what gives the answer when it is asked by itself
	template string // the query with $sel left open; "" when it is always asked by itself
	selector string // what $sel stands for in query
	raw      bool   // it is counted from frame to frame
}

// A batch is one query that gives the answers of several wants, which differ
// only in their selector. Each series of its answer goes to the members whose
// selector matches its labels.
type batch struct {
	query    string
	template string
	labels   []string        // which the selectors of the members use, sorted
	added    map[string]bool // labels that the answer has and a member's own has not
	members  []member

	by   string           // the label by which members are found
	at   map[string][]int // by its value: the members that allow no other
	rest []int            // the members that allow several
}

// A member is one want of a batch.
type member struct {
	query string
	match []*labels.Matcher
}

// allows returns the only value that a selector allows for a label; false
// when it allows several.
func allows(match []*labels.Matcher, label string) (string, bool) {
	for _, m := range match {
		switch {
		case m.Name != label:
		case m.Type == labels.MatchEqual:
			return m.Value, true
		case m.Type == labels.MatchRegexp && len(m.SetMatches()) == 1:
			return m.SetMatches()[0], true
		}
	}
	return "", false
}

// newBatch returns a batch of some wants of one template and one set of
// labels; nil when they must be asked one by one.
func newBatch(template string, names []string, members []member) *batch {
	m, ok := newMould(template, names)
	if !ok || len(members) < 2 {
		return nil
	}
	b := &batch{template: template, labels: names, members: members, added: map[string]bool{}}
	for _, name := range m.added {
		b.added[name] = true
	}
	if b.query, ok = m.cast(members); !ok {
		return nil
	}
	for _, name := range names {
		at, rest := map[string][]int{}, []int(nil)
		for i, x := range members {
			if v, only := allows(x.match, name); only {
				at[v] = append(at[v], i)
			} else {
				rest = append(rest, i)
			}
		}
		if b.at == nil || len(rest) < len(b.rest) || len(rest) == len(b.rest) && len(at) > len(b.at) {
			b.by, b.at, b.rest = name, at, rest
		}
	}
	return b
}

// halves returns the requests for either half of a batch.
func (b *batch) halves() []request {
	half := len(b.members) / 2
	return slices.Concat(requestsFor(b.template, b.labels, b.members[:half]), requestsFor(b.template, b.labels, b.members[half:]))
}

// requestsFor asks for wants of one template and one set of labels together,
// in as few queries as their length allows.
func requestsFor(template string, names []string, members []member) []request {
	switch b := newBatch(template, names, members); {
	case b == nil:
		out := make([]request, len(members))
		for i, m := range members {
			out[i] = request{query: m.query}
		}
		return out
	case len(b.query) > maxQuery:
		return b.halves()
	default:
		return []request{{query: b.query, batch: b}}
	}
}

// route gives each member its part of an answer, in the order of the members.
func (b *batch) route(series []Series) [][]Series {
	out := make([][]Series, len(b.members))
	for _, s := range series {
		own := Series{Labels: s.Labels, Samples: s.Samples}
		if len(b.added) > 0 {
			own.Labels = maps.Clone(s.Labels)
			maps.DeleteFunc(own.Labels, func(name, _ string) bool { return b.added[name] })
		}
		for _, some := range [][]int{b.at[s.Labels[b.by]], b.rest} {
			for _, i := range some {
				if matches(b.members[i].match, s.Labels) {
					out[i] = append(out[i], own)
				}
			}
		}
	}
	return out
}

// matches says whether labels satisfy a selector. A label that is not there
// is an empty one.
func matches(match []*labels.Matcher, all map[string]string) bool {
	for _, m := range match {
		if !m.Matches(all[m.Name]) {
			return false
		}
	}
	return true
}

// batched returns the requests that give all wants: one for each template and
// set of labels in their selectors, and one for each want that goes with no
// other. The answers are the same as if each want were asked by itself.
func batched(wants []want) []request {
	var out []request
	var order []*group
	groups, raw, seen := map[string]*group{}, map[string]bool{}, map[string]bool{}
	for _, w := range wants {
		raw[w.query] = raw[w.query] || w.raw
		if seen[w.query] {
			continue
		}
		seen[w.query] = true
		match, names := selectorLabels(w.selector)
		key := w.template + "\xFF" + strings.Join(names, "\xFF")
		g := groups[key]
		if g == nil {
			g = newGroup(w.template, names)
			groups[key], order = g, append(order, g)
		}
		if g.mould == nil || !g.mould.fits(match) {
			out = append(out, request{query: w.query})
			continue
		}
		g.members = append(g.members, member{query: w.query, match: match})
	}
	for _, g := range order {
		out = append(out, requestsFor(g.template, g.labels, g.members)...)
	}
	for i := range out {
		out[i].raw = raw[out[i].query]
		if b := out[i].batch; b != nil {
			out[i].raw = slices.ContainsFunc(b.members, func(m member) bool { return raw[m.query] })
		}
	}
	return out
}

// A group is the wants that may share a query.
type group struct {
	template string
	labels   []string
	mould    *mould // nil when they may not
	members  []member
}

func newGroup(template string, names []string) *group {
	g := &group{template: template, labels: names}
	if template != "" {
		g.mould, _ = newMould(template, names)
	}
	return g
}

// selectorLabels returns the matchers of a selector and the labels they use,
// sorted; nothing when it cannot be read.
func selectorLabels(selector string) (match []*labels.Matcher, names []string) {
	match, err := promQL.ParseMetricSelector("{" + selector + "}")
	if err != nil {
		return nil, nil
	}
	for _, m := range match {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return match, slices.Compact(names)
}
