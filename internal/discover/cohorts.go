package discover

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/foreshock/foreshock/engine"
)

// cohorts tells the versions of a service apart, and which of them is new.
func (d *discovery) cohorts(ctx context.Context, s *Service) error {
	if s.Canary == nil {
		label := s.split()
		if label == "" {
			return nil
		}
		for _, v := range s.values[label] {
			s.Others = append(s.Others, Version{Name: v, Selector: s.id.matchers() + "," + equal(label, v)})
		}
		if err := d.ages(ctx, s, label); err != nil {
			return err
		}
		s.choose(label)
	}
	d.weight(s)
	return nil
}

// split returns the label that tells versions of a service apart: the best
// one that has two values alive; "" when none has.
func (s *Service) split() string {
	for _, l := range splits {
		vs := s.values[l]
		if len(vs) < 2 {
			continue
		}
		if l == "server" && len(vs) > 2 && !slices.ContainsFunc(vs, saysCanary) {
			continue // many servers are copies of one version, or nobody can tell
		}
		return l
	}
	return ""
}

// saysCanary says whether a name means the new version.
func saysCanary(name string) bool {
	name = strings.ToLower(name)
	return name == "next" || name == "new" || name == "green" || strings.Contains(name, "canary")
}

// How far back is looked for first samples, and how finely.
var pasts = []struct{ span, step time.Duration }{{30 * time.Minute, 5 * time.Second}, {24 * time.Hour, 10 * time.Minute}, {14 * 24 * time.Hour, 2 * time.Hour}}

// ages finds when each version was first seen.
func (d *discovery) ages(ctx context.Context, s *Service, label string) error {
	detect := d.detector(s, label)
	for _, p := range pasts {
		from := d.at.Add(-p.span)
		series, err := d.src.Range(ctx, fmt.Sprintf("count by (%s) (%s)", label, withMatchers(detect, s.id.matchers())), from, d.at, p.step)
		if err != nil {
			return fmt.Errorf("look for the age of versions of %s: %w", s.Name, err)
		}
		young := false
		for i := range s.Others {
			v := &s.Others[i]
			for _, one := range series {
				if one.Labels[label] == v.Name && len(one.Samples) > 0 {
					v.First = began(one.Samples, p.step)
				}
			}
			young = young || v.First.After(from.Add(p.step))
		}
		if young { // one of them began within the span, so the order is known
			return nil
		}
	}
	return nil
}

// absence is for how long a version is away, at least, if it began anew: the rest is
// scrapes that were late.
const absence = time.Minute

// began returns when a version that is there began: where its samples have a gap,
// after the last one. An earlier try of a release does not make it old.
func began(samples []engine.Sample, step time.Duration) time.Time {
	at := samples[0].At
	for i := 1; i < len(samples); i++ {
		if samples[i].At.Sub(samples[i-1].At) > max(absence, 2*step) {
			at = samples[i].At
		}
	}
	return at
}

// detector returns the selector of an exporter whose series of a service have
// a label; of any that tells of it when there is no label.
func (d *discovery) detector(s *Service, label string) string {
	for _, e := range d.catalogue {
		if e.ID == s.by[label] || label == "" && slices.Contains(s.Exporters, e.ID) && e.ID != "prometheus_self" {
			return e.Detect
		}
	}
	return "up"
}

// withMatchers adds matchers to a selector such as up or up{a="b"}.
func withMatchers(selector, matchers string) string {
	if head, ok := strings.CutSuffix(selector, "}"); ok {
		return head + "," + matchers + "}"
	}
	return selector + "{" + matchers + "}"
}

// choose makes the newest version the canary and the one before it the
// control. Names that say what they are come first.
func (s *Service) choose(label string) {
	vs := s.Others
	slices.SortStableFunc(vs, func(a, b Version) int {
		return cmp.Or(b.First.Compare(a.First), -natural(a.Name, b.Name))
	})
	canary := slices.IndexFunc(vs, func(v Version) bool {
		return saysCanary(v.Name) || label == ingressCanary && v.Name != ""
	})
	switch {
	case canary >= 0:
	case vs[0].First.Equal(vs[1].First):
		canary = 0
		s.Doubt = fmt.Sprintf("%s and %s were first seen at about the same time: the one with the higher name is taken for the new one", vs[0].Name, vs[1].Name)
	case numbered(vs[0].Name) && numbered(vs[1].Name) && natural(vs[0].Name, vs[1].Name) < 0:
		canary = 0
		s.Doubt = fmt.Sprintf("%s was first seen after %s, so it is taken for the new one, though its number is lower: is it a way back? Else exchange canary and control", vs[0].Name, vs[1].Name)
	default:
		canary = 0
	}
	control := 0
	if canary == 0 {
		control = 1
	}
	s.Canary, s.Control = &vs[canary], &vs[control]
	var others []Version
	for i, v := range vs {
		if i != canary && i != control {
			others = append(others, v)
		}
	}
	s.Others = others
	if len(others) > 0 && s.Doubt == "" {
		s.Doubt = fmt.Sprintf("%d versions live at once: the newest two are taken", len(vs))
	}
}

// natural compares names as people do: v9 before v10.
func natural(a, b string) int {
	for a != "" && b != "" {
		if i, j := digits(a), digits(b); i > 0 && j > 0 {
			x, y := strings.TrimLeft(a[:i], "0"), strings.TrimLeft(b[:j], "0")
			if x != y {
				return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
			}
			a, b = a[i:], b[j:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// numbered says whether a name is that of a version with a number: 1.9, v10.
func numbered(name string) bool {
	name = strings.TrimPrefix(strings.ToLower(name), "v")
	return name != "" && digits(name) > 0 && strings.Trim(name, "0123456789.") == ""
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// weight finds a query for the share of traffic that the canary is given,
// where an exporter knows it.
func (d *discovery) weight(s *Service) {
	switch {
	case s.Canary == nil:
	case slices.Contains(s.Exporters, "haproxy_server") && s.id.label == "proxy":
		s.Weight = fmt.Sprintf("100 * sum(haproxy_server_weight{%s}) / sum(haproxy_server_weight{%s})", s.Canary.Selector, s.id.matchers())
	}
}
