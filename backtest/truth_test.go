package backtest_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
)

var (
	truthN   = flag.Int("truth", 0, "releases a row of TestTruth; 0 means as many as an everyday run affords")
	truthRow = flag.String("truthrow", "", "only the rows of TestTruth whose names contain this")
	update   = flag.Bool("update", false, "rewrite docs/method/truth.md")
)

// truthFile is written by -update.
const truthFile = "../docs/method/truth.md"

// A situation is one row of the table: a kind of release, and what must be
// said of it.
type situation struct {
	name  string
	group string
	model func(seed uint64) scenario
	dear  int // divides the number of releases in an everyday run; 0 means 1
	must  []must
}

// A must is a bound on the share of releases of which something is said.
type must struct {
	what     string
	of       func(outcome) bool
	min, max float64
	open     string // why the engine does not keep it yet: it is measured, and fails nothing
}

// but says why a must is not kept yet.
func (m must) but(why string) must {
	m.open = why
	return m
}

// atLeast and atMost bound a share from one side.
func atLeast(p float64, what string, of func(outcome) bool) must {
	return must{what: what, of: of, min: p, max: 1}
}

func atMost(p float64, what string, of func(outcome) bool) must {
	return must{what: what, of: of, max: p}
}

func never(what string, of func(outcome) bool) must { return atMost(0, "never "+what, of) }

// An outcome is what was said of one release from its first step to its end.
type outcome struct {
	warned, rolledBack, everPromoted bool
	leak                             bool // a leak was named in the memory signal
	small                            bool // a change was said to be too small to matter
	held, blamed                     bool // for silence, at some time
	early                            bool // nothing but unknown in the first four frames
	needs                            bool // at the end, how many more requests it needs
	verdict                          string
}

// observe takes one assessment.
func (o *outcome) observe(frame int, a release.Assessment) {
	o.warned = o.warned || a.Warns()
	o.rolledBack = o.rolledBack || a.Verdict == prevention.Rollback.String()
	o.everPromoted = o.everPromoted || a.Verdict == prevention.Promote.String()
	silent := a.Reason == prevention.Silent.String()
	o.held = o.held || silent && a.Verdict == prevention.Hold.String()
	o.blamed = o.blamed || silent && a.Blames
	if frame < 4 {
		o.early = (o.early || frame == 0) && a.Verdict == prevention.Unknown.String()
	}
	for _, p := range a.Patterns {
		o.leak = o.leak || p.Kind == "leak" && strings.HasPrefix(p.Signal, "memory")
	}
	o.small = o.small || strings.Contains(a.Sentence, "too little to matter")
	for _, e := range a.Evidence {
		o.small = o.small || e.Small
	}
	o.needs = a.Unknown != nil && strings.HasSuffix(a.Unknown.Needs, "more requests")
	o.verdict = a.Verdict
}

// run plays one release.
func run(s scenario, seed uint64) outcome {
	var o outcome
	state := release.New(s.system, prevention.DefaultPolicy())
	frame := 0
	for f := range s.model.Play(seed) {
		for _, a := range state.Step(f) {
			o.observe(frame, a)
			frame++
		}
	}
	return o
}

// runAll plays n releases of a situation, on all processors, and returns the
// outcomes in the order of their seeds.
func runAll(s situation, n int) []outcome {
	out := make([]outcome, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				seed := uint64(i) + 1
				out[i] = run(s.model(seed), seed)
			}
		})
	}
	wg.Wait()
	return out
}

// rate returns the share of outcomes.
func rate(os []outcome, of func(outcome) bool) (share float64, k int) {
	for _, o := range os {
		if of(o) {
			k++
		}
	}
	return float64(k) / float64(len(os)), k
}

