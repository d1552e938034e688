package release

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/signal"
)

// cause says the likeliest class of cause; nil when nobody looked for one.
func (x *explaining) cause() *CauseSaid {
	if len(x.a.Cause) == 0 || x.outcome == OutcomeCleared || x.outcome == OutcomeHealthy || x.outcome == OutcomeElsewhere || x.outcome == OutcomeUnknown {
		return nil
	}
	if x.outcome == OutcomeHeld && !x.worse() && x.a.Reason != prevention.Silent.String() {
		return nil // it does well so far
	}
	c := x.a.Cause[0]
	out := &CauseSaid{Class: c.Class, Probability: c.Probability, For: c.For, Against: c.Against}
	if out.For == nil {
		out.For = []string{}
	}
	if out.Against == nil {
		out.Against = []string{}
	}
	name, open := classText(c.Class), x.open()
	switch {
	case len(open) > 0 && len(c.For) == 0 && !slices.ContainsFunc(open, func(d CauseClass) bool { return len(d.For) > 0 }):
		out.Text = fmt.Sprintf("It may be %s (%s)%s. No sign tells the class: so common is each among changes that go bad.", name, chance(float64(c.Probability)), orText(open))
	case len(open) > 0:
		out.Text = fmt.Sprintf("The signals do not tell %s causes apart: %s (%s)%s.", numeral(1+len(open)), name, chance(float64(c.Probability)), orText(open))
	case len(c.For) == 0:
		out.Text = fmt.Sprintf("It may be %s (%s). No sign tells the class: so common is each among changes that go bad.", name, chance(float64(c.Probability)))
	case c.Probability >= 0.9:
		out.Text = fmt.Sprintf("It is almost certainly %s (%s).", name, chance(float64(c.Probability)))
	case c.Probability >= 0.6:
		out.Text = fmt.Sprintf("It is probably %s (%s).", name, chance(float64(c.Probability)))
	case !tells(x.a.Cause):
		out.Text = fmt.Sprintf("What kind of fault it is does not show: it may be %s (%s), and nothing else is as likely.", name, chance(float64(c.Probability)))
	default:
		out.Text = fmt.Sprintf("It may be %s (%s); nothing else is as likely.", name, chance(float64(c.Probability)))
	}
	return out
}

// open are the classes of cause that are more than half as likely as the first: they
// are not ruled out.
func (x *explaining) open() []CauseClass {
	n := 1
	for n < len(x.a.Cause) && 2*x.a.Cause[n].Probability > x.a.Cause[0].Probability {
		n++
	}
	return x.a.Cause[min(1, len(x.a.Cause)):min(n, len(x.a.Cause))]
}

// orText names further classes of cause, each with what speaks for it.
func orText(cs []CauseClass) string {
	var text strings.Builder
	for _, c := range cs {
		fmt.Fprintf(&text, ", or %s (%s", classText(c.Class), chance(float64(c.Probability)))
		if len(c.For) > 0 {
			text.WriteString("; for it: " + strings.Join(c.For, ", "))
		}
		text.WriteString(")")
	}
	return text.String()
}

// numeral writes a small number of causes.
func numeral(n int) string {
	return [...]string{2: "two", 3: "three", 4: "four", 5: "five"}[min(n, 5)]
}

// chance writes a probability so that neither 0 nor 100 % is said of what is
// not certain.
func chance(p float64) string {
	switch {
	case math.IsNaN(p):
		return "not known"
	case p < 0.01:
		return "<1 %"
	case p > 0.99:
		return ">99 %"
	default:
		return fmt.Sprintf("%.0f %%", 100*p)
	}
}

// rarely says how rarely evidence as strong as this comes by chance: an
// e-value of E comes up at most once in E times when nothing is wrong.
func rarely(strength float64) string {
	switch {
	case math.IsNaN(strength) || strength < math.Log(20):
		return ""
	case strength >= math.Log(1e6):
		return "by chance less than once in a million"
	default:
		n := math.Exp(strength)
		unit := math.Max(1, math.Pow(10, math.Floor(math.Log10(n))-1))
		return "by chance once in " + signal.Thousands(math.Floor(n/unit)*unit)
	}
}
