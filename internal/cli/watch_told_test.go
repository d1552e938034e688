package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/internal/cli/watch"
	"github.com/foreshock/foreshock/internal/recording"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// TestWatchTells holds what the text of a watch tells frame by frame: what is
// new, once; why it is an unknown, when that has changed for good; and that it
// lives, each minute.
func TestWatchTells(t *testing.T) {
	const silence, chance = "Cannot tell yet about cart: neither version reports; it takes data.", "Cannot tell yet about cart: errors is %d %% against 0 %%, which may be chance; it takes more."
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	v := &viewer{app: &app{stdout: &out, stderr: &out}, o: watched{output: "text"}, moments: map[string]*moments{}, told: told{rungs: map[string]bool{}}, page: page{screen: screen{width: 80}}}
	v.rec = &recording.Recording{Start: start, Interval: 10 * time.Second}
	sys := &release.System{}
	at := start
	hear := func(verdict, phase, sentence string, change func(u *watch.Update, as *release.Assessment)) string {
		u := watch.Update{At: at, System: sys, Exposure: signal.Exposure{Weight: 0.25, Step: 1}, Asked: 9, Answered: 8}
		as := release.Assessment{ID: "cart", At: at, Verdict: verdict, Phase: phase, PhaseEnds: "its end", Sentence: sentence, Unknown: &release.Unknowing{Needs: "12 more requests"}}
		if change != nil {
			change(&u, &as)
		}
		u.Assessments = []release.Assessment{as}
		out.Reset()
		if err := v.hear(u); err != nil {
			t.Fatal(err)
		}
		at = at.Add(10 * time.Second)
		return strings.TrimSpace(out.String())
	}
	is := func(what, got string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: it tells\n%s\nwant %q", what, got, w)
			}
		}
		if len(want) == 0 && got != "" {
			t.Errorf("%s: it tells\n%s\nwant nothing", what, got)
		}
	}
	is("the first frame", hear("unknown", "warmup", silence, nil), "12:00:00    25 %  step 1 begins", "12:00:00    25 %  phase warmup, until its end", "◌ UNKNOWN\n  Cannot tell yet about cart: neither version reports")
	is("the same", hear("unknown", "warmup", silence, nil))
	is("another reason", hear("unknown", "warmup", fmt.Sprintf(chance, 1), nil))
	is("it passes", hear("unknown", "warmup", silence, nil))
	for k := range 2 {
		is("another reason again", hear("unknown", "warmup", fmt.Sprintf(chance, 10+k), nil))
	}
	is("it stays", hear("unknown", "warmup", fmt.Sprintf(chance, 3), nil), "12:01:00    25 %  ◌ UNKNOWN\n  Cannot tell yet about cart: errors is 3 %")
	is("another number", hear("unknown", "warmup", fmt.Sprintf(chance, 4), nil))
	is("a step, a phase and a rung", hear("unknown", "scale", fmt.Sprintf(chance, 4), func(u *watch.Update, as *release.Assessment) {
		u.Exposure.Step = 2
		as.Ladder = []release.Climbed{{Rung: "errors", Signal: "http/errors"}}
	}), "step 2 begins", "phase scale, until its end", "rung errors of the ladder, since about 00:00:00: http/errors")
	same := func(u *watch.Update, as *release.Assessment) {
		u.Exposure.Step = 2
		as.Ladder = []release.Climbed{{Rung: "errors", Signal: "http/errors"}}
	}
	for range 5 {
		is("nothing new", hear("unknown", "scale", fmt.Sprintf(chance, 4), same))
	}
	is("a minute later", hear("unknown", "scale", fmt.Sprintf(chance, 4), same), "12:02:20    25 %  ◌ UNKNOWN still, since 12:00:00\n  8 of 9 signals have a value; it takes 12 more requests")
	is("no answer", hear("unknown", "scale", fmt.Sprintf(chance, 4), func(u *watch.Update, as *release.Assessment) {
		same(u, as)
		u.Trouble = &watch.Trouble{Code: "source-unreachable", Text: "the metrics source has not answered: connection refused", Since: u.At}
	}), "12:02:30    25 %  ! NO ANSWER", "connection refused", "it is never promote")
	is("and back", hear("unknown", "scale", fmt.Sprintf(chance, 4), func(u *watch.Update, as *release.Assessment) {
		same(u, as)
		u.Trouble = &watch.Trouble{Text: "as before", Since: u.At.Add(-10 * time.Second)}
	}), "all is answered again, after 10s; 8 of 9 signals have a value")
}

// TestNoSamplesYet holds what init, watch and record say of a server that has
// just started: that it answers, and has nothing; and that init writes no file.
func TestNoSamplesYet(t *testing.T) {
	for _, tt := range []struct{ name, names, want string }{
		{"just started", `[]`, "answers, but has no samples yet"},
		{"targets are down", `["scrape_duration_seconds","up"]`, "has nothing of its targets yet but whether they are up"},
		{"something else", `["up","x"]`, ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			data := `{"resultType":"vector","result":[]}`
			switch r.URL.Path {
			case "/api/v1/label/__name__/values":
				data = tt.names
			case "/api/v1/metadata", "/api/v1/status/buildinfo":
				data = `{}`
			}
			fmt.Fprintf(w, `{"status":"success","data":%s}`, data)
		}))
		defer server.Close()
		dir := t.TempDir()
		release := []string{"--prometheus", server.URL, "--service", "cart", "--canary", `v="2"`}
		for _, args := range [][]string{
			{"init", "--prometheus", server.URL, "--out", filepath.Join(dir, "foreshock.yaml")},
			append([]string{"watch"}, release...),
			append([]string{"watch", "--interval", "1s"}, release...),
			append([]string{"record", "--from", "now-1m", "--step", "12:00=10", "--out", filepath.Join(dir, "rec")}, release...),
		} {
			code, stdout, stderr := run(t, args...)
			if said := tt.want != "" && strings.Contains(stderr, tt.want); said != (tt.want != "") || said && (code != exitError || stdout != "") {
				t.Errorf("%s: %s exits %d: %s%s\nwant %q", tt.name, args[0], code, stdout, stderr, tt.want)
			}
		}
		if left, _ := os.ReadDir(dir); tt.want != "" && len(left) > 0 {
			t.Errorf("%s: %v is left", tt.name, left)
		}
	}
}
