package prometheus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/engine"
)

// TestSent holds what a server gets: parameters, credentials, headers.
func TestSent(t *testing.T) {
	var got *http.Request
	var form map[string][]string
	handle := func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		got, form = r, r.Form
		io.WriteString(w, nothing)
	}
	c := serve(t, Options{LookBack: 30 * time.Second, Timeout: 7 * time.Second, Headers: map[string]string{"X-Scope-OrgID": "team-a"}, BearerToken: "t0ken"}, handle)
	if _, err := c.Range(t.Context(), "up", now, now.Add(time.Minute), 1500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if want := "map[end:[1772445660.000] lookback_delta:[30] max_lookback:[30] nocache:[1] query:[up] start:[1772445600.000] step:[1.5] timeout:[7]]"; fmt.Sprint(form) != want {
		t.Errorf("the form is %v\nwant %s", form, want)
	}
	if got.URL.Path != "/api/v1/query_range" || got.Method != http.MethodPost {
		t.Errorf("%s %s", got.Method, got.URL.Path)
	}
	for name, want := range map[string]string{"X-Scope-Orgid": "team-a", "Authorization": "Bearer t0ken", "User-Agent": "foreshock"} {
		if got.Header.Get(name) != want {
			t.Errorf("header %s is %q; want %q", name, got.Header.Get(name), want)
		}
	}
	// one instant
	if _, err := c.Range(t.Context(), "up", now.Add(250*time.Millisecond), now.Add(250*time.Millisecond), time.Second); err != nil {
		t.Fatal(err)
	}
	if got.URL.Path != "/api/v1/query" || form["time"][0] != "1772445600.250" || form["start"] != nil {
		t.Errorf("one instant asks %s with %v", got.URL.Path, form)
	}
}

