package main

import (
	"fmt"
	"strconv"
	"strings"
)

// What the pods report, by the names that common client libraries and cAdvisor
// give.
var (
	requests = family{"http_requests", "counter", "Requests by status code.", func(m *meter) []sample {
		return []sample{
			{"_total", `,code="200"`, m.now.good},
			{"_total", `,code="500"`, m.now.bad},
		}
	}}
	durations = family{"http_request_duration_seconds", "histogram", "Durations of requests.", func(m *meter) []sample {
		var out []sample
		sum := 0.0
		for i, n := range m.now.buckets {
			le := "+Inf"
			if i < len(buckets) {
				le = strconv.FormatFloat(buckets[i], 'f', -1, 64)
				if !strings.Contains(le, ".") {
					le += ".0"
				}
			}
			sum += n
			out = append(out, sample{"_bucket", fmt.Sprintf(",le=%q", le), sum})
		}
		return append(out, sample{"_sum", "", m.now.seconds}, sample{"_count", "", sum})
	}}
	calls = family{"http_client_requests", "counter", "Calls of other services by status code.", func(m *meter) []sample {
		var out []sample
		for _, to := range callees(m.fleet) {
			c := m.now.calls[to]
			out = append(out,
				sample{"_total", fmt.Sprintf(`,target=%q,code="200"`, to), c[0]},
				sample{"_total", fmt.Sprintf(`,target=%q,code="503"`, to), c[1]})
		}
		return out
	}}
	containerCPU = family{"container_cpu_usage_seconds", "counter", "CPU time used.", func(m *meter) []sample {
		return []sample{{"_total", "", m.now.cpu}}
	}}
	containerMemory = family{"container_memory_working_set_bytes", "gauge", "Memory in use.", func(m *meter) []sample {
		return []sample{{"", "", m.now.heap}}
	}}

	processCPU = family{"process_cpu_seconds", "counter", "CPU time used.", func(m *meter) []sample {
		return []sample{{"_total", "", m.now.cpu}}
	}}
	processFiles = family{"process_open_fds", "gauge", "Open file descriptors.", func(m *meter) []sample {
		return []sample{{"", "", m.now.goroutines + 9}}
	}}
	processMaxFiles = family{"process_max_fds", "gauge", "Greatest number of open file descriptors.", func(*meter) []sample {
		return []sample{{"", "", 1024}}
	}}
	processStart = family{"process_start_time_seconds", "gauge", "Start of the process.", func(m *meter) []sample {
		return []sample{{"", "", float64(start.Unix()) + max(m.pod.from, -86400)}}
	}}
	goroutines = family{"go_goroutines", "gauge", "Goroutines.", func(m *meter) []sample {
		return []sample{{"", "", m.now.goroutines}}
	}}
	goHeap = family{"go_memstats_heap_inuse_bytes", "gauge", "Heap in use.", func(m *meter) []sample {
		return []sample{{"", "", m.now.heap}}
	}}

	container = []family{requests, durations, containerCPU, containerMemory}
)

// signals asks for what container reports.
const signals = `  signals:
  - {name: latency, kind: latency, unit: s, query: 'sum by (le, pod) (rate(http_request_duration_seconds_bucket{$sel}[$window]))'}
  - {name: errors, kind: errors, unit: ratio, query: 'sum by (pod) (rate(http_requests_total{$sel,code=~"5.."}[$window])) / sum by (pod) (rate(http_requests_total{$sel}[$window]))'}
  - {name: traffic, kind: traffic, unit: requests/s, query: 'sum by (pod) (rate(http_requests_total{$sel}[$window]))'}
  - {name: cpu, kind: cpu, unit: cores, query: 'sum by (pod) (rate(container_cpu_usage_seconds_total{$sel}[$window]))'}
  - {name: memory, kind: memory, unit: bytes, limit: 536870912, query: 'container_memory_working_set_bytes{$sel}'}
`

// calling asks for the calls of other services as well.
const calling = signals + `  - {name: calls, kind: dependency, unit: ratio, scope: service, query: 'sum (rate(http_client_requests_total{$sel,code=~"5.."}[$window])) / sum (rate(http_client_requests_total{$sel}[$window]))'}
`
