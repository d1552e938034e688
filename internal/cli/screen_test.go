package cli

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/foreshock/foreshock/release"
)

var nan = release.Number(math.NaN())

func TestScreenOf(t *testing.T) {
	tests := []struct {
		name     string
		width    int
		terminal bool
		env      map[string]string
		want     screen
	}{
		{"a file", 0, false, map[string]string{"TERM": "xterm"}, screen{width: 80}},
		{"a terminal", 90, true, map[string]string{"TERM": "xterm"}, screen{width: 90, colour: true}},
		{"a wide one", 240, true, map[string]string{"TERM": "xterm"}, screen{width: 100, colour: true}},
		{"a narrow one", 20, true, map[string]string{"TERM": "xterm"}, screen{width: 60, colour: true}},
		{"no colour wanted", 80, true, map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, screen{width: 80}},
		{"NO_COLOR is empty", 80, true, map[string]string{"TERM": "xterm", "NO_COLOR": ""}, screen{width: 80, colour: true}},
		{"a dumb one", 80, true, map[string]string{"TERM": "dumb"}, screen{width: 80}},
		{"an unknown one", 80, true, nil, screen{width: 80}},
	}
	for _, tt := range tests {
		if got := screenOf(tt.width, tt.terminal, func(k string) string { return tt.env[k] }); got != tt.want {
			t.Errorf("%s: screenOf = %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestSparks(t *testing.T) {
	tests := []struct {
		name string
		in   [][]release.Number
		want []string
	}{
		{"one scale", [][]release.Number{{0, 7, 8}, {0, 0, 1}}, []string{"▁██", "▁▁▂"}},
		{"the newest last", [][]release.Number{{5}, {0, 0, 10}}, []string{"  ▅", "▁▁█"}},
		{"a gap", [][]release.Number{{1, nan, 2}}, []string{"▁ █"}},
		{"all alike", [][]release.Number{{3, 3}, {3, 3}}, []string{"▁▁", "▁▁"}},
		{"nothing", [][]release.Number{{nan, nan}, nil}, []string{"  ", "  "}},
	}
	for _, tt := range tests {
		if got := sparks(tt.in...); !slices.Equal(got, tt.want) {
			t.Errorf("%s: sparks = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestWrap(t *testing.T) {
	tests := []struct {
		text  string
		width int
		want  []string
	}{
		{"errors is 73 % now", 11, []string{"errors is", "73 % now"}},
		{"a verylongword b", 5, []string{"a", "verylongword", "b"}},
		{"", 5, nil},
	}
	for _, tt := range tests {
		if got := wrap(tt.text, tt.width); !slices.Equal(got, tt.want) {
			t.Errorf("wrap(%q, %d) = %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

func TestOdds(t *testing.T) {
	tests := []struct {
		in   release.Evidence
		want string
	}{
		{release.Evidence{Strength: 8.2, Decided: true}, "1 in 3,600"}, // exp(8.2) = 3640.95
		{release.Evidence{Strength: 2}, "1 in 7"},                      // exp(2) = 7.39
		{release.Evidence{Strength: 300, Decided: true}, "<1 in 10^6"},
		{release.Evidence{Strength: -1}, "may be"},
		{release.Evidence{Strength: nan}, ""},
		{release.Evidence{Strength: 20, Small: true}, "too small"},
	}
	for _, tt := range tests {
		if got := odds(tt.in); got != tt.want {
			t.Errorf("odds(%v) = %q, want %q", tt.in.Strength, got, tt.want)
		}
	}
}

// TestColourIsNoCue holds that colour adds nothing but colour, and that no
// line leaves the screen.
func TestColourIsNoCue(t *testing.T) {
	escape := regexp.MustCompile(`\x1b\[[0-9;]*m`)
	p, ids, ms := playedExample(t)
	plain := screen{width: 80}.report(p, ids, ms)
	coloured := screen{width: 80, colour: true}.report(p, ids, ms)
	if !escape.MatchString(coloured) || escape.MatchString(plain) {
		t.Fatalf("colour: %v in the coloured report, %v in the plain one", escape.MatchString(coloured), escape.MatchString(plain))
	}
	if got := escape.ReplaceAllString(coloured, ""); got != plain {
		t.Errorf("without its colours the report is\n%s\nwant\n%s", got, plain)
	}
	for _, width := range []int{60, 80, 100} {
		for line := range strings.Lines(screen{width: width}.report(p, ids, ms)) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("at %d columns a line has %d: %s", width, n, line)
			}
		}
	}
}
