package discover

import (
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

// ShareQuery returns a query for the share of a service's traffic, 0 to 1,
// that its canary serves, and the name of the signal that it is made of: the
// first one of traffic that has a value now. Both are "" when none has.
func ShareQuery(ctx context.Context, src engine.Querier, r Release, at time.Time) (query, name string, err error) {
	signals := r.Signals
	if len(signals) == 0 {
		exporters, err := engine.Catalogue()
		if err != nil {
			return "", "", err
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
				return "", "", fmt.Errorf("look for traffic of %s: %w", r.Service, err)
			}
			if len(series) > 0 {
				return r.share(s.Query), s.Name, nil
			}
		}
	}
	return "", "", nil
}

// share divides the canary's traffic by that of both versions, or by that of
// the service where there is no control.
func (r Release) share(query string) string {
	canary := "sum(" + r.fill(query, r.Canary) + ")"
	if r.Control == "" {
		return canary + " / sum(" + r.fill(query, r.Selector) + ")"
	}
	return fmt.Sprintf("%s / (%s + (sum(%s) or vector(0)))", canary, canary, r.fill(query, r.Control))
}

// fill puts the values of the variables into a query.
func (r Release) fill(query, sel string) string {
	name := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(r.Service)
	return strings.NewReplacer("$service", name, "$sel", sel, "$window", model.Duration(4*r.Interval).String()).Replace(query)
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
