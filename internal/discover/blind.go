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

// BlindSpots says what cannot be seen of a service.
func (f *Found) BlindSpots(s *Service) []BlindSpot {
	exporters, err := engine.Catalogue()
	if err != nil {
		return nil
	}
	var out []BlindSpot
	for _, k := range s.Blind() {
		b := BlindSpot{Kind: k, Unseen: k.Shows()}
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
