package cli

import (
	_ "embed"
	"html/template"
	"regexp"
	"strings"
	"sync"

	"github.com/foreshock/foreshock/release"
)

//go:embed why.html.tmpl
var whyPage string

var whyTemplate = sync.OnceValues(func() (*template.Template, error) {
	return template.New("why").Funcs(template.FuncMap{"linked": linked}).Parse(whyPage)
})

// firstCharts is how many charts stand on the first screen.
const firstCharts = 3

// A sheet is what the page shows.
type sheet struct {
	account
	Span, Icon, Sure string
	Moments          []moment
	First, More      []drawing
	Steps            []taken
	Heads            []head
	Parts            []section
	Asked            []asked
}

type moment struct {
	Clock, Kind, Text, Class string
	Divide                   bool // what follows was seen later
}

type taken struct {
	Clock, Weight, Verdict string
	Values                 []string
	Later                  bool
}

type head struct {
	Name      string
	Reference int
}

type section struct {
	ID, Title, Note string
	Items           []entry
}

type entry struct{ Label, Text string }

type asked struct {
	release.Reference
	Queries []entry
}

// whyHTML sets an explanation as one page that needs nothing else.
func whyHTML(ex release.Explanation) (string, error) {
	t, err := whyTemplate()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, sheetOf(accountOf(ex)))
	return b.String(), err
}

func sheetOf(e account) sheet {
	s := sheet{account: e, Span: e.span(), Icon: pictured(e.Verdict), Sure: e.certainty(), Moments: e.moments(), Steps: e.taken()}
	for i, c := range e.Charts {
		if d := e.draw(c); i < firstCharts {
			s.First = append(s.First, d)
		} else {
			s.More = append(s.More, d)
		}
	}
	for _, c := range e.Columns {
		s.Heads = append(s.Heads, head{c.Name, c.Reference})
	}
	for _, p := range e.parts() {
		x := section{ID: p.id, Title: p.title, Note: p.note}
		for _, i := range p.items {
			x.Items = append(x.Items, entry{i.label, i.text})
		}
		s.Parts = append(s.Parts, x)
	}
	for _, r := range e.References {
		x := asked{Reference: r}
		for _, q := range queries(r) {
			x.Queries = append(x.Queries, entry{q.label, q.text})
		}
		s.Asked = append(s.Asked, x)
	}
	return s
}

func (e account) moments() []moment {
	var out []moment
	later := e.quiet()
	for _, m := range e.Timeline {
		x := moment{Clock: e.at(m.At), Kind: m.Kind, Text: m.Text, Divide: m.Later && !later}
		later = later || m.Later
		if m.Kind == "verdict" {
			word, _, _ := strings.Cut(m.Text, " ")
			x.Class = strings.ToLower(strings.TrimSuffix(word, ":"))
		}
		out = append(out, x)
	}
	return out
}

func (e account) taken() []taken {
	var out []taken
	for _, s := range e.Stages {
		t := taken{Clock: e.at(s.At), Weight: percent(float64(s.Weight)) + " %", Verdict: s.Verdict, Later: s.Later && !e.quiet()}
		for _, v := range s.Values {
			t.Values = append(t.Values, v.Text)
		}
		out = append(out, t)
	}
	return out
}

var mention = regexp.MustCompile(`\[(\d+)\]`)

// linked makes references of a text to links; all else in it is escaped.
func linked(text string) template.HTML {
	safe := template.HTMLEscapeString(strings.ReplaceAll(text, " %", "\u00a0%"))
	return template.HTML(mention.ReplaceAllString(safe, `<a class="ref" href="#q$1">[$1]</a>`)) //nolint:gosec // it was escaped
}
