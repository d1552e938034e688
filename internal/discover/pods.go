package discover

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// byPod lets a release in flight be told by its pods where that shows more
// metrics: what the kubelet and Kubernetes say of a pod has no label with its
// version. It adds those metrics to the ones that are there.
func (d *discovery) byPod(ctx context.Context, s *Service, names []string, there map[string]bool) error {
	if s.Canary == nil || s.id.namespace == "" {
		return nil
	}
	canary, err := d.podsOf(ctx, s, s.Canary.Selector)
	if err != nil {
		return err
	}
	control, err := d.podsOf(ctx, s, s.Control.Selector)
	if err != nil {
		return err
	}
	if canary == "" || control == "" || strings.HasPrefix(canary, control) || strings.HasPrefix(control, canary) {
		return nil
	}
	more, err := d.metrics(ctx, names, s.pods(control))
	if err != nil {
		return err
	}
	for n := range there {
		if !more[n] {
			return nil // the series of the service have no pods, or another namespace
		}
	}
	if len(more) == len(there) {
		return nil
	}
	s.Canary.Selector, s.Control.Selector = s.pods(canary), s.pods(control)
	s.Selector = s.pods(canary, control)
	maps.Copy(there, more)
	return nil
}

// pods returns the matchers of the pods whose names begin in one of some
// ways.
func (s *Service) pods(begins ...string) string {
	texts := make([]string, len(begins))
	for i, b := range begins {
		texts[i] = strings.ReplaceAll(b, ".", `\.`) + ".*"
	}
	return s.id.namespaced(labels.MustNewMatcher(labels.MatchRegexp, "pod", strings.Join(texts, "|")).String())
}

// podsOf returns how the names of all pods of a version begin, up to the part
// that is each pod's own; "" when they have nothing in common, or are too
// many to tell.
func (d *discovery) podsOf(ctx context.Context, s *Service, sel string) (string, error) {
	groups, err := d.src.Vector(ctx, fmt.Sprintf("count by (pod) (%s)", withMatchers(d.detector(s, ""), sel)), d.at)
	if err != nil {
		return "", fmt.Errorf("look for pods of %s: %w", s.Name, err)
	}
	begin := ""
	for i, g := range groups {
		pod := g.Labels["pod"]
		cut := strings.LastIndexByte(pod, '-')
		if cut <= 0 {
			return "", nil
		}
		if one := pod[:cut+1]; i == 0 {
			begin = one
		} else if one != begin {
			return "", nil
		}
	}
	return begin, nil
}
