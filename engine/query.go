package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
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
