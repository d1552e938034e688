package discover

import (
	"slices"
	"strings"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/signal"
)

// A BlindSpot is a kind of signal that a service lacks: what goes unseen
// without it, and who would show it.
type BlindSpot struct {
	Kind   signal.Kind
	Unseen string   // failures, in plain words
	Shown  []string // names of exporters of the catalogue, at most three
	There  string   // the name of one that is scraped already, and whose series the matchers do not pick; "" for none
}

// unseen are the failures that each kind of signal shows first.
func unseen(k signal.Kind) string {
	switch k {
	case signal.Latency:
		return "answers that get slow"
	case signal.Errors:
		return "requests that fail"
	case signal.CPU:
		return "work that costs more, throttling"
	case signal.Memory:
		return "leaks, memory near its limit"
	case signal.Network:
		return "packets that are dropped or sent again"
	case signal.Database:
		return "pools that run out, lock waits, slow queries"
	case signal.Cache:
		return "a cache that no longer hits"
	case signal.Dependency:
		return "services it calls that slow down or fail"
	case signal.Traffic:
		return "traffic that is lost, doubled or routed wrong"
	case signal.Retries:
		return "retries that feed on themselves"
	case signal.Timeouts:
		return "work that is given up on"
	case signal.Crashes:
		return "restarts, kills for want of memory"
	case signal.Saturation:
		return "queues, threads and connections that fill up"
	case signal.Infra:
		return "refused configuration, sick nodes, missing endpoints"
	default:
		return k.String()
	}
}

// BlindSpots says what cannot be seen of a service.
func (f *Found) BlindSpots(s *Service) []BlindSpot {
	exporters, err := engine.Catalogue()
	if err != nil {
		return nil
	}
	var out []BlindSpot
	for _, k := range s.Blind() {
		b := BlindSpot{Kind: k, Unseen: unseen(k)}
		for _, e := range exporters {
			if !shows(e, k) {
				continue
			}
			switch {
			case slices.Contains(f.Exporters, e.ID) && !slices.Contains(s.Exporters, e.ID) && b.There == "":
				b.There = plain(e.Name)
			case len(b.Shown) < 3:
				b.Shown = append(b.Shown, plain(e.Name))
			}
		}
		out = append(out, b)
	}
	return out
}

func shows(e engine.Exporter, k signal.Kind) bool {
	return slices.ContainsFunc(e.Signals, func(s signal.Signal) bool { return s.Kind == k })
}

// plain takes the remark off a name.
func plain(name string) string {
	head, _, _ := strings.Cut(name, " (")
	return head
}
