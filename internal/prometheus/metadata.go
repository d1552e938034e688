package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"time"
)

// MetricNames returns the names of all metrics that have a sample between two
// instants, sorted; zero instants mean any time.
func (c *Client) MetricNames(ctx context.Context, from, to time.Time) ([]string, error) {
	return c.LabelValues(ctx, "__name__", "", from, to)
}

// LabelValues returns the values of a label, sorted, of the series that a
// selector picks ("" for all) and that have a sample between two instants.
func (c *Client) LabelValues(ctx context.Context, label, selector string, from, to time.Time) ([]string, error) {
	var out []string
	err := c.ask(ctx, request{
		path: "/api/v1/label/" + url.PathEscape(label) + "/values", form: c.between(selector, from, to), get: true,
		read: func(d *json.Decoder) error {
			out = nil
			return d.Decode(&out)
		},
	})
	return out, err
}

// Series returns the labels of the series that a selector picks and that have
// a sample between two instants, at most as many as an answer may have.
func (c *Client) Series(ctx context.Context, selector string, from, to time.Time) ([]map[string]string, error) {
	var out []map[string]string
	form := c.between(selector, from, to)
	form.Set("limit", strconv.Itoa(c.o.MaxSeries+1)) // old servers do not know it
	err := c.ask(ctx, request{path: "/api/v1/series", form: form, read: func(d *json.Decoder) error {
		out = nil
		if err := expect(d, '['); err != nil {
			return err
		}
		for d.More() {
			if len(out) >= c.o.MaxSeries {
				return errTooMany
			}
			var s map[string]string
			if err := d.Decode(&s); err != nil {
				return whole(err)
			}
			out = append(out, s)
		}
		return expect(d, ']')
	}})
	return out, err
}

func (c *Client) between(selector string, from, to time.Time) url.Values {
	form := url.Values{}
	if selector != "" {
		form.Set("match[]", selector)
	}
	if !from.IsZero() {
		form.Set("start", instant(from))
	}
	if !to.IsZero() {
		form.Set("end", instant(to))
	}
	return form
}

// Metadata is what an exporter says of a metric.
type Metadata struct {
	Type string // counter, gauge, histogram, summary; "unknown" when it does not say
	Help string
	Unit string
}

// Metadata returns what is said of the metrics by name. Where targets
// disagree the first one counts. Servers that keep none give an empty map.
func (c *Client) Metadata(ctx context.Context) (map[string]Metadata, error) {
	var all map[string][]Metadata
	err := c.ask(ctx, request{path: "/api/v1/metadata", get: true, form: url.Values{"limit_per_metric": {"1"}}, read: func(d *json.Decoder) error {
		all = nil
		return d.Decode(&all)
	}})
	if err != nil {
		return nil, err
	}
	out := make(map[string]Metadata, len(all))
	for name, said := range all {
		if len(said) > 0 {
			out[name] = said[0]
		}
	}
	return out, nil
}

// BuildInfo says which server answers.
type BuildInfo struct {
	Version  string
	Revision string // "" when it does not say
}

// BuildInfo asks which server answers. Not every kind of server knows.
func (c *Client) BuildInfo(ctx context.Context) (BuildInfo, error) {
	var out BuildInfo
	err := c.ask(ctx, request{path: "/api/v1/status/buildinfo", get: true, read: func(d *json.Decoder) error {
		out = BuildInfo{}
		return d.Decode(&out)
	}})
	return out, err
}

// ServerTime returns what time it is on the server, to about a second.
func (c *Client) ServerTime(ctx context.Context) (time.Time, error) {
	if _, err := c.Vector(ctx, "time()", time.Now()); err != nil {
		return time.Time{}, err
	}
	skew, ok := c.Skew()
	if !ok {
		return time.Time{}, &Error{URL: c.URL(), Msg: "the answers carry no date", Err: errors.New("there is no header Date"), hint: "a proxy takes it off; compare the clocks by hand"}
	}
	return time.Now().Add(skew), nil
}
