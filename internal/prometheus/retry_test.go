package prometheus

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// tripper answers requests in the place of a connection.
type tripper func(n int, r *http.Request) (*http.Response, error)

// faked returns a client whose n-th request (0, 1, …) is answered by a
// function, and a count of them.
func faked(t *testing.T, o Options, f tripper) (c *Client, requests *int) {
	t.Helper()
	c, requests = client(t, "http://127.0.0.1:9090", o), new(int)
	var mu sync.Mutex
	c.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		n := *requests
		*requests++
		mu.Unlock()
		return f(n, r)
	})
	return c, requests
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(status int, body string, headers ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i+1 < len(headers); i += 2 {
		resp.Header.Set(headers[i], headers[i+1])
	}
	return resp
}

const nothing = `{"status":"success","data":{"resultType":"matrix","result":[]}}`

// TestRetries holds which failures are tried again, and how often.
func TestRetries(t *testing.T) {
	tests := []struct {
		name   string
		o      Options
		answer func(n int) (*http.Response, error)
		want   int // requests
		ok     bool
	}{
		{"good", Options{}, func(int) (*http.Response, error) { return respond(200, nothing), nil }, 1, true},
		{"500 twice", Options{}, func(n int) (*http.Response, error) {
			if n < 2 {
				return respond(500, "oops"), nil
			}
			return respond(200, nothing), nil
		}, 3, true},
		{"refused twice", Options{}, func(n int) (*http.Response, error) {
			if n < 2 {
				return nil, syscall.ECONNREFUSED
			}
			return respond(200, nothing), nil
		}, 3, true},
		{"starting", Options{}, func(n int) (*http.Response, error) {
			if n < 3 {
				return respond(503, "Service Unavailable"), nil
			}
			return respond(200, nothing), nil
		}, 4, true},
		{"500 for ever", Options{}, func(int) (*http.Response, error) { return respond(500, "oops"), nil }, 4, false},
		{"500, one more try", Options{Retries: 1}, func(int) (*http.Response, error) { return respond(500, "oops"), nil }, 2, false},
		{"500, no more tries", Options{Retries: -1}, func(int) (*http.Response, error) { return respond(500, "oops"), nil }, 1, false},
		{"401", Options{}, func(int) (*http.Response, error) { return respond(401, "no"), nil }, 1, false},
		{"404", Options{}, func(int) (*http.Response, error) { return respond(404, "no"), nil }, 1, false},
		{"the query is too slow", Options{}, func(int) (*http.Response, error) {
			return respond(503, `{"status":"error","errorType":"timeout","error":"query timed out"}`), nil
		}, 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, requests := faked(t, tt.o, func(n int, _ *http.Request) (*http.Response, error) { return tt.answer(n) })
				_, err := range1(t, c, "up")
				if *requests != tt.want || (err == nil) != tt.ok {
					t.Errorf("%d requests and %v; want %d, and an answer: %v", *requests, err, tt.want, tt.ok)
				}
			})
		})
	}
}

// TestPauses holds that pauses double, are not all the same, and keep to what
// the server asks for; and that all tries together keep the deadline.
func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		c, _ := faked(t, Options{Retries: 9, Timeout: 9 * time.Second}, func(int, *http.Request) (*http.Response, error) {
			at = append(at, time.Since(start))
			return nil, errors.New("broken")
		})
		_, err := range1(t, c, "up")
		wantError(t, "a broken connection", err, "no answer", "")
		if took := time.Since(start); took > 9*time.Second || len(at) < 5 || len(at) > 8 {
			t.Errorf("%d tries in %s; want 5 to 8 within 9 s", len(at), took)
		}
		for n := 1; n < len(at); n++ {
			whole := min(longestPause, firstPause<<(n-1))
			if gap := at[n] - at[n-1]; gap < whole/2 || gap > whole {
				t.Errorf("pause %d is %s; want between %s and %s", n, gap, whole/2, whole)
			}
		}
	})
	if a, b := pause(3), pause(3); a == b && b == pause(3) {
		t.Errorf("three pauses of %s; want them to differ", a)
	}
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c, requests := faked(t, Options{}, func(n int, _ *http.Request) (*http.Response, error) {
			if n == 0 {
				return respond(429, "slow down", "Retry-After", "7"), nil
			}
			return respond(200, nothing), nil
		})
		if _, err := range1(t, c, "up"); err != nil || time.Since(start) != 7*time.Second || *requests != 2 {
			t.Errorf("%d requests in %s, %v; want 2 in 7 s", *requests, time.Since(start), err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // longer than there is time: no use to wait
		start := time.Now()
		c, requests := faked(t, Options{}, func(int, *http.Request) (*http.Response, error) {
			return respond(429, "slow down", "Retry-After", time.Now().UTC().Add(time.Minute).Format(http.TimeFormat)), nil
		})
		_, err := range1(t, c, "up")
		wantError(t, "too long a pause", err, "asks for a pause of 1m0s", "ask fewer queries")
		if *requests != 1 || time.Since(start) != 0 {
			t.Errorf("%d requests in %s; want 1 at once", *requests, time.Since(start))
		}
	})
}

// TestParallel holds that no more requests are under way than allowed, and
// that one which never gets its turn says so.
func TestParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var under, most atomic.Int32
		c, _ := faked(t, Options{Parallel: 2, Timeout: 3500 * time.Millisecond, Retries: -1}, func(int, *http.Request) (*http.Response, error) {
			if n := under.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second)
			under.Add(-1)
			return respond(200, nothing), nil
		})
		failed := make(chan error)
		for range 10 {
			go func() {
				_, err := range1(t, c, "up")
				failed <- err
			}()
		}
		n := 0
		for range 10 {
			if err := <-failed; err != nil {
				wantError(t, "the last in the queue", err, "", "")
				n++
			}
		}
		if most.Load() != 2 || n < 2 || n > 4 {
			t.Errorf("%d at once, and %d of 10 in vain; want 2, and 2 to 4", most.Load(), n)
		}
	})
}

// TestPost holds that queries go by POST, and by GET where that is refused.
func TestPost(t *testing.T) {
	var seen []string
	c, _ := faked(t, Options{}, func(_ int, r *http.Request) (*http.Response, error) {
		seen = append(seen, r.Method)
		if r.Method == http.MethodPost {
			return respond(405, "no"), nil
		}
		if r.URL.Query().Get("query") != `up{a="b c"}` {
			t.Errorf("GET %s", r.URL)
		}
		return respond(200, nothing), nil
	})
	for range 2 {
		if _, err := range1(t, c, `up{a="b c"}`); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(seen, " "); got != "POST GET GET" {
		t.Errorf("methods %s; want POST GET GET", got)
	}
}
