package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/cli/demo"
	"github.com/foreshock/foreshock/internal/cli/watch"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/release"
)

// TestTrackRecordDemo: a demo says how right such predictions were, on the
// screen and at its end.
func TestTrackRecordDemo(t *testing.T) {
	o, u := anUpdate(t)
	q := &u.Assessment.Predictions[0]
	q.Record = &release.Past{Right: 17, Of: 20, Factor: 2}
	drawn := drawDemo(screen{width: 100}, o, u).fit(0)
	var out bytes.Buffer
	(&teller{app: &app{stdout: &out}, o: o}).end(&demo.Result{Frames: 1, Foretold: q, Steps: []float64{1}})
	for where, text := range map[string]string{"screen": drawn, "end": out.String()} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), "; right 17 of 20 times so far") {
			t.Errorf("the %s does not say how often it was right:\n%s", where, text)
		}
	}
}

// TestTrackRecordWatch holds that a watch widens what it prints as a replay
// does, as text and as data.
func TestTrackRecordWatch(t *testing.T) {
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	as := release.Assessment{
		ID: "cart", Service: "cart", At: at, Weight: 25, Verdict: "rollback", Reason: "suspect", Blames: true, Sentence: "Roll cart back.",
		Predictions: []release.Prediction{{Kind: "fails-at", Signal: "db pool", Probability: 0.9, Weight: &release.Quantiles{P10: 50, P50: 60, P90: 75}}},
	}
	record := &prediction.Conformal{FailsAt: prediction.Width{N: 20, Right: 17, Came: 18, Log: 0.6931471805599453}}
	for output, want := range map[string][]string{
		"text":  {"at 60 % of traffic (40 to 90)", "right 17 of 20 times so far"},
		"jsonl": {`"p10":40,"p50":60,"p90":90`, `"record":{"right":17,"of":20,"factor":2}`},
	} {
		var out bytes.Buffer
		v := &viewer{
			app: &app{stdout: &out, stderr: io.Discard}, o: watched{output: output, tracked: tracked{record: record}}, moments: map[string]*moments{},
			prog: newProgress(io.Discard, 1), page: page{screen: screen{width: plainWidth}},
			rec: &recording.Recording{Name: "cart", Start: at, Interval: time.Second, System: release.System{Releases: []release.Release{{ID: "cart"}}}},
		}
		u := watch.Update{At: at, System: &v.rec.System, Assessments: []release.Assessment{as}}
		if err := v.hear(u); err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if text := strings.Join(strings.Fields(out.String()), " "); !strings.Contains(text, w) {
				t.Errorf("watch -o %s does not say %q:\n%s", output, w, out.String())
			}
		}
		if u.Assessments[0].Predictions[0].Weight.P10 != 50 {
			t.Error("the assessment itself was changed")
		}
	}
}
