package backtest

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/foreshock/foreshock/release"
)

// Golden writes scores as text that a test can keep in a file and compare: a
// few lines a recording, and the totals. It holds what was decided and how
// much it cost, and no probabilities, which move with every change; numbers
// are rounded so that they say the same on every machine.
func Golden(scores []Score) string {
	var b strings.Builder
	for _, s := range scores {
		fmt.Fprintf(&b, "%s %s", s.Recording, s.Split)
		if s.faulty() {
			fmt.Fprintf(&b, " harms %s", whole(s.Nobody))
		}
		if len(s.Class) > 0 {
			fmt.Fprintf(&b, " cause %s %s", orNone(s.Cause), map[bool]string{true: "right", false: "wrong"}[s.Right])
		}
		b.WriteByte('\n')
		for _, x := range s.Subjects {
			x.golden(&b)
		}
		for _, p := range s.Policies {
			p.golden(&b)
		}
	}
	t := Sum(scores)
	fmt.Fprintf(&b, "total: warned %d/%d contained %d/%d, healthy warned %d/%d rolled back %d in time %d/%d, first %d/%d, cause %d/%d\n",
		t.BadWarned, t.Bad, t.Contained, t.BadReleases, t.HealthyWarned, t.Healthy, t.HealthyBack, t.HealthyInTime, t.HealthyReleases,
		t.First, t.Ranked, t.CauseRight, t.CauseOf)
	if h := Compare(scores); h != nil {
		h.All.golden(&b, "all")
		h.Tune.golden(&b, Tune)
		h.Test.golden(&b, Test)
	}
	return b.String()
}

func (x Subject) golden(b *strings.Builder) {
	fmt.Fprintf(b, "  %s %s", x.ID, map[bool]string{true: "bad", false: "healthy"}[x.Bad])
	if x.Warned {
		fmt.Fprintf(b, " warned %s%%", whole(x.Exposure))
		if !isNaN(x.Delay) {
			fmt.Fprintf(b, " after %s", time.Duration(math.Round(float64(x.Delay)))*time.Second)
		}
	}
	if x.InTime {
		b.WriteString(" promoted")
	}
	fmt.Fprintf(b, " ends %s\n", x.Verdict)
}

func (p Played) golden(b *strings.Builder) {
	fmt.Fprintf(b, "  %s", p.Policy)
	if !isNaN(p.Harmed) {
		fmt.Fprintf(b, " harms %s", whole(p.Harmed))
	}
	for _, a := range p.Releases {
		fmt.Fprintf(b, " %s:", a.ID)
		switch {
		case a.BlockedStep > 0:
			fmt.Fprintf(b, "blocked-%d", a.BlockedStep)
		case a.StoppedAt != nil:
			fmt.Fprintf(b, "stopped-%s%%", whole(a.StoppedWeight))
		case a.Blind:
			b.WriteString("blind")
		default:
			b.WriteString("on")
		}
	}
	b.WriteByte('\n')
}

func (s Standing) golden(b *strings.Builder, name string) {
	fmt.Fprintf(b, "%s: %d recordings, nobody %s\n", name, s.Recordings, whole(s.Nobody))
	for _, p := range s.Policies {
		fmt.Fprintf(b, "  %s harms %s median %s, averted %d/%d at once %d/%d, healthy stopped %d kept %d held %d unknown %d of %d\n",
			p.Policy, whole(p.Harmed), whole(p.Median), p.Averted, s.Later, p.InFirst, s.AtOnce, p.Stopped, p.Held, p.Waiting-p.Unknown, p.Unknown, s.Healthy)
	}
}

// whole writes a number without its fraction, "-" when there is none.
func whole(n release.Number) string {
	if isNaN(n) {
		return "-"
	}
	return fmt.Sprintf("%.0f", float64(n))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
