package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/foreshock/foreshock/engine"
)

// maxPoints is how many instants are asked at once: Prometheus answers no
// more than 11,000.
const maxPoints = 10_000

// Range answers a query at from, from+step, … to, as [engine.Querier] wants
// it: series in the order of their labels. A range of one instant is asked as
// an instant query. A query whose text is wrong gives [*engine.QueryError],
// one that the data refuse [*engine.EvaluationError], anything else [*Error].
func (c *Client) Range(ctx context.Context, query string, from, to time.Time, step time.Duration) ([]engine.Series, error) {
	expr, err := engine.ParseQuery(query)
	if err != nil {
		return nil, err
	}
	if t := expr.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeScalar {
		return nil, &engine.QueryError{Query: query, Msg: fmt.Sprintf("invalid expression type %q for range query, must be Scalar or instant Vector", parser.DocumentedType(t))}
	}
	if step < time.Millisecond || to.Before(from) {
		return nil, fmt.Errorf("query from %s to %s every %s; want a step of at least 1ms and an end after the start", from.Format(time.RFC3339), to.Format(time.RFC3339), step)
	}
	if to.Sub(from) < step {
		return c.series(ctx, "/api/v1/query", c.form(query, step, "time", instant(from)))
	}
	var out []engine.Series
	for !from.After(to) {
		end := to
		if last := from.Add((maxPoints - 1) * step); last.Before(to) {
			end = last
		}
		part, err := c.series(ctx, "/api/v1/query_range", c.form(query, step, "start", instant(from), "end", instant(end)))
		if err != nil {
			return nil, err
		}
		out = join(out, part)
		from = end.Add(step)
	}
	return out, nil
}

// Raw returns the samples of a selector as they were scraped, those after
// at−window up to and including at. A server of version 2 counts a sample at
// at−window as well.
func (c *Client) Raw(ctx context.Context, selector string, at time.Time, window time.Duration) ([]engine.Series, error) {
	query := selector + "[" + strconv.FormatInt(window.Milliseconds(), 10) + "ms]"
	return c.series(ctx, "/api/v1/query", c.form(query, window, "time", instant(at)))
}

// Vector answers a query at one instant. Unlike [Client.Range] it does not
// look at the text first, so it may be in a dialect of the server.
func (c *Client) Vector(ctx context.Context, query string, at time.Time) ([]engine.Series, error) {
	return c.series(ctx, "/api/v1/query", c.form(query, 0, "time", instant(at)))
}

// form makes the parameters of a query. Servers ignore what they do not know.
func (c *Client) form(query string, step time.Duration, more ...string) url.Values {
	form := url.Values{"query": {query}, "timeout": {seconds(c.o.Timeout)}}
	if step > 0 {
		form.Set("step", seconds(step))
	}
	if c.o.LookBack > 0 {
		form.Set("lookback_delta", seconds(c.o.LookBack))
		form.Set("max_lookback", seconds(c.o.LookBack)) // VictoriaMetrics' word for it
	}
	form.Set("nocache", "1") // VictoriaMetrics would round the instants, and hide the last 30 s
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// instant writes a time in seconds, to the millisecond.
func instant(t time.Time) string {
	ms := t.UnixMilli()
	return strconv.FormatInt(ms/1000, 10) + fmt.Sprintf(".%03d", ms%1000)
}

// seconds writes a span in seconds, to the millisecond.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Milliseconds())/1000, 'f', -1, 64)
}

func (c *Client) series(ctx context.Context, path string, form url.Values) ([]engine.Series, error) {
	var out []engine.Series
	err := c.ask(ctx, request{path: path, form: form, read: func(d *json.Decoder) error {
		return readSeries(d, c.o.MaxSeries, &out)
	}})
	if err != nil {
		return nil, err
	}
	inOrder(out)
	return out, nil
}

// join appends the samples of later series to the same earlier ones.
func join(before, after []engine.Series) []engine.Series {
	if len(before) == 0 {
		return after
	}
	at := make(map[string]int, len(before))
	for i, s := range before {
		at[labels.FromMap(s.Labels).String()] = i
	}
	for _, s := range after {
		if i, ok := at[labels.FromMap(s.Labels).String()]; ok {
			before[i].Samples = append(before[i].Samples, s.Samples...)
			continue
		}
		before = append(before, s)
	}
	inOrder(before)
	return before
}

// complaint makes an error of what the API says is wrong.
func (c *Client) complaint(q request, resp *http.Response, env envelope) error {
	text := q.query()
	e := &Error{URL: c.endpoint(q.path), Query: text, Status: resp.StatusCode, Msg: "the server says", Err: errors.New(shorten(env.Error, 400))}
	bad := env.ErrorType == "bad_data" || resp.StatusCode == http.StatusBadRequest
	execution := env.ErrorType == "execution" || resp.StatusCode == http.StatusUnprocessableEntity
	switch {
	case tooMuch.MatchString(env.Error):
		e.Msg, e.much = "the query touches too much", true
		e.hint = "ask for fewer series or a shorter window, or raise the limit of the server"
		return e
	case text != "" && (bad || unknownWords.MatchString(env.Error)) && !otherParameter(env.Error):
		msg, offset := position(text, env.Error)
		return &engine.QueryError{Query: text, Offset: offset, Msg: msg}
	case text != "" && execution:
		return &engine.EvaluationError{Query: text, Err: errors.New(env.Error)}
	case env.ErrorType == "timeout" || env.ErrorType == "canceled":
		e.Msg = "the server gave the query up"
		e.hint = "the query is heavy: ask for fewer series or a shorter window, or raise the timeout here and of the server"
		return e // another try would take as long
	}
	return c.fault(resp, e)
}

// unknownWords are how servers that answer 422 to everything say that the
// text of a query is wrong.
var unknownWords = regexp.MustCompile(`(?i)unknown func|unsupported function|cannot parse|parse error`)

// tooMuch is how Prometheus, Mimir and VictoriaMetrics say that a query
// touches more than they allow.
var tooMuch = regexp.MustCompile(`too many (samples|chunks)|exceeded the (maximum|max) |max number of|cannot select more than|timeseries exceeds`)

// otherParameter says whether the fault is in another parameter than the
// query.
func otherParameter(msg string) bool {
	return strings.Contains(msg, "invalid parameter") && !strings.Contains(msg, `invalid parameter "query"`)
}

// place is how Prometheus says where a fault is: line and column.
var place = regexp.MustCompile(`^(\d+):(\d+): (?:parse error: )?`)

// position takes the place off a message and makes an offset into the query
// of it.
func position(query, msg string) (string, int) {
	msg = strings.TrimPrefix(msg, `invalid parameter "query": `)
	at := place.FindStringSubmatch(msg)
	if at == nil {
		return msg, 0
	}
	line, _ := strconv.Atoi(at[1])
	column, _ := strconv.Atoi(at[2])
	offset := 0
	for range line - 1 {
		next := strings.IndexByte(query[offset:], '\n')
		if next < 0 {
			break
		}
		offset += next + 1
	}
	return strings.TrimPrefix(msg, at[0]), min(max(0, offset+column-1), len(query))
}
