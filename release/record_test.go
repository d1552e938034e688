package release

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/foreshock/foreshock/prediction"
)

// foretelling is an assessment with everything that a record touches.
func foretelling() Assessment {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	in := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	return Assessment{
		At: now, Sentence: "Hold cart before 50 %: it does well at 25 %, but fails at about 60 % (50 to 95): db pool full.",
		Predictions: []Prediction{
			{Kind: "exhausts", At: &Times{P10: in(50), P50: in(100), P90: in(400)}},
			{Kind: "fails-at", Weight: &Quantiles{P10: 50, P50: 60, P90: 95}, Text: "db full at about 60 % (50 to 95) of the traffic"},
			{Kind: "fails-at", Reason: "not identifiable yet"},
			{Kind: "other"},
		},
		Next:     &Next{Rung: "errors", In: &Durations{P10: "1m", P50: "2m", P90: "4m"}},
		NextStep: &NextStep{Weight: 50},
		WhatNext: []Happening{
			{Kind: "rung", In: &Durations{P10: "1m", P50: "2m", P90: "4m"}, Watch: "if errors are still at the stable version's level in 4m, this is wrong"},
			{Kind: "exhausted", In: &Durations{P10: "50s", P50: "1m40s", P90: "5d"}, Watch: "if memory is still under 80 MiB in 50s, this is wrong"},
			{Kind: "nothing"},
		},
	}
}

func encoded(t *testing.T, a Assessment) string {
	t.Helper()
	data, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestRecordTracked holds what a record of intervals that were half as wide as
// they should have been does; by hand.
func TestRecordTracked(t *testing.T) {
	a := foretelling()
	was := encoded(t, a)
	twice := prediction.Width{N: 20, Right: 17, Came: 18, Log: math.Log(2)}
	got := a.Tracked(&prediction.Conformal{Inferred: twice, Exhausts: twice, Rung: twice, NextStep: prediction.Width{N: 9, Right: 8}})
	if encoded(t, a) != was {
		t.Errorf("Tracked wrote into its argument:\n%s\nwas\n%s", encoded(t, a), was)
	}
	if w := got.Predictions[1].Weight; math.Abs(float64(w.P10-40)) > 1e-9 || w.P50 != 60 || math.Abs(float64(w.P90-130)) > 1e-9 {
		t.Errorf("the weight is %+v, want 40, 60, 130", *w) // 60 − 2·10, 60 + 2·35
	}
	if w := widenWeight(&prediction.Width{Log: math.Log(8)}, *a.Predictions[1].Weight); w.P10 != 0 {
		t.Errorf("a weight of %v, want none under 0", w.P10)
	}
	if x := got.Predictions[0].At; x.P10.Sub(a.At) != 25*time.Second || x.P90.Sub(a.At) != 1600*time.Second { // 100/2², 100·4²
		t.Errorf("it exhausts in %s to %s, want 25s to 26m40s", x.P10.Sub(a.At), x.P90.Sub(a.At))
	}
	if want := (Durations{P10: "30s", P50: "2m", P90: "8m"}); *got.Next.In != want || *got.WhatNext[0].In != want { // 120/2², 120·2²
		t.Errorf("the next rung comes in %+v and %+v, want %+v", *got.Next.In, *got.WhatNext[0].In, want)
	}
	// 100·(432000/100)² is 59 years; spans end at a hundred.
	if in := got.WhatNext[1].In; in.P90 != "21599d" && in.P90 != "21600d" {
		t.Errorf("it is exhausted by %s, want 21600d", in.P90)
	}
	for text, want := range map[string]string{
		got.Predictions[1].Text:            "db full at about 60 % (40 to over 100) of the traffic",
		got.Sentence:                       "Hold cart before 50 %: it does well at 25 %, but fails at about 60 % (40 to over 100): db pool full.",
		got.WhatNext[0].Watch:              "if errors are still at the stable version's level in 8m, this is wrong",
		got.WhatNext[1].Watch:              a.WhatNext[1].Watch,
		got.Predictions[0].Record.String(): "right 17 of 20 times so far",
		got.NextStep.Record.String():       "right 8 of 9 times so far",
		got.Predictions[2].Record.String(): "",
		(&Past{Right: 0, Of: 0}).String():  "",
	} {
		if text != want {
			t.Errorf("it says %q, want %q", text, want)
		}
	}
}

// TestRecordNone holds that an empty record changes nothing.
func TestRecordNone(t *testing.T) {
	a := foretelling()
	if got := encoded(t, a.Tracked(&prediction.Conformal{})); got != encoded(t, a) {
		t.Errorf("an empty record makes\n%s\nof\n%s", got, encoded(t, a))
	}
}

// TestRecordSeconds holds that spans are read as they are written.
func TestRecordSeconds(t *testing.T) {
	for _, d := range []time.Duration{0, time.Second, 90 * time.Second, 4*time.Minute + 30*time.Second, 7 * time.Minute, time.Hour, 3*time.Hour + 5*time.Minute, 72 * time.Hour} {
		if got := seconds(shortDuration(d)); got != d.Seconds() {
			t.Errorf("seconds(%q) = %v, want %v", shortDuration(d), got, d.Seconds())
		}
	}
	for _, text := range []string{"", "soon", "1.5.d"} {
		if got := seconds(text); !math.IsNaN(got) {
			t.Errorf("seconds(%q) = %v, want NaN", text, got)
		}
	}
}