// broken says whether k of n is beyond what chance makes of a rate that keeps
// the bound, with probability tail. The binomial tail is exact: normal
// standard errors mean nothing at 60 releases and a rate of 1 %.
func (m must) broken(k, n int, tail float64) bool {
	high := 0.0 // P(K ≥ k) at max
	low := 0.0  // P(K ≤ k) at min
	switch {
	case m.max >= 1:
		high = 1
	case m.max <= 0:
		high = float64(btoi(k == 0))
	case k == 0:
		high = 1
	default:
		high = 1 - distuv.Binomial{N: float64(n), P: m.max}.CDF(float64(k-1))
	}
	switch {
	case m.min <= 0:
		low = 1
	case m.min >= 1:
		low = float64(btoi(k == n))
	default:
		low = distuv.Binomial{N: float64(n), P: m.min}.CDF(float64(k))
	}
	return high < tail || low < tail
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestTruth plays synthetic releases of which the truth is known, and holds
// what the engine says of them against what it must say. An everyday run has
// few releases and fails only beyond 3 standard errors; make truth plays 4000
// of each situation and fails beyond 2, and writes the table of
// docs/method/truth.md.
func TestTruth(t *testing.T) {
	tail := 0.0013 // 3 standard errors, one-sided
	if *truthN >= 1000 {
		tail = 0.0228 // 2
	}
	var rows []row
	for _, s := range situations() {
		if !strings.Contains(s.group+": "+s.name, *truthRow) {
			continue
		}
		t.Run(s.group+"/"+s.name, func(t *testing.T) {
			r := row{situation: s, n: everyday(s)}
			r.outcomes = runAll(s, r.n)
			for _, m := range s.must {
				share, k := rate(r.outcomes, m.of)
				if !m.broken(k, r.n, tail) {
					continue
				}
				r.broken = append(r.broken, m)
				say := t.Errorf
				if m.open != "" {
					say = t.Logf
				}
				say("%s: %d of %d releases (%.1f %%); want %s; %s", m.what, k, r.n, 100*share, m.bound(), m.open)
			}
			rows = append(rows, r)
			t.Log(r.summary())
		})
	}
	if *update && *truthRow == "" {
		if err := os.MkdirAll(filepath.Dir(truthFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(truthFile, document(rows), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// everyday returns how many releases of a situation are played.
func everyday(s situation) int {
	if *truthN > 0 {
		return *truthN
	}
	n := 48
	if raced || testing.Short() {
		n = 12
	}
	return max(4, n/max(1, s.dear))
}

// A row is one line of the table.
type row struct {
	situation
	n        int
	outcomes []outcome
	broken   []must
}

func (m must) bound() string {
	switch {
	case m.max <= 0:
		return "never"
	case m.max < 1:
		return fmt.Sprintf("at most %g %%", round(100*m.max))
	default:
		return fmt.Sprintf("at least %g %%", round(100*m.min))
	}
}

func round(x float64) float64 { return math.Round(x*1000) / 1000 }

// summary is what a row says, for the log.
func (r row) summary() string {
	return fmt.Sprintf("n %d: warned %s %%, rolled back %s %%, verdicts at the end: promote %s, unknown %s, hold %s, rollback %s, escalate %s",
		r.n, r.percent(warned), r.percent(rolledBack), r.percent(ends("promote")), r.percent(ends("unknown")),
		r.percent(ends("hold")), r.percent(ends("rollback")), r.percent(ends("escalate")))
}

func (r row) percent(of func(outcome) bool) string {
	share, _ := rate(r.outcomes, of)
	return fmt.Sprintf("%.1f", 100*share)
}

// musts says each bound with what was measured.
func (r row) musts() string {
	var parts []string
	for _, m := range r.must {
		text := m.what
		if m.max > 0 {
			text += " " + strings.NewReplacer("at most", "≤", "at least", "≥").Replace(m.bound())
		}
		parts = append(parts, text+": "+r.percent(m.of)+" %")
	}
	return strings.Join(parts, "; ")
}

// document writes docs/method/truth.md.
func document(rows []row) []byte {
	var b bytes.Buffer
	b.WriteString(preamble)
	group := ""
	for _, r := range rows {
		if r.group != group {
			group = r.group
			fmt.Fprintf(&b, "\n## %s\n\n| situation | n | warned %% | rolled back %% | promoted %% | unknown %% | held %% | must: measured | ok |\n|---|---|---|---|---|---|---|---|---|\n", group)
		}
		ok := "yes"
		if len(r.broken) > 0 {
			ok = "**no**"
		}
		if len(r.must) == 0 {
			ok = "–"
		}
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s | %s | %s | %s |\n", r.name, r.n, r.percent(warned), r.percent(rolledBack),
			r.percent(ends("promote")), r.percent(ends("unknown")), r.percent(ends("hold")), r.musts(), ok)
	}
	b.WriteString("\n## Musts that are not kept\n\n")
	for _, r := range rows {
		for _, m := range r.broken {
			fmt.Fprintf(&b, "- %s, %s: %s %s %%, want %s. %s\n", r.group, r.name, m.what, r.percent(m.of), m.bound(), m.open)
		}
	}
	return b.Bytes()
}

// TestMustBroken holds the rule of the test against exact binomial tails (R:
// pbinom(k, n, p)).
func TestMustBroken(t *testing.T) {
	tests := []struct {
		m     must
		k, n  int
		want  bool
		about string
	}{
		{atMost(0.01, "", nil), 4, 60, false, "1 − pbinom(3, 60, 0.01) = 0.0031"},
		{atMost(0.01, "", nil), 5, 60, true, "1 − pbinom(4, 60, 0.01) = 0.0003"},
		{atLeast(0.95, "", nil), 50, 60, true, "pbinom(50, 60, 0.95) = 0.0007"},
		{atLeast(0.95, "", nil), 51, 60, false, "pbinom(51, 60, 0.95) = 0.0028"},
		{never("", nil), 0, 60, false, ""},
		{never("", nil), 1, 60, true, ""},
	}
	for _, tt := range tests {
		if got := tt.m.broken(tt.k, tt.n, 0.0013); got != tt.want {
			t.Errorf("%d of %d under %s is broken: %v, want %v (%s)", tt.k, tt.n, tt.m.bound(), got, tt.want, tt.about)
		}
	}
}

// TestTruthRepeats holds that the order in which processors take releases
// does not matter.
func TestTruthRepeats(t *testing.T) {
	s := situations()[0]
	if a, b := runAll(s, 4), runAll(s, 4); !slices.Equal(a, b) {
		t.Errorf("two runs differ: %+v, %+v", a, b)
	}
}