// TestCredentials holds that secrets in files are read again.
func TestCredentials(t *testing.T) {
	var auth string
	handle := func(w http.ResponseWriter, r *http.Request) {
		auth = r.Header.Get("Authorization")
		io.WriteString(w, nothing)
	}
	file := filepath.Join(t.TempDir(), "secret")
	ask := func(c *Client) {
		t.Helper()
		if _, err := range1(t, c, "up"); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(file, []byte("one\n"), 0o600)
	c := serve(t, Options{BearerTokenFile: file}, handle)
	for _, token := range []string{"one", "two"} {
		os.WriteFile(file, []byte(token+"\n"), 0o600)
		if ask(c); auth != "Bearer "+token {
			t.Errorf("the server got %q; want the token %q", auth, token)
		}
	}
	if ask(serve(t, Options{User: "u", PasswordFile: file}, handle)); auth != "Basic dTp0d28=" { // base64 of u:two
		t.Errorf("the server got %q; want u:two", auth)
	}
	os.Remove(file)
	_, err := range1(t, c, "up")
	wantError(t, "a token that is gone", err, "secret", "")
}

const recorded = `{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[
 {"metric":{"__name__":"b","pod":"2"},"values":[[1772445600,"0.5"],[1772445615.5,"NaN"],[1772445630,"+Inf"],[1772445645,"1e400"]]},
 {"metric":{"__name__":"b"},"values":[[1772445600,"1"]],"histograms":[[1772445615,{"count":"4","sum":"7","buckets":[[0,"0.5","1","1"],[0,"1","2","2"],[0,"2","4","1"]]}]]},
 {"metric":{"__name__":"a","pod":"1"},"values":[]}
 ],"stats":{"x":[1,2,{}]}},"warnings":["results truncated due to limit"],"infos":["PromQL info: x","PromQL info: x"]}`

// TestDecode reads an answer with all that may stand in one.
func TestDecode(t *testing.T) {
	c := serve(t, Options{}, answer(200, "application/json", recorded))
	series, err := range1(t, c, "b")
	if err != nil || len(series) != 3 {
		t.Fatalf("%v, %v; want 3 series", series, err)
	}
	if series[0].Labels["__name__"] != "a" || len(series[0].Samples) != 0 || len(series[1].Labels) != 1 {
		t.Errorf("the series are %v; want them in the order of their labels", series)
	}
	h := series[1].Samples[1].Histogram
	if h == nil || h.Count != 4 || h.Sum != 7 || fmt.Sprint(h.Upper, h.Counts) != "[1 2 4] [1 3 4]" || !math.IsNaN(series[1].Samples[1].Value) {
		t.Errorf("the histogram is %+v; want 1, 3 and 4 up to 1, 2 and 4", h)
	}
	v := series[2].Samples
	if len(v) != 4 || v[0].Value != 0.5 || !math.IsNaN(v[1].Value) || !math.IsInf(v[2].Value, 1) || !math.IsInf(v[3].Value, 1) || !v[1].At.Equal(now.Add(15500*time.Millisecond)) {
		t.Errorf("the values are %v", v)
	}
	var codes []string
	for _, w := range c.Warnings() {
		codes = append(codes, w.Code+": "+w.Text)
	}
	want := "prometheus-warning: Prometheus warns: results truncated due to limit|prometheus-info: Prometheus remarks: PromQL info: x|prometheus-partial: an answer is not whole: a part of the storage behind " + c.URL() + " did not answer"
	if strings.Join(codes, "|") != want {
		t.Errorf("the warnings are %q\nwant %q", codes, want)
	}
}

func TestScalar(t *testing.T) {
	c := serve(t, Options{}, answer(200, "application/json", `{"status":"success","data":{"resultType":"scalar","result":[1772445600,"42"]}}`))
	series, err := c.Range(t.Context(), "42", now, now, time.Second)
	if err != nil || len(series) != 1 || len(series[0].Labels) != 0 || series[0].Samples[0] != (engine.Sample{At: now, Value: 42}) {
		t.Errorf("42 is %v, %v", series, err)
	}
}

// TestVanish asks twice; the second time a series has gone, and stays away.
func TestVanish(t *testing.T) {
	one := `{"metric":{"pod":"%d"},"value":[1772445600,"1"]}`
	c, _ := faked(t, Options{}, func(n int, _ *http.Request) (*http.Response, error) {
		body := fmt.Sprintf(one, 1)
		if n == 0 {
			body = fmt.Sprintf(one, 2) + "," + body
		}
		return respond(200, `{"status":"success","data":{"resultType":"vector","result":[`+body+`]}}`), nil
	})
	for n, want := range []string{"1 2", "1"} {
		series, err := c.Range(t.Context(), "up", now, now, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var pods []string
		for _, s := range series {
			pods = append(pods, s.Labels["pod"])
		}
		if strings.Join(pods, " ") != want {
			t.Errorf("answer %d has pods %v; want %s", n, pods, want)
		}
	}
}

// TestLongRange holds that a range beyond the server's limit of points is
// asked in parts, and comes back as one.
func TestLongRange(t *testing.T) {
	var asked []string
	c, _ := faked(t, Options{}, func(n int, r *http.Request) (*http.Response, error) {
		r.ParseForm()
		asked = append(asked, r.PostForm.Get("start")+" to "+r.PostForm.Get("end"))
		return respond(200, fmt.Sprintf(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"%d"},"values":[[%d,"1"]]},{"metric":{"a":"b"},"values":[[%d,"%d"]]}]}}`, 9-n, n, n, n)), nil
	})
	series, err := c.Range(t.Context(), "up", time.Unix(0, 0), time.Unix(20_000, 0), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(asked, ", "); got != "0.000 to 9999.000, 10000.000 to 19999.000, 20000.000 to 20000.000" {
		t.Errorf("asked %s", got)
	}
	if len(series) != 4 || series[0].Labels["a"] != "7" || len(series[3].Samples) != 3 || series[3].Samples[2].Value != 2 {
		t.Errorf("series %v; want a=7, 8 and 9 with one sample, and b with 3", series)
	}
}

// TestClock holds that a clock which is an hour off is a clear warning, once,
// and one that is seconds off none.
func TestClock(t *testing.T) {
	tests := []struct {
		skew time.Duration
		want string
	}{
		{time.Hour, "is 1h0m0s ahead of this machine's"}, {-time.Hour, "is 1h0m0s behind this machine's"}, {20 * time.Second, ""},
	}
	for _, tt := range tests {
		c := serve(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(tt.skew).UTC().Format(http.TimeFormat))
			io.WriteString(w, nothing)
		})
		for range 3 {
			range1(t, c, "up")
		}
		w := c.Warnings()
		switch {
		case tt.want == "" && len(w) > 0:
			t.Errorf("%s off: warnings %v; want none", tt.skew, w)
		case tt.want != "" && (len(w) != 1 || w[0].Code != "clock-skew" || !strings.Contains(strings.ReplaceAll(w[0].Text, "1h0m1s", "1h0m0s"), tt.want)):
			t.Errorf("%s off: warnings %v; want one that says %q", tt.skew, w, tt.want)
		}
		if skew, ok := c.Skew(); !ok || (skew-tt.skew).Abs() > 2*time.Second {
			t.Errorf("Skew() = %s, %v; want %s", skew, ok, tt.skew)
		}
	}
}

// TestSlowClock holds that an answer that was long on its way is no evidence of
// a clock that is wrong, unless the clock is off by more than that.
func TestSlowClock(t *testing.T) {
	date := func(at time.Time) string { return at.UTC().Format(http.TimeFormat) }
	for _, tt := range []struct {
		name         string
		server, took time.Duration // of the server's date after sending, and of the answer
		before, want time.Duration // skew
	}{
		{"hung, then answered", 90 * time.Second, 90 * time.Second, 0, 0},
		{"answered, then held by a proxy", 0, 90 * time.Second, 0, 0},
		{"slow, but an hour off", time.Hour, 10 * time.Second, 0, time.Hour - 5*time.Second},
		{"slow after a quick one", 15 * time.Second, 15 * time.Second, 40 * time.Second, 40 * time.Second},
		{"quick, and set right", 0, time.Millisecond, time.Hour, 0},
	} {
		c := client(t, "http://127.0.0.1:1", Options{})
		c.skew, c.clocked = tt.before, tt.before != 0
		c.clock(date(now.Add(tt.server)), now, now.Add(tt.took))
		if skew, ok := c.Skew(); !ok || (skew-tt.want).Abs() > time.Second {
			t.Errorf("%s: Skew() = %s, %v; want %s", tt.name, skew, ok, tt.want)
		}
		if w := c.Warnings(); (len(w) > 0) != (tt.want > maxSkew && tt.before == 0) {
			t.Errorf("%s: warnings %v", tt.name, w)
		}
	}
}

// TestMetadata reads what is said of metrics, and labels that explode.
func TestMetadata(t *testing.T) {
	c := serve(t, Options{}, answer(200, "application/json", `{"status":"success","data":{"a_total":[{"type":"counter","help":"A.","unit":""},{"type":"gauge"}],"b":[]}}`))
	got, err := c.Metadata(t.Context())
	if err != nil || len(got) != 1 || got["a_total"] != (Metadata{Type: "counter", Help: "A."}) {
		t.Errorf("Metadata() = %v, %v", got, err)
	}
	c = serve(t, Options{MaxSeries: 10}, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"status":"success","data":[`+strings.Repeat(`{"a":"b"},`, 50)+`{}]}`)
	})
	_, err = c.Series(t.Context(), "up", now, now)
	wantError(t, "Series() of too many", err, "more than 10 series", "label has too many values")
}

