package discover

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/signal"
)

type rawFunc func(selector string, window time.Duration) []engine.Series

func (f rawFunc) Raw(_ context.Context, selector string, _ time.Time, window time.Duration) ([]engine.Series, error) {
	return f(selector, window), nil
}

// every returns a series with samples so far apart.
func every(name string, gaps ...time.Duration) engine.Series {
	s := engine.Series{Labels: map[string]string{"__name__": name}}
	at := time.Unix(1772445600, 0)
	for _, g := range append([]time.Duration{0}, gaps...) {
		at = at.Add(g)
		s.Samples = append(s.Samples, engine.Sample{At: at})
	}
	return s
}

func TestInterval(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	tests := []struct {
		name    string
		series  []engine.Series
		want    time.Duration
		slowest string
	}{
		{"nothing", nil, 0, ""},
		{"one sample", []engine.Series{every("a")}, 0, ""},
		{"jitter", []engine.Series{every("a", 15001*ms, 14998*ms, 15*s)}, 15 * s, "a"},
		{"a scrape lost", []engine.Series{every("a", 15*s, 30*s, 15*s)}, 15 * s, "a"},
		{"two exporters", []engine.Series{every("a", 15*s, 15*s), every("b", 60*s)}, 60 * s, "b"},
		{"fast", []engine.Series{every("a", 201*ms, 199*ms, 200*ms)}, 200 * ms, "a"},
	}
	for _, tt := range tests {
		src := rawFunc(func(string, time.Duration) []engine.Series { return tt.series })
		got, slowest, err := Interval(t.Context(), src, []string{"a"}, []string{`v="2"`}, time.Now())
		if err != nil || got != tt.want || slowest != tt.slowest {
			t.Errorf("%s: Interval() = %s of %q, %v; want %s of %q", tt.name, got, slowest, err, tt.want, tt.slowest)
		}
	}
}

// TestIntervalOf holds where is looked: the canary first, then the control,
// then longer ago.
func TestIntervalOf(t *testing.T) {
	var asked []string
	src := rawFunc(func(selector string, window time.Duration) []engine.Series {
		asked = append(asked, selector+window.String())
		if strings.Contains(selector, `"1"`) && window > 10*time.Minute {
			return []engine.Series{every("a", 5*time.Minute)}
		}
		return nil
	})
	got, _, err := Interval(t.Context(), src, []string{"a", "b.c"}, []string{`v="2"`, "", `v="1"`}, time.Now())
	want := `{__name__=~"a|b\\.c",v="2"}2m0s {__name__=~"a|b\\.c",v="1"}2m0s {__name__=~"a|b\\.c",v="2"}20m0s {__name__=~"a|b\\.c",v="1"}20m0s`
	if err != nil || got != 5*time.Minute || strings.Join(asked, " ") != want {
		t.Errorf("Interval() = %s, %v after %s; want 5m after %s", got, err, asked, want)
	}
}

func TestNames(t *testing.T) {
	got, err := Names([]signal.Signal{{Name: "x", Query: `sum(rate(b{$sel}[$window])) / sum({"a b",x="$service"})`}})
	if err != nil || strings.Join(got, "|") != "a b|b" {
		t.Errorf("Names() = %q, %v", got, err)
	}
	if _, err := Names([]signal.Signal{{Name: "x", Query: `$nope`}}); err == nil || !strings.Contains(err.Error(), "signal x: ") {
		t.Errorf("Names of a wrong query: %v", err)
	}
	all, err := Names(nil)
	if err != nil || len(all) < 100 {
		t.Errorf("the catalogue has %d metrics, %v", len(all), err)
	}
}
