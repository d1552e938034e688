package prometheus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// An Error is a request that brought no answer: the server cannot be reached,
// refuses, takes too long, or answers what is not its API. A query that the
// data refuse is an [*engine.EvaluationError], one whose text is wrong an
// [*engine.QueryError].
type Error struct {
	URL    string // what was asked, without user, password and query
	Query  string // "" when no query was asked
	Msg    string // what is the matter
	Status int    // of the HTTP answer; 0 when there was none
	Err    error  // the cause; may be nil
	hint   string
	much   bool
}

// TooMuch says whether less of the same would have been answered: fewer
// series, or a shorter time.
func (e *Error) TooMuch() bool { return e.much }

// Error says which URL, what, and of which query.
func (e *Error) Error() string {
	if e.Query != "" {
		return e.Gist() + " (query " + shorten(e.Query, 200) + ")"
	}
	return e.Gist()
}

// Gist says which URL and what, without the query: where nothing is answered
// it does not matter which one was asked.
func (e *Error) Gist() string {
	var b strings.Builder
	b.WriteString("prometheus")
	if e.URL != "" {
		b.WriteString(" " + e.URL)
	}
	b.WriteString(": " + e.Msg)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint says the mend.
func (e *Error) Hint() string {
	if e.hint == "" {
		return "try the same request with curl; the log of the server may say more"
	}
	return e.hint
}

// shorten keeps the begin of a text and takes line breaks out.
func shorten(text string, most int) string {
	r := []rune(strings.Join(strings.Fields(text), " "))
	if len(r) <= most {
		return string(r)
	}
	return string(r[:most-1]) + "…"
}

// The limits that an answer may break.
var (
	errTooBig  = errors.New("the answer is too big")
	errTooMany = errors.New("the answer has too many series")
)

// A fault is why one try brought no answer, and whether another one may.
type fault struct {
	err   *Error
	again bool
	wait  time.Duration // the server asks for so long a pause; 0 when it says nothing
}

// unreached says why the server gave no answer at all.
func (c *Client) unreached(q request, err error, spent time.Duration) fault {
	if whole, ok := errors.AsType[*url.Error](err); ok { // it repeats method and URL
		err = whole.Err
	}
	e := &Error{URL: c.endpoint(q.path), Query: q.query(), Msg: "no answer", Err: err}
	if msg, hint, ok := tlsFault(err); ok {
		e.Msg, e.hint = msg, hint
		return fault{err: e}
	}
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Msg, e.Err = fmt.Sprintf("no answer within %s", spent.Round(time.Millisecond)), nil
		e.hint = "the server is slow or the query heavy: try it there, raise the timeout, or aggregate in a recording rule"
		return fault{err: e}
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Msg, e.Err = fmt.Sprintf("there is no host %s", c.base.Hostname()), nil
		e.hint = "is the name right, and known on this machine?"
		return fault{err: e}
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Msg, e.Err = "nothing listens there (connection refused)", nil
		e.hint = "is Prometheus running, and is this its address? In Kubernetes: kubectl port-forward svc/prometheus 9090"
	case strings.Contains(err.Error(), "malformed HTTP response"):
		e.Msg, e.hint = "the answer is no HTTP", "does the server speak TLS? Then the address begins with https://"
		return fault{err: e}
	default:
		e.hint = "is the server running, and reachable from this machine?"
	}
	return fault{err: e, again: true}
}

// tlsFault knows what goes wrong in setting up TLS.
func tlsFault(err error) (msg, hint string, ok bool) {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return "the server's certificate is signed by an authority that is not known here",
			"give the authority's certificate (--ca-file)", true
	case errors.As(err, &name):
		return "the server's certificate is for another name",
			"give the name in the certificate (--server-name), or the address by that name", true
	case errors.As(err, &invalid):
		return "the server's certificate is not valid", "renew it, or set the clock of this machine right", true
	case strings.Contains(err.Error(), "remote error: tls:"):
		return "the server refuses our side of TLS",
			"does it want a client certificate (--cert-file, --key-file), signed by an authority it trusts?", true
	case errors.As(err, &plain), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "the server does not speak TLS", "the address begins with http://, not https://", true
	case strings.Contains(err.Error(), "certificate"):
		return "TLS", "look at the certificates and keys of both sides", true
	}
	return "", "", false
}

