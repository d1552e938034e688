package discover

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/internal/tsdb"
	"github.com/foreshock/foreshock/signal"
)

// stored is a live Prometheus made of the embedded database.
type stored struct{ *tsdb.DB }

func (s stored) Vector(ctx context.Context, query string, at time.Time) ([]engine.Series, error) {
	return s.Range(ctx, query, at, at, time.Minute)
}

func (s stored) Raw(ctx context.Context, selector string, at time.Time, window time.Duration) ([]engine.Series, error) {
	series, err := s.Range(ctx, selector, at.Add(-window), at, 15*time.Second)
	for i, one := range series { // as they were scraped, once each: the values are the times
		var kept []engine.Sample
		for _, v := range one.Samples {
			scraped := time.Unix(int64(v.Value), 0)
			if len(kept) == 0 || scraped.After(kept[len(kept)-1].At) {
				kept = append(kept, engine.Sample{At: scraped})
			}
		}
		series[i].Samples = kept
	}
	return series, err
}

func (s stored) MetricNames(ctx context.Context, from, to time.Time) ([]string, error) {
	series, err := s.Range(ctx, `count by (__name__) ({__name__!=""})`, from, to, time.Minute)
	var out []string
	for _, one := range series {
		out = append(out, one.Labels["__name__"])
	}
	return out, err
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// since writes series that were scraped every 30 s from so long before noon.
func since(before time.Duration, series ...string) string { return scrapes(before, 0, series...) }

// scrapes writes series that were scraped every 30 s from so long before noon until
// so long before it.
func scrapes(from, until time.Duration, series ...string) string {
	var b strings.Builder
	for _, s := range series {
		for at := noon.Add(-from); !at.After(noon.Add(-until)); at = at.Add(30 * time.Second) {
			fmt.Fprintf(&b, "%s %d %d\n", s, at.Unix(), at.Unix())
		}
	}
	return b.String()
}

func discovered(t *testing.T, texts ...string) *Found {
	t.Helper()
	db, err := tsdb.Read(t.Context(), strings.NewReader(strings.Join(texts, "")+"# EOF\n"), "m.om", tsdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	f, err := Discover(t.Context(), stored{db}, noon)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// brief writes services as NAME SELECTOR, and CANARY against CONTROL.
func brief(f *Found) string {
	var lines []string
	for _, s := range f.Services {
		line := s.Name + " {" + s.Selector + "}"
		if s.Canary != nil {
			line += " {" + s.Canary.Selector + "} against {" + s.Control.Selector + "}"
		}
		if s.Doubt != "" {
			line += " ?"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

const hour = time.Hour

// TestCohorts holds how the versions of a service are told apart.
func TestCohorts(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{
			"nothing", since(hour, `mine_total{service="cart"}`), ``,
		}, {
			"one version", since(hour, `go_goroutines{service="cart",version="1"}`), `cart {service="cart"}`,
		}, {
			"newest version", since(2*hour, `go_goroutines{service="cart",version="1.10"}`) + since(hour, `go_goroutines{service="cart",version="1.9"}`),
			`cart {service="cart"} {service="cart",version="1.9"} against {service="cart",version="1.10"} ?`,
		}, {
			"a second try", since(20*time.Minute, `go_goroutines{service="cart",version="v1"}`) +
				scrapes(25*time.Minute, 22*time.Minute, `go_goroutines{service="cart",version="v2"}`) + since(10*time.Minute, `go_goroutines{service="cart",version="v2"}`),
			`cart {service="cart"} {service="cart",version="v2"} against {service="cart",version="v1"}`,
		}, {
			"both as old", since(hour, `go_goroutines{app="cart",version="v9"}`, `go_goroutines{app="cart",version="v10"}`),
			`cart {app="cart"} {app="cart",version="v10"} against {app="cart",version="v9"} ?`,
		}, {
			"three versions", since(3*hour, `go_goroutines{app="cart",version="1"}`) + since(2*hour, `go_goroutines{app="cart",version="2"}`) + since(hour, `go_goroutines{app="cart",version="3"}`),
			`cart {app="cart"} {app="cart",version="3"} against {app="cart",version="2"} ?`,
		}, {
			"a version that has gone", since(hour, `go_goroutines{app="cart",version="2"}`) + fmt.Sprintf("go_goroutines{app=\"cart\",version=\"1\"} 1 %d\n", noon.Add(-hour).Unix()),
			`cart {app="cart"}`,
		}, {
			"the best label", since(hour, `go_goroutines{app="cart",version="1",track="stable",pod_template_hash="a"}`, `go_goroutines{app="cart",version="1",track="canary",pod_template_hash="b"}`),
			`cart {app="cart"} {app="cart",track="canary"} against {app="cart",track="stable"}`,
		}, {
			"HAProxy", since(hour, `haproxy_server_http_responses_total{job="lb",proxy="cart",server="stable",code="2xx"}`, `haproxy_server_http_responses_total{job="lb",proxy="cart",server="canary",code="2xx"}`),
			`cart {proxy="cart"} {proxy="cart",server="canary"} against {proxy="cart",server="stable"}`,
		}, {
			"many servers", since(hour, `haproxy_server_http_responses_total{proxy="cart",server="a"}`, `haproxy_server_http_responses_total{proxy="cart",server="b"}`, `haproxy_server_http_responses_total{proxy="cart",server="c"}`),
			`cart {proxy="cart"}`,
		}, {
			"Flagger", since(hour, `go_goroutines{namespace="shop",app="cart"}`, `go_goroutines{namespace="shop",app="cart-primary"}`),
			`cart {namespace="shop",app=~"cart|cart-primary"} {namespace="shop",app="cart"} against {namespace="shop",app="cart-primary"}`,
		}, {
			"a service each", since(hour, `go_goroutines{app="cart-canary"}`, `go_goroutines{app="cart-stable"}`),
			`cart {app=~"cart-canary|cart-stable"} {app="cart-canary"} against {app="cart-stable"}`,
		}, {
			"ingress-nginx", since(hour, `nginx_ingress_controller_requests{exported_namespace="shop",exported_service="cart",service="ingress"}`, `nginx_ingress_controller_requests{exported_namespace="shop",exported_service="cart",service="ingress",canary="shop-cart-canary"}`),
			`cart {exported_namespace="shop",exported_service="cart"} {exported_namespace="shop",exported_service="cart",canary="shop-cart-canary"} against {exported_namespace="shop",exported_service="cart",canary=""}`,
		}, {
			"Istio", since(2*hour, `istio_requests_total{app="proxy",destination_canonical_service="cart",destination_service_namespace="shop",destination_version="v1"}`) +
				since(hour, `istio_requests_total{app="proxy",destination_canonical_service="cart",destination_service_namespace="shop",destination_version="v2"}`),
			`cart {destination_service_namespace="shop",destination_canonical_service="cart"} {destination_service_namespace="shop",destination_canonical_service="cart",destination_version="v2"} against {destination_service_namespace="shop",destination_canonical_service="cart",destination_version="v1"}`,
		}, {
			"two namespaces", since(hour, `go_goroutines{namespace="a",app="cart"}`, `go_goroutines{namespace="b",app="cart"}`, `go_goroutines{namespace="a",app="web"}`),
			"a/cart {namespace=\"a\",app=\"cart\"}\nb/cart {namespace=\"b\",app=\"cart\"}\nweb {namespace=\"a\",app=\"web\"}",
		}, {
			"known twice", since(hour, `go_goroutines{service="cart"}`, `haproxy_server_http_responses_total{proxy="cart",server="a"}`),
			"cart-proxy {proxy=\"cart\"}\ncart-service {service=\"cart\"}",
		}, {
			"releases first", since(hour, `go_goroutines{app="a"}`, `go_goroutines{app="z",track="canary"}`, `go_goroutines{app="z",track="stable"}`),
			"z {app=\"z\"} {app=\"z\",track=\"canary\"} against {app=\"z\",track=\"stable\"}\na {app=\"a\"}",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := brief(discovered(t, tt.text)); got != tt.want {
				t.Errorf("found\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestPods holds that a release in Kubernetes is told by its pods where that
// shows what the kubelet says of them.
func TestPods(t *testing.T) {
	pod := func(metric, pod, more string) string {
		return fmt.Sprintf(`%s{namespace="shop",pod=%q%s}`, metric, pod, more)
	}
	app := func(name, hash string) string {
		return pod("http_requests_total", name, `,app="cart",code="200",rollouts_pod_template_hash="`+hash+`"`)
	}
	text := since(2*hour, app("cart-6d5f-abcde", "6d5f"), app("cart-6d5f-fghij", "6d5f")) + since(hour, app("cart-7c9d-klmno", "7c9d"))
	want := `cart {namespace="shop",app="cart"} {namespace="shop",app="cart",rollouts_pod_template_hash="7c9d"} against {namespace="shop",app="cart",rollouts_pod_template_hash="6d5f"}`
	if got := brief(discovered(t, text)); got != want {
		t.Errorf("without the kubelet found\n%s\nwant\n%s", got, want)
	}
	text += since(2*hour, pod("container_cpu_usage_seconds_total", "cart-6d5f-abcde", `,container="cart"`), pod("container_cpu_usage_seconds_total", "other-1", `,container="x"`))
	f := discovered(t, text)
	want = `cart {namespace="shop",pod=~"cart-7c9d-.*|cart-6d5f-.*"} {namespace="shop",pod=~"cart-7c9d-.*"} against {namespace="shop",pod=~"cart-6d5f-.*"}`
	if got := brief(f); got != want {
		t.Errorf("with the kubelet found\n%s\nwant\n%s", got, want)
	}
	if got := fmt.Sprintf("%s %v", join(f.Services[0].Kinds), f.Services[0].Exporters); got != "errors, cpu, traffic [generic_http cadvisor]" {
		t.Errorf("seen are %s", got)
	}
}

// TestHistogramAlone: what a plain client library keeps as a histogram alone tells of
// requests, failures and latency, under each name of the status label; and where the
// same service counts its requests besides, it is told once.
func TestHistogramAlone(t *testing.T) {
	series := func(label, version string) string {
		at := fmt.Sprintf(`service="orders",version=%q,%s="200"`, version, label)
		return since(hour, "http_request_duration_seconds_count{"+at+"}", "http_request_duration_seconds_bucket{"+at+`,le="0.1"}`, "http_request_duration_seconds_bucket{"+at+`,le="+Inf"}`)
	}
	for _, label := range []string{"code", "status", "status_code"} {
		text := series(label, "v1") + series(label, "v2")
		s := discovered(t, text).Services[0]
		if got, want := fmt.Sprintf("%s %v", join(s.Kinds), s.Exporters), "latency, errors, traffic [http_duration_"+label+"]"; got != want || s.Canary == nil {
			t.Errorf("by %s seen are %s, canary %v, want %s", label, got, s.Canary, want)
		}
		text += since(hour, `http_requests_total{service="orders",version="v1",`+label+`="200"}`, `http_requests_total{service="orders",version="v2",`+label+`="200"}`)
		s = discovered(t, text).Services[0]
		if len(s.Exporters) != 1 || s.Exporters[0] == "http_duration_"+label {
			t.Errorf("with requests counted by %s it is told by %v, want by one", label, s.Exporters)
		}
	}
}

// TestSeen holds what can be seen, what cannot, and who would show it; how
// often all of it is scraped; and which query tells the weight.
func TestSeen(t *testing.T) {
	f := discovered(t, since(hour,
		`haproxy_server_http_responses_total{proxy="cart",server="stable"}`, `haproxy_server_http_responses_total{proxy="cart",server="canary"}`,
		`haproxy_server_response_time_average_seconds{proxy="cart",server="stable"}`,
		`haproxy_server_connection_errors_total{proxy="cart",server="stable"}`, `haproxy_server_response_errors_total{proxy="cart",server="stable"}`,
		`node_load1{job="node"}`, `node_filefd_allocated{job="node"}`, `node_filefd_maximum{job="node"}`))
	s := f.Services[0]
	if got := fmt.Sprintf("%s %v %v", join(s.Kinds), s.Exporters, f.Exporters); got != "latency, errors, dependency, traffic [haproxy_server] [haproxy_server node_exporter]" {
		t.Errorf("seen are %s", got)
	}
	if want := `100 * sum(haproxy_server_weight{proxy="cart",server="canary"}) / sum(haproxy_server_weight{proxy="cart"})`; s.Weight != want {
		t.Errorf("the weight is %s, want %s", s.Weight, want)
	}
	if f.Interval != 30*time.Second || f.Slowest == "" {
		t.Errorf("scraped every %s (%s), want 30s", f.Interval, f.Slowest)
	}
	blind := map[signal.Kind]BlindSpot{}
	for _, b := range f.BlindSpots(&s) {
		blind[b.Kind] = b
	}
	if len(blind)+len(s.Kinds) != len(signal.Kinds()) {
		t.Errorf("%d kinds are seen and %d not, of %d", len(s.Kinds), len(blind), len(signal.Kinds()))
	}
	if b := blind[signal.Memory]; b.Unseen == "" || len(b.Shown) != 3 || b.There != "" {
		t.Errorf("memory: %+v", b)
	}
	if b := blind[signal.Saturation]; b.There != "node_exporter" {
		t.Errorf("saturation: %+v; want that node_exporter is there", b)
	}
}

func TestNatural(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{{"v9", "v10", -1}, {"1.10.0", "1.9.9", 1}, {"a", "b", -1}, {"1.0", "1.0.1", -1}, {"x", "x", 0}, {"2026-03-02", "2026-03-10", -1}, {"1a", "1b", -1}, {"18446744073709551616", "2", 1}, {"007", "7", 0}}
	for _, tt := range tests {
		if got := natural(tt.a, tt.b); got != tt.want || natural(tt.b, tt.a) != -tt.want {
			t.Errorf("natural(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
