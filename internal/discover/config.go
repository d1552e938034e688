package discover

import (
	"fmt"
	"strings"

	"github.com/foreshock/foreshock/signal"
)

// A Head is what a config says beside what was found.
type Head struct {
	URL    string   // of the Prometheus, without secrets
	Server string   // what answers there: "Prometheus 2.42.0"; "" when it does not say
	Flags  []string // further lines of its connection: "caFile: /etc/ca.pem"
	Policy []string // the defaults of the policy: "minFrames: 5  # …"
}

// Config returns a foreshock.yaml with what was found, and remarks that teach
// the rest. It holds no time, so that the same system gives the same file.
func (f *Found) Config(h Head) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# How Foreshock watches releases here. Written by 'foreshock init'; yours to edit.
# Watch one with: foreshock watch --config foreshock.yaml --service NAME
apiVersion: foreshock.dev/v1alpha1
kind: Config
spec:
  prometheus:%s
    url: %s
`, remark(h.Server), quote(h.URL))
	for _, l := range h.Flags {
		b.WriteString("    " + l + "\n")
	}
	b.WriteString(`    # Secrets stay in files: bearerTokenFile, or user and passwordFile. Further:
    # caFile, certFile, keyFile, serverName, timeout: 10s, headers: {X-Scope-OrgID: team-a}

`)
	if f.Interval > 0 {
		fmt.Fprintf(&b, "  # The time between frames: how often the slowest metric (%s) is scraped.\n  interval: %s\n\n", f.Slowest, f.Interval)
	} else {
		b.WriteString("  # The time between frames; it is measured when it is not given.\n  # interval: 15s\n\n")
	}
	b.WriteString(`  # What is normal by hour of the week: learned by every watch from healthy time, and
  # asked where there is no live control. The file is made by the first watch.
  normal: foreshock.normal

`)
	f.services(&b)
	b.WriteString(`
  # Signals are taken from the catalogue of known exporters: one query a signal
  # and frame. Queries of your own replace the catalogue, and cost one query a
  # signal, release and cohort in every frame. $sel stands for the matchers of a
  # cohort, $window for four intervals.
  # signals:
  # - {name: errors, kind: errors, unit: ratio, query: 'sum(rate(requests_total{$sel,code=~"5.."}[$window])) / sum(rate(requests_total{$sel}[$window]))'}
  # - {name: latency, kind: latency, unit: s, query: 'sum by (le) (rate(request_seconds_bucket{$sel}[$window]))', limit: 0.5}

  # The policy says what counts as harm and how sure one must be. These are the
  # defaults; docs/method/policy.md argues each of them.
  # policy:
`)
	for _, l := range h.Policy {
		b.WriteString("  #   " + l + "\n")
	}
	return b.String()
}

func remark(text string) string {
	if text == "" {
		return ""
	}
	return " # " + oneLine(text)
}

// oneLine takes line breaks out of what stands in a remark.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// services writes the services, those with a release in flight first.
func (f *Found) services(b *strings.Builder) {
	if len(f.Services) == 0 {
		b.WriteString("  # No known exporter names a service. Name yours:\n  # services:\n  # - name: cart\n  #   selector: 'service=\"cart\"'\n  #   cohorts: {canary: 'service=\"cart\",version=\"v2\"', control: 'service=\"cart\",version=\"v1\"'}\n")
		return
	}
	b.WriteString("  services:\n")
	for i := range f.Services {
		s := &f.Services[i]
		fmt.Fprintf(b, "  # %s\n", orNone("seen", s.kinds()))
		var blind []string
		for _, spot := range f.BlindSpots(s) {
			blind = append(blind, spot.Kind.String())
		}
		if len(blind) > 0 {
			fmt.Fprintf(b, "  # not seen: %s\n", strings.Join(blind, ", "))
		}
		fmt.Fprintf(b, "  - name: %s\n    selector: %s\n", quote(s.Name), quote(s.Selector))
		if s.Canary == nil {
			continue
		}
		if s.Doubt != "" {
			fmt.Fprintf(b, "    # check: %s\n", oneLine(s.Doubt))
		}
		fmt.Fprintf(b, "    cohorts:\n      canary: %s\n      control: %s\n", quote(s.Canary.Selector), quote(s.Control.Selector))
		for _, v := range s.Others {
			fmt.Fprintf(b, "      # also alive: %s\n", v.Selector)
		}
		if s.Weight != "" {
			fmt.Fprintf(b, "    weight: %s\n", quote(s.Weight))
		} else {
			b.WriteString("    # weight: a query for the percent of traffic on the canary; without one it is measured\n")
		}
		b.WriteString("    # plan: [10, 25, 50, 100]  the weights it is meant to take; the verdict is about the next one\n")
	}
}

// kinds says what can be seen, and by which exporters.
func (s *Service) kinds() string {
	if len(s.Kinds) == 0 {
		return ""
	}
	return fmt.Sprintf("%s, by %s", join(s.Kinds), strings.Join(s.Exporters, ", "))
}

func orNone(what, text string) string {
	if text == "" {
		return what + ": nothing of the catalogue; give signals"
	}
	return what + ": " + text
}

func join(kinds []signal.Kind) string {
	texts := make([]string, len(kinds))
	for i, k := range kinds {
		texts[i] = k.String()
	}
	return strings.Join(texts, ", ")
}

// quote writes a text in YAML's single quotes. Labels hold no line breaks
// that matter here: what has one cannot be a matcher in a file by hand.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