// FuzzDecode holds that no answer makes the decoder panic, that what is read
// has its samples in the order of time and its histograms ascending, and
// that limits hold.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(recorded))
	f.Add([]byte(`{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`))
	f.Add([]byte(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.5,"2"]},{"metric":{},"histogram":[1,{"count":"1","sum":"1","buckets":[[3,"0","1","1"]]}]}]}}`))
	f.Add([]byte(`{"status":"error","errorType":"bad_data","error":"no","data":null}`))
	f.Add([]byte(`{"data":{"result":null}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		const most = 3
		var series []engine.Series
		_, err := decode(json.NewDecoder(bytes.NewReader(text)), func(d *json.Decoder) error { return readSeries(d, most, &series) })
		if len(series) > most {
			t.Fatalf("%d series; want at most %d", len(series), most)
		}
		if err != nil {
			return
		}
		inOrder(series)
		for _, s := range series {
			if s.Labels == nil || !slices.IsSortedFunc(s.Samples, func(a, b engine.Sample) int { return a.At.Compare(b.At) }) {
				t.Fatalf("series %v", s)
			}
			for _, v := range s.Samples {
				if h := v.Histogram; h != nil && (len(h.Upper) != len(h.Counts) || !slices.IsSorted(h.Upper) || !slices.IsSorted(h.Counts)) {
					t.Fatalf("histogram %+v", h)
				}
			}
		}
	})
}