// refused makes an error of an answer that is none of the API.
func (c *Client) refused(q request, resp *http.Response, body []byte) *Error {
	e := &Error{URL: c.endpoint(q.path), Query: q.query(), Status: resp.StatusCode, Msg: "HTTP " + resp.Status}
	if said := gist(resp.Header.Get("Content-Type"), body); said != "" {
		e.Err = errors.New(said)
	}
	switch code := resp.StatusCode; {
	case code >= 300 && code < 400:
		e.Msg = fmt.Sprintf("HTTP %s: it redirects to %s", resp.Status, redact(resp.Header.Get("Location")))
		e.Err = nil
		e.hint = "give the address that answers itself; a redirect to a login page means that credentials are missing"
	case code == http.StatusBadRequest && strings.Contains(string(body), "HTTP request to an HTTPS server"):
		e.Msg, e.Err, e.hint = "the server speaks TLS", nil, "the address begins with https://"
	case code == http.StatusUnauthorized:
		e.hint = "give credentials: a bearer token file, or a user with a password file"
	case code == http.StatusForbidden:
		e.hint = "these credentials may not query; ask who runs the server, or give another tenant (X-Scope-OrgID) or token"
	case code == http.StatusNotFound:
		e.hint = "is the API below another path? Give the address that /api/v1 follows, such as https://metrics.example/prometheus"
	case code == http.StatusTooManyRequests:
		e.hint = "the server limits how much is asked: ask fewer queries at once or less often, or raise its limit"
	case code == http.StatusRequestEntityTooLarge || code == http.StatusRequestURITooLong:
		e.hint = "the query is too long for the server or a proxy before it; shorten it"
	case code >= 500:
		e.hint = "the server or a proxy before it is in trouble; its log says more"
	}
	return e
}

// gist says in a few words what a body holds that is no JSON of the API.
func gist(contentType string, body []byte) string {
	text := strings.TrimSpace(string(body))
	if !strings.Contains(contentType, "html") && !strings.HasPrefix(text, "<") {
		return shorten(text, 200)
	}
	lower := strings.ToLower(text)
	if _, rest, ok := strings.Cut(lower, "<title>"); ok {
		title, _, _ := strings.Cut(rest, "</title>")
		at := len(lower) - len(rest)
		if at+len(title) <= len(text) {
			return fmt.Sprintf("an HTML page %q", shorten(text[at:at+len(title)], 80))
		}
	}
	return "an HTML page"
}

// unreadable says why an answer with a good status cannot be read.
func (c *Client) unreadable(q request, resp *http.Response, head []byte, err error) *Error {
	e := &Error{URL: c.endpoint(q.path), Query: q.query(), Status: resp.StatusCode, Err: err}
	switch {
	case errors.Is(err, errTooBig):
		e.much = true
		e.Msg, e.Err = fmt.Sprintf("the answer is longer than %d MiB", max(1, c.o.MaxBytes>>20)), nil
		e.hint = "aggregate in the query (sum by (pod) …), narrow the matchers, or raise the limit"
	case errors.Is(err, errTooMany):
		e.Msg, e.Err = fmt.Sprintf("the answer has more than %d series", c.o.MaxSeries), nil
		e.hint = "a label has too many values: aggregate it away in the query (sum by (pod) …), narrow the matchers, or raise the limit"
	case strings.Contains(resp.Header.Get("Content-Type"), "html"), strings.HasPrefix(strings.TrimSpace(string(head)), "<"):
		e.Msg, e.Err = "the answer is "+gist("html", head)+" and no JSON", nil
		e.hint = "this is a user interface or a login page: give the address of the API, and credentials where it wants them"
	default:
		e.Msg = "the answer is no JSON of the Prometheus API"
		e.hint = "is this the address of a Prometheus? An answer that is cut short may be the doing of a proxy"
	}
	return e
}
