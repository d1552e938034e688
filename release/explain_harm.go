package release

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/foreshock/foreshock/pattern"
	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// harmText says what was wrong with the new version.
func (x *explaining) harmText() string {
	who := x.subjectName()
	if x.a.Reason == prevention.Silent.String() {
		reason := firstOf(reasonOf(x.a.Sentence))
		if rest, ok := strings.CutPrefix(reason, "the new version "); ok {
			return who + " " + rest
		}
		return who + ": " + reason
	}
	if x.a.Reason == prevention.Together.String() {
		return reasonOf(x.a.Sentence)
	}
	e, ok := x.lead()
	if !ok {
		return fmt.Sprintf("%s: %s", who, reasonOf(x.a.Sentence))
	}
	svc, id, _ := x.find(e.Service, e.Signal)
	if x.change != nil {
		reason, _, _ := strings.Cut(firstOf(reasonOf(x.a.Sentence)), "; next to expect")
		return fmt.Sprintf("Since %s the system is worse: %s %s.", who, reason, x.ref(svc, id))
	}
	name, mark := x.call(svc, id), x.ref(svc, id)
	values := fmt.Sprintf("%s %s against %s %s", x.format(id, float64(e.Value)), mark, x.format(id, float64(e.Was)), strings.TrimPrefix(x.reference(), "it was "))
	since, known := x.onsetOf(e.Signal)
	switch {
	case x.leaks(e.Signal):
		return fmt.Sprintf("%s takes ever more %s since about %s: %s.", who, name, x.at(since.P50), values)
	case known:
		return fmt.Sprintf("%s does harm since about %s: %s is %s.", who, x.at(since.P50), name, values)
	default:
		return fmt.Sprintf("%s does harm: %s is %s.", who, name, values)
	}
}

// reference names what the new version is compared with.
func (x *explaining) reference() string {
	if x.change != nil || x.release.Control == "" {
		return "it was before"
	}
	return "on the stable version"
}

// lead returns the evidence that the explanation begins with: a symptom, if
// one decided, and of those the strongest.
func (x *explaining) lead() (Evidence, bool) {
	if es := x.decided(); len(es) > 0 {
		return es[0], true
	}
	return Evidence{}, false
}

// decided returns the evidence that decided, symptoms first, the strongest
// first.
func (x *explaining) decided() []Evidence {
	var out []Evidence
	for _, e := range x.a.Evidence {
		if _, _, ok := x.find(e.Service, e.Signal); ok && e.Decided {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b Evidence) int {
		return cmp.Or(cmp.Compare(x.nearness(a), x.nearness(b)), cmp.Compare(b.Strength, a.Strength))
	})
	return out
}

// nearness orders signals by how directly users feel them.
func (x *explaining) nearness(e Evidence) int {
	switch k := x.kindOf(e.Signal); {
	case k == signal.Dependency || k == signal.Retries:
		return 1
	case prevention.Symptom(k):
		return 0
	default:
		return 2
	}
}

// onsetOf returns when a signal moved, by its own rung, or its pattern, or
// the rung of its kind. Of a change nobody knows whose rung it is.
func (x *explaining) onsetOf(name string) (Times, bool) {
	if x.change != nil {
		return Times{}, false
	}
	for _, c := range x.a.Ladder {
		if c.Signal == name {
			return c.Onset, true
		}
	}
	for _, p := range x.a.Patterns {
		if p.Signal == name && p.Probability >= 0.5 {
			return p.Onset, true
		}
	}
	for _, c := range x.a.Ladder {
		if pattern.RungOf(x.kindOf(name)).String() == c.Rung {
			return c.Onset, true
		}
	}
	return Times{}, false
}

func (x *explaining) leaks(name string) bool {
	return slices.ContainsFunc(x.a.Patterns, func(p PatternSeen) bool {
		return p.Kind == string(pattern.Leak) && p.Signal == name && p.Probability >= 0.5
	})
}
