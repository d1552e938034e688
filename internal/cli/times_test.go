package cli

import (
	"testing"
	"time"
)

func TestParseInstant(t *testing.T) {
	now := time.Date(2026, 3, 2, 16, 30, 15, 0, time.UTC)
	tests := []struct{ text, want string }{
		{"now", "2026-03-02T16:30:15Z"},
		{"now-30m", "2026-03-02T16:00:15Z"},
		{"now+1h", "2026-03-02T17:30:15Z"},
		{"16:04", "2026-03-02T16:04:00Z"},
		{"23:04:05", "2026-03-02T23:04:05Z"},
		{"2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00Z"},
		{"now 5m", ""},
		{"now5m", ""},
		{"nowish", ""},
		{"", ""},
		{"noon", ""},
		{"25:00", ""},
		{"2026-03-01", ""},
	}
	for _, tt := range tests {
		at, ok := parseInstant(tt.text, now)
		got := ""
		if ok {
			got = at.Format(time.RFC3339)
		}
		if got != tt.want {
			t.Errorf("parseInstant(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestParseStep(t *testing.T) {
	start := time.Date(2026, 3, 2, 22, 0, 30, 0, time.UTC)
	tests := []struct {
		text, at string
		weight   float64
	}{
		{"22:04=10", "2026-03-02T22:04:00Z", 0.1},
		{"22:00:30 = 2.5%", "2026-03-02T22:00:30Z", 0.025},
		{"00:10=100", "2026-03-03T00:10:00Z", 1},
		{"2026-03-02T21:00:00Z=20", "2026-03-02T21:00:00Z", 0.2},
		{"22:04", "", 0},
		{"22:04=", "", 0},
		{"22:04=101", "", 0},
		{"22:04=-1", "", 0},
		{"22:04=NaN", "", 0},
		{"=10", "", 0},
		{"now=10", "", 0},
	}
	for _, tt := range tests {
		s, ok := parseStep(tt.text, start)
		got := ""
		if ok {
			got = s.At.Format(time.RFC3339)
		}
		if got != tt.at || ok && s.Weight != tt.weight {
			t.Errorf("parseStep(%q) = %s, %v; want %s, %v", tt.text, got, s.Weight, tt.at, tt.weight)
		}
	}
}
