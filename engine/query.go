package engine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/foreshock/foreshock/signal"
)

// A QueryError is a query that cannot be asked at all: its text is wrong, so
// no data will mend it.
type QueryError struct {
	Query  string
	Offset int // of the fault in Query, in bytes
	Msg    string
}

// Error returns the message, the query and a caret under the fault.
func (e *QueryError) Error() string {
	text, offset := e.Query, min(max(e.Offset, 0), len(e.Query))
	line := text[strings.LastIndexByte(text[:offset], '\n')+1:]
	column := offset - (len(text) - len(line))
	line, _, _ = strings.Cut(line, "\n")
	caret := strings.Repeat(" ", len([]rune(line[:min(column, len(line))])))
	return fmt.Sprintf("query: %s\n  %s\n  %s^", e.Msg, line, caret)
}

// Hint says how to mend the query.
func (e *QueryError) Hint() string {
	return "queries are PromQL with $service, $sel and $window; try the query in Prometheus with these filled in"
}

// An EvaluationError is a query that the data refuse at some instant, such
// as two series where one is wanted.
type EvaluationError struct {
	Query string
	Err   error
}

// Error says which query and why.
func (e *EvaluationError) Error() string { return fmt.Sprintf("query %s: %v", e.Query, e.Err) }

// Unwrap returns the cause.
func (e *EvaluationError) Unwrap() error { return e.Err }

// promQL parses what Prometheus parses by default.
var promQL = parser.NewParser(parser.Options{})

// ParseQuery parses PromQL. What looks ahead of its instant (the @ modifier
// and negative offsets) is refused, so that no reading depends on samples
// after it. Errors are [*QueryError].
func ParseQuery(query string) (parser.Expr, error) {
	expr, err := promQL.ParseExpr(query)
	if err != nil {
		return nil, syntaxError(query, err)
	}
	var ahead error
	refuse := func(offset int, what string) {
		if ahead == nil {
			ahead = &QueryError{Query: query, Offset: offset, Msg: what + " looks ahead of the frame; leave it out"}
		}
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			checkAhead(int(n.PosRange.Start), n.Timestamp != nil || n.StartOrEnd != 0, n.OriginalOffset < 0, refuse)
		case *parser.SubqueryExpr:
			checkAhead(int(n.Expr.PositionRange().Start), n.Timestamp != nil || n.StartOrEnd != 0, n.OriginalOffset < 0, refuse)
		}
		return nil
	})
	if ahead != nil {
		return nil, ahead
	}
	return expr, nil
}

func checkAhead(offset int, at, negative bool, refuse func(int, string)) {
	if at {
		refuse(offset, "the @ modifier")
	}
	if negative {
		refuse(offset, "a negative offset")
	}
}

// syntaxError turns the parser's error into one with a caret.
func syntaxError(query string, err error) error {
	var many parser.ParseErrors
	var one *parser.ParseErr
	switch {
	case errors.As(err, &many) && len(many) > 0:
		return &QueryError{Query: query, Offset: int(many[0].PositionRange.Start), Msg: many[0].Err.Error()}
	case errors.As(err, &one):
		return &QueryError{Query: query, Offset: int(one.PositionRange.Start), Msg: one.Err.Error()}
	}
	return &QueryError{Query: query, Msg: err.Error()}
}

// isRefused says whether it is the data that refuse a query.
func isRefused(err error) bool {
	var refused *EvaluationError
	return errors.As(err, &refused)
}

// stepwise asks a query frame by frame, when the data refuse it somewhere:
// what they refuse later must not take away what they answered before.
func (r *run) stepwise(ctx context.Context, query string, from, to time.Time) answer {
	out := answer{query: query}
	index := map[string]int{}
	for t := from; !t.After(to); t = t.Add(r.sys.Interval) {
		series, err := r.querier.Range(ctx, query, t, t, r.sys.Interval)
		if isRefused(err) {
			out.warnings = append(out.warnings, refused(err))
			continue
		}
		if err != nil {
			return answer{query: query, err: err}
		}
		for _, s := range series {
			k := key(s.Labels, names(s.Labels))
			at, ok := index[k]
			if !ok {
				at, index[k] = len(out.series), len(out.series)
				out.series = append(out.series, Series{Labels: s.Labels})
			}
			out.series[at].Samples = append(out.series[at].Samples, s.Samples...)
		}
	}
	return out
}

func refused(err error) signal.Warning {
	return signal.Warning{Code: "query-refused", Text: fmt.Sprintf("at some frames there is no answer to a query: %v", err)}
}

// windowIntervals is how many intervals $window spans: a rate over four
// scrapes still has two when two are lost.
const windowIntervals = 4

// variable finds $name in a template. $1 and ${name}, as label_replace knows
// them, are not ours.
var variable = regexp.MustCompile(`\$[A-Za-z_]\w*`)

var variables = []string{"$service", "$sel", "$window"}

// A binding says what the variables of a template stand for.
type binding struct {
	service  string
	selector string
	window   string
}

// window returns $window for frames an interval apart.
func window(interval time.Duration) string {
	return model.Duration(windowIntervals * interval).String()
}

// fill puts the values of the variables into a template.
func (b binding) fill(template string) string {
	return variable.ReplaceAllStringFunc(template, func(name string) string {
		switch name {
		case "$service":
			return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(b.service)
		case "$sel":
			return b.selector
		case "$window":
			return b.window
		}
		return name
	})
}

// example fills templates for checks that need no system.
var example = binding{service: "service", selector: `sel="sel"`, window: "4m"}

// uses says whether a template has the variable.
func uses(template, name string) bool {
	return slices.Contains(variable.FindAllString(template, -1), name)
}

// CheckTemplate says what is wrong with PromQL in $service, $sel and $window.
// Errors are [*QueryError].
func CheckTemplate(template string) error {
	for _, at := range variable.FindAllStringIndex(template, -1) {
		if name := template[at[0]:at[1]]; !slices.Contains(variables, name) {
			return &QueryError{Query: template, Offset: at[0], Msg: fmt.Sprintf("unknown variable %s; want one of %s", name, strings.Join(variables, ", "))}
		}
	}
	_, err := ParseQuery(example.fill(template))
	return err
}

// CheckSelector says what is wrong with label matchers, such as
// service="cart",version="v2". Errors are [*QueryError].
func CheckSelector(matchers string) error {
	query := "{" + matchers + "}"
	if _, err := promQL.ParseMetricSelector(query); err != nil {
		return syntaxError(query, err)
	}
	return nil
}

// SameSelector says whether two lists of label matchers select the same series,
// whatever their order. What cannot be read is the same as nothing.
func SameSelector(a, b string) bool {
	x, err := sorted(a)
	if err != nil {
		return false
	}
	y, err := sorted(b)
	return err == nil && slices.Equal(x, y)
}

func sorted(matchers string) ([]string, error) {
	ms, err := promQL.ParseMetricSelector("{" + matchers + "}")
	var out []string
	for _, m := range ms {
		out = append(out, m.String())
	}
	slices.Sort(out)
	return slices.Compact(out), err
}

// windowOf returns over how many frames a query looks back for one value: the
// longest range in it over the interval, at least 1. Values of neighbouring
// frames share what lies in both their windows.
func windowOf(template string, interval time.Duration) int {
	b := example
	b.window = window(interval)
	expr, err := ParseQuery(b.fill(template))
	if err != nil {
		return 1
	}
	longest := interval
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.MatrixSelector:
			longest = max(longest, n.Range)
		case *parser.SubqueryExpr:
			longest = max(longest, n.Range)
		}
		return nil
	})
	return int((longest + interval - 1) / interval)
}
