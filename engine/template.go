package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

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
