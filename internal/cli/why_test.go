package cli

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// explanations are those whose text is held, in the format that its file's
// name ends in.
var explanations = []struct {
	file, recording string
	more            []string // arguments
}{
	{"leak.text", "examples/recordings/cart-leak", nil},
	{"config.text", "examples/recordings/checkout-config", nil},
	{"silent.text", "examples/recordings/payments-silent", nil},
	{"healthy.text", "examples/recordings/search-healthy", nil},
	{"elsewhere.text", "examples/recordings/shop-incident", []string{"--release", "checkout"}},
	{"pool.text", "corpus/n-plus-one-a", []string{"--policy", "../../corpus/policy.yaml"}},
	{"pool-held.text", "corpus/n-plus-one-a", []string{"--policy", "../../corpus/policy.yaml", "--until", "52s"}},
	{"cleared.text", "corpus/gc-sawtooth-c", []string{"--policy", "../../corpus/policy.yaml"}},
	{"leak.markdown", "examples/recordings/cart-leak", nil},
	{"leak.html", "examples/recordings/cart-leak", nil},
	{"silent.json", "examples/recordings/payments-silent", nil},
}

// TestWhy holds whole explanations of the recordings that come with the
// repository.
func TestWhy(t *testing.T) {
	for _, tt := range explanations {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"why", filepath.Join("../..", tt.recording), "-o", strings.TrimPrefix(filepath.Ext(tt.file), ".")}, tt.more...)
			code, got, stderr := run(t, args...)
			if code != exitSuccess || stderr != "" {
				t.Fatalf("%v exits %d\n%s", args, code, stderr)
			}
			path := filepath.Join("testdata/why", tt.file+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%v prints\n%s\nwant %s; rewrite it with 'make golden' and read the difference", args, got, path)
			}
		})
	}
}

// TestWhyMends: where the new version's metrics are gone while its callers
// report it, the first thing to do for the next time is to mend them; where it
// serves nothing, its metrics are there.
func TestWhyMends(t *testing.T) {
	for name, want := range map[string]bool{"metrics-gone-b": true, "no-traffic-b": false, "hung-a": false} {
		_, got, _ := run(t, "why", "../../corpus/"+name, "--policy", "../../corpus/policy.yaml")
		if strings.Contains(got, "- Mend the metrics endpoint") != want {
			t.Errorf("%s: mending the metrics is asked for: %v, want %v\n%s", name, !want, want, got)
		}
	}
}

// TestWhyTells: what somebody who was not there must and must not read.
func TestWhyTells(t *testing.T) {
	for _, tt := range []struct{ recording, want, not string }{
		// Processes that started again did change, if too few to be tested.
		{"crash-b", "From 00:22:05 on processes of the new version start again while none of the stable version's does", "goroutines, restarts"},
		{"memory-leak-b", "just before, memory of one had come to", "did not change"},
		{"memory-leak-b", "Said at 19:18:35: memory [1] reaches its limit of 96 MiB at about 19:18:57", "did not change"},
		// The release's migration holds the lock.
		{"migration-lock-a", "within frames of its step, and nothing else began then", "not this release"},
		{"migration-lock-a", "shop v1 → v2: a person must decide", "is held against it"},
		// What was said to come had come, or not.
		{"n-plus-one-a", "errors, said at 19:20:45 to be next, followed at 19:20:55", "had begun already"},
		{"n-plus-one-a", "if db pool of db is still under 65.9 % at 50 %, this is wrong", ""},
		{"cpu-a", "no sign tells the class", "the signs are those of"},
		// Latency is no cache that fills, and no leak.
		{"traffic-doubles-a", "show no harm", "a leak:"},
	} {
		_, got, _ := run(t, "why", "../../corpus/"+tt.recording, "--policy", "../../corpus/policy.yaml")
		got = strings.Join(strings.Fields(got), " ")
		if !strings.Contains(got, tt.want) || tt.not != "" && strings.Contains(got, tt.not) {
			t.Errorf("%s: want %q and not %q in\n%s", tt.recording, tt.want, tt.not, got)
		}
	}
}

// TestAtALimitByNow: what is met by now is not foretold, neither in the sentence
// nor below it.
func TestAtALimitByNow(t *testing.T) {
	_, got, _ := run(t, "replay", "../../corpus/cpu-a", "--policy", "../../corpus/policy.yaml", "-o", "jsonl")
	n := 0
	for line := range strings.Lines(got) {
		var a release.Assessment
		if err := json.Unmarshal([]byte(line), &a); err != nil || a.Type != "assessment" {
			continue
		}
		if p := a.FailsAt(); p != nil && a.Met(p) {
			n++
			if want := "It is at a limit by now, with 75 % of the traffic: shop core busy full."; !strings.Contains(a.Sentence, want) {
				t.Errorf("%s: %q, want %q in it", a.At, a.Sentence, want)
			}
		}
		if strings.Contains(a.Sentence, "fails at about 0 %") {
			t.Errorf("%s: %q", a.At, a.Sentence)
		}
	}
	if n == 0 {
		t.Error("no limit is met")
	}
}

