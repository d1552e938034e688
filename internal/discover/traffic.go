package discover

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/foreshock/foreshock/engine"
	"github.com/foreshock/foreshock/signal"
)

// A Release says whose share of traffic is wanted. Canary must be given, and
// one of the others.
type Release struct {
	Service                   string
	Canary, Control, Selector string // label matchers
	Interval                  time.Duration
	Signals                   []signal.Signal // none means those of the catalogue
}

// A Share is how it is measured how much of a service's traffic its canary serves.
type Share struct {
	Query    string // the share, 0 to 1; "" when it cannot be measured
	Requests string // of how many requests one answer counts the share
	Signal   string // the name of the signal that both are made of
}

// ShareOf returns how the share of a service's traffic that its canary serves is
// measured: by the first signal of traffic that has a value now.
func ShareOf(ctx context.Context, src engine.Querier, r Release, at time.Time) (Share, error) {
	signals := r.Signals
	if len(signals) == 0 {
		exporters, err := engine.Catalogue()
		if err != nil {
			return Share{}, err
		}
		for _, e := range exporters {
			signals = append(signals, e.Signals...)
		}
	}
	for _, s := range signals {
		if s.Kind != signal.Traffic || s.Unit.Dimension != signal.Rate || !strings.Contains(s.Query, "$sel") {
			continue
		}
		for _, m := range []string{r.Control, r.Canary, r.Selector} {
			if m == "" {
				continue
			}
			series, err := src.Range(ctx, "sum("+r.fill(s.Query, m)+") > 0", at, at, r.Interval)
			if err != nil {
				return Share{}, fmt.Errorf("look for traffic of %s: %w", r.Service, err)
			}
			if len(series) > 0 {
				return r.share(s), nil
			}
		}
	}
	return Share{}, nil
}

// windowed is how many frames a share is counted over.
const windowed = 4

// share divides the canary's traffic by that of both versions, or by that of
// the service where there is no control.
func (r Release) share(sig signal.Signal) Share {
	canary := "sum(" + r.fill(sig.Query, r.Canary) + ")"
	all := "sum(" + r.fill(sig.Query, r.Selector) + ")"
	if r.Control != "" {
		all = fmt.Sprintf("(%s + (sum(%s) or vector(0)))", canary, r.fill(sig.Query, r.Control))
	}
	scale := windowed * r.Interval.Seconds() * cmp.Or(sig.Unit.Scale, 1)
	return Share{Query: canary + " / " + all, Requests: fmt.Sprintf("%g * %s", scale, all), Signal: sig.Name}
}

// fill puts the values of the variables into a query.
func (r Release) fill(query, sel string) string {
	name := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(r.Service)
	return strings.NewReplacer("$service", name, "$sel", sel, "$window", model.Duration(windowed*r.Interval).String()).Replace(query)
}

// PresenceQuery returns a query that answers more than zero as soon as any
// metric of the signals has a series with these matchers.
func PresenceQuery(signals []signal.Signal, matchers string) (string, error) {
	names, err := Names(signals)
	if err != nil {
		return "", err
	}
	return "count(" + ofNames(names, matchers) + ")", nil
}
