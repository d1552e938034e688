package signal_test

import (
	"testing"

	"github.com/foreshock/foreshock/signal"
)

// TestKinds is the table of all kinds: how each is written, which domain it
// stresses and which way is worse.
func TestKinds(t *testing.T) {
	tests := []struct {
		kind   signal.Kind
		name   string
		domain signal.Domain
		worse  signal.Direction
	}{
		{signal.Latency, "latency", signal.DomainSymptom, signal.Up},
		{signal.Errors, "errors", signal.DomainSymptom, signal.Up},
		{signal.CPU, "cpu", signal.DomainCPU, signal.Up},
		{signal.Memory, "memory", signal.DomainMemory, signal.Up},
		{signal.Network, "network", signal.DomainNetwork, signal.Both},
		{signal.Database, "database", signal.DomainDatabase, signal.Up},
		{signal.Cache, "cache", signal.DomainCache, signal.Down},
		{signal.Dependency, "dependency", signal.DomainDependency, signal.Up},
		{signal.Traffic, "traffic", signal.DomainTraffic, signal.Both},
		{signal.Retries, "retries", signal.DomainSymptom, signal.Up},
		{signal.Timeouts, "timeouts", signal.DomainSymptom, signal.Up},
		{signal.Crashes, "crashes", signal.DomainSymptom, signal.Up},
		{signal.Saturation, "saturation", signal.DomainCPU, signal.Up},
		{signal.Infra, "infra", signal.DomainCPU, signal.Up},
	}
	kinds := signal.Kinds()
	if len(kinds) != len(tests) {
		t.Fatalf("len(Kinds()) = %d, want %d: a kind is missing from this table", len(kinds), len(tests))
	}
	for i, tt := range tests {
		if kinds[i] != tt.kind {
			t.Errorf("Kinds()[%d] = %v, want %v", i, kinds[i], tt.kind)
		}
		if got := tt.kind.String(); got != tt.name {
			t.Errorf("Kind(%d).String() = %q, want %q", uint8(tt.kind), got, tt.name)
		}
		if got, err := signal.ParseKind(tt.name); got != tt.kind || err != nil {
			t.Errorf("ParseKind(%q) = %v, %v, want %v, nil", tt.name, got, err, tt.kind)
		}
		if got := tt.kind.Domain(); got != tt.domain {
			t.Errorf("%v.Domain() = %v, want %v", tt.kind, got, tt.domain)
		}
		if got := tt.kind.Worse(); got != tt.worse {
			t.Errorf("%v.Worse() = %v, want %v", tt.kind, got, tt.worse)
		}
	}
}

// TestParseUnknown: an unknown name is an error that lists the known ones,
// and nothing else is said for it.
func TestParseUnknown(t *testing.T) {
	tests := []struct {
		call string
		got  func() (uint8, error)
		want string
	}{
		{
			call: `ParseKind("latencies")`,
			got:  func() (uint8, error) { k, err := signal.ParseKind("latencies"); return uint8(k), err },
			want: `unknown kind "latencies"; want one of latency, errors, cpu, memory, network, database, cache, dependency, traffic, retries, timeouts, crashes, saturation, infra`,
		},
		{
			call: `ParseKind("")`,
			got:  func() (uint8, error) { k, err := signal.ParseKind(""); return uint8(k), err },
			want: `unknown kind ""; want one of latency, errors, cpu, memory, network, database, cache, dependency, traffic, retries, timeouts, crashes, saturation, infra`,
		},
		{
			call: `ParseDirection("Up")`,
			got:  func() (uint8, error) { d, err := signal.ParseDirection("Up"); return uint8(d), err },
			want: `unknown direction "Up"; want up, down or both`,
		},
		{
			call: `ParseScope("pod")`,
			got:  func() (uint8, error) { s, err := signal.ParseScope("pod"); return uint8(s), err },
			want: `unknown scope "pod"; want cohort or service`,
		},
	}
	for _, tt := range tests {
		got, err := tt.got()
		if got != 0 || err == nil || err.Error() != tt.want {
			t.Errorf("%s = %d, %v\nwant 0, %s", tt.call, got, err, tt.want)
		}
	}
}

// TestNames: every enum writes its names, and a value that was forgotten or
// is out of range is seen as such.
func TestNames(t *testing.T) {
	tests := []struct{ got, want string }{
		{signal.Up.String(), "up"},
		{signal.Down.String(), "down"},
		{signal.Both.String(), "both"},
		{signal.PerCohort.String(), "cohort"},
		{signal.PerService.String(), "service"},
		{signal.Whole.String(), "whole"},
		{signal.Canary.String(), "canary"},
		{signal.Control.String(), "control"},
		{signal.NeverSeen.String(), "never seen"},
		{signal.Present.String(), "present"},
		{signal.Empty.String(), "empty"},
		{signal.NotANumber.String(), "not a number"},
		{signal.Stopped.String(), "stopped"},
		{signal.DomainSymptom.String(), "symptom"},
		{signal.DomainCPU.String(), "cpu"},
		{signal.DomainMemory.String(), "memory"},
		{signal.DomainNetwork.String(), "network"},
		{signal.DomainDatabase.String(), "database"},
		{signal.DomainDependency.String(), "dependencies"},
		{signal.DomainCache.String(), "caches"},
		{signal.DomainTraffic.String(), "traffic"},
		{signal.Kind(0).String(), "Kind(0)"},
		{signal.Kind(99).String(), "Kind(99)"},
		{signal.Domain(0).String(), "Domain(0)"},
		{signal.Direction(4).String(), "Direction(4)"},
		{signal.Scope(3).String(), "Scope(3)"},
		{signal.Cohort(0).String(), "Cohort(0)"},
		{signal.Presence(6).String(), "Presence(6)"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("String() = %q, want %q", tt.got, tt.want)
		}
	}
}

func TestParseDirectionAndScope(t *testing.T) {
	for _, d := range []signal.Direction{signal.Up, signal.Down, signal.Both} {
		if got, err := signal.ParseDirection(d.String()); got != d || err != nil {
			t.Errorf("ParseDirection(%q) = %v, %v, want %v, nil", d, got, err, d)
		}
	}
	for _, s := range []signal.Scope{signal.PerCohort, signal.PerService} {
		if got, err := signal.ParseScope(s.String()); got != s || err != nil {
			t.Errorf("ParseScope(%q) = %v, %v, want %v, nil", s, got, err, s)
		}
	}
}

// TestSignalDirection: what the user says goes before what the kind says.
func TestSignalDirection(t *testing.T) {
	tests := []struct {
		signal signal.Signal
		want   signal.Direction
	}{
		{signal.Signal{Kind: signal.Cache}, signal.Down},
		{signal.Signal{Kind: signal.Cache, Worse: signal.Up}, signal.Up},
		{signal.Signal{Kind: signal.Latency, Worse: signal.Both}, signal.Both},
	}
	for _, tt := range tests {
		if got := tt.signal.Direction(); got != tt.want {
			t.Errorf("Signal{Kind: %v, Worse: %v}.Direction() = %v, want %v", tt.signal.Kind, tt.signal.Worse, got, tt.want)
		}
	}
}
