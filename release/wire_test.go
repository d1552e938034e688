package release_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prevention"
	"github.com/foreshock/foreshock/release"
)

// TestNumberJSON: six significant digits, and null for what is missing.
func TestNumberJSON(t *testing.T) {
	tests := []struct {
		n    float64
		want string
	}{
		{0, "0"},
		{0.1, "0.1"},
		{-2.5, "-2.5"},
		{1.0 / 3, "0.333333"},
		{1234567, "1.23457e+06"},
		{1e-9, "1e-09"},
		{math.NaN(), "null"},
		{math.Inf(1), "null"},
		{math.Inf(-1), "null"},
	}
	for _, tt := range tests {
		got, err := json.Marshal(release.Number(tt.n))
		if err != nil || string(got) != tt.want {
			t.Errorf("Marshal(Number(%v)) = %s, %v, want %s", tt.n, got, err, tt.want)
		}
		var back release.Number
		if err := json.Unmarshal(got, &back); err != nil {
			t.Errorf("Unmarshal(%s) = %v", got, err)
		}
		if missing := tt.want == "null"; missing != math.IsNaN(float64(back)) || !missing && math.Abs(float64(back)-tt.n) > 1e-5*math.Abs(tt.n) {
			t.Errorf("Unmarshal(%s) = %v, want %v", got, back, tt.n)
		}
	}
	var n release.Number
	for _, bad := range []string{`"a"`, `true`, `{}`} {
		if err := json.Unmarshal([]byte(bad), &n); err == nil {
			t.Errorf("Unmarshal(%s) = %v, want an error", bad, n)
		}
	}
}

// TestWarns is the table of what counts as a warning.
func TestWarns(t *testing.T) {
	tests := []struct {
		verdict, reason string
		blames          bool
		want            bool
	}{
		{"promote", "none", false, false},
		{"unknown", "thin", false, false},
		{"hold", "elsewhere", false, false},
		{"hold", "suspect", true, true},
		{"rollback", "suspect", true, true},
		{"escalate", "unsafe-rollback", true, true},
		{"escalate", "hold-expired", false, false},
	}
	for _, tt := range tests {
		a := release.Assessment{Verdict: tt.verdict, Reason: tt.reason, Blames: tt.blames}
		if got := a.Warns(); got != tt.want {
			t.Errorf("Assessment{%s, %s, blames %v}.Warns() = %v, want %v", tt.verdict, tt.reason, tt.blames, got, tt.want)
		}
	}
}

// TestTally: the first promote, warning and stop keep their time and weight;
// verdict and sentence are the last; the culprit is the worst since the
// warning.
func TestTally(t *testing.T) {
	at := func(k int) time.Time { return foldStart.Add(time.Duration(k) * time.Minute) }
	tally := release.NewTally()
	for k, a := range []release.Assessment{
		{Verdict: "unknown", Reason: "thin", Weight: 5, Culprit: 0.05},
		{Verdict: "promote", Reason: "none", Weight: 10, Culprit: 0.05},
		{Verdict: "promote", Reason: "none", Weight: 10, Culprit: 0.05},
		{Verdict: "hold", Reason: "suspect", Blames: true, Weight: 25, Culprit: 0.6, Cause: []release.CauseClass{{Class: "infra"}, {Class: "code"}}},
		{Verdict: "rollback", Reason: "suspect", Blames: true, Weight: 50, Culprit: 0.9, Cause: []release.CauseClass{{Class: "code"}, {Class: "infra"}}},
		{Verdict: "rollback", Reason: "suspect", Blames: true, Weight: 60, Culprit: 0.3, Cause: []release.CauseClass{{Class: "db"}}, Sentence: "last"},
	} {
		a.ID, a.Service, a.At = "r1", "cart", at(k)
		tally.Add(a)
	}
	s := fresh(release.Safe)
	sum := tally.Summary("story", s, nil)
	if sum.Type != "summary" || sum.Recording != "story" || sum.Warnings == nil || len(sum.Releases) != 1 {
		t.Fatalf("Summary = %+v, want one release and no null", sum)
	}
	r := sum.Releases[0]
	for _, tt := range []struct {
		what string
		got  *time.Time
		want time.Time
	}{{"promote", r.FirstPromoteAt, at(1)}, {"warning", r.FirstWarnAt, at(3)}, {"stop", r.FirstStopAt, at(4)}} {
		if tt.got == nil || !tt.got.Equal(tt.want) {
			t.Errorf("the first %s is at %v, want %v", tt.what, tt.got, tt.want)
		}
	}
	if *r.FirstWarnWeight != 25 || *r.FirstStopWeight != 50 {
		t.Errorf("weights %v and %v, want 25 and 50", *r.FirstWarnWeight, *r.FirstStopWeight)
	}
	if r.Verdict != "rollback" || r.Sentence != "last" || r.Cause != "db" || r.Culprit != 0.9 || r.Service != "cart" {
		t.Errorf("Summary = %+v, want the last verdict, sentence and cause, and the worst culprit 0.9", r)
	}
	if got := release.NewTally().Summary("story", s, nil); len(got.Releases) != 0 || got.Releases == nil {
		t.Errorf("Summary of nothing = %+v, want no release and no null", got)
	}
}

// TestTallyNothing: without a promote or warning there are no first times.
func TestTallyNothing(t *testing.T) {
	tally := release.NewTally()
	tally.Add(release.Assessment{ID: "r1", Verdict: prevention.Hold.String(), Reason: prevention.Elsewhere.String(), Culprit: 0.2})
	r := tally.Summary("story", fresh(release.Safe), nil).Releases[0]
	if r.FirstPromoteAt != nil || r.FirstWarnAt != nil || r.FirstWarnWeight != nil || r.FirstStopAt != nil || r.FirstStopWeight != nil || r.Cause != "" || r.Culprit != 0.2 {
		t.Errorf("Summary = %+v, want no first times, no cause and the culprit 0.2", r)
	}
}
