package prometheus

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/foreshock/foreshock/engine"
)

var now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// serve starts a server for one test, and a client of it that does not try
// again.
func serve(t *testing.T, o Options, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	if o.Retries == 0 {
		o.Retries = -1
	}
	return client(t, s.URL, o)
}

func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// range1 asks one query over a minute.
func range1(t *testing.T, c *Client, query string) ([]engine.Series, error) {
	t.Helper()
	return c.Range(t.Context(), query, now, now.Add(time.Minute), 15*time.Second)
}

// wantError holds that an error says every word of a text, has a hint with
// the given words, and no secret.
func wantError(t *testing.T, call string, err error, says, hint string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%s: %v (%T); want a *Error", call, err, err)
		return
	}
	if !strings.Contains(e.Error(), says) {
		t.Errorf("%s says %q; want %q in it", call, e, says)
	}
	if !strings.Contains(e.Hint(), hint) {
		t.Errorf("%s hints %q; want %q in it", call, e.Hint(), hint)
	}
	if strings.Contains(e.Error(), `Post "`) {
		t.Errorf("%s says the URL twice: %s", call, e)
	}
	if strings.Contains(e.Error()+e.Hint(), "s3cret") {
		t.Errorf("%s tells the secret: %s", call, e)
	}
}

func TestAnswers(t *testing.T) {
	const html = "<!DOCTYPE html>\n<html><head><title>Log in to\n Metrics</title></head></html>"
	tests := []struct {
		name   string
		o      Options
		handle http.HandlerFunc
		says   string
		hint   string
	}{
		{"not found", Options{}, answer(404, "text/plain", "404 page not found"), "HTTP 404 Not Found: 404 page not found", "below another path"},
		{"not allowed", Options{}, answer(401, "text/plain", "no"), "HTTP 401 Unauthorized", "credentials"},
		{"not allowed, in JSON", Options{}, answer(401, "application/json", `{"status":"error","errorType":"unauthorized","error":"no token"}`), "HTTP 401 Unauthorized", "credentials"},
		{"forbidden", Options{}, answer(403, "text/html", html), `HTTP 403 Forbidden: an HTML page "Log in to Metrics"`, "may not query"},
		{"too many requests", Options{}, answer(429, "text/plain", "slow down"), "HTTP 429", "limits how much"},
		{"broken server", Options{}, answer(500, "text/plain", "oops"), "HTTP 500 Internal Server Error: oops", "in trouble"},
		{"proxy without server", Options{}, answer(502, "text/html", html), "HTTP 502 Bad Gateway", "in trouble"},
		{"redirect", Options{}, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://user:s3cret@login.example/start?token=s3cret", http.StatusFound)
		}, "it redirects to https://login.example/start", "login page"},
		{"user interface", Options{}, answer(200, "text/html", html), `an HTML page "Log in to Metrics" and no JSON`, "address of the API"},
		{"other JSON", Options{}, answer(200, "application/json", `{"ok":true}`), "it has no field status", "address of a Prometheus"},
		{"cut short", Options{}, answer(200, "application/json", `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"]]}`), "it is cut short", "proxy"},
		{"empty", Options{}, answer(200, "application/json", ""), "it is cut short", "proxy"},
		{"no numbers", Options{}, answer(200, "application/json", `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,2]]}]}}`), "a value is 2; want a number in quotes", ""},
		{"too long", Options{MaxBytes: 1 << 20}, endless, "the answer is longer than 1 MiB", "aggregate"},
		{"too many series", Options{MaxSeries: 1000}, endless, "the answer has more than 1000 series", "a label has too many values"},
		{"too much work", Options{}, answer(422, "application/json", `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}`), "touches too much", "fewer series"},
		{"takes too long", Options{}, answer(503, "application/json", `{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}`), "gave the query up", "fewer series"},
		{"slow", Options{Timeout: 30 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, "no answer within", "raise the timeout"},
		{"slow in the middle", Options{Timeout: 100 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "no answer within", "raise the timeout"},
		{"hangs up", Options{}, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "no answer", "reachable"},
		{"hangs up in the middle", Options{}, func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[`)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, "no answer: unexpected EOF", "reachable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, tt.o, tt.handle)
			_, err := range1(t, c, `sum(up)`)
			wantError(t, tt.name, err, tt.says, tt.hint)
			var e *Error
			if errors.As(err, &e) && (e.URL != c.URL()+"/api/v1/query_range" || e.Query != "sum(up)") {
				t.Errorf("%s is of %s and query %s", tt.name, e.URL, e.Query)
			}
		})
	}
}

// endless answers ever more series.
func endless(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[`)
	for i := 0; r.Context().Err() == nil; i++ {
		if i > 0 {
			io.WriteString(w, ",")
		}
		if _, err := fmt.Fprintf(w, `{"metric":{"id":"user-%d"},"values":[[1700000000.5,"1"],[1700000015.5,"2"]]}`, i); err != nil {
			return
		}
	}
}

// TestQueryFaults holds that what is wrong with a query comes back as the
// embedded database says it.
func TestQueryFaults(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		want       string
	}{
		{"wrong text", `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:5: parse error: unknown function with name \"up\""}`, 400, "query: unknown function with name \"up\"\n  sum(up)\n      ^"},
		{"wrong text of old", `{"status":"error","errorType":"bad_data","error":"1:5: parse error: no"}`, 400, "query: no\n  sum(up)\n      ^"},
		{"wrong text of VictoriaMetrics", `{"status":"error","errorType":"422","error":"unknown func \"sum\""}`, 422, "query: unknown func \"sum\"\n  sum(up)\n  ^"},
		{"refused", `{"status":"error","errorType":"execution","error":"many-to-many matching not allowed"}`, 422, "query sum(up): many-to-many matching not allowed"},
		{"refused with a good status", `{"status":"error","errorType":"execution","error":"many-to-many"}`, 200, "query sum(up): many-to-many"},
	}
	for _, tt := range tests {
		c := serve(t, Options{}, answer(tt.status, "application/json", tt.body))
		_, err := range1(t, c, `sum(up)`)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v; want %s", tt.name, err, tt.want)
		}
		_, wrong := errors.AsType[*engine.QueryError](err)
		_, refused := errors.AsType[*engine.EvaluationError](err)
		if wrong == refused {
			t.Errorf("%s gives %T", tt.name, err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := range1(t, client(t, s.URL, Options{Retries: -1}), "up")
	wantError(t, "a closed port", err, s.URL+"/api/v1/query_range: nothing listens there", "is Prometheus running")
	_, err = range1(t, client(t, "http://no-such-host.invalid:9090", Options{}), "up")
	wantError(t, "no host", err, "there is no host no-such-host.invalid", "name")
	c := serve(t, Options{}, answer(200, "", ""))
	_, err = range1(t, client(t, strings.Replace(c.URL(), "http", "https", 1), Options{Retries: -1}), "up")
	wantError(t, "no TLS", err, "does not speak TLS", "http://")
}

func TestAddresses(t *testing.T) {
	tests := []struct{ address, says, hint string }{
		{"", "address of Prometheus is empty", "http://127.0.0.1:9090"},
		{"localhost", "no URL with a scheme", "http://127.0.0.1:9090"},
		{"localhost:9090", "no URL with a scheme", "http://127.0.0.1:9090"},
		{"ftp://a", `scheme is "ftp"; want http or https`, ""},
		{"http://", "no host", ""},
		{"http://a:s3cret@b/x?token=s3cret", "http://b/x: the URL has a query", "options of their own"},
		{"http://u:s3cret@a:9090/prom/api/v1/query", "leads into the API", "http://a:9090/prom"},
		{"http://a:s3cret@[::1", "no URL", ""},
	}
	for _, tt := range tests {
		_, err := New(tt.address, Options{})
		wantError(t, "New("+tt.address+")", err, tt.says, tt.hint)
	}
	c := client(t, "https://u:s3cret@metrics.example/prometheus/", Options{})
	if c.URL() != "https://metrics.example/prometheus" || c.o.User != "u" || c.o.Password != "s3cret" {
		t.Errorf("URL() = %s with user %q", c.URL(), c.o.User)
	}
}

func TestOptions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	os.WriteFile(file, []byte("x"), 0o600)
	tests := []struct {
		o    Options
		says string
	}{
		{Options{BearerToken: "s3cret", BearerTokenFile: file}, "want one of them"},
		{Options{BearerToken: "s3cret", User: "u"}, "want one of them"},
		{Options{User: "u", Password: "s3cret", PasswordFile: file}, "want one of them"},
		{Options{Password: "s3cret"}, "without a user"},
		{Options{CertFile: file}, "want both files"},
		{Options{CAFile: file + "x"}, "read the authority's certificate"},
		{Options{BearerTokenFile: file + "x"}, "read the bearer token"},
		{Options{CAFile: file}, "CA"},
		{Options{Headers: map[string]string{"Authorization": "Bearer s3cret"}}, `header "Authorization" is not allowed`},
	}
	for _, tt := range tests {
		_, err := New("http://127.0.0.1:9090", tt.o)
		wantError(t, fmt.Sprintf("New with %+v", tt.o), err, tt.says, "")
	}
}

// TestTLS holds that each way in which TLS fails names its mend.
func TestTLS(t *testing.T) {
	ok := answer(200, "application/json", `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
	dir := t.TempDir()
	ca, caKey := certificate(t, dir, "ca", nil, nil)
	certificate(t, dir, "us", ca, caKey)
	s := httptest.NewUnstartedServer(ok)
	s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}
	s.TLS.ClientCAs.AddCert(ca)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	theirs := filepath.Join(dir, "theirs.pem")
	os.WriteFile(theirs, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600)
	us := Options{Retries: -1, CAFile: theirs, CertFile: filepath.Join(dir, "us.pem"), KeyFile: filepath.Join(dir, "us.key")}

	if _, err := range1(t, client(t, s.URL, us), "up"); err != nil {
		t.Errorf("with everything: %v", err)
	}
	blind := us
	blind.CAFile, blind.Insecure = "", true
	if _, err := range1(t, client(t, s.URL, blind), "up"); err != nil {
		t.Errorf("without a look at their certificate: %v", err)
	}
	tests := []struct {
		name       string
		change     func(*Options)
		says, hint string
	}{
		{"unknown authority", func(o *Options) { o.CAFile = "" }, "an authority that is not known here", "--ca-file"},
		{"no client certificate", func(o *Options) { o.CertFile, o.KeyFile = "", "" }, "refuses our side of TLS", "--cert-file"},
		{"other name", func(o *Options) { o.ServerName = "metrics.example" }, "is for another name", "--server-name"},
	}
	for _, tt := range tests {
		o := us
		tt.change(&o)
		_, err := range1(t, client(t, s.URL, o), "up")
		wantError(t, tt.name, err, tt.says, tt.hint)
	}
	_, err := range1(t, client(t, strings.Replace(s.URL, "https", "http", 1), Options{Retries: -1}), "up")
	wantError(t, "plain text to TLS", err, "speaks TLS", "https://")
}

// certificate writes NAME.pem and NAME.key, signed by a parent or by itself.
func certificate(t *testing.T, dir, name string, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: parent == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	der8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, name+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o600)
	os.WriteFile(filepath.Join(dir, name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der8}), 0o600)
	return cert, key
}

// TestCallerGivesUp holds that the caller's cause comes back, and not our
// own words.
func TestCallerGivesUp(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	c := serve(t, Options{}, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		cancel(cause)
		<-r.Context().Done()
	})
	if _, err := c.Range(ctx, "up", now, now, time.Second); err != cause { //nolint:errorlint // the cause itself, and no words of ours around it
		t.Errorf("Range of a caller who gives up: %v; want the cause", err)
	}
}
