package release

import (
	"strings"
	"testing"
)

// TestNotRuledOut: a class of cause that is more than half as likely as the first is told
// beside it, with what speaks for it, and is not among those that are ruled out.
func TestNotRuledOut(t *testing.T) {
	const sign = "something is busy"
	for _, tt := range []struct {
		name         string
		code, infra  Number
		signs        []string
		text, banned string
		out          int // classes that are ruled out, of two others
	}{
		{"as likely, for a sign", 0.4, 0.4, []string{sign}, "do not tell two causes apart: a fault in the code (40 %), or a fault of the infrastructure (40 %; for it: something is busy).", "No sign", 1},
		{"as likely, for nothing", 0.4, 0.3, nil, "a fault in the code (40 %), or a fault of the infrastructure (30 %). No sign tells the class", "apart", 1},
		{"half as likely", 0.6, 0.3, []string{sign}, "It may be a fault in the code (60 %). No sign", "infra", 2},
	} {
		x := &explaining{outcome: OutcomeStopped, a: &Assessment{Cause: []CauseClass{
			{Class: "code", Probability: tt.code}, {Class: "infra", Probability: tt.infra, For: tt.signs}, {Class: "db", Probability: 0.1},
		}}}
		got := x.cause().Text
		if !strings.Contains(got, tt.text) || strings.Contains(got, tt.banned) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.text)
		}
		if out := x.otherCauses(); len(out) != tt.out {
			t.Errorf("%s: ruled out %+v, want %d", tt.name, out, tt.out)
		}
	}
}
