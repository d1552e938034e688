package slo

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/foreshock/foreshock/engine"
)

// stand is a span that stands for $window while a query is parsed: nobody
// writes it.
const stand = "7357s"

// window is how Sloth's templates say it.
var window = regexp.MustCompile(`\{\{-?\s*\.window\s*-?\}\}`)

// template makes of a query of another tool one in $sel and $window: it is
// asked of one version, so that the matchers of the version go into every
// selector. Where the query is of raw counters, they are rated.
func (r *reader) template(n *yaml.Node, where, query string, raw bool) string {
	if r.Err != nil {
		return ""
	}
	text := window.ReplaceAllString(strings.TrimSpace(query), stand)
	switch {
	case strings.Contains(text, "{{"):
		r.Fail(n, "%s has a template other than {{.window}}; write it out", where)
		return ""
	case strings.Contains(text, "$"):
		r.Fail(n, "%s has a $; only {{.window}} stands for something", where)
		return ""
	}
	expr, err := engine.ParseQuery(text)
	if err != nil {
		r.Fail(n, "%s: %s", where, faultOf(err))
		return ""
	}
	edits := editsOf(expr, text, raw)
	for _, e := range slices.Backward(edits) {
		text = text[:e.at] + e.text + text[e.at:]
	}
	text = strings.ReplaceAll(text, stand, "$window")
	if err := engine.CheckTemplate(text); err != nil {
		r.Fail(n, "%s: %s", where, faultOf(err))
	}
	return text
}

// query makes a template of the query in a field, which must be given.
func (r *reader) query(o object, name string, raw bool) string {
	return r.template(o.At(name), o.Name(name), o.must(name), raw)
}

// faultOf leaves out the picture of a query's fault, in which other text
// stands than in the file.
func faultOf(err error) string {
	if q, ok := errors.AsType[*engine.QueryError](err); ok {
		return fmt.Sprintf("this is no PromQL: %s", strings.ReplaceAll(q.Msg, stand, "{{.window}}"))
	}
	return err.Error()
}

// An edit puts a text into another.
type edit struct {
	at   int // in bytes
	text string
}

// editsOf returns what is to be put into the text of an expression, in the
// order of the places.
func editsOf(expr parser.Expr, text string, raw bool) []edit {
	var out []edit
	parser.Inspect(expr, func(n parser.Node, path []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		from, to := int(s.PosRange.Start), int(s.PosRange.End)
		ranged := false
		if len(path) > 0 {
			_, ranged = path[len(path)-1].(*parser.MatrixSelector)
		}
		if raw && !ranged {
			out = append(out, edit{from, "rate("})
		}
		put, end := matchersIn(text[from:to])
		out = append(out, edit{from + put.at, put.text})
		if raw && !ranged {
			out = append(out, edit{from + end, "[" + stand + "]"}, edit{to, ")"})
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b edit) int { return cmp.Compare(a.at, b.at) })
	return out
}

// matchersIn puts $sel into a selector, and says where its matchers end.
func matchersIn(selector string) (put edit, end int) {
	open := brace(selector)
	if open < 0 {
		name := len(metric.FindString(selector))
		return edit{name, "{$sel}"}, name
	}
	closing := open + max(1, strings.LastIndexByte(selector[open:], '}'))
	inside := strings.TrimSpace(selector[open+1 : closing])
	if inside == "" || strings.HasSuffix(inside, ",") {
		return edit{closing, "$sel"}, closing + 1
	}
	return edit{closing, ",$sel"}, closing + 1
}

// metric is the name at the begin of a selector.
var metric = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*`)

// brace returns where the matchers of a selector begin, −1 where it has none.
func brace(selector string) int {
	name := metric.FindString(selector)
	rest := strings.TrimLeft(selector[len(name):], " \t\n\r")
	if !strings.HasPrefix(rest, "{") {
		return -1
	}
	return len(selector) - len(rest)
}

// sum makes one number of what may be several series, with labels that do not
// match those of another query.
func sum(query string) string { return "sum(" + query + ")" }

// failing divides what fails by all. Where nothing has failed yet there may
// be no series of failures, which is none and not unknown.
func failing(bad, total string) string {
	return fmt.Sprintf("((%s) or 0 * (%s)) / (%s)", bad, total, total)
}

// rest is what is left of all where the good is divided by it.
func rest(good, total string) string { return fmt.Sprintf("1 - (%s) / (%s)", good, total) }