// TestWatchPoints: whatever may come next has what would show that it is wrong,
// and all of it adds up; a doubt names what may be chance only where it is worse.
func TestWatchPoints(t *testing.T) {
	for _, name := range []string{"corpus/cpu-a", "corpus/memory-leak-b", "corpus/retry-storm-a", "corpus/low-traffic-a", "examples/recordings/shop-incident"} {
		_, got, _ := run(t, "replay", "../../"+name, "--policy", "../../corpus/policy.yaml", "-o", "jsonl")
		for line := range strings.Lines(got) {
			var a release.Assessment
			if err := json.Unmarshal([]byte(line), &a); err != nil || a.Type != "assessment" {
				continue
			}
			all := 0.0
			for _, h := range a.WhatNext {
				all += float64(h.Probability)
				if h.Kind != "nothing" && (h.Watch == "" || strings.Contains(h.Watch, "no value")) {
					t.Errorf("%s, %s: %q has the watch-point %q", name, a.At, h.Text, h.Watch)
				}
			}
			if math.Abs(all-1) > 1e-5 {
				t.Errorf("%s, %s: what may come next adds up to %v", name, a.At, all)
			}
			if strings.Contains(a.Sentence, "0 % against 0 % on the control, which may be chance") {
				t.Errorf("%s, %s: %q", name, a.At, a.Sentence)
			}
		}
	}
}

// TestWhyWidth: text fits a terminal of 80 columns; only a query, which is
// there to be copied, stands on a line of its own.
func TestWhyWidth(t *testing.T) {
	query := regexp.MustCompile(`^      (new|stable|all|limit) `)
	for _, tt := range explanations {
		if filepath.Ext(tt.file) != ".text" {
			continue
		}
		text, err := os.ReadFile(filepath.Join("testdata/why", tt.file+".golden"))
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range strings.Split(string(text), "\n") {
			if n := utf8.RuneCountInString(l); n > plainWidth && !query.MatchString(l) {
				t.Errorf("%s:%d has %d columns: %s", tt.file, i+1, n, l)
			}
		}
	}
}

// TestWhyReferences: every mark in a text has its query, and no query is
// without a mark.
func TestWhyReferences(t *testing.T) {
	e := explanationOf(t, "shop-incident", "payments")
	all := e.Headline + strings.Join(e.Details, " ")
	for _, r := range append(append([]release.Remark{}, e.Said...), e.Seen...) {
		all += r.Text
	}
	for _, x := range e.RuledOut {
		all += x.Text
	}
	known := map[string]bool{}
	for _, r := range e.References {
		known[itoa(r.Number)] = true
		if r.New == "" || strings.Contains(r.New, "$") {
			t.Errorf("the query of [%d] %s is %q, want one that can be asked", r.Number, r.Signal, r.New)
		}
	}
	marks := mention.FindAllStringSubmatch(all, -1)
	if len(marks) == 0 {
		t.Fatalf("no reference in %q", all)
	}
	for _, m := range marks {
		if !known[m[1]] {
			t.Errorf("[%s] has no query; there are %v", m[1], known)
		}
	}
}

// TestWhyMarks: what a recording names cannot become markup of a page or an
// issue.
func TestWhyMarks(t *testing.T) {
	e := explanationOf(t, "cart-leak", "cart")
	evil := `<script>alert(1)</script>*x*`
	e.Title, e.Headline, e.Details, e.Recording = evil, evil, []string{evil}, evil
	e.Charts[0].Name, e.Charts[0].Text, e.Columns[0].Name = evil, evil, evil
	e.Timeline[0].Text, e.Said[0].Text, e.RuledOut[0].What, e.References[0].New = evil, evil, evil, evil
	page, err := whyHTML(e)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page, "<script") || !strings.Contains(page, "&lt;script&gt;alert(1)") {
		t.Errorf("the page has a script of a name:\n%s", page)
	}
	issue, _, _ := strings.Cut(whyMarkdown(e), "```text")
	if strings.Contains(issue, "<script") || !strings.Contains(issue, `&lt;script>alert(1)&lt;/script>\*x\*`) {
		t.Errorf("the issue has markup of a name:\n%s", issue)
	}
}

// explanationOf explains one release of an example.
func explanationOf(t *testing.T, name, id string) release.Explanation {
	t.Helper()
	var c *release.Chronicle
	p, err := play(t.Context(), filepath.Join("../../examples/recordings", name), until{}, hearing(&c, (&tracked{}).see, listener{}))
	if err != nil {
		t.Fatal(err)
	}
	e, ok := c.Explain(id, p.summary)
	if !ok {
		t.Fatalf("%s has no release %s", name, id)
	}
	return e
}

// TestRulers: a few values, round in their unit, and inside the range.
func TestRulers(t *testing.T) {
	tests := []struct {
		low, high float64
		unit      string
		want      []string
	}{
		{0, 1.06, "ratio", []string{"0 %", "25 %", "50 %", "75 %", "100 %"}},
		{0, 0.0733, "s", []string{"0 s", "25 ms", "50 ms"}},
		{0, 540 << 20, "B", []string{"0 B", "200 MiB", "400 MiB"}},
		{0.9, 1, "ratio", []string{"90 %", "92.5 %", "95 %", "97.5 %", "100 %"}},
	}
	for _, tt := range tests {
		unit := signal.ParseUnit(tt.unit)
		var got []string
		for _, v := range rulers(tt.low, tt.high, unit) {
			got = append(got, unit.Format(v))
		}
		if strings.Join(got, ", ") != strings.Join(tt.want, ", ") {
			t.Errorf("rulers(%v, %v, %s) = %v, want %v", tt.low, tt.high, tt.unit, got, tt.want)
		}
	}
}
