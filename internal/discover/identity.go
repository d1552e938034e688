package discover

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// The labels that name a service, best first, where the exporter has none of
// its own: Kubernetes' and OpenTelemetry's conventions, then the job.
var generic = []string{"service", "service_name", "app", "app_kubernetes_io_name", "workload", "deployment", "job"}

// own are the labels by which some exporters name what their series are of;
// the labels that the scrape puts on them name the exporter itself.
var own = map[string][]string{
	"istio":          {"destination_canonical_service", "destination_service_name", "destination_app"},
	"linkerd":        {"deployment"},
	"envoy":          {"envoy_cluster_name"},
	"ingress_nginx":  {"exported_service", "service"},
	"traefik":        {"exported_service", "service"},
	"kong":           {"exported_service", "service"},
	"haproxy":        {"proxy"},
	"haproxy_server": {"proxy"},
	"kafka_exporter": {"consumergroup", "topic"},
}

// nameless are exporters whose series tell of many services at once, by pod
// or not at all. What they are scraped as is no service of its own.
var nameless = []string{"cadvisor", "kube_state_metrics", "kubelet_probes", "kube_proxy", "cilium_hubble", "prometheus_self"}

// namespaces are the labels that hold a namespace, best first.
var namespaces = []string{"exported_namespace", "destination_service_namespace", "namespace", "kubernetes_namespace", "k8s_namespace_name"}

// ingressCanary is a label that is there on the canary alone.
const ingressCanary = "canary"

// splits are the labels that tell versions of a service apart, best first.
var splits = []string{
	"rollouts_pod_template_hash", "version", "service_version", "destination_version", "app_kubernetes_io_version",
	"track", ingressCanary, "pod_template_hash", "server",
}

// namesOf returns the labels that may name a service in series of an
// exporter.
func namesOf(exporter string) []string {
	if l := own[exporter]; l != nil {
		return l
	}
	return generic
}

// An identity is what makes a service one.
type identity struct {
	label, name               string
	namespaceLabel, namespace string // "" when there is none
}

// identify reads who a group of series is of; false when it does not say.
func identify(exporter string, of map[string]string) (identity, bool) {
	if slices.Contains(nameless, exporter) && exporter != "prometheus_self" {
		return identity{}, false
	}
	var id identity
	for _, l := range namesOf(exporter) {
		if v := of[l]; v != "" {
			id.label, id.name = l, v
			break
		}
	}
	if exporter == "prometheus_self" && id.label == "job" {
		return id, false // "up" alone is of targets
	}
	for _, l := range namespaces {
		if v := of[l]; v != "" {
			id.namespaceLabel, id.namespace = l, v
			break
		}
	}
	return id, id.label != ""
}

// qualified returns the name with its namespace, where there is one.
func (id identity) qualified() string {
	if id.namespace == "" {
		return id.name
	}
	return id.namespace + "/" + id.name
}

// matchers returns the label matchers of a service.
func (id identity) matchers() string {
	return id.namespaced(equal(id.label, id.name))
}

// namespaced puts the namespace before other matchers.
func (id identity) namespaced(matchers string) string {
	if id.namespace == "" {
		return matchers
	}
	return equal(id.namespaceLabel, id.namespace) + "," + matchers
}

// equal writes one matcher.
func equal(label, value string) string {
	return labels.MustNewMatcher(labels.MatchEqual, label, value).String()
}

// The endings by which services tell versions apart that have a service
// each: Flagger runs the stable version as NAME-primary and the new one as
// NAME; others name both.
var endings = []struct{ canary, control string }{{"", "-primary"}, {"-canary", "-stable"}, {"-canary", "-primary"}, {"-canary", ""}}

// pairs puts services whose names differ by an ending into one with two
// versions.
func pairs(services []Service) []Service {
	gone := map[int]bool{}
	find := func(id identity) int {
		return slices.IndexFunc(services, func(s Service) bool { return s.id == id })
	}
	for i := range services {
		for _, e := range endings {
			base, ok := strings.CutSuffix(services[i].id.name, e.canary)
			if !ok || base == "" || gone[i] {
				continue
			}
			other := services[i].id
			other.name = base + e.control
			k := find(other)
			if k < 0 || k == i || gone[k] {
				continue
			}
			gone[k] = true
			services[i].pair(services[k], base)
			break
		}
	}
	var out []Service
	for i, s := range services {
		if !gone[i] {
			out = append(out, s)
		}
	}
	return out
}

// pair makes a service of two: s is its canary.
func (s *Service) pair(control Service, base string) {
	s.Canary = &Version{Name: s.id.name, Selector: s.id.matchers()}
	s.Control = &Version{Name: control.id.name, Selector: control.id.matchers()}
	for _, e := range control.Exporters {
		if !slices.Contains(s.Exporters, e) {
			s.Exporters = append(s.Exporters, e)
		}
	}
	both := labels.MustNewMatcher(labels.MatchRegexp, s.id.label, s.id.name+"|"+control.id.name).String()
	s.Name, s.Selector = base, s.id.namespaced(both)
}
