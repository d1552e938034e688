package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A request is what is asked of one endpoint.
type request struct {
	path string // below the address: /api/v1/query
	form url.Values
	get  bool // the endpoint knows no POST
	// read takes the data of the answer. It begins anew at every try.
	read func(*json.Decoder) error
}

func (q request) query() string { return q.form.Get("query") }

// endpoint returns the URL of a path of the API, without its parameters.
func (c *Client) endpoint(path string) string { return c.base.String() + path }

// The pauses between tries: they double from the first one to the longest,
// and each is a random part of that, so that many clients do not come back
// together.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 5 * time.Second
)

// pause returns how long to wait after the failed try n = 0, 1, …: between a
// half and the whole of firstPause·2ⁿ.
func pause(n int) time.Duration {
	whole := min(longestPause, firstPause<<min(n, 10))
	return whole/2 + time.Duration(rand.Int64N(int64(whole/2))) //nolint:forbidigo // a pause decides no result, and clients must not agree on it
}

// ask sends a request until it is answered, the answer is final, or the time
// is up. When the caller has given up its cause is returned.
func (c *Client) ask(caller context.Context, q request) error {
	ctx, cancel := context.WithTimeout(caller, c.o.Timeout)
	defer cancel()
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		if caller.Err() != nil {
			return context.Cause(caller)
		}
		return &Error{URL: c.endpoint(q.path), Query: q.query(), Msg: fmt.Sprintf("not sent within %s: %d requests were under way", c.o.Timeout, c.o.Parallel), hint: "ask less often, or allow more requests at once or a longer time"}
	}
	start := time.Now()
	for n := 0; ; n++ {
		err := c.try(ctx, q, start)
		var f *fault
		switch {
		case err == nil:
			return nil
		case caller.Err() != nil:
			return context.Cause(caller)
		case !errors.As(err, &f):
			return err
		case !f.again || n >= c.o.Retries:
			return f.after(n + 1)
		}
		wait := max(pause(n), f.wait)
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
			return f.after(n + 1)
		}
		c.log.WarnContext(ctx, "query is tried again", "url", f.err.URL, "err", f.err, "in", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// Error makes a fault an error of a try.
func (f *fault) Error() string { return f.err.Error() }

// after returns the error of so many tries.
func (f *fault) after(tries int) error {
	if tries > 1 {
		f.err.Msg += fmt.Sprintf(" (%d tries)", tries)
	}
	if f.wait > 0 && f.err.Status == http.StatusTooManyRequests {
		f.err.Msg += fmt.Sprintf("; it asks for a pause of %s", f.wait)
	}
	return f.err
}

// try sends a request once. An error that is no *fault is final.
func (c *Client) try(ctx context.Context, q request, start time.Time) error {
	sent := time.Now()
	resp, err := c.send(ctx, q)
	if err != nil {
		f := c.unreached(q, err, time.Since(start))
		return &f
	}
	defer resp.Body.Close()
	c.clock(resp.Header.Get("Date"), sent, time.Now())
	if resp.StatusCode/100 != 2 {
		return c.unsuccessful(q, resp)
	}
	body := &bounded{r: resp.Body, left: c.o.MaxBytes}
	env, err := decode(json.NewDecoder(body), q.read)
	c.remark(env)
	switch {
	case err == nil && env.Status == "error":
		return c.complaint(q, resp, env)
	case err == nil:
		return nil
	case ctx.Err() != nil:
		f := c.unreached(q, ctx.Err(), time.Since(start))
		return &f
	case body.broken != nil:
		f := c.unreached(q, body.broken, time.Since(start))
		return &f
	}
	return c.unreadable(q, resp, body.head, err)
}

// send sends a request by POST, or by GET where that is refused.
func (c *Client) send(ctx context.Context, q request) (*http.Response, error) {
	if !q.get && !c.byGet.Load() {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(q.path), strings.NewReader(q.form.Encode()))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := c.http.Do(req)
		if err != nil || !refusesPost(resp.StatusCode) {
			return resp, err
		}
		resp.Body.Close()
	}
	target := c.endpoint(q.path)
	if len(q.form) > 0 {
		target += "?" + q.form.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err == nil && !q.get && resp.StatusCode/100 == 2 {
		c.byGet.Store(true)
	}
	return resp, err
}

// refusesPost says whether a server or a proxy may let GET through where it
// refused POST.
func refusesPost(status int) bool {
	return status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented || status == http.StatusForbidden
}

// maxRefusal is how much is read of an answer that says no.
const maxRefusal = 64 << 10

// unsuccessful makes an error of an answer whose status is not 2xx.
func (c *Client) unsuccessful(q request, resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	env, err := decode(json.NewDecoder(bytes.NewReader(body)), skip)
	refusal := resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden
	switch {
	case err == nil && env.Error != "" && refusal: // a proxy may say so in JSON too
		body = []byte(env.Error)
	case err == nil && env.Error != "":
		return c.complaint(q, resp, env)
	}
	return c.fault(resp, c.refused(q, resp, body))
}

// fault says whether another try is of use.
func (c *Client) fault(resp *http.Response, e *Error) error {
	code := resp.StatusCode
	again := code == http.StatusTooManyRequests || code >= 500 && code != http.StatusNotImplemented
	return &fault{err: e, again: again, wait: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
}

// retryAfter reads how long a server asks to be left alone: seconds, or a
// date; 0 when it says nothing that can be read.
func retryAfter(value string, now time.Time) time.Duration {
	if s, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(s, 0), 3600)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// bounded reads at most so much, and remembers the begin, and how the
// connection broke.
type bounded struct {
	r      io.Reader
	left   int64
	head   []byte
	broken error
}

const headSize = 4 << 10

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooBig
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if room := headSize - len(b.head); room > 0 {
		b.head = append(b.head, p[:min(n, room)]...)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.broken = err
	}
	return n, err
}
